"""The file under the store, when others may not see it, the disk is full, or something else is in its place."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.store.child import child, said
from theo_mcp.errors import StoreError
from theo_mcp.store import Store
from theo_mcp.store.file import File

NOBODY = 65534


@pytest.fixture
def nobodys(path: Path) -> Iterator[Path]:
    """A store in a folder of a user who is not root, to whom permissions mean something."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield Path(folder) / "store.db"


async def test_folder_and_files_are_the_users_alone_whatever_the_umask(tmp_path: Path) -> None:
    for umask in (0o000, 0o777):
        path = tmp_path / str(umask) / "store.db"
        path.parent.parent.chmod(0o755)
        before = os.umask(umask)
        try:
            async with Store.open(path) as store:
                await store.put("cache", "k", 1)
                modes = {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()}
        finally:
            os.umask(before)

        assert modes == {"store.db": "0o600", "store.db-wal": "0o600", "store.db-shm": "0o600"}
        assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_readable_store_becomes_private_and_a_folder_that_was_there_stays_as_it_is(path: Path) -> None:
    path.parent.mkdir(mode=0o755)
    path.parent.chmod(0o755)
    async with Store.open(path):
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).chmod(0o644)

        async with Store.open(path):
            assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}

    assert path.parent.stat().st_mode & 0o777 == 0o755


FILL = """
async with Store.open(path) as store:
    await store.put("cache", "small", "kept")
    {limit}
    try:
        await store.put("cache", "large", "x" * 3_000_000)
    except StoreError as error:
        print(error.code, error.message.replace(str(path), "FILE"))
    print(await store.get("cache", "small"), await store.get("cache", "large"))
    {relief}
    await store.put("cache", "again", 1)
    print(await store.get("cache", "again"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
async def test_a_file_that_may_not_grow_is_told_and_nothing_is_lost(path: Path) -> None:
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, resource.RLIM_INFINITY))"
    relief = "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))"

    output = said(child(path, FILL.format(limit=limit, relief=relief)))

    assert output.splitlines() == ["store_failed The disk failed under the store FILE.", "kept None", "1"]
    async with Store.open(path) as store:
        assert await store.get("cache", "small") == "kept"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a mount of its own")
def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=1m tmpfs "{disk}" && exec "$@"'
    own_mounts = ("unshare", "--mount", "--user", "--map-root-user", "sh", "-c", mount, "sh")
    try:
        subprocess.run([*own_mounts, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine allows no mounts")

    output = said(child(disk / "store.db", FILL.format(limit="", relief=""), *own_mounts))

    assert output.splitlines() == ["store_failed There is no room left for the store FILE.", "kept None", "1"]


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("PRAGMA max_page_count = 20", "There is no room left for the store"),
        (None, "The value is too large for the store"),
    ],
)
async def test_what_does_not_fit_is_told_and_nothing_is_lost(path: Path, limit: str | None, message: str) -> None:
    async with Store.open(path) as store:
        await store.put("cache", "small", "kept")
        connection = store._file._connection
        assert connection is not None
        if limit:
            connection.execute(limit)
        else:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 100_000)

        for _ in range(2):
            with pytest.raises(StoreError, match=message):
                await store.put("cache", "large", "x" * 200_000)
        await store.put("cache", "again", 1)

        assert [entry.key for entry in await store.entries("cache")] == ["again", "small"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give files away")
async def test_a_readable_file_of_someone_else_is_not_used(nobodys: Path) -> None:
    nobodys.touch()
    nobodys.chmod(0o666)
    body = f"""
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
try:
    async with Store.open(path):
        pass
except StoreError as error:
    print(error.message.replace(str(path), "FILE"))
