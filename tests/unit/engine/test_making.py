"""GetCode's generate by the engine: which source streams, what is taken off it, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from tests.conftest import MakeSettings
from theo_mcp import CompletionRequest, GenerateRequest, InputError, NotAvailableError, StreamError, connect
from theo_mcp.backend import Caller
from theo_mcp.errors import TimeoutExceededError
from theo_mcp.store import FILE, Store
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.wire.getcode import Generated, GenerateDone

Made = tuple[list[str], GenerateDone]
Make = Callable[..., Awaitable[Made]]
PAGE = "<!doctype html>\n<html>\n<body>\n<h1>Bakery</h1>\n</body>\n</html>\n"
CHART = {"title": "Sales", "type": "bar", "labels": ["Q1", "Q2"], "series": [{"name": "2024", "values": [1, 2]}]}
UNEVEN = json.dumps(CHART | {"labels": ["Q1"]})


@pytest.fixture
def make(model_server: ModelServer, make_settings: MakeSettings) -> Make:
    async def made(output_type: str, *pieces: str, prompt: str = "A bakery", **more: Any) -> Made:
        model_server.script = [pieces] if pieces else []
        request = GenerateRequest.model_validate({"prompt": prompt, "outputType": output_type, **more})
        gathered = Generated()
        tokens: list[str] = []
        async with (
            connect(make_settings(engine_url=model_server.url)) as backend,
            backend.getcode.generate(request) as events,
        ):
            async for event in events:
                gathered.add(event)
                tokens += [event.text] if event.type == "token" else []
        assert gathered.done is not None
        return tokens, gathered.done

    return made


async def test_the_source_streams_without_its_fence_and_what_stands_around_it_is_kept_apart(make: Make) -> None:
    answer = f"Here it is:\n\n```html\n{PAGE}```\n\nOpen it in a browser.\n"

    tokens, done = await make("website", *answer)  # a character at a time

    assert "".join(tokens) == PAGE
    assert len(tokens) > 20
    assert done.theo_mcp.explanation == "Here it is:\n\nOpen it in a browser."
    assert (done.model, done.tokens_used) == ("scripted-1b", 7 + len(answer))
    (check,) = done.theo_mcp.checks
    assert (check.language, check.status) == ("html", "parses")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "source"),
    [
        (PAGE, PAGE),
        (f"```html\n{PAGE}", PAGE),
        (f"~~~~ html\n{PAGE}~~~~", PAGE),
        (f"\n\n{PAGE}", PAGE),
        ("```html\n<p>a ``` b</p>\n`` `\n```\n", "<p>a ``` b</p>\n`` `\n"),
        ("<pre>\n```js\nx\n```\n</pre>\n", "<pre>\n```js\nx\n```\n</pre>\n"),
        ("I cannot help with that.", "I cannot help with that."),
        ("```", "```"),
    ],
)
async def test_every_form_of_fence(make: Make, answer: str, source: str) -> None:
    for pieces in ((answer,), tuple(answer), tuple(answer.splitlines(keepends=True))):
        tokens, _ = await make("website", *pieces)

        assert "".join(tokens) == source


@pytest.mark.parametrize(
    ("output_type", "language", "answer", "problem"),
    [
        ("website", None, "I'm sorry, I cannot.", "the answer has no HTML in it"),
        ("website", None, PAGE[:40], "<h1> of line 4 is not closed: it was cut, or is not whole"),
        ("website", None, PAGE[:-16], "it ends before </html>: it was cut, or is not whole"),
        ("website", None, PAGE.replace("</h1>", "</h2></h1>"), "line 4: </h2> closes nothing, inside <h1> of line 4"),
        ("website", None, "<html><body><script>x()</script></body></html>", "its body shows no text"),
        ("website", "react", "No.", "the answer has no page in it"),
        ("email", None, "Dear customer", "the answer has no HTML in it"),
        ("api", "python", "def f(:\n", "line 1: invalid syntax"),
        ("api", "nodejs", "I would rather not.", "the answer has no code in it"),
        ("chart", None, '{"title": "x"}', "it is no chart: labels: Field required"),
        ("chart", None, UNEVEN, "it is no chart: a series has 2 values, and there are 1 labels"),
        ("chart", None, "A bar chart.", "it is not one JSON object"),
    ],
)  # fmt: skip
async def test_an_answer_that_is_no_such_source_is_told(
    make: Make, output_type: str, language: str | None, answer: str, problem: str
) -> None:
    tokens, done = await make(output_type, answer, language=language)

    (check,) = done.theo_mcp.checks
    assert (check.status, check.message) == ("fails", problem)
    assert "".join(tokens) == answer


@pytest.mark.parametrize(
    ("prompt", "language", "told", "checked"),
    [
        ("An API for todos", None, "Python with FastAPI", "python"),
        ("A Laravel API", "auto", "PHP 8", "php"),
        ("An API in Node.js", None, "JavaScript (ES modules)", "javascript"),
        ("An API in Node.js", "typescript", "TypeScript for Node.js", "typescript"),
        ("An API for todos", "react", "Python with FastAPI", "python"),
    ],
)
async def test_the_language_of_an_api(
    make: Make, model_server: ModelServer, prompt: str, language: str | None, told: str, checked: str
) -> None:
    _, done = await make("api", "x = 1\n", prompt=prompt, language=language)

    assert told in model_server.chats[0]["messages"][0]["content"]
    assert done.theo_mcp.checks[0].language == checked
    assert ("is for websites" in done.theo_mcp.notice) is (language == "react")


@pytest.mark.parametrize(("language", "told"), [("react", "(TSX)"), ("vue", "Vue 3"), ("php", "PHP 8")])
async def test_the_language_of_a_website(make: Make, model_server: ModelServer, language: str, told: str) -> None:
    await make("website", PAGE, language=language)

    assert told in model_server.chats[0]["messages"][0]["content"]


async def test_what_a_page_would_load_from_elsewhere_is_told(make: Make) -> None:
    page = PAGE.replace("<h1>", '<script src="https://cdn.example/a.js"></script><img src="//pics.example/b"><h1>')

    _, done = await make("website", page)

    assert done.theo_mcp.checks[0].status == "parses"
    assert done.theo_mcp.notice == "It is not self-contained: it loads from cdn.example, pics.example."


async def test_a_chart_is_asked_for_by_its_schema_and_its_new_numbers_are_named(
    make: Make, model_server: ModelServer
) -> None:
    tokens, done = await make("chart", json.dumps(CHART), prompt="Sales in 2024: Q1 1, Q2 5")

    schema = model_server.chats[-1]["response_format"]["json_schema"]["schema"]
    assert set(schema["properties"]) == {"title", "type", "x_title", "y_title", "labels", "series"}
    assert json.loads("".join(tokens)) == CHART
    assert done.theo_mcp.checks[0].status == "parses"
    assert done.theo_mcp.notice == "1 of its numbers do not stand in the prompt: check them."


@pytest.mark.parametrize("output_type", ["pdf", "excel", "word", "powerpoint", "video", "image"])
async def test_rendered_files_are_refused_with_what_to_do(
    make: Make, model_server: ModelServer, output_type: str
) -> None:
    with pytest.raises(
        NotAvailableError, match=f"output type {output_type!r} yet; it makes api, chart, email, website"
    ) as refused:
        await make(output_type)

    assert refused.value.code == "not_available_here"
    assert refused.value.hint.startswith("Set GETCODE_API_KEY to ask the hosted service")
    assert model_server.requests == []


async def test_a_blank_prompt_is_refused(make: Make) -> None:
    with pytest.raises(InputError, match="The prompt is empty"):
        await make("website", prompt=" ")


async def test_a_cut_stream_is_an_error_with_the_source_so_far(make: Make, model_server: ModelServer) -> None:
    model_server.cut_after = 2

    with pytest.raises(StreamError) as raised:
        await make("website", "```html\n", "<p>\n", "more")

    assert raised.value.partial == "<p>\n"


async def test_an_answer_at_the_longest_says_so(make: Make, model_server: ModelServer) -> None:
    model_server.finish = "length"

    _, done = await make("api", "x = (1,\n")

    assert done.theo_mcp.finish_reason == "length"
    assert "was cut at the longest" in done.theo_mcp.notice
    assert done.theo_mcp.checks[0].status == "fails"


async def test_leaving_early_stops_the_model_and_the_callers_time_is_kept(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    model_server.pieces = ("<p>", "never")
    model_server.silent_after = 1
    request = GenerateRequest(prompt="A bakery", output_type="website")

    async with connect(make_settings(engine_url=model_server.url)) as backend:
        async with backend.getcode.generate(request) as events:
            assert (await anext(events)).type == "token"
        limited = backend.getcode.for_caller(Caller(deadline_s=0.05))
        with pytest.raises(TimeoutExceededError) as raised:
            async with limited.generate(request) as events:
                assert [event async for event in events]

    assert model_server.exchanges[-2].closed.is_set()
    assert raised.value.partial == "<p>"


async def test_a_place_in_the_queue_is_told_before_the_source(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    model_server.pieces = (PAGE,)
    gate = model_server.gate = anyio.Event()
    request = GenerateRequest(prompt="A bakery", output_type="website")
    kinds: list[str] = []

    async with (
        connect(make_settings(engine_url=model_server.url, engine_parallel=1)) as backend,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(backend.theo.complete, CompletionRequest(prompt="Hello"))
        await model_server.until_at_work(1)
        async with backend.getcode.generate(request) as events:
            async for event in events:
                kinds.append(event.type)
                if event.type == "queue":
                    assert event.message == "queued, next in line"
                    gate.set()

    assert kinds == ["queue", "token", "done"]


async def test_a_source_that_repeats_itself_without_end_is_stopped(make: Make) -> None:
    tokens, done = await make("api", *["    SECRET_KEY = 1\n"] * 200)

    assert len(tokens) < 100
    assert "began to repeat itself" in done.theo_mcp.notice


async def test_what_was_typed_and_what_it_used_is_remembered(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    model_server.script = [(PAGE,)]
    request = GenerateRequest(prompt="A long brief", output_type="website", original_prompt="a bakery")
    settings = make_settings(engine_url=model_server.url)

    async with connect(settings) as backend:
        async with backend.getcode.generate(request) as events:
            assert [event.type async for event in events] == ["token", "done"]
        usage = await backend.theo.usage()

    assert usage.totals.requests == 1
    async with Store.open(settings.data_dir / FILE) as store:
        (kept,) = await store.entries("history", owner="", limit=5)
    assert isinstance(kept.value, dict)
    assert {name: kept.value[name] for name in ("output_type", "prompt", "original_prompt", "model")} == {
        "output_type": "website",
        "prompt": "A long brief",
        "original_prompt": "a bakery",
        "model": "scripted-1b",
    }
