"""What others do to the files while they are read. Bounded loops: each round is a fresh chance to be wrong."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.conftest import MakeSettings
from tests.unit.workspace.conftest import Read, running
from theo_mcp import InputError
from theo_mcp.workspace.beneath import BY_FOLDER
from theo_mcp.workspace.deny import Deny
from theo_mcp.workspace.reading import read
from theo_mcp.workspace.roots import Root


def test_a_file_that_grows_while_it_is_read_stops_at_the_limit(try_read: Read, root: Path) -> None:
    grown = threading.Event()
    sizes: set[int] = set()
    codes: set[str] = set()

    def grow() -> None:
        with (root / "log").open("ab", buffering=0) as file:
            while not grown.is_set():
                file.write(b"x" * 4096)
                if file.tell() > 2**24:
                    file.truncate(0)

    (root / "log").write_bytes(b"")
    with running(grow, grown):
        for _ in range(50):
            try:
                sizes.add(len(try_read("log", max_bytes=100_000).data))
            except InputError as error:
                codes.add(error.code)

    assert max(sizes, default=0) <= 100_000
    assert codes <= {"file_too_large"}


@pytest.mark.slow
@pytest.mark.skipif(not BY_FOLDER, reason="without folders to walk from, a swap is noticed and not prevented")
@pytest.mark.parametrize("by_folder", [True, False])
def test_a_link_swapped_while_reading_never_gives_the_secret(
    root: Path, tmp_path: Path, make_settings: MakeSettings, by_folder: bool
) -> None:
    stop = threading.Event()
    (root / "real").mkdir()
    (root / "real" / "secret.txt").write_bytes(b"public")
    (root / "good").symlink_to("real")
    (root / "bad").symlink_to(tmp_path / "outside")

    def swap() -> None:
        while not stop.is_set():
            for name in ("good", "bad"):
                (root / "new").symlink_to((root / name).readlink())
                (root / "new").replace(root / "swapped")

    outcomes = set()
    (root / "swapped").symlink_to("real")
    deny, roots = Deny.of(make_settings()), [Root.of(root)]
    with running(swap, stop):
        for _ in range(500):
            try:
                outcomes.add(read("swapped/secret.txt", roots, deny, max_bytes=100, by_folder=by_folder).data)
            except InputError as error:
                outcomes.add(error.code.encode())

    assert outcomes <= {b"public", b"path_not_allowed"}


@pytest.mark.slow
@pytest.mark.skipif(not BY_FOLDER, reason="without folders to walk from, a swap is noticed and not prevented")
@pytest.mark.parametrize("by_folder", [True, False])
def test_a_folder_swapped_for_a_link_while_reading_never_gives_the_secret(
    root: Path, tmp_path: Path, make_settings: MakeSettings, by_folder: bool
) -> None:
    stop = threading.Event()
    (root / "real").mkdir()
    (root / "real" / "secret.txt").write_bytes(b"public")

    def swap() -> None:
        while not stop.is_set():
            (root / "real").rename(root / "aside")
            (root / "real").symlink_to(tmp_path / "outside")
            (root / "real").unlink()
            (root / "aside").rename(root / "real")

    outcomes = set()
    deny, roots = Deny.of(make_settings()), [Root.of(root)]
    with running(swap, stop):
        for _ in range(500):
            try:
                outcomes.add(read("real/secret.txt", roots, deny, max_bytes=100, by_folder=by_folder).data)
            except InputError as error:
                outcomes.add(error.code.encode())

    assert outcomes <= {b"public", b"path_not_allowed", b"file_not_found"}
