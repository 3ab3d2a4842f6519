"""Paths as Windows reads them, by their text alone, on every system."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

import pytest

from tests.unit.workspace.conftest import refused
from theo_mcp.workspace.roots import Root, locate


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("a.txt", ("a.txt",)),
        ("src\\a.txt", ("src", "a.txt")),
        ("C:\\Work\\src\\a.txt", ("src", "a.txt")),
        ("c:/work/SRC/a.txt", ("SRC", "a.txt")),
        ("file:///C:/Work/a.txt", ("a.txt",)),
        ("D:\\Work\\a.txt", None),
        ("C:a.txt", None),
        ("\\Work\\a.txt", None),
        ("a.txt:stream", None),
        ("a.txt::$DATA", None),
        ("CON", None),
        ("nul.txt", None),
        ("src\\com1 .txt", None),
        ("COM¹", None),
        ("CONIN$", None),
        (".env.", None),
        (".env ", None),
        ("src. \\a.txt", None),
        ("a?.txt", None),
        ("src\\..\\..\\a", None),
        ("\\\\?\\C:\\Work\\a.txt", None),
        ("\\\\.\\PhysicalDrive0", None),
        ("//server/share", None),
    ],
)
def test_windows_paths_are_read_as_windows_would(path: str, names: tuple[str, ...] | None) -> None:
    work = Root(Path("/work"), Path("/work"), (PureWindowsPath("C:\\Work"), PureWindowsPath("c:\\work")))

    if names is None:
        assert refused(lambda: locate(path, [work], windows=True)).code == "path_not_allowed"
    else:
        assert locate(path, [work], windows=True) == (work, names)
