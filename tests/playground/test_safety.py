"""What a model writes stays text, and the pages that it makes get no further than their frame."""

from __future__ import annotations

import anyio
import pytest

from tests.playground.chromium import Page
from tests.playground.gateway import FakeGateway
from theo_mcp.testing.http import Exchange, HttpServer

pytestmark = pytest.mark.browser
HOSTILE = [
    "<script>window.owned = 1</script><img src=x onerror='window.owned = 2'></pre></code>",
    " \x1b[31mred\x1b[0m \u202egnp.exe\u202c ",
    "<a href='javascript:window.owned = 3'>x</a>\n\n```html\n",
    "</script><script>window.owned = 4</script>\n```\n",
    "x" * 20_000,
    "\n\nשלום עולם",
]


async def test_hostile_text_stays_text(gateway: FakeGateway, page: Page) -> None:
    gateway.theo.words = HOSTILE
    gateway.theo.artifacts = [
        {"id": "1", "type": "image", "title": "<b>cat</b>", "imageUrl": "javascript:window.owned=5"},
        {
            "id": "2",
            "type": "code",
            "title": "</h2><script>",
            "code": "<script>window.owned = 6</script>",
            "language": "html",
        },
        {"id": "3", "type": "document", "title": "doc", "downloadUrl": "data:text/html,<script>1</script>"},
    ]
    await page.set("#prompt", "Be evil")
    await page.click("#send")
    await page.shows("Done", "#state")

    assert await page.run("window.owned") is None
    assert await page.run("document.querySelectorAll('#answer script, #answer img, #answer a').length") == 0
    shown = await page.text("#text")
    assert "<script>window.owned = 1</script><img src=x onerror='window.owned = 2'>" in shown
    assert "␛[31mred␛[0m ⟨U+202E⟩gnp.exe⟨U+202C⟩" in shown
    assert (
        await page.run("document.querySelector('#text pre').textContent")
        == "</script><script>window.owned = 4</script>"
    )
    assert await page.run("document.documentElement.scrollWidth <= innerWidth")


async def test_a_page_that_a_model_made_is_shown_without_scripts_until_the_user_turns_them_on(
    gateway: FakeGateway, page: Page
) -> None:
    gateway.getcode.pieces = [
        "<!doctype html><style>h1 { color: rgb(1, 2, 3) }</style><h1 style='font-size: 40px'>Bäckerei</h1>",
        "<p id=p>still</p><script>document.getElementById('p').textContent = 'running as ' + origin;</script>",
    ]
    await page.click("#endpoint-generate")
    await page.set("#prompt", "A bakery")
    await page.click("#send")
    await page.shows("Done", "#state")
    await page.click("#text .strong")

    assert await _framed(page, "still") == "Bäckerei\nstill|rgb(1, 2, 3)|40px"
    await page.click("#preview-scripts")
    assert await _framed(page, "running") == "Bäckerei\nrunning as null|rgb(1, 2, 3)|40px"
    await page.press("Escape")
    await page.until("!document.querySelector('dialog[open]') && !document.querySelector('iframe')")
    assert all("Blocked script execution" in said for said in page.complaints), page.complaints
    page.complaints.clear()


async def test_a_page_that_a_model_made_reaches_neither_the_network_nor_the_key(
    gateway: FakeGateway, page: Page
) -> None:
    async def told(exchange: Exchange) -> None:
        await exchange.reply(200, "")

    async with HttpServer(told) as elsewhere:
        spy = (
            "<!doctype html><p id=p>-</p><script>const said = []; const say = (word) => { said.push(word); "
            "document.getElementById('p').textContent = said.join(' '); };"
            f"fetch('{elsewhere.origin}/fetch').then(() => say('fetched'), () => say('no-fetch'));"
            f"new Image().src = '{elsewhere.origin}/image';"
            "try { parent.parent.document; say('reached'); } catch { say('no-parent'); }"
            "try { sessionStorage; say('stored'); } catch { say('no-store'); }"
            "try { top.location = 'about:blank'; say('moved'); } catch { say('no-top'); }"
            f"setTimeout(() => {{ location.href = '{elsewhere.origin}/navigate'; }}, 1500);</script>"
        )
        gateway.getcode.pieces = [spy]
        await page.click("#endpoint-generate")
        await page.set("#prompt", "A spy")
        await page.click("#send")
        await page.shows("Done", "#state")
        await page.click("#text .strong")
        await page.click("#preview-scripts")
        said = await _framed(page, "no-fetch")
        for word in ("no-fetch", "no-parent", "no-store", "no-top"):
            assert word in said
        await page.run("new Promise((go) => setTimeout(go, 2500))")  # until it has tried to go elsewhere

        assert elsewhere.requests == []
    assert any("Content Security Policy" in said for said in page.complaints)
    page.complaints.clear()


async def _framed(page: Page, word: str) -> str:
    """What the innermost frame shows, once it shows `word`: its text, its heading's colour and size."""
    looking = (
        "document.body.innerText.includes(WORD) && [document.body.innerText.replace(/\\n+/g, '\\n').trim(), "
        "getComputedStyle(document.querySelector('h1') ?? document.body).color, "
        "getComputedStyle(document.querySelector('h1') ?? document.body).fontSize].join('|')"
    ).replace("WORD", repr(word))
    with anyio.fail_after(15):
        while True:
            if said := next(filter(None, (await page.frames(looking))[1:]), None):
                return str(said)
