"""The engine's own words, apart from the modules that use them."""

from __future__ import annotations

from typing import Literal, TypeAlias

TextMode: TypeAlias = Literal["fast", "think", "code", "roast", "genui"]
"""A mode that a text model answers."""
ResolvedMode: TypeAlias = Literal["fast", "think", "code", "roast", "genui", "image", "video", "research"]
"""A mode that is carried out; ``auto`` resolves to one of them."""
