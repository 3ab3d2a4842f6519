"""What a job gets, what it returns, how many run at once and how they end early."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from tests.unit.sandbox.opened import JOBS, LINUX, SMALL, OpenSandbox, ended, job
from theo_mcp.errors import SandboxError
from theo_mcp.sandbox import Job, Sandbox


async def test_a_job_takes_bytes_and_options_and_returns_bytes_and_json(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        result = await sandbox.run(job("upper", {"text": b"some text. "}, times=2))

    assert result.outputs == {"text": b"SOME TEXT. SOME TEXT. "}
    assert result.value == {"size": 11}


@pytest.mark.slow
async def test_large_inputs_and_outputs_pass_whole(open_sandbox: OpenSandbox) -> None:
    text = bytes(range(256)) * (64 << 10)
    async with open_sandbox() as sandbox:
        result = await sandbox.run(job("upper", {"text": text}, times=2))

    assert result.outputs["text"] == text.upper() * 2


async def test_each_job_has_an_empty_private_folder_and_an_environment_without_keys(
    open_sandbox: OpenSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THEO_API_KEY", "theo_sk_secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy")
    async with open_sandbox() as sandbox:
        for _ in range(2):
            found = (await sandbox.run(job("surroundings"))).value
            assert isinstance(found, dict)
            place = Path(found.pop("folder"))
            environment = found.pop("environment")

            assert found == {"listed": ["made"], "umask": 0o077, "own_session": True, "mode": 0o700}
            assert not place.exists()
            assert environment["HOME"] == environment["TMPDIR"] == str(place)
            assert "secret" not in str(environment)
            assert set(environment) <= {
                *("HOME", "TMPDIR", "TEMP", "TMP", "PATH", "LANG", "TZ", "MALLOC_ARENA_MAX", "OMP_NUM_THREADS"),
                *("OPENBLAS_NUM_THREADS", "LD_LIBRARY_PATH", "LC_CTYPE", "THEO_MCP_SANDBOX"),
            }


async def test_a_child_imports_nothing_of_the_package_but_what_its_job_wants(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        imported = (await sandbox.run(job("modules"))).value

    assert isinstance(imported, list)
    assert [name for name in imported if name.startswith("theo_mcp")] == ["theo_mcp", "theo_mcp.errors"]
    assert not {"asyncio", "anyio", "pydantic", "json", "site"} & set(imported)


@pytest.mark.parametrize(
    "wrong",
    [
        Job("os:system", {}, {"command": "true"}),
        Job("sandbox_jobs_too:whoami"),
        Job("sandbox_jobs:whoami:more"),
        Job("sandbox_jobs:_kept.append"),
        Job("../sandbox_jobs:whoami"),
        Job("sandbox_jobs:upper", {"not a name": b""}),
        Job("sandbox_jobs:upper", {"text": b""}, {"text": 1}),
        Job("sandbox_jobs:upper", {"text": b""}, {"times": object()}),  # type: ignore[dict-item]
        Job("sandbox_jobs:upper", {"text": b""}, {"times": float("inf")}),
    ],
    ids=repr,
)
async def test_only_functions_of_ours_are_run(wrong: Job, open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(ValueError, match="not"):
            await sandbox.run(wrong)


async def test_jobs_wait_for_a_place(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox(concurrency=2) as sandbox:
        results = []

        async def one(number: int) -> None:
            result = await sandbox.run(job("upper", {"text": str(number).encode()}))
            results.append((number, result.outputs["text"], len(open_sandbox.children())))

        async with anyio.create_task_group() as tasks:
            for number in range(12):
                tasks.start_soon(one, number)

    assert sorted((number, text) for number, text, _ in results) == [(n, str(n).encode()) for n in range(12)]
    assert max(alive for *_, alive in results) <= 2


async def test_a_job_that_waits_can_be_cancelled_and_has_a_deadline(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox(concurrency=1) as sandbox, anyio.create_task_group() as tasks:
        tasks.start_soon(sandbox.run, job("hang"))
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0.01) as waiting:
            await sandbox.run(job("whoami"))
        with pytest.raises(SandboxError, match=r"was not done within 0\.01 s") as raised:
            await sandbox.run(job("whoami"), within=0.01)
        tasks.cancel_scope.cancel()

    assert waiting.cancelled_caught
    assert (raised.value.code, raised.value.retryable) == ("sandbox_busy", True)


@pytest.mark.parametrize("point", ["start", "send", "run", "receive"])
async def test_cancelling_returns_at_once(point: str, open_sandbox: OpenSandbox) -> None:
    work = {
        "start": job("hang"),
        "send": job("upper", {"text": bytes(100 << 20)}),
        "run": job("hang_in_c"),
        "receive": job("make", size=60 << 20),
    }[point]
    async with open_sandbox() as sandbox:
        if point != "start":
            await sandbox.run(job("whoami"))
        with anyio.move_on_after(0.02) as scope:
            await sandbox.run(work)
        late = anyio.current_time() - scope.deadline

        assert scope.cancelled_caught
        assert late < 0.2


async def test_closing_ends_what_runs_and_waits_and_does_so_once(open_sandbox: OpenSandbox) -> None:
    codes = []

    async def one(sandbox: Sandbox) -> None:
        with pytest.raises(SandboxError) as raised:
            await sandbox.run(job("hang"))
        codes.append(raised.value.code)

    async with open_sandbox(concurrency=1) as sandbox, anyio.create_task_group() as tasks:
        await sandbox.warm(("sandbox_jobs",), limits=SMALL)
        tasks.start_soon(one, sandbox)
        tasks.start_soon(one, sandbox)
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(1):
            await sandbox.aclose()
        await sandbox.aclose()
        with pytest.raises(SandboxError, match="The sandbox is closed"):
            await sandbox.run(job("whoami"))

    assert codes == ["sandbox_closed", "sandbox_closed"]


PARENT = """
import sys, anyio
from pathlib import Path
from theo_mcp.sandbox import Job, Sandbox
async def main():
    sandbox = Sandbox(allow=("sandbox_jobs",), path=[Path(sys.argv[1])])
    process = (await sandbox.run(Job("sandbox_jobs:whoami"))).value
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sandbox.run, Job("sandbox_jobs:hang_in_c"))
        await anyio.wait_all_tasks_blocked()
        print(process, flush=True)
        await anyio.sleep_forever()
anyio.run(main)
"""


@pytest.mark.slow
@pytest.mark.skipif(not LINUX, reason="elsewhere the alarm ends it some seconds after its time")
async def test_a_child_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    environment = {"TMPDIR": str(tmp_path)}
    with anyio.fail_after(10):
        async with await anyio.open_process(
            [sys.executable, "-c", PARENT, str(JOBS)], stdout=subprocess.PIPE, env=environment
        ) as parent:
            assert parent.stdout is not None
            child = int(await parent.stdout.receive())
            parent.kill()
            await parent.wait()
            await ended(child)


async def test_a_python_that_cannot_be_started_is_said_in_a_sentence(
    open_sandbox: OpenSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match="could not be started: No such file or directory") as raised:
            await sandbox.run(job("whoami"))

    assert (raised.value.code, raised.value.retryable) == ("sandbox_unavailable", True)
