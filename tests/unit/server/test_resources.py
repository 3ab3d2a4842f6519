"""Resources, their list and the completion of their names, through the SDK's own client in both protocol eras."""

from __future__ import annotations

import base64
import os
from itertools import product
from pathlib import Path
from typing import Literal

import anyio
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import BlobResourceContents, ResourceTemplateReference, TextContent, TextResourceContents
from pydantic import JsonValue

from tests.conftest import MakeSettings
from tests.unit.server.conftest import Host, StartHost, snapshot
from theo_mcp import Settings
from theo_mcp.runs import Report
from theo_mcp.testing.http import Exchange
from theo_mcp.testing.theo import FakeTheo, refuse

FIXED = ["theo://health", "theo://models", "theo://skills/installed", "theo://usage"]


async def pages(host: Host) -> list[list[str]]:
    """The addresses of all resources, page by page."""
    found, cursor = [], None
    while True:
        page = await host.client.list_resources(cursor=cursor)
        found.append([resource.uri for resource in page.resources])
        cursor = page.next_cursor
        if cursor is None:
            return found


async def completed(host: Host, template: str, variable: str, value: str) -> list[str]:
    reference = ResourceTemplateReference(uri=template)
    return (await host.client.complete(reference, {"name": variable, "value": value})).completion.values


def saved(project: Path, *names: str) -> None:
    """Files in the output folder, each a second newer than the one before."""
    for number, name in enumerate(names):
        path = project / "theo-output" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))


async def test_the_lists_are_the_snapshots(host: Host, era: Literal["legacy", "auto"]) -> None:
    resources = await host.client.list_resources()
    templates = await host.client.list_resource_templates()

    for name, listed in (("resources", resources.resources), ("templates", templates.resource_templates)):
        shown = [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in listed]
        assert shown == snapshot(name), "python -m tests.snapshots writes it anew"
    assert not (host.rooms.settings.data_dir / "store.sqlite").exists()  # listing leaves no trace


async def test_lists_and_reads_say_how_long_they_hold(host: Host, era: Literal["legacy", "auto"]) -> None:
    if era == "legacy":
        pytest.skip("hosts of this era are told nothing of it")
    prompts = await host.client.list_prompts()
    templates = await host.client.list_resource_templates()
    resources = await host.client.list_resources()
    models, usage = [await host.client.read_resource(uri) for uri in ("theo://models", "theo://usage")]

    assert [(each.ttl_ms, each.cache_scope) for each in (prompts, templates, resources, models, usage)] == [
        (3_600_000, "public"), (3_600_000, "public"), (0, "private"), (600_000, "public"), (30_000, "private"),
    ]  # fmt: skip


async def test_the_hosted_facts_are_the_services_own_and_say_who_answered(host: Host, theo_service: FakeTheo) -> None:
    theo_service.installed = {"inventory-check"}
    hosted = {"backend": "hosted", "engine": "theo"}

    assert await host.json("theo://models") == {
        "answers": "hosted",
        "models": [
            {"mode": "fast", "model_id": "theo-1-flash", "label": "Theo Flash", "engine": "theo-core",
             "description": "Quick."},
        ],
        "theo_mcp": hosted,
    }  # fmt: skip
    assert await host.json("theo://health") == {
        "answers": "hosted", "status": "healthy", "timestamp": "t", "version": "1",
        "providers": {"core": {"status": "healthy"}}, "theo_mcp": hosted,
    }  # fmt: skip
    usage = await host.json("theo://usage")
    assert usage["totals"] == {
        "requests": 3, "prompt_tokens": 36, "completion_tokens": 468, "total_tokens": 504, "cost_cents": 0.06,
    }  # fmt: skip
    assert usage["spending"]["session_cents"] == 0
    assert (await host.json("theo://skills/installed"))["answers"] == "hosted"


async def test_the_engine_says_what_it_has_and_what_it_lacks(engine_host: Host) -> None:
    models, health, usage = [await engine_host.json(f"theo://{name}") for name in ("models", "health", "usage")]

    assert models["answers"] == health["answers"] == usage["answers"] == "engine"
    assert (models["models"][0]["model_id"], models["models"][0]["label"]) == ("theo-1-flash", "scripted-1b")
    assert usage["spending"]["session_cents"] == 0
    assert (await engine_host.json("theo://skills/installed"))["skills"] == []


