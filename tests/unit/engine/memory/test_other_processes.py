"""What is remembered when a process is killed in the middle, and when its disk is full."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from tests.conftest import MakeSettings
from tests.unit.engine.memory.test_jobs import opened
from theo_mcp import connect
from theo_mcp.backend import Caller
from theo_mcp.engine.theo import EngineTheo
from theo_mcp.testing.model_server import ModelServer

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and mounts")]

JOB = """
import sys
from pathlib import Path
import anyio
from theo_mcp import Settings
from theo_mcp.backend import Caller
from theo_mcp.engine.background import Background
from theo_mcp.engine.engine import Engine
from theo_mcp.engine.theo import EngineTheo

async def work(report):
    await anyio.sleep_forever()

async def main():
    background = Background()
    engine = Engine(Settings(data_dir=Path(sys.argv[1])), background)
    async with background.open():
        asked = engine.memory.account.began(Caller("ann"), "research", "research")
        started = await engine.memory.jobs.start("research", work, asked, "Tides")
        print(started.job_id, flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""
TURN = """
import sys
from pathlib import Path
import anyio
from theo_mcp import CompletionRequest, Settings, connect

async def main():
    async with connect(Settings(data_dir=Path(sys.argv[1]), engine_url=sys.argv[2])) as backend:
        await backend.theo.complete(CompletionRequest(prompt="Hello", conversation_id="new"))

anyio.run(main)
"""
FULL = """
import sys
from pathlib import Path
import anyio
from theo_mcp import CompletionRequest, Settings, connect
from theo_mcp.errors import StoreError

async def said(backend, prompt, **fields):
    try:
        answer = await backend.theo.complete(CompletionRequest(prompt=prompt, **fields))
        print("answered")
        return answer.conversation_id
    except StoreError as error:
        print(error.message.replace(sys.argv[1], "DATA"))

async def main():
    ballast = Path(sys.argv[1]).with_name("ballast")
    async with connect(Settings(data_dir=Path(sys.argv[1]), engine_url=sys.argv[2])) as backend:
        id = await said(backend, "First", conversation_id="new")
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 1024):
                    pass
            except OSError:
                pass
        await said(backend, "Second, " + "long " * 5000)
        await said(backend, "Third, " + "long " * 5000, conversation_id=id)
        ballast.unlink()
        await said(backend, "Fourth", conversation_id=id)
        turns = (await backend.theo.conversation(id)).messages
        print([turn.content for turn in turns if turn.role == "user"])

anyio.run(main)
"""


@contextmanager
def started(script: str, *arguments: str, before: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    command = [*before, sys.executable, "-c", script, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_the_job_of_a_killed_process_has_failed_and_says_so(make_settings: MakeSettings) -> None:
    settings = make_settings()
    with started(JOB, str(settings.data_dir)) as process:
        assert process.stdout is not None
        handle = process.stdout.readline().strip()
        async with opened(settings) as engine:
            running = await EngineTheo(engine, Caller("ann")).job(handle)
            process.kill()
            process.wait()
            job = await EngineTheo(engine, Caller("ann")).job(handle)

    assert running.type == "research"
    assert running.status in ("queued", "active")
    assert (job.status, job.reason) == ("failed", "The program ended while the run was under way.")


async def test_the_turn_of_a_killed_process_keeps_the_user_s_words(
    make_settings: MakeSettings, model_server: ModelServer
) -> None:
    settings = make_settings(engine_url=model_server.url)
    model_server.silent_after = 1
    with started(TURN, str(settings.data_dir), model_server.url) as process:
        with anyio.fail_after(20):
            await model_server.silent.wait()
        process.kill()
        process.wait()
    async with connect(settings) as backend:
        (entry,) = (await backend.theo.conversations()).conversations
        (turn,) = (await backend.theo.conversation(entry.id)).messages

    assert (turn.content, turn.status) == ("Hello", "failed")
    assert turn.error_message == "The program ended before there was an answer."


async def test_a_full_disk_costs_no_answer_but_that_of_a_conversation_and_nothing_is_lost(
    tmp_path: Path, model_server: ModelServer
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=1m tmpfs "{disk}" && exec "$@"'
    own_mounts = ("unshare", "--mount", "--user", "--map-root-user", "sh", "-c", mount, "sh")
    try:
        await anyio.run_process([*own_mounts, "true"])
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine allows no mounts")
    model_server.pieces = ("An answer.",)

    with started(FULL, str(disk / "data"), model_server.url, before=own_mounts) as process:
        output, _ = await anyio.to_thread.run_sync(lambda: process.communicate(timeout=60))

    assert output.splitlines() == [
        "answered",
        "answered",
        "There is no room left for the store DATA/store.sqlite.",
        "answered",
        "['First', 'Fourth']",
    ]
    assert len(model_server.chats) == 3
