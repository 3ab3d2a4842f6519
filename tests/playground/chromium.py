"""A real Chromium without a window, driven over its own protocol through a pipe; no driver has to be installed."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from theo_mcp.machine import environment

WAIT_S = 15.0
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_VARIABLE = "THEO_TEST_CHROMIUM"
_LAUNCH = (
    "import fcntl, os, sys\n"
    "read, write = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in sys.argv[1:3])\n"
    "os.dup2(read, 3); os.dup2(write, 4)\n"
    "os.execv(sys.argv[3], sys.argv[3:])\n"
)
"""The protocol's two pipes are the file descriptors 3 and 4."""
_KEYS = {
    "Tab": 9, "Enter": 13, "Escape": 27, "Space": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
}  # fmt: skip
Fields = dict[str, Any]


def installed(folder: Path) -> str:
    """Chromium on this machine; where there is none, root on Debian installs it, and anybody else is told."""
    if program := found():
        return program
    if not (shutil.which("apt-get") and os.geteuid() == 0):
        pytest.skip(f"No Chromium on this machine; install one, or name it in {_VARIABLE}.")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if found() is None:
            subprocess.run(["apt-get", "-qq", "update"], check=True, stdout=sys.stderr)
            install = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", "chromium", "fonts-dejavu-core"]
            subprocess.run(install, check=True, stdout=sys.stderr)
    program = found()
    assert program is not None, "Debian's package chromium brings a program of that name"
    return program


def found() -> str | None:
    """The program, where there is one."""
    return environment().get(_VARIABLE) or next(filter(None, map(shutil.which, _NAMES)), None)


class Page:
    """One tab. What its console, its policy and its scripts complain of is in `complaints`."""

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self._browser = browser
        self._session = session
        self._context = context
        self.sessions: list[str] = []
        """Its own, and those of frames that have a process of their own."""
        self.complaints: list[str] = []
        self.failed_requests: list[str] = []
        """What the console says of answers that are errors: no complaint of the page's."""

    async def send(self, method: str, **params: object) -> Fields:
        return await self._browser.send(method, params, self._session)

    async def open(self, url: str) -> None:
        await self.send("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def close(self) -> None:
        await self._browser.send("Target.disposeBrowserContext", {"browserContextId": self._context})

    async def run(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        fields = {"expression": expression, "returnByValue": True, "awaitPromise": True, "userGesture": True}
        done = await self.send("Runtime.evaluate", **fields)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    async def frames(self, expression: str) -> list[Any]:
        """The values of an expression in every frame that is there, the page's own first."""
        found = []
        for session in tuple(self.sessions):
            with suppress(AssertionError):  # a frame may go meanwhile
                waiting = [(await self._browser.send("Page.getFrameTree", {}, session))["frameTree"]]
                while waiting:
                    tree = waiting.pop(0)
                    waiting += tree.get("childFrames", ())
                    where = {"frameId": tree["frame"]["id"]}
                    world = (await self._browser.send("Page.createIsolatedWorld", where, session))["executionContextId"]
                    asked = {"expression": expression, "contextId": world, "returnByValue": True}
                    found.append((await self._browser.send("Runtime.evaluate", asked, session))["result"].get("value"))
        return found

    async def until(self, expression: str) -> Any:
        """The first value of the expression that is true; the page's own frames are the clock."""
        waiting = (
            f"new Promise((found, failed) => {{ const look = () => {{ let value; try {{ value = ({expression}); }} "
            "catch { value = null; } value ? found(value) : setTimeout(look, 5); }; look(); })"
        )
        try:
            with anyio.fail_after(WAIT_S):
                return await self.run(waiting)
        except TimeoutError:
            seen = await self.run("document.body.innerText")
            raise AssertionError(f"{expression} never came true; the page shows:\n{seen}") from None

    async def shows(self, text: str, place: str = "body") -> None:
        """Waits until `place` shows `text`."""
        await self.until(f"document.querySelector({json.dumps(place)}).innerText.includes({json.dumps(text)})")

    async def text(self, place: str) -> str:
        return str(await self.run(f"document.querySelector({json.dumps(place)}).innerText"))

    async def click(self, place: str) -> None:
        """A click of the mouse in the middle of what is there."""
        where = await self.until(
            f"(() => {{ const e = document.querySelector({json.dumps(place)}); e.scrollIntoView({{block: 'center'}}); "
            "const b = e.getBoundingClientRect(); return b.width && {x: b.x + b.width / 2, y: b.y + b.height / 2}; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **where)

    async def type(self, text: str) -> None:
        """Text into what has the focus."""
        await self.send("Input.insertText", text=text)

    async def press(self, key: str, *, control: bool = False, shift: bool = False) -> None:
        fields: Fields = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        fields["modifiers"] = 2 * control + 8 * shift
        written = {"Enter": "\r", "Space": " "}.get(key) if not control else None
        await self.send("Input.dispatchKeyEvent", type="keyDown", **fields, **({"text": written} if written else {}))
        await self.send("Input.dispatchKeyEvent", type="keyUp", **fields)

    async def set(self, place: str, value: str) -> None:
        """Fills a field and tells the page, as a person's choice would."""
        await self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(place)}); e.value = {json.dumps(value)}; "
            "for (const name of ['input', 'change']) e.dispatchEvent(new Event(name, {bubbles: true})); })()"
        )

    async def size(self, width: int, height: int, *, scale: float = 1, dark: bool = False, phone: bool = False) -> None:
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=phone
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[scheme])

    async def photograph(self, path: Path, *, whole: bool = False) -> None:
        shot = await self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def heard(self, method: str, params: Fields) -> None:
        if method == "Log.entryAdded":
            entry = params["entry"]
            said = f"{entry['source']}: {entry['text']}"
            if entry["source"] == "network" and "Failed to load resource" in entry["text"]:
                self.failed_requests.append(said)
            elif entry["level"] in ("warning", "error"):
                self.complaints.append(said)
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(f"console.{params['type']}: {params['args']}"[:500])


