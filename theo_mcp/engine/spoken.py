"""Reads an answer that is spoken as a JSON object ``{"action", "arguments", "answer"}`` while it comes.

The text of the answer is given out as it arrives; the rest is known at the end. Words or a fence before the object are
passed over, as models without a schema write them.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from theo_mcp.wire.model import read_json, scrubbed_json, text_of
from theo_mcp.wire.pairs import Pairs

ANSWER = "answer"
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True)
class Said:
    """The object, once it is whole."""

    action: str
    arguments: JsonValue
    answer: str


class Spoken:
    """Feed it the pieces of the text in order."""

    def __init__(self) -> None:
        self._raw: list[str] = []
        self._depth = 0  # 1 is inside the object itself
        self._in_string = False
        self._escape: str | None = None  # what has come of an escape
        self._expects_key = True
        self._string: list[str] = []  # of a key or of the action
        self._key = ""
        self._action: str | None = None
        self._held: list[str] = []  # an answer that came before its action
        self._pairs = Pairs()
        self._ended = False
        self.answered = False
        """Whether any text was given out."""
        self.called = False
        """Whether a tool and its arguments are known, although the model goes on: small ones then make up an answer."""

    def feed(self, piece: str) -> str:
        """The text of the answer in `piece`."""
        out: list[str] = []
        for character in piece:
            if not self._ended and (self._depth or character == "{"):
                self._raw.append(character)
                self._take(character, out)
        text = self._pairs.feed("".join(out)) if out else ""
        self.answered = self.answered or bool(text)
        return text

    def rest(self) -> str:
        """What is left of the text when no piece follows."""
        return self._pairs.rest()

    def said(self) -> Said | None:
        """The object; None if what came is none, or says neither what to do nor an answer."""
        try:
            fields = scrubbed_json(read_json("".join(self._raw)))
        except ValueError:
            return None
        if not isinstance(fields, dict):
            return None
        action = fields.get("action", ANSWER if ANSWER in fields else None)
        answer = text_of(fields.get(ANSWER))
        if not isinstance(action, str) or not action or (action == ANSWER and not answer.strip()):
            return None
        return Said(action, fields.get("arguments", {}), answer)

    def _take(self, character: str, out: list[str]) -> None:
        if self._in_string:
            self._take_in_string(character, out)
        elif character == '"':
            self._in_string = True
            self._string = []
        elif character in "{[":
            self._depth += 1
        elif character in "}]":
            self._depth -= 1
            self._ended = self._depth == 0
        elif self._depth == 1 and character == ":":
            self._expects_key = False
        elif self._depth == 1 and character == ",":
            self._expects_key = True
            if self._key == "arguments" and self._action not in (None, ANSWER):
                self.called = self._ended = True
                self._raw[-1] = "}"

    def _take_in_string(self, character: str, out: list[str]) -> None:
        if self._escape is not None:
            self._escape += character
            if self._escape[0] != "u":
                self._put(_ESCAPES.get(character, character), out)
            elif len(self._escape) < 5:
                return
            else:
                self._put(_unit(self._escape[1:]), out)
            self._escape = None
        elif character == "\\":
            self._escape = ""
        elif character == '"':
            self._in_string = False
            self._close(out)
        else:
            self._put(character, out)

    def _put(self, character: str, out: list[str]) -> None:
        if self._depth != 1:
            return
        if self._expects_key or self._key != ANSWER:
            self._string.append(character)
        elif self._action == ANSWER:
            out.append(character)
        elif self._action is None:
            self._held.append(character)

    def _close(self, out: list[str]) -> None:
        if self._depth != 1:
            return
        if self._expects_key:
            self._key = "".join(self._string)
        elif self._key == "action":
            self._action = "".join(self._string)
            if self._action == ANSWER:
                out += self._held
            self._held = []


def _unit(digits: str) -> str:
    try:
        return chr(int(digits, 16))
    except ValueError:
        return "\ufffd"
