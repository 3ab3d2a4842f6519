"""The tools in the shell: what goes to stdout, what is saved, and what Ctrl-C leaves."""

from __future__ import annotations

import base64
import json
import re
import signal
from pathlib import Path

import anyio
import anyio.abc
import pytest
from mcp import Client
from mcp_types import TextContent

from tests.conftest import MakeSettings
from tests.unit.shell import SECONDS, Shell
from theo_mcp import connect
from theo_mcp.server.app import build
from theo_mcp.testing import faults, getcode, theo, theo_replies
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.http import Exchange, Handler
from theo_mcp.testing.theo import FakeTheo

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def images(*urls: str) -> Handler:
    made = [{"url": url, "engine": "theo-vision", "model": "theo-1-create", "prompt": "A tea shop."} for url in urls]
    return faults.status(200, {"id": "img_1", "images": made, "usage": {"cost_cents": 0.08}})


def inline(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode()


class Held:
    """An answer that is sent when the test lets it go."""

    def __init__(self) -> None:
        self.asked, self.free = anyio.Event(), anyio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        self.asked.set()
        await self.free.wait()
        await theo.reply(exchange, {"id": "code_1", "content": theo.CODE, "usage": {"cost_cents": 0.05}})


async def said_until(process: anyio.abc.Process, words: str) -> str:
    """What the process writes to stderr up to these words, or to its end."""
    assert process.stderr is not None
    said = b""
    async for part in process.stderr:
        said += part
        if words.encode() in said:
            break
    return said.decode()


async def test_image_prints_the_path_of_each_file_on_a_line(hosted: Shell, theo_service: FakeTheo) -> None:
    theo_service.next = [images(inline(PNG), inline(PNG))]

    done = await hosted("image", "A", "tea", "shop", "--style", "flat", "--aspect-ratio", "16:9", "--count", "2")

    paths = [Path(line) for line in done.stdout.decode().splitlines()]
    assert done.returncode == 0, done.stderr
    assert [path.name for path in paths] == ["a-tea-shop.png", "a-tea-shop (2).png"]
    assert [path.read_bytes() for path in paths] == [PNG, PNG]
    assert "2 images." in done.stderr.decode()
    assert "cost 0.08 cents" in done.stderr.decode()
    assert theo_service.requests[0].json == {
        "prompt": "A tea shop", "style": "flat", "aspect_ratio": "16:9", "count": 2,
    }  # fmt: skip


async def test_an_image_that_cannot_be_had_is_a_failure_that_names_it(hosted: Shell, theo_service: FakeTheo) -> None:
    theo_service.next = [images("https://elsewhere.example/1.png")]

    done = await hosted("image", "x")

    assert (done.returncode, done.stdout) == (1, b"")
    assert "Files are not fetched from elsewhere.example" in done.stderr.decode()

    theo_service.next = [images("https://elsewhere.example/1.png")]
    assert (await hosted("image", "x", "--json")).returncode == 1


async def test_a_step_that_is_told_in_the_shell_is_a_command(hosted: Shell, tmp_path: Path) -> None:
    (tmp_path / "brief.pdf").write_bytes(PDF)

    done = await hosted("complete", "x", "--attachment", str(tmp_path / "brief.pdf"))

    assert done.returncode == 2
    assert done.stderr.decode().endswith("A PDF goes to theo-mcp upload.\n")


async def test_what_a_project_may_not_say_is_told_with_the_answer(hosted: Shell, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "theo.config.json").write_text('{\n"persona": "none"}', encoding="utf-8")

    done = await hosted("complete", "x")

    told = "Note: theo.config.json line 2: persona withheld: this folder is not trusted (theo-mcp trust)\n"
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().endswith(told)


@pytest.mark.slow
async def test_generate_streams_its_text_and_saves_it(hosted: Shell, tmp_path: Path) -> None:
    done = await hosted.process("generate", "a bakery", "--output-type", "website")

    text = "".join(getcode.PIECES)
    saved = Path(done.stderr.decode().splitlines()[-2])
    assert done.stdout.decode() == text + "\n"
    assert saved.parent == tmp_path / "made"
    assert saved.read_text(encoding="utf-8") == text


async def test_generate_with_improve_sends_both_prompts(hosted: Shell, getcode_service: FakeGetCode) -> None:
    done = await hosted("generate", "a bakery", "--output-type", "api", "--improve", "--language", "python", "--json")

    reply = json.loads(done.stdout)
    assert reply["status"] == "done"
    assert reply["text"] == "".join(getcode.PIECES)
    assert reply["handle"].startswith("run_")
    assert getcode_service.requests[1].json == {
        "prompt": "a bakery with responsive nav and clear sections.",
        "originalPrompt": "a bakery", "outputType": "api", "language": "python",
    }  # fmt: skip


async def test_a_generation_that_breaks_leaves_its_text_on_stdout_once(
    hosted: Shell, getcode_service: FakeGetCode
) -> None:
    getcode_service.cut_after = 2

    done = await hosted("generate", "a bakery", "--output-type", "website")

    assert done.returncode == 4
    assert done.stdout.decode() == "<!doctype html><h1>Bäckerei\n"


async def test_upload_takes_a_file_outside_the_open_folders(
    hosted: Shell, getcode_service: FakeGetCode, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "brief.pdf").write_bytes(PDF)
    (tmp_path / "link.pdf").symlink_to(tmp_path / "elsewhere" / "brief.pdf")

    done = await hosted("upload", str(tmp_path / "link.pdf"), "--output-type", "website")

    assert done.returncode == 0, done.stderr
    assert done.stdout == b"Generate a website like brief.pdf with...\n"
    assert "theo-mcp generate with this text" in done.stderr.decode()
    assert base64.b64decode(getcode_service.requests[0].json["fileData"]) == PDF


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("brief.pdf", b"no PDF at all", "the bytes are none of PDF"),
        ("notes.txt", b"plain", "cannot be analysed"),
        (".env", PDF, ".env"),
        ("missing.pdf", None, "There is no file"),
    ],
)
async def test_upload_refuses_what_is_not_what_it_says(
    hosted: Shell, getcode_service: FakeGetCode, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    done = await hosted("upload", str(tmp_path / name), "--output-type", "website")

    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()
    assert getcode_service.requests == []


async def test_research_waits_and_says_how_far_it_is(hosted: Shell, theo_service: FakeTheo) -> None:
    ended = theo_replies.job("job_1", "research", "completed", 100, theo_replies.RESULTS["research"])
    theo_service.next = [faults.status(202, theo_replies.job_started("res_1", "job_1")), faults.status(200, ended)]

    done = await hosted("research", "WebGPU", "--depth", "basic", "--max-sources", "3")

    assert done.stdout.decode() == "# Findings\n\nThree sources agree.\n"
    assert "researching: completed, 100 %" in done.stderr.decode().splitlines()
    assert "cost not told by the service · estimated 100 cents\n" in done.stderr.decode()
    assert theo_service.requests[0].json == {"prompt": "WebGPU", "depth": "basic", "max_sources": 3}


async def test_complete_takes_images_and_goes_past_the_cache(
    hosted: Shell, theo_service: FakeTheo, tmp_path: Path
) -> None:
    (tmp_path / "login.png").write_bytes(PNG)

    done = await hosted("complete", "What is wrong?", "--attachment", str(tmp_path / "login.png"), "--fresh")

    sent = theo_service.requests[0].json
    assert done.returncode == 0, done.stderr
    assert base64.b64decode(sent["attachments"][0]["data"]) == PNG
    assert sent["prompt"].startswith("What is wrong?\n\n(Answer anew: ")


async def test_code_is_also_saved_under_a_name(hosted: Shell, tmp_path: Path) -> None:
    done = await hosted("code", "x", "--save-as", "auth.ts")

    assert done.stdout.decode() == theo.CODE + "\n"
    assert (tmp_path / "made" / "auth.ts").read_text(encoding="utf-8") == theo.CODE


async def test_several_files_of_code_come_each_under_its_name(hosted: Shell, theo_service: FakeTheo) -> None:
    theo_service.artifacts = [
        {"id": "a1", "type": "code", "title": name, "code": code, "language": "python"}
        for name, code in (("a.py", "a = 1\n"), ("b.py", "b = 2"))
    ]

    done = await hosted("code", "x")

    assert done.stdout.decode() == f"{theo.CODE}\n\n==> a.py <==\na = 1\n\n==> b.py <==\nb = 2\n"


async def test_a_text_that_is_too_long_for_a_host_is_whole_in_the_shell(hosted: Shell, theo_service: FakeTheo) -> None:
    code = "x = 1\n" * 20_000
    theo_service.next = [faults.status(200, {"id": "code_1", "content": code, "usage": {"cost_cents": 0.05}})]

    done = await hosted("code", "x")
    handle = json.loads((await hosted("history", "--json")).stdout)["runs"][0]["handle"]
    again = await hosted("result", handle)
    as_json = json.loads((await hosted("result", handle, "--json")).stdout)

    assert done.stdout.decode() == code
    assert again.stdout.decode().rstrip("\n") + "\n" == code
    assert as_json["code"] == code
    assert "Showing the first" not in again.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("image", "x"),
        ("generate", "x", "--output-type", "website"),
        ("research", "x"),
    ],
)
async def test_without_a_key_the_next_step_is_told(shell: Shell, words: tuple[str, ...]) -> None:
    done = await shell(*words)

    assert (done.returncode, done.stdout) == (3, b"")
    assert "next:" in done.stderr.decode()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("image", "x", "--count", "9"), "at most 4"),
        (("image", "x", "--aspect-ratio", "16:8"), "Did you mean '16:9'?"),
        (("image", " "), "There is no prompt"),
        (("generate", "x"), "--output-type"),
        (("research", "x", "--depth", "deep"), "The values are: basic, advanced."),
        (("result", "run_nobody"), "There is no result with this handle."),
        (("result", "x", "--wait", "-1"), "is no number of seconds"),
        (("history", "--limit", "0"), "is no number from 1 to 999,999,999"),
        (("history", "--requests", "--limit", "9" * 20), "is no number from 1 to 999,999,999"),
    ],
)
async def test_wrong_input_is_a_sentence_and_nothing_is_sent(
    hosted: Shell, theo_service: FakeTheo, words: tuple[str, ...], said: str
) -> None:
    done = await hosted(*words)

    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()
    assert theo_service.requests == []


