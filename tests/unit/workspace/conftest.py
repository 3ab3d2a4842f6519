"""A project with files beside a folder with a secret, and the reader on both ways of opening."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from tests.conftest import MakeSettings
from theo_mcp import InputError
from theo_mcp.workspace import ReadFile
from theo_mcp.workspace.beneath import BY_FOLDER
from theo_mcp.workspace.deny import Deny
from theo_mcp.workspace.reading import read
from theo_mcp.workspace.roots import Root

PNG = b"\x89PNG\r\n\x1a\nrest"


class Read(Protocol):
    def __call__(
        self, path: str, *, max_bytes: int = 100, roots: tuple[Path, ...] = (), **settings: object
    ) -> ReadFile: ...


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root beside a folder with a secret; it holds ``a.txt`` and ``src/logo.png``."""
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"hello")
    (folder / "src" / "logo.png").write_bytes(PNG)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_bytes(b"secret")
    return folder


@pytest.fixture(
    params=[
        pytest.param(True, marks=pytest.mark.skipif(not BY_FOLDER, reason="this system opens no folders to walk from")),
        False,
    ]
)
def try_read(request: pytest.FixtureRequest, root: Path, make_settings: MakeSettings) -> Read:
    def call(path: str, *, max_bytes: int = 100, roots: tuple[Path, ...] = (), **settings: object) -> ReadFile:
        deny = Deny.of(make_settings(**settings))
        return read(
            path, [Root.of(each) for each in roots or (root,)], deny, max_bytes=max_bytes, by_folder=request.param
        )

    return call


def refused(call: Callable[[], object]) -> InputError:
    with pytest.raises(InputError) as raised:
        call()
    assert raised.value.hint
    assert "\n" not in str(raised.value)
    return raised.value


class running:  # noqa: N801 - reads as a statement
    """Runs `work` in a thread until the block ends."""

    def __init__(self, work: Callable[[], None], stop: threading.Event) -> None:
        self._thread, self._stop = threading.Thread(target=work), stop

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


class os_chdir:  # noqa: N801 - a socket's path has at most 108 bytes
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        self._before = Path.cwd()
        os.chdir(self._folder)

    def __exit__(self, *_: object) -> None:
        os.chdir(self._before)
