"""How a user's settings want the HTTP client to wait, try again and stop reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from theo_mcp.http.options import Limits, Timeouts
from theo_mcp.http.retry import RetryPolicy

if TYPE_CHECKING:
    from theo_mcp.settings import Settings


def timeouts(settings: Settings) -> Timeouts:
    return Timeouts(
        connect=settings.connect_timeout_s,
        first_byte=settings.first_byte_timeout_s,
        idle=settings.idle_timeout_s,
        whole=settings.timeout_s,
    )


def retries(settings: Settings) -> RetryPolicy:
    return RetryPolicy(
        retries=settings.max_retries,
        max_retry_after=settings.max_retry_after_s,
        retry_ambiguous=settings.retry_ambiguous,
    )


def limits(settings: Settings) -> Limits:
    return Limits(body=settings.max_reply_bytes, event=settings.max_event_bytes)