async def test_a_service_that_refuses_is_told_by_its_code_word(host: Host, theo_service: FakeTheo) -> None:
    async def broke(exchange: Exchange) -> None:
        await refuse(exchange, 402, "insufficient_credits", "Account has insufficient balance")

    theo_service.next = [broke]
    with pytest.raises(MCPError, match=r"^insufficient_credits: Account has insufficient balance") as refused:
        await host.text("theo://models")

    assert (refused.value.code, refused.value.error.data) == (-32603, {"uri": "theo://models"})


async def test_a_result_is_what_its_tool_returned(host: Host) -> None:
    returned = await host.client.call_tool("theo_code", {"prompt": "x", "save_as": "a/b.ts"})
    handle = (await completed(host, "theo://results/{id}", "id", "run_"))[0]
    text, data = (await host.client.read_resource(f"theo://results/{handle}")).contents

    assert isinstance(returned.content[0], TextContent)
    assert isinstance(text, TextResourceContents)
    assert isinstance(data, TextResourceContents)
    assert (text.text, text.mime_type) == (returned.content[0].text, "text/markdown")
    assert '"status":"done","code":"export function' in data.text
    assert (await pages(host))[0][4:] == [f"theo://results/{handle}", "theo://artifacts/a/b.ts"]


async def test_a_result_that_failed_says_why(host: Host, theo_service: FakeTheo) -> None:
    async def broke(exchange: Exchange) -> None:
        await refuse(exchange, 402, "insufficient_credits", "Account has insufficient balance")

    theo_service.next = [broke]
    await host.client.call_tool("theo_code", {"prompt": "x"})
    (handle,) = await completed(host, "theo://results/{id}", "id", "")

    assert (await host.text(f"theo://results/{handle}")).startswith("insufficient_credits: Account has")


@pytest.mark.slow
async def test_a_result_that_is_not_there_yet_says_how_it_stands(
    hosts: StartHost, hosted_settings: Settings, theo_service: FakeTheo
) -> None:
    theo_service.silent_after = 2
    host = await hosts(hosted_settings.model_copy(update={"soft_deadline_s": 0.3}))
    result = await host.client.call_tool("theo_complete", {"prompt": "x"})
    handle = (result.structured_content or {})["handle"]

    assert (await host.text(f"theo://results/{handle}")).startswith("Still running: theo_complete, ")


async def test_a_fault_of_ours_is_told_without_its_words(host: Host) -> None:
    async def work(report: Report) -> JsonValue:
        return {"body": "a secret", "facts": 5, "lines": [], "data": {}, "files": []}

    run = (await host.rooms.runs()).start(work, title="theo_code", owner="local")
    assert await run.wait(5)

    with pytest.raises(MCPError) as raised:
        await host.text(f"theo://results/{run.handle}")

    assert raised.value.code == -32603
    assert raised.value.error.message == (
        "internal_error: Something went wrong inside theo-mcp (AttributeError). Its log on stderr has the details; "
        "please report them."
    )


async def test_what_is_kept_and_is_no_reply_is_told(host: Host) -> None:
    async def work(report: Report) -> JsonValue:
        return "no reply"

    run = (await host.rooms.runs()).start(work, title="theo_code", owner="local")
    assert await run.wait(5)

    assert await host.text(f"theo://results/{run.handle}") == (
        "store_failed: What is kept of this result cannot be read. Start the work again."
    )


async def test_a_handle_is_its_owners(hosts: StartHost, hosted_settings: Settings) -> None:
    mine, theirs = await hosts(hosted_settings), await hosts(hosted_settings, owner="other")
    await mine.client.call_tool("theo_code", {"prompt": "x"})
    (handle,) = await completed(mine, "theo://results/{id}", "id", "")

    assert await completed(theirs, "theo://results/{id}", "id", "") == []
    assert "There is no run with this handle." in await theirs.refused(theirs.text(f"theo://results/{handle}"))
    assert not any("results" in uri for uri in (await pages(theirs))[0])


