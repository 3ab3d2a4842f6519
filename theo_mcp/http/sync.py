"""The one door for scripts without an event loop: everything else here is asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

import anyio

from theo_mcp.http.pool import Pool, opened_here

T = TypeVar("T")


def run_sync(call: Coroutine[Any, Any, T]) -> T:
    """Runs one call to its end and returns its answer; where a loop runs already (a notebook), in a thread beside it.

    ``answer = run_sync(theo.complete(CompletionRequest(prompt="…")))``

    The connections that the call opened are closed at its end, so that the client can be used again by the next
    `run_sync`, and needs no closing of its own.

    Raises:
        TheoError: what the call raises.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return anyio.run(_run, call)
    context = copy_context()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: context.run(lambda: anyio.run(_run, call))).result()


async def _run(call: Coroutine[Any, Any, T]) -> T:
    opened: list[Pool] = []
    token = opened_here.set(opened)
    try:
        return await call
    finally:
        opened_here.reset(token)
        with anyio.CancelScope(shield=True):
            for pool in opened:
                await pool.reset()
