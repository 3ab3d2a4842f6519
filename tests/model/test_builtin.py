"""The built-in model itself (``theo-mcp engine pull``): where it is missing, these tests fail and do not skip."""

from __future__ import annotations

import ast
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.conftest import MakeSettings
from theo_mcp import Backend, CodeRequest, CompletionRequest, ImproveRequest, Settings, connect, errors
from theo_mcp.engine import pull
from theo_mcp.engine.providers.local import LocalModel
from theo_mcp.http.options import Timeouts
from theo_mcp.machine import environment
from theo_mcp.settings import BUILTIN_MODEL
from theo_mcp.wire.events import Token
from theo_mcp.wire.openai import ChatMessage, ChatRequest

pytestmark = pytest.mark.model
LIMITS = "ulimit -t 5 -v 1000000 -f 0"
REVERSE = "Write a Python function that reverses a string"
LONG = CompletionRequest(prompt="Tell me everything about the sea.", mode="fast", temperature=0)


@pytest.fixture
async def backend(builtin_data: Path) -> AsyncIterator[Backend]:
    async with connect(Settings(backend="engine", engine_model=BUILTIN_MODEL, data_dir=builtin_data)) as connected:
        yield connected


@pytest.fixture
async def local(builtin_data: Path) -> AsyncIterator[LocalModel]:
    model = LocalModel(builtin_data, BUILTIN_MODEL, 8192, Timeouts())
    try:
        yield model
    finally:
        await model.aclose()


async def test_two_prompts_give_two_texts(backend: Backend) -> None:
    first = await backend.theo.complete(CompletionRequest(prompt="Name a colour.", temperature=0))
    second = await backend.theo.complete(CompletionRequest(prompt="What is the sea?", temperature=0))

    assert first.content.strip()
    assert second.content.strip()
    assert first.content != second.content


async def test_the_same_prompt_at_temperature_zero_gives_the_same_text(backend: Backend) -> None:
    request = CompletionRequest(prompt="What is a byte?", temperature=0)

    assert (await backend.theo.complete(request)).content == (await backend.theo.complete(request)).content


async def test_its_string_reversal_parses_and_reverses(backend: Backend) -> None:
    code = await backend.theo.code(CodeRequest(prompt=REVERSE, language="python"))

    (function,) = [node for node in ast.parse(code.content).body if isinstance(node, ast.FunctionDef)]
    program = f"{code.content}\nprint(repr({function.name}('zażółć 123')))"
    with anyio.fail_after(10):
        done = await anyio.run_process(
            ["/bin/sh", "-c", f'{LIMITS}; exec "$0" "$@"', sys.executable, "-I", "-S", "-c", program],
            env={"PYTHONIOENCODING": "utf-8"},
        )
    assert done.stdout.decode().splitlines()[-1] == "'321 ćłóżaz'"
    assert code.theo_mcp.checks[0].status == "parses"
    assert code.theo_mcp.draft
    assert "engine-url" in code.theo_mcp.notice


async def test_usage_is_what_the_server_measured(local: LocalModel, backend: Backend) -> None:
    question = ChatMessage(role="user", content="What is a byte?")
    usage = timings = None
    async with local.chat(ChatRequest(model=BUILTIN_MODEL, messages=(question,), temperature=0)) as chunks:
        async for chunk in chunks:
            usage, timings = chunk.usage or usage, chunk.timings or timings
    answer = await backend.theo.complete(
        CompletionRequest(prompt="What is a byte?", persona="none", temperature=0, mode="code")
    )

    assert usage is not None
    assert timings is not None
    assert usage.prompt_tokens == int(str(timings["prompt_n"])) + int(str(timings["cache_n"]))
    assert usage.completion_tokens == timings["predicted_n"]
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (
        usage.prompt_tokens,
        usage.completion_tokens,
    )


async def test_sixty_streams_in_a_row_do_not_fail_once(local: LocalModel) -> None:
    request = ChatRequest(model=BUILTIN_MODEL, messages=(ChatMessage(role="user", content="Hi"),), max_tokens=4)

    for _ in range(60):
        async with local.chat(request) as chunks:
            text = "".join([choice.delta.content or "" async for chunk in chunks for choice in chunk.choices])
        assert text


