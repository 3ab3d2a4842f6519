"""The sandbox under jobs that behave and jobs that do not: what each comes to, and that nothing is left of any."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import anyio
import pytest

from theo_mcp.errors import InputError, NotAvailableError, SandboxError
from theo_mcp.sandbox import Job, Limits, Sandbox, folder
from theo_mcp.sandbox.inside.serve import MAGIC

HERE = Path(__file__).parent
LINUX = sys.platform == "linux"
SHORT = Limits(seconds=0.2)
SMALL = Limits(memory_bytes=200 << 20, output_bytes=1 << 20, file_bytes=1 << 20)

Open = Callable[..., AbstractAsyncContextManager[Sandbox]]


def job(function: str, /, inputs: dict[str, bytes] | None = None, *, alone: bool = False, **options: object) -> Job:
    return Job(f"sandbox_jobs:{function}", inputs or {}, options, alone=alone)  # type: ignore[arg-type]


@pytest.fixture
def open_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens a sandbox for the jobs of `sandbox_jobs`; when it is closed, nothing of it may be left."""
    monkeypatch.setenv("TZ", f"theo-{tmp_path}")  # inherited by children, so that theirs can be found
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    @asynccontextmanager
    async def opened(**options: object) -> AsyncIterator[Sandbox]:
        before = _open_files()
        with anyio.fail_after(20):
            async with Sandbox(allow=("sandbox_jobs",), path=[HERE], **options) as sandbox:  # type: ignore[arg-type]
                yield sandbox
        gc.collect()
        assert list(tmp_path.glob("theo-mcp-*")) == []
        assert _processes(f"TZ=theo-{tmp_path}") == []
        assert _open_files() <= before + 1  # the event loop's own

    return opened


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if LINUX else 0


def _processes(variable: str) -> list[int]:
    """The processes that have `variable` in their environment, zombies among our own children included."""
    found = []
    for each in Path("/proc").glob("[0-9]*") if LINUX else ():
        try:
            state, parent = (each / "stat").read_text().rpartition(")")[2].split()[:2]
            if variable.encode() in (each / "environ").read_bytes() or (state == "Z" and int(parent) == os.getpid()):
                found.append(int(each.name))
        except OSError:
            continue
    return found


