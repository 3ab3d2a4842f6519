"""A gateway on a socket, with a scripted model server behind its engine, and what a client of it needs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2

from theo_mcp import Settings, connect
from theo_mcp.gateway.keys import Keys
from theo_mcp.gateway.patience import Patience
from theo_mcp.gateway.plans import Plan
from theo_mcp.gateway.serving import serving
from theo_mcp.store import FILE, Store
from theo_mcp.testing.model_server import ANSWER, ModelServer

V1 = "/api/v1/"
TEXT = "".join(ANSWER)


@dataclass
class World:
    url: str
    store: Store
    model: ModelServer
    client: httpx2.AsyncClient
    key: str
    asked: int = 0

    def hello(self, **more: object) -> dict[str, object]:
        """A request that nobody has sent before, so that no cache answers it."""
        self.asked += 1
        return {"prompt": f"Hello number {self.asked}", **more}

    async def new_key(self, plan: Plan = "unlimited", **more: Any) -> dict[str, str]:
        """The header of a new key."""
        _, text = await Keys(self.store).create("a test", plan, **more)
        return bearer(text.reveal())

    async def post(self, path: str, body: object, **headers: str) -> httpx2.Response:
        return await self.client.post(path, json=body, headers=_named(headers))

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.client.get(path, headers=_named(headers))

    async def raw(self, data: bytes, *, half_close: bool = False) -> bytes:
        """What comes back for these bytes, until the gateway closes."""
        with anyio.fail_after(5):
            async with await anyio.connect_tcp("127.0.0.1", int(self.url.rpartition(":")[2])) as socket:
                await socket.send(data)
                if half_close:
                    await socket.send_eof()
                received = b""
                try:
                    while True:
                        received += await socket.receive()
                except anyio.EndOfStream:
                    return received

    def reset(self) -> None:
        """The model server as new."""
        fresh = ModelServer()
        for name in ("pieces", "finish", "silent_after", "cut_after", "silent", "sends_usage"):
            setattr(self.model, name, getattr(fresh, name))
        self.model.requests.clear()
        self.model.exchanges.clear()
        self.model.next.clear()


@asynccontextmanager
async def world(
    folder: Path, patience: Patience = Patience(), *, store_timeout_s: float = 5.0, **options: Any
) -> AsyncIterator[World]:
    async with ModelServer() as model:
        given = {"data_dir": folder, "engine_url": model.url, "backend": "engine", "intent_model": False}
        settings = Settings.model_validate(given)
        async with (
            Store.open(settings.data_dir / FILE, timeout_s=store_timeout_s) as store,
            connect(settings) as backend,
            serving(backend, store, port=0, patience=patience, **options) as url,
        ):
            first = await Keys(store).first()
            text = first[1].reveal() if first else ""
            async with httpx2.AsyncClient(base_url=url, headers=bearer(text), timeout=10) as client:
                yield World(url, store, model, client, text)


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


def events(body: str) -> list[tuple[str, Any]]:
    """The events of a stream: name and data; what is not JSON comes as it is."""
    found: list[tuple[str, Any]] = []
    for block in body.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":") and line)
        if "data" in lines:
            data = lines["data"]
            found.append((lines.get("event", ""), json.loads(data) if data[:1] == "{" else data))
    return found


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
