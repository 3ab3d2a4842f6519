"""The request as the page shows it, run in a real shell and a real Python; and where the key is kept."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from tests.playground.chromium import Page
from tests.playground.gateway import KEY, FakeGateway
from tests.playground.steps import ask, choose

pytestmark = pytest.mark.browser
NASTY = "It's a \"quote\", a `tick`, $HOME, a \\ and !!\nsecond line — ünïcödé 🥐 %s \\n 'end'"


async def test_the_curl_text_sends_the_same_bytes_from_a_shell(gateway: FakeGateway, page: Page) -> None:
    await ask(page, NASTY)
    await page.shows("Done", "#state")
    await page.click("#tab-curl")
    command = await page.run("document.querySelector('#curl').textContent")
    assert KEY not in command

    for shell in ("sh", "bash"):
        await _run_in(shell, command)

    sent, *again = (exchange.request for exchange in gateway.calls)
    assert sent.json["prompt"] == NASTY
    for request in again:
        assert (request.body, request.path) == (sent.body, sent.path)
        assert request.headers["authorization"] == sent.headers["authorization"] == f"Bearer {KEY}"
    assert len(again) == 2


async def test_the_curl_text_of_an_upload_reads_the_file(gateway: FakeGateway, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "it's a menu.pdf"
    file.write_bytes(b"%PDF-1.7" + bytes(range(256)) * 2000)
    await choose(page, file)
    await page.click("#send")
    await page.shows("Done", "#state")
    await _run_in("sh", await page.run("document.querySelector('#curl').textContent"), tmp_path)

    first, second = gateway.calls
    assert second.request.body == first.request.body


async def test_the_python_text_runs_with_openais_package(gateway: FakeGateway, page: Page, tmp_path: Path) -> None:
    await page.click("#endpoint-chat")
    await page.run("document.querySelector('#more').open = true")
    await page.set("#field-system", "You are terse.")
    await page.set("#field-temperature", "0.5")
    await ask(page, NASTY)
    await page.shows("Done", "#state")
    text = await page.run("document.querySelector('#python').textContent")
    done = await anyio.run_process([sys.executable, "-c", text], env={"THEO_API_KEY": KEY, "HOME": str(tmp_path)})

    assert done.stdout.decode() == "Microservices architecture is a design pattern — ein Muster 🧩."
    first, second = gateway.calls
    assert second.request.json == first.request.json


async def test_the_key_is_kept_only_if_the_user_says_so_and_is_in_no_address(gateway: FakeGateway, page: Page) -> None:
    await ask(page, "Hello")
    await page.shows("Done", "#state")
    assert KEY not in await page.run("JSON.stringify([sessionStorage, localStorage, document.cookie, location.href])")
    assert all(KEY not in request.path for request in gateway.requests)
    await page.click("#key-keep")
    await page.open(f"{gateway.origin}/playground")
    await page.shows("The key works", "#key-state")
    await page.click("#key-keep")
    assert KEY not in await page.run("JSON.stringify([sessionStorage, localStorage])")
    await page.open(f"{gateway.origin}/playground")
    await page.shows("Make one", "#key-state")
    assert await page.run("document.querySelector('#key').value") == ""


async def _run_in(shell: str, command: str, folder: Path | None = None) -> None:
    variables = {"THEO_API_KEY": KEY, "GETCODE_API_KEY": KEY, "PATH": "/usr/bin:/bin"}
    done = await anyio.run_process(
        [shell, "-c", command], env=variables, cwd=folder, check=False, stderr=subprocess.PIPE
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not re.search(r'"error"', done.stdout.decode())
