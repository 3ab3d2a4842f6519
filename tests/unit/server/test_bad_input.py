"""Whatever an assistant sends by mistake or on purpose: one line that names the place, and nothing goes out."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.server.assistant import (
    AllHosted,
    Assistant,
    Start,
    StartHosted,
    assistant,
    leaves,
    one_line,
    posts,
    text_of,
)
from tests.unit.server.test_schemas import ALL, CALLS
from theo_mcp.server.tools import all_tools
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.theo import FakeTheo

FIVE_MB = "y" * 5_000_000
CONTROLS = "a\x00b\x1b[31mc\x9b"
FREE = {"prompt", "original_prompt", "persona", "tools", "metadata", "file_data"}
"""Texts that may hold anything; a log with its colours can be a prompt."""
PDF = b"%PDF-1.7\n1 0 obj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
UNKNOWN = "There is no run with this handle."

Case = tuple[str, dict[str, Any]]
"""The field that is wrong, and arguments."""


def cases(tool: str) -> Iterator[Case]:
    """What its schema forbids, one wrong thing at a time."""
    (schema,) = (found.listed().input_schema for found in all_tools("all") if found.name == tool)
    good = dict(CALLS.get(tool, {"handle": "run_0123456789abcdefghijkl"}))
    for name in schema["required"]:
        yield name, {key: value for key, value in good.items() if key != name}
        yield name, {**good, name: None}
    yield "surprise", {**good, "surprise": 1}
    yield "y" * 60, {**good, FIVE_MB: 1}
    yield r"a\x00b\x1b[31mc\x9b", {**good, CONTROLS: 1}
    for name, made in schema["properties"].items():
        rest = {key: value for key, value in good.items() if key != name}
        yield name + "x", {**rest, name + "x": "x"}
        yield from ((name, {**good, name: value}) for value in wrong(name, made))


def wrong(name: str, made: dict[str, Any]) -> Iterator[object]:
    kind = made["type"]
    yield from ({}, {"a": [1]})
    if kind != "array":
        yield from ([], ["x"])
    if kind not in ("string",):
        yield from ("", "x", FIVE_MB)
    if kind not in ("integer", "number"):
        yield from (5, 0.5, 10**5_000, float("-1e308"))
    if kind != "boolean":
        yield from (True, False)
    if kind in ("integer", "number"):
        yield from (made["minimum"] - 1, -(10**5_000), -1e308)
        if "maximum" in made:
            yield from (made["maximum"] + 1, 1e308, 10**5_000)
    if kind == "integer":
        yield 1.5
    if kind == "array":
        yield from ([None], [1], [[]], [{}], [""], [" \n"], [FIVE_MB], ["x"] * 101)
    if kind == "string":
        yield from ("", " \n\t ", FIVE_MB)
    if "enum" in made:
        yield from ("nonsense", made["enum"][0].upper() + "x", CONTROLS, "website\x00")
    if kind in ("string", "array") and name not in FREE:
        yield [CONTROLS] if kind == "array" else CONTROLS


@pytest.mark.parametrize("tool", ALL)
async def test_what_a_schema_forbids_is_one_line_and_nothing_is_sent(
    tool: str, modern: StartHosted, theo_service: FakeTheo, getcode_service: FakeGetCode
) -> None:
    host = await modern()

    for field, arguments in cases(tool):
        text = one_line(await host.call(tool, **arguments), *arguments, *leaves(arguments))
        assert f"'{field}" in text or f"The {field} " in text or f"'{field}'" in text, (field, text)

    assert posts(theo_service, getcode_service) == []
    assert theo_service.requests == []
    assert not (await host.call("theo_status")).is_error


SAID: dict[str, tuple[str, dict[str, object], str]] = {
    "nothing": ("theo_complete", {}, "missing_prompt: The argument 'prompt' is missing. What to answer: \"Explain"),
    "an empty prompt": ("theo_code", {"prompt": ""}, "missing_prompt: The prompt is empty. Say what you want made."),
    "blanks": ("theo_image", {"prompt": " \n"}, "missing_prompt: The prompt is empty. Say what you want made."),
    "a long prompt": (
        "theo_complete",
        {"prompt": FIVE_MB},
        (
            "prompt_too_long: The prompt has 5,000,000 characters, and the limit is 200,000. Shorten it, or raise "
            "max_prompt_chars in the settings."
        ),
    ),
    "a long name": (
        "theo_code",
        {"prompt": "x", "language": FIVE_MB},
        "validation_error: The argument 'language' has 5,000,000 characters, and 4,096 are the most.",
    ),
    "a number": (
        "theo_research",
        {"prompt": 5},
        "validation_error: The argument 'prompt' is 5; it should be a valid string.",
    ),
    "null": ("theo_code", {"prompt": None}, "The argument 'prompt' is null; it should be a valid string."),
    "a misspelt name": (
        "theo_code",
        {"promt": "x"},
        (
            "validation_error: There is no argument 'promt'. Did you mean 'prompt'? The arguments are: prompt, "
            "language, framework, save_as."
        ),
    ),
    "an argument for none": (
        "theo_status",
        {"verbose": True},
        "validation_error: There is no argument 'verbose'. The arguments are: none.",
    ),
    "a misspelt value": (
        "theo_complete",
        {"prompt": "x", "mode": "fats"},
        (
            "validation_error: The argument 'mode' is 'fats', which is not one of its values. Did you mean 'fast'? The "
            "values are: auto, fast, think, code, image, video, research, roast, genui."
        ),
    ),
    "an unknown value": (
        "theo_improve",
        {"prompt": "x", "output_type": "song"},
        "The values are: website, chart, api, email, pdf, excel, word, powerpoint, video, image.",
    ),
    "too many": (
        "theo_image",
        {"prompt": "x", "count": 5},
        "validation_error: The argument 'count' is 5; it should be at most 4. How many: 1 to 4, unsaid 1.",
    ),
    "a wait of an hour": (
        "theo_result",
        {"handle": "run_x", "wait_s": 3600},
        "'wait_s' is 3600; it should be at most 45",
    ),
    "an offset before the text": (
        "theo_result",
        {"handle": "run_x", "offset": -1},
        "'offset' is -1; it should be at l",
    ),
    "a bool for a number": (
        "theo_complete",
        {"prompt": "x", "temperature": True},
        "The argument 'temperature' is True",
    ),
    "half an iteration": (
        "theo_complete",
        {"prompt": "x", "max_iterations": 1.5},
        "'max_iterations' is 1.5; it should",
    ),
    "a list of numbers": (
        "theo_complete",
        {"prompt": "x", "skills": [1]},
        "The argument 'skills.0' is 1; it should be",
    ),
    "a text for a list": (
        "theo_complete",
        {"prompt": "x", "skills": "a"},
        "The argument 'skills' is 'a'; it should be",
    ),
    "a blank in a list": ("theo_complete", {"prompt": "x", "skills": [" "]}, "The argument 'skills.0' is empty. Slugs"),
    "a blank name": (
        "theo_complete",
        {"prompt": "x", "conversation_id": ""},
        "The argument 'conversation_id' is empty.",
    ),
    "a broken tool": ("theo_complete", {"prompt": "x", "tools": ["{"]}, "not a JSON tool definition. One looks like"),
    "a deep tool": ("theo_complete", {"prompt": "x", "tools": ["[" * 150_000]}, "not a JSON tool definition"),
    "a pair without =": ("theo_complete", {"prompt": "x", "metadata": ["a"]}, "Each looks like key=value."),
    "no such mode": (
        "theo_complete",
        {"prompt": "x", "model_overrides": ["x=y"]},
        "validation_error: The argument 'model_overrides' names 'x', which is not a mode. The modes are: auto, fast",
    ),
    "nine attachments": ("theo_complete", {"prompt": "x", "attachments": ["a.png"] * 9}, "has 9 paths, and 8 are the"),
    "an unknown skill": ("theo_skill_install", {"skill_id": "inventry-check"}, "Did you mean 'inventory-check'?"),
    "an unknown handle": ("theo_result", {"handle": "run_x"}, f"not_found: {UNKNOWN} It may have expired."),
    "a path for a handle": ("theo_result", {"handle": "../../runs/1"}, f"not_found: {UNKNOWN} It may have expired."),
    "neither file": ("theo_analyze_upload", {"output_type": "pdf"}, "'path' and 'file_data' are both missing; one"),
    "both files": (
        "theo_analyze_upload",
        {"output_type": "pdf", "path": "a.pdf", "file_data": "AAAA"},
        "validation_error: The arguments 'path' and 'file_data' are both there; one of them is wanted. Give the path",
    ),
    "no base64": (
        "theo_analyze_upload",
        {"output_type": "pdf", "file_data": "%%%", "file_name": "a.pdf"},
        "validation_error: The argument 'file_data' is not base64. Give the path of the file instead.",
    ),
    "base64 of nothing": (
        "theo_analyze_upload",
        {"output_type": "pdf", "file_data": "data:application/pdf;base64,", "file_name": "a.pdf"},
        "validation_error: The argument 'file_data' is empty. Give the path of a file.",
    ),
    "base64 of much": (
        "theo_analyze_upload",
        {"output_type": "pdf", "file_data": "A" * 2_000_000, "file_name": "a.pdf"},
        "file_too_large: The argument 'file_data' has 2,000,000 characters; at most 1 MB is taken this way. Save the",
    ),
    "base64 without a name": (
        "theo_analyze_upload",
        {"output_type": "pdf", "file_data": base64.b64encode(PDF).decode()},
        "validation_error: The argument 'file_name' is missing. With file_data, give a name: \"brief.pdf\".",
    ),
    "base64 with a path for a name": (
        "theo_analyze_upload",
        {"output_type": "pdf", "file_data": base64.b64encode(PDF).decode(), "file_name": "../../brief.pdf"},
        "validation_error: The argument 'file_name' is '../../brief.pdf', which is no file's name.",
    ),
    "base64 of another kind": (
        "theo_analyze_upload",
        {
            "output_type": "pdf",
            "file_data": base64.b64encode(PNG).decode(),
            "file_name": "a.pdf",
            "mime_type": "application/pdf",
        },
        "validation_error: The argument 'file_data' says application/pdf, and the bytes are a PNG. Send it as",
    ),
    "base64 of a program": (
        "theo_analyze_upload",
        {"output_type": "pdf", "file_data": base64.b64encode(b"MZ\x90\x00" * 9).decode(), "file_name": "a.png"},
        "validation_error: The file 'a.png' is of no known kind, which cannot be analysed. Allowed are:",
    ),
}


async def test_bad_input_is_answered_with_these_sentences(
    assistants: Start, all_hosted: AllHosted, theo_service: FakeTheo, getcode_service: FakeGetCode
) -> None:
    host = await assistants(all_hosted())

    told = {}
    for name, (tool, arguments, said) in SAID.items():
        text = one_line(await host.call(tool, **arguments), *leaves(arguments))
        if said not in text:
            told[name] = text

    assert told == {}
    assert posts(theo_service, getcode_service) == []
    assert not (await host.call("theo_complete", prompt="Hello")).is_error


async def test_control_characters_in_a_prompt_are_data(hosted: Assistant, theo_service: FakeTheo) -> None:
    await hosted.call("theo_complete", prompt="Explain: \x1b[31mred\x1b[0m", persona="You are\nAtlas.")

    assert theo_service.requests[-1].json["prompt"] == "Explain: \x1b[31mred\x1b[0m"


async def test_a_whole_number_may_be_written_with_a_point(hosted: Assistant, theo_service: FakeTheo) -> None:
    await hosted.call("theo_complete", prompt="x", max_iterations=5.0, temperature=1)

    assert theo_service.requests[-1].json["max_iterations"] == 5


async def test_another_persons_handle_is_as_unknown_as_any(modern: StartHosted, all_hosted: AllHosted) -> None:
    mine = await modern()
    await mine.call("theo_code", prompt="x")
    handles = (await mine.call("theo_status")).structured_content or {}
    handle = handles["handles"][0]["handle"]

    async with assistant(all_hosted(), owner="somebody else") as other:
        theirs = one_line(await other.call("theo_result", handle=handle))
        unknown = one_line(await other.call("theo_result", handle="run_AAAAAAAAAAAAAAAAAAAAAA"))

        assert theirs == unknown
        assert handle not in text_of(await other.call("theo_status"))
    assert not (await mine.call("theo_result", handle=handle)).is_error
