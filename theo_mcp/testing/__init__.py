"""Honest little servers with knobs, over real sockets, for tests of whatever is built on this package.

What they check is written from the services' documents, not from this package, and no module here imports the rest of
it. Our own tests use the same servers.
"""

from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.http import Exchange, HttpServer, Received
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.testing.theo import FakeTheo

__all__ = ["Exchange", "FakeGetCode", "FakeTheo", "HttpServer", "ModelServer", "Received"]
