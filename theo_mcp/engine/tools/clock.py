"""The time now, which no model knows."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from theo_mcp.engine.tools import Arguments, Context, Tool
from theo_mcp.errors import InputError

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")  # strftime follows the locale


async def _run(arguments: Arguments, context: Context) -> str:
    return told(datetime.now(UTC), str(arguments.get("timezone") or "UTC"))


def told(now: datetime, zone: str) -> str:
    """`now` in the time zone `zone`: date and time, weekday, offset.

    Raises:
        InputError: there is no such zone.
    """
    try:
        there = now.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of the database, a path, a null character
        raise InputError(
            f"There is no time zone {zone[:60]!r}.", hint="Use a name such as Europe/Warsaw or America/New_York."
        ) from None
    return f"{there.isoformat(timespec='seconds')} ({_DAYS[there.weekday()]}, {zone}, week {there.isocalendar().week})"


TOOL = Tool(
    name="clock",
    description="Tells the date, the time and the weekday now, in a time zone.",
    input_schema={
        "type": "object",
        "properties": {
            "timezone": {"type": "string", "description": "An IANA name such as Europe/Warsaw. Default: UTC."}
        },
    },
    run=_run,
    effects=False,
)
