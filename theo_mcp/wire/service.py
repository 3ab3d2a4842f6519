"""What Theo says of itself: the models it has, and its health. Source: the vendor's pages on each, and its SDK.

Apart from `theo_mcp.wire.account`, so that a server that starts need not make models that only a client asks for.
"""

from __future__ import annotations

from pydantic import Field

from theo_mcp.wire.model import Extended, Reply


class ModelEntry(Reply):
    """One row of ``GET /api/v1/models``."""

    mode: str = ""
    model_id: str = ""
    label: str = ""
    engine: str = ""
    description: str = ""
    icon_url: str | None = None


class Models(Extended):
    """The answer of ``GET /api/v1/models``."""

    models: tuple[ModelEntry, ...] = ()


class ProviderHealth(Reply):
    """One of the service's parts: healthy, degraded, down or unconfigured."""

    status: str = ""


class Health(Extended):
    """The answer of ``GET /api/v1/health`` (no key needed): healthy, degraded or down."""

    status: str = ""
    timestamp: str = ""
    version: str = ""
    providers: dict[str, ProviderHealth] = Field(default_factory=dict)

    @property
    def delivered(self) -> bool:
        return bool(self.status)
