"""What ``tools/list`` shows, against what hosts are known to choke on (decision 9)."""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import mcp_types as types
import pytest
from mcp import Client

from tests.unit.server.assistant import ERAS, AllHosted, StartHosted, data_of, handle_in, words_of
from theo_mcp import Settings
from theo_mcp.backend import Backend
from theo_mcp.server.app import INSTRUCTIONS, build
from theo_mcp.server.tools import all_tools
from theo_mcp.testing import faults
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.theo import FakeTheo

SNAPSHOTS = Path(__file__).parents[2] / "snapshots" / "tools"
DEFAULT = [
    "theo_analyze_upload", "theo_code", "theo_complete", "theo_generate", "theo_image", "theo_improve", "theo_result",
    "theo_status",
]  # fmt: skip
ALL = [
    "theo_analyze_upload", "theo_code", "theo_complete", "theo_document", "theo_generate", "theo_image", "theo_improve",
    "theo_models", "theo_research", "theo_result", "theo_skill_install", "theo_skill_list", "theo_status", "theo_video",
]  # fmt: skip
READ_ONLY = {"theo_models", "theo_result", "theo_skill_list", "theo_status"}
IDEMPOTENT = READ_ONLY | {"theo_skill_install"}
CLOSED_WORLD: set[str] = set()
"""Reads what this machine keeps; the others reach a service."""

_FLAT = {"type", "description", "enum", "items", "minimum", "maximum", "default"}
_TYPES = {"string", "number", "integer", "boolean", "array"}
_PARTS = re.compile(r"^(?P<what>.+?\.) Use when (?P<when>.+?\.) Not for (?P<not>.+?\.) Returns (?P<returns>.+\.)$")
_TIME = re.compile(r"\b(takes|waits|take)\b", re.IGNORECASE)
_COST = re.compile(r"\b(cents|credits|free|counts against the plan)\b", re.IGNORECASE)
_ORDERS = re.compile(r"\b(always|never|must|ignore|instead of other|you should|important|do not tell)\b", re.IGNORECASE)
_MARKERS = {"use", "when", "not", "for", "returns", "takes", "a", "the", "and", "or", "it", "to", "of", "in", "is"}