@pytest.mark.slow
async def test_ctrl_c_of_a_sent_paid_call_keeps_its_answer_under_the_handle(
    hosted: Shell, theo_service: FakeTheo
) -> None:
    held = Held()
    theo_service.next = [held]
    with anyio.fail_after(SECONDS):
        async with await hosted.start("code", "x") as process:
            await held.asked.wait()
            process.send_signal(signal.SIGINT)
            said = await said_until(process, "theo-mcp result run_")
            held.free.set()
            said += await said_until(process, "never said")
            await process.wait()
    handle = re.findall(r"theo-mcp result (run_\S+)", said)[-1]
    read = await hosted("result", handle)

    assert process.returncode == 130
    assert "is paid for, so its answer is waited for and kept" in said
    assert f"The answer is kept: theo-mcp result {handle}" in said
    assert "Traceback" not in said
    assert (read.returncode, read.stdout.decode()) == (0, theo.CODE + "\n")
    assert "cost 0.05 cents" in read.stderr.decode()
    assert len(theo_service.requests) == 1


@pytest.mark.slow
async def test_a_second_ctrl_c_ends_at_once_and_the_handle_says_that_it_may_be_billed(
    hosted: Shell, theo_service: FakeTheo
) -> None:
    held = Held()
    theo_service.next = [held]
    with anyio.fail_after(SECONDS):
        async with await hosted.start("code", "x") as process:
            await held.asked.wait()
            process.send_signal(signal.SIGINT)
            said = await said_until(process, "theo-mcp result run_")
            process.send_signal(signal.SIGINT)
            said += await said_until(process, "never said")
            await process.wait()
    handle = re.findall(r"theo-mcp result (run_\S+)", said)[0]
    read = await hosted("result", handle)

    assert process.returncode == 130
    assert "Traceback" not in said
    assert (read.returncode, read.stdout) == (1, b"")
    assert "may have been done and billed" in read.stderr.decode()


