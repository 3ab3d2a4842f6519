"""Replies and errors as MCP: the only place that makes a result of a tool.

No base64 in text or data: an image is a small block of its own beside the path of its file. Where a result has such a
block it has no structured content, because hosts drop one of the two; its text has every fact.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import mcp_types as types

from theo_mcp.errors import TheoError
from theo_mcp.secret import redact
from theo_mcp.server.changes import artifact_uri
from theo_mcp.server.reply import Reply, SavedFile, clean, clean_value, one_line

_SHOWN_PARTIAL = 8_000
_SHOWN_ID = 200
_TAKE_LINKS = ("claude", "visual studio code", "gemini", "mcp-inspector", "inspector")


@dataclass(frozen=True)
class Picture:
    """An image as it goes to the host."""

    data: bytes
    mime: str


def success(
    reply: Reply, *, pictures: Sequence[Picture] = (), linked: Sequence[SavedFile] = (), structured: bool = True
) -> types.CallToolResult:
    """A reply on the wire, with a resource link for each file that is `linked`."""
    content: list[types.ContentBlock] = [types.TextContent(text=clean(reply.text))]
    content += [
        types.ImageContent(data=base64.b64encode(picture.data).decode(), mime_type=picture.mime) for picture in pictures
    ]
    content += [_link(file) for file in linked]
    if pictures or not structured:
        return types.CallToolResult(content=content)
    data = {name: clean_value(value) for name, value in reply.everything.items()}
    return types.CallToolResult(content=content, structured_content={"status": "done", **data})


def takes_links(host: str) -> bool:
    """Whether a host, by the name that it gives itself, is known to show resource links. Of the agent frameworks one
    fails the whole call on a link, and two hand its address to their model's provider, which cannot open it."""
    return host.lower().startswith(_TAKE_LINKS)


def _link(file: SavedFile) -> types.ResourceLink:
    """A link that `resources/read` takes."""
    return types.ResourceLink(name=file.name, uri=artifact_uri(file.name), mime_type=file.mime, size=file.size)


def running(handle: str, phase: str, chars: int, *, structured: bool) -> types.CallToolResult:
    """For a call whose work goes on: its handle, and what to do with it."""
    so_far = f" ({phase})" if phase else ""
    written = f" {chars:,} characters so far." if chars else ""
    text = (
        f"Still running{so_far}.{written}\nhandle: {handle}\n"
        f'Next: call theo_result with handle "{handle}"; it waits for the result. Do not start the work again.'
    )
    if not structured:
        return types.CallToolResult(content=[types.TextContent(text=clean(text))])
    data = {"status": "running", "handle": handle, "phase": clean(phase), "chars": chars, "next": "theo_result"}
    return types.CallToolResult(content=[types.TextContent(text=clean(text))], structured_content=data)


def failure(error: TheoError) -> types.CallToolResult:
    """A failure on the wire."""
    return types.CallToolResult(content=[types.TextContent(text=failed(error))], is_error=True)


def failed(error: TheoError) -> str:
    """A failure as text. It begins with the code word, because some hosts lose the error flag."""
    facts = []
    if error.retry_after is not None:
        facts.append(f"retry after {error.retry_after:g} s")
    if error.status is not None:
        facts.append(f"status {error.status}")
    if error.request_id:
        facts.append(f"request id {error.request_id}")
    if error.job_id:
        facts.append(f"job id {one_line(error.job_id)[:_SHOWN_ID]}")
    lines = [redact(f"{error.code}: {error}")]
    if facts:
        lines.append(redact(f"({', '.join(facts)})"))
    if error.partial:
        whole = len(error.partial)
        more = f" (the first {_SHOWN_PARTIAL:,} of {whole:,} characters)" if whole > _SHOWN_PARTIAL else ""
        lines += ["", f"Received before the failure{more}:", redact(error.partial[:_SHOWN_PARTIAL])]
    return clean("\n".join(lines))
