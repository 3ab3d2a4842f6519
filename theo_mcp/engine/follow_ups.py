"""The next prompts that an answer suggests: by rule, which costs nothing, or by the model that answered.

Each prompt stands alone: whoever sends it need not send the conversation along.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pydantic import JsonValue

from theo_mcp.engine import loop
from theo_mcp.engine.routing import Route
from theo_mcp.engine.words import ResolvedMode
from theo_mcp.errors import TheoError
from theo_mcp.wire.model import read_json
from theo_mcp.wire.openai import ChatMessage, ChatUsage
from theo_mcp.wire.parts import FollowUp

Wish: TypeAlias = Literal["rule", "model", "off"]

_TASK_CHARS = 200
_ANSWER_CHARS = 4000
_MOST = 3
_RULES: Final[dict[ResolvedMode, tuple[tuple[str, str], ...]]] = {
    "fast": (
        ("Go deeper", "Explain in more depth: {task}"),
        ("Show an example", "Give a concrete example for: {task}"),
    ),
    "think": (
        ("Name the assumptions", "Which assumptions does an answer to this rest on, and which is the weakest? {task}"),
        ("Argue against it", "Make the strongest case against the obvious answer to: {task}"),
    ),
    "code": (
        ("Write tests", "Write {tests} for the code of this task: {task}"),
        ("Explain it", "Explain, step by step, how code for this task works: {task}"),
    ),
}
_TESTS: Final = {
    "python": "pytest tests",
    "javascript": "Jest tests",
    "typescript": "Jest tests",
    "go": "table-driven tests",
}
_SCHEMA: Final[dict[str, JsonValue]] = {
    "type": "object",
    "properties": {
        "follow_ups": {
            "type": "array",
            "maxItems": _MOST,
            "items": {
                "type": "object",
                "properties": {
                    "label": {"type": "string", "maxLength": 40},
                    "prompt": {"type": "string", "maxLength": 200},
                },
                "required": ["label", "prompt"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["follow_ups"],
    "additionalProperties": False,
}
_ASK: Final = (
    "Suggest up to three next prompts that this person may want to send. Each prompt must be understood without the "
    'text above. Answer as JSON: {"follow_ups": [{"label": "two to four words", "prompt": "…"}]}'
)


@dataclass(frozen=True)
class Suggested:
    """The follow-ups, who made them (``rule``, ``model`` or nobody), and what that took."""

    follow_ups: tuple[FollowUp, ...] = ()
    by: str = ""
    usage: tuple[ChatUsage, ...] = ()
    """Of each question to the model, also of one whose answer was of no use."""


async def suggest(prompt: str, answer: str, mode: ResolvedMode, language: str, way: Route, wish: Wish) -> Suggested:
    """What the person may ask next, as the setting `follow_ups` wishes. A model that cannot, or fails, leaves it to the
    rules; the small built-in one is not asked."""
    if wish == "off":
        return Suggested()
    made = Suggested()
    if wish == "model" and not way.model.draft:
        made = await _by_model(prompt, answer, way)
        if made.follow_ups:
            return made
    found = by_rule(prompt, mode, language)
    return Suggested(found, "rule" if found else "", made.usage)


def by_rule(prompt: str, mode: ResolvedMode, language: str = "") -> tuple[FollowUp, ...]:
    """What people ask next in this mode."""
    task = " ".join(prompt.split())
    task = task if len(task) <= _TASK_CHARS else task[:_TASK_CHARS] + "…"
    tests = _TESTS.get(language, "unit tests")
    return tuple(
        FollowUp(label=label, prompt=form.replace("{tests}", tests).replace("{task}", task))
        for label, form in _RULES.get(mode, ())
    )


async def _by_model(prompt: str, answer: str, way: Route) -> Suggested:
    chat = (
        ChatMessage(role="user", content=prompt[:_ANSWER_CHARS]),
        ChatMessage(role="assistant", content=answer[:_ANSWER_CHARS]),
        ChatMessage(role="user", content=_ASK),
    )
    shape: dict[str, JsonValue] = {
        "type": "json_schema",
        "json_schema": {"name": "follow_ups", "schema": _SCHEMA},
    }
    try:
        if not (await way.provider.capabilities(way.model.id)).schema:
            return Suggested()
        step = await loop.whole(way, chat, response_format=shape)
    except TheoError:
        return Suggested()
    try:
        read = read_json(step.text)
    except ValueError:
        read = None
    listed = read.get("follow_ups") if isinstance(read, dict) else None
    made = (
        [FollowUp.model_validate(item) for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    )
    whole = tuple(follow_up for follow_up in made if follow_up.label.strip() and follow_up.prompt.strip())
    return Suggested(whole[:_MOST], "model", (step.usage,))
