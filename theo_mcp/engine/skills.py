"""Stage two: what the model is told before the prompt. Skills come here later; for now it is persona and mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from theo_mcp.backend import Caller
from theo_mcp.engine.words import ResolvedMode
from theo_mcp.settings import Settings
from theo_mcp.wire.completions import CompletionRequest, InlineTool, Persona
from theo_mcp.wire.openai import ChatMessage
from theo_mcp.wire.parts import ActiveSkill

PERSONA: Final = "You are Theo, a careful and friendly assistant."
INSTRUCTIONS: Final[dict[ResolvedMode, str]] = {
    "fast": "Answer directly and briefly.",
    "think": "Think the question through step by step, then give the answer.",
    "code": "Write correct, complete code. Put the code in one fenced block with its language. "
    "Keep explanations short.",
    "roast": "Answer with dry, good-natured humour, and still be right.",
}


@dataclass(frozen=True)
class Prepared:
    """What the model is asked, and what its skills bring along."""

    messages: tuple[ChatMessage, ...]
    active: tuple[ActiveSkill, ...] = ()
    tools: tuple[InlineTool, ...] = ()
    allowed: tuple[str, ...] = ()
    """The built-in tools that the skills ask for, by name."""
    model: str = ""
    """The engine or model that the first skill with a preference prefers."""
    notices: tuple[str, ...] = ()


class Shelf:
    """The skills of one engine."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def prepare(self, request: CompletionRequest, mode: ResolvedMode, caller: Caller) -> Prepared:
        """The chat: system text, inline history, prompt. The persona ``none`` means no system text at all."""
        return Prepared(messages(request, mode))


def messages(request: CompletionRequest, mode: ResolvedMode) -> tuple[ChatMessage, ...]:
    """The chat of a request without skills."""
    history = request.conversation.messages if request.conversation else ()
    return (
        *_system(request.persona, mode),
        *(ChatMessage(role=turn.role, content=turn.content) for turn in history),
        ChatMessage(role="user", content=request.prompt),
    )


def _system(persona: object, mode: ResolvedMode) -> tuple[ChatMessage, ...]:
    if persona == "none":
        return ()
    if isinstance(persona, Persona):
        text = f"{persona.system_prompt}\n{INSTRUCTIONS.get(mode, '')}"
    elif mode == "code":
        text = INSTRUCTIONS.get(mode, "")  # a name in front makes a small model talk about itself instead of the code
    else:
        text = f"{PERSONA} {INSTRUCTIONS.get(mode, '')}"
    return (ChatMessage(role="system", content=text),)
