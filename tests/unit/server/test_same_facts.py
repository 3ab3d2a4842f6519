"""Text and structured content each carry every fact, whatever an answer is made of; hosts show one or the other.

The answers are made by a generator with a seed. Each piece of text in one holds a word of its own, so that a piece that
is lost on either side is seen.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp_types import CallToolResult

from tests.unit.server.answers import of_job, streamed
from tests.unit.server.assistant import AllHosted, Assistant, StartHosted, data_of, words_of
from theo_mcp.testing import faults
from theo_mcp.testing.getcode import OUTPUT_TYPES, FakeGetCode
from theo_mcp.testing.http import Fields
from theo_mcp.testing.theo import FakeTheo

SEEDS = range(25)
MOST_CHARS = 40_000
_WORD = re.compile(r"w\d+w")
_ODD = ["ä", "🧩", "·", "`", "|", "*", "#", "<b>", "\u2028", "x", "%s", "{}", "€", "&amp;"]
_OURS = {"status", "truncated", "chars", "shown_chars"}
"""Facts about the result itself."""


class Maker:
    """Makes answers of random shapes."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.made = 0

    def word(self) -> str:
        """A piece of text in one line."""
        self.made += 1
        return f"{self.random.choice(_ODD)} w{self.made}w {self.random.choice(_ODD)}"

    def id(self) -> str:
        self.made += 1
        return f"w{self.made}w"

    def text(self, most: int = 2_000) -> str:
        """A text of any length: none, a line, or many."""
        length = self.random.choice([0, 20, most])
        text = ""
        while len(text) < length:
            text += self.word() + "y" * self.random.randrange(200) + "\n"
        return text.removesuffix("\n")

    def some(self, make: Callable[[], object], most: int = 3) -> list[Any]:
        return [make() for _ in range(self.random.randrange(most + 1))]

    def perhaps(self, value: object) -> Any:
        return value if self.random.random() < 0.7 else None

    def cents(self) -> float:
        return round(self.random.choice([0.0001, 0.25, 3.0, 1234.5678]) * self.random.randrange(1, 9), 4)

    def artifact(self) -> Fields:
        fields = {
            "id": self.perhaps(self.id()), "type": self.perhaps(self.word()), "title": self.perhaps(self.word()),
            "code": self.perhaps(self.text()), "language": self.perhaps("python"),
            "imageUrl": self.perhaps(f"https://elsewhere.example/{self.id()}.png"), "sizeBytes": self.perhaps(12_345),
        }  # fmt: skip
        return {name: value for name, value in fields.items() if value is not None}

    def follow_up(self) -> Fields:
        return {"label": self.word(), "prompt": self.word()}

    def tool(self) -> Fields:
        return {"name": self.word(), "status": self.word()} | ({"description": self.word()} if self.made % 2 else {})

    def source(self) -> Fields:
        return {"title": self.word(), "url": self.id()}

    def usage(self) -> Fields:
        return {"cost_cents": self.cents(), "prompt_tokens": 12, "completion_tokens": 345}


def check(result: CallToolResult, *answers: object) -> None:
    """Both sides have every word of the answers, and every value of the data is in the text."""
    text, data = words_of(result), data_of(result)
    assert not result.is_error, text
    sent = set(_WORD.findall(json.dumps(answers, ensure_ascii=False)))
    assert sent - set(_WORD.findall(text)) == set()
    assert sent - set(_WORD.findall(json.dumps(data, ensure_ascii=False))) == set()
    flat = " ".join(text.split())
    assert [leaf for leaf in _values(data) if not _is_in(leaf, flat)] == []
    assert f"backend {data['backend']}" in text
    assert f"session {_plain(data['session_cents'])} cents" in text
    for file in data.get("files", ()):
        assert file["path"] in text.splitlines()


