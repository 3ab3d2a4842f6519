"""The playground's routes, for the gateway to include. They ask for no key: the page has nothing of anybody's."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from theo_mcp.gateway.playground import Asset, asset, page


async def _page(request: Request) -> Response:
    return _answer(request, page())


async def _with_slash(request: Request) -> Response:
    return RedirectResponse("/playground", 308)


async def _file(request: Request) -> Response:
    found = asset(request.path_params["name"])
    return (
        Response("There is no such file.", 404, media_type="text/plain") if found is None else _answer(request, found)
    )


def _answer(request: Request, found: Asset) -> Response:
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if known & {found.etag, "*"}:
        return Response(status_code=304, headers=dict(found.headers))
    return Response(found.body, headers={**found.headers, "Content-Type": found.content_type})


ROUTES = [Route("/playground", _page), Route("/playground/", _with_slash), Route("/playground/{name}", _file)]
