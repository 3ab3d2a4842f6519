"""Where new files go, and that they are whole or absent: two processes at once, a full disk, a cancelled call."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio
import platformdirs
import pytest

from tests.conftest import MakeSettings
from tests.unit.workspace.conftest import running
from theo_mcp import ConfigError
from theo_mcp.settings import Settings
from theo_mcp.workspace import Workspace
from theo_mcp.workspace.beneath import BY_FOLDER, Folder
from theo_mcp.workspace.roots import Root
from theo_mcp.workspace.saving import save

both_ways = pytest.mark.parametrize(
    "by_folder",
    [
        pytest.param(True, marks=pytest.mark.skipif(not BY_FOLDER, reason="this system opens no folders to walk from")),
        False,
    ],
)


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


async def test_a_file_goes_beside_the_work_by_its_title(tmp_path: Path, make_settings: MakeSettings) -> None:
    workspace = Workspace(make_settings(roots=[tmp_path]))

    saved = await workspace.save("Q1: report?.md", b"text")

    assert saved == tmp_path / "theo-output" / "Q1- report-.md"
    assert saved.read_bytes() == b"text"
    assert workspace.output() == tmp_path / "theo-output"


async def test_the_users_own_output_folder_wins_and_is_made(tmp_path: Path, make_settings: MakeSettings) -> None:
    workspace = Workspace(make_settings(roots=[tmp_path], output_dir=tmp_path / "out" / "deep"))

    assert await workspace.save("src/app.py", b"1") == tmp_path / "out" / "deep" / "src" / "app.py"
    assert everything(tmp_path) == ["out", "out/deep", "out/deep/src", "out/deep/src/app.py"]


async def test_an_output_folder_that_the_user_linked_is_followed(tmp_path: Path, make_settings: MakeSettings) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to("disk")

    await Workspace(make_settings(output_dir=tmp_path / "out")).save("a", b"1")

    assert everything(tmp_path / "disk") == ["a"]


@pytest.mark.parametrize("documents", [True, False])
async def test_without_a_root_files_go_to_the_documents_or_home(
    tmp_path: Path, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, documents: bool
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DOCUMENTS_DIR", raising=False)
    folder = platformdirs.user_documents_path()
    if documents:
        folder.mkdir(parents=True)

    saved = await Workspace(make_settings()).save("a.md", b"1")

    assert saved == (folder if documents else tmp_path) / "theo-output" / "a.md"


async def test_a_project_chooses_a_folder_inside_itself(tmp_path: Path, make_settings: MakeSettings) -> None:
    (tmp_path / "theo.config.json").write_text('{"outputDir": "build/theo"}', encoding="utf-8")

    assert await Workspace(make_settings(roots=[tmp_path])).save("a", b"1") == tmp_path / "build" / "theo" / "a"


@both_ways
def test_a_taken_name_gets_a_number(tmp_path: Path, by_folder: bool) -> None:
    write = partial(save, Root.of(tmp_path), (), "src/app.py", by_folder=by_folder)

    saved = [write(text) for text in (b"1", b"2", b"3")]

    assert saved == [tmp_path / "src" / name for name in ("app.py", "app (2).py", "app (3).py")]
    assert [path.read_bytes() for path in saved] == [b"1", b"2", b"3"]


@both_ways
def test_a_file_is_replaced_only_when_asked(tmp_path: Path, by_folder: bool) -> None:
    write = partial(save, Root.of(tmp_path), (), "a.txt", by_folder=by_folder)
    write(b"1")

    assert write(b"2", overwrite=True).read_bytes() == b"2"
    assert everything(tmp_path) == ["a.txt"]


@both_ways
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_link_in_the_place_of_the_file_is_never_written_through(
    tmp_path: Path, by_folder: bool, overwrite: bool
) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").symlink_to("../victim")

    saved = save(Root.of(tmp_path / "out"), (), "a", b"new", overwrite=overwrite, by_folder=by_folder)

    assert saved.name == ("a" if overwrite else "a (2)")
    assert saved.read_bytes() == b"new"
    assert (tmp_path / "victim").read_bytes() == b"precious"


@both_ways
@pytest.mark.parametrize("below", [(), ("theo-output",)])
def test_a_folder_link_is_refused_wherever_it_leads(tmp_path: Path, by_folder: bool, below: tuple[str, ...]) -> None:
    """A repository can hold a link named theo-output, or a folder below it."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "project").mkdir()
    place = tmp_path / "project" / (below[0] if below else "src")
    place.symlink_to("../outside")

    with pytest.raises(ConfigError) as raised:
        save(Root.of(tmp_path / "project"), below, "src/a", b"1", by_folder=by_folder)

    assert raised.value.code == "output_not_allowed"
    assert everything(tmp_path / "outside") == []


