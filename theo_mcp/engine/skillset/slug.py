"""The name of a skill, and of its folder. Apart from the form, so that a look at names imports no YAML."""

from __future__ import annotations

import re
from typing import Final

_SLUG: Final = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


def is_slug(text: str) -> bool:
    """Whether a skill may have this name."""
    return _SLUG.fullmatch(text) is not None