async def test_artifacts_are_text_or_bytes_by_what_is_in_them(host: Host, project: Path) -> None:
    saved(project, "main.rs", "page/index.html", "drawing.svg", "ünï code.ts")
    (project / "theo-output" / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    (project / "theo-output" / "broken.txt").write_bytes(b"\xff\xfe\x00")

    contents = {
        name: (await host.client.read_resource(f"theo://artifacts/{name}")).contents[0]
        for name in ("main.rs", "page/index.html", "page%2Findex.html", "drawing.svg", "%C3%BCn%C3%AF%20code.ts")
    }
    blobs = {
        name: (await host.client.read_resource(f"theo://artifacts/{name}")).contents[0]
        for name in ("logo.png", "broken.txt")
    }

    texts = {name: (each.mime_type, each.text) for name, each in contents.items() if hasattr(each, "text")}
    assert texts == {
        "main.rs": ("text/plain", "main.rs"),
        "page/index.html": ("text/html", "page/index.html"),
        "page%2Findex.html": ("text/html", "page/index.html"),
        "drawing.svg": ("image/svg+xml", "drawing.svg"),
        "%C3%BCn%C3%AF%20code.ts": ("text/x-typescript", "ünï code.ts"),
    }
    assert isinstance(blobs["logo.png"], BlobResourceContents)
    assert base64.b64decode(blobs["logo.png"].blob) == b"\x89PNG\r\n\x1a\nrest"
    assert blobs["logo.png"].mime_type == "image/png"
    assert isinstance(blobs["broken.txt"], BlobResourceContents)


async def test_a_large_artifact_is_named_by_its_path(host: Host, project: Path) -> None:
    saved(project, "film.mp4")
    with (project / "theo-output" / "film.mp4").open("ab") as file:
        file.truncate(8 * 2**20 + 1)

    said = await host.refused(host.text("theo://artifacts/film.mp4"))

    path = project / "theo-output" / "film.mp4"
    assert said == f"file_too_large: The file has more than 8 MiB. Open it at {path}"


async def test_a_conversation_is_text_and_json(host: Host) -> None:
    text, data = (await host.client.read_resource("theo://conversations/conv_1")).contents

    assert isinstance(text, TextResourceContents)
    assert isinstance(data, TextResourceContents)
    assert text.text == (
        "# Conversation 1\n\n**user · 2026-04-10T12:00:00Z**\n\nHello\n\n"
        "**assistant · 2026-04-10T12:00:00Z · fast**\n\nHello."
    )
    assert '"title":"Conversation 1"' in data.text
    assert await completed(host, "theo://conversations/{id}", "id", "CONV_1") == ["conv_1"]


async def test_what_cannot_be_looked_up_completes_to_nothing(host: Host, theo_service: FakeTheo) -> None:
    theo_service.key = "another"

    assert await completed(host, "theo://conversations/{id}", "id", "") == []


async def test_an_engine_without_conversations_completes_to_none(engine_host: Host) -> None:
    assert await completed(engine_host, "theo://conversations/{id}", "id", "") == []


async def test_names_of_artifacts_complete(host: Host, project: Path) -> None:
    saved(project, "report.pdf", "page/index.html")

    assert await completed(host, "theo://artifacts/{name}", "name", "RE") == ["report.pdf"]
    assert await completed(host, "theo://artifacts/{name}", "name", "index") == ["page/index.html"]
    assert "Did you mean theo://artifacts/{name}?" in await host.refused(
        completed(host, "theo://artefacts/{name}", "name", "")
    )
    assert "one variable, which is name" in await host.refused(completed(host, "theo://artifacts/{name}", "id", ""))


async def test_pages_hold_fifty_and_miss_and_repeat_nothing(host: Host, project: Path) -> None:
    names = [f"f{number:03}.txt" for number in range(110)]
    saved(project, *names)
    for _ in range(3):
        await host.client.call_tool("theo_code", {"prompt": "x"})

    found = await pages(host)

    everything = [uri for page in found for uri in page]
    assert [len(page) for page in found] == [50, 50, 17]
    assert everything[:4] == FIXED
    assert [uri.partition("_")[0] for uri in everything[4:7]] == ["theo://results/run"] * 3
    assert everything[7:] == [f"theo://artifacts/{name}" for name in reversed(names)]


async def test_a_cursor_outlives_its_server(hosts: StartHost, hosted_settings: Settings, project: Path) -> None:
    saved(project, *(f"f{number:03}.txt" for number in range(60)))
    first, second = await hosts(hosted_settings), await hosts(hosted_settings)
    page = await first.client.list_resources()

    rest = (await second.client.list_resources(cursor=page.next_cursor)).resources

    assert page.resources[-1].uri == "theo://artifacts/f014.txt"
    assert [each.name for each in rest] == [f"f{number:03}.txt" for number in range(13, -1, -1)]


async def test_a_cursor_that_no_list_gave_is_refused(host: Host) -> None:
    client = host.client

    asks = (client.list_resources, client.list_resource_templates, client.list_prompts, client.list_tools)
    for ask, cursor in product(asks, ["", "junk", "x" * 5_000_000, "WyJydW4iXQ==", "WzFd", "bnVsbA==", "\u0661"]):
        assert "The cursor is none that this list gave." in await host.refused(ask(cursor=cursor))


BAD = {
    "a misspelt resource": ("theo://modles", "There is no resource 'theo://modles'. Did you mean theo://models?"),
    "another scheme": ("file:///etc/passwd", "The resources are: "),
    "5 MB": ("theo://artifacts/" + "x" * 5_000_000, "has 5,000,017 characters, and 2,048 are the most."),
    "a template": ("theo://results/{id}", "There is no run with this handle."),
    "no name": ("theo://artifacts/", "The name in theo://artifacts/… is missing."),
    "a way up": ("theo://artifacts/../app.py", "is '../app.py', which is a path to elsewhere."),
    "a quoted way up": ("theo://artifacts/a/%2e%2e/%2E%2E/app.py", "which is a path to elsewhere."),
    "a way up twice quoted": ("theo://artifacts/%252e%252e/app.py", "There is no saved file '%2e%2e/app.py'."),
    "a way up in Windows": ("theo://artifacts/..%5Capp.py", "which is a path to elsewhere."),
    "an absolute path": ("theo://artifacts//etc/passwd", "which is a path to elsewhere."),
    "a drive": ("theo://artifacts/C:/Windows/win.ini", "which is a path to elsewhere."),
    "a home": ("theo://artifacts/~/x", "which is a path to elsewhere."),
    "a null byte": ("theo://artifacts/a%00.png", "has control characters in it, or is no text."),
    "no text": ("theo://artifacts/%ff", "has control characters in it, or is no text."),
    "an escape": ("theo://artifacts/\x1b]0;x", "has control characters in it, or is no text."),
    "a hidden file": ("theo://artifacts/.env", "There is no saved file '.env'."),
    "a missing file": ("theo://artifacts/reprot.pdf", "There is no saved file 'reprot.pdf'. Did you mean report.pdf?"),
    "no such handle": ("theo://results/run_x", "There is no run with this handle."),
    "a way up in a conversation": ("theo://conversations/..%2Fusage", "which is a path to elsewhere."),
}


async def test_a_bad_address_is_one_sentence_and_nothing_is_sent(
    host: Host, theo_service: FakeTheo, project: Path
) -> None:
    saved(project, "report.pdf")

    for name, (uri, said) in BAD.items():
        with pytest.raises(MCPError) as raised:
            await host.text(uri)
        message, shown = raised.value.error.message, raised.value.error.data["uri"]
        assert said in message, name
        assert "\n" not in message + shown
        assert raised.value.code == -32602
        assert shown[:30] == uri.replace("\x1b", "")[:30]
        assert len(message) < 400
        assert len(shown) <= 101
    assert theo_service.requests == []
    assert (await host.text("theo://health")).startswith('{"answers":"hosted"')


async def test_an_unknown_conversation_is_not_found(host: Host) -> None:
    assert (await host.refused(host.text("theo://conversations/nope"))).startswith("not_found: ")


async def test_a_store_that_cannot_be_read_is_told(hosts: StartHost, make_settings: MakeSettings) -> None:
    settings = make_settings(theo_api_key="x")
    settings.data_dir.mkdir(parents=True)
    (settings.data_dir / "store.sqlite").write_bytes(b"no store" * 100)
    host = await hosts(settings)

    with anyio.fail_after(5):
        listed = await pages(host)

    assert listed[0] == FIXED
    assert host.rooms.notice.startswith("Results are kept in memory only: ")