class Browser:
    """Speaks the protocol: JSON messages that end in a zero byte."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._number = 0
        self._writing = anyio.Lock()
        self._answers: dict[int, tuple[anyio.Event, list[Fields]]] = {}
        self._pages: dict[str, Page] = {}

    async def page(self) -> Page:
        """A new tab with nothing of any other's."""
        context = (await self.send("Target.createBrowserContext"))["browserContextId"]
        target = await self.send("Target.createTarget", {"url": "about:blank", "browserContextId": context})
        attached = await self.send("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        page = self._pages[attached["sessionId"]] = Page(self, attached["sessionId"], context)
        await page.send("DOM.enable")
        await self._watch(page, attached["sessionId"])
        await page.size(1280, 900)
        return page

    async def _watch(self, page: Page, session: str) -> None:
        """Hears what a page says, or one of its frames that has a process of its own."""
        self._pages[session] = page
        page.sessions.append(session)
        for domain in ("Page", "Runtime", "Log"):
            await self._tell(f"{domain}.enable", {}, session)
        attach = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
        await self._tell("Target.setAutoAttach", attach, session)

    async def _tell(self, method: str, params: Fields, session: str | None) -> int:
        self._number += 1
        message: Fields = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        number, data = self._number, json.dumps(message).encode() + b"\0"
        async with self._writing:
            while data:
                await anyio.wait_writable(self._write)
                data = data[os.write(self._write, data) :]
        return number

    async def send(self, method: str, params: Fields | None = None, session: str | None = None) -> Fields:
        answer: list[Fields] = []
        come = anyio.Event()
        self._answers[self._number + 1] = come, answer
        number = await self._tell(method, params or {}, session)
        with anyio.fail_after(WAIT_S * 2):
            await come.wait()
        del self._answers[number]
        assert "error" not in answer[0], f"{method}: {answer[0]['error']}"
        fields: Fields = answer[0]["result"]
        return fields

    async def listen(self) -> None:
        rest = b""
        while True:
            await anyio.wait_readable(self._read)
            chunk = os.read(self._read, 2**20)
            if not chunk:
                return
            *messages, rest = (rest + chunk).split(b"\0")
            for message in map(json.loads, messages):
                if (number := message.get("id")) in self._answers:
                    come, answer = self._answers[number]
                    answer.append(message)
                    come.set()
                elif (page := self._pages.get(message.get("sessionId", ""))) and "method" in message:
                    if message["method"] == "Target.attachedToTarget":
                        await self._watch(page, message["params"]["sessionId"])
                    elif message["method"] == "Target.detachedFromTarget":
                        page.sessions.remove(message["params"]["sessionId"])
                    page.heard(message["method"], message["params"])


@asynccontextmanager
async def running(program: str, folder: Path) -> AsyncIterator[Browser]:
    """Chromium with an empty profile in `folder`; it ends with the ``with``."""
    (their_read, our_write), (our_read, their_write) = os.pipe(), os.pipe()
    for end in (our_read, our_write):
        os.set_blocking(end, False)
    options = [
        "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={folder}", "--no-first-run", "--disable-gpu",
        "--disable-background-networking", "--disable-extensions", "--disable-component-update", "--mute-audio",
        "--hide-scrollbars", "--disable-dev-shm-usage", "--no-proxy-server", "--lang=en",
    ]  # fmt: skip
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # Chromium's sandbox does not start as root
    command = [sys.executable, "-c", _LAUNCH, str(their_read), str(their_write), program, *options]
    async with await anyio.open_process(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        pass_fds=(their_read, their_write),
    ) as process:  # fmt: skip
        os.close(their_read)
        os.close(their_write)
        browser = Browser(our_read, our_write)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(browser.listen)
            try:
                yield browser
                await browser.send("Browser.close")
            finally:
                tasks.cancel_scope.cancel()
        with anyio.move_on_after(5):
            await process.wait()
        if process.returncode is None:
            process.kill()
    os.close(our_read)
    os.close(our_write)