async def test_a_cancel_frees_the_model_before_the_cancelled_rest_could_have_ended(local: LocalModel) -> None:
    question = ChatMessage(role="user", content="Count from one to one thousand in words.")
    long = ChatRequest(model=BUILTIN_MODEL, messages=(question,), max_tokens=2000, temperature=0, repeat_penalty=1.0)
    short = long.model_copy(update={"max_tokens": 1})
    async with local.chat(short) as chunks:  # the model is loaded and warm
        assert [chunk async for chunk in chunks]

    seen: list[float] = []
    async with local.chat(long) as chunks:
        async for chunk in chunks:
            if any(choice.delta.content for choice in chunk.choices):
                seen.append(time.perf_counter())
            if len(seen) == 40:
                break
    rest = (2000 - 40) * (seen[-1] - seen[0]) / (len(seen) - 1)
    began = time.perf_counter()
    async with local.chat(short) as chunks:
        assert [chunk async for chunk in chunks]

    assert time.perf_counter() - began < rest / 4


async def test_a_prompt_beyond_the_context_is_told_with_both_numbers(backend: Backend) -> None:
    with pytest.raises(errors.InputError, match=r"has \d+ tokens, and the model's context holds 8192") as raised:
        await backend.theo.complete(CompletionRequest(prompt="hello world " * 6000))

    assert raised.value.code == "prompt_too_long"


async def test_a_killed_model_is_told_and_the_next_call_starts_it_anew(local: LocalModel) -> None:
    request = ChatRequest(
        model=BUILTIN_MODEL, messages=(ChatMessage(role="user", content="Count to one thousand."),), max_tokens=2000
    )

    with pytest.raises(errors.ModelError, match="ended unexpectedly") as raised:
        async with local.chat(request) as chunks:
            async for chunk in chunks:
                if any(choice.delta.content for choice in chunk.choices):
                    os.kill(model_process(), signal.SIGKILL)
    async with local.chat(request.model_copy(update={"max_tokens": 1})) as chunks:
        assert [chunk async for chunk in chunks]

    assert raised.value.partial


async def test_closing_ends_the_process(local: LocalModel) -> None:
    request = ChatRequest(model=BUILTIN_MODEL, messages=(ChatMessage(role="user", content="Hi"),), max_tokens=1)
    async with local.chat(request) as chunks:
        assert [chunk async for chunk in chunks]
    pid = model_process()

    await local.aclose()
    await local.aclose()

    assert not Path(f"/proc/{pid}").exists()


async def test_a_file_that_is_no_model_is_told(tmp_path: Path, make_settings: MakeSettings) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(500))
    settings = make_settings()
    await pull.add_file(settings.data_dir, broken, None, lambda _: None)

    async with connect(settings) as backend:
        with pytest.raises(errors.ModelError, match="broken could not be loaded") as raised:
            await backend.theo.complete(CompletionRequest(prompt="Hello"))

    assert "engine remove broken" in raised.value.hint


async def test_improve_adds_whole_sentences_to_the_users_words(backend: Backend) -> None:
    answer = await backend.getcode.improve(ImproveRequest(prompt="landing page for a bakery", output_type="website"))

    words, *lines = answer.improved.split("\n")
    assert words == "landing page for a bakery"
    assert 1 <= len(lines) <= 4
    assert all(line[-1] in ".!?" for line in lines)


@pytest.mark.parametrize(("era", "version"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
async def test_the_tools_answer_over_stdio(builtin_data: Path, era: str, version: str) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "theo_mcp", "serve", "--backend", "engine", "--data-dir", str(builtin_data)],
        env=environment(),
    )
    streamed: list[str] = []

    async def see(progress: float, total: float | None, message: str | None) -> None:
        streamed.append(message or "")

    with anyio.fail_after(60):
        async with Client(server, mode=era) as client:
            assert client.protocol_version == version
            assert len((await client.list_tools()).tools) == 8
            completed = await client.call_tool("theo_complete", {"prompt": REVERSE}, progress_callback=see)
            coded = await client.call_tool("theo_code", {"prompt": REVERSE, "language": "python"})
            improved = await client.call_tool("theo_improve", {"prompt": "a chart of sales", "output_type": "chart"})
            status = await client.call_tool("theo_status", {})

    assert (completed.structured_content or {})["text"] == "".join(streamed)
    assert "def " in (coded.structured_content or {})["code"]
    assert (improved.structured_content or {})["improved"].startswith("a chart of sales")
    assert (status.structured_content or {})["missing"] == []
    for result in (completed, coded, improved):
        assert (result.structured_content or {})["draft"] is True


async def test_leaving_a_stream_early_is_quiet(backend: Backend) -> None:
    for _ in range(3):
        async with backend.theo.stream(LONG) as events:
            async for event in events:
                if isinstance(event, Token):
                    break

    assert (await backend.theo.complete(CompletionRequest(prompt="Hi", temperature=0))).content


def model_process() -> int:
    """The one child of this process that serves a model."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    (pid,) = [int(pid) for pid in children if b"theo_mcp.engine.child" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return pid
