"""What the store keeps, under which kind, owner and key, and for how long."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import anyio
import pytest
from pydantic import JsonValue

from theo_mcp.errors import InputError, StoreError
from theo_mcp.store import Store, Sums
from theo_mcp.store.contents import Held


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "data" / "store.db", clock=clock) as store:
        yield store


async def keys(store: Store, after: int | None = None, limit: int = 100) -> list[str]:
    return [entry.key for entry in await store.entries("cache", after=after, limit=limit)]


async def test_a_value_is_there_after_the_store_was_closed_and_opened(tmp_path: Path) -> None:
    value: JsonValue = {"text": "añ", "list": [1, 2.5, True, None], "empty": {}}

    async with Store.open(tmp_path / "store.db") as store:
        await store.put("conversations", "c1", value, owner="anna")

    async with Store.open(tmp_path / "store.db") as store:
        assert await store.get("conversations", "c1", owner="anna") == value
        assert await store.get("jobs", "c1", owner="anna") is None


@pytest.mark.parametrize(
    "text", ["", "a\0b", "lone \ud800 surrogate", "pair \ud83d\ude00 of two", "😀", "'; DROP TABLE"]
)
async def test_any_string_comes_back_as_it_was_as_value_key_and_owner(store: Store, text: str) -> None:
    await store.put("cache", text, {text: [text]}, owner=text)

    assert await store.get("cache", text, owner=text) == {text: [text]}
    assert [entry.key for entry in await store.entries("cache", owner=text)] == [text]
    assert await store.get("cache", text + "\0", owner=text) is None


@pytest.mark.slow
async def test_a_large_value_is_whole_and_leaves_no_large_log_behind(store: Store) -> None:
    large = "x" * 20_000_000

    await store.put("cache", "large", large)

    assert await store.get("cache", "large") == large
    await store.put("cache", "small", 1)
    assert store.path.with_name("store.db-wal").stat().st_size <= 5_000_000


@pytest.mark.slow
async def test_the_room_of_what_has_expired_is_given_back(store: Store, clock: Clock) -> None:
    await store.put("cache", "large", "x" * 12_000_000, expires_at=1001)
    clock.now = 1001

    await store.purge()
    await store.put("cache", "next", "x" * 5_000_000)  # enough to carry the log over into the file

    assert store.path.stat().st_size <= 6_000_000


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, {1, 2}, object(), b"bytes", {"deep": [math.nan]}, [10**5000], {("a", "b"): 1}]
)
async def test_what_is_not_json_is_refused_and_nothing_is_stored(store: Store, value: object) -> None:
    with pytest.raises(InputError, match="not JSON"):
        await store.put("cache", "k", cast("JsonValue", value))
    with pytest.raises(InputError, match="not JSON"):
        await store.update("cache", "k", lambda _: cast("JsonValue", value))

    assert await store.get("cache", "k") is None


async def test_a_value_that_holds_itself_or_is_too_deep_is_refused(store: Store) -> None:
    circle: list[JsonValue] = []
    circle.append(circle)
    deep: JsonValue = []
    for _ in range(100_000):
        deep = [deep]

    for value in (circle, deep):
        with pytest.raises(InputError, match="not JSON"):
            await store.put("cache", "k", value)


async def test_none_is_no_value(store: Store) -> None:
    await store.put("cache", "k", 1)

    await store.put("cache", "k", None)

    assert await store.entries("cache") == []
    assert await store.update("cache", "k", lambda value: value) is None
    assert await store.entries("cache") == []


async def test_an_entry_of_another_owner_is_as_if_it_were_not_there(store: Store) -> None:
    await store.put("runs", "k", "anna's", owner="anna")

    assert await store.get("runs", "k", owner="bob") is None
    assert await store.get("runs", "k") is None
    assert await store.entries("runs", owner="bob") == []
    assert not await store.delete("runs", "k", owner="bob")
    assert await store.update("runs", "k", lambda value: [value], owner="bob") == [None]
    assert await store.get("runs", "k", owner="anna") == "anna's"


async def test_what_is_deleted_is_gone_once(store: Store) -> None:
    await store.put("cache", "k", 1)

    assert await store.delete("cache", "k")
    assert not await store.delete("cache", "k")
    assert await store.get("cache", "k") is None


async def test_the_repr_of_an_entry_shows_neither_key_nor_value(store: Store) -> None:
    await store.put("conversations", "a user's key", "a user's text")

    assert "a user's" not in repr(await store.entries("conversations"))


async def test_entries_come_last_made_first_and_page_by_cursor(store: Store, clock: Clock) -> None:
    for key in ("a", "b", "c", "d"):
        await store.put("cache", key, key)
    clock.now = 1005
    await store.put("cache", "b", "changed")

    first = await store.entries("cache", limit=3)
    await store.put("cache", "e", "made meanwhile")
    rest = await store.entries("cache", after=first[-1].cursor)

    assert [entry.key for entry in first] == ["d", "c", "b"]
    assert [entry.key for entry in rest] == ["a"]
    assert (first[2].value, first[2].created_at, first[2].changed_at) == ("changed", 1000, 1005)


@pytest.mark.parametrize(("after", "limit", "found"), [(0, 9, []), (-(10**30), 9, []), (10**30, 10**30, ["a"])])
async def test_absurd_cursors_and_limits_do_no_harm(store: Store, after: int, limit: int, found: list[str]) -> None:
    await store.put("cache", "a", 1)

    assert await keys(store, after=after, limit=limit) == found
    assert await keys(store, limit=0) == await keys(store, limit=-5) == []


async def test_an_entry_is_gone_from_the_second_at_which_it_expires(store: Store, clock: Clock) -> None:
    await store.put("cache", "k", 1, expires_at=1010)

    clock.now = 1009.9
    before = await store.get("cache", "k")
    clock.now = 1010

    assert before == 1
    assert await store.get("cache", "k") is None
    assert await keys(store) == []
    assert not await store.delete("cache", "k")


async def test_a_clock_that_goes_back_brings_no_error(store: Store, clock: Clock) -> None:
    await store.put("cache", "old", 1)
    clock.now = 10

    await store.put("cache", "new", 2, expires_at=1010)

    assert await keys(store) == ["new", "old"]
    assert await store.purge() == 0


async def test_purge_removes_what_has_expired_of_every_owner_and_kind(store: Store, clock: Clock) -> None:
    await store.put("cache", "short", 1, owner="anna", expires_at=1005)
    await store.put("jobs", "short", 1, expires_at=1005)
    await store.put("jobs", "long", 1, expires_at=2000)
    await store.put("jobs", "ever", 1)
    clock.now = 1005

    assert await store.purge() == 2
    assert await store.purge() == 0
    assert [entry.key for entry in await store.entries("jobs")] == ["ever", "long"]


async def test_what_the_file_holds_is_counted_by_kind_with_what_has_expired(store: Store, clock: Clock) -> None:
    await store.put("cache", "a", "12345", owner="anna", expires_at=1001.0)
    await store.put("cache", "b", "12345", owner="otto")
    await store.put("jobs", "c", 1)
    clock.now = 2000.0

    held = await store.contents.held()

    assert held == {"cache": Held(2, 16), "jobs": Held(1, 2)}


async def test_clear_removes_one_kind_of_every_owner_but_what_is_spared(store: Store) -> None:
    for owner in ("anna", "otto"):
        await store.put("runs", "done", {"state": "done"}, owner=owner)
        await store.put("runs", "running", {"state": "running"}, owner=owner)
        await store.put("cache", "k", 1, owner=owner)

    spared = await store.contents.clear("runs", spared=lambda value: value == {"state": "running"})

    assert spared == 2
    assert [entry.key for entry in await store.entries("runs", owner="otto")] == ["running"]
    assert await store.contents.clear("cache") == 0
    assert (await store.contents.held()).keys() == {"runs"}


async def test_what_was_cleared_stands_nowhere_in_the_file_or_its_log(store: Store) -> None:
    await store.put("runs", "r", "a text that nobody else should read")
    await store.contents.clear("runs")

    kept = b"".join(path.read_bytes() for path in store.path.parent.iterdir())

    assert b"nobody else should read" not in kept


async def test_a_key_used_anew_after_expiry_begins_anew(store: Store, clock: Clock) -> None:
    await store.put("cache", "first", 1, expires_at=1005)
    await store.put("cache", "second", 2)
    clock.now = 1005

    assert await store.update("cache", "first", lambda value: value) is None
    await store.put("cache", "first", 3)

    newest = (await store.entries("cache"))[0]
    assert (newest.key, newest.created_at, newest.expires_at) == ("first", 1005, None)


async def test_update_keeps_the_time_to_live_unless_told_otherwise(store: Store, clock: Clock) -> None:
    await store.put("cache", "k", 1, expires_at=1005)

    await store.update("cache", "k", lambda _: 2)
    kept = (await store.entries("cache"))[0].expires_at
    await store.update("cache", "k", lambda _: 3, expires_at=3000)

    assert kept == 1005
    assert (await store.entries("cache"))[0].expires_at == 3000


async def test_a_change_that_raises_changes_nothing_and_its_error_comes_out(store: Store) -> None:
    await store.put("cache", "k", {"n": 1})

    def change(value: JsonValue) -> JsonValue:
        assert isinstance(value, dict)
        value["n"] = 2
        raise OSError("mine")

    with pytest.raises(OSError, match="mine"):
        await store.update("cache", "k", change)

    assert await store.get("cache", "k") == {"n": 1}
    assert await store.update("cache", "k", lambda value: [value]) == [{"n": 1}]


async def test_updates_of_many_tasks_lose_none(store: Store) -> None:
    async def add_one() -> None:
        await store.update("usage", "n", lambda value: (value if isinstance(value, int) else 0) + 1)

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(add_one)

    assert await store.get("usage", "n") == 50


async def test_amounts_are_added_under_all_keys_or_under_none(store: Store) -> None:
    limits = {"day": 10, "session": 5}

    first = await store.add("usage", {"day": 4, "session": 4}, limits=limits)
    refused = await store.add("usage", {"day": 2, "session": 2}, limits=limits)
    exact = await store.add("usage", {"day": 1, "session": 1}, limits=limits)

    assert first == Sums({"day": 4, "session": 4})
    assert refused == Sums({"day": 4, "session": 4}, over=("session",))
    assert exact == Sums({"day": 5, "session": 5})


async def test_settling_a_reservation_is_never_refused(store: Store) -> None:
    await store.add("usage", {"day": 10}, limits={"day": 10})
    await store.add("usage", {"day": 15})

    settled = await store.add("usage", {"day": -3.5}, limits={"day": 10})
    nothing = await store.add("usage", {"day": 0}, limits={"day": 10})

    assert settled == nothing == Sums({"day": 21.5})


async def test_sums_belong_to_their_owner_and_start_anew_when_they_expire(store: Store, clock: Clock) -> None:
    await store.add("usage", {"day": 3}, owner="anna", expires_at=1005)
    await store.add("usage", {"day": 3}, owner="anna")

    bobs = await store.add("usage", {"day": 1}, owner="bob")
    clock.now = 1005
    annas = await store.add("usage", {"day": 1}, owner="anna")

    assert (bobs.totals, annas.totals) == ({"day": 1}, {"day": 1})


async def test_whole_numbers_stay_exact_however_large(store: Store) -> None:
    await store.add("usage", {"tokens": 2**64})

    assert await store.add("usage", {"tokens": 1}) == Sums({"tokens": 18446744073709551617})


@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf])
async def test_an_amount_that_is_no_number_is_refused(store: Store, amount: float) -> None:
    with pytest.raises(InputError, match="finite"):
        await store.add("usage", {"a": 1, "day": amount}, limits={"day": 10})

    assert await store.get("usage", "a") is None


async def test_what_is_no_number_is_not_added_to(store: Store) -> None:
    await store.put("usage", "words", "ten")

    with pytest.raises(StoreError, match="no number"):
        await store.add("usage", {"fine": 1, "words": 1})

    assert await store.get("usage", "words") == "ten"
    assert await store.get("usage", "fine") is None


@pytest.mark.parametrize("damage", ["{", b"\xff\xfe", "NULL", 5, "[" * 100_000])
async def test_a_damaged_value_is_told_hides_no_other_and_can_be_replaced(
    store: Store, caplog: pytest.LogCaptureFixture, damage: object
) -> None:
    await store.put("cache", "good", 1)
    await store.put("cache", "private name", 2)
    with sqlite3.connect(store.path) as outside:
        outside.execute("UPDATE entries SET value = ? WHERE value = x'32'", (damage,))
    outside.close()

    with pytest.raises(StoreError, match=r"damaged \(kind cache, number 2\)") as raised:
        await store.get("cache", "private name")
    assert raised.value.code == "store_failed"
    with pytest.raises(StoreError, match="damaged"):
        await store.update("cache", "private name", lambda _: 3)
    assert await keys(store) == ["good"]
    assert "damaged" in caplog.text
    assert "private name" not in caplog.text
    await store.put("cache", "private name", 4)
    assert await store.get("cache", "private name") == 4


async def test_what_was_not_changed_for_longest_gives_way_to_what_fits(store: Store, clock: Clock) -> None:
    for number, key in enumerate("abc"):
        clock.now = 1000.0 + number
        await store.put("cache", key, "x" * 8, owner=f"owner {number}")  # 11 bytes each, with key and quotes
    await store.put("runs", "a", "x" * 100)
    clock.now = 2000.0
    await store.update("cache", "a", lambda value: value, owner="owner 0")

    gone = await store.contents.trim("cache", 22)

    left = [await store.get("cache", key, owner=f"owner {number}") for number, key in enumerate("abc")]
    assert (gone, [value is not None for value in left]) == (1, [True, False, True])
    assert await store.contents.trim("cache", 0) == 2
    assert await store.get("runs", "a")


async def test_what_one_owner_has_of_a_kind_is_forgotten(store: Store) -> None:
    for owner in ("ann", "bob"):
        await store.put("cache", "a", 1, owner=owner)
        await store.put("runs", "a", 1, owner=owner)

    assert await store.contents.forget("cache", "ann") == 1
    assert [await store.get("cache", "a", owner=owner) for owner in ("ann", "bob")] == [None, 1]
    assert await store.get("runs", "a", owner="ann") == 1
