"""``theo-mcp gateway`` as a user runs it."""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import anyio.abc
import anyio.lowlevel
import httpx2
import pytest

from tests.unit.gateway.world import TEXT, V1, bearer, events
from tests.unit.shell import SECONDS, Shell
from theo_mcp.store import FILE
from theo_mcp.testing import theo
from theo_mcp.testing.model_server import ModelServer

HELLO = {"prompt": "Hello"}


async def test_keys_are_made_listed_and_taken_back(shell: Shell) -> None:
    made = await shell("gateway", "keys", "create", "--name", "laptop", "--plan", "free", "--credits", "2.5")
    listed = json.loads((await shell("gateway", "keys", "list", "--json")).stdout)["keys"]
    revoked = await shell("gateway", "keys", "revoke", listed[0]["id"])
    after = (await shell("gateway", "keys", "list")).stdout.decode()
    unknown = await shell("gateway", "keys", "revoke", "key_of_nobody")

    text = made.stdout.decode().strip()
    assert re.fullmatch(r"theo_sk_[A-Za-z0-9_-]{43}", text)
    assert (listed[0]["name"], listed[0]["plan"], listed[0]["credits_left"]) == ("laptop", "free", 2.5)
    assert revoked.returncode == 0
    assert "revoked" in after
    assert text not in after
    assert (unknown.returncode, "no key 'key_of_nobody'" in unknown.stderr.decode()) == (1, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("keys",), "What about the keys?"),
        (("keys", "revoke"), "Which key?"),
        (("keys", "create", "--scopes", "all"), "There is no scope 'all'"),
        (("keys", "create", "--credits", "-1"), "--credits is a number"),
        (("keys", "create", "--days", "0"), "--days is a number above 0"),
        (("keys", "create", "--days", "1e9"), "--days is a number above 0"),
        (("keys", "create", "laptop"), "A new key gets its id by itself."),
        (("keys", "list", "--plan", "free"), "--plan says what a key is good for, and no key is made here."),
        (("--credits", "5"), "--credits says what a key is good for, and no key is made here."),
    ],
)
async def test_what_is_wrong_with_the_words_is_a_sentence(shell: Shell, words: tuple[str, ...], told: str) -> None:
    done = await shell("gateway", *words)

    assert done.returncode == 2
    assert told in done.stderr.decode()


async def test_the_list_says_until_when_a_key_is_good_and_for_what(shell: Shell) -> None:
    await shell("gateway", "keys", "create", "--days", "7", "--scopes", "completions,skills", "--name", "guest")
    listed = (await shell("gateway", "keys", "list")).stdout.decode()

    assert re.search(
        r"last used never  good until \d{4}-\d\d-\d\dT[\d:]{8}Z  only completions,skills  guest$", listed.strip()
    )


@pytest.mark.parametrize("url", ["localhost:11434", "ftp://localhost"])
async def test_a_setting_that_no_request_could_use_ends_the_start_with_a_sentence(shell: Shell, url: str) -> None:
    done = await shell("gateway", "--port", "0", "--engine-url", url)

    assert done.returncode == 3
    assert b"Serving" not in done.stdout
    assert "The setting engine_url" in done.stderr.decode()