def remarks(tool: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one tool as it is listed."""
    name, said = tool["name"], tool["description"]
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", name) or len("mcp__plugin_theo_theo__" + name) > 60:
        yield "its name is too long or has another character"
    if not tool["title"] or not tool["icons"]:
        yield "it has no title or no icon"
    hints = set(tool["annotations"])
    if not hints >= {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}:
        yield "it leaves an annotation to the host"
    parts = _PARTS.match(said)
    if parts is None or not 150 <= len(said) <= 700 or len(parts["what"]) > 120:
        yield "its description does not have three parts, or not their length"
    elif not _TIME.search(parts["returns"]) or not _COST.search(parts["returns"]):
        yield "its description does not say what it costs and how long it takes"
    schema = tool["inputSchema"]
    if set(schema) != {"type", "properties", "required", "additionalProperties"}:
        yield "its schema has other keys"
    if schema["type"] != "object" or schema["additionalProperties"] is not False:
        yield "its schema takes anything"
    if not isinstance(schema["required"], list) or not set(schema["required"]) <= set(schema["properties"]):
        yield "what it requires is no list of its arguments"
    for argument, made in schema["properties"].items():
        yield from (f"{argument}: {remark}" for remark in _remarks(made, argument))
    for text in _texts(tool):
        if _ORDERS.search(text):
            yield f"it gives the model an order: {text!r}"
        if any(unicodedata.category(character) in ("Cc", "Cf", "Co", "Cn", "Zl", "Zp") for character in text):
            yield f"it has invisible characters: {text!r}"


def _remarks(made: dict[str, Any], name: str) -> Iterator[str]:
    if not set(made) <= _FLAT or made["type"] not in _TYPES or None in made.get("enum", ()):
        yield "not flat"
    if made["type"] == "array" and made["items"] != {"type": "string"}:
        yield "a list of something else than strings"
    described = made.get("description", "")
    if not described.endswith("."):
        yield "not described"
    free = made["type"] in ("string", "array") and "enum" not in made and name != "file_data"  # base64 has no example
    if free and '"' not in described:
        yield "free text without an example"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for item in value.items() for part in item for text in _texts(part))
    elif isinstance(value, list):
        yield from (text for item in value for text in _texts(item))


def listed(which: str) -> list[dict[str, Any]]:
    return [tool.listed().model_dump(mode="json", by_alias=True, exclude_none=True) for tool in all_tools(which)]


@pytest.mark.parametrize("name", ALL)
def test_a_tool_is_one_that_every_host_takes(name: str) -> None:
    (tool,) = (tool for tool in listed("all") if tool["name"] == name)

    assert list(remarks(tool)) == []


def test_the_linter_sees_what_hosts_choke_on() -> None:
    (good,) = (tool for tool in listed("all") if tool["name"] == "theo_code")
    schema = good["inputSchema"]

    def with_argument(**made: object) -> dict[str, Any]:
        return {**good, "inputSchema": {**schema, "properties": {"x": {"description": 'It: "x".', **made}}}}

    bad = [
        {**good, "name": "theo_" + "x" * 28},
        {**good, "annotations": {"readOnlyHint": True}},
        {**good, "description": good["description"].replace("Use when", "Always use when")},
        {**good, "description": good["description"].replace("Takes 1 to 60 seconds.", "")},
        {**good, "title": "Generate\u200bcode"},
        {**good, "inputSchema": {**schema, "required": {}}},
        {**good, "inputSchema": {**schema, "additionalProperties": True}},
        with_argument(type="string", format="uri"),
        with_argument(type="string", anyOf=[{"type": "null"}]),
        with_argument(type="string", enum=["a", None]),
        with_argument(type="array", items={"type": "object"}),
        with_argument(type="string", description="Free."),
    ]
    assert [bool(list(remarks(tool))) for tool in bad] == [True] * len(bad)


def test_the_tools_and_their_hints_are_these() -> None:
    assert [tool["name"] for tool in listed("default")] == DEFAULT
    assert [tool["name"] for tool in listed("all")] == ALL
    hints = {tool["name"]: tool["annotations"] for tool in listed("all")}
    assert {name for name in ALL if hints[name]["readOnlyHint"]} == READ_ONLY
    assert {name for name in ALL if hints[name]["idempotentHint"]} == IDEMPOTENT
    assert {name for name in ALL if not hints[name]["openWorldHint"]} == CLOSED_WORLD
    assert {name for name in ALL if hints[name]["destructiveHint"]} == set()


def test_no_two_tools_are_described_alike() -> None:
    said = {tool["name"]: tool["description"] for tool in listed("all")}
    assert len({text.partition(". ")[0] for text in said.values()}) == len(said)
    words = {name: set(re.findall(r"[a-z_]+", text.lower())) - _MARKERS for name, text in said.items()}
    shared = {
        (one, other): len(words[one] & words[other]) / min(len(words[one]), len(words[other]))
        for one, other in itertools.combinations(words, 2)
    }
    assert {pair: share for pair, share in shared.items() if share > 0.6} == {}


def test_what_is_listed_is_the_snapshots_and_small() -> None:
    snapshots = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in SNAPSHOTS.glob("*.json")}

    assert {tool["name"]: tool for tool in listed("all")} == snapshots, "python -m tests.snapshots writes them anew"
    assert _bytes(listed("default")) <= 12_000
    assert _bytes(listed("all")) <= 18_500


def _bytes(tools: list[dict[str, Any]]) -> int:
    return len(json.dumps({"tools": tools}, ensure_ascii=False, separators=(",", ":")).encode())


async def test_both_eras_list_the_same_tools_twice_over() -> None:
    seen = []
    for era in ERAS:
        server = build(Backend.__new__(Backend), Settings(tools="all"))
        async with Client(server, mode=era) as client:
            assert client.instructions == INSTRUCTIONS
            seen += [(await client.list_tools()).model_dump()["tools"] for _ in range(2)]

    assert [tool["name"] for tool in seen[0]] == ALL
    assert seen == [seen[0]] * 4
    assert len(INSTRUCTIONS) <= 2_000


CALLS: dict[str, dict[str, object]] = {
    "theo_analyze_upload": {"output_type": "pdf", "path": "brief.pdf"},
    "theo_code": {"prompt": "x"},
    "theo_complete": {"prompt": "x"},
    "theo_document": {"prompt": "x"},
    "theo_generate": {"prompt": "x", "output_type": "website"},
    "theo_image": {"prompt": "x"},
    "theo_improve": {"prompt": "x", "output_type": "website"},
    "theo_models": {},
    "theo_research": {"prompt": "x"},
    "theo_skill_install": {"skill_id": "inventory-check"},
    "theo_skill_list": {},
    "theo_status": {},
    "theo_video": {"prompt": "x"},
}
"""Arguments that each tool answers; theo_result needs a handle besides."""


@pytest.mark.slow
async def test_structured_content_is_what_the_schema_says_done_and_running(
    modern: StartHosted, all_hosted: AllHosted, theo_service: FakeTheo, getcode_service: FakeGetCode
) -> None:
    quick, slow = await modern(), await modern(soft_deadline_s=0.02)
    settings = all_hosted()
    (settings.roots[0] / "brief.pdf").write_bytes(b"%PDF-1.7\nx\n%%EOF\n")
    tools = {tool.name: tool for tool in (await quick.client.list_tools()).tools}

    def checked(name: str, result: types.CallToolResult) -> str:
        assert not result.is_error, words_of(result)
        schema = tools[name].output_schema
        if schema is not None:
            jsonschema.Draft202012Validator(schema).validate(data_of(result))
        return "" if name in ("theo_image",) else str(data_of(result)["status"])

    assert {tool.name for tool in tools.values() if tool.output_schema is None} >= {"theo_image"}
    elsewhere = {"images": [{"url": "file:///x.png"}], "download_url": "file:///x.pdf", "usage": {"cost_cents": 1}}
    for name, arguments in CALLS.items():
        theo_service.next = [faults.status(200, elsewhere)] if name in ("theo_image", "theo_document") else []
        if name not in ("theo_research", "theo_video"):  # a look at a job comes a second later
            assert checked(name, await quick.call(name, **arguments)) in ("done", "")
    for name in sorted(CALLS.keys() - {"theo_models", "theo_skill_install", "theo_skill_list", "theo_status"}):
        theo_service.next, getcode_service.next = [faults.stall()], [faults.stall()]
        result = await slow.call(name, **CALLS[name])
        assert checked(name, result) in ("running", "")
        assert checked("theo_result", await slow.call("theo_result", handle=handle_in(words_of(result)))) == "running"
        theo_service.next, getcode_service.next = [], []
    handles = data_of(await quick.call("theo_status"))["handles"]
    for ended in (entry["handle"] for entry in handles if entry["state"] == "done"):
        assert checked("theo_result", await quick.call("theo_result", handle=ended)) == "done"
