"""Every error that this package raises, in one tree.

    TheoError
    ├── ConfigError            a setting, a key or a file is wrong; nothing was sent
    ├── InputError             the request is wrong; nothing was sent
    ├── BudgetError            the budget that the user set could be passed; nothing was sent
    ├── NotAvailableError      this backend or installation cannot do it; the hint says what can
    ├── APIError               a service answered with an error
    │   ├── BadRequestError        400, 409, 413, 422
    │   ├── AuthenticationError    401
    │   ├── PermissionDeniedError  403
    │   ├── CreditsError           402
    │   ├── NotFoundError          404
    │   ├── RateLimitError         429
    │   └── ServiceError           5xx and any other status
    ├── TransportError         no whole answer came
    │   ├── UnreachableError       nothing was sent: no route, name, port or certificate
    │   ├── TimeoutExceededError   the deadline passed
    │   ├── ConnectionLostError    the connection broke after the request went out
    │   └── ProtocolError          what came is not what the API documents
    │       └── RedirectError          another address, which is not followed
    ├── StoreError             what this machine keeps between calls cannot be read or written
    ├── StreamError            a stream failed or ended before its terminator; `partial` has the text so far
    ├── ModelError             the model on this machine failed
    └── SandboxError           a parse or render in a child process failed or went over its limits

A message is one sentence that says what happened; `hint` is the next step. Neither holds a key, a prompt or an answer.
"""

from __future__ import annotations


class TheoError(Exception):
    """The root of the tree: catch it to catch everything that this package raises.

    Attributes:
        code: a stable word, such as ``rate_limit_exceeded``; the API's own where it sent one.
        message: one sentence: what happened.
        hint: the next step, or an empty string.
        retryable: whether the same call may succeed later without risk of doing paid work twice.
        retry_after: seconds to wait, where the service said so.
        status: the HTTP status, where there was one.
        request_id: the service's id for the call, to quote to its support.
        attempts: how many requests went out.
        maybe_billed: whether one of them, the last or an earlier one, got no verdict and may have been billed.
        job_id: the job that a wait or a look was about, so that paid work is never lost from sight.
        partial: the text received before the failure. Never part of ``str()`` or ``repr()``.
    """

    code = "error"
    retryable = False
    maybe_billed = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str = "",
        retryable: bool | None = None,
        retry_after: float | None = None,
        status: int | None = None,
        request_id: str | None = None,
        attempts: int = 0,
        partial: str = "",
        job_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.hint = hint
        self.retryable = type(self).retryable if retryable is None else retryable
        self.retry_after = retry_after
        self.status = status
        self.request_id = request_id
        self.attempts = attempts
        self.partial = partial
        self.job_id = job_id

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code}: {self.message})"


class ConfigError(TheoError):
    """A setting, a key or a file is wrong; nothing was sent."""

    code = "config_error"


class InputError(TheoError):
    """The request is wrong; nothing was sent."""

    code = "validation_error"


class BudgetError(TheoError):
    """The budget that the user set could be passed; nothing was sent."""

    code = "budget_exceeded"


class NotAvailableError(TheoError):
    """This backend or installation cannot do it; the hint says what can."""

    code = "not_available_here"


class APIError(TheoError):
    """A service answered with an error."""

    code = "server_error"


class BadRequestError(APIError):
    """The service refused the request as it is (400, 409, 413, 422)."""

    code = "bad_request"


class AuthenticationError(APIError):
    """The service does not accept the key (401)."""

    code = "invalid_api_key"


class PermissionDeniedError(APIError):
    """The key is known but may not do this (403)."""

    code = "missing_scope"


class CreditsError(APIError):
    """The account has no balance, or a cap is reached (402)."""

    code = "insufficient_credits"


class NotFoundError(APIError):
    """The service knows no such thing (404)."""

    code = "not_found"


class RateLimitError(APIError):
    """Too many requests (429); ``retry_after`` says when to come back, where the service told."""

    code = "rate_limit_exceeded"
    retryable = True


class ServiceError(APIError):
    """The service failed (5xx). A paid request may have been done all the same."""

    code = "server_error"


class TransportError(TheoError):
    """No whole answer came."""

    code = "transport_error"


class UnreachableError(TransportError):
    """Nothing was sent: the service could not be reached."""

    code = "unreachable"
    retryable = True


class TimeoutExceededError(TransportError):
    """The deadline passed before the answer was whole."""

    code = "timeout"


class ConnectionLostError(TransportError):
    """The connection broke after the request went out; the work may have been done."""

    code = "connection_lost"


class ProtocolError(TransportError):
    """What came is not what the API documents: HTML, a redirect, JSON of another shape."""

    code = "unexpected_answer"


class RedirectError(ProtocolError):
    """The service redirects, which is not followed because it could carry the key elsewhere.

    `location` is where to, as it came: relative perhaps, or hostile. It is not part of the message.
    """

    location = ""


class StoreError(TheoError):
    """What this machine keeps between calls (runs, conversations, usage, keys) cannot be read or written."""

    code = "store_failed"


class StreamError(TheoError):
    """A stream failed, or ended before its terminator; ``partial`` has the text received so far."""

    code = "stream_failed"


class ModelError(TheoError):
    """The model on this machine failed."""

    code = "model_failed"


class SandboxError(TheoError):
    """A parse or render in a child process failed: the file is more than it can take, or hostile.

    Its codes: ``job_timeout``, ``job_memory``, ``job_output_too_large``, ``job_crashed``, ``job_failed``;
    ``sandbox_busy`` where no child was free in time, ``sandbox_unavailable`` where none could be started and
    ``sandbox_closed``.

    Attributes:
        detail: what the job's exception said, on one line. It may hold the document's text and is the child's word:
            for a developer's eyes, never part of ``str()`` or ``repr()``.
    """

    code = "job_failed"

    def __init__(
        self, message: str, *, code: str | None = None, hint: str = "", retryable: bool | None = None, detail: str = ""
    ) -> None:
        super().__init__(message, code=code, hint=hint, retryable=retryable)
        self.detail = detail
