"""A host with one of our servers, for the tests of what it sees: the SDK's own client, in memory."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Literal, TypeAlias

import anyio
from mcp import Client
from mcp_types import CallToolResult, TextContent

from theo_mcp import Settings, connect
from theo_mcp.server.app import build
from theo_mcp.server.progress import Pace
from theo_mcp.server.rooms import Rooms
from theo_mcp.testing.http import HttpServer

Era = Literal["legacy", "auto"]
MOST_ECHO, MOST_CHARS, MOST_BYTES = 100, 40_000, 2**20
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
ERAS: dict[Era, str] = {"legacy": "2025-11-25", "auto": "2026-07-28"}


Start: TypeAlias = "Callable[[Settings], Awaitable[Assistant]]"
StartHosted: TypeAlias = "Callable[..., Awaitable[Assistant]]"
"""With fields of `Settings`."""
AllHosted: TypeAlias = Callable[..., Settings]


class Assistant:
    """The host. `progress` is what it was told of its last call."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.progress: list[tuple[float, str | None]] = []
        self.told_at: list[float] = []
        """When each came."""
        self.told = anyio.Event()
        """Set when the next one comes."""

    async def call(self, name: str, /, **arguments: object) -> CallToolResult:
        self.progress.clear()
        self.told_at.clear()
        return await self.client.call_tool(name, arguments, progress_callback=self._see)

    async def _see(self, progress: float, total: float | None, message: str | None) -> None:
        self.progress.append((progress, message))
        self.told_at.append(anyio.current_time())
        self.told.set()
        self.told = anyio.Event()


@asynccontextmanager
async def assistant(
    settings: Settings, era: Era = "auto", *, owner: str = "local", pace: Pace = Pace()
) -> AsyncIterator[Assistant]:
    """A host of a new server; another one over the same data folder finds what this one leaves."""
    async with (
        connect(settings) as backend,
        Client(build(backend, settings, rooms=Rooms(settings, owner=owner), pace=pace), mode=era) as client,
    ):
        assert client.protocol_version == ERAS[era]
        yield Assistant(client)


def text_of(result: CallToolResult) -> str:
    """The only text of a result that is nothing but text."""
    assert [type(block) for block in result.content] == [TextContent]
    return words_of(result)


def words_of(result: CallToolResult) -> str:
    """The text of a result, whatever stands beside it."""
    return "".join(block.text for block in result.content if isinstance(block, TextContent))


def data_of(result: CallToolResult) -> dict[str, Any]:
    """Its structured content."""
    data: dict[str, Any] | None = result.structured_content
    assert data is not None, words_of(result)
    return data


def controls_in(result: CallToolResult) -> set[str]:
    """What moves a cursor, rings or cannot be encoded, anywhere in a result."""
    texts = (words_of(result), *leaves(result.structured_content))
    return {found for text in texts for found in _NO_TEXT.findall(text)}


def is_safe(result: CallToolResult) -> bool:
    """Whether every host can take it."""
    assert len(result.model_dump_json(by_alias=True)) < MOST_BYTES
    assert len(words_of(result)) <= MOST_CHARS
    assert controls_in(result) == set()
    return True


def handle_in(text: str) -> str:
    """The handle that a text names."""
    found = re.search(r"run_[\w-]{22}", text)
    assert found, text
    return found[0]


def posts(*services: HttpServer) -> list[str]:
    """The paths that were posted to: what may cost money."""
    return [request.path for service in services for request in service.requests if request.method == "POST"]


def one_line(result: CallToolResult, *typed: object) -> str:
    """The sentence, which has everything that such a sentence should have, and nothing else."""
    text = text_of(result)
    assert result.is_error, text[:300]
    assert result.structured_content is None
    assert re.match(r"[a-z][a-z_]+: [A-Z0-9'\"]", text), text[:300]
    assert text.isprintable(), text[:300]
    assert len(text) < 900, len(text)
    assert "internal_error" not in text
    assert "pydantic" not in text
    assert "Traceback" not in text
    given = " ".join(map(str, typed))
    assert str(Path.home()) + os.sep not in text or str(Path.home()) in given
    assert all(url in given for url in re.findall(r"\w+://[^\s']+", text)), text
    for argument in typed:
        same = SequenceMatcher(None, text, str(argument)[:5_000], autojunk=False).find_longest_match()
        assert same.size <= MOST_ECHO, text
    return text


def leaves(value: object) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, dict):
        yield from (leaf for item in value.values() for leaf in leaves(item))
    elif isinstance(value, list):
        yield from (leaf for item in value for leaf in leaves(item))
    elif isinstance(value, str):
        yield value
