"""Paths from what a caller gives: ids that stay one segment, and queries."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from theo_mcp.errors import InputError


def segment(value: str, what: str) -> str:
    """`value` as one segment of a path, whatever is in it.

    Raises:
        InputError: it is blank, or no server would see it as it is: ``.`` and ``..`` change the path.
    """
    try:
        quoted = quote(value.strip(), safe="")
    except UnicodeEncodeError:
        quoted = ""
    if not quoted or quoted in (".", ".."):
        raise InputError(f"This is not the id of a {what}.", hint=f"Give the {what}'s id as an earlier answer said it.")
    return quoted


def with_query(path: str, **given: str | None) -> str:
    """`path` with what was given as its query; a name may end in ``_`` where Python keeps the word for itself."""
    query = urlencode({name.removesuffix("_"): value for name, value in given.items() if value is not None})
    return f"{path}?{query}" if query else path
