"""OpenAI's own SDKs, as their users write them, against the gateway: TypeScript here, Python in tests/unit/gateway."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.running import run, with_node
from theo_mcp import Settings, connect
from theo_mcp.gateway.keys import Keys
from theo_mcp.gateway.serving import serving
from theo_mcp.store import Store
from theo_mcp.testing.model_server import ANSWER, ModelServer

PACKAGES = ("openai@7.57.0", "typescript@7.0.2", "@types/node@26.6.6")
DRIVER = Path(__file__).parent / "drivers" / "openai_gateway.mts"
STRICT = (
    *("--noEmit", "--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "--types", "node"),
    *("--target", "es2024", "--module", "nodenext"),
)
LIMIT_S = 300.0


@pytest.mark.clients
async def test_the_typescript_sdk_chats_streams_lists_models_and_types_its_errors(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    command = await with_node(PACKAGES, tmp_path)
    shutil.copy(DRIVER, tmp_path)
    await run([*command, "npx", "--no-install", "tsc", *STRICT, DRIVER.name], tmp_path, LIMIT_S)

    async with (
        ModelServer() as model,
        Store.open(tmp_path / "keys.sqlite") as store,
        connect(make_settings(engine_url=model.url, cache_bytes=0)) as backend,
        serving(backend, store, port=0) as origin,
    ):
        _, key = await Keys(store).create("the SDK", "enterprise")
        said = await run([*command, "node", DRIVER.name, origin, key.reveal()], tmp_path, LIMIT_S)

    seen: dict[str, Any] = json.loads(said.splitlines()[-1])
    answer = "".join(ANSWER)
    assert "theo-1-flash" in seen.pop("models")
    assert seen == {
        "text": answer,
        "finish": "stop",
        "tokens": 13,
        "streamed": answer,
        "finished": "stop",
        "total": 13,
        "refused": "invalid_api_key",
        "empty": "empty_prompt",
        "first": ANSWER[0],
    }
