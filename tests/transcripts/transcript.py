"""A session of a real client with the real server over the fake services, as Markdown to read."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import mcp_types as types
from mcp import Client
from mcp.shared.exceptions import MCPError
from PIL import Image

from tests.transcripts.calls import COMPLETIONS, PROMPTS, RESOURCES, TOOLS, Fields
from theo_mcp import Settings, connect
from theo_mcp.server.app import build
from theo_mcp.testing import FakeGetCode, FakeTheo, getcode, theo

FILE = Path(__file__).with_name("TRANSCRIPT.md")
_HANDLE = re.compile(r"run_[\w-]{22}")
_HEAD = """# What a host sees

Every tool, prompt and resource once, and what goes wrong often: a client of the SDK, our server, and the fake services
of `theo_mcp.testing`. `python -m tests.transcripts` writes this file; a test fails when it is stale.
"""


class Session:
    """What was asked and answered; handles, ports and folders are replaced by fixed words."""

    def __init__(self, client: Client, replaced: dict[str, str]) -> None:
        self._client = client
        self._replaced = replaced
        self._handle = ""
        self._parts = [_HEAD]

    async def all(self) -> str:
        """The whole transcript."""
        self._parts.append("## Tools\n")
        for name, arguments in TOOLS:
            await self._tool(name, arguments)
        self._parts.append("## Prompts\n")
        for name, given in PROMPTS:
            got = await self._client.get_prompt(name, given)
            texts = [message.content.text for message in got.messages if isinstance(message.content, types.TextContent)]
            self._part(f"{name} {_json(given)}", *texts)
        self._parts.append("## Completion of arguments\n")
        for name, argument, value in COMPLETIONS:
            ref = types.PromptReference(name=name)
            found = await self._client.complete(ref, {"name": argument, "value": value})
            self._part(f"{name}, {argument} = {value}", _json(found.completion.values))
        self._parts.append("## Resources\n")
        for uri in RESOURCES:
            await self._resource(uri)
        return "\n".join(self._parts)

    async def _tool(self, name: str, arguments: Fields) -> None:
        told: list[str] = []

        async def see(progress: float, total: float | None, message: str | None) -> None:
            told.append(message or "")

        asked = {key: self._handle if value == "HANDLE" else value for key, value in arguments.items()}
        result = await self._client.call_tool(name, asked, progress_callback=see)
        shown = list(_blocks(result.content))
        if result.structured_content is not None:
            shown.append(f"structured: {_json(result.structured_content)}")
        if "".join(told) and name in ("theo_complete", "theo_generate"):
            shown.append(f"progress, joined: {_json(''.join(told))}")
        self._part(f"{name} {_json(arguments)}{' → error' if result.is_error else ''}", *shown)
        if name == "theo_code" and not result.is_error:
            resource = await self._client.list_resources()
            self._handle = next(_HANDLE.finditer(str([each.uri for each in resource.resources])))[0]

    async def _resource(self, uri: str) -> None:
        try:
            read = await self._client.read_resource(uri.replace("HANDLE", self._handle))
        except MCPError as error:
            self._part(uri, f"error {error.error.code}: {error.error.message}")
            return
        self._part(uri, *(f"{each.mime_type}: {getattr(each, 'text', '(bytes)')}" for each in read.contents))

    def _part(self, title: str, *texts: str) -> None:
        body = "\n\n".join(texts)
        for what, word in self._replaced.items():
            body = body.replace(what, word)
        body = _HANDLE.sub("run_…", body)
        fence = "~~~~"
        self._parts.append(f"### `{title}`\n\n{fence}\n{body}\n{fence}\n")


async def transcript(folder: Path) -> str:
    """The transcript; `folder` is empty, and everything is written below it."""
    project = folder / "project"
    project.mkdir()
    (project / "brief.pdf").write_bytes(b"%PDF-1.7\nA brief for a bakery.\n")
    (project / "notes.png").write_bytes(b"These are notes and no picture.\n")
    picture = io.BytesIO()
    Image.new("RGB", (640, 480), (200, 120, 40)).save(picture, "PNG")
    async with FakeTheo() as service, FakeGetCode() as generator:
        service.jobs_take_time = False
        service.files = {"img": picture.getvalue(), "vid": b"\0\0\0\x18ftypmp42", "doc": b"PK\3\4 a document"}
        settings = Settings(
            data_dir=folder / "data", roots=(project,), tools="all", resource_links="on",
            theo_api_key=theo.KEY, theo_base_url=service.origin,
            getcode_api_key=getcode.KEY, getcode_base_url=generator.origin,
        )  # fmt: skip
        async with connect(settings) as backend, Client(build(backend, settings)) as client:
            replaced = {
                str(project): "/home/you/project", service.origin: "https://theo", generator.origin: "https://getcode"
            }  # fmt: skip
            return await Session(client, replaced).all()


def _blocks(content: list[types.ContentBlock]) -> Iterator[str]:
    for block in content:
        match block:
            case types.TextContent():
                yield block.text
            case types.ImageContent():
                yield f"[image: {block.mime_type}]"
            case types.ResourceLink():
                yield f"[link: {block.uri}, {block.mime_type}]"
            case _:
                yield f"[{block.type}]"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
