"""Which folder is open, where nobody named one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

PROJECT_VARIABLE = "CLAUDE_PROJECT_DIR"
"""Where a host says which folder is open; it stands in for the working directory."""
WORKING_DIRECTORY = "working directory"
"""The origin of `roots` where nobody named one."""


def open_folder(environ: Mapping[str, str]) -> tuple[list[Path], str] | None:
    """The folder that is open, as far as a host or the working directory says, and which of them said so.

    A guess opens neither a home folder nor anything that holds one, and no folder of the system: that is where hosts
    start us when no project is open.
    """
    try:
        named = environ.get(PROJECT_VARIABLE, "").strip()
        folder = Path(named) if named else Path.cwd()
        resolved = folder.resolve()
        home = Path.home().resolve()
        system = environ.get("SYSTEMROOT")
        of_system = bool(system) and resolved.is_relative_to(Path(str(system)).resolve())
    except (OSError, RuntimeError, ValueError):  # no home, a working directory that was removed, a NUL
        return None
    if not folder.is_absolute() or resolved.parent == resolved or home.is_relative_to(resolved) or of_system:
        return None
    return [folder], PROJECT_VARIABLE if named else WORKING_DIRECTORY
