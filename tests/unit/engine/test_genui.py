"""The mode genui: from what a model writes to a tree and a page."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.conftest import MakeSettings
from theo_mcp import Completion, CompletionRequest, InputError, connect
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.wire.events import CompletionEvent

Ask = Callable[..., Awaitable[Completion]]
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def draft(*nodes: dict[str, Any], title: str = "Contact us") -> tuple[str, ...]:
    text = json.dumps({"title": title, "nodes": list(nodes)})
    return tuple(text[at : at + 40] for at in range(0, len(text), 40))


FORM = (
    {"id": "f", "parent": "", "type": "form", "title": "Write to us", "submit": "Send"},
    {"id": "n", "parent": "f", "type": "input", "label": "Name", "required": True},
    {"id": "m", "parent": "f", "type": "input", "label": "Message", "kind": "textarea"},
)
EVERYTHING = (
    *FORM,
    {"id": "s", "parent": "", "type": "section", "title": "Sales"},
    {"id": "g", "parent": "s", "type": "grid", "columns": 2},
    {"id": "c", "parent": "g", "type": "card", "title": "Plan"},
    {"id": "h", "parent": "c", "type": "heading", "text": "Inside"},
    {"id": "t", "parent": "c", "type": "text", "text": "One\nTwo"},
    {"id": "l", "parent": "c", "type": "list", "items": ["a", "b"], "ordered": True},
    {"id": "b", "parent": "c", "type": "badge", "tone": "success", "text": "New"},
    {"id": "x", "parent": "s", "type": "stat", "label": "Users", "value": "30", "change": "+2"},
    {"id": "ta", "parent": "s", "type": "table", "columns": ["Plan", "Price"], "rows": [["Free", "0"]]},
    {"id": "ch", "parent": "s", "type": "chart", "labels": ["Q1", "Q2"], "series": [{"values": [1, None]}]},
    {"id": "tb", "parent": "", "type": "tabs"},
    {"id": "t1", "parent": "tb", "type": "section", "title": "First"},
    {"id": "a", "parent": "t1", "type": "alert", "tone": "warning", "text": "Careful"},
    {"id": "se", "parent": "t1", "type": "select", "label": "Size", "options": ["S", "M"]},
    {"id": "st", "parent": "", "type": "stack", "direction": "row"},
    {"id": "bu", "parent": "st", "type": "button", "label": "More", "kind": "secondary"},
    {"id": "li", "parent": "st", "type": "link", "label": "Docs", "href": "https://docs.example/a"},
    {"id": "im", "parent": "st", "type": "image", "alt": "A cat", "src": "https://cats.example/a.png"},
    {"id": "p", "parent": "", "type": "progress", "label": "Done", "value": 40},
    {"id": "d", "parent": "", "type": "divider"},
)


class Read(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def ask(model_server: ModelServer, make_settings: MakeSettings) -> Ask:
    async def asked(*answers: tuple[str, ...], prompt: str = "A contact form", **more: Any) -> Completion:
        model_server.script = list(answers)
        async with connect(make_settings(engine_url=model_server.url)) as backend:
            return await backend.theo.complete(CompletionRequest(prompt=prompt, mode="genui", **more))

    return asked


def data_of(answer: Completion) -> dict[str, Any]:
    assert answer.structured_output is not None
    assert isinstance(answer.structured_output.data, dict)
    return answer.structured_output.data


async def test_a_draft_becomes_a_tree_and_a_page(ask: Ask) -> None:
    answer = await ask(draft(*FORM))

    assert data_of(answer) == {
        "library": "theo",
        "root": {
            "type": "page",
            "title": "Contact us",
            "children": [
                {
                    "type": "form",
                    "title": "Write to us",
                    "submit": "Send",
                    "children": [
                        {"type": "input", "label": "Name", "kind": "text", "placeholder": "", "required": True},
                        {"type": "input", "label": "Message", "kind": "textarea", "placeholder": "", "required": False},
                    ],
                }
            ],
        },
    }
    (artifact,) = answer.artifacts
    assert (artifact.type, artifact.title, artifact.language) == ("genui", "Contact us", "html")
    page = Read(artifact.code or "")
    labelled = {given["for"] for tag, given in page.elements if tag == "label"}
    assert labelled == {given["id"] for tag, given in page.elements if tag in ("input", "textarea")}
    assert json.loads(answer.content)["title"] == "Contact us"


async def test_every_component_is_rendered_and_headings_keep_their_order(ask: Ask) -> None:
    answer = await ask(draft(*EVERYTHING), prompt="See https://docs.example/a and https://cats.example/a.png")

    page = Read(answer.artifacts[0].code or "")
    levels = [int(tag[1]) for tag, _ in page.elements if tag in ("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels == [1, 2, 2, 3, 4]
    links = [given.get("href") or given.get("src") for tag, given in page.elements if tag in ("a", "img")]
    assert links == ["https://docs.example/a", "https://cats.example/a.png"]
    for text in ("Careful", "+2", "Two", "Free", "Size", "Done (40 %)"):
        assert text in page.text


async def test_hostile_words_stay_words(ask: Ask) -> None:
    nodes = [
        {name: value if name in ("id", "parent", "type", "kind", "tone", "direction") else hostile(value)
         for name, value in node.items()}
        for node in EVERYTHING
    ]  # fmt: skip

    answer = await ask(draft(*nodes, title=HOSTILE))

    page = Read(answer.artifacts[0].code or "")
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "img", "iframe", "object", "base"})
    assert not [name for _, given in page.elements for name in given if name.startswith("on")]
    assert [given for tag, given in page.elements if tag == "a"] == [{"href": "#", "rel": "noopener noreferrer"}]
    assert page.text.count("<script>alert(1)</script>") > 20


def hostile(value: object) -> object:
    if isinstance(value, str):
        return HOSTILE
    if isinstance(value, list):
        return [hostile(each) for each in value]
    return value


async def test_addresses_that_the_prompt_does_not_hold_are_taken_out(ask: Ask) -> None:
    answer = await ask(draft(*EVERYTHING))

    page = Read(answer.artifacts[0].code or "")
    assert not [given for _, given in page.elements if "example" in str(given.get("href") or given.get("src"))]
    assert "Image: A cat" in page.text


async def test_a_draft_that_does_not_fit_is_made_again_once(ask: Ask, model_server: ModelServer) -> None:
    wrong = draft(
        {"id": "t", "parent": "x", "type": "text", "text": "Hi"}, {"id": "z", "parent": "", "type": "marquee"}
    )

    answer = await ask(wrong, draft(*FORM))

    told = model_server.chats[-1]["messages"][-1]["content"]
    assert "node 't': its parent 'x' does not come before it" in told
    assert "the library theo has no component 'marquee'" in told
    assert data_of(answer)["root"]["title"] == "Contact us"
    assert json.loads(answer.content)["nodes"][0]["id"] == "f"
    assert "made again" in answer.theo_mcp.notice


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (("I cannot draw.",), "it is not one JSON object"),
        (draft({"id": "a", "parent": "", "type": "table", "columns": ["A"], "rows": [["1", "2"]]}), "row has 2 cells"),
        (draft({"id": "a", "parent": "", "type": "text", "text": "x"}, {"id": "b", "parent": "a", "type": "divider"}),
         "its parent 'a' holds no other nodes"),
        (draft(*({"id": str(n), "parent": str(n - 1) if n else "", "type": "stack"} for n in range(12))),
         "more than 8 levels"),
        (draft(*({"id": str(n), "parent": "", "type": "divider"} for n in range(121))), "it has 121 nodes"),
    ],
)  # fmt: skip
async def test_what_never_fits_is_told_and_its_text_kept(ask: Ask, answer: tuple[str, ...], problem: str) -> None:
    told = await ask(answer, answer)

    assert told.structured_output is not None
    assert told.structured_output.data is None
    assert problem in (told.structured_output.parse_error or "")
    assert told.artifacts == ()
    assert told.content == "".join(answer)


async def test_the_stream_tells_the_library_first_and_the_page_before_the_end(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    model_server.script = [draft(*FORM)]

    events: list[CompletionEvent] = []
    async with (
        connect(make_settings(engine_url=model_server.url)) as backend,
        backend.theo.stream(
            CompletionRequest(prompt="A form", mode="genui", component_library="plain-html", stream=True)
        ) as stream,
    ):
        events = [event async for event in stream]

    names = [event.event for event in events]
    assert names[:2] == ["meta", "genui_meta"]
    assert names[-2:] == ["artifact", "done"]
    assert set(names[2:-2]) == {"token"}
    assert events[1].model_dump(include={"library", "tools"}) == {"library": "plain-html", "tools": ()}


async def test_the_model_is_asked_for_the_components_of_the_library_alone(ask: Ask, model_server: ModelServer) -> None:
    await ask(draft(*FORM), component_library="plain-html")

    nodes = model_server.chats[-1]["response_format"]["json_schema"]["schema"]["properties"]["nodes"]["items"]["anyOf"]
    kinds = [node["properties"]["type"]["enum"][0] for node in nodes]
    assert kinds == [
        "button", "divider", "form", "heading", "image", "input", "link", "list", "section", "select", "table", "text",
    ]  # fmt: skip


async def test_an_unknown_library_is_refused_with_the_names_of_those_that_exist(
    ask: Ask, model_server: ModelServer
) -> None:
    with pytest.raises(InputError, match="no component_library 'eviui'") as refused:
        await ask(component_library="eviui")

    assert refused.value.hint == "Those that exist are: plain-html, theo."
    assert model_server.chats == []


async def test_a_server_without_schemas_is_asked_in_words(ask: Ask, model_server: ModelServer) -> None:
    model_server.keeps_schemas = False

    answer = await ask(("nothing to see",), ("```json\n", *draft(*FORM), "\n```"))

    assert "response_format" not in model_server.chats[-1]
    assert data_of(answer)["root"]["children"][0]["type"] == "form"
