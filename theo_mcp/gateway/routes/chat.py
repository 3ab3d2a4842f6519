"""``POST /api/v1/chat/completions``: OpenAI's chat, as Theo's documents map it onto a completion.

The last user message is the prompt, the turns before it the history, the system messages the persona. Tool messages and
the fields that are not here are ignored. A model that is not known is Theo's choice; one of ``GET /models`` answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from theo_mcp.gateway import sse
from theo_mcp.gateway.bodies import request_of
from theo_mcp.gateway.call import Answer, Call, Endpoint
from theo_mcp.gateway.refusals import Refusal
from theo_mcp.wire.chats import chat_of
from theo_mcp.wire.completions import CompletionRequest
from theo_mcp.wire.openai import ChatCompletion, ChatCompletionRequest

_TEXT_MODES: Final = ("fast", "think", "code", "roast", "genui")
_PASSED: Final = ("temperature", "conversation_id", "skills", "metadata")
_SYSTEM: Final = ("system", "developer")
_DATA_URL: Final = "data:"


async def _chat(call: Call) -> Answer:
    request = request_of(CompletionRequest, await _completion(call))
    options = call.fields.get("stream_options")
    if call.fields.get("stream") is True:
        with_usage = isinstance(options, Mapping) and options.get("include_usage") is True
        return sse.openai(call, request, with_usage=with_usage)
    answer = await call.backend.theo.complete(request)
    sse.spent(call, answer.usage)
    return call.whole(chat_of(answer))


async def _completion(call: Call) -> dict[str, object]:
    """The fields of the completion that the chat asks for.

    Raises:
        Refusal: there are no messages, or the last one of the user is empty.
    """
    messages = call.fields.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
        raise Refusal(400, "validation_error", "messages is missing, or not a list of messages.")
    turns = [message for message in messages if message.get("role") in ("user", "assistant", *_SYSTEM)]
    last = max((place for place, turn in enumerate(turns) if turn["role"] == "user"), default=None)
    prompt, attached = _content(turns[last]) if last is not None else ("", [])
    if last is None or not prompt.strip():
        raise Refusal(400, "empty_prompt", "The last user message is empty, or there is none.")
    system = "\n\n".join(text for turn in turns if turn["role"] in _SYSTEM and (text := _content(turn)[0].strip()))
    before = [
        {"role": turn["role"], "content": text}
        for turn in turns[:last]
        if turn["role"] not in _SYSTEM and (text := _content(turn)[0])
    ]
    fields: dict[str, object] = {"prompt": prompt}
    if system:
        fields["persona"] = {"system_prompt": system}
    if before:
        fields["conversation"] = {"messages": before}
    if attached:
        fields["attachments"] = attached
    fields |= {name: call.fields[name] for name in _PASSED if name in call.fields}
    return fields | await _model(call)


async def _model(call: Call) -> dict[str, object]:
    """What the model that is asked for means: an override for every mode of text, or nothing."""
    wanted = call.fields.get("model")
    if not isinstance(wanted, str) or wanted in ("", "auto", "theo-1-auto"):
        return {}
    known = {entry.model_id for entry in (await call.backend.theo.models()).models}
    if wanted not in known or len(known) == 1:  # the only one answers anyway
        return {}
    return {"model_overrides": dict.fromkeys(_TEXT_MODES, wanted)}


def _content(message: Mapping[str, JsonValue]) -> tuple[str, list[dict[str, JsonValue]]]:
    """The text of a message, and its images, whether its content is a text or a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content, []
    texts: list[str] = []
    images: list[dict[str, JsonValue]] = []
    for part in content if isinstance(content, list) else []:
        if not isinstance(part, dict):
            continue
        if isinstance(text := part.get("text"), str):
            texts.append(text)
        if part.get("type") == "image_url" and (image := _image(part.get("image_url"))):
            images.append(image)
    return "\n".join(texts), images


def _image(value: JsonValue) -> dict[str, JsonValue] | None:
    url = value.get("url") if isinstance(value, dict) else value
    if not isinstance(url, str) or not url:
        return None
    if not url.startswith(_DATA_URL):
        return {"type": "image_url", "url": url}
    kind, _, encoded = url.removeprefix(_DATA_URL).partition(",")
    return {"type": "image_base64", "mime_type": kind.partition(";")[0], "data": encoded}


ENDPOINTS = (
    Endpoint(
        "POST", "/api/v1/chat/completions", "Chat as OpenAI has it", _chat, ChatCompletionRequest, ChatCompletion,
        scope="completions", works=True, refuses=(400, 402, 404),
    ),
)  # fmt: skip
