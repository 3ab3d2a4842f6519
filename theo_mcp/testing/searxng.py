"""A fake of SearXNG's search API, as its documents and its source describe it.

It answers ``GET /search`` in HTML, and in JSON where `formats` says so: as it is installed, an instance has only HTML,
and answers 403 to whoever asks for another format.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from theo_mcp.testing.http import Exchange, Fields, HttpServer

RESULTS: list[Fields] = [
    {
        "url": "https://tides.example/moon",
        "title": "Tides and the Moon",
        "content": "Tides are caused by the gravity of the Moon and the Sun. Two high tides a day are usual.",
    },
    {
        "url": "https://sea.example/spring-tides",
        "title": "Spring tides",
        "content": "Spring tides come when the Sun, the Moon and the Earth stand in one line.",
    },
    {
        "url": "https://coast.example/bay",
        "title": "The highest tides",
        "content": "The Bay of Fundy has the highest tides of the world, up to 16 metres.",
    },
]


class FakeSearXNG(HttpServer):
    """The service."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.formats: tuple[str, ...] = ("html", "json")
        self.found: dict[str, list[Fields]] = {}
        """What it finds for a query, by the exact query; `results` for every other."""
        self.results: list[Fields] = RESULTS
        self.limited_after: int | None = None
        """After so many searches its limiter answers 429."""

    @property
    def queries(self) -> list[str]:
        """What was asked so far."""
        return [_query(request.path).get("q", "") for request in self.requests if request.path.startswith("/search")]

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        asked = _query(request.path)
        form = asked.get("format", "html")
        if urlsplit(request.path).path != "/search" or request.method not in ("GET", "POST"):
            await exchange.reply(404, _page("Page not found"), content_type="text/html; charset=utf-8")
        elif self.limited_after is not None and len(self.queries) > self.limited_after:
            await exchange.reply(429, _page("Too Many Requests"), content_type="text/html; charset=utf-8")
        elif form not in self.formats:
            await exchange.reply(403, _page("Forbidden"), content_type="text/html; charset=utf-8")
        elif not asked.get("q"):
            await exchange.reply(400, {"error": "No query"} if form == "json" else _page("SearXNG"))
        elif form == "html":
            await exchange.reply(200, _page("SearXNG"), content_type="text/html; charset=utf-8")
        else:
            await exchange.reply(200, self._results(asked["q"]))

    def _results(self, query: str) -> Fields:
        rows = [
            {**row, "engine": "duckduckgo", "engines": ["duckduckgo"], "category": "general", "positions": [number],
             "score": 1 / number, "parsed_url": [], "template": "default.html", "publishedDate": None}
            for number, row in enumerate(self.found.get(query, self.results), 1)
        ]  # fmt: skip
        return {
            "query": query, "number_of_results": 0, "results": rows, "answers": [], "corrections": [], "infoboxes": [],
            "suggestions": [], "unresponsive_engines": [["google", "timeout"]],
        }  # fmt: skip


def _query(path: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}


def _page(title: str) -> str:
    return f"<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
