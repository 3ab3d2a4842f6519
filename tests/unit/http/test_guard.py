"""The client for addresses that nobody here chose: it connects to what it has checked, and says the name."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from theo_mcp.errors import InputError, UnreachableError
from theo_mcp.http.download import fetch
from theo_mcp.http.guard import guarded_client
from theo_mcp.testing.http import Exchange, HttpServer


async def hello(exchange: Exchange) -> None:
    await exchange.reply(200, "hello", content_type="text/plain")


async def test_the_name_stays_in_the_request_and_in_the_certificates_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))

    async with HttpServer(hello, tls=context) as service, guarded_client(private=True) as client:
        got = await fetch(service.origin + "/", allowed=lambda _: True, max_bytes=100, http_client=client)

    assert got.data == b"hello"
    assert service.requests[0].headers["host"] == service.origin.removeprefix("https://")


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    async with HttpServer(hello) as service, guarded_client(private=True) as client:
        got = await fetch(service.origin + "/", allowed=lambda _: True, max_bytes=100, http_client=client)

    assert got.data == b"hello"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "http://[::1]:9/", "http://2130706433/", "http://0x7f.1/", "http://localhost:9/"]
)
async def test_no_spelling_of_this_machine_is_connected_to(url: str) -> None:
    async with guarded_client(private=False) as client:
        with pytest.raises(InputError, match="on this machine or its own network") as refused:
            await fetch(url, allowed=lambda _: True, max_bytes=100, http_client=client)

    assert refused.value.code == "address_not_allowed"


@pytest.mark.slow
async def test_what_can_be_no_name_is_told() -> None:
    async with guarded_client(private=False) as client:
        with pytest.raises(UnreachableError, match="There is no host"):
            await fetch(f"http://{'x' * 64}/", allowed=lambda _: True, max_bytes=100, http_client=client)
