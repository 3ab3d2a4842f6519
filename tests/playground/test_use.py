"""Used by keyboard alone, on a phone, at 200 %, in light and dark: what can be measured of it."""

from __future__ import annotations

import pytest

from tests.playground.chromium import Page
from tests.playground.gateway import KEY, FakeGateway
from tests.playground.steps import ask
from theo_mcp.testing import faults

pytestmark = pytest.mark.browser
CONTRAST = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92
    : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c[3] === 255) return c; } return [255, 255, 255]; };
  const ratio = (one, two) => { const [a, b] = [light(one), light(two)].sort((x, y) => y - x);
    return (a + .05) / (b + .05); };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const e = node.parentElement;
    if (!node.data.trim() || !e.checkVisibility() || e.closest('noscript, option, :disabled')) continue;
    const found = ratio(rgb(getComputedStyle(e).color), behind(e));
    if (found < 4.5) low.push(`${node.data.trim().slice(0, 30)}: ${found.toFixed(2)}`);
  }
  for (const e of document.querySelectorAll('input:not([type=radio]), select, textarea')) {
    if (!e.checkVisibility() || e.type === 'checkbox') continue;
    const found = ratio(rgb(getComputedStyle(e).borderTopColor), behind(e.parentElement));
    if (found < 3) low.push(`the border of ${e.id}: ${found.toFixed(2)}`);
  }
  return low;
})()"""
NAMELESS = """[...document.querySelectorAll('a, button, input, select, textarea, [role=tab], pre, iframe, img')]
  .filter((e) => e.checkVisibility() && !(e.labels?.length || e.textContent.trim() || e.title || e.alt
    || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby'))).map((e) => e.outerHTML.slice(0, 80))"""


async def test_everything_is_done_by_keyboard(gateway: FakeGateway, blank: Page) -> None:
    await _tab_to(blank, "key")
    await blank.type(KEY)
    await blank.press("Enter")
    await blank.shows("The key works", "#key-state")
    await _tab_to(blank, "endpoint-completion")
    await blank.press("ArrowRight")
    await blank.press("ArrowLeft")
    await _tab_to(blank, "prompt")
    await blank.type("Explain microservices architecture")
    await blank.press("Enter", control=True)
    await blank.shows("Done", "#state")
    assert await blank.run("document.activeElement.id") == "prompt"

    await _tab_to(blank, "tab-answer")
    await blank.press("ArrowRight")
    assert await blank.run("document.activeElement.id") == "tab-curl"
    await blank.shows("curl -N", "#panel-curl")
    await blank.press("ArrowLeft")
    for _ in range(3):
        await blank.press("Tab")
        if await blank.run("document.activeElement.textContent") == "Service mesh":
            break
    await blank.press("Enter")
    assert await blank.run("document.activeElement.id") == "prompt"
    assert await blank.run("document.activeElement.value") == "Explain service mesh in microservices"
    await _tab_to(blank, "send")
    gateway.theo.silent_after = 1
    await blank.press("Enter")
    await blank.shows("Microservices", "#text")
    assert await blank.run("document.activeElement.id") == "stop"
    await blank.press("Escape")
    await blank.shows("Stopped", "#state")
    assert await blank.run("document.activeElement.id") == "send"


async def test_what_has_the_focus_is_seen(blank: Page) -> None:
    seen: set[str] = set()
    for _ in range(12):
        await blank.press("Tab")
        outline = (
            "(e) => getComputedStyle(e).outlineStyle !== 'none' && parseFloat(getComputedStyle(e).outlineWidth) >= 1"
        )
        focused = "document.activeElement"
        assert await blank.run(f"[{focused}, {focused}.nextElementSibling].filter(Boolean).some({outline})"), seen
        seen.add(await blank.run(f"{focused}.id || {focused}.className || {focused}.tagName"))
    assert {"key", "key-show", "key-keep", "endpoint-completion", "prompt", "field-mode", "send"} <= seen


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_text_and_borders_have_contrast_and_everything_has_a_name(
    gateway: FakeGateway, page: Page, dark: bool
) -> None:
    await page.size(1280, 900, dark=dark)
    gateway.theo.words = ["Some text.\n```python\nprint(1)\n```\n"]
    gateway.next_call.append(
        faults.status(402, {"error": {"message": "No credits are left.", "code": "insufficient_credits"}})
    )
    await ask(page, "Hello")
    await page.shows("Failed", "#state")
    assert await page.run(CONTRAST) == []
    assert await page.run(NAMELESS) == []
    await page.run("document.querySelector('#more').open = true")
    await ask(page, "Hello")
    await page.shows("Done", "#state")
    assert await page.run(CONTRAST) == []
    assert await page.run(NAMELESS) == []
    background = await page.run("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(19, 20, 18)" if dark else "rgb(245, 244, 240)")
    await page.click("#theme")
    await page.click("#theme")
    assert await page.text("#theme") == "Theme: dark"
    assert await page.run("getComputedStyle(document.body).backgroundColor") == "rgb(19, 20, 18)"


@pytest.mark.parametrize(("width", "height"), [(360, 740), (640, 450), (1280, 900)], ids=["phone", "200 %", "wide"])
async def test_nothing_is_cut_off_at_any_width(gateway: FakeGateway, page: Page, width: int, height: int) -> None:
    await page.size(width, height, phone=width == 360)
    gateway.theo.words = ["word " * 50, "y" * 3000, "\n```\n", "z" * 3000, "\n```\n"]
    for endpoint in ("completion", "generate", "upload", "research"):
        await page.click(f"#endpoint-{endpoint}")
        assert await page.run("document.documentElement.scrollWidth <= innerWidth"), endpoint
    await page.click("#endpoint-completion")
    await ask(page, "Hello")
    await page.shows("Done", "#state")
    assert await page.run("document.documentElement.scrollWidth <= innerWidth")
    await page.click("#tab-curl")
    assert await page.run("document.documentElement.scrollWidth <= innerWidth")


async def test_a_screen_reader_hears_how_it_stands_and_not_every_word(gateway: FakeGateway, page: Page) -> None:
    gateway.theo.words = [f"word{number} " for number in range(300)]
    await page.run(
        "window.heard = [], new MutationObserver(() => heard.push(document.querySelector('#spoken').textContent))"
        ".observe(document.querySelector('#spoken'), {childList: true, characterData: true, subtree: true})"
    )
    await ask(page, "Much, please")
    await page.shows("Done", "#state")
    heard = await page.run("heard")

    assert heard[-1] == "Done 300 words."
    assert len(heard) <= 4


async def _tab_to(page: Page, id: str) -> None:
    for _ in range(40):
        if await page.run("document.activeElement.id") == id:
            return
        await page.press("Tab")
    raise AssertionError(f"the Tab key never reaches {id}")
