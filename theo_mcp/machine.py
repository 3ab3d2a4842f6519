"""What this process runs in: its environment, which no other module reads, its standard descriptors, and the
installation it came from."""

from __future__ import annotations

import os
import sys

PUBLISHED = False
"""Whether a registry has this package under its name. Until then, install commands name the checkout or the wheel."""


def environment(*, keys: bool = True) -> dict[str, str]:
    """The process environment, for settings and for children that we start; without `keys`, no variable of a key."""
    return {name: value for name, value in os.environ.items() if keys or not name.endswith("_API_KEY")}


def claimed() -> tuple[int, int]:
    """Stdin and stdout for a protocol, as descriptors out of reach of stray prints and of children: fd 0 becomes empty,
    and fd 1 becomes stderr."""
    kept = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    try:
        os.dup2(2, 1)
    except OSError:  # started without stderr
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)
    return kept


def install_command(extra: str) -> str:
    """The one command that adds `extra` to this installation."""
    import importlib.util

    source = "theo-mcp" if PUBLISHED else _installed_from()
    if importlib.util.find_spec("pip") is None:  # an environment made by uv has none
        return f'uv pip install --python "{sys.executable}" "{source}[{extra}]"'
    return f'"{sys.executable}" -m pip install "{source}[{extra}]"'


def _installed_from() -> str:
    import importlib.metadata
    import json
    from urllib.parse import unquote, urlsplit

    try:
        record = importlib.metadata.distribution("theo-mcp").read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        record = None
    url = json.loads(record)["url"] if record else ""
    return unquote(urlsplit(url).path) if url.startswith("file:") else "theo-mcp"
