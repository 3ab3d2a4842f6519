"""The playground: one page to try every endpoint of the gateway from a browser.

No build step and nothing from elsewhere: this folder's files are the page, byte for byte. The page runs under a policy
that allows nothing but this origin, and shows what a model wrote as text. HTML that a model wrote is shown in a second
document, whose own policy gives it an origin of its own, no network, and no scripts until the user turns them on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_PAGE, _PREVIEW = "index.html", "preview.html"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PREVIEW_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; media-src data: blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
"""What the frame inside it inherits: inline styles and scripts, and no network."""
_POLICIES = {_PAGE: _PAGE_POLICY, _PREVIEW: _PREVIEW_POLICY}


@dataclass(frozen=True)
class Asset:
    """One file as it is served."""

    body: bytes
    content_type: str
    headers: Mapping[str, str]

    @property
    def etag(self) -> str:
        return self.headers["ETag"]


def page() -> Asset:
    """What ``/playground`` answers."""
    return _assets()[_PAGE]


def asset(name: str) -> Asset | None:
    """What ``/playground/{name}`` answers; None where there is no such file."""
    return _assets().get(name)


@cache
def _assets() -> dict[str, Asset]:
    files = sorted(path for path in _FOLDER.iterdir() if path.suffix in _TYPES)
    return {path.name: _asset(path.name, path.suffix, path.read_bytes()) for path in files}


def _asset(name: str, suffix: str, body: bytes) -> Asset:
    headers = {
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:24]}"',
        "Cache-Control": "no-cache",  # asked each time, so that the files of two versions are never mixed
        "Content-Security-Policy": _POLICIES.get(name, "default-src 'none'"),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return Asset(body, f"{_TYPES[suffix]}; charset=utf-8", headers)
