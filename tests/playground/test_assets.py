"""The page as files: what is served, under which policy, and what of it is asked for again."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from theo_mcp.gateway import playground
from theo_mcp.gateway.playground import asset, page
from theo_mcp.gateway.playground.routes import ROUTES

FOLDER = Path(playground.__file__).parent
FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".js", ".css", ".html"))


async def test_the_page_runs_under_a_policy_that_allows_this_origin_alone() -> None:
    async with _client() as client:
        answer = await client.get("/playground")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
        "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.content == (FOLDER / "index.html").read_bytes()


async def test_what_a_model_made_is_shown_in_an_origin_of_its_own_without_network() -> None:
    async with _client() as client:
        policy = (await client.get("/playground/preview.html")).headers["content-security-policy"]

    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["sandbox"] == "allow-scripts"
    assert directives["default-src"] == "'none'"
    assert "connect-src" not in directives and "frame-src" not in directives
    assert directives["frame-ancestors"] == "'self'"


async def test_a_file_that_the_browser_has_is_not_sent_again() -> None:
    async with _client() as client:
        first = await client.get("/playground/playground.js")
        tag = first.headers["etag"]
        again = await client.get("/playground/playground.js", headers={"if-none-match": f'"other", W/{tag}'})
        head = await client.head("/playground/playground.js")

    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)
    assert tag != page().etag


@pytest.mark.parametrize("name", ["__init__.py", "routes.py", "nothing.js", "..%2findex.html"])
async def test_nothing_else_of_the_folder_is_served(name: str) -> None:
    async with _client() as client:
        answer = await client.get(f"/playground/{name}", follow_redirects=False)

    assert answer.status_code == 404


async def test_the_address_with_a_slash_leads_to_the_page() -> None:
    async with _client() as client:
        answer = await client.get("/playground/", follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (308, "/playground")


def test_every_file_that_a_file_names_is_there() -> None:
    for name in FILES:
        found = asset(name)
        assert found is not None
        text = found.body.decode()
        for other in re.findall(r'from "\./([^"]+)"', text) + re.findall(r'(?:src|href)="playground/([^"]+)"', text):
            assert asset(other) is not None, f"{name} names {other}"


def test_the_page_has_no_style_or_script_inside_and_no_address_of_another_origin() -> None:
    for name in FILES:
        text = (FOLDER / name).read_text(encoding="utf-8")
        addresses = set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not addresses, name
        assert "innerHTML" not in text and "insertAdjacentHTML" not in text and "document.write" not in text
        assert len(text.splitlines()) <= 300, name
    index = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\ssrc=)", index)


def _client() -> httpx.AsyncClient:
    app = Starlette(routes=ROUTES)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway")
