"""The settings of the services: who answers, with which keys, and how long and how often a call may try."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from theo_mcp.secret import Secret
from theo_mcp.settings.paths import UserPath


class ServiceSettings(BaseModel):
    """What holds for every call, whoever answers it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # the hosted clients alone need none

    backend: Literal["auto", "hosted", "engine"] = Field(
        "auto", description="What answers: auto (an API with a key is hosted, the other is the engine), hosted, engine."
    )
    theo_api_key: Secret | None = Field(None, description="The key for Theo (theo_sk_…).")
    theo_api_key_file: UserPath | None = Field(None, description="A file that holds the key for Theo.")
    theo_base_url: str = Field("https://www.hitheo.ai", description="Where Theo answers.")
    getcode_api_key: Secret | None = Field(None, description="The key for GetCode (gc_…).")
    getcode_api_key_file: UserPath | None = Field(None, description="A file that holds the key for GetCode.")
    getcode_base_url: str = Field("https://getcode.one", description="Where GetCode answers.")
    keyring: bool = Field(
        False, description="Look for keys in this system's keyring too (`theo-mcp key set theo` keeps one there)."
    )
    max_prompt_chars: int = Field(200_000, ge=1, description="A longer prompt is refused before anything is sent.")
    connect_timeout_s: float = Field(10.0, gt=0, description="Seconds to reach a service.")
    timeout_s: float = Field(
        120.0, gt=0, description="Seconds for a whole answer that does not stream, all tries included."
    )
    first_byte_timeout_s: float = Field(120.0, gt=0, description="Seconds until a stream begins.")
    idle_timeout_s: float = Field(120.0, gt=0, description="Seconds a stream may be silent.")
    max_reply_bytes: int = Field(64 * 2**20, ge=1024, description="A longer reply of a service is not read to its end.")
    max_event_bytes: int = Field(
        64 * 2**20, ge=1024, description="The same for one event of a stream, which may hold an image as base64."
    )
    max_retries: int = Field(
        2, ge=0, le=10, description="How often a call is tried again that was never sent, or that the service refused."
    )
    max_retry_after_s: float = Field(
        60.0, ge=0, description="A service that asks to wait longer than this gets no second try in the same call."
    )
    retry_ambiguous: bool = Field(
        False, description="Also try again what may have been done and billed, with the same Idempotency-Key."
    )
    budget_cents: Decimal | None = Field(
        None,
        ge=0,
        le=10**9,
        description="The most that Theo's hosted calls may cost in one day, in cents; a call that could cost more is "
        "refused before it is sent. Default: no limit.",
    )
    max_cents: Decimal | None = Field(
        None,
        ge=0,
        le=10**9,
        description="The most that Theo's hosted calls may cost from the start of this program to its end, in cents; "
        "refused as for budget_cents. Default: no limit.",
    )
    allow_insecure_http: bool = Field(
        False, description="Send keys over plain http to a host other than this machine. Only in the user's file."
    )
