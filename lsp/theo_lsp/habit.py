"""Where a project keeps its tests, how it names them, and what they are run with: read from the folders that exist.

It looks at names, at a ``package.json`` and at the first lines of one test, inside the folder of the workspace alone,
and stops after a number of entries. Nothing that it reads is sent.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

_JAVASCRIPT: Final = ("{stem}.test{suffix}", "{stem}.spec{suffix}")
_NAMES: Final = {
    "python": ("test_{stem}.py", "{stem}_test.py"),
    "go": ("{stem}_test.go",),
    "ruby": ("{stem}_spec.rb", "{stem}_test.rb", "test_{stem}.rb"),
    "java": ("{stem}Test.java", "{stem}Tests.java"),
    "kotlin": ("{stem}Test.kt", "{stem}Tests.kt"),
    "csharp": ("{stem}Tests.cs", "{stem}Test.cs"),
    "php": ("{stem}Test.php",),
    "elixir": ("{stem}_test.exs",),
    "lua": ("{stem}_spec.lua",),
    "dart": ("{stem}_test.dart",),
    "rust": ("{stem}_test.rs", "test_{stem}.rs"),
    "swift": ("{stem}Tests.swift",),
}
_FOLDERS: Final = ("tests", "test", "__tests__", "spec")
_SOURCES: Final = ("src", "lib", "app")
_SCRIPTED: Final = ("vitest", "jest", "mocha", "ava", "jasmine")
_SKIPPED: Final = frozenset({"node_modules", "venv", "target", "build", "dist", "__pycache__"})
_MOST: Final = 5_000  # entries of folders
_MOST_READ: Final = 200_000
_IMPORTED: Final = re.compile(
    r"^[ \t]*(?:import|from)\s+(unittest|pytest)\b|require\(?[ '\"](minitest)|from ['\"](vitest)['\"]", re.MULTILINE
)


@dataclass(frozen=True)
class Habit:
    """The tests of one document."""

    folder: Path
    name: str
    framework: str = ""
    """Empty where nothing tells."""


def habit(document: Path, language: str, root: Path | None) -> Habit:
    """Where the tests of `document` go; beside it where `root`, the folder of its workspace, tells nothing else."""
    names = _NAMES.get(language, _JAVASCRIPT)
    if root is None or not _holds(root, document):
        return Habit(document.parent, _named(names[0], document))
    near = [path for path in _entries(document.parent) if path.is_file()]
    folder, files = document.parent, _tests(near, names, document)
    found = None if language == "go" or files else _folder_of_tests(document, root)
    if found is not None and _holds(root, found):
        files = _tests(islice(_files(found), _MOST), names, document)
        mirror = _in_src_test(document)
        folder = mirror if mirror is not None else _place(found, document, files)
        folder = folder if _holds(root, folder) else found
    usual = Counter(name for name in names for file in files if _is_named(file, name, document)).most_common(1)
    return Habit(folder, _named(usual[0][0] if usual else names[0], document), _framework(files, document, root))


def _named(name: str, document: Path) -> str:
    return name.format(stem=document.stem, suffix=document.suffix)


def _is_named(file: Path, name: str, document: Path) -> bool:
    before, after = name.format(stem="*", suffix=document.suffix).split("*")
    long = len(file.name) > len(before) + len(after)
    return long and file.name.startswith(before) and file.name.endswith(after)


def _tests(files: Iterable[Path], names: Sequence[str], document: Path) -> list[Path]:
    return [file for file in files if any(_is_named(file, name, document) for name in names)]


def _folder_of_tests(document: Path, root: Path) -> Path | None:
    """The nearest folder of tests, from the document's up to the workspace's."""
    for parent in document.parents:
        found = next((parent / name for name in _FOLDERS if (parent / name).is_dir()), None)
        if found is not None or parent == root:
            return found
    return None


def _in_src_test(document: Path) -> Path | None:
    """The mirror of ``src/main`` in ``src/test``, as Maven and Gradle have it."""
    for parent in document.parents:
        if parent.name == "main" and parent.parent.name == "src" and (parent.parent / "test").is_dir():
            return parent.parent / "test" / document.parent.relative_to(parent)
    return None


def _place(tests: Path, document: Path, files: Sequence[Path]) -> Path:
    """The folder in `tests` for the tests of `document`: its mirror where folders there are named as those of the
    sources, else the one where most tests are."""
    parts = document.parent.relative_to(tests.parent).parts
    parts = parts[1:] if parts[:1] and parts[0] in _SOURCES else parts
    folders = sorted({file.parent for file in files}, key=lambda folder: (len(folder.parts), folder))
    for skipped in range(len(parts)):
        wanted = parts[skipped:]
        for folder in folders:
            if folder.relative_to(tests).parts[-len(wanted) :] == wanted:
                return folder
    inner, siblings = _names_in(document.parent), _names_in(document.parent.parent) if parts else frozenset()
    for folder in folders:
        if folder != tests and folder.name in inner:
            return folder.parent
        if folder != tests and folder.name in siblings:
            return folder.parent / parts[-1]
    return Counter(file.parent for file in files).most_common(1)[0][0] if files else tests


def _names_in(folder: Path) -> frozenset[str]:
    return frozenset(each.name for each in _entries(folder) if each.is_dir() and each.name not in _FOLDERS)


def _framework(files: Sequence[Path], document: Path, root: Path) -> str:
    """What one of the tests imports, or what the nearest ``package.json`` names."""
    for file in files[:3]:
        imported = re.search(_IMPORTED, _read(file))
        if imported is not None:
            return str(imported[imported.lastindex or 0])
    if document.suffix == ".py":
        return "pytest" if files or "pytest" in _read(root / "pyproject.toml") else ""
    for parent in document.parents:
        with suppress(ValueError, RecursionError):
            package = json.loads(_read(parent / "package.json") or "null")
            needed = {**_table(package, "dependencies"), **_table(package, "devDependencies")}
            if package is not None:
                return next((name for name in _SCRIPTED if name in needed), "")
        if parent == root:
            break
    return ""


def _table(package: object, name: str) -> dict[str, object]:
    table = package.get(name) if isinstance(package, dict) else None
    return table if isinstance(table, dict) else {}


def _files(folder: Path) -> Iterator[Path]:
    """The files in `folder` and below; no link is followed."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        yield from (Path(parent, name) for name in sorted(names))


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(islice(folder.iterdir(), _MOST))
    except OSError:
        return []


def _read(file: Path) -> str:
    """What a file begins with; nothing of what is a link, which may lead anywhere, or a device, which may never end."""
    try:
        if file.is_symlink() or not file.is_file():
            return ""
        with file.open(encoding="utf-8", errors="replace") as text:
            return text.read(_MOST_READ)
    except OSError:
        return ""


def _holds(root: Path, path: Path) -> bool:
    """Whether `path` is in `root`, also by where links lead."""
    return path.is_relative_to(root) and path.resolve().is_relative_to(root.resolve())
