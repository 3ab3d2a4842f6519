"""What a request's head says, beside its key."""

from __future__ import annotations

from collections.abc import Mapping

from theo_mcp.gateway.refusals import Refusal


def is_fresh(headers: Mapping[str, str]) -> bool:
    """Whether the client asks for a new answer, in HTTP's own words."""
    words = {word.strip().lower() for word in headers.get("cache-control", "").split(",")}
    return not words.isdisjoint(("no-cache", "no-store"))


def host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    bare, _, port = host.rpartition(":")
    return (bare if bare and port.isdigit() else host).lower()


def check_length(headers: Mapping[str, str]) -> None:
    """
    Raises:
        Refusal: it has two lengths; a proxy before the gateway may believe the other one (RFC 9112, 6.1).
    """
    if "transfer-encoding" in headers and "content-length" in headers:
        raise Refusal(400, "bad_request", "The request has two lengths.", headers={"connection": "close"})
