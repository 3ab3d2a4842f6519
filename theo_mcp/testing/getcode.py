"""GetCode as its API reference describes it: the endpoints that we call."""

from __future__ import annotations

from theo_mcp.testing.http import Exchange, HttpServer

KEY = "gc_0123456789abcdef0123456789abcdef"
OUTPUT_TYPES = ("website", "chart", "api", "email", "pdf", "excel", "word", "powerpoint", "video", "image")


class FakeGetCode(HttpServer):
    """The service; its errors are a string."""

    def __init__(self) -> None:
        super().__init__(self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.headers.get("authorization") != f"Bearer {KEY}":
            await exchange.reply(401, {"error": "Invalid API key"})
        elif (request.method, request.path) != ("POST", "/api/improve"):
            await exchange.reply(404, {"error": "Not found"})
        elif set(request.json) != {"prompt", "outputType"} or request.json["outputType"] not in OUTPUT_TYPES:
            await exchange.reply(400, {"error": "prompt and outputType are required"})
        else:
            improved = f"{request.json['prompt']} with responsive nav and clear sections."
            await exchange.reply(200, {"improved": improved, "tokensUsed": 312})
