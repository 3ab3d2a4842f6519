"""Which files are never read for a prompt: what ``.gitignore`` and ``.aiignore`` name, keys and passwords.

The patterns mean what they mean to git: those of a deeper folder come first, the last line that matches decides, and
nothing in an ignored folder is taken back in. Either file is enough to ignore, so a ``!line`` of one takes nothing back
from the other. What cannot be judged is ignored: a file of patterns that cannot be read, or one line that would take
too long to match.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, TypeAlias

from theo_mcp.workspace.deny import Deny

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

FILES: Final = (".gitignore", ".aiignore")
_EXCLUDE: Final = Path(".git", "info", "exclude")
_LONGEST_FILE: Final = 256 * 1024
_LONGEST_PATH: Final = 1_000
_MOST_STARS: Final = 3
_KEYS: Final = "it may hold keys or passwords"

Patterns: TypeAlias = Mapping[tuple[str, ...], str]
"""The text of one kind of file by the folder that it stands in, as names below the root."""


@dataclass(frozen=True)
class Judge:
    """Says of files below `root` why they are ignored; does no I/O."""

    root: Path
    deny: Deny
    kinds: Mapping[str, Patterns]

    def reason(self, names: Sequence[str]) -> str | None:
        """Why the file `names` below the root is never read, or None where it may be."""
        if not names or sum(map(len, names)) + len(names) > _LONGEST_PATH:
            return "its path cannot be judged"
        if self.deny.matching(self.root, names) is not None:
            return _KEYS
        for kind, patterns in self.kinds.items():
            specs = {folder: _spec(text) for folder, text in patterns.items()}
            # From the top: what lies in an ignored folder is ignored, whatever is said of it further down.
            for length in range(1, len(names) + 1):
                if _matched(specs, names[:length], folder=length < len(names)):
                    return f"{kind} names it"
        return None


def why_ignored(path: Path, root: Path, deny: Deny) -> str | None:
    """Why the file at `path`, in the workspace folder `root`, is never read, or None where it may be. The only function
    here that asks the disk: for links, for the repository around, and for the files of patterns."""
    real, top = Path(os.path.realpath(path)), _repository(Path(os.path.realpath(root)))
    # The name that was asked for counts as well: a link called .env says what it leads to.
    if deny.matching(path.parent, [path.name]) is not None:
        return _KEYS
    if not real.is_relative_to(top):
        return "it lies outside the project"
    names = real.relative_to(top).parts
    folders = [names[:length] for length in range(len(names))]
    kinds: dict[str, dict[tuple[str, ...], str]] = {
        file: {folder: text for folder in folders if (text := _read(top.joinpath(*folder, file)))} for file in FILES
    }
    if text := _read(top / _EXCLUDE):
        kinds[_EXCLUDE.as_posix()] = {(): text}
    return Judge(top, deny, kinds).reason(names)


def why_named(names: PurePosixPath, deny: Deny) -> str | None:
    """Why a document that is no file here is never read, by its names alone: an older version, or a file elsewhere."""
    parts = [name for name in names.parts if name != "/"]
    return _KEYS if deny.matching(Path("/"), parts) is not None else None


def _matched(specs: Mapping[tuple[str, ...], GitIgnoreSpec], names: Sequence[str], *, folder: bool) -> bool:
    """Whether the deepest file of patterns that speaks of `names` ignores it."""
    for length in range(len(names) - 1, -1, -1):
        spec = specs.get(tuple(names[:length]))
        if spec is not None:
            found = spec.check_file("/".join(names[length:]) + ("/" if folder else ""))
            if found.include is not None:
                return found.include
    return False


def _spec(text: str) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    lines = []
    for line in text.removeprefix("\ufeff").splitlines():
        try:
            # The pure backend: the others are native code, which this process does not load.
            GitIgnoreSpec.from_lines([bounded := _bounded(line)], backend="simple")
        except ValueError:  # git takes a line that is no pattern for nothing
            continue
        lines.append(bounded)
    return GitIgnoreSpec.from_lines(lines, backend="simple")


def _bounded(line: str) -> str:
    """`line`, or a line that matches more, where its many stars would be tried against each other for hours."""
    if line.count("*") <= _MOST_STARS or line.startswith("#"):
        return line
    if line.startswith("!"):
        many = any(name.count("*") > _MOST_STARS for name in line.split("/")) or line.count("**") > _MOST_STARS
        return "" if many else line
    line = "/".join(
        name if name.count("*") <= _MOST_STARS else re.sub(r"\*.*\*", "*", name) for name in line.split("/")
    )
    return line if line.count("**") <= _MOST_STARS else line[: line.index("**") + 2]


def _repository(root: Path) -> Path:
    """The top of the repository that `root` lies in, or `root`."""
    return next((each for each in (root, *root.parents) if (each / ".git").exists()), root)


def _read(path: Path) -> str:
    """The patterns at `path`; none where it is no file, and everything where it cannot be read."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            content = file.read(_LONGEST_FILE + 1)
    except OSError:
        return "*"
    return content.decode(errors="replace") if len(content) <= _LONGEST_FILE else "*"
