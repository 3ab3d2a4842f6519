"""What a service, its network or a document does while a run is at work: one sentence with the next step, no edit."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import anyio
import pytest
from lsprotocol import types

from tests.holding import held
from tests.unit.lsp.client import CAPABILITIES, Editor, connected
from tests.unit.lsp.test_running import CODE, URI
from theo_lsp.editor import Editor as Asking
from theo_lsp.protocol import Server
from theo_mcp.testing import faults, theo
from theo_mcp.testing.http import Handler
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.testing.theo import FakeTheo

_STREAM = faults.head(200, faults.EVENTS) + faults.token("def add(a, b):\n")


@dataclass
class _Kept:
    """Writes nowhere."""

    sent: list[bytes]

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        pass


@pytest.fixture
async def hosted(tmp_path: Path, theo_service: FakeTheo) -> AsyncIterator[Editor]:
    environment = {
        "THEO_API_KEY": theo.KEY,
        "THEO_BASE_URL": theo_service.origin,
        "THEO_MCP_DATA_DIR": str(tmp_path / "data"),
        "THEO_MCP_CONFIG": os.devnull,
        "THEO_MCP_MAX_RETRIES": "0",
    }
    async with connected(environment) as editor:
        await editor.request("initialize", processId=None, rootUri=None, capabilities=CAPABILITIES)
        await editor.notify("initialized")
        yield editor


async def _failed(editor: Editor) -> list[str]:
    """What the user is told of a run that fails."""
    before = len(editor.seen)
    answer = await editor.run(await editor.entry("Theo: Generate", URI, (2, 3)))
    await editor.ended(answer["result"]["jobId"])
    told = ("window/showMessage", "window/showMessageRequest")
    await editor.until(
        lambda message: message.get("method") in told and any(message is each for each in editor.seen[before:])
    )
    new = editor.seen[before:]
    assert "workspace/applyEdit" not in [message.get("method") for message in new]
    return [message["params"]["message"] for message in new if message.get("method") in told]


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        pytest.param(
            faults.status(401, {"error": "Invalid API key"}),
            "Invalid API key. Check the key: `theo-mcp config show --origin` names its source.",
            id="401",
        ),
        pytest.param(
            faults.status(402, {"error": "Insufficient credits"}),
            "Insufficient credits. Add credits to the account, or raise its cap, and call again.",
            id="402",
        ),
        pytest.param(
            faults.status(429, {"error": "Slow down"}, retry_after="3600"),
            "Slow down. Come back in 3,600 s. Wait before the next call; trying at once only extends the limit.",
            id="429",
        ),
        pytest.param(
            faults.status(503, "<html>down</html>"),
            "The service answered with status 503 and no reason. The service takes no requests at the moment and did "
            "nothing; call again later.",
            id="503",
        ),
        pytest.param(
            faults.cut(_STREAM),
            "Theo's stream ended before the answer was complete. What came so far is kept; the work may have been "
            "billed, so look before you call again.",
            id="cut",
        ),
        pytest.param(
            faults.reset(_STREAM),
            "The connection to Theo at {} broke before the answer was whole. The work may have been done and billed, "
            "so look before you call again.",
            id="reset",
        ),
        pytest.param(
            faults.cut(),
            "The connection to Theo at {} broke before the answer was whole. The work may have been done and billed, "
            "so look before you call again.",
            id="no answer",
        ),
    ],
)
async def test_a_failing_service_is_told_in_one_sentence_with_the_next_step(
    hosted: Editor, theo_service: FakeTheo, fault: Handler, sentence: str
) -> None:
    theo_service.next = [fault]
    await hosted.open(URI, CODE)

    told = await _failed(hosted)

    here = theo_service.origin.removeprefix("http://")
    assert told == [f"Theo: {sentence.format(here)}"]
    assert hosted.texts[URI] == CODE


async def test_a_service_that_is_away_is_told_and_the_next_run_succeeds_when_it_is_back(
    hosted: Editor, theo_service: FakeTheo
) -> None:
    await hosted.open(URI, CODE)
    theo_service.next = [faults.cut()]
    assert await _failed(hosted)

    answer = await hosted.run(await hosted.entry("Theo: Explain", URI, (0, 0), (4, 9)))
    ended = await hosted.ended(answer["result"]["jobId"])

    assert ended.startswith("shown")


async def test_a_model_server_that_dies_in_the_middle_applies_nothing(
    editor: Editor, model_server: ModelServer
) -> None:
    model_server.cut_after = 3
    await editor.open(URI, CODE)

    told = await _failed(editor)

    (said,) = told
    assert said == (
        "Theo: The model server's stream ended before the answer was complete. The server may have crashed or been "
        "stopped; call again."
    )
    assert editor.texts[URI] == CODE


async def test_a_model_server_that_is_not_there_is_told_with_the_next_step(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "THEO_MCP_ENGINE_URL": f"http://127.0.0.1:{port}/v1",
        "THEO_MCP_DATA_DIR": str(tmp_path / "data"),
        "THEO_MCP_CONFIG": os.devnull,
        "THEO_MCP_MAX_RETRIES": "0",
    }
    async with connected(environment) as editor:
        await editor.request("initialize", processId=None, rootUri=None, capabilities=CAPABILITIES)
        await editor.notify("initialized")
        await editor.open(URI, CODE)
        (told,) = await _failed(editor)

    assert told == (
        f"Theo: The model server could not be reached at 127.0.0.1:{port}: the connection was refused. Check the "
        f"address, the network and the proxy; the base URL is http://127.0.0.1:{port}/v1."
    )


async def test_what_came_before_a_stream_was_cut_can_be_seen(editor: Editor, model_server: ModelServer) -> None:
    model_server.cut_after = 3
    editor.choice = "Show what came"
    await editor.open(URI, CODE)

    await _failed(editor)

    shown = await editor.asked("window/showDocument")
    part = await anyio.Path(unquote(urlsplit(shown["uri"]).path)).read_text()
    assert part.startswith("```python\ndef add")


async def test_a_document_that_was_renamed_meanwhile_is_not_written_to_under_either_name(
    editor: Editor, model_server: ModelServer
) -> None:
    go_on = held(model_server)
    await editor.open(URI, CODE)
    answer = await editor.run(await editor.entry("Theo: Generate", URI, (2, 3)))

    await editor.notify("textDocument/didClose", textDocument={"uri": URI})
    await editor.open("file:///project/renamed.py", CODE)
    go_on.set()
    ended = await editor.ended(answer["result"]["jobId"])

    asked = await editor.asked("window/showMessageRequest")
    assert ended.startswith("discarded")
    assert "was closed meanwhile" in asked["message"]
    assert editor.texts["file:///project/renamed.py"] == CODE


async def test_a_document_that_was_closed_and_opened_anew_is_asked_about(
    editor: Editor, model_server: ModelServer
) -> None:
    go_on = held(model_server)
    await editor.open(URI, CODE)
    answer = await editor.run(await editor.entry("Theo: Generate", URI, (2, 3)))

    await editor.notify("textDocument/didClose", textDocument={"uri": URI})
    await editor.open(URI, "another\n")
    go_on.set()
    await editor.ended(answer["result"]["jobId"])

    await editor.asked("window/showMessageRequest")
    assert editor.texts[URI] == "another\n"


async def test_two_runs_at_two_places_of_one_document_both_land(editor: Editor, model_server: ModelServer) -> None:
    places = ("# Add two numbers.\n\n", "x = 1\n\n", "# Add two numbers.\n")
    await editor.open(URI, "".join(places))
    go_on = held(model_server)
    first = await editor.run(await editor.entry("Theo: Generate", URI, (0, 3)))
    await editor.until(lambda message: " token" in str(message))

    second = await editor.run(await editor.entry("Theo: Generate", URI, (4, 3)))
    go_on.set()
    ended = {(await editor.ended(answer["result"]["jobId"])).split(" · ")[0] for answer in (first, second)}

    added = "def add(a, b):\n    return a + b\n"
    assert ended == {"applied"}
    assert editor.texts[URI] == f"# Add two numbers.\n{added}\nx = 1\n\n# Add two numbers.\n{added}"


async def test_who_was_cancelled_while_the_answer_came_asks_for_no_edit() -> None:
    sent: list[bytes] = []
    server = Server(lambda: None)
    server.protocol.set_writer(_Kept(sent))

    with anyio.CancelScope() as scope:
        scope.cancel()
        await Asking(server).apply("Theo: Generate", types.WorkspaceEdit())

    assert scope.cancelled_caught
    assert sent == []


async def test_into_a_document_that_was_opened_anew_with_another_text_nothing_is_put(
    editor: Editor, model_server: ModelServer
) -> None:
    go_on = held(model_server)
    editor.choice = "Apply anyway"
    await editor.open(URI, CODE)
    answer = await editor.run(await editor.entry("Theo: Generate", URI, (2, 3)))
    await editor.until(lambda message: "2 tokens" in str(message.get("params")))

    await editor.notify("textDocument/didClose", textDocument={"uri": URI})
    await editor.open(URI, "mine\n" * 40)
    await editor.menu(URI, (0, 0))  # once it is answered, the server has read all before it
    go_on.set()
    ended = await editor.ended(answer["result"]["jobId"])

    question = await editor.asked("window/showMessageRequest")
    assert [each["title"] for each in question["actions"]] == ["Copy to a new document", "Discard"]
    assert ended.startswith("copied to a new document")
    assert editor.texts[URI] == "mine\n" * 40


async def test_an_answer_without_its_place_is_shown_where_the_editor_cannot_ask(
    tmp_path: Path, model_server: ModelServer
) -> None:
    environment = {
        "THEO_MCP_ENGINE_URL": model_server.url,
        "THEO_MCP_DATA_DIR": str(tmp_path / "data"),
        "THEO_MCP_CONFIG": os.devnull,
    }
    window = {"workDoneProgress": True, "showDocument": {"support": True}}
    go_on = held(model_server)
    async with connected(environment) as editor:
        can = {**CAPABILITIES, "window": window}
        await editor.request("initialize", processId=None, rootUri=None, capabilities=can)
        await editor.notify("initialized")
        await editor.open(URI, CODE)
        answer = await editor.run(await editor.entry("Theo: Generate", URI, (2, 3)))
        await editor.until(lambda message: "2 tokens" in str(message.get("params")))

        await editor.change(URI, (2, 18), (2, 18), "\ntyped = 1")
        go_on.set()
        ended = await editor.ended(answer["result"]["jobId"])

        assert ended.startswith("copied to a new document")
        assert (await editor.asked("window/showDocument"))["uri"].endswith("-app.py")


async def test_other_settings_of_the_editor_do_not_take_back_what_was_spent(
    tmp_path: Path, theo_service: FakeTheo
) -> None:
    environment = {
        "THEO_API_KEY": theo.KEY,
        "THEO_BASE_URL": theo_service.origin,
        "THEO_MCP_DATA_DIR": str(tmp_path / "data"),
        "THEO_MCP_CONFIG": os.devnull,
        "THEO_MCP_MAX_CENTS": "2",
    }
    theo_service.next.append(faults.cut(_STREAM))  # which may have been billed
    async with connected(environment) as editor:
        await editor.request("initialize", processId=None, rootUri=None, capabilities=CAPABILITIES)
        await editor.notify("initialized")
        await editor.open(URI, CODE)
        await _failed(editor)

        editor.settings = {"engine_modl": "x"}
        await editor.notify("workspace/didChangeConfiguration", settings={})
        await editor.until(lambda message: "engine_modl" in str(message.get("params")))
        editor.settings = {}
        asked = len(editor.seen)
        await editor.notify("workspace/didChangeConfiguration", settings={})
        await editor.until(
            lambda message: (
                message.get("method") == "workspace/configuration"
                and any(message is each for each in editor.seen[asked:])
            )
        )
        await editor.menu(URI, (2, 3))
        (told,) = await _failed(editor)

    assert "of this session's limit of 2 cents 2 are spent or reserved" in told
    assert len(theo_service.requests) == 1


@pytest.mark.parametrize(("title", "before"), [("Theo: Explain", 470), ("Theo: Fix", 965), ("Theo: Fix all", 260)])
async def test_no_half_of_a_secret_is_sent_where_a_message_is_cut(
    editor: Editor, model_server: ModelServer, title: str, before: int
) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    await editor.open(URI, "def half(n):\n    return n / 2\n\n\ndef third(n):\n    return n / 3\n")
    flaws = [
        {"range": {"start": {"line": row, "character": 4}, "end": {"line": row, "character": 8}}, "severity": 1,
         "message": f"{'x' * before} {secret}", "source": "linter", "code": "L1"}
        for row in (1, 5)
    ]  # fmt: skip

    entries = await editor.menu(URI, (0, 4), (6, 0), diagnostics=flaws)
    answer = await editor.run(next(each for each in entries if each["title"].startswith(title)))
    await editor.ended(answer["result"]["jobId"])

    (chat,) = model_server.chats
    assert "x" * 200 in str(chat)
    assert secret[:10] not in str(chat)
