"""What a client made of our results, in few words, so that what is expected and what was seen can be compared."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theo_mcp.testing.theo import CODE, WORDS

Fields = dict[str, Any]

ERROR = "not_found: "
_PREVIEW_LIMIT = 256 * 1024 * 3 // 4  # bytes whose base64 has 256 KiB


@dataclass(frozen=True)
class Outcome:
    """One client's row; the defaults are a client that drops nothing."""

    protocol: str = "2025-11-25"
    tools: str = "all"
    text: str = "whole"
    structured: str = "whole"
    image: str = "preview, path"
    error: str = "flag"
    slow: str = "progress, handle, answer"


def outcome(seen: Fields, *, tools: Sequence[str], first_line: bytes, saved: Path, picture: bytes) -> Outcome:
    """The outcome of what a driver saw.

    Args:
        seen: what the driver printed.
        tools: what the server lists.
        first_line: what the client said first.
        saved: where the server saves files.
        picture: the bytes of every image.
    """
    return Outcome(
        protocol=protocol(first_line),
        tools=_tools(seen["tools"], tools),
        text=_text(seen["text"], seen["code"]),
        structured=_structured(seen["code"]),
        image=_image(seen.get("image"), saved, picture),
        error=_error(seen["error"]),
        slow=_slow(seen["slow"], seen.get("result")),
    )


def protocol(first_line: bytes) -> str:
    """The version that a client asks for: of its ``initialize``, or of the envelope that came later."""
    params = json.loads(first_line)["params"]
    meta = params.get("_meta", {})
    return str(params.get("protocolVersion") or meta.get("io.modelcontextprotocol/protocolVersion"))


def _tools(seen: Sequence[str], listed: Sequence[str]) -> str:
    missing = sorted(set(listed) - set(seen))
    return f"without {', '.join(missing)}" if missing else "all"


def _text(text: Fields, code: Fields) -> str:
    if not holds(text["text"], "".join(WORDS)) or not holds(code["text"], CODE):
        return "not whole"
    return "whole, as data" if _is_json_of(text["text"], text["structured"]) else "whole"


def _structured(code: Fields) -> str:
    data = code["structured"]
    if data is None:
        return "dropped"
    return "whole" if data.get("code") == CODE and data.get("cost_cents") == 0.05 else "not whole"


def _image(seen: Fields | None, saved: Path, picture: bytes) -> str:
    if seen is None:
        return "theo_image is not listed"
    if seen["failed"]:
        return "fails"
    blocks = [block for block in seen["images"] if "bytes" in block]
    paths = [path for path in saved.rglob("*") if path.is_file() and path.read_bytes() == picture]
    words = []
    if blocks:
        small = all(block["mime"].startswith("image/") and 0 < block["bytes"] <= _PREVIEW_LIMIT for block in blocks)
        words.append("preview" if small else "a preview that is too large")
    if any(str(path) in seen["text"] for path in paths):
        words.append("path")
    if len(blocks) < len(seen["images"]):
        words.append("link as an image")
    if re.search("[0-9A-Za-z+/]{1000}", seen["text"]):
        words.append("base64 in the text")
    return ", ".join(words) or "nothing"


def _error(seen: Fields) -> str:
    if ERROR not in seen["text"]:
        return "without its code"
    how = {"": "text alone", "flag": "flag"}.get(seen["failed"], f"raises {seen['failed']}")
    return how if seen["text"].startswith(ERROR) else f"{how}, inside other text"


def _slow(slow: Fields, result: Fields | None) -> str:
    if result is None:
        return "no handle"
    answered = not result["failed"] and holds(result["text"], CODE)
    words = ["progress"] if slow["progress"] else []
    return ", ".join([*words, "handle", "answer" if answered else "no answer"])


def _is_json_of(shown: str, data: object) -> bool:
    try:
        return bool(data) and json.loads(shown) == data
    except ValueError:
        return False


def holds(shown: str, text: str) -> bool:
    """Whether `text` is in what a model sees, as it is or as the text of JSON or of a repr."""
    escaped = (json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text))
    return text in shown or any(form[1:-1] in shown for form in escaped)
