"""What went wrong in a child, as an error that a person can act on. Says nothing of what the document holds."""

from __future__ import annotations

import re
import signal
from typing import Final

from theo_mcp.errors import InputError, NotAvailableError, SandboxError, TheoError
from theo_mcp.sandbox.frames import Frame
from theo_mcp.sandbox.inside import serve
from theo_mcp.sandbox.job import Job, Limits

_SMALLER: Final = "Try a smaller or simpler file."
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{1,40}")


def of_frame(frame: Frame, job: Job, limits: Limits) -> TheoError | None:
    """The fault that the child reports, or None where it has an answer."""
    if frame.kind == serve.DONE:
        return None
    if frame.kind == serve.MEMORY:
        return out_of_memory(limits)
    if frame.kind == serve.TOO_LARGE:
        return too_large(limits)
    if frame.kind == serve.REFUSED:
        return _refused(frame)
    if frame.kind == serve.FAILED:
        where = f" in {said}" if (said := frame.text("where")[:100]) else ""
        return SandboxError(
            f"{_name(job)} failed: {frame.text('type')[:60] or 'Exception'}{where}.",
            code="job_failed",
            hint="The file may be damaged, or of a kind that is not supported.",
            detail=frame.text("text"),
        )
    return garbled(job)


def of_exit(status: int | None, job: Job, limits: Limits) -> SandboxError:
    """The fault of a child that ended, with `status` as `subprocess` has it, before it had answered."""
    if status is not None and status < 0:
        name = _signal_name(-status)
        if name == "SIGKILL":  # not ours: we know of those
            return SandboxError(
                f"{_name(job)} was ended by the system, most likely for want of memory.",
                code="job_memory",
                hint=_SMALLER,
            )
        if name == "SIGXCPU":
            return SandboxError(
                f"{_name(job)} used more than {limits.cpu_seconds:g} s of processor time.",
                code="job_timeout",
                hint=_SMALLER,
            )
        if name == "SIGALRM":
            return timed_out(job, limits)
        return SandboxError(
            f"{_name(job)} crashed ({name}).",
            code="job_crashed",
            hint="The file is damaged, hostile, or needs more memory than is allowed; do not send it again as it is.",
        )
    said = "closed its answers" if status is None else f"ended with status {status}"
    return SandboxError(
        f"{_name(job)} {said} before it had answered.", code="job_crashed", hint="Do not send the file again as it is."
    )


def timed_out(job: Job, limits: Limits) -> SandboxError:
    return SandboxError(
        f"{_name(job)} took longer than {limits.seconds:g} s and was stopped.", code="job_timeout", hint=_SMALLER
    )


def out_of_memory(limits: Limits) -> SandboxError:
    return SandboxError(
        f"The file needs more memory than the {limits.memory_bytes >> 20} MB that are allowed.",
        code="job_memory",
        hint=_SMALLER,
    )


def too_large(limits: Limits) -> SandboxError:
    most = min(limits.output_bytes, limits.file_bytes)
    return SandboxError(
        f"What is made of the file is larger than is allowed ({most:,} bytes).",
        code="job_output_too_large",
        hint="Ask for less at once: fewer pages, or a smaller image.",
    )


def garbled(job: Job) -> SandboxError:
    return SandboxError(
        f"{_name(job)} answered with something that is no answer, and was stopped.",
        code="job_crashed",
        hint="Do not send the file again as it is.",
    )


def unavailable(reason: str) -> SandboxError:
    return SandboxError(
        f"A process for the file could not be started: {reason}.",
        code="sandbox_unavailable",
        hint="Try again when less is running on this machine.",
        retryable=True,
    )


def busy(seconds: float) -> SandboxError:
    return SandboxError(
        f"The file was not done within {seconds:g} s: other files were before it, or it takes that long.",
        code="sandbox_busy",
        hint="Try again later, or send fewer files at once.",
        retryable=True,
    )


def closed() -> SandboxError:
    return SandboxError("The sandbox is closed, so nothing runs in it any more.", code="sandbox_closed")


def _refused(frame: Frame) -> TheoError:
    kind = NotAvailableError if frame.text("kind") == "not_available" else InputError
    code = frame.text("code")
    return kind(frame.text("message"), code=code if _CODE.fullmatch(code) else None, hint=frame.text("hint"))


def _name(job: Job) -> str:
    """The function, in words that a user can read: ``artifacts.preview:thumbnail`` says what was being done."""
    return f"The job {job.function.rpartition(':')[2]}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
