"""The file under the store, when others hold it, kill us, fill the disk, or put something else in its place."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from theo_mcp.errors import StoreError
from theo_mcp.store import Store
from theo_mcp.store.file import File

NOBODY = 65534
CHILD = """
import os, resource, sys, time
from pathlib import Path
import anyio
from theo_mcp.errors import StoreError
from theo_mcp.store import Store

def increased(value):
    return (value or 0) + 1

async def main(path):
    {body}

anyio.run(main, Path(sys.argv[1]))
"""


def child(path: Path, body: str, *before: str) -> subprocess.Popen[str]:
    """Another process that runs `body` with the store's path."""
    script = CHILD.format(body="\n    ".join(body.strip("\n").splitlines()))
    command = [*before, sys.executable, "-c", script, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=30)
    return output


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another program is in the middle of a write."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "store.db"


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


async def test_two_processes_that_write_at_once_lose_nothing(path: Path) -> None:
    work = """
async with Store.open(path, timeout_s=30) as store:
    for number in range(100):
        await store.update("usage", "updates", increased)
        await store.add("usage", {"sum": 1, "budget": 1})
        await store.put("cache", f"{os.getpid()} {number}", "x" * 1000)
    granted = [await store.add("usage", {"budget": 1}, limits={"budget": 230}) for _ in range(20)]
    print(sum(not sums.over for sums in granted))
"""
    processes = [child(path, work), child(path, work)]  # both also make the file, at the same moment

    granted = sum(int(said(process)) for process in processes)

    async with Store.open(path) as store:
        assert await store.get("usage", "updates") == 200
        assert await store.get("usage", "sum") == 200
        assert await store.get("usage", "budget") == 200 + granted == 230
        assert len(await store.entries("cache", limit=1000)) == 200


async def test_two_stores_of_one_process_share_the_file(path: Path) -> None:
    async with Store.open(path) as one, Store.open(path) as two, anyio.create_task_group() as tasks:
        for store in (one, two) * 20:
            tasks.start_soon(store.add, "usage", {"n": 1})

    async with Store.open(path) as store:
        assert await store.get("usage", "n") == 40