@both_ways
@pytest.mark.parametrize(
    "title", ["../../etc/passwd", "/etc/passwd", "..\\..\\etc\\passwd", "./etc/./passwd", "etc//passwd"]
)
def test_a_title_that_leads_away_is_put_below_the_folder(tmp_path: Path, by_folder: bool, title: str) -> None:
    assert save(Root.of(tmp_path), (), title, b"1", by_folder=by_folder) == tmp_path / "etc" / "passwd"


@both_ways
def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path, by_folder: bool) -> None:
    (tmp_path / "src").write_bytes(b"")

    with pytest.raises(ConfigError, match="stands where a folder should be"):
        save(Root.of(tmp_path), (), "src/a", b"1", by_folder=by_folder)


def test_a_folder_in_the_place_of_the_file_is_told_or_passed_by(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    assert save(Root.of(tmp_path), (), "a", b"1").name == "a (2)"
    with pytest.raises(ConfigError, match="a folder of that name"):
        save(Root.of(tmp_path), (), "a", b"1", overwrite=True)
    assert everything(tmp_path) == ["a", "a (2)"]


def test_the_mode_is_what_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        saved = save(Root.of(tmp_path), (), "src/a", b"1")
    finally:
        os.umask(before)

    assert (saved.stat().st_mode & 0o777, saved.parent.stat().st_mode & 0o777) == (0o640, 0o750)


def no_links(folder: Folder, temporary: str, name: str) -> None:
    raise OSError(errno.EPERM, "as FAT says")


@both_ways
def test_without_hard_links_a_name_is_still_taken_once(tmp_path: Path, by_folder: bool) -> None:
    write = partial(save, Root.of(tmp_path), (), "a.txt", by_folder=by_folder, link=no_links)

    saved = [write(b"1"), write(b"2")]

    assert [(path.name, path.read_bytes()) for path in saved] == [("a.txt", b"1"), ("a (2).txt", b"2")]
    assert everything(tmp_path) == ["a (2).txt", "a.txt"]


_WRITER = """
import sys
from pathlib import Path
from theo_mcp.workspace.roots import Root
from theo_mcp.workspace.saving import save

print(flush=True)
sys.stdin.readline()
for number in range(40):
    print(save(Root.of(Path(sys.argv[1])), (), "deep/a.txt", f"{sys.argv[2]}{number}".encode()))
"""


@pytest.mark.slow
def test_two_processes_at_once_never_share_a_name(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path), who],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in "AB"
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()  # both are up before either begins
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    paths = [line for writer in writers for line in writer.communicate(timeout=20)[0].split("\n") if line]

    assert len(set(paths)) == len(paths) == 80
    assert len(everything(tmp_path / "deep")) == 80
    written = {path.read_text(encoding="utf-8") for path in (tmp_path / "deep").iterdir()}
    assert written == {f"{who}{number}" for who in "AB" for number in range(40)}


_FULL = """
import resource, sys
from pathlib import Path
from theo_mcp.errors import ConfigError
from theo_mcp.workspace.roots import Root
from theo_mcp.workspace.saving import save

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    save(Root.of(Path(sys.argv[1])), (), "deep/a.txt", bytes(3_000_000))
except ConfigError as error:
    print(error.code)
"""


