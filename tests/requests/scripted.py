"""A gateway over a scripted model, asked for everything."""

from __future__ import annotations

from pathlib import Path

from tests.requests.sending import Outcome, send_all
from theo_mcp import Settings, connect
from theo_mcp.gateway.keys import Keys
from theo_mcp.gateway.serving import serving
from theo_mcp.store import Store
from theo_mcp.testing.model_server import ModelServer


async def sent(folder: Path, **settings: object) -> list[Outcome]:
    """What came of every request; `folder` is empty."""
    own = {"data_dir": folder / "data", "skill_folders": (), "intent_model": False}
    async with (
        ModelServer() as model,
        connect(Settings.model_validate({**own, "engine_url": model.url, **settings})) as backend,
        Store.open(folder / "keys.sqlite") as store,
        serving(backend, store, port=0) as origin,
    ):
        _, key = await Keys(store).create("every request", "enterprise")
        return await send_all(origin, key.reveal())
