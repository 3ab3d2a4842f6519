"""Asking and being answered: streams, stopping, every endpoint, and what the page says when it goes wrong."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.playground.chromium import Page
from tests.playground.gateway import KEY, LIMITS, FakeGateway
from tests.playground.steps import ask, choose
from theo_mcp.testing import faults
from theo_mcp.testing.http import Exchange, Handler

pytestmark = pytest.mark.browser


async def test_an_answer_appears_token_by_token(gateway: FakeGateway, page: Page) -> None:
    go_on = anyio.Event()

    async def slowly(exchange: Exchange) -> None:
        await exchange.start_events()
        await exchange.event({"mode": "auto", "resolved_mode": "fast", "model": {"id": "small-1b"},
                              "routing": {"confidence": 0.83, "reason": "A short question."}}, "meta")  # fmt: skip
        await exchange.event({"token": "One "}, "token")
        await go_on.wait()
        await exchange.event({"token": "two."}, "token")
        await exchange.event({"content": "One two.", "usage": {"cost_cents": 0}}, "done")

    gateway.next_call.append(slowly)
    await ask(page, "Count.")

    await page.shows("One", "#text")
    assert await page.text("#state") == "Answering …"
    assert await page.text("#facts") == "small-1b\nauto → fast, 83 % sure\nA short question."
    go_on.set()
    await page.shows("Done", "#state")
    assert await page.text("#text") == "One two."


async def test_code_and_bold_words_in_a_sentence_are_shown_as_such_while_they_grow(
    gateway: FakeGateway, page: Page
) -> None:
    go_on = anyio.Event()

    async def slowly(exchange: Exchange) -> None:
        await exchange.start_events()
        await exchange.event({"token": "It **slices** with `s[::"}, "token")
        await go_on.wait()
        await exchange.event({"token": "-1]`; 2 ** 3 and <b>x</b> stay."}, "token")
        await exchange.event({"usage": {"cost_cents": 0}}, "done")

    gateway.next_call.append(slowly)
    await ask(page, "How?")

    await page.shows("It slices with `s[::", "#text")
    go_on.set()
    await page.shows("Done", "#state")
    assert await page.text("#text") == "It slices with s[::-1]; 2 ** 3 and <b>x</b> stay."
    marked = await page.run("[...document.querySelectorAll('#text .prose *')].map((e) => e.tagName + e.innerText)")
    assert marked == ["Bslices", "CODEs[::-1]"]


async def test_events_may_be_cut_anywhere_and_have_any_line_ends(gateway: FakeGateway, page: Page) -> None:
    body = (
        ': a comment\r\nevent: thinking\r\ndata: .\r\n\r\nevent: token\rdata: {"token":\rdata:  "Ähre "}\r\r'
        'event: token\ndata: {"token": "\\ud83e"}\n\nevent: token\ndata: {"token": "\\udd50"}\n\n'
        'event: of_the_future\ndata: [\n\nevent: done\r\ndata: {"usage": {}}\r\n\r\n'
    )

    async def byte_by_byte(exchange: Exchange) -> None:
        await exchange.raw(faults.head(200, faults.EVENTS))
        for byte in body.encode():
            await exchange.raw(bytes([byte]))
            await anyio.lowlevel.checkpoint()
        await exchange.close()

    gateway.next_call.append(byte_by_byte)
    await ask(page, "Bread?")

    await page.shows("Done", "#state")
    assert await page.text("#text") == "Ähre 🥐"


@pytest.mark.parametrize("way", ["Escape", "#stop"])
async def test_stopping_ends_the_servers_work_and_keeps_the_text(gateway: FakeGateway, page: Page, way: str) -> None:
    gateway.theo.silent_after = 2
    await ask(page, "Explain microservices architecture")
    await page.shows("Microservices architecture", "#text")

    await (page.press(way) if way == "Escape" else page.click(way))

    await page.shows("Stopped", "#state")
    with anyio.fail_after(5):
        await gateway.calls[0].closed.wait()
    assert (await page.text("#text")).strip() == "Microservices architecture"
    assert "You stopped it" in await page.text("#error")


HTML_502 = "<html><body><h1>502 Bad Gateway</h1><script>alert(1)</script></body></html>"
ERRORS: dict[str, tuple[Handler, list[str]]] = {
    "402": (
        faults.status(402, {"error": {"message": "The key has 0 credits left.", "code": "insufficient_credits",
                                      "request_id": "req_9"}}),
        ["The credits of this key are used up", "The key has 0 credits left.", "HTTP 402", "req_9"],
    ),
    "501": (
        faults.status(501, {"error": {"message": "The engine on this machine does not draw yet."}}),
        ["Not available on this gateway", "The engine on this machine does not draw yet."],
    ),
    "a string": (
        faults.status(400, {"error": "Invalid outputType"}),
        ["The request is not right", "Invalid outputType"],
    ),
    "a page of a proxy": (faults.status(502, HTML_502, content_type="text/html"), ["The gateway answered 502."]),
    "no JSON": (faults.status(200, "<p>hello</p>", content_type="text/html"), ["The answer is not JSON."]),
    "a cut stream": (
        faults.cut(faults.head(200, faults.EVENTS) + faults.token("Half a sen")),
        ["The answer is incomplete", "What came until then is kept."],
    ),
    "an error in the stream": (
        faults.cut(faults.head(200, faults.EVENTS) + faults.token("Half a sen")
                   + b'event: error\ndata: {"error": {"message": "The model server went away."}}\n\n'),
        ["The model server went away."],
    ),
    "no server": (faults.cut(), ["No connection", "The gateway could not be reached."]),
}  # fmt: skip


@pytest.mark.parametrize("kind", ERRORS)
async def test_what_goes_wrong_is_said_in_words(gateway: FakeGateway, page: Page, kind: str) -> None:
    handler, sentences = ERRORS[kind]
    gateway.next_call.extend([handler] * 30)  # Chromium itself asks again where a kept connection is closed at once
    await ask(page, "Draw a cat")

    await page.shows("Failed", "#state")
    said = await page.text("#error")
    for sentence in sentences:
        assert sentence in said
    if "stream" in kind:
        assert await page.text("#text") == "Half a sen"
    assert await page.run("document.querySelectorAll('#error script, #error h1').length") == 0


async def test_a_key_that_nobody_knows_is_said_with_the_command_that_makes_one(
    blank: Page, gateway: FakeGateway
) -> None:
    await blank.set("#key", "theo_sk_wrong")
    await blank.shows("The gateway does not know this key", "#key-state")
    await ask(blank, "Hello")
    await blank.shows("Failed", "#state")

    assert "theo-mcp gateway keys create" in await blank.text("#key-state")
    assert "theo-mcp gateway keys create" in await blank.text("#error")
    assert await blank.run("document.activeElement.id") == "key"


async def test_too_many_requests_count_down_and_are_sent_again_by_the_user(gateway: FakeGateway, page: Page) -> None:
    busy = {"error": {"message": "60 requests a minute are the limit.", "code": "rate_limit_exceeded"}}
    gateway.next_call.append(faults.status(429, busy, retry_after="2", **LIMITS))
    await ask(page, "Hello")

    await page.shows("You can send again in 2 s.", "#error")
    assert await page.run("document.querySelector('#error button').disabled")
    assert "9 of 60 requests left, anew in 58s" in await page.text("#numbers")
    assert len(gateway.calls) == 1
    await page.shows("You can send again now.", "#error")
    await page.click("#error button")
    await page.shows("Done", "#state")
    assert len(gateway.calls) == 2


async def test_each_endpoint_sends_what_its_documents_say(gateway: FakeGateway, page: Page) -> None:
    """The fakes refuse any field that is not in the documents."""
    for endpoint in ("code", "images", "documents", "improve", "generate", "chat", "completion"):
        await page.click(f"#endpoint-{endpoint}")
        await page.set("#prompt", "A bakery's page")
        await page.click("#send")
        await page.until(f"document.querySelectorAll('#past-list li').length === {len(gateway.calls) or 1}")
        await page.shows("Done", "#state")
    bodies = {exchange.request.path: exchange.request.json for exchange in gateway.calls}

    assert bodies["/api/v1/code"] == {"prompt": "A bakery's page"}
    assert bodies["/api/v1/documents"] == {"prompt": "A bakery's page", "format": "pdf"}
    assert bodies["/api/generate"] == {"prompt": "A bakery's page", "outputType": "website", "language": "auto"}
    assert bodies["/api/v1/chat/completions"]["messages"] == [{"role": "user", "content": "A bakery's page"}]
    assert bodies["/api/v1/completions"] == {"prompt": "A bakery's page", "mode": "auto", "stream": True}


async def test_every_setting_of_a_completion_is_sent_and_the_conversation_goes_on(
    gateway: FakeGateway, page: Page
) -> None:
    await ask(page, "First")
    await page.shows("Done", "#state")
    await page.run("document.querySelector('#more').open = true")
    await page.set("#field-mode", "think")
    await page.set("#field-persona", "own")
    await page.set("#field-system_prompt", "You are terse.")
    await page.set("#field-temperature", "0.3")
    await page.set("#field-max_iterations", "4")
    await page.set("#field-conversation", "continue")
    await page.click(".skills input")
    await ask(page, "Second")
    await page.until("document.querySelectorAll('#past-list li').length === 2")

    assert gateway.calls[1].request.json == {
        "prompt": "Second", "mode": "think", "persona": {"system_prompt": "You are terse."},
        "skills": ["inventory-check"], "temperature": 0.3, "max_iterations": 4, "stream": True,
        "conversation": {"messages": [
            {"role": "user", "content": "First"},
            {"role": "assistant", "content": "Microservices architecture is a design pattern — ein Muster 🧩."},
        ]},
    }  # fmt: skip


async def test_skills_that_come_late_are_listed_beside_what_is_being_filled_in(
    gateway: FakeGateway, blank: Page
) -> None:
    gateway.skills_may_come = anyio.Event()
    await blank.set("#key", KEY)
    await blank.shows("The key works", "#key-state")
    await blank.run("document.querySelector('#more').open = true")
    await blank.click("#field-temperature")
    await blank.type("0.3")
    gateway.skills_may_come.set()
    await blank.shows("Inventory", ".skills")
    await blank.type("5")

    assert await blank.run("document.querySelector('#field-temperature').value") == "0.35"


async def test_a_conversation_that_the_gateway_keeps_goes_on_by_its_id(gateway: FakeGateway, page: Page) -> None:
    gateway.next_call.append(
        faults.cut(
            faults.head(200, faults.EVENTS)
            + b'event: done\ndata: {"content": "Hello.", "conversation_id": "conv_7", "usage": {}}\n\n'
        )
    )
    await page.set("#field-conversation", "new")
    await ask(page, "Remember: blue.")
    await page.shows("conv_7", "#numbers")
    assert await page.run("document.querySelector('#field-conversation').value") == "continue"
    await ask(page, "Which colour?")
    await page.until("document.querySelectorAll('#past-list li').length === 2")

    assert [exchange.request.json.get("conversation_id") for exchange in gateway.calls] == ["new", "conv_7"]


async def test_a_rough_request_becomes_a_brief_and_the_brief_a_website(gateway: FakeGateway, page: Page) -> None:
    gateway.getcode.queued = "You are number 2 in the queue."
    await page.click("#endpoint-improve")
    await ask(page, "bakery page")
    await page.shows("Use as prompt", "#made")
    await page.click("#made .primary")
    assert (
        await page.run("document.querySelector('#prompt').value")
        == "bakery page with responsive nav and clear sections."
    )
    await page.click("#send")
    await page.shows("number 2 in the queue", "#events")
    await page.shows("Done", "#state")

    assert gateway.calls[1].request.json == {
        "prompt": "bakery page with responsive nav and clear sections.", "outputType": "website",
        "originalPrompt": "bakery page", "language": "auto",
    }  # fmt: skip
    assert await page.text("#text pre") == "<!doctype html><h1>Bäckerei 🥐</h1>"


async def test_research_is_followed_to_its_report(gateway: FakeGateway, page: Page) -> None:
    await page.click("#endpoint-research")
    await ask(page, "Which database?")

    await page.until("document.querySelector('progress')?.value === 40")
    await page.shows("Done", "#state")
    assert "Three sources agree." in await page.text("#text")


async def test_sources_are_listed_by_their_numbers_and_followed_only_to_the_web(
    gateway: FakeGateway, page: Page
) -> None:
    sources = [
        {"number": 1, "title": "The <b>manual</b>", "url": "https://example.org/manual"},
        {"number": 2, "title": "A trap", "url": "javascript:alert(1)"},
    ]
    done = {"content": "So it is [1].", "structured_output": {"type": "research", "data": {"sources": sources}}}

    async def answer(exchange: Exchange) -> None:
        await exchange.start_events()
        await exchange.event(done, "done")

    gateway.next_call.append(answer)
    await ask(page, "Is it so?")
    await page.shows("Done", "#state")

    assert await page.text(".sources") == "Sources\n\nThe <b>manual</b>\n\nA trap: javascript:alert(1)"
    assert await page.run("[...document.querySelectorAll('.sources a')].map((a) => a.href)") == [
        "https://example.org/manual"
    ]


async def test_a_file_becomes_a_prompt(gateway: FakeGateway, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "menu card.pdf"
    file.write_bytes(b"%PDF-1.7 \x00\xff")
    await choose(page, file)
    await page.click("#send")
    await page.shows("Use as prompt", "#made")
    await page.click("#made .primary")

    assert gateway.calls[0].request.json == {
        "fileData": "JVBERi0xLjcgAP8=", "mimeType": "application/pdf", "fileName": "menu card.pdf",
        "outputType": "website",
    }  # fmt: skip
    assert await page.run("document.querySelector('#endpoint-generate').checked")
    assert await page.run("document.querySelector('#prompt').value") == "Generate a website like menu card.pdf with..."


async def test_what_was_asked_before_comes_back_with_its_answer(gateway: FakeGateway, page: Page) -> None:
    await ask(page, "First question")
    await page.shows("Done", "#state")
    gateway.theo.words = ["Another answer."]
    await page.click("#endpoint-code")
    await ask(page, "Second question")
    await page.until("document.querySelectorAll('#past-list li').length === 2")
    await page.click("#past-list li:last-child button")

    assert await page.run("document.querySelector('#prompt').value") == "First question"
    assert await page.run("document.querySelector('#endpoint-completion').checked")
    assert "Microservices" in await page.text("#text")
