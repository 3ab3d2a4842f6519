"""The real server process over raw pipes: what it answers, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from io import FileIO
from pathlib import Path

import anyio
import pytest

from tests.unit.server import raw
from tests.unit.server.raw import HELLO, LEGACY, MODERN, Fields, Server
from theo_mcp.testing.model_server import ANSWER, ModelServer

pytestmark = pytest.mark.anyio

ERAS = pytest.mark.parametrize("era", [LEGACY, MODERN])
ENDS = {"end of input": None, "SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP}
BAD_REQUEST, NO_METHOD, BAD_PARAMS, NOT_JSON = -32600, -32601, -32602, -32700
TOOLS = [
    "theo_analyze_upload", "theo_code", "theo_complete", "theo_generate", "theo_image", "theo_improve", "theo_result",
    "theo_status",
]  # fmt: skip


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Callable[[str], Awaitable[Server]]]:
    """The open server of an era, without key and model; a new one only where a test has lost the last one."""
    servers: dict[str, Server] = {}
    async with AsyncExitStack() as stack:

        async def of(era: str) -> Server:
            if era not in servers or not await servers[era].answers():
                home = tmp_path_factory.mktemp("home")
                servers[era] = await stack.enter_async_context(raw.server(home, era=era))
                await servers[era].open()
            servers[era].seen.clear()
            return servers[era]

        yield of


@pytest.fixture
async def server(running: Callable[[str], Awaitable[Server]]) -> Server:
    """Shared by the tests that leave it running: what one of them sends may not harm the next."""
    return await running(LEGACY)


@pytest.fixture
async def modern_server(running: Callable[[str], Awaitable[Server]]) -> Server:
    return await running(MODERN)


# --- what reaches stdout


@pytest.mark.slow
async def test_only_json_rpc_reaches_stdout_whatever_is_logged_or_printed(tmp_path: Path) -> None:
    stray = "import atexit, os, sys\natexit.register(lambda: (print('printed'), os.system('echo echoed')))\n"
    (tmp_path / "sitecustomize.py").write_text(stray, encoding="utf-8")

    async with raw.server(tmp_path, "--log-level", "debug", environ={"PYTHONPATH": str(tmp_path)}) as server:
        await server.open()
        await server.send(b"not json", b'{"jsonrpc": "2.0", "id": 1}')
        await server.call("theo_complete", prompt="Hello", id=2)
        await server.call("theo_complete", surprise=True, id=3)
        await server.end(None)
        messages = await server.rest()
        assert await server.exit_code() == 0

    answers = [message["id"] for message in messages if "method" not in message]
    assert answers == ["hello", None, 1, 2, 3]
    assert "printed\n" in server.log
    assert "echoed\n" in server.log
    assert '"level": "debug"' in server.log


@pytest.mark.slow
async def test_a_broken_settings_file_leaves_a_server_that_says_so(tmp_path: Path) -> None:
    settings = tmp_path / "bad.toml"
    settings.write_text('backend = "engine\n', encoding="utf-8")

    async with raw.server(tmp_path, "--config", str(settings)) as server:
        await server.open()
        listed = await server.request("tools/list")
        completed = await server.call("theo_complete", prompt="Hello")
        coded = await server.call("theo_code", prompt="Hello")
        improved = await server.call("theo_improve", prompt="Hello", output_type="chart")
        status = await server.call("theo_status")

    assert [tool["name"] for tool in listed["result"]["tools"]] == TOOLS
    for result in (completed, coded, improved):
        assert result["isError"] is True
        assert text_of(result).startswith(f"config_error: The settings file {settings} is not TOML")
    assert f"config_error: The settings file {settings} is not TOML" in text_of(status)


@pytest.mark.slow
async def test_started_without_stderr_it_keeps_the_protocol_off_the_standard_descriptors(tmp_path: Path) -> None:
    shell = ("/bin/sh", "-c", 'exec "$0" "$@" 2>&-', *raw.SERVE)

    async with raw.server(tmp_path, command=shell) as server:
        await server.open()
        behind = [Path(f"/proc/{server.process.pid}/fd/{fd}").readlink() for fd in (0, 1, 2)]
        await server.end(None)
        assert await server.exit_code() == 0

    assert behind == [Path(os.devnull)] * 3


# --- the two eras


@pytest.mark.slow
async def test_the_legacy_era_is_served(tmp_path: Path, model_server: ModelServer) -> None:
    async with raw.server(tmp_path, "--engine-url", model_server.url, era=LEGACY) as server:
        hello = await server.open()
        listed = await server.request("tools/list")
        result = await server.call("theo_complete", prompt="Add two numbers")

    assert hello["result"]["protocolVersion"] == LEGACY
    assert hello["result"]["serverInfo"]["name"] == "theo"
    assert [tool["name"] for tool in listed["result"]["tools"]] == TOOLS
    assert result["structuredContent"]["text"] == "".join(ANSWER)
    assert not result.get("isError")


@pytest.mark.slow
async def test_a_host_that_gave_up_the_newer_era_while_we_started_is_served_in_the_older(tmp_path: Path) -> None:
    lines = [
        {"jsonrpc": "2.0", "id": "probe", "method": "server/discover", "params": {"_meta": raw.ENVELOPE}},
        {"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": raw.HELLO},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": "tools", "method": "tools/list"},
    ]
    script = tmp_path / "script"
    script.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    with script.open("rb") as file:
        async with raw.server(tmp_path, stdin=file.fileno()) as server:
            answers = {message["id"]: message for message in await server.rest()}

    assert answers["probe"]["error"]["message"] == "The host went on with initialize."
    assert answers["hello"]["result"]["protocolVersion"] == LEGACY
    assert len(answers["tools"]["result"]["tools"]) == len(TOOLS)


async def test_the_modern_era_is_served(tmp_path: Path, model_server: ModelServer) -> None:
    async with raw.server(tmp_path, "--engine-url", model_server.url, era=MODERN) as server:
        discovered = await server.open()
        listed = await server.request("tools/list")
        result = await server.call("theo_complete", prompt="Add two numbers")

    assert MODERN in discovered["result"]["supportedVersions"]
    assert "tools" in discovered["result"]["capabilities"]
    assert [tool["name"] for tool in listed["result"]["tools"]] == TOOLS
    assert (listed["result"]["ttlMs"], listed["result"]["cacheScope"]) == (3_600_000, "public")
    assert result["resultType"] == "complete"
    assert result["structuredContent"]["text"] == "".join(ANSWER)


# --- lines that are no requests

NO_REQUESTS: dict[str, tuple[bytes, int, object]] = {
    "no JSON": (b"hello", NOT_JSON, None),
    "half a request": (b'{"jsonrpc": "2.0", "method": "tools/', NOT_JSON, None),
    "half a request, its id already said": (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/', NOT_JSON, 1),
    "an id with a zero in front": (b'{"jsonrpc": "2.0", "id": 07, "method": "ping"}', NOT_JSON, None),
    "bytes that are not UTF-8": (b"\xff\xfe\x80", NOT_JSON, None),
    "a null byte": (b"\0", NOT_JSON, None),
    "very deep": (b"[" * 100_000, NOT_JSON, None),
    "a string": (b'"tools/list"', BAD_REQUEST, None),
    "a number": (b"5", BAD_REQUEST, None),
    "null": (b"null", BAD_REQUEST, None),
    "an object": (b"{}", BAD_REQUEST, None),
    "without a method": (b'{"jsonrpc": "2.0", "id": 5}', BAD_REQUEST, 5),
    "a method that is a number": (b'{"jsonrpc": "2.0", "id": 6, "method": 6}', BAD_REQUEST, 6),
    "without a version": (b'{"id": "seven", "method": "tools/list"}', BAD_REQUEST, "seven"),
    "another version": (b'{"jsonrpc": "1.0", "id": 8, "method": "tools/list"}', BAD_REQUEST, 8),
    "parameters in an array": (b'{"jsonrpc": "2.0", "id": 9, "method": "tools/list", "params": [1]}', BAD_REQUEST, 9),
    "an id that is null": (b'{"jsonrpc": "2.0", "id": null, "method": "tools/list"}', BAD_REQUEST, None),
    "an id that is a list": (b'{"jsonrpc": "2.0", "id": [1], "method": "tools/list"}', BAD_REQUEST, None),
    "an id that is true": (b'{"jsonrpc": "2.0", "id": true, "method": "tools/list"}', BAD_REQUEST, None),
    "an id that is a fraction": (b'{"jsonrpc": "2.0", "id": 1.5, "method": "tools/list"}', BAD_REQUEST, None),
    "an empty batch": (b"[]", BAD_REQUEST, None),
    "a batch of nothing": (b"[1]", BAD_REQUEST, None),
}


async def test_a_line_that_is_no_request_is_answered_and_so_is_the_request_after_it(server: Server) -> None:
    for what, (line, code, known) in NO_REQUESTS.items():
        server.seen.clear()
        await server.send(line)

        await server.request("ping", id="ping")

        refusals = [(message["error"]["code"], message["id"]) for message in server.seen[:-1]]
        assert refusals == [(code, known)], what


async def test_every_request_of_a_batch_is_answered(server: Server) -> None:
    batch = [server.message("tools/list", id=sent) for sent in ("a", 0, "ą" * 200)]
    await server.send(json.dumps([*batch, {"jsonrpc": "2.0", "method": "notifications/initialized"}]).encode())

    answers = [await server.next() for _ in batch]

    assert [(answer["id"], answer["error"]["code"]) for answer in answers] == [
        ("a", BAD_REQUEST),
        (0, BAD_REQUEST),
        ("ą" * 200, BAD_REQUEST),
    ]
    assert await server.tools() == len(TOOLS)


async def test_lines_that_ask_for_nothing_get_no_answer(server: Server) -> None:
    await server.send(b"", b"  \t", b"\r")
    await server.send(b'{"jsonrpc": "2.0", "id": 99, "result": {}}', b'{"jsonrpc": "2.0", "method": "no/such"}')
    await server.send(b'{"jsonrpc": "1.0", "method": "bad/notification"}')
    for request in (1, "1", None, [1], {"id": 1}, 1.5):
        params = {"requestId": request}
        await server.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    assert await server.tools() == len(TOOLS)

    assert [message["id"] for message in server.seen] == ["tools"]


async def test_bytes_that_are_not_utf8_inside_a_request_are_replaced(server: Server) -> None:
    await server.send(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"theo_\xff","arguments":{}}}')

    assert "'theo_\ufffd'" in (await server.answer(1))["error"]["message"]
    assert await server.tools() == len(TOOLS)


async def test_a_lone_surrogate_inside_arguments_is_replaced(server: Server) -> None:
    params = rb'{"name":"theo_improve","arguments":{"prompt":"a tea shop","output_type":"\ud800 chart"}}'
    await server.send(b'{"jsonrpc":"2.0","id":"half","method":"tools/call","params":' + params + b"}")

    assert "'\ufffd chart'" in text_of((await server.answer("half"))["result"])
    assert await server.tools() == len(TOOLS)


async def test_values_that_json_does_not_have_are_answered_under_the_id(server: Server) -> None:
    call = '{{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{{"name":"theo_complete","arguments":{}}}}}'
    nested = "[" * 500 + "]" * 500
    values = ['{"prompt":"x","temperature":NaN}', '{"prompt":"x","temperature":-1e999}', '{"prompt":' + nested + "}"]
    values += ['{"prompt":"\\ud800","\\udfff":1}']

    for number, arguments in enumerate(values):
        await server.send(call.format(number, arguments).encode())
        answer = await server.answer(number)
        assert "error" in answer or answer["result"]["isError"], arguments

    assert await server.tools() == len(TOOLS)


async def test_a_prompt_of_five_megabytes_in_one_line_is_answered(server: Server) -> None:
    result = await server.call("theo_complete", prompt="x" * 5_000_000)

    assert result["isError"] is True
    assert text_of(result).startswith("prompt_too_long: The prompt has 5,000,000 characters, and the limit is 200,000.")
    assert await server.tools() == len(TOOLS)


@pytest.mark.slow
async def test_a_line_without_end_is_dropped_and_answered(server: Server) -> None:
    await server.send(b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * (65 * 2**20) + b'"}')

    assert (await server.answer(None))["error"]["code"] == NOT_JSON
    assert await server.tools() == len(TOOLS)


async def test_a_line_may_end_with_a_carriage_return(server: Server) -> None:
    await server.send(json.dumps(server.message("tools/list", id=1)).encode() + b"\r")

    assert "result" in await server.answer(1)


async def test_every_kind_of_id_comes_back_as_it_was(server: Server) -> None:
    ids: list[str | int] = ["a", "1", 1, "", 0, -1, 2**53 + 1, -(2**63), "zażółć \U0001f9ee \u2028", "x" * 100_000]

    for sent in ids:
        assert "result" in await server.request("ping", id=sent)
        assert (await server.request("no/such", id=sent))["error"]["code"] == NO_METHOD


async def test_requests_sent_at_once_are_all_answered(server: Server) -> None:
    await server.send(*[server.message("ping", id=number) for number in range(500)])

    answered: list[int] = []
    while len(answered) < 500:
        message = await server.next()
        if "id" in message:  # what an earlier test made may still be told of
            answered.append(message["id"])
    assert sorted(answered) == list(range(500))


@pytest.mark.slow
async def test_an_unknown_method_is_an_error(server: Server, modern_server: Server) -> None:
    for each in (server, modern_server):
        assert (await each.request("tools/guess"))["error"]["code"] == NO_METHOD
        assert await each.tools() == len(TOOLS)


async def test_an_unknown_tool_is_an_error_that_names_the_nearest(server: Server, modern_server: Server) -> None:
    for each in (server, modern_server):
        error = (await each.request("tools/call", name="theo_complet", arguments={}))["error"]

        assert error["code"] == BAD_PARAMS
        assert error["message"] == "There is no tool 'theo_complet'. Did you mean theo_complete?"
        assert await each.tools() == len(TOOLS)


# --- input that ends


@pytest.mark.slow
async def test_a_last_request_without_a_line_break_is_answered(tmp_path: Path) -> None:
    async with raw.server(tmp_path) as server:
        await server.open()
        assert server.process.stdin is not None
        await server.process.stdin.send(json.dumps(server.message("tools/call", id=1, name="theo_status")).encode())
        await server.end(None)

        messages = await server.rest()

        assert "Missing: no_model" in text_of(messages[-1]["result"])
        assert await server.exit_code() == 0


@pytest.mark.slow
async def test_a_file_as_stdin_is_answered_to_its_end(tmp_path: Path, model_server: ModelServer) -> None:
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "theo_status"}},
    ]
    script = tmp_path / "script"
    script.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    with script.open("rb") as file:
        async with raw.server(tmp_path, "--engine-url", model_server.url, stdin=file.fileno()) as server:
            answers = {message["id"]: message for message in await server.rest()}
            assert await server.exit_code() == 0

    assert sorted(answers) == [1, 2, 3]
    assert len(answers[2]["result"]["tools"]) == len(TOOLS)
    assert "scripted-1b" in text_of(answers[3]["result"])


# --- how it ends


@pytest.mark.slow
async def test_an_idle_server_ends_at_the_end_of_its_input_and_at_every_signal(tmp_path: Path) -> None:
    async with several(tmp_path) as servers:
        for end, server in servers:
            await server.open()

            await server.end(end)

            assert await server.exit_code() == 0, end
            assert len(await server.rest()) == 1


@pytest.mark.slow
async def test_a_server_in_a_call_ends_and_closes_the_models_socket(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.silent_after = 1

    async with several(tmp_path, "--engine-url", model_server.url) as servers:
        for end, server in servers:
            await server.open()
            await begin_a_call(server)

            await server.end(end)

            assert await server.exit_code() == 0, end
            await closed(model_server)
            await server.rest()


@pytest.mark.slow
async def test_a_server_whose_answers_nobody_reads_ends(tmp_path: Path) -> None:
    async with several(tmp_path, unread=True) as servers:
        for _, server in servers:
            await server.send(server.message("initialize", id=0, **HELLO))
            await server.send(*[server.message("tools/list", id=number) for number in range(1, 200)])
            await server.send(*[b"not json"] * 2000)
        for _, server in servers:
            await server.blocked()

        for end, server in servers:
            await server.end(end)

        for end, server in servers:
            assert await server.exit_code() == 0, end


@pytest.mark.slow
async def test_a_server_whose_stdout_was_closed_ends_at_its_next_answer(tmp_path: Path) -> None:
    async with raw.server(tmp_path, unread=True) as server:
        await server.send(server.message("initialize", id=0, **HELLO))
        await readable(server.unread)
        server.unread.close()
        await server.send(server.message("ping", id=1))

        assert await server.exit_code() == 0


@pytest.mark.slow
async def test_a_server_whose_host_was_killed_ends_though_its_stdin_stays_open(tmp_path: Path) -> None:
    host = (sys.executable, "-c", "import subprocess, sys; subprocess.call(sys.argv[1:])", *raw.SERVE)

    with raw.pipe() as (reading, writing):
        async with raw.server(tmp_path, command=host, stdin=reading.fileno()) as server:
            writing.write(json.dumps(server.message("initialize", id=0, **HELLO)).encode() + b"\n")
            await server.answer(0)

            await server.end(signal.SIGKILL)

            with anyio.fail_after(10):
                assert len(await server.rest()) == 1  # stdout ends when the last process that has it does


# --- cancelling


@pytest.mark.parametrize("era", [pytest.param(LEGACY, marks=pytest.mark.slow), MODERN])
async def test_a_cancelled_call_closes_the_models_socket_and_the_next_one_is_answered(
    tmp_path: Path, model_server: ModelServer, era: str
) -> None:
    model_server.silent_after = 1

    async with raw.server(tmp_path, "--engine-url", model_server.url, era=era) as server:
        await server.open()
        await begin_a_call(server)
        cancelled = server.message("notifications/cancelled", id=0, requestId="long")
        del cancelled["id"]
        await server.send(cancelled)
        await closed(model_server)
        model_server.silent_after = None
        result = await server.call("theo_complete", prompt="Hello")

    assert result["structuredContent"]["text"] == "".join(ANSWER)
    assert "long" not in [message.get("id") for message in server.seen]


# --- the process of the built-in model


@pytest.fixture
async def builtin(tmp_path: Path, builtin_data: Path) -> AsyncIterator[Server]:
    """A server with the built-in model of this machine."""
    flags = ("--backend", "engine", "--data-dir", str(builtin_data), "--cache-bytes", "0")
    async with raw.server(tmp_path, *flags) as started:
        await started.open()
        yield started


@pytest.mark.model
@pytest.mark.parametrize("end", [*ENDS.values(), signal.SIGKILL], ids=[*ENDS, "SIGKILL"])
async def test_the_models_process_ends_with_a_server_in_a_call(builtin: Server, end: signal.Signals | None) -> None:
    await begin_a_call(builtin)

    with watched(await model_of(builtin)) as gone:
        await builtin.end(end)

        assert await builtin.exit_code() == (-signal.SIGKILL if end is signal.SIGKILL else 0)
        await readable(gone)


@pytest.mark.model
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_the_models_process_ends_with_an_idle_server(builtin: Server, end: signal.Signals | None) -> None:
    await begin_a_call(builtin)
    await builtin.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "long"}})
    assert await builtin.tools() == len(TOOLS)

    with watched(await model_of(builtin)) as gone:
        await builtin.end(end)

        assert await builtin.exit_code() == 0
        await readable(gone)


@pytest.mark.model
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_models_process_that_is_loading_ends_with_the_server(
    builtin: Server, end: signal.Signals | None
) -> None:
    await builtin.send(builtin.message("tools/call", id=1, name="theo_complete", arguments={"prompt": "Hello"}))

    with watched(await model_of(builtin)) as gone:
        await builtin.end(end)

        assert await builtin.exit_code() == 0
        await readable(gone)


@pytest.mark.model
async def test_ctrl_c_in_a_terminal_ends_the_server_and_the_models_process(builtin: Server) -> None:
    await begin_a_call(builtin)

    with watched(await model_of(builtin)) as gone:
        os.killpg(builtin.process.pid, signal.SIGINT)  # it reaches the whole group

        assert await builtin.exit_code() == 0
        await readable(gone)


# --- what the tests share


def text_of(result: Fields) -> str:
    assert [block["type"] for block in result["content"]] == ["text"]
    return str(result["content"][0]["text"])


async def begin_a_call(server: Server) -> None:
    """A completion under the id "long", up to its first text."""
    arguments = {"prompt": "Count from one to one thousand in words.", "mode": "fast"}
    await server.send(
        server.message(
            "tools/call", id="long", name="theo_complete", arguments=arguments, _meta={"progressToken": "long"}
        )
    )
    assert await server.progress()


async def closed(model_server: ModelServer) -> None:
    """Waits until the socket of the last request is closed from the other side."""
    with anyio.fail_after(2):
        await model_server.exchanges[-1].closed.wait()


@asynccontextmanager
async def several(
    folder: Path, *flags: str, unread: bool = False
) -> AsyncIterator[list[tuple[signal.Signals | None, Server]]]:
    """A server for each of ENDS; they start side by side, which saves seconds."""
    async with AsyncExitStack() as stack:
        servers = []
        for name, end in ENDS.items():
            (home := folder / name).mkdir()
            servers.append((end, await stack.enter_async_context(raw.server(home, *flags, unread=unread))))
        yield servers


async def model_of(server: Server) -> int:
    """The process id of the server's model, once there is one; /proc does not tell when."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    with anyio.fail_after(10):
        while not (found := children.read_text(encoding="ascii").split()):  # noqa: ASYNC110
            await anyio.sleep(0.01)
    (model,) = found
    return int(model)


@contextmanager
def watched(pid: int) -> Iterator[int]:
    """A descriptor that becomes readable when the process ends."""
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def readable(descriptor: int | FileIO) -> None:
    with anyio.fail_after(2):
        await anyio.wait_readable(descriptor)