"""

    assert said(child(nobodys, body)).startswith("The store FILE can be read by other users and is not yours to change")


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
@pytest.mark.parametrize(
    ("obstacle", "message"),
    [
        ("os.chmod(path.parent, 0o500)", "The store 'FILE' cannot be made: Permission denied."),
        ("path.touch(); os.chmod(path.parent, 0o500)", "The store FILE cannot be written."),
        ("path.touch(0o400)", "The store FILE cannot be written."),
        (
            "path = path / 'below' / 'store.db'; path.parent.parent.touch()",
            "The store 'FILE' cannot be made: Not a dir",
        ),
    ],
)
async def test_a_place_that_cannot_be_written_is_told(nobodys: Path, obstacle: str, message: str) -> None:
    body = f"""
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
{obstacle}
try:
    async with Store.open(path):
        pass
except StoreError as error:
    print(error.message.replace(str(path), "FILE"), "data_dir" in error.hint)
"""

    assert said(child(nobodys, body)).startswith(message)


@pytest.mark.parametrize("content", [b"# notes, not a database" * 100, b"SQLite format 3\0" + b"\1" * 5000])
async def test_a_file_that_is_no_database_is_told_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    path.chmod(0o644)

    with pytest.raises(StoreError, match="not a database at all"):
        async with Store.open(path):
            pass

    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o644


async def test_another_programs_database_is_told_and_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    content = path.read_bytes()

    with pytest.raises(StoreError, match="another program's database"):
        async with Store.open(path):
            pass

    assert path.read_bytes() == content


async def test_a_newer_store_is_told_and_left_as_it_is(path: Path) -> None:
    async with Store.open(path) as store:
        await store.put("cache", "k", 1)
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 9")
    content = path.read_bytes()

    with pytest.raises(StoreError, match="made by a newer theo-mcp: its schema is 9, and this one knows 1") as raised:
        async with Store.open(path):
            pass

    assert "Update theo-mcp" in raised.value.hint
    assert path.read_bytes() == content


async def test_an_older_file_is_upgraded_step_by_step_with_what_it_holds(path: Path) -> None:
    first = ["CREATE TABLE notes (text)"]
    second = ["ALTER TABLE notes ADD COLUMN stars INTEGER DEFAULT 3", "UPDATE notes SET stars = 4"]
    old = File(path, [first], timeout_s=5)
    await old.write(lambda connection: connection.execute("INSERT INTO notes VALUES ('kept')"))
    await old.aclose()

    new = File(path, [first, second], timeout_s=5)
    rows = await new.read(lambda connection: connection.execute("SELECT text, stars FROM notes").fetchall())
    await new.aclose()

    assert rows == [(b"kept", 4)]


async def test_an_upgrade_that_fails_leaves_the_version_before_it(path: Path) -> None:
    first = ["CREATE TABLE notes (text)"]
    broken = ["ALTER TABLE notes ADD COLUMN stars", "nonsense"]
    old = File(path, [first], timeout_s=5)
    await old.read(lambda connection: None)
    await old.aclose()

    new = File(path, [first, broken], timeout_s=5)
    with pytest.raises(StoreError, match="SQLITE_ERROR"):
        await new.read(lambda connection: None)
    await new.aclose()

    old = File(path, [first], timeout_s=5)
    await old.write(lambda connection: connection.execute("INSERT INTO notes VALUES ('still one column')"))
    await old.aclose()


async def test_a_damaged_database_is_told_and_not_deleted(path: Path) -> None:
    async with Store.open(path) as store:
        for number in range(100):
            await store.put("cache", str(number), "x" * 4000)
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xa5" * 200_000)
    size = path.stat().st_size

    with pytest.raises(StoreError, match=r"is damaged\.") as raised:
        async with Store.open(path) as store:
            await store.entries("cache")

    assert ".recover" in raised.value.hint
    assert path.stat().st_size == size


@pytest.mark.parametrize("name", ["a\0b", "."])
async def test_a_path_that_can_be_no_file_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="cannot be"):
        async with Store.open(tmp_path / name):
            pass


async def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.parent.mkdir()
    path.touch()

    async with Store.open(path) as store:
        await store.put("cache", "k", 1)

        assert await store.get("cache", "k") == 1
