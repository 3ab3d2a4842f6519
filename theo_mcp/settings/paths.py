"""Folders and paths in settings: absolute, and never of a home that others could make."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator

NO_HOME: Final = Path("/nonexistent")
"""Stands for the home of a user who has none. No folder that others can make: what they put there would be believed."""


def user_folder(what: Literal["data", "config"]) -> Path:
    import platformdirs

    find = platformdirs.user_data_path if what == "data" else platformdirs.user_config_path
    try:
        return find("theo-mcp", appauthor=False)
    except RuntimeError:  # a container's user may have no home; whoever starts us is told of it by the first need
        return NO_HOME / "theo-mcp"


def shared_skills() -> tuple[Path, ...]:
    """Where the user keeps skills for all agents, by the convention of the form."""
    try:
        return (Path.home() / ".agents" / "skills",)
    except RuntimeError:
        return ()


def user_path(path: Path) -> Path:
    """`path` with ~ expanded, absolute, so that it means the same in every process."""
    if "\0" in str(path):
        raise ValueError("holds a NUL character")
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError("begins with the home of a user who is not known here") from None


def _separated(value: object) -> object:
    return [part for part in value.split(os.pathsep) if part.strip()] if isinstance(value, str) else value


UserPath = Annotated[Path, AfterValidator(user_path)]
Separated = BeforeValidator(_separated)
"""A list that a flag or a variable holds as the system's PATH is held; a file has a list, or the same text."""
