"""What is kept of an error: its facts, which outlive the process in which it was raised, and no key.

The words of an error that is not ours may hold a prompt or an answer. They are neither kept nor logged.
"""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass, field
from typing import Literal

from theo_mcp import errors
from theo_mcp.errors import TheoError
from theo_mcp.secret import redact

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """Why a run has no result."""

    kind: str
    """The name of the error's class."""
    code: str
    message: str
    hint: str = ""
    retryable: bool = False
    retry_after: float | None = None
    status: int | None = None
    request_id: str | None = None
    attempts: int = 0
    job_id: str | None = None
    partial: str = field(default="", repr=False)

    @property
    def of_the_job(self) -> bool:
        """Whether the service's job itself failed; else it may go on, whatever happened to the run that waited."""
        return self.kind == errors.ServiceError.__name__ and self.status is None

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """What can be told of what the work raised."""
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        known = error if isinstance(error, TheoError) else _unexpected(error)
        return cls(
            type(known).__name__,
            known.code,
            clean(known.message),
            clean(known.hint),
            known.retryable,
            known.retry_after,
            known.status,
            known.request_id,
            known.attempts,
            known.job_id,
            clean(known.partial),
        )

    def error(self, text: str) -> TheoError:
        """The error anew, each time without the traceback of another task; `text` came before it."""
        found = getattr(errors, self.kind, None)
        kind = found if isinstance(found, type) and issubclass(found, TheoError) else TheoError
        return kind(
            self.message,
            code=self.code,
            hint=self.hint,
            retryable=self.retryable,
            retry_after=self.retry_after,
            status=self.status,
            request_id=self.request_id,
            attempts=self.attempts,
            job_id=self.job_id,
            partial=self.partial or text,
        )


def stopped(
    state: Literal["cancelled", "interrupted"],
    *,
    billed: bool,
    request_id: str | None = None,
    job_id: str | None = None,
) -> Failure:
    """Why a run that did not come to its end has no result; `billed`: it may have cost all the same."""
    message = "The run was cancelled" if state == "cancelled" else "The program ended while the run was under way"
    hint = "Start it again."
    if billed:
        message += "; its request may have gone out, so the work may have been done and billed"
        names = ", ".join(f"{what} {id}" for what, id in (("request", request_id), ("job", job_id)) if id)
        hint = f"Look at your account{names and f' ({names})'} before you start it again."
    return Failure("TheoError", state, f"{message}.", hint, request_id=request_id, job_id=job_id)


def clean(text: str) -> str:
    """`text` without keys, and without what cannot be encoded."""
    return redact(text).encode("utf-8", "replace").decode()


def _unexpected(error: BaseException) -> TheoError:
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("The work of a run failed with %s:\n%s", type(error).__name__, where)
    return TheoError(
        f"Something went wrong inside theo-mcp ({type(error).__name__}).",
        code="internal_error",
        hint="Its log on stderr has the details; please report them.",
    )