def _values(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from (leaf for name, item in value.items() if name not in _OURS for leaf in _values(item))
    elif isinstance(value, list):
        yield from (leaf for item in value for leaf in _values(item))
    elif value not in (None, "", True, False):
        yield value


def _is_in(leaf: object, text: str) -> bool:
    if isinstance(leaf, str):
        lines = [" ".join(line.split()) for line in leaf.split("\n")]
        return all(line in text or json.dumps(line, ensure_ascii=False)[1:-1] in text for line in lines)
    assert isinstance(leaf, int | float)
    return re.search(rf"(?<![\d.]){re.escape(_plain(leaf))}(?![\d.]*\d)", text) is not None


def _plain(number: float) -> str:
    return f"{number:.10f}".rstrip("0").rstrip(".")


@pytest.fixture
async def host(modern: StartHosted) -> Assistant:
    return await modern(previews=False)


async def test_of_a_completion(host: Assistant, theo_service: FakeTheo) -> None:
    for seed in SEEDS:
        make = Maker(seed)
        content, artifacts = make.text(), make.some(make.artifact)
        done = {
            "usage": make.usage(), "follow_ups": make.some(make.follow_up), "conversation_id": make.perhaps("conv_1"),
            "request_id": make.perhaps("req_1"), "metadata": make.perhaps({"team": make.word()}),
            "_cached": make.random.random() < 0.3, "skills_active": [{"slug": slug} for slug in make.some(make.id)],
            "structured_output": make.perhaps({"type": make.word(), "data": {"rows": make.some(make.word)}}),
        }  # fmt: skip
        theo_service.next = [streamed(done, *artifacts, text=content)]

        result = await host.call("theo_complete", prompt="x")

        check(result, content, done, artifacts)
        assert data_of(result)["text"] == content
        assert words_of(result).startswith(content)
        assert data_of(result)["cost_cents"] == done["usage"]["cost_cents"]
        assert (data_of(result)["id"], data_of(result)["model"]) == ("cmpl_9", "m")


async def test_of_code(host: Assistant, theo_service: FakeTheo) -> None:
    for seed in SEEDS:
        make = Maker(seed)
        answer = {
            "id": "code_9", "content": make.text(), "artifacts": make.some(make.artifact), "usage": make.usage(),
            "tools_used": make.some(make.tool),
        }  # fmt: skip
        theo_service.next = [faults.status(200, answer)]

        result = await host.call("theo_code", prompt="x", **({"save_as": f"made/{seed}.py"} if seed % 2 else {}))

        check(result, answer)
        assert data_of(result)["code"] == answer["content"]
        assert seed % 2 == len(data_of(result).get("files", ())[:1])


async def test_of_a_generation(host: Assistant, getcode_service: FakeGetCode) -> None:
    for seed in SEEDS:
        make = Maker(seed)
        getcode_service.pieces = [make.text(), make.text(), make.word()]
        getcode_service.queued = make.perhaps(make.word())
        kind, improve = make.random.choice(OUTPUT_TYPES), make.perhaps(True)

        result = await host.call("theo_generate", prompt="a bakery", output_type=kind, improve=improve)

        check(result, getcode_service.pieces, getcode_service.queued)
        text = "".join(getcode_service.pieces)
        assert data_of(result)["text"] == text
        assert words_of(result).startswith(text)
        assert ("a bakery with responsive nav" in str(data_of(result))) is (improve is True)
        (file, *_) = data_of(result)["files"]
        assert Path(file["path"]).stat().st_size == file["size"]


async def test_of_an_upload(host: Assistant, all_hosted: AllHosted, getcode_service: FakeGetCode) -> None:
    path = all_hosted().roots[0] / "brief.pdf"
    path.write_bytes(b"%PDF-1.7\n")
    for seed in SEEDS:
        make = Maker(seed)
        answer = {"analysedPrompt": make.text(), "fileName": make.word(), "fileType": make.word()}
        getcode_service.next = [faults.status(200, answer)]

        result = await host.call("theo_analyze_upload", path="brief.pdf", output_type="word")

        check(result, answer)
        assert (data_of(result)["path"], data_of(result)["sent_bytes"]) == (str(path), 9)


async def test_of_a_research(host: Assistant, theo_service: FakeTheo) -> None:
    for seed in SEEDS:
        make = Maker(seed)
        made = {
            "report": make.text() or make.word(), "sourceCount": 77, make.id(): make.word(),
            "sources": make.some(make.random.choice([make.word, make.source])),
        }  # fmt: skip
        theo_service.next = [of_job(theo_service, made)]

        result = await host.call("theo_research", prompt="x")

        check(result, made)
        assert data_of(result)["job_id"] == "job_9"


async def test_a_long_answer_is_a_head_a_file_and_the_rest_by_its_handle(
    host: Assistant, theo_service: FakeTheo, getcode_service: FakeGetCode
) -> None:
    whole = "".join(f"line {number} — ä 🧩\n" for number in range(9_000))
    theo_service.next = [
        streamed({"follow_ups": [{"label": "More", "prompt": "More?"}]}, text=whole),
        faults.status(200, {"id": "code_9", "content": whole, "usage": {"cost_cents": 7.5}}),
        of_job(theo_service, {"report": whole}),
    ]
    getcode_service.pieces = [whole]
    getcode_service.next = []
    calls = [
        ("text", await host.call("theo_complete", prompt="x")),
        ("code", await host.call("theo_code", prompt="x")),
        ("report", await host.call("theo_research", prompt="x")),
        ("text", await host.call("theo_generate", prompt="x", output_type="email")),
    ]
    for name, result in calls:
        text, data = words_of(result), data_of(result)
        shown = data["shown_chars"]
        assert len(text) <= MOST_CHARS
        assert 25_000 < shown < MOST_CHARS
        assert data[name] == whole[:shown]
        assert text.startswith(whole[:shown])
        assert (data["chars"], data["truncated"]) == (len(whole), True)
        assert f"Showing the first {shown:,} of {len(whole):,} characters." in text
        (file,) = data["files"]
        assert Path(file["path"]).read_bytes() == whole.encode()
        assert file["path"] in text.splitlines()
        assert data["handle"] in text

        read, offset = [whole[:shown]], shown
        while offset is not None:
            part = data_of(await host.call("theo_result", handle=data["handle"], offset=offset, limit=39_000))
            read.append(part["text"])
            offset = part["next_offset"]
        assert "".join(read) == whole

        again = await host.call("theo_result", handle=data["handle"])
        assert (words_of(again), data_of(again)) == (text, data)


async def test_the_largest_part_still_fits_with_what_is_said_of_it(host: Assistant, theo_service: FakeTheo) -> None:
    theo_service.next = [streamed({}, text="🧩" * 100_000)]
    handle = data_of(await host.call("theo_complete", prompt="x"))["handle"]

    part = await host.call("theo_result", handle=handle, offset=100, limit=39_000)
    beyond = await host.call("theo_result", handle=handle, offset=100_000)

    assert len(words_of(part)) <= MOST_CHARS
    assert words_of(part).startswith(data_of(part)["text"])
    assert words_of(beyond) == "validation_error: The argument 'offset' is 100000, and the text has 100,000 characters."


async def test_an_answer_of_very_many_wide_characters_is_less_than_a_mebibyte(
    host: Assistant, theo_service: FakeTheo
) -> None:
    theo_service.next = [streamed({"metadata": {"x": "🧩" * 9_000}}, text="🧩" * 100_000)]

    result = await host.call("theo_complete", prompt="x")

    assert len(json.dumps(result.model_dump(mode="json", by_alias=True)).encode()) < 2**20
