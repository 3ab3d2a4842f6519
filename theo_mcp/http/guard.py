"""A client for addresses that nobody here chose, such as those that a model names: it reaches the public internet and
nothing else.

A name is looked up here, every address that it has is checked, and the connection goes to one of those: a name that
means another address a moment later gains nothing. No proxy is used, because it would look the name up again. No key is
ever sent.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from importlib.metadata import version

import anyio
import httpx2

from theo_mcp.errors import InputError, UnreachableError
from theo_mcp.http.library import own_tls


def guarded_client(*, private: bool) -> httpx2.AsyncClient:
    """The client; with `private`, addresses of this machine and its network are allowed too."""
    return httpx2.AsyncClient(
        transport=_Guarded(private),
        trust_env=False,
        headers={"User-Agent": f"theo-mcp/{version('theo-mcp')}"},
    )


class _Guarded(httpx2.AsyncHTTPTransport):
    """Connects to the addresses that it has checked itself."""

    def __init__(self, private: bool) -> None:
        super().__init__(verify=own_tls(), trust_env=False)
        self._private = private

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        address = self._checked(host, await _addresses(host, request.url.port or 443))
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)  # the Host header was made of the name, and stays
        return await super().handle_async_request(request)

    def _checked(self, host: str, addresses: Sequence[str]) -> str:
        if not self._private and not all(is_public(address) for address in addresses):
            raise InputError(
                f"{host[:100]} is on this machine or its own network, which is not fetched from.",
                code="address_not_allowed",
                hint="Only addresses of the public internet are.",
            )
        return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet's, also where it is written into an IPv6 one."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast and not found.is_reserved


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


async def _addresses(host: str, port: int) -> list[str]:
    try:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnreachableError(f"There is no host {host[:100]!r}.", hint="Check the address.") from None
    return [str(entry[4][0]) for entry in found]
