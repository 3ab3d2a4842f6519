"""What is stopped because it repeats itself, and what repeats by nature and is not."""

from __future__ import annotations

import json

import anyio
import pytest

from tests.conftest import MakeSettings
from theo_mcp import CompletionRequest, connect
from theo_mcp.engine.repetition import DRAFT, OTHER, Patience, Repetition
from theo_mcp.testing.model_server import ModelServer

PATIENCES = {"draft": DRAFT, "other": OTHER}
SENTENCE = "The report shows that the quarterly results of the company are better than in the year before. "
LOOPS = {
    "a sentence": SENTENCE * 60,
    "a sentence that counts": "".join(f"{n}. {SENTENCE}" for n in range(60)),
    "a line": "I think that this is right.\n" * 40,
    "a block of lines": "We should look at the data.\nThen we should talk about it.\n\n" * 40,
    "a word": "public class Jwt" + "Factory" * 600,
    "a character": "The answer is " + "0" * 3000,
    "a line of code": "```java\n" + "    factory = factory.create(factory);\n" * 100,
    "blank lines": "So:" + "\n" * 500,
    "a list": "Ingredients:\n" + "- a cup of fine white sugar\n" * 40,
}
NATURAL = {
    "code": "```go\n"
    + "".join(f"if err := step{n}(); err != nil {{\n\treturn nil, err\n}}\n" for n in range(40))
    + "```\n",
    "code without a fence": "".join(
        f"    def test_{name}(self):\n        self.assertEqual(first, second)\n\n" for name in "abcdefghijklmnop"
    ),
    "closing brackets": "\n".join("  " * n + "}" for n in range(30, 0, -1)),
    "a table": "| name | qty |\n|---|---|\n" + "| apple | 0 |\n" * 12 + "|" + "---|" * 60 + "\n",
    "csv": "sku,level,warehouse\n" + "".join(f"SKU-{n},0,main\n" for n in range(200)),
    "rows of zeros": "0,0,0,0,0,0,0,0\n" * 64,
    "json": json.dumps([{"id": n, "name": "Item", "tags": ["a", "b"], "price": 0.0} for n in range(80)], indent=2),
    "json on one line": json.dumps([{"id": n, "ok": True} for n in range(200)]),
    "separators": "# One\n\n" + "-" * 120 + "\n\n" + "=" * 120 + "\n\n* * *\n\n" * 20,
    "ascii art": "+" + "-" * 78 + "+\n" + ("|" + " " * 78 + "|\n") * 20 + "+" + "-" * 78 + "+\n",
    "html": "<table>\n"
    + "".join(f"  <tr>\n    <td>{n}</td>\n    <td>&nbsp;</td>\n  </tr>\n" for n in range(40))
    + "</table>\n",
    "user stories": "".join(
        f"- As a user, I want to be able to {verb} a {thing}, so that {reason}.\n"
        for verb, thing, reason in [
            ("open", "report", "I see what was sold this week"),
            ("print", "label", "the parcel finds its way to me"),
            ("cancel", "booking", "plans that change cost me nothing"),
            ("share", "picture", "friends who live abroad can laugh"),
            ("search", "catalogue", "old manuals are found in seconds"),
        ]
    ),
    "a refrain": (
        "{}\nRow, row, row your boat,\nGently down the stream.\n"
        "Merrily, merrily, merrily, merrily,\nLife is but a dream.\n\n"
    ).format("Once more:")
    * 2,
    "an enumeration": "".join(f"{n}. Step {n}: press the button marked {chr(64 + n)}.\n" for n in range(1, 21)),
    "sql": "INSERT INTO stock (sku, level) VALUES\n" + "".join(f"  ('SKU-{n}', 0),\n" for n in range(100)),
    "matrix": "[[" + "], [".join(["0, 0, 0, 0, 0, 0, 0, 0"] * 8) + "]]\n",
}


def stopped_at(text: str, patience: Patience, size: int = 24) -> int | None:
    repetition = Repetition(patience)
    places = range(0, len(text), size)
    return next((at + size for at in places if repetition.feed(text[at : at + size])), None)


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_is_stopped_and_a_draft_sooner(name: str) -> None:
    draft, other = stopped_at(LOOPS[name], DRAFT), stopped_at(LOOPS[name], OTHER)

    assert draft is not None
    assert draft < 700
    assert other is not None
    assert draft < other


@pytest.mark.parametrize("patience", PATIENCES)
@pytest.mark.parametrize("name", NATURAL)
def test_what_repeats_by_nature_is_not_stopped(name: str, patience: str) -> None:
    assert stopped_at(NATURAL[name], PATIENCES[patience]) is None


@pytest.mark.parametrize("size", [1, 7, 400])
def test_how_the_text_is_cut_changes_little(size: int) -> None:
    at = stopped_at(LOOPS["a sentence"], DRAFT, size)

    assert at is not None
    assert 200 <= at <= 800


async def test_a_model_in_a_loop_is_stopped_and_it_is_said(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    model_server.pieces = ("It is so. ", *([SENTENCE] * 500))

    async with connect(make_settings(engine_url=model_server.url)) as backend:
        answer = await backend.theo.complete(CompletionRequest(prompt="Hello"))
        with anyio.fail_after(5):
            await model_server.exchanges[-1].closed.wait()

    assert answer.content.startswith("It is so. The report shows")
    assert len(answer.content) < 100 * len(SENTENCE)
    assert answer.theo_mcp.notice == (
        "Token counts are estimated: the model server did not send any. "
        "The model began to repeat itself and was stopped."
    )
    assert answer.theo_mcp.finish_reason == "length"
    assert (answer.usage.completion_tokens or 0) > 8  # the server counts at the end, which did not come
