"""Which addresses a request, and the key in it, may go to."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from theo_mcp.errors import ConfigError

_SHOWN = 100


def checked_base_url(url: str, setting: str, *, allow_insecure_http: bool = False) -> str:
    """`url` without a trailing slash, if a key may be sent there: https, or http on this machine.

    Raises:
        ConfigError: it may not, or it is not an absolute http(s) URL; the message names `setting`.
    """
    parts = _split(url.strip())
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        problem, hint = "is not a URL", "It looks like https://host or http://127.0.0.1:8080."
    elif parts.username or parts.password or parts.query or parts.fragment:
        problem, hint = "has a user name, a query or a fragment in it", "Give scheme, host, port and path only."
    elif parts.scheme == "http" and not is_loopback(url) and not allow_insecure_http:
        problem = "is plain http to another machine, where anyone on the way can read the key"
        hint = "Use https, or set allow_insecure_http = true in your own settings file."
    else:
        return url.strip().rstrip("/")
    raise ConfigError(f"The setting {setting} {problem}.", hint=hint)


def is_loopback(url: str) -> bool:
    """Whether `url` names this machine."""
    parts = _split(url)
    host = parts.hostname if parts else None
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """Host and port of `url`, for a message; never what stands before an @."""
    parts = _split(url)
    host = parts.netloc.rpartition("@")[2] if parts else ""
    return host[:_SHOWN] if host.isprintable() and host else "another address"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # a port that is no number raises only when it is read
    except ValueError:
        return None
    return parts
