"""Tasks that go on for as long as a body runs: what comes out of it, and when."""

from __future__ import annotations

import anyio
import pytest

from theo_mcp.meanwhile import meanwhile


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), GeneratorExit(), SystemExit(3)])
async def test_what_the_body_raises_comes_out_as_itself_and_ends_the_tasks(error: BaseException) -> None:
    ended = anyio.Event()

    async def task() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    with pytest.raises(type(error)) as raised:
        async with meanwhile() as tasks:
            tasks.start_soon(task)
            await anyio.lowlevel.checkpoint()
            raise error

    assert raised.value is error
    assert ended.is_set()


async def test_it_comes_out_where_the_body_was_cancelled_too() -> None:
    with pytest.raises(ValueError, match="while it ended"), anyio.CancelScope() as outer:
        async with meanwhile() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            outer.cancel()
            try:
                await anyio.sleep_forever()
            finally:
                raise ValueError("while it ended")


async def test_it_comes_out_where_a_task_fails_at_its_end_too() -> None:
    async def task() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise OSError("the task's")

    with pytest.raises(ValueError, match="mine"):
        async with meanwhile() as tasks:
            tasks.start_soon(task)
            await anyio.lowlevel.checkpoint()
            raise ValueError("mine")
