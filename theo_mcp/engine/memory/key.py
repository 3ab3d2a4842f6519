"""The key under which an answer may be given again: a digest of all that it was made of.

The documented key is the prompt, the mode, the skills and the tools. Persona, temperature, history, attachments, the
model and the version of this program change an answer too, and so would give one caller's answer to another question.
Here the key is taken of what the model is told, word for word, which holds the text of skills and not only their names;
of the tools that it is offered, whoever offers them; of where it comes from, since two may have one name; and of every
field of the request but those that change nothing in the answer.
"""

from __future__ import annotations

import functools
import hashlib
import json
import unicodedata
from importlib.metadata import version
from typing import Final

from pydantic import JsonValue

from theo_mcp.engine.plan import Plan
from theo_mcp.wire.completions import ImageUrl

_SCHEMA: Final = 1
_LEFT_OUT: Final = {"prompt", "stream", "format", "metadata", "conversation_id", "conversation"}
"""The prompt and the history are in the messages; the others change the answer's form and not what it says."""
_MODES: Final = frozenset({"fast", "think", "code", "roast", "genui"})


def key_of(plan: Plan, tenant: str) -> str | None:
    """The key; None where an answer would not be given again: media and research, and images that others can change."""
    request, way = plan.request, plan.way
    if plan.intent.mode not in _MODES:
        return None
    if any(isinstance(attachment, ImageUrl) for attachment in request.attachments or ()):
        return None
    made_of: dict[str, JsonValue] = {
        "schema": _SCHEMA,
        "version": _version(),
        "tenant": tenant,
        "mode": plan.intent.mode,
        "messages": [message.model_dump(exclude_none=True) for message in plan.prepared.messages],
        "tools": [tool.model_dump(exclude_none=True) for tool in plan.tools.functions()],
        "computing": [*sorted(plan.tools.computing)],
        "skills": [skill.model_dump() for skill in plan.prepared.active],
        "notices": list(plan.prepared.notices),
        "engine": way.model.engine,
        "source": way.model.source,
        "model": way.model.id,
        "temperature": way.temperature,
        "repeat_penalty": way.repeat_penalty,
        "max_tokens": way.max_tokens,
        "follow_ups": plan.follow_ups,
        "request": request.model_dump(exclude_none=True, exclude=_LEFT_OUT),
    }
    text = json.dumps(made_of, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")).hexdigest()


@functools.cache
def _version() -> str:
    return version("theo-mcp")