@pytest.mark.slow
async def test_a_store_that_another_program_holds_at_the_start_is_a_sentence(shell: Shell) -> None:
    await shell("gateway", "keys", "list")
    with closing(sqlite3.connect(Path(shell.environment["THEO_MCP_DATA_DIR"]) / FILE)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = await shell.process("gateway", "--port", "0")

    told = done.stderr.decode()
    assert done.returncode == 1
    assert "did not answer for 2 seconds" in told
    assert "Traceback" not in told


@pytest.mark.slow
async def test_what_a_server_beside_others_lacks_is_told_as_that(
    shell: Shell, model_server: ModelServer, tmp_path: Path
) -> None:
    settings = tmp_path / "some.toml"
    settings.write_text(
        f'[servers.one]\nurls = ["{model_server.url}"]\n[engines]\ntheo-1-code = "local"\n', encoding="utf-8"
    )
    with anyio.fail_after(SECONDS):
        async with await shell.start("gateway", "--port", "0", "--config", str(settings)) as process:
            assert process.stderr is not None
            said = ""
            while "engine pull" not in said:
                said += (await process.stderr.receive()).decode()
            process.terminate()

    assert "Not every model can answer. No model is installed on this machine. Run `theo-mcp engine pull`" in said
    assert "THEO_API_KEY" not in said


async def test_a_port_that_is_in_use_is_a_sentence(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = await shell("gateway", "--port", str(port))

    assert done.returncode == 3
    assert f"The address 127.0.0.1:{port} is in use." in done.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_first_start_prints_a_key_and_a_signal_ends_it_in_order(
    shell: Shell, model_server: ModelServer, number: signal.Signals
) -> None:
    shell.environment |= {"THEO_MCP_ENGINE_URL": model_server.url, "THEO_API_KEY": theo.KEY}
    model_server.silent_after = 2
    streamed: list[str] = []
    speaking = anyio.Event()

    async def listen(url: str, key: str) -> None:
        async with (
            httpx2.AsyncClient(base_url=url, headers=bearer(key), timeout=SECONDS) as client,
            client.stream("POST", f"{V1}completions", json=HELLO | {"stream": True}) as answer,
        ):
            async for line in answer.aiter_lines():
                streamed.append(line)
                if streamed.count("event: token") == 2:
                    speaking.set()

    with anyio.fail_after(SECONDS):
        async with await shell.start("gateway", "--port", "0", "--log-level", "info") as process:
            printed = await _printed(process, "your key")
            url, key = _url(printed), _key(printed)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listen, url, key)
                await speaking.wait()
                process.send_signal(number)
                began = anyio.current_time()
                assert await process.wait() == 0
                took = anyio.current_time() - began
            assert process.stderr is not None
            said = b"".join([part async for part in process.stderr]).decode()
    async with await shell.start("gateway", "--port", "0") as process:
        second = await _printed(process, "OpenAI clients")
        process.terminate()
        rest = await _printed(process, "")
        assert process.stderr is not None
        said_again = b"".join([part async for part in process.stderr]).decode()

    told = events("\n".join(streamed))
    assert [name for name, _ in told] == ["thinking", "meta", "token", "token", "error"]
    assert told[-1][1]["error"]["message"] == "The gateway is being stopped."
    assert took < 3
    assert "the key for theo are not used" in said
    assert "`theo-mcp gateway keys create` makes another" in said_again
    assert key not in said
    assert "Hello" not in said
    assert '"path": "/api/v1/completions"' in said
    assert "Traceback" not in said
    assert "your key" not in second + rest


@pytest.mark.slow
async def test_two_gateways_on_one_store_heed_each_others_keys_and_answers(
    shell: Shell, model_server: ModelServer
) -> None:
    shell.environment |= {"THEO_MCP_ENGINE_URL": model_server.url}
    once = {"idempotency-key": "one"}
    with anyio.fail_after(SECONDS):
        async with (
            await shell.start("gateway", "--port", "0") as one,
            await shell.start("gateway", "--port", "0") as two,
        ):
            printed = [await _printed(one, "OpenAI clients"), await _printed(two, "OpenAI clients")]
            made = json.loads((await shell("gateway", "keys", "create", "--json")).stdout)
            async with httpx2.AsyncClient(headers=bearer(made["key"]), timeout=SECONDS) as client:
                urls = [_url(text) for text in printed]
                answers = [await client.post(f"{url}{V1}completions", json=HELLO, headers=once) for url in urls]
                await shell("gateway", "keys", "revoke", made["id"])
                with anyio.fail_after(2):
                    while (refused := await client.get(f"{urls[0]}{V1}models")).status_code != 401:
                        await anyio.lowlevel.checkpoint()
            one.kill()
            two.terminate()

    assert answers[0].json()["content"] == TEXT
    assert answers[1].content == answers[0].content
    assert len(model_server.chats) == 1
    assert refused.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.slow
async def test_an_answer_survives_a_gateway_that_was_killed(shell: Shell, model_server: ModelServer) -> None:
    shell.environment |= {"THEO_MCP_ENGINE_URL": model_server.url}
    once = {"idempotency-key": "one"}
    answers: list[httpx2.Response] = []
    key = ""
    with anyio.fail_after(SECONDS):
        for _ in range(2):
            async with await shell.start("gateway", "--port", "0") as process:
                printed = await _printed(process, "OpenAI clients" if key else "your key")
                key = key or _key(printed)
                async with httpx2.AsyncClient(headers=bearer(key), timeout=SECONDS) as client:
                    answers.append(await client.post(f"{_url(printed)}{V1}completions", json=HELLO, headers=once))
                process.kill()

    assert answers[1].content == answers[0].content
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert len(model_server.chats) == 1


async def _printed(process: anyio.abc.Process, until: str) -> str:
    """What the process prints up to the line that has `until`."""
    assert process.stdout is not None
    text = ""
    async for part in process.stdout:
        text += part.decode()
        if until and until in text and text.endswith("\n"):
            break
    return text


def _url(printed: str) -> str:
    found = re.search(r"http://[\d.:]+", printed)
    assert found is not None
    return found[0]


def _key(printed: str) -> str:
    found = re.search(r"theo_sk_\S+", printed)
    assert found is not None
    return found[0]