async def test_a_process_killed_in_the_middle_of_a_change_leaves_all_before_it_and_nothing_half(path: Path) -> None:
    process = child(
        path,
        """
def change(value):
    print("inside", flush=True)
    sys.stdin.read()
    return "half"

async with Store.open(path) as store:
    for number in range(20):
        await store.put("jobs", str(number), "x" * 10_000)
    await store.update("jobs", "0", change)
""",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "inside\n"
    process.kill()
    process.communicate()

    async with Store.open(path) as store:
        entries = await store.entries("jobs")
        assert await store.update("jobs", "0", lambda _: "after") == "after"

    assert [entry.key for entry in entries] == [str(number) for number in reversed(range(20))]
    assert {entry.value for entry in entries} == {"x" * 10_000}


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


async def test_another_writer_stops_neither_readers_nor_the_event_loop_and_the_wait_ends(path: Path) -> None:
    async with Store.open(path, timeout_s=0.3) as store:
        await store.put("cache", "k", 1)
        with held(path):
            refused: list[StoreError] = []

            async def write() -> None:
                with pytest.raises(StoreError) as raised:
                    await store.put("cache", "k", 2)
                refused.append(raised.value)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(write)
                reads = 0
                while not refused:
                    assert await store.get("cache", "k") == 1
                    reads += 1
        await store.put("cache", "k", 3)

        assert reads > 1
        assert refused[0].message == f"The store {path} did not answer for 0.3 seconds."
        assert refused[0].retryable
        assert await store.get("cache", "k") == 3


async def test_a_store_that_another_program_holds_is_told_at_the_opening(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE theirs (x)")
        other.execute("BEGIN EXCLUSIVE")

        with pytest.raises(StoreError, match="did not answer"):
            async with Store.open(path, timeout_s=0.1):
                pass


async def test_a_cancelled_wait_returns_at_once_and_its_change_is_absent(path: Path) -> None:
    async with Store.open(path) as store:
        with held(path):
            with anyio.fail_after(2), anyio.move_on_after(0.02):
                await store.put("cache", "k", "cancelled")
            assert await store.get("cache", "k") is None
        await store.put("cache", "other", 1)

        assert [entry.key for entry in await store.entries("cache")] == ["other"]


async def test_a_change_cancelled_midway_is_whole_and_nothing_runs_beside_it(path: Path) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def change(_: object) -> str:
        inside.set()
        go_on.wait(10)
        return "whole"

    async with Store.open(path) as store:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.update, "cache", "k", change)
            assert await to_thread.run_sync(inside.wait, 5)
            tasks.cancel_scope.cancel()
        reads: list[object] = []

        async def read() -> None:
            reads.append(await store.get("cache", "k"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            assert reads == []
            go_on.set()

        assert reads == ["whole"]


async def test_a_storm_of_cancellations_leaves_a_usable_store(path: Path) -> None:
    async with Store.open(path) as store:
        with held(path):
            for _ in range(30):
                async with anyio.create_task_group() as tasks:
                    for _ in range(5):
                        tasks.start_soon(store.add, "usage", {"n": 1})
                    await anyio.lowlevel.checkpoint()
                    tasks.cancel_scope.cancel()

        assert await store.add("usage", {"n": 1}) == await store.add("usage", {"n": 0})
        assert await store.get("usage", "n") == 1


async def test_a_disk_that_does_not_answer_costs_no_more_than_the_timeout(path: Path) -> None:
    go_on = threading.Event()

    with anyio.fail_after(5):
        async with Store.open(path, timeout_s=0.1) as store:
            with pytest.raises(StoreError, match="did not answer") as running:
                await store.update("cache", "k", lambda _: go_on.wait(10))
            with pytest.raises(StoreError, match="did not answer") as waiting:
                await store.put("cache", "k", 2)
    go_on.set()

    assert "may have been made all the same" in running.value.hint
    assert (running.value.retryable, waiting.value.retryable) == (False, True)
    async with Store.open(path) as store:
        assert await store.get("cache", "k") is True


async def test_a_closed_store_says_so(path: Path) -> None:
    async with Store.open(path) as store:
        pass

    with pytest.raises(StoreError, match="is closed"):
        await store.put("cache", "k", 1)


async def test_closing_waits_for_what_is_under_way_and_refuses_what_waits(path: Path) -> None:
    inside, go_on = threading.Event(), threading.Event()
    refused: list[str] = []

    def change(_: object) -> str:
        inside.set()
        go_on.wait(10)
        return "whole"

    async def wait() -> None:
        with pytest.raises(StoreError) as raised:
            await store.put("cache", "k", "late")
        refused.append(raised.value.message)

    async with anyio.create_task_group() as tasks, Store.open(path) as store:
        tasks.start_soon(store.update, "cache", "k", change)
        assert await to_thread.run_sync(inside.wait, 5)
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(to_thread.run_sync, go_on.set)

    assert refused == [f"The store {path} is closed."]
    async with Store.open(path) as store:
        assert await store.get("cache", "k") == "whole"


async def test_another_event_loop_is_refused(path: Path) -> None:
    async with Store.open(path) as store:
        with pytest.raises(RuntimeError, match="in the event loop that opened it"):
            await to_thread.run_sync(lambda: anyio.run(store.get, "cache", "k"))


async def test_nothing_of_it_is_left_when_opening_is_cancelled(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")

        with anyio.fail_after(2), anyio.move_on_after(0.02):
            async with Store.open(path):
                pytest.fail("it is held")

        other.execute("ROLLBACK")
    async with Store.open(path) as store:
        assert await store.get("cache", "k") is None
