"""The modes and sources that the built-in model takes part in: what it must not invent, and what comes out."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from theo_mcp import Backend, CompletionRequest, GenerateRequest, InputError, Settings, connect
from theo_mcp.settings import BUILTIN_MODEL
from theo_mcp.testing.searxng import FakeSearXNG
from theo_mcp.wire.getcode import Generated, GenerateDone
from theo_mcp.wire.words import CodeLanguage, OutputType

pytestmark = pytest.mark.model


@pytest.fixture
async def search() -> AsyncIterator[FakeSearXNG]:
    async with FakeSearXNG() as service:
        yield service


@pytest.fixture
async def backend(builtin_data: Path, search: FakeSearXNG) -> AsyncIterator[Backend]:
    settings = Settings(backend="engine", engine_model=BUILTIN_MODEL, data_dir=builtin_data, searxng_url=search.origin)
    async with connect(settings) as connected:
        yield connected


async def generated(
    backend: Backend, output_type: OutputType, prompt: str, language: CodeLanguage | None = None
) -> tuple[str, GenerateDone]:
    gathered = Generated()
    request = GenerateRequest(prompt=prompt, output_type=output_type, language=language)
    async with backend.getcode.generate(request) as events:
        async for event in events:
            gathered.add(event)
    assert gathered.done is not None
    return gathered.text, gathered.done


@pytest.mark.parametrize(
    ("prompt", "library", "kinds"),
    [
        ("A booking form with name, email, date and message", None, {"form", "input"}),
        ("A dashboard with revenue Q1 120, Q2 150, Q3 170", None, {"grid", "stat", "chart"}),
        ("A dashboard with revenue Q1 120, Q2 150, Q3 170", "plain-html", {"table"}),
        ("A table of prices with columns plan, price and seats", None, {"table"}),
        ("Feature cards for a bakery: bread, cakes, coffee", None, {"grid", "card", "text"}),
        ("Eine Seite für unseren Verein", "plain-html", {"section", "text"}),
    ],
)
async def test_an_interface_of_the_kind_that_the_words_ask_for(
    backend: Backend, prompt: str, library: str | None, kinds: set[str]
) -> None:
    answer = await backend.theo.complete(CompletionRequest(prompt=prompt, mode="genui", component_library=library))

    assert answer.structured_output is not None
    assert isinstance(answer.structured_output.data, dict)
    tree = json.dumps(answer.structured_output.data, ensure_ascii=False).replace(".0", "")
    assert kinds <= set(re.findall(r'"type": "(\w+)"', tree))
    assert numbers(re.sub(r'"columns": \d|"kind": "\w+"', "", tree)) <= numbers(prompt)
    assert answer.artifacts[0].code is not None
    assert answer.artifacts[0].code.endswith("</html>\n")
    assert answer.theo_mcp.draft


@pytest.mark.parametrize("language", ["html", "react", "vue", "python", "nodejs", "php"])
async def test_a_website_in_every_form(backend: Backend, language: CodeLanguage) -> None:
    prompt = "A page for a bakery called Sun with bread and cakes. It opens at 7."
    text, done = await generated(backend, "website", prompt, language)

    assert done.theo_mcp.checks[0].status in ("parses", "not checked")
    assert "Sun" in text
    assert "<h2>Bread</h2>" in text
    assert "It opens at 7" in text
    assert done.theo_mcp.draft


async def test_an_api_keeps_what_the_prompt_names(backend: Backend) -> None:
    text, done = await generated(backend, "api", "A REST API for books with title and author")

    assert done.theo_mcp.checks[0].status == "parses"
    assert 'FIELDS = ("title", "author",)' in text
    assert "the built-in model wrote none of it" in done.theo_mcp.notice


async def test_an_email_is_whole_and_invents_no_number(backend: Backend) -> None:
    text, done = await generated(backend, "email", "An email to customers about our new opening hours")

    assert done.theo_mcp.checks[0].status == "parses"
    assert "We would like to tell you about our new opening hours." in text


async def test_a_chart_has_the_numbers_of_the_prompt_and_no_others(backend: Backend) -> None:
    text, _ = await generated(backend, "chart", "A line chart of sales: Q1 10, Q2 $1,200 and Q3 4.5k")

    chart: dict[str, Any] = json.loads(text)
    assert chart["labels"] == ["Q1", "Q2", "Q3"]
    assert chart["series"][0]["values"] == [10, 1200, 4500]
    text, _ = await generated(backend, "chart", "Sales 2020 5, 2021 7, 2022 9")
    assert json.loads(text)["title"] == "Sales"
    with pytest.raises(InputError, match="no numbers with names"):
        await generated(backend, "chart", "A chart of sales")


async def test_a_report_quotes_its_sources_and_says_that_no_model_wrote_it(backend: Backend) -> None:
    answer = await backend.theo.complete(CompletionRequest(prompt="What causes the tides?", mode="research"))

    assert "“Tides are caused by the gravity of the Moon and the Sun.” [1]" in answer.content
    assert "[3] The highest tides — https://coast.example/bay" in answer.content
    assert "The built-in model writes no report" in answer.theo_mcp.notice


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+", text))
