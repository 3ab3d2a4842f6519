"""Log records as JSON lines on stderr: stdout is the wire of MCP, and the host shows or keeps what stderr says."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from theo_mcp.secret import RedactingFilter, redact

_CHATTY = ("httpx", "httpx2", "httpcore", "httpcore2")  # they log addresses at INFO


class JsonFormatter(logging.Formatter):
    """One object a line: ``ts``, ``level``, ``logger``, ``event`` or ``message``, and the facts that the record brings
    in ``extra={"facts": {…}}``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        facts = getattr(record, "facts", None)
        if isinstance(facts, dict):
            line |= facts
        else:
            line["message"] = record.getMessage()
        if record.exc_text:
            line["exception"] = record.exc_text
        return redact(json.dumps(line, ensure_ascii=False, default=str))


def log_to_stderr(level: str) -> None:
    """Sends all records from `level` up to stderr, without keys; the HTTP libraries only from warnings up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(RedactingFilter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
