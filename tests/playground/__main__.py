"""The playground's pictures, for people to look at: ``python -m tests.playground`` writes them beside this file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import anyio

from tests.playground import chromium
from tests.playground.chromium import Page
from tests.playground.gateway import KEY, FakeGateway

_HERE = Path(__file__).parent
_WORDS = [
    "Keep one bucket of tokens for each key. A request takes one; ",
    "a full bucket lets a burst through, an empty one makes the caller wait.\n\n",
    "```python\nfrom time import monotonic\n\n\nclass Bucket:\n",
    '    """As many requests as `rate` a second, and bursts of `size`."""\n\n',
    "    def __init__(self, rate: float, size: float) -> None:\n",
    "        self.rate, self.size = rate, size\n        self.left, self.seen = size, monotonic()\n\n",
    "    def take(self) -> bool:\n        now = monotonic()\n",
    "        self.left = min(self.size, self.left + (now - self.seen) * self.rate)\n",
    "        self.seen = now\n        if self.left < 1:\n            return False\n",
    "        self.left -= 1\n        return True\n```\n\n",
    "The clock is monotonic, so a change of the wall clock gives nobody free requests.",
]
_SITE = (
    "<!doctype html><html lang='de'><style>body{margin:0;font:18px/1.5 Georgia,serif;background:#fbf5ea;color:#3b2a1a}"
    "header{padding:72px 40px;text-align:center;background:#e9d3ae}h1{font-size:52px;margin:0}"
    "main{display:flex;gap:24px;padding:40px;max-width:900px;margin:auto}article{flex:1;background:#fff;padding:24px;border-radius:12px}</style>"
    "<header><h1>Bäckerei Morgenrot</h1><p>Sourdough, baked before you wake.</p></header><main><article><h2>Today</h2>"
    "<p>Rye, spelt, and the walnut loaf.</p></article>"
    "<article><h2>Hours</h2><p>Monday to Saturday, 6 to 14.</p></article></main>"
)


async def main() -> None:
    program = chromium.found()
    assert program, "there is no Chromium on this machine"
    with tempfile.TemporaryDirectory() as folder:
        async with FakeGateway() as gateway, chromium.running(program, Path(folder) / "profile") as browser:
            gateway.theo.words = _WORDS
            gateway.getcode.pieces = [_SITE[start : start + 40] for start in range(0, len(_SITE), 40)]
            for name, width, height, dark in (
                ("light", 1280, 900, False),
                ("dark", 1280, 900, True),
                ("phone", 360, 780, False),
            ):
                page = await _begin(await browser.page(), gateway, width, height, dark)
                if name == "phone":
                    await page.photograph(_HERE / "phone.png")
                await _ask(page, "Write a rate limiter in Python, and say how it works.")
                await page.photograph(_HERE / ("phone-answer.png" if name == "phone" else f"{name}.png"))
            page = await _begin(await browser.page(), gateway, 1280, 900, False)
            await page.click("#endpoint-generate")
            await _ask(page, "A page for a bakery")
            await page.click("#text .strong")
            await page.run("new Promise((drawn) => setTimeout(drawn, 400))")
            await page.photograph(_HERE / "preview.png")


async def _begin(page: Page, gateway: FakeGateway, width: int, height: int, dark: bool) -> Page:
    await page.size(width, height, dark=dark, phone=width < 500)
    await page.open(f"{gateway.origin}/playground")
    await page.set("#key", KEY)
    await page.shows("The key works", "#key-state")
    return page


async def _ask(page: Page, prompt: str) -> None:
    await page.set("#prompt", prompt)
    await page.click("#send")
    await page.shows("Done", "#state")


if __name__ == "__main__":
    anyio.run(main)
