"""Where skills are kept, the first place first: what is nearer to the work wins over what is general.

A project's skills were written by others, so they are read only where the user trusts its folder (`theo_mcp.workspace.
trust`), and only as far as they lie inside it. Folders that all agents share (``.agents``, ``.claude``) hold what was
made for other programs too: those skills are there to be named or installed. What lies in Theo's own folders takes part
in every completion, as an installed skill does.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Literal, TypeAlias

from theo_mcp.engine.skillset.slug import is_slug
from theo_mcp.settings import Settings
from theo_mcp.workspace import Workspace
from theo_mcp.workspace.deny import Deny
from theo_mcp.workspace.roots import Root

Whose: TypeAlias = Literal["project", "user", "built-in"]

OWN: Final = (".theo", "skills")
PROJECT: Final = (OWN, (".agents", "skills"), (".claude", "skills"))
"""The folders of a project, below its root."""
BUILTIN: Final = Path(__file__).parent / "builtin"
NOT_TRUSTED: Final = "This project's skills are not read, because its folder is not trusted (theo-mcp trust)."
MOST_NAMES: Final = 500
"""So many names in a folder are looked at."""
_NOTHING: Final = Deny((), ())


@dataclass(frozen=True)
class Place:
    """A folder of skills. What is read of it lies below `root`."""

    whose: Whose
    root: Root
    below: tuple[str, ...] = ()
    deny: Deny = _NOTHING
    own: bool = False
    """Whether its skills take part without being installed."""

    @property
    def path(self) -> Path:
        return self.root.real.joinpath(*self.below)


@dataclass(frozen=True)
class Places:
    """The places as they are now."""

    listed: tuple[Place, ...]
    untrusted: tuple[Path, ...] = ()
    """Folders of skills in a project that the user does not trust. They are not opened."""


def places(settings: Settings) -> Places:
    """Every place that is there and may be read, the first first. This reads the project's settings and their trust."""
    workspace = Workspace(settings)
    listed: list[Place] = []
    untrusted: list[Path] = []
    for root in workspace.roots[:1]:  # the project; further roots are folders that are open beside it
        there = [below for below in PROJECT if _lies(root, below)]
        if there and workspace.project().trusted:
            deny = Deny.of(settings)
            listed += [Place("project", root, below, deny, own=below == OWN) for below in there]
        else:
            untrusted += [root.real.joinpath(*below) for below in there]
    listed += [
        Place("user", Root.of(path), own=path == user_folder(settings))
        for path in (user_folder(settings), *settings.skill_folders)
        if os.path.isdir(path)  # noqa: PTH112 - which raises nothing
    ]
    return Places((*listed, Place("built-in", Root.of(BUILTIN))), tuple(untrusted))


def in_project(root: Root) -> dict[str, list[str]]:
    """The names in each of a project's folders of skills, to be shown to the user who is asked to trust it. Nothing
    in those is opened."""
    return {"/".join(below): names(root.real.joinpath(*below)) for below in PROJECT if _lies(root, below)}


def names(path: Path) -> list[str]:
    """The names in a folder of skills that skills may have."""
    try:
        return sorted(name for name in islice(os.listdir(path), MOST_NAMES) if is_slug(name))  # noqa: PTH208
    except OSError:
        return []


def any_own(settings: Settings) -> bool:
    """Whether a place may hold skills that take part unasked; a quick look, for every request."""
    own = [user_folder(settings), *(root.joinpath(*OWN) for root in settings.roots[:1])]
    return any(os.path.lexists(path) for path in own)


def user_folder(settings: Settings) -> Path:
    """The user's own skills for Theo."""
    return settings.data_dir / "skills"


def _lies(root: Root, below: tuple[str, ...]) -> bool:
    return os.path.lexists(root.real.joinpath(*below))