def test_a_full_disk_is_told_and_nothing_half_is_left(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path)], capture_output=True, text=True, check=True, timeout=20
    )

    assert done.stdout == "disk_full\n"
    assert everything(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EROFS, "output_unwritable"),
        (errno.EIO, "output_unwritable"),
    ],
)
def test_what_the_system_says_is_a_sentence_and_nothing_is_left(tmp_path: Path, number: int, code: str) -> None:
    def fails(folder: Folder, temporary: str, name: str) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(ConfigError) as raised:
        save(Root.of(tmp_path), (), "deep/a", b"1", link=fails)

    assert (raised.value.code, "output_dir" in raised.value.hint) == (code, True)
    assert everything(tmp_path) == []


def test_a_folder_that_another_takes_away_is_made_again(tmp_path: Path) -> None:
    gone: list[str] = []

    def link(folder: Folder, temporary: str, name: str) -> None:
        if not gone:
            gone.append(name)
            shutil.rmtree(tmp_path / "deep")
        os.link(folder.at(temporary), folder.at(name), src_dir_fd=folder.fd, dst_dir_fd=folder.fd)

    assert save(Root.of(tmp_path), (), "deep/a", b"1", link=link).read_bytes() == b"1"


def test_what_fails_between_taking_a_name_and_filling_it_leaves_nothing(tmp_path: Path) -> None:
    def link(folder: Folder, temporary: str, name: str) -> None:
        os.unlink(temporary, dir_fd=folder.fd)
        raise OSError(errno.EPERM, "as FAT says")

    with pytest.raises(ConfigError, match="could not be saved: No such file"):
        save(Root.of(tmp_path), (), "deep/a", b"1", link=link)
    assert everything(tmp_path) == []


def test_too_many_files_of_one_name_are_told(tmp_path: Path) -> None:
    def link(folder: Folder, temporary: str, name: str) -> None:
        raise FileExistsError(errno.EEXIST, name)

    with pytest.raises(ConfigError, match="too many files have that name"):
        save(Root.of(tmp_path), (), "a", b"1", link=link)
    assert everything(tmp_path) == []


async def test_a_root_that_does_not_exist_is_not_made(
    tmp_path: Path, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    saved = await Workspace(make_settings(roots=[tmp_path / "typo"])).save("a", b"1")

    assert saved == tmp_path / "theo-output" / "a"


async def test_a_cancelled_call_leaves_nothing(tmp_path: Path, make_settings: MakeSettings) -> None:
    workspace = Workspace(make_settings(roots=[tmp_path]))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(workspace.save, "deep/a", bytes(2**25))
            while not list(tmp_path.rglob("*.tmp")):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()

    assert everything(tmp_path) == []


def test_a_check_that_raises_between_the_steps_leaves_nothing(tmp_path: Path) -> None:
    class Stop(BaseException):
        pass

    for at in range(5):
        steps = iter([None] * at)

        def check(steps: Iterator[None] = steps) -> None:
            for _ in steps:
                return
            raise Stop

        with pytest.raises(Stop):
            save(Root.of(tmp_path), (), "deep/a", bytes(2**21 + 1), check=check)

        assert everything(tmp_path) == []


@pytest.mark.slow
def test_a_folder_swapped_for_a_link_while_saving_never_writes_outside(tmp_path: Path) -> None:
    stop = threading.Event()
    root = tmp_path / "root"
    (tmp_path / "outside").mkdir()
    (root / "real").mkdir(parents=True)

    def swap() -> None:
        while not stop.is_set():
            with suppress(OSError):  # the saving makes the folder anew where it finds none
                (root / "real").rename(root / "aside")
                (root / "real").symlink_to("../outside")
            with suppress(OSError):
                (root / "real").unlink()
            shutil.rmtree(root / "aside", ignore_errors=True)

    with running(swap, stop):
        for _ in range(300):
            try:
                save(Root.of(root), (), "real/a", b"1", overwrite=True)
            except ConfigError:
                continue

    assert everything(tmp_path / "outside") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o500)

    with pytest.raises(ConfigError, match="may not write there"):
        await Workspace(Settings(output_dir=tmp_path / "out")).save("a", b"1")