@pytest.mark.slow
async def test_a_run_of_another_process_is_seen_waited_for_and_read(hosted: Shell, theo_service: FakeTheo) -> None:
    held = Held()
    theo_service.next = [held]
    with anyio.fail_after(SECONDS):
        async with await hosted.start("code", "x") as process:
            await held.asked.wait()
            while not (listed := json.loads((await hosted("history", "--json")).stdout)["runs"]):
                await anyio.lowlevel.checkpoint()
            handle = listed[0]["handle"]
            now = await hosted("result", handle)
            as_json = await hosted("result", handle, "--json")
            async with await hosted.start("result", handle, "--wait", "inf") as waiting:
                held.free.set()
                assert waiting.stdout is not None
                read = b"".join([part async for part in waiting.stdout])
            await process.wait()

    assert listed[0]["state"] == "running"
    assert (now.returncode, now.stdout) == (5, b"")
    assert f"theo-mcp result {handle} --wait" in now.stderr.decode()
    assert json.loads(as_json.stdout)["status"] == "running"
    assert (waiting.returncode, read.decode()) == (0, theo.CODE + "\n")


async def test_a_session_and_the_shell_read_each_other(
    hosted: Shell, theo_service: FakeTheo, make_settings: MakeSettings
) -> None:
    settings = make_settings(
        theo_api_key=theo.KEY, theo_base_url=theo_service.origin, output_dir=hosted.environment["THEO_MCP_OUTPUT_DIR"]
    )
    made = json.loads((await hosted("complete", "x", "--json")).stdout)
    async with connect(settings) as backend, Client(build(backend, settings)) as client:
        read = await client.call_tool("theo_result", {"handle": made["handle"]})
        await client.call_tool("theo_code", {"prompt": "x"})
    newest = json.loads((await hosted("history", "--json", "--limit", "1")).stdout)["runs"]
    code = await hosted("result", newest[0]["handle"])

    assert isinstance(read.content[0], TextContent)
    assert read.content[0].text.startswith("".join(theo.WORDS))
    assert code.stdout.decode() == theo.CODE + "\n"


@pytest.mark.slow
async def test_a_reader_that_leaves_a_generation_stops_it(hosted: Shell, getcode_service: FakeGetCode) -> None:
    getcode_service.pieces = ["line\n"] * 100_000
    with anyio.fail_after(SECONDS):
        done = await anyio.run_process(
            ["sh", "-c", f"{__import__('sys').executable} -m theo_mcp generate x --output-type website | head -3"],
            check=False,
            env=hosted.environment,
        )
        await getcode_service.exchanges[-1].closed.wait()

    assert done.stdout == b"line\n" * 3
    assert b"Traceback" not in done.stderr
