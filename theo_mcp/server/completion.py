"""Completes arguments of prompts and names of resources, from what their files say and from what there is now.

A host asks at every key that is typed. So nothing here fails for what cannot be looked up in time: it completes to
nothing.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping, Sequence

import anyio
import mcp_types as types
from mcp.shared.exceptions import MCPError

from theo_mcp.backend import Backend
from theo_mcp.errors import InputError, TheoError
from theo_mcp.server.prompts import Argument, argument_of, prompt_of
from theo_mcp.server.resources import Resource, template_of
from theo_mcp.server.rooms import Rooms

_MOST = 100  # of the protocol
_MOST_PATHS = 1_000
_MOST_NEAR = 10
_LIMIT_S = 2.0
_LONGEST = 1024

log = logging.getLogger(__name__)


async def complete(backend: Backend, rooms: Rooms, params: types.CompleteRequestParams) -> types.CompleteResult:
    """The values that the beginning in `params` may become.

    Raises:
        MCPError: there is no such prompt, template or argument; in one sentence.
    """
    begun, name = params.argument.value, params.argument.name
    try:
        if isinstance(params.ref, types.PromptReference):
            argument = argument_of(prompt_of(params.ref.name), name)
            others = (params.context.arguments if params.context else None) or {}
            found = await _argument(argument, begun, others, rooms)
        else:
            template = template_of(params.ref.uri)
            if name != template.variable:
                raise InputError(f"The template {template.uri} has one variable, which is {template.variable}.")
            found = begins(begun, await _names(template, backend, rooms))
    except InputError as error:
        raise MCPError(types.INVALID_PARAMS, f"{error.code}: {error}") from None
    shown = found[:_MOST]
    total = len(found) if len(found) < _MOST_PATHS else None
    completion = types.Completion(values=shown, total=total, has_more=len(found) > len(shown))
    return types.CompleteResult(completion=completion)


async def _argument(argument: Argument, begun: str, others: Mapping[str, str], rooms: Rooms) -> list[str]:
    if argument.live == "path":
        return await rooms.workspace.names(begun, limit=_MOST_PATHS)
    values = argument.values
    if argument.by is not None:
        other, by = argument.by
        values = by.get(others.get(other, "").strip().lower(), values)
    return begins(begun, values, near=not argument.text)


def begins(begun: str, values: Sequence[str], *, near: bool = True) -> list[str]:
    """The `values` that begin so, in whatever case; where none does, those with it inside, or else the nearest."""
    start = begun.strip().lower()
    if len(start) > _LONGEST:
        return []
    found = [value for value in values if value.lower().startswith(start)]
    if found or not near:
        return found
    inside = [value for value in values if start in value.lower()]
    if inside:
        return inside
    lowered = {value.lower(): value for value in values}
    close = difflib.get_close_matches(start[:100], lowered, n=_MOST_NEAR, cutoff=0.5)
    return [lowered[each] for each in close]


async def _names(template: Resource, backend: Backend, rooms: Rooms) -> Sequence[str]:
    if template.names is None:
        return ()
    try:
        with anyio.fail_after(_LIMIT_S):
            return await template.names(backend, rooms)
    except (TheoError, TimeoutError) as error:
        log.debug("%s has no names now: %s", template.uri, type(error).__name__)
        return ()
