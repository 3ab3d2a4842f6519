"""Honest little servers with knobs, over real sockets, for tests of whatever is built on this package.

What they check is written from the services' documents, not from this package, and no module here imports the rest of
it. Our own tests use the same servers.

- `FakeTheo`, `FakeGetCode`, `ModelServer`: the services, each with knobs (its attributes). ``origin`` is the base URL,
  ``theo.KEY`` and ``getcode.KEY`` the keys that they accept, ``requests`` what came, ``next`` the handlers that answer
  the next requests in another way.
- `FakeSearXNG`: a search service, with its answers in JSON switched on or off.
- `faults`: such handlers, for what services, proxies and networks do wrong.
- `HttpServer`, `Exchange`: a server whose every byte a handler decides; `Proxy`: one that makes tunnels.
"""

from theo_mcp.testing import faults
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.http import Exchange, HttpServer, Received
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.testing.proxy import Proxy
from theo_mcp.testing.searxng import FakeSearXNG
from theo_mcp.testing.theo import FakeTheo

__all__ = [
    "Exchange",
    "FakeGetCode",
    "FakeSearXNG",
    "FakeTheo",
    "HttpServer",
    "ModelServer",
    "Proxy",
    "Received",
    "faults",
]
