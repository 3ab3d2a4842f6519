"""What a service, its network or a document does while a run is at work: one sentence with the next step, no edit."""

from __future__ import annotations

import os
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
    await editor.until(lambda message: message.get("method") in told)
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
