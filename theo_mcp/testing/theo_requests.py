"""What Theo's documents allow in a request, endpoint by endpoint; anything else is refused, unknown fields included.

The service itself may ignore a field that it does not know. This one refuses it, so that a test finds what would
otherwise be lost without a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from theo_mcp.testing.http import Fields

Rule = Callable[[object], bool]
Problem = tuple[str, str]
"""The code and the message of the 400."""

MODES = {"auto", "fast", "think", "code", "image", "video", "research", "roast", "genui"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def problem_of(endpoint: str, fields: object) -> Problem | None:
    """Why Theo refuses `fields` at `endpoint`, such as ``completions``; None where it does not."""
    rules = _RULES[endpoint]
    missing = "validation_error" if endpoint == "completions" else "missing_prompt"
    if not isinstance(fields, dict):
        return "validation_error", "the body must be a JSON object"
    if "prompt" in rules and (not isinstance(fields.get("prompt"), str) or not fields["prompt"]):
        return missing, "prompt is required" if missing == "missing_prompt" else "prompt must be a non-empty string"
    for name, value in fields.items():
        if name not in rules:
            return "validation_error", f"unknown field {name}"
        if not rules[name](value):
            code = "invalid_format" if (endpoint, name) == ("documents", "format") else "validation_error"
            return code, f"invalid {name}"
    if endpoint == "chat/completions":
        return _chat_problem(fields)
    if endpoint == "skills" and "skillId" not in fields:
        return "validation_error", "skillId must be a UUID"
    return None


def _chat_problem(fields: Fields) -> Problem | None:
    messages = fields.get("messages")
    if not messages:
        return "validation_error", "messages is required"
    asked = [message["content"] for message in messages if message["role"] == "user"]
    return None if asked and asked[-1].strip() else ("empty_prompt", "the last user message is empty")


def _text(value: object) -> bool:
    return isinstance(value, str)


def _number(least: float, most: float) -> Rule:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _whole(least: int, most: int) -> Rule:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _one_of(*words: str) -> Rule:
    return lambda value: value in words


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _object(value: object) -> bool:
    return isinstance(value, dict)


def _list_of(rule: Rule) -> Rule:
    return lambda value: isinstance(value, list) and all(rule(item) for item in value)


def _shape(required: dict[str, Rule], optional: dict[str, Rule] | None = None) -> Rule:
    def holds(value: object) -> bool:
        rules = required | (optional or {})
        return (
            isinstance(value, dict)
            and set(required) <= set(value)
            and all(name in rules and rules[name](item) for name, item in value.items())
        )

    return holds


def _either(*rules: Rule) -> Rule:
    return lambda value: any(rule(value) for rule in rules)


_IMAGE_TYPES = _one_of("image/png", "image/jpeg", "image/webp", "image/gif")
_TURN = _shape(
    {"role": _one_of("user", "assistant"), "content": _text},
    {"id": _text, "createdAt": _text, "mode": _one_of(*MODES), "artifacts": _list_of(_object)},
)
_TRAITS = ("romantic", "intelligent", "sarcastic", "rude", "funny", "comedic", "witty")

_RULES: dict[str, dict[str, Rule]] = {
    # The page "Create Completion", and after it the vendor's SDK.
    "completions": {
        "prompt": _text,
        "mode": _one_of(*MODES),
        "stream": _flag,
        "conversation_id": _text,
        "skills": _list_of(_text),
        "tools": _list_of(_shape({"name": _text, "description": _text}, {"input_schema": _object})),
        "persona": _either(_one_of("theo", "none"), _shape({"system_prompt": _text})),
        "temperature": _number(0, 2),
        "max_iterations": _whole(1, 20),
        "model_overrides": lambda value: isinstance(value, dict) and all(_text(engine) for engine in value.values()),
        "format": _one_of("theo", "openai"),
        "metadata": _object,
        "component_library": _text,
        "conversation": _shape({"messages": _list_of(_TURN)}, {"id": _text, "title": _text}),
        "attachments": _list_of(
            _either(
                _shape({"type": _one_of("image_url"), "url": _text}),
                _shape({"type": _one_of("image_base64"), "data": _text, "mime_type": _IMAGE_TYPES}),
            )
        ),
        "image_model": _one_of(
            "auto", "theo-1-create", "theo-1-photo", "theo-1-rapid", "theo-1-design", "theo-1-studio", "theo-1-type"
        ),
        "image_quality": _one_of("draft", "standard", "hd"),
        "personality_config": _shape(
            {"traits": _shape(dict.fromkeys(_TRAITS, _number(-1e9, 1e9))), "uncensored_mode": _flag},
            {"active_preset_id": _text},
        ),
        "response_style": _shape({"format": _text, "preciseness": _text, "intent": _text}),
        "theo_branding": _flag,
        "brand_soul": _flag,
    },
    "code": {"prompt": _text, "language": _text, "framework": _text},
    # The page "Generate Images", and the fifth ratio of the vendor's MCP server.
    "images": {
        "prompt": _text,
        "style": _text,
        "aspect_ratio": _one_of("1:1", "16:9", "9:16", "4:3", "3:4"),
        "count": _whole(1, 4),
    },
    # The vendor's pages on each.
    "documents": {"prompt": _text, "format": _one_of("pdf", "docx", "pptx", "xlsx", "csv")},
    "research": {"prompt": _text, "depth": _one_of("basic", "advanced"), "max_sources": _whole(1, 50)},
    "video": {"prompt": _text, "duration": _one_of("5s", "10s", "15s"), "style": _text},
    "skills": {"skillId": lambda value: isinstance(value, str) and UUID.fullmatch(value) is not None},
    "chat/completions": {
        "model": _text,
        "messages": _list_of(_shape({"role": _one_of("system", "user", "assistant"), "content": _text})),
        "stream": _flag,
        "temperature": _number(0, 2),
        "conversation_id": _text,
        "skills": _list_of(_text),
        "metadata": _object,
    },
}
