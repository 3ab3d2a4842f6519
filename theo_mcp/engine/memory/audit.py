"""One row for each request, so that an owner can say later who asked what for, when, and how it ended.

A row never holds a prompt or an answer. The id is the one that the caller was told, so a gateway's log, its headers and
the row are of one request; what a gateway refuses before the engine sees it is noted under that id too. A refusal alone
makes no file: on a machine where nothing was ever kept it leaves none.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from pydantic import JsonValue

from theo_mcp.backend import Caller, Outcome
from theo_mcp.engine.memory.behind import Behind
from theo_mcp.engine.memory.place import Place
from theo_mcp.engine.providers import ServedModel
from theo_mcp.errors import ConfigError, InputError, NotAvailableError, NotFoundError, TheoError
from theo_mcp.settings import Settings
from theo_mcp.store import Put
from theo_mcp.wire.parts import Model, Usage

AUDIT_BYTES: Final = 64 * 2**20
"""What the rows may take up; beyond it the oldest give way."""

_DAY_S: Final = 86_400.0
_METADATA_BYTES: Final = 4096
_REFUSED: Final = (InputError, NotAvailableError, NotFoundError, ConfigError)


@dataclass
class Request:
    """One request while it is answered; its end is noted once."""

    caller: Caller
    method: str
    mode: str
    id: str
    began: float
    metadata: Mapping[str, JsonValue] | None
    note: Callable[[Request], None] = field(repr=False)
    resolved_mode: str = ""
    model: Model = field(default_factory=Model)
    usage: Usage = field(default_factory=Usage)
    cached: bool = False
    outcome: Outcome = "cancelled"
    code: str = ""
    refused: bool = False
    by_job: bool = False
    """A job goes on with it after the call, and says how it ended."""
    ended: bool = False

    def answers(self, mode: str, model: ServedModel) -> None:
        """Who will answer it, and how."""
        self.resolved_mode = mode
        self.model = Model(id=model.id, label=model.label, engine=model.engine)

    def done(self, usage: Usage, *, cached: bool = False, model: str = "", engine: str = "") -> None:
        """It was answered, by `model` if another stood in for it."""
        if model and model != self.model.id:
            self.model = Model(id=model, label=model, engine=engine or self.model.engine)
        self.outcome, self.usage, self.cached = "ok", usage, cached

    def failed(self, error: BaseException) -> None:
        """It was not, and why. A cancelling is no failure, nor is what its reader makes of an answer."""
        if self.outcome == "ok" or not isinstance(error, Exception):
            return
        self.outcome, self.code = "failed", error.code if isinstance(error, TheoError) else "internal_error"
        self.refused = isinstance(error, _REFUSED) and not self.model.id

    @contextmanager
    def under_way(self, *, job: bool = False) -> Iterator[Request]:
        """Notes it at the end of the block; one that a job goes on with, at the end of the `job` alone."""
        try:
            yield self
        except BaseException as error:
            if job or not self.by_job:
                self.failed(error)
            raise
        finally:
            if job or not self.by_job:
                self.end()

    def end(self) -> None:
        """Notes it."""
        if not self.ended:
            self.ended = True
            self.note(self)


class Audit:
    """The rows of one engine."""

    def __init__(
        self, settings: Settings, place: Place, behind: Behind, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._place = place
        self._behind = behind
        self._clock = clock
        self._rows_for_s = settings.audit_days * _DAY_S if settings.keep_results_s > 0 else 0.0
        self._taken: dict[str, Request | None] = {}

    def take(self, caller: Caller) -> None:
        """From now on the engine says how this request of a gateway ended."""
        if caller.request_id:
            self._taken[caller.request_id] = None

    def add(self, request: Request) -> None:
        """Notes one that has ended; one of a gateway when that has settled it, so that the row says what was told."""
        if request.id in self._taken:
            self._taken[request.id] = request
        elif self._rows_for_s and (not request.refused or self._behind.waits or self._place.exists):
            self._put(request)

    def settled(self, caller: Caller, method: str, *, mode: str, began: float, outcome: Outcome, code: str) -> None:
        """See `theo_mcp.backend.Audit`."""
        if caller.request_id in self._taken:
            if (known := self._taken.pop(caller.request_id)) is not None:  # else its job goes on, and notes it
                if code:
                    known.outcome, known.code = "failed", code
                self.add(known)
            return
        request = Request(caller, method, mode, caller.request_id, began, None, self.add)
        request.outcome, request.code, request.cached = outcome, code, outcome == "ok"
        request.end()

    def _put(self, request: Request) -> None:
        now, usage = self._clock(), request.usage
        row: dict[str, JsonValue] = {
            "time": datetime.fromtimestamp(request.began, UTC).isoformat(timespec="milliseconds"),
            "request_id": request.id,
            "method": request.method,
            "mode": request.mode,
            "resolved_mode": request.resolved_mode,
            "model": request.model.id,
            "engine": request.model.engine,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
            "cost_cents": usage.cost_cents,
            "cached": request.cached,
            "ms": max(0, round(1000 * (now - request.began))),
            "status": request.outcome,
            "code": request.code,
            "metadata": _bounded(request.metadata),
        }
        self._behind.put("audit", Put(request.id, row, request.caller.tenant, now + self._rows_for_s))


def _bounded(metadata: Mapping[str, JsonValue] | None) -> JsonValue:
    """The metadata, or only its names where it is long or cannot be stored."""
    if not metadata:
        return None
    kept = dict(metadata)
    with suppress(ValueError, RecursionError):
        if len(json.dumps(kept, allow_nan=False)) <= _METADATA_BYTES:
            return kept
    return [name[:100] for name in list(kept)[:20]]
