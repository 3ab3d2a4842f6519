"""Calls of a script, without an event loop of its own."""

from __future__ import annotations

import sys

import anyio
import pytest

from theo_mcp import CompletionRequest, TheoClient, errors, run_sync
from theo_mcp.testing import theo
from theo_mcp.testing.theo import FakeTheo

SCRIPT = """
import asyncio, sys
from theo_mcp import CompletionRequest, TheoClient, TheoError, run_sync

theo = TheoClient("theo_sk_test_0123456789abcdef", base_url=sys.argv[1])
for _ in range(2):
    print(run_sync(theo.complete(CompletionRequest(prompt="Hello"))).content)
try:
    run_sync(theo.complete(CompletionRequest(prompt="Hello", conversation_id="unknown")))
except TheoError as error:
    print(error.code)

async def notebook():
    print(run_sync(theo.complete(CompletionRequest(prompt="Hello"))).id)

asyncio.run(notebook())
"""


@pytest.mark.slow
async def test_a_script_or_a_notebook_calls_as_often_as_it_likes_and_leaves_nothing_open(
    theo_service: FakeTheo,
) -> None:
    done = await anyio.run_process([sys.executable, "-X", "dev", "-W", "error", "-c", SCRIPT, theo_service.origin],
                                   check=False)  # fmt: skip

    answer = "".join(theo.WORDS)
    # That a callback was slow is said of a busy machine, and is not the subject.
    warned = [line for line in done.stderr.decode().splitlines() if not line.startswith("Executing <")]
    assert (done.stdout.decode().splitlines(), warned) == ([answer, answer, "not_found", "cmpl_abc123"], [])
    assert done.returncode == 0


async def test_the_calls_error_comes_out_as_it_is(theo_service: FakeTheo) -> None:
    client = TheoClient("theo_sk_wrong_key_0123456789", base_url=theo_service.origin)

    def call() -> None:
        run_sync(client.complete(CompletionRequest(prompt="Hello")))

    with pytest.raises(errors.AuthenticationError):
        await anyio.to_thread.run_sync(call)
