"""Has each request that asks for work audited: those that the engine answered it has noted itself, the rest here."""

from __future__ import annotations

import time
from typing import Final

from theo_mcp.backend import Backend, Caller, Outcome
from theo_mcp.gateway.call import Endpoint
from theo_mcp.gateway.outgoing import GONE, Outgoing

_STRANGERS_S: Final = 1.0


class Noted:
    """The audit as the gateway has it. Who has no key is noted once a second at most: a flood of them would drive the
    rows of others out."""

    def __init__(self, backend: Backend) -> None:
        self._audit = backend.audit() if backend.audit is not None else None
        self._stranger_at = 0.0

    def end(self, endpoint: Endpoint, tenant: str, out: Outgoing, began: float) -> None:
        """A request of `tenant`, which is empty for a stranger, has been answered with `out`."""
        if self._audit is None or not endpoint.works or not (tenant or self._may()):
            return
        outcome: Outcome = "failed" if out.code else "ok" if out.ended and out.status != GONE else "cancelled"
        mode = endpoint.mode.strip("*")
        method = endpoint.path.rpartition("/")[2]
        self._audit.settled(
            Caller(tenant=tenant, request_id=out.id), method, mode=mode, began=began, outcome=outcome, code=out.code
        )

    def _may(self) -> bool:
        now = time.monotonic()
        if now - self._stranger_at < _STRANGERS_S:
            return False
        self._stranger_at = now
        return True
