"""A host with one of our servers, in memory, in both eras of the protocol."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import anyio
import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated

from tests.conftest import MakeSettings
from tests.unit.server.assistant import ERAS, AllHosted, Assistant, Era, Start, StartHosted, assistant
from theo_mcp import Settings, connect
from theo_mcp.server.app import build
from theo_mcp.server.rooms import Rooms
from theo_mcp.testing import getcode, theo
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.testing.theo import FakeTheo

SNAPSHOTS = Path(__file__).parents[2] / "snapshots"


def snapshot(name: str) -> Any:
    """What ``python -m tests.snapshots`` wrote."""
    return json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))


class Host:
    """A host, and the rooms of the server that it has."""

    def __init__(self, client: Client, rooms: Rooms, heard: Any) -> None:
        self.client = client
        self.rooms = rooms
        self._heard = heard

    async def refused(self, ask: Awaitable[object]) -> str:
        """The sentence with which a request is refused as wrong, checked to be one."""
        with pytest.raises(MCPError) as raised:
            await ask
        said = raised.value.error.message
        assert raised.value.code == -32602, said
        assert "\n" not in said
        assert len(said) < 400
        return said

    async def text(self, uri: str) -> str:
        """What stands at `uri`, which is text first."""
        first = (await self.client.read_resource(uri)).contents[0]
        assert isinstance(first, types.TextResourceContents)
        assert first.uri == uri
        return first.text

    async def json(self, uri: str) -> Any:
        """The JSON that stands at `uri`, alone."""
        (content,) = (await self.client.read_resource(uri)).contents
        assert isinstance(content, types.TextResourceContents)
        assert content.mime_type == "application/json"
        return json.loads(content.text)

    @asynccontextmanager
    async def listening(self, *uris: str) -> AsyncIterator[Callable[..., Awaitable[None]]]:
        """Gives a function that returns when all of what it names was heard: ``list``, or an address."""
        if self.client.protocol_version != "2026-07-28":
            for uri in uris:
                await self.client.session.send_request(
                    types.SubscribeRequest(params=types.SubscribeRequestParams(uri=uri)), types.EmptyResult
                )

            async def heard(*wanted: str) -> None:
                with anyio.fail_after(5):
                    missing = set(wanted)
                    while missing:
                        missing.discard(await self._heard.receive())

            yield heard
            return
        async with self.client.listen(resources_list_changed=True, resource_subscriptions=uris) as events:

            async def listened(*wanted: str) -> None:
                with anyio.fail_after(5):
                    missing = set(wanted)
                    while missing:
                        event = await anext(events)
                        missing.discard(event.uri if isinstance(event, ResourceUpdated) else "list")

            yield listened


class StartHost(Protocol):
    async def __call__(self, settings: Settings, *, owner: str = "local") -> Host: ...


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> Era:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
async def hosts(
    era: Era,
    theo_service: FakeTheo,  # named here so that they end after the hosts do
    getcode_service: FakeGetCode,
    model_server: ModelServer,
) -> AsyncIterator[StartHost]:
    async with AsyncExitStack() as stack:

        async def start(settings: Settings, *, owner: str = "local") -> Host:
            send, heard = anyio.create_memory_object_stream[str](math.inf)

            async def hear(message: object) -> None:
                if isinstance(message, types.ResourceListChangedNotification):
                    send.send_nowait("list")
                elif isinstance(message, types.ResourceUpdatedNotification):
                    send.send_nowait(str(message.params.uri))

            for stream in (send, heard):
                stack.callback(stream.close)
            backend = await stack.enter_async_context(connect(settings))
            rooms = Rooms(settings, owner=owner)
            client = Client(build(backend, settings, rooms=rooms), mode=era, message_handler=hear)
            await stack.enter_async_context(client)
            assert client.protocol_version == ERAS[era]
            return Host(client, rooms, heard)

        yield start


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a source file, a picture and a secret."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "app.py").write_text("def add(a, b):\n    return a - b\n", encoding="utf-8")
    (root / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    (root / "empty.py").write_text("", encoding="utf-8")
    (root / ".env").write_text("KEY=secret", encoding="utf-8")
    return root


@pytest.fixture
def hosted_settings(
    theo_service: FakeTheo, getcode_service: FakeGetCode, make_settings: MakeSettings, project: Path
) -> Settings:
    return make_settings(
        theo_api_key=theo.KEY,
        theo_base_url=theo_service.origin,
        getcode_api_key=getcode.KEY,
        getcode_base_url=getcode_service.origin,
        roots=(str(project),),
        timeout_s=5,
    )


@pytest.fixture
async def host(hosts: StartHost, hosted_settings: Settings) -> Host:
    """One with both hosted services."""
    return await hosts(hosted_settings)


@pytest.fixture
async def engine_host(hosts: StartHost, model_server: ModelServer, make_settings: MakeSettings, project: Path) -> Host:
    """One with the engine."""
    return await hosts(make_settings(engine_url=model_server.url, roots=(str(project),)))


@pytest.fixture
async def assistants(
    era: Era,
    theo_service: FakeTheo,  # named here so that they end after the assistants do
    getcode_service: FakeGetCode,
    model_server: ModelServer,
) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def start(settings: Settings) -> Assistant:
            return await stack.enter_async_context(assistant(settings, era))

        yield start


@pytest.fixture
async def hosted(
    assistants: Start, theo_service: FakeTheo, getcode_service: FakeGetCode, make_settings: MakeSettings
) -> Assistant:
    return await assistants(
        make_settings(
            theo_api_key=theo.KEY,
            theo_base_url=theo_service.origin,
            getcode_api_key=getcode.KEY,
            getcode_base_url=getcode_service.origin,
            timeout_s=5,
            output_dir=make_settings().data_dir / "output",
        )
    )


@pytest.fixture
async def engine(assistants: Start, model_server: ModelServer, make_settings: MakeSettings) -> Assistant:
    return await assistants(make_settings(engine_url=model_server.url))


@pytest.fixture
def all_hosted(
    theo_service: FakeTheo, getcode_service: FakeGetCode, make_settings: MakeSettings, tmp_path: Path
) -> AllHosted:
    """Settings with both services, every tool and an open folder of the test's own, and what else is given."""

    def settings(**fields: object) -> Settings:
        (tmp_path / "project").mkdir(exist_ok=True)
        return make_settings(
            **{
                "theo_api_key": theo.KEY,
                "theo_base_url": theo_service.origin,
                "getcode_api_key": getcode.KEY,
                "getcode_base_url": getcode_service.origin,
                "timeout_s": 5,
                "tools": "all",
                "roots": (tmp_path / "project",),
                "output_dir": tmp_path / "output",
                **fields,
            }
        )

    return settings


@pytest.fixture
async def modern(
    all_hosted: AllHosted, theo_service: FakeTheo, getcode_service: FakeGetCode
) -> AsyncIterator[StartHosted]:
    """Starts hosts of the newer era over both services, with every tool, an open folder, and what else is given."""
    async with AsyncExitStack() as stack:

        async def start(**fields: object) -> Assistant:
            return await stack.enter_async_context(assistant(all_hosted(**fields)))

        yield start
