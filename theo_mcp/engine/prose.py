"""Small pieces of prose, one question each: what the built-in model can do. Structure, facts and numbers are not asked
of it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from theo_mcp.backend import Observe
from theo_mcp.engine import brief, counting, loop
from theo_mcp.engine.routing import Route
from theo_mcp.wire.openai import ChatMessage, ChatUsage

_SYSTEM: Final = "You write short, friendly texts. Answer with the text alone."
_TOKENS: Final = 80
_LONGEST: Final = 1000  # what a model in a loop adds beyond that is no text
_COMMON: Final = (
    "create make build write design show with that this your have page website email letter form table dashboard chart "
    "about landing cards card section short simple friendly please from into them they what will would should"
)
_SENTENCE: Final = re.compile(r"[^.!?]*\w[^.!?]*[.!?](?=\s|$)")
_TALK: Final = re.compile(
    r"\b(?:as an ai|language model|i'm sorry|i cannot|i can't|here (?:is|are)|sure|i|i'm|i've|my|me)\b", re.I
)


class Prose:
    """Asks one model for one thing after the other, and counts its tokens."""

    def __init__(self, way: Route, prompt: str, observe: Observe | None = None) -> None:
        self._way = replace(way, max_tokens=_TOKENS)
        self._prompt = prompt
        self._observe = observe
        self._counted: list[ChatUsage] = []
        self.notices: list[str] = []
        """What the user should know of how they were filled."""

    @property
    def usage(self) -> ChatUsage:
        """The tokens of all that was asked."""
        return counting.total(self._counted)

    async def sentence(self, what: str, question: str, *, about: str = "", longest: int = 220) -> str:
        """One whole sentence, or an empty string: one with a number that the prompt has not is left out, and so is
        talk about the answer itself, and one without a word of `about`, or else of the prompt, or that only says the
        question again. `what` is told to whoever watches."""
        if self._observe is not None:
            self._observe(f"writing the {what}")
        wanted = ", ".join(_told(about)[:3] or _told(self._prompt)[:3])
        for asked in (question, f"{question} Use these words: {wanted}."):
            if line := await self._line(asked, about, longest):
                return line
        return ""

    async def _line(self, question: str, about: str, longest: int) -> str:
        chat = (ChatMessage(role="system", content=_SYSTEM), ChatMessage(role="user", content=question))
        step = await loop.whole(self._way, chat, observe=self._observe)
        self._counted.append(step.usage)
        text = re.sub(r"[*_#`<>]|https?://\S*", "", " ".join(step.text[:_LONGEST].split())).strip("\"'“” ")
        for found in _SENTENCE.findall(text):
            line: str = found.strip("\"'“” ")
            if (
                len(line) <= longest
                and not brief.invents(line, self._prompt)
                and not _TALK.search(line)
                and self._fits(line, question, about)
            ):
                return line
        return ""

    def _fits(self, line: str, question: str, about: str) -> bool:
        """Whether `line` has a word of what it should be about, by its stem, and says something new."""
        if line.rstrip(".!?").casefold() in question.casefold():
            return False
        wanted = _stems(about) - _stems(_COMMON) or _stems(self._prompt) - _stems(_COMMON)
        return not wanted or bool(wanted & _stems(line))


def _told(text: str) -> list[str]:
    """The words of `text` that say what it is about."""
    common = _stems(_COMMON)
    return [word for word in re.findall(r"[^\W\d_]{4,}", text) if word.casefold()[:5] not in common]


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"[^\W\d_]{4,}", text.casefold())}
