"""Whether a text parses in its language, by the parsers of the standard library: native ones belong in a child.

A server that has such a child asks it where this answers None.
"""

from __future__ import annotations

from theo_lsp.edits.language import named


def parses(code: str, language: str) -> bool | None:
    """Whether `code` parses, or None where nothing here can tell."""
    from theo_mcp.artifacts.check import check  # with pydantic, which no server waits for at its start

    if not code.strip():
        return True if named(language) == "python" else None
    return {"parses": True, "fails": False}.get(check(named(language), code).status)
