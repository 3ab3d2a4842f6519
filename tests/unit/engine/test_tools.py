"""The built-in tools: clock and calculator by their pure parts, search and fetch as a model calls them."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.conftest import MakeSettings
from theo_mcp import CompletionRequest, InputError, connect
from theo_mcp.backend import Caller
from theo_mcp.engine.shown import text_of_page
from theo_mcp.engine.tools.calculator import calculated
from theo_mcp.engine.tools.clock import told
from theo_mcp.http.guard import is_public
from theo_mcp.testing.http import Exchange, HttpServer
from theo_mcp.testing.model_server import Calls, ModelServer
from theo_mcp.workspace import Trust
from theo_mcp.workspace.trust import NO_FILE

NOW = datetime(2026, 11, 21, 16, 30, 5, 999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "2026-11-21T16:30:05+00:00 (Saturday, UTC, week 47)"),
        ("Pacific/Kiritimati", "2026-11-22T06:30:05+14:00 (Sunday, Pacific/Kiritimati, week 47)"),
    ],
)
def test_the_clock_tells_time_weekday_and_offset(zone: str, text: str) -> None:
    assert told(NOW, zone) == text


@pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "/etc/localtime", "a\0b", "Europe", "x" * 300])
def test_a_zone_that_does_not_exist_is_an_error(zone: str) -> None:
    with pytest.raises(InputError, match="There is no time zone"):
        told(NOW, zone)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("17 * 23", "391"),
        ("0.1 + 0.2", "0.3"),
        ("1/3", "1/3 (about 0.333333333333333)"),
        ("2^10", "1024"),
        ("-7 % 3", "2"),
        ("7 // 2", "3"),
        ("sqrt(16) + sqrt(2)", "5.41421356237309504880168872421"),
        ("log(100, 10)", "2"),
        ("log10(1000)", "3"),
        ("sin(pi / 6)", "0.5"),
        ("round(2.567, 2)", "2.57"),
        ("factorial(20)", "2432902008176640000"),
        ("max(1, 2.5, 2)", "2.5"),
        ("(1 + 2) × 3 ÷ 4 =", "2.25"),
        ("1e3 + 1", "1001"),
    ],
)
def test_the_calculator_computes(expression: str, result: str) -> None:
    assert calculated(expression).endswith(f" = {result}")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("9**9**9", "too large"),
        ("exp(1e9)", "no real result"),
        ("floor(exp(1e6))", "no real result"),
        ("factorial(10**9)", "from 0 to 800"),
        ("1/0", "divides by zero"),
        ("log(-1)", "no real result"),
        ("__import__('os').system('id')", "does not know"),
        ("(1).__class__", "does not know"),
        ("[1][0]", "does not know"),
        ("(lambda: 1)()", "does not know"),
        ("'a' * 10", "does not know"),
        ("x = 1", "not an arithmetic expression"),
        ("((((" * 60, "not an arithmetic expression"),
        ("-" * 300 + "1", "nested too deeply"),
        ("1" * 501, "longer than 500"),
        ("", "empty"),
        ("sin(1, 2)", "sin takes 1 numbers"),
        ("round(1, 99)", "whole number of places"),
    ],
)
def test_what_is_no_arithmetic_or_too_much_is_refused(expression: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        calculated(expression)


@pytest.mark.slow
@settings(max_examples=500, deadline=1000)
@given(some.text(alphabet="0123456789.+-*/%^(),e sqrtlogminaxfctpiround", max_size=40))
def test_any_text_is_computed_or_refused_at_once(expression: str) -> None:
    with suppress(InputError):
        assert " = " in calculated(expression)


@pytest.mark.parametrize(
    ("page", "shown"),
    [("<svg>" * 100_000 + "</style>" * 65_000, ""), ("<![CDATA[" * 100_000, ""), ("<p hidden>a</p>b<!--c", "b")],
)
def test_what_a_page_leaves_open_costs_no_time(page: str, shown: str) -> None:
    began = time.process_time()

    assert text_of_page(page) == shown
    assert time.process_time() - began < 5


def test_a_page_becomes_the_text_that_a_reader_sees() -> None:
    page = """<html><head><title>Tides</title><style>p{}</style><script>alert(1)</script></head>
      <body><h1>Tides &amp; moons</h1><p>They <b>rise</b>
      and fall.</p><ul><li>High<li>Low</ul><table><tr><td>a<td>b</table><p>unclosed"""

    assert text_of_page(page).split("\n") == [
        "Tides", "", "Tides & moons", "", "They rise and fall.", "", "- High", "- Low", "", "| a | b", "", "unclosed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_only_addresses_of_the_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


async def used(
    model_server: ModelServer, settings: object, tool: str, given: dict[str, object], tenant: str = ""
) -> str:
    """What the model is told of its call."""
    model_server.turns = [Calls(((tool, given),)), ("Done.",)]
    async with connect(settings) as backend:  # type: ignore[arg-type]
        await backend.for_caller(Caller(tenant=tenant)).theo.complete(CompletionRequest(prompt="Look"))
    return str(model_server.chats[-1]["messages"][-1]["content"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, content in {
        "notes/tides.md": b"# Tides\n\nThe tide is HIGH at noon.\nNoon is when the tide turns.\n",
        "src/app.py": b"x = 1\n",
        ".env": b"TIDE_KEY=secret tide\n",
        "secrets.toml": b"tide = 'secret'\n",
        "node_modules/a/index.js": b"// tide\n",
        "image.bin": b"\0tide",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (tmp_path / "outside.txt").write_text("tide\n", encoding="utf-8")
    (root / "link.txt").symlink_to(tmp_path / "outside.txt")
    return root


async def test_search_finds_lines_in_trusted_folders_and_no_secrets(
    model_server: ModelServer, make_settings: MakeSettings, project: Path
) -> None:
    made = make_settings(engine_url=model_server.url, engine_tools="search", roots=[project])
    Trust(made.data_dir).trust(project, NO_FILE)

    said = await used(model_server, made, "search", {"query": "Tide"})
    several = await used(model_server, made, "search", {"query": "noon tide"})
    nothing = await used(model_server, made, "search", {"query": "whale"})

    assert "notes/tides.md:3: The tide is HIGH at noon.\nnotes/tides.md:4: Noon is when" in said
    assert "secret" not in said
    assert "link.txt" not in said
    assert "node_modules" not in said
    assert "notes/tides.md:3:" in several
    assert "Nothing was found in 2 files." in nothing


async def test_search_is_not_offered_for_a_folder_that_is_not_trusted_nor_to_anybody_else(
    model_server: ModelServer, make_settings: MakeSettings, project: Path
) -> None:
    made = make_settings(engine_url=model_server.url, engine_tools="search", roots=[project])

    async with connect(made) as backend:
        await backend.theo.complete(CompletionRequest(prompt="Look"))
        Trust(made.data_dir).trust(project, NO_FILE)
        await backend.for_caller(Caller(tenant="key_1")).theo.complete(CompletionRequest(prompt="Look"))

    assert ["tools" in chat for chat in model_server.chats] == [False, False]


async def page(exchange: Exchange) -> None:
    match exchange.request.path:
        case "/":
            await exchange.reply(200, "<p>It <b>rains</b>.</p>", content_type="text/html; charset=utf-8")
        case "/moved":
            await exchange.reply(302, "", location="/")
        case "/image":
            await exchange.reply(200, b"\x89PNG", content_type="image/png")
        case "/large":
            await exchange.reply(200, "x" * (2**20 + 1), content_type="text/plain")
        case _:
            await exchange.reply(404, {"error": {"message": "no such page"}})


@pytest.mark.parametrize(
    ("path", "private", "said"),
    [
        ("/", True, "It rains."),
        ("/moved", True, "It rains."),
        ("/image", True, "What is there is no text: image/png."),
        ("/large", True, "has more than 1,048,576 bytes"),
        ("/none", True, "no such page"),
        ("/", False, "is on this machine or its own network, which is not fetched from."),
    ],
)
async def test_fetch_reads_text_from_where_it_may(
    model_server: ModelServer, make_settings: MakeSettings, path: str, private: bool, said: str
) -> None:
    async with HttpServer(page) as service:
        made = make_settings(
            engine_url=model_server.url, engine_tools="fetch", allow_fetch=True, allow_private_fetch=private
        )
        assert said in await used(model_server, made, "fetch", {"url": service.origin + path})

    assert len(service.requests) == (0 if not private else 2 if path == "/moved" else 1)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.com/", "http://user@127.0.0.1/", "http://[::1"])
async def test_what_is_no_address_of_the_web_is_refused(
    model_server: ModelServer, make_settings: MakeSettings, url: str
) -> None:
    made = make_settings(engine_url=model_server.url, engine_tools="fetch", allow_fetch=True)

    assert "failed: " in await used(model_server, made, "fetch", {"url": url})


async def test_a_name_that_means_this_machine_is_not_fetched_from(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    async with HttpServer(page) as service:
        made = make_settings(engine_url=model_server.url, engine_tools="fetch", allow_fetch=True)
        origin = service.origin.replace("127.0.0.1", "localhost")
        assert "which is not fetched from" in await used(model_server, made, "fetch", {"url": origin})

    assert service.requests == []


async def test_without_the_setting_nothing_is_fetched(model_server: ModelServer, make_settings: MakeSettings) -> None:
    async with connect(make_settings(engine_url=model_server.url, engine_tools="fetch")) as backend:
        await backend.theo.complete(CompletionRequest(prompt="Look"))

    assert "tools" not in model_server.chats[-1]


async def test_the_tools_that_may_be_used_here_are_listed(make_settings: MakeSettings) -> None:
    async with connect(make_settings()) as backend:
        listed = await backend.theo.tools()
    async with connect(make_settings(allow_fetch=True)) as backend:
        more = await backend.theo.tools()

    assert [tool.name for tool in listed.tools] == ["calculator", "clock"]
    assert [tool.name for tool in more.tools] == ["calculator", "clock", "fetch"]
    assert listed.tools[0].permission_level == "read"
    assert (listed.tools[0].input_schema or {})["required"] == ["expression"]
