"""Icons of tools, prompts and resources: line drawings of our own, small enough to travel in every list."""

from __future__ import annotations

import mcp_types as types

_SVG = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' "
    "stroke='%23777'%3E%3Cpath d='{}'/%3E%3C/svg%3E"
)


def icon(path: str) -> types.Icon:
    """An icon from the path data of an SVG, 24 by 24."""
    return types.Icon(src=_SVG.format(path))  # the address names its type
