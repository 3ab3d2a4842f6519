"""The client core beside the bare HTTP library and the openai client: CPU, tail, events, memory, import.

All talk to the same server in another process, over kept connections; CPU is this process's alone.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from statistics import median, quantiles

import anyio
import httpx2
from httpx2._sse import _SSEParser
from openai import AsyncOpenAI

from tests.benchmarks.comparison import Comparison, Side, Target, in_turn
from tests.benchmarks.json_server import EVENT
from theo_mcp import CompletionRequest, TheoClient
from theo_mcp.http.client import HttpClient
from theo_mcp.http.sse import SSEDecoder
from theo_mcp.testing import theo

HELLO = CompletionRequest(prompt="Explain microservices architecture, and when not to use it. " * 3)
BODY = {"prompt": HELLO.prompt}
CALLS = {1: 400, 10: 800, 100: 3000}
ROUNDS = 9
KEEP = httpx2.Limits(max_connections=100, max_keepalive_connections=100)
Once = Callable[[], Awaitable[object]]


@asynccontextmanager
async def server() -> AsyncIterator[str]:
    """The address of the server, which ends with the context."""
    command = [sys.executable, "-m", "tests.benchmarks.json_server"]
    async with await anyio.open_process(command, stderr=None) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{(await process.stdout.receive()).decode().strip()}"
        process.terminate()


async def clients() -> list[Comparison]:
    """Every comparison of this file."""
    async with server() as url, httpx2.AsyncClient(limits=KEEP) as http, httpx2.AsyncClient(limits=KEEP) as kept:
        client = TheoClient(theo.KEY, base_url=url, http_client=kept)
        vendor = AsyncOpenAI(api_key="sk-0123456789", base_url=url, http_client=httpx2.AsyncClient(limits=KEEP))
        headers = {"Authorization": f"Bearer {theo.KEY}"}

        async def ours() -> object:
            return await client.complete(HELLO)

        async def bare() -> object:
            return (await http.post(f"{url}/api/v1/completions", json=BODY, headers=headers)).json()

        async def openai() -> object:
            return await vendor.post("/completions", body=BODY, cast_to=object)

        done = []
        for width, calls in CALLS.items():
            done += await _calls(width, calls, ours, bare, openai)
        done += [await _tail(ours), *await _events(url, kept), await _memory(ours)]
        await vendor.close()
    return [*done, *_parser(), _import()]


async def _calls(width: int, calls: int, ours: Once, bare: Once, openai: Once) -> list[Comparison]:
    for once in (ours, bare, openai):
        await _cpu(once, width, calls)
    rounds = await in_turn(
        range(ROUNDS),
        [lambda _: _cpu(ours, width, calls), lambda _: _cpu(bare, width, calls), lambda _: _cpu(openai, width, calls)],
    )
    how = f"{calls} calls of 2 kB, {width} at once"
    mine, plain, vendor = (
        Side(name, f"{what}, {how}", [[each[number]] for each in rounds])
        for number, (name, what) in enumerate(
            [("theo-mcp", "TheoClient.complete"), ("bare httpx2", "post(json=).json()"), ("openai", "AsyncOpenAI.post")]
        )
    )
    title = f"CPU of a JSON call, {width} at once"
    return [
        Comparison(f"{title}, to bare httpx2", "µs", mine, plain, Target("≤", 1.15)),
        Comparison(f"{title}, to openai", "µs", mine, vendor, Target("≤", 1.0)),
    ]


async def _cpu(once: Once, width: int, calls: int) -> float:
    """Microseconds of this process's CPU per call."""

    async def worker() -> None:
        for _ in range(calls // width):
            await once()

    began = time.process_time()
    async with anyio.create_task_group() as tasks:
        for _ in range(width):
            tasks.start_soon(worker)
    return (time.process_time() - began) / calls * 1e6


async def _tail(once: Once) -> Comparison:
    rounds = []
    for _ in range(ROUNDS):
        took: list[float] = []
        await _cpu(once, 100, 300)  # connections that ended between two rounds are opened again before it counts

        async def worker(took: list[float] = took) -> None:
            for _ in range(20):
                began = time.perf_counter()
                await once()
                took.append((time.perf_counter() - began) * 1000)

        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(worker)
        rounds.append((quantiles(took, n=100)[98], median(took)))
    how = "2,000 calls, 100 at once"
    return Comparison(
        "p99 to p50 of a JSON call, 100 at once", "ms", Side("p99", how, [[each[0]] for each in rounds]),
        Side("p50", how, [[each[1]] for each in rounds]), Target("≤", 2.0),
    )  # fmt: skip


async def _events(url: str, http: httpx2.AsyncClient) -> list[Comparison]:
    done = []
    for per_chunk in (1, 20):
        path = f"/stream/20000/{per_chunk}"

        async def ours(_: int, path: str = path) -> float:
            core = HttpClient(url, service="Theo", billed=True, http_client=http)
            began = time.process_time()
            async with core.events(path, b"{}") as events:
                count = sum([1 async for _ in events])
            assert count == 20_001
            return count / (time.process_time() - began) / 1000

        async def raw(_: int, path: str = path) -> float:
            began = time.process_time()
            async with http.stream("POST", url + path, content=b"{}") as response:
                count = sum([len(chunk) async for chunk in response.aiter_raw()]) // len(EVENT)
            return count / (time.process_time() - began) / 1000

        rounds = await in_turn(range(ROUNDS), [ours, raw])
        done.append(
            Comparison(
                f"events end to end, {per_chunk} in a chunk, to aiter_raw", "k/s",
                Side("theo-mcp", "HttpClient.events, parsed", [[each[0]] for each in rounds]),
                Side("aiter_raw", "bytes alone, nothing parsed", [[each[1]] for each in rounds]),
                Target("≥", 0.8) if per_chunk == 1 else None,
            )
        )  # fmt: skip
    return done


def _parser() -> list[Comparison]:
    done = []
    for name, size, target in (("one event per chunk", len(EVENT), 2.0), ("16 KiB chunks", 2**14, 3.0)):
        blob = EVENT * 40_000
        chunks = [blob[at : at + size] for at in range(0, len(blob), size)]
        rounds = []
        for _ in range(ROUNDS):
            decoder, theirs = SSEDecoder(), _SSEParser()
            began = time.process_time()
            count = sum(len(decoder.feed(chunk)) for chunk in chunks)
            between = time.process_time()
            other = sum(len(list(theirs.decode(chunk.decode()))) for chunk in chunks)
            ended = time.process_time()
            assert count == other == 40_000
            rounds.append((count / (between - began) / 1000, other / (ended - between) / 1000))
        done.append(
            Comparison(f"SSE parser, {name}, to httpx2's", "k/s",
                       Side("theo-mcp", "SSEDecoder, from bytes", [[each[0]] for each in rounds]),
                       Side("httpx2", "its parser, from bytes through str", [[each[1]] for each in rounds]),
                       Target("≥", target))
        )  # fmt: skip
    big = b"data: " + b"x" * 2**23 + b"\n\n"
    took = []
    for _ in range(3):
        decoder = SSEDecoder()
        began = time.process_time()
        assert sum(len(decoder.feed(big[at : at + 256])) for at in range(0, len(big), 256)) == 1
        took.append([time.process_time() - began])
    limit = Side("the limit", "0.3 s", [[0.3]] * 3)
    return [*done, Comparison("an event of 8 MiB in pieces of 256 B", "s", Side("theo-mcp", "SSEDecoder", took), limit,
                              Target("≤", 1.0))]  # fmt: skip


async def _memory(once: Once) -> Comparison:
    """The process's peak before and after ten thousand calls; the warm-up is part of the first."""
    await _cpu(once, 10, 1000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    await _cpu(once, 10, 10_000)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Comparison("peak memory after 10,000 calls, to before", "MiB", Side("after", "10 at once", [[after]]),
                      Side("before", "after 1,000", [[before]]), Target("≤", 1.02))  # fmt: skip


def _import() -> Comparison:
    def took(statement: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)
        return (time.perf_counter() - began) * 1000

    core = "import theo_mcp.hosted.theo"
    bare = "import asyncio, httpx2; from pydantic import BaseModel, Field"  # what any typed client needs of pydantic
    empty = min(took("pass") for _ in range(5))
    for statement in (core, bare):
        took(statement)
    rounds = [(took(core) - empty, took(bare) - empty) for _ in range(11)]
    return Comparison(
        "import of the core, to asyncio + httpx2 + pydantic", "ms",
        Side("theo-mcp", core, [[each[0]] for each in rounds]), Side("the three", bare, [[each[1]] for each in rounds]),
        Target("≤", 1.25), f"An empty interpreter ({empty:.0f} ms) is taken off both.",
    )  # fmt: skip
