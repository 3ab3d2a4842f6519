"""What each way to fail comes to, while the sandbox goes on."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.unit.sandbox.opened import SHORT, OpenSandbox, job
from theo_mcp.errors import InputError, NotAvailableError, SandboxError
from theo_mcp.sandbox import Job, Limits
from theo_mcp.sandbox.inside.serve import MAGIC

pytestmark = pytest.mark.slow


async def test_a_refusal_comes_back_as_it_was_raised(open_sandbox: OpenSandbox) -> None:
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


async def test_a_refusal_is_cut_to_one_clean_line(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(InputError) as refused:
            await sandbox.run(job("refuse_with_noise"))

    assert refused.value.message.startswith("One [31mtwo xxx")
    assert len(refused.value.message) == 500
    assert refused.value.code == "validation_error"


async def test_what_an_exception_says_is_kept_from_users(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(
            SandboxError, match=r"^The job fail failed: LookupError in sandbox_jobs.py:\d+\. "
        ) as failed:
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
async def test_a_job_that_fails_is_an_error_with_a_sentence(function: str, open_sandbox: OpenSandbox) -> None:
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
    function: str, options: dict[str, Any], code: str, said: str, open_sandbox: OpenSandbox
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
async def test_what_is_no_answer_is_a_crash(kind: str, open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match="something that is no answer") as raised:
            await sandbox.run(job("say", {"data": GARBAGE[kind]}))

    assert raised.value.code == "job_crashed"


@pytest.mark.parametrize("kind", TOO_MUCH)
async def test_what_is_announced_as_too_large_is_not_read(kind: str, open_sandbox: OpenSandbox) -> None:
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
async def test_a_job_that_hangs_is_stopped_at_its_time(hanging: Job, open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match=r"took longer than 0\.1 s and was stopped\.") as raised:
            await sandbox.run(hanging, limits=SHORT)

    assert raised.value.code == "job_timeout"


async def test_a_preloaded_module_that_cannot_be_imported_is_an_error(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match="failed: ModuleNotFoundError"):
            await sandbox.run(Job("sandbox_jobs:whoami", preload=("sandbox_nothing",)))


async def test_a_child_that_ends_while_it_imports_is_an_error(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match="ended with status 3 before it had answered") as raised:
            await sandbox.run(Job("sandbox_jobs:whoami", preload=("sandbox_ends",)))

    assert raised.value.code == "job_crashed"


@pytest.mark.parametrize("wrong", [{"seconds": 0}, {"seconds": float("inf")}, {"cpu_seconds": float("nan")}])
def test_limits_of_time_are_times(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at most a day"):
        Limits(**wrong)  # type: ignore[arg-type]