async def test_a_job_takes_bytes_and_options_and_returns_bytes_and_json(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        result = await sandbox.run(job("upper", {"text": b"some text. "}, times=2))

    assert result.outputs == {"text": b"SOME TEXT. SOME TEXT. "}
    assert result.value == {"size": 11}


async def test_large_inputs_and_outputs_pass_whole(open_sandbox: Open) -> None:
    text = bytes(range(256)) * (64 << 10)
    async with open_sandbox() as sandbox:
        result = await sandbox.run(job("upper", {"text": text}, times=2))

    assert result.outputs["text"] == text.upper() * 2


async def test_one_child_serves_one_job_after_the_other(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        served_by = {(await sandbox.run(job("whoami"))).value for _ in range(5)}

    assert len(served_by) == 1


async def test_a_child_is_replaced_after_its_number_of_jobs(open_sandbox: Open) -> None:
    async with open_sandbox(jobs_per_child=2) as sandbox:
        first, second, third = [(await sandbox.run(job("whoami"))).value for _ in range(3)]

    assert first == second != third


async def test_a_child_is_replaced_when_it_holds_too_much_memory(open_sandbox: Open) -> None:
    async with open_sandbox(recycle_bytes=64 << 20) as sandbox:
        small = (await sandbox.run(job("keep_memory", size=1 << 20))).value
        large = (await sandbox.run(job("keep_memory", size=80 << 20))).value
        after = (await sandbox.run(job("whoami"))).value

    assert small == large != after


async def test_a_child_in_which_a_thread_goes_on_is_replaced(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        before = (await sandbox.run(job("keep_a_thread"))).value

        assert (await sandbox.run(job("whoami"))).value != before


async def test_a_child_is_replaced_after_a_fault_and_kept_after_a_refusal(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        first = (await sandbox.run(job("whoami"))).value
        with pytest.raises(InputError):
            await sandbox.run(job("refuse"))
        second = (await sandbox.run(job("whoami"))).value
        with pytest.raises(SandboxError):
            await sandbox.run(job("fail"))
        third = (await sandbox.run(job("whoami"))).value

    assert first == second != third


async def test_a_job_that_wants_to_be_alone_shares_its_child_with_no_other(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        shared = (await sandbox.run(job("whoami"))).value
        alone = (await sandbox.run(job("whoami", alone=True))).value
        after = (await sandbox.run(job("whoami"))).value

    assert shared == after != alone


async def test_a_job_alone_takes_a_warm_child_that_has_not_served_yet(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        await sandbox.warm(("sandbox_jobs",))
        (resting,) = _processes(os.environ["TZ"])

        assert (await sandbox.run(job("whoami", alone=True))).value == resting


async def test_an_idle_child_ends_by_itself(open_sandbox: Open) -> None:
    async with open_sandbox(idle_seconds=0.01) as sandbox:
        first = (await sandbox.run(job("whoami"))).value
        await _ended(first)

        assert (await sandbox.run(job("whoami"))).value != first


async def test_a_job_passes_to_another_child_when_the_idle_one_ended_a_moment_before(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        first = (await sandbox.run(job("whoami"))).value

        # a status that only an idle child has: as if it had ended between its choice and the job
        second = await sandbox.run(job("leave_on_a_warm_child", first=first))

    assert second.value != first


async def _ended(process: object) -> None:
    """Returns when `process` has; at once where it did long ago."""
    assert isinstance(process, int)
    try:
        file = os.pidfd_open(process)
    except ProcessLookupError:
        return
    try:
        await anyio.wait_readable(file)
    finally:
        os.close(file)


async def test_only_so_many_children_rest(open_sandbox: Open) -> None:
    async with open_sandbox(concurrency=3, warm=2) as sandbox:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(sandbox.run, job("whoami"))

        assert len(_processes(os.environ["TZ"])) == 2


async def test_the_child_that_rested_longest_makes_room_for_one_of_another_kind(open_sandbox: Open) -> None:
    async with open_sandbox(warm_in_all=1) as sandbox:
        await sandbox.run(job("whoami"))
        other = (await sandbox.run(job("whoami"), limits=SMALL)).value

        assert _processes(os.environ["TZ"]) == [other]


async def test_each_job_has_an_empty_private_folder_and_an_environment_without_keys(
    open_sandbox: Open, monkeypatch: pytest.MonkeyPatch
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


async def test_a_child_imports_nothing_of_the_package_but_what_its_job_wants(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        imported = (await sandbox.run(job("modules"))).value

    assert isinstance(imported, list)
    assert [name for name in imported if name.startswith("theo_mcp")] == ["theo_mcp", "theo_mcp.errors"]
    assert not {"asyncio", "anyio", "pydantic", "json", "site"} & set(imported)


@pytest.mark.skipif(not LINUX, reason="Landlock and seccomp are Linux's")
async def test_a_job_reaches_nothing_but_its_folder(open_sandbox: Open, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a key", encoding="utf-8")
    async with open_sandbox() as sandbox:
        confined = await sandbox.warm(("sandbox_jobs",))
        outcomes = (await sandbox.run(job("attempts", parent=os.getpid(), secret=str(secret)))).value

    assert confined == {"limits", "files", "network", "processes"}, "this kernel has no Landlock or no seccomp"
    assert outcomes == {
        "read the secret": "PermissionError",
        "read the parent's environment": "PermissionError",
        "write beside the folder": "PermissionError",
        "remove the secret": "PermissionError",
        "connect": "PermissionError",
        "open a socket": "PermissionError",
        "signal the parent": "PermissionError",
        "limit the parent": "PermissionError",
        "fork": "PermissionError",
        "start a program": "PermissionError",
        "raise a limit": "PermissionError",
        "use a thread": "worked",
        "write in the folder": "worked",
    }
    assert secret.read_text(encoding="utf-8") == "a key"


async def test_what_is_named_readable_can_be_read(open_sandbox: Open, tmp_path: Path) -> None:
    font = tmp_path / "font"
    font.write_bytes(b"a font")
    async with open_sandbox(readable=[font]) as sandbox:
        outcomes = (await sandbox.run(job("attempts", parent=os.getpid(), secret=str(font)))).value

    assert isinstance(outcomes, dict)
    assert outcomes["read the secret"] == "worked"
    assert outcomes["remove the secret"] == "PermissionError"


async def test_a_refusal_comes_back_as_it_was_raised(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(InputError) as refused:
            await sandbox.run(job("refuse"))
        with pytest.raises(NotAvailableError) as lacking:
            await sandbox.run(job("lack"))

    assert (refused.value.code, str(refused.value)) == ("image_empty", "The image has no pixels. Send another.")
    assert (lacking.value.code, str(lacking.value)) == (
        "extra_missing",
        "The part that reads PDF is not installed. Install it.",
    )


async def test_a_refusal_is_cut_to_one_clean_line(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(InputError) as refused:
            await sandbox.run(job("refuse_with_noise"))

    assert refused.value.message.startswith("One [31mtwo xxx")
    assert len(refused.value.message) == 500
    assert refused.value.code == "validation_error"


async def test_what_an_exception_says_is_kept_from_users(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match=r"^The job fail failed: LookupError in sandbox_jobs.py:\d+\. ") as failed:
            await sandbox.run(job("fail"))

    assert "secret" not in f"{failed.value} {failed.value!r}"
    assert failed.value.detail == "the secret text of the document [2J"


CRASHES = {
    "read_null": ("job_crashed", "The job read_null crashed (SIGSEGV)."),
    "abort": ("job_crashed", "The job abort crashed (SIGABRT)."),
    "fail_badly": ("job_failed", "The job fail_badly failed: Exception."),
    "leave": ("job_failed", "The job leave failed: SystemExit in sandbox_jobs.py"),
    "no_json": ("job_failed", "The job no_json failed: TypeError"),
    "not_a_number": ("job_failed", "The job not_a_number failed: ValueError"),
    "not_bytes": ("job_failed", "The job not_bytes failed: TypeError"),
    "no_pair": ("job_failed", "The job no_pair failed: ValueError"),
    "missing": ("job_failed", "The job missing failed: AttributeError"),
    "close_everything": ("job_crashed", "The job close_everything ended with status 70 before it had answered."),
    "close_and_hang": ("job_crashed", "The job close_and_hang closed its answers before it had answered."),
    "fork_bomb": ("job_failed", "The job fork_bomb failed: PermissionError"),
}


@pytest.mark.parametrize("function", CRASHES)
async def test_a_job_that_fails_is_an_error_with_a_sentence(function: str, open_sandbox: Open) -> None:
    code, said = CRASHES[function]
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError) as raised:
            await sandbox.run(job(function))

        assert (raised.value.code, raised.value.message[: len(said)]) == (code, said)
        assert raised.value.hint
        assert (await sandbox.run(job("upper", {"text": b"next"}))).outputs == {"text": b"NEXT"}


@pytest.mark.parametrize(
    ("function", "options", "code", "said"),
    [
        ("crash", {"number": signal.SIGKILL}, "job_memory", "ended by the system, most likely for want of memory"),
        ("crash", {"number": signal.SIGTERM}, "job_crashed", "crashed (SIGTERM)"),
        ("crash", {"number": signal.SIGALRM}, "job_timeout", "took longer than 30 s"),
        ("crash", {"number": 40}, "job_crashed", "crashed (signal 40)"),
        ("leave_at_once", {"status": 0}, "job_crashed", "ended with status 0"),
        ("leave_at_once", {"status": 3}, "job_crashed", "ended with status 3"),
        ("leave_at_once", {"status": 75}, "job_crashed", "ended with status 75"),
    ],
)
async def test_a_child_that_ends_is_an_error_that_says_how(
    function: str, options: dict[str, int], code: str, said: str, open_sandbox: Open
) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError) as raised:
            await sandbox.run(job(function, **options))

    assert raised.value.code == code
    assert said in raised.value.message


def _head(number: int = 1, blobs: int = 1, kind: int = 1) -> bytes:
    return MAGIC + bytes([kind, 0]) + number.to_bytes(8, "big") + blobs.to_bytes(2, "big")


GARBAGE = {
    "text": b"%PDF-1.7 something that a library printed",
    "another job's number": _head(number=7, blobs=0),
    "an unknown kind": _head(kind=9, blobs=0),
    "a name that is no text": _head() + b"\x01\xff" + bytes(8),
    "two outputs of a name": _head(blobs=2) + (b"\x01a" + bytes(8)) * 2,
    "a value that is no JSON": _head() + b"\x00" + (1).to_bytes(8, "big") + b"{",
    "a value nested too deep": _head() + b"\x00" + (200_000).to_bytes(8, "big") + b"[" * 200_000,
    "a value that is not a number": _head() + b"\x00" + (3).to_bytes(8, "big") + b"NaN",
}
TOO_MUCH = {
    "a huge length": _head() + b"\x01a" + b"\x7f" + bytes(7),
    "a huge value": _head() + b"\x00" + (5 << 20).to_bytes(8, "big"),
    "many outputs": _head(blobs=60_000),
}


@pytest.mark.parametrize("kind", GARBAGE)
async def test_what_is_no_answer_is_a_crash(kind: str, open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match="something that is no answer") as raised:
            await sandbox.run(job("say", {"data": GARBAGE[kind]}))

    assert raised.value.code == "job_crashed"


@pytest.mark.parametrize("kind", TOO_MUCH)
async def test_what_is_announced_as_too_large_is_not_read(kind: str, open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError) as raised:
            await sandbox.run(job("say", {"data": TOO_MUCH[kind]}, hangs=True))

    assert raised.value.code == "job_output_too_large"


@pytest.mark.parametrize(
    "hanging",
    [
        job("hang"),
        job("hang_in_c"),
        job("hang_ignoring_the_limit"),
        job("say", {"data": _head()[:9]}, hangs=True),
        job("say", {"data": _head() + b"\x01a" + (9).to_bytes(8, "big") + b"half"}, hangs=True),
    ],
    ids=lambda each: each.function,
)
async def test_a_job_that_hangs_is_stopped_at_its_time(hanging: Job, open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match=r"took longer than 0\.2 s and was stopped\.") as raised:
            await sandbox.run(hanging, limits=SHORT)

    assert raised.value.code == "job_timeout"


async def test_the_processor_time_is_counted_for_each_job_anew(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match="used more than 0 s of processor time") as raised:
            await sandbox.run(job("hang_in_c"), limits=Limits(cpu_seconds=0))

    assert raised.value.code == "job_timeout"


@pytest.mark.skipif(not LINUX, reason="macOS does not heed the limit of memory")
async def test_memory_has_a_limit(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match="needs more memory than the 200 MB that are allowed") as raised:
            await sandbox.run(job("eat_memory"), limits=SMALL)
        with pytest.raises(SandboxError) as at_input:
            await sandbox.run(job("upper", {"text": bytes(220 << 20)}), limits=SMALL)

    assert raised.value.code == at_input.value.code == "job_memory"


@pytest.mark.parametrize(
    "large",
    [job("make", size=(1 << 20) + 1), job("write", size=2 << 20)],
    ids=lambda each: each.function,
)
async def test_what_is_made_has_a_limit(large: Job, open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match=r"larger than is allowed \(1,048,576 bytes\)") as raised:
            await sandbox.run(large, limits=SMALL)
        exact = await sandbox.run(job("make", size=1 << 20), limits=SMALL)

    assert raised.value.code == "job_output_too_large"
    assert exact.outputs["made"] == bytes(1 << 20)


async def test_what_a_job_prints_goes_nowhere(open_sandbox: Open, capfd: pytest.CaptureFixture[str]) -> None:
    async with open_sandbox() as sandbox:
        result = await sandbox.run(job("print_much"))

    assert result.value == ""
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("then_abort", [True, False])
async def test_a_folder_that_resists_is_removed_all_the_same(then_abort: bool, open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        try:
            before = (await sandbox.run(job("litter", then_abort=then_abort))).value
        except SandboxError:
            before = None

        assert (await sandbox.run(job("whoami"))).value != before


async def test_a_preloaded_module_that_cannot_be_imported_is_an_error(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match="failed: ModuleNotFoundError"):
            await sandbox.run(Job("sandbox_jobs:whoami", preload=("sandbox_nothing",)))


@pytest.mark.skipif(not LINUX, reason="descendants are looked for in /proc")
@pytest.mark.parametrize("then", ["return", "abort", "hang"])
async def test_processes_that_slip_away_are_found_and_ended(then: str, open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        try:
            await sandbox.run(job("fork_some", count=3, then=then), limits=Limits(seconds=0.5, processes=20))
        except SandboxError:
            assert then != "return"

        for process in _processes(os.environ["TZ"]):
            await _ended(process)


@pytest.mark.skipif(not LINUX or os.getuid() == 0, reason="root has no limit on the number of its processes")
async def test_no_more_processes_than_allowed_are_started(open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        result = await sandbox.run(job("fork_until_refused"), limits=Limits(processes=5))

    assert isinstance(result.value, int)
    assert result.value <= 5


@pytest.mark.parametrize("point", ["start", "send", "run", "receive"])
async def test_cancelling_returns_at_once(point: str, open_sandbox: Open) -> None:
    work = {
        "start": job("hang"),
        "send": job("say", {"data": _head()[:3]}, hangs=True),
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


async def test_jobs_wait_for_a_place(open_sandbox: Open) -> None:
    async with open_sandbox(concurrency=2) as sandbox:
        results = []

        async def one(number: int) -> None:
            result = await sandbox.run(job("upper", {"text": str(number).encode()}))
            results.append((number, result.outputs["text"], len(_processes(os.environ["TZ"]))))

        async with anyio.create_task_group() as tasks:
            for number in range(12):
                tasks.start_soon(one, number)

    assert sorted((number, text) for number, text, _ in results) == [(n, str(n).encode()) for n in range(12)]
    assert max(alive for *_, alive in results) <= 2


async def test_a_job_that_waits_can_be_cancelled_and_has_a_deadline(open_sandbox: Open) -> None:
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


async def test_closing_ends_what_runs_and_waits_and_does_so_once(open_sandbox: Open) -> None:
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
async def test_only_functions_of_ours_are_run(wrong: Job, open_sandbox: Open) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(ValueError, match="not"):
            await sandbox.run(wrong)


async def test_a_python_that_cannot_be_started_is_said_in_a_sentence(
    open_sandbox: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match="could not be started: No such file or directory") as raised:
            await sandbox.run(job("whoami"))

    assert (raised.value.code, raised.value.retryable) == ("sandbox_unavailable", True)


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


@pytest.mark.skipif(not LINUX, reason="elsewhere the alarm ends it some seconds after its time")
async def test_a_child_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    environment = {"TMPDIR": str(tmp_path), "PATH": os.environ["PATH"]}
    with anyio.fail_after(10):
        async with await anyio.open_process(
            [sys.executable, "-c", PARENT, str(HERE)], stdout=subprocess.PIPE, env=environment
        ) as parent:
            assert parent.stdout is not None
            child = int(await parent.stdout.receive())
            parent.kill()
            await parent.wait()
            await _ended(child)


def test_a_folder_is_removed_with_all_that_a_hostile_program_left(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    hostile = tmp_path / "hostile"
    (hostile / "moved-0" / "moved-1").mkdir(parents=True)
    (hostile / "a" / "moved-2").mkdir(parents=True)
    (hostile / "moved-1").write_text("in the way", encoding="utf-8")
    (hostile / "a" / "link").symlink_to(outside)
    (hostile / "a" / "moved-2").chmod(0)

    assert folder.remove(hostile)
    assert not hostile.exists()
    assert outside.exists()
    assert folder.remove(hostile)
