"""The outcome of a client finds what is missing: each of these is a result that something went wrong with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.outcome import Outcome, holds, outcome
from theo_mcp.testing.theo import CODE, WORDS

TOOLS = ["theo_code", "theo_complete", "theo_image", "theo_result"]
TEXT = "".join(WORDS)
HELLO = b'{"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}\n'
DISCOVER = (
    b'{"jsonrpc": "2.0", "id": 0, "method": "server/discover", '
    b'"params": {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}}\n'
)
PICTURE = b"\x89PNG"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    (tmp_path / "bakery.png").write_bytes(PICTURE)
    return tmp_path


def test_a_client_that_shows_all_is_the_first_expectation(saved: Path) -> None:
    assert _outcome(saved) == Outcome()
    assert _outcome(saved, first_line=DISCOVER) == Outcome(protocol="2026-07-28")


@pytest.mark.parametrize(
    ("call", "changes", "expected"),
    [
        ("text", {"text": "Micro"}, Outcome(text="not whole")),
        ("text", {"text": json.dumps({"text": TEXT})}, Outcome(text="whole, as data")),
        ("code", {"text": "export"}, Outcome(text="not whole")),
        ("code", {"structured": None}, Outcome(structured="dropped")),
        ("code", {"structured": {"code": CODE}}, Outcome(structured="not whole")),
        ("image", {"images": []}, Outcome(image="path")),
        ("image", {"images": [{"mime": "image/png", "bytes": 200_000}]},
         Outcome(image="a preview that is too large, path")),
        ("image", {"images": [{"url": "file:///x.png"}]}, Outcome(image="path, link as an image")),
        ("image", {"text": "Saved 1 image."}, Outcome(image="preview")),
        ("image", {"text": "A" * 1000, "images": []}, Outcome(image="base64 in the text")),
        ("image", {"failed": "flag"}, Outcome(image="fails")),
        ("error", {"text": "The service said no."}, Outcome(error="without its code")),
        ("error", {"text": "Error: not_found: No."}, Outcome(error="flag, inside other text")),
        ("error", {"failed": ""}, Outcome(error="text alone")),
        ("error", {"failed": "ToolError"}, Outcome(error="raises ToolError")),
        ("slow", {"progress": 0}, Outcome(slow="handle, answer")),
        ("slow", {"progress": None}, Outcome(slow="handle, answer")),
        ("result", {"text": "not_found: No such handle."}, Outcome(slow="progress, handle, no answer")),
        ("result", {"failed": "flag"}, Outcome(slow="progress, handle, no answer")),
    ],
)  # fmt: skip
def test_what_a_client_does_not_show_is_found(
    saved: Path, call: str, changes: dict[str, Any], expected: Outcome
) -> None:
    assert _outcome(saved, call, changes) == expected


def test_a_path_whose_file_is_another_one_is_none(saved: Path) -> None:
    (saved / "bakery.png").write_bytes(b"other")

    assert _outcome(saved).image == "preview"


@pytest.mark.parametrize("shown", ['"a\\n\\"\\u00e9\\""', '"a\\n\\"é\\""', "'a\\n\"é\"'", 'x a\n"é" x'])
def test_a_text_is_found_as_json_and_as_a_repr(shown: str) -> None:
    assert holds(shown, 'a\n"é"')
    assert not holds(shown, 'b\n"é"')


def _outcome(
    saved: Path, call: str = "", changes: dict[str, Any] | None = None, *, first_line: bytes = HELLO
) -> Outcome:
    shown: dict[str, Any] = {"structured": None, "images": [], "failed": "", "progress": 0}
    handle = "Still running.\nhandle: run_1"
    seen: dict[str, Any] = {
        "tools": TOOLS,
        "text": {**shown, "text": TEXT, "structured": {"text": TEXT}},
        "code": {**shown, "text": CODE, "structured": {"code": CODE, "cost_cents": 0.05}},
        "image": {**shown, "text": f"Saved:\n{saved / 'bakery.png'}", "images": [{"mime": "image/png", "bytes": 9}]},
        "error": {**shown, "text": "not_found: No.", "failed": "flag"},
        "slow": {**shown, "text": handle, "structured": {"status": "running", "handle": "run_1"}, "progress": 1},
        "result": {**shown, "text": CODE},
    }
    if call:
        seen[call] = {**seen[call], **(changes or {})}
    return outcome(seen, tools=TOOLS, first_line=first_line, saved=saved, picture=PICTURE)
