"""What no editor should send, and what no person wrote: a sentence or silence, and the next request is answered."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from tests.unit.lsp.client import Editor, Fields, connected
from tests.unit.lsp.test_running import CODE, DONE, URI
from theo_mcp.testing.model_server import ModelServer

_PLACE = {"start": {"line": 2, "character": 3}, "end": {"line": 2, "character": 3}}
_ASKED = {"textDocument": {"uri": URI}, "range": _PLACE, "context": {"diagnostics": []}}
_NO_RPC = {"code": -32600, "message": "The message is not JSON-RPC 2.0."}
_NO_JSON = {"code": -32700, "message": "The message is not JSON that can be read."}
_UNREAD = {"code": -32602, "message": "The parameters of textDocument/codeAction could not be read."}
_HALVES = 'a = "\ud83d"\n# Add two \udfff numbers.\n\nprint(a)\n'


def _request(id: object, method: str = "textDocument/codeAction", params: object = None) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params or _ASKED}).encode()


def _told(method: str, params: object = None) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params or {}}).encode()


def _at(line: object) -> Fields:
    place = {"line": line, "character": 0}
    return _ASKED | {"range": {"start": place, "end": place}}


_MESSAGES: dict[str, tuple[bytes, tuple[object, Fields] | None]] = {
    "an id that is no integer": (_request(1.5), (None, _NO_RPC)),
    "an id that is a truth value": (_request(True), (None, _NO_RPC)),
    "an id that is null": (_request(None), (None, _NO_RPC)),
    "an id that is a list": (_request([1]), (None, _NO_RPC)),
    "a batch": (b"[" + _request("x") + b"]", (None, _NO_RPC)),
    "an empty batch": (b"[]", (None, _NO_RPC)),
    "null": (b"null", (None, _NO_RPC)),
    "nothing": (b"", (None, _NO_JSON)),
    "brackets": (b"[" * 100_000, (None, _NO_JSON)),
    "no UTF-8": (b'{"method": "\xff"}', (None, _NO_JSON)),
    "a number without end": (b'{"id": ' + b"9" * 10_000 + b"}", (None, _NO_JSON)),
    "parameters by position": (_request("1", params=[1, 2]), ("1", _UNREAD)),
    "not a number": (_request("2", params=_at(float("nan"))), ("2", _UNREAD)),
    "a line beyond every number": (_request("3", params=_at(10**30)), ("3", _UNREAD)),
    "a line before the first": (_request("4", params=_at(-1)), ("4", _UNREAD)),
    "$/": (_request("5", "$/nothing"), ("5", {"code": -32601, "message": "Method Not Found: $/nothing"})),
    "a notification that may be ignored": (_told("$/nothing"), None),
    "a notification that nobody knows": (_told("theo/nothing"), None),
    "the cancelling of nothing": (_told("$/cancelRequest", {"id": 4_000}), None),
    "the cancelling of nobody": (_told("$/cancelRequest", {"id": None}), None),
    "a trace of no kind": (_told("$/setTrace", {"value": "loud"}), None),
    "a token that is a list": (_told("window/workDoneProgress/cancel", {"token": [1]}), None),
    "a change without text": (
        _told("textDocument/didChange", {"textDocument": {"uri": URI, "version": 9}, "contentChanges": [{}]}),
        None,
    ),
    "a close": (_told("textDocument/didClose", {"textDocument": {"uri": "file:///no"}}), None),
    "an answer to nothing": (b'{"jsonrpc": "2.0", "id": "none", "result": null}', None),
    "an error of no kind": (b'{"jsonrpc": "2.0", "id": [1], "error": "no"}', None),
}


async def test_a_message_that_is_wrong_is_answered_as_the_protocol_says(editor: Editor) -> None:
    await editor.open(URI, CODE)
    found: dict[str, list[tuple[object, Fields]]] = {}

    for name, (body, _) in _MESSAGES.items():
        before = len(editor.seen)
        await editor.send(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        alive = await editor.menu(URI, (2, 3))
        found[name] = [(message["id"], message["error"]) for message in editor.seen[before:] if "error" in message]
        assert alive[0]["title"] == "Theo: Generate code: Add two numbers.", name

    assert found == {name: [answer] if answer else [] for name, (_, answer) in _MESSAGES.items()}


_COMMANDS: list[tuple[str, Fields | None, str]] = [
    ("rm", None, 'theo-lsp has no command "rm".'),
    ("x" * 10**6, {"data": 1}, f'theo-lsp has no command "{"x" * 80}".'),
    ("theo.run", None, "theo.run takes one argument, an object. Choose an action from the editor's menu."),
    ("theo.run", {"version": float("nan")}, "version: input should be a valid integer"),
    ("theo.run", {"version": 10**400}, "The document has changed since the action was offered. Choose the action"),
    ("theo.run", {"range": None}, "range: input should be an object"),
    ("theo.run", {"range": {"start": {"line": 10**12, "character": 0}}}, "range.start.line: input should be less"),
    ("theo.run", {"uri": "file:///" + "a" * 10**6}, "uri: string should have at most 8192 characters"),
    ("theo.run", {"uri": "http://project/app.py"}, "The document is not open in the editor"),
    ("theo.run", {"k" * 10**5: 1}, "k" * 40 + ": extra inputs are not permitted"),
    ("theo.cancel", None, "theo.cancel takes one argument: {jobId: …}, or {} for every run."),
    ("theo.cancel", {"jobId": 7}, "theo.cancel takes one argument: {jobId: …}, or {} for every run."),
]


async def test_a_forged_command_is_refused_in_a_short_sentence_and_sends_nothing(
    editor: Editor, model_server: ModelServer
) -> None:
    await editor.open(URI, CODE)
    good = (await editor.entry("Theo: Generate", URI, (2, 3)))["command"]["arguments"][0]

    for command, argument, sentence in _COMMANDS:
        given = good | (argument or {}) if command == "theo.run" else argument
        params: Any = {"arguments": [given]} if argument is not None else {}
        answer = await editor.request("workspace/executeCommand", command=command, **params)

        assert answer["error"]["code"] == -32602
        assert sentence in answer["error"]["message"]
        assert len(answer["error"]["message"]) < 250
    assert model_server.chats == []


async def test_after_shutdown_requests_are_refused_and_nothing_goes_on(
    editor: Editor, model_server: ModelServer
) -> None:
    model_server.silent_after = 2
    await editor.open(URI, CODE)
    job = (await editor.run(await editor.entry("Theo: Generate", URI, (2, 3))))["result"]["jobId"]
    await model_server.silent.wait()

    first = await editor.request("shutdown")
    late = await editor.request("textDocument/codeAction", **_ASKED)
    again = await editor.request("shutdown")
    await model_server.exchanges[-1].closed.wait()

    assert first["result"] is None
    assert late["error"] == again["error"] == {"code": -32600, "message": "After shutdown only exit can follow."}
    assert await editor.ended(job) == "cancelled"
    assert "workspace/applyEdit" not in [message.get("method") for message in editor.seen]


async def test_a_diagnostic_whose_message_is_markdown_is_read_as_its_text(editor: Editor) -> None:
    await editor.open(URI, CODE)
    flaw = {"range": _PLACE, "message": {"kind": "markdown", "value": "Undefined `name`"}, "data": {"of": ["another"]}}

    first = (await editor.menu(URI, (2, 3), diagnostics=[flaw], only=["quickfix"]))[0]

    assert first["title"] == "Theo: Fix: Undefined `name`"
    assert first["diagnostics"] == [{**flaw, "message": "Undefined `name`"}]


@pytest.mark.parametrize(
    ("language", "head"),
    [
        ("python", "\n".join(f"x{number} = {number}" for number in range(50_000))),
        ("python", "\n".join(f"# ☕🧮 {number}\n" for number in range(25_000))),
        ("python", "x = '" + "a" * 1_000_000 + "'"),
        ("python", "x = [" + "🧮," * 250_000 + "]"),
    ],
    ids=["lines", "astral lines", "one line", "one astral line"],
)
async def test_a_document_that_is_too_large_to_read_has_its_menu(editor: Editor, language: str, head: str) -> None:
    text = f"{head}\n\n{CODE}"
    line = text.count("\n") - 3
    await editor.open(URI, text, language)

    entries = await editor.menu(URI, (line, 3))

    assert entries[0]["title"] == "Theo: Generate code: Add two numbers."


@pytest.mark.slow
@pytest.mark.parametrize(
    "head",
    ["\n".join(f"x{number} = '🧮'" for number in range(50_000)), "x = '" + "🧮 " * 250_000 + "'"],
    ids=["lines", "one line"],
)
async def test_an_edit_at_the_end_of_a_large_document_lands_there(editor: Editor, head: str) -> None:
    await editor.open(URI, f"{head}\n\n{CODE}")

    answer = await editor.run(await editor.entry("Theo: Generate", URI, (head.count("\n") + 4, 3)))
    ended = await editor.ended(answer["result"]["jobId"])

    assert ended.startswith("applied")
    assert editor.texts[URI] == f"{head}\n\n{DONE}"


async def test_half_a_surrogate_pair_costs_no_edit_and_is_never_sent(editor: Editor, model_server: ModelServer) -> None:
    await editor.open(URI, _HALVES)

    entry = await editor.entry("Theo: Generate", URI, (1, 3))
    answer = await editor.run(entry)
    ended = await editor.ended(answer["result"]["jobId"])

    assert entry["title"] == "Theo: Generate code: Add two \ufffd numbers."
    assert ended.startswith("applied")
    assert editor.texts[URI] == _HALVES.replace("\n\n", "\ndef add(a, b):\n    return a + b\n\n")
    assert "\ud83d" not in str(model_server.chats)


async def test_a_binary_document_changes_nothing(editor: Editor) -> None:
    text = "# Add two numbers.\n\0\x01\x02\x1b[31m\n"
    await editor.open(URI, text)

    answer = await editor.run(await editor.entry("Theo: Generate", URI, (0, 3)))
    ended = await editor.ended(answer["result"]["jobId"])

    assert ended.startswith("not applied: the document would not parse")
    assert editor.texts[URI] == text


@pytest.mark.parametrize("language", ["", "🧮\n```", "no-language" * 100])
async def test_a_language_that_nobody_knows_is_no_obstacle(
    editor: Editor, model_server: ModelServer, language: str
) -> None:
    model_server.pieces = ("```\n", "add(a, b)\n", "```\n")
    await editor.open(URI, "// Add two numbers.\n", language)

    answer = await editor.run(await editor.entry("Theo: Generate", URI, (0, 3)))
    ended = await editor.ended(answer["result"]["jobId"])

    assert ended.startswith("applied")
    assert editor.texts[URI] == "// Add two numbers.\nadd(a, b)\n"
    assert "```🧮" not in str(model_server.chats)


async def test_everything_in_one_write_and_everything_in_single_bytes_are_the_same() -> None:
    hello: Fields = {"processId": None, "rootUri": None, "capabilities": {}}
    item = {"uri": URI, "languageId": "python", "version": 1, "text": CODE}
    bodies = [
        _request(1, "initialize", hello),
        _told("initialized"),
        _told("textDocument/didOpen", {"textDocument": item}),
        _request(2),
        _request(3, "shutdown", [None]),
    ]
    whole = b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(body), body) for body in bodies)
    seen = []
    for portion in (len(whole), 1):
        async with connected({}) as editor:
            with anyio.fail_after(20):
                for at in range(0, len(whole), portion):
                    await editor.send(whole[at : at + portion])
                await editor.until(lambda message: message.get("id") == 3)
            seen.append([message for message in editor.seen if message.get("id") in (1, 2, 3)])

    assert seen[0] == seen[1]
    assert seen[0][1]["result"][0]["title"] == "Theo: Generate code: Add two numbers."


@pytest.mark.parametrize(
    "uri", ["untitled://[x", "diffview://[abc]/app.py", "file://[/app.py", "file:///project/%00.py"]
)
async def test_a_uri_that_is_no_address_is_no_obstacle(editor: Editor, uri: str) -> None:
    await editor.open(uri, CODE)

    answer = await editor.run(await editor.entry("Theo: Generate", uri, (2, 3)))
    ended = await editor.ended(answer["result"]["jobId"])

    assert ended.startswith("applied")
    assert editor.texts[uri] == DONE


@pytest.mark.parametrize(
    "uri", ["git:/project/.env?ref", "fugitive:///project/.git//0/.env", "untitled:.env", "file://host/home/id_rsa"]
)
async def test_a_file_of_keys_is_never_sent_by_whatever_uri_it_is_open(
    editor: Editor, model_server: ModelServer, uri: str
) -> None:
    await editor.open(uri, CODE)

    answer = await editor.run(await editor.entry("Theo: Generate", uri, (2, 3)))
    ended = await editor.ended(answer["result"]["jobId"])

    assert ended == "This document is never sent, because it may hold keys or passwords."
    assert model_server.chats == []
