"""A gateway whose disk is full: what needs no writing is answered, the rest says so, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from theo_mcp.testing.model_server import ModelServer

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="mounts")]

FULL = """
import sys
from pathlib import Path
import anyio
import httpx2
from theo_mcp import Settings, connect
from theo_mcp.gateway.keys import Keys
from theo_mcp.gateway.serving import serving
from theo_mcp.store import FILE, Store

async def main():
    data = Path(sys.argv[1])
    ballast = data.with_name("ballast")
    settings = Settings(data_dir=data, engine_url=sys.argv[2], backend="engine", intent_model=False, skill_folders=())
    async with (
        Store.open(data / FILE) as store,
        connect(settings) as backend,
        serving(backend, store, port=0) as origin,
        httpx2.AsyncClient(base_url=origin, trust_env=False, timeout=20) as http,
    ):
        keys = Keys(store)
        free, paying = [(await keys.create("k", "unlimited", credits=each))[1].reveal() for each in (None, 100)]

        async def ask(prompt, key=free, **fields):
            headers = {"Authorization": f"Bearer {key}"} | fields.pop("headers", {})
            answer = await http.post("/api/v1/completions", json={"prompt": prompt, **fields}, headers=headers)
            told = answer.json()
            print(answer.status_code, told["error"]["message"].replace(str(data), "DATA") if "error" in told else "ok")
            return told

        long = "long " * 5000
        id = (await ask("First", conversation_id="new"))["conversation_id"]
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 1024):
                    pass
            except OSError:
                pass
        await ask("Second " + long)
        await ask("Third " + long, conversation_id=id)
        await ask("Fourth " + long, headers={"Idempotency-Key": "one"})
        ballast.unlink()
        await ask("Fifth", conversation_id=id)
        await ask("Sixth", key=paying)
        answer = await http.get(f"/api/v1/conversations/{id}", headers={"Authorization": f"Bearer {free}"})
        print([turn["content"] for turn in answer.json()["conversation"]["messages"] if turn["role"] == "user"])

anyio.run(main)
"""


async def test_a_full_disk_is_told_and_what_was_kept_is_still_there(tmp_path: Path, model_server: ModelServer) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=1m tmpfs "{disk}" && exec "$@"'
    own_mounts = ["unshare", "--mount", "--user", "--map-root-user", "sh", "-c", mount, "sh"]
    try:
        await anyio.run_process([*own_mounts, "true"])
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine allows no mounts")
    model_server.pieces = ("An answer.",)

    with anyio.fail_after(60):
        done = await anyio.run_process([*own_mounts, sys.executable, "-c", FULL, str(disk / "data"), model_server.url])

    unkept = "What this machine keeps between calls cannot be read or written."
    assert done.stdout.decode().splitlines() == [
        "200 ok",
        "200 ok",
        f"500 {unkept}",  # a turn of a conversation
        f"500 {unkept}",  # an answer that has to be there for its Idempotency-Key
        "200 ok",
        "200 ok",
        "['First', 'Fifth']",
    ]
    assert len(model_server.chats) == 4
