"""The resources: what can be looked at without calling a tool, one file each, found by listing this folder.

They are a bonus: few hosts show them, so every one can be had of a tool too. A name is refused here, before anything is
asked or opened, where no file, handle or conversation may be called so.
"""

from __future__ import annotations

import base64
import difflib
import functools
import importlib
import json
import pkgutil
import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

import mcp_types as types
from mcp.shared.exceptions import MCPError
from pydantic import JsonValue

from theo_mcp.backend import Backend
from theo_mcp.errors import InputError, NotFoundError, TheoError
from theo_mcp.secret import redact
from theo_mcp.server.icons import icon
from theo_mcp.server.reply import clean, clean_value, finite
from theo_mcp.server.rooms import Rooms

if TYPE_CHECKING:
    from theo_mcp.wire.model import Extended

_LONGEST = 2_048
_ECHO = 60
_ECHO_URI = 100


@dataclass(frozen=True)
class Content:
    """A part of what was read: text, or bytes."""

    mime: str
    body: str | bytes


@dataclass(frozen=True)
class Resource:
    """One resource, or with a variable in its address a template of many."""

    uri: str
    name: str
    title: str
    description: str
    read: Callable[[Backend, Rooms, str], Awaitable[Sequence[Content]]]
    """Given the name that stands for the variable; raises `TheoError`."""
    icon: str
    """The path data of an SVG, 24 by 24."""
    mime: str | None = None
    ttl_ms: int = 0
    """How long what was read may be taken for what is so."""
    scope: Literal["public", "private"] = "private"
    """Whether it is the same for every user."""
    names: Callable[[Backend, Rooms], Awaitable[Sequence[str]]] | None = None
    """What the variable may be now; raises `TheoError`."""

    @property
    def variable(self) -> str:
        """Its name; empty where there is none."""
        return self.uri.partition("{")[2].rstrip("}")

    @property
    def beginning(self) -> str:
        """The address before the variable."""
        return self.uri.partition("{")[0]

    def listed(self) -> types.Resource:
        """As ``resources/list`` shows it."""
        return types.Resource(
            uri=self.uri,
            name=self.name,
            title=self.title,
            description=self.description,
            mime_type=self.mime,
            icons=[icon(self.icon)],
        )

    def template(self) -> types.ResourceTemplate:
        """As ``resources/templates/list`` shows it."""
        return types.ResourceTemplate(
            uri_template=self.uri,
            name=self.name,
            title=self.title,
            description=self.description,
            mime_type=self.mime,
            icons=[icon(self.icon)],
        )


@functools.cache
def all_resources() -> Mapping[str, Resource]:
    """The resources and templates by address, in the order of their addresses."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return {each.uri: each for each in sorted((module.RESOURCE for module in modules), key=lambda each: each.uri)}


def template_of(uri: str) -> Resource:
    """The template with this address.

    Raises:
        InputError: there is none.
    """
    found = all_resources().get(uri)
    if found is None or not found.variable:
        templates = [each.uri for each in all_resources().values() if each.variable]
        raise InputError(f"There is no resource template {_shown(uri)}.", hint=_near(uri, templates, "templates"))
    return found


def found(uri: str) -> tuple[Resource, str]:
    """The resource at `uri`, and the name in it.

    Raises:
        InputError: there is none, or the name is none that anything may have.
    """
    if len(uri) > _LONGEST:
        raise InputError(f"The address of the resource has {len(uri):,} characters, and {_LONGEST:,} are the most.")
    resources = all_resources()
    if uri in resources and not resources[uri].variable:
        return resources[uri], ""
    for each in resources.values():
        if each.variable and uri.startswith(each.beginning):
            return each, _name(uri.removeprefix(each.beginning), each)
    raise InputError(f"There is no resource {_shown(uri)}.", hint=_near(uri, list(resources), "resources"))


async def read(backend: Backend, rooms: Rooms, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    """What stands at an address.

    Raises:
        MCPError: there is nothing, or it could not be had; it begins with the error's code word.
    """
    uri = params.uri
    try:
        resource, name = found(uri)
        contents = await resource.read(backend, rooms, name)
    except TheoError as error:
        raise refused(error, uri) from None
    return types.ReadResourceResult(
        contents=[_on_the_wire(uri, each) for each in contents], ttl_ms=resource.ttl_ms, cache_scope=resource.scope
    )


def refused(error: TheoError, uri: str) -> MCPError:
    """Why an address cannot be read, as MCP. What is not there is -32602 in every era, as the SDK says it."""
    code = types.INVALID_PARAMS if isinstance(error, InputError | NotFoundError) else types.INTERNAL_ERROR
    shown = clean(uri if len(uri) <= _ECHO_URI else f"{uri[:_ECHO_URI]}…")
    return MCPError(code, clean(redact(f"{error.code}: {error}")), {"uri": shown})


def facts(answers: str, answer: Extended, **more: JsonValue) -> Content:
    """An answer as JSON: every documented fact as the service says it, and who answered."""
    said = answer.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"theo_mcp"})
    for parts in said.values():  # what is a part here can be a whole answer elsewhere, with its own note of who made it
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                part.pop("theo_mcp", None)
    about = answer.theo_mcp.model_dump(mode="json", exclude_defaults=True)
    return as_json({"answers": answers, **said, **({"theo_mcp": about} if about else {}), **more})


def as_json(value: JsonValue) -> Content:
    """A value as compact JSON."""
    text = json.dumps(finite(clean_value(value)), ensure_ascii=False, separators=(",", ":"))
    return Content("application/json", text)


def _on_the_wire(uri: str, content: Content) -> types.TextResourceContents | types.BlobResourceContents:
    if isinstance(content.body, bytes):
        blob = base64.b64encode(content.body).decode()
        return types.BlobResourceContents(uri=uri, mime_type=content.mime, blob=blob)
    return types.TextResourceContents(uri=uri, mime_type=content.mime, text=clean(content.body))


def _name(quoted: str, resource: Resource) -> str:
    """The name that stands in an address, read once: what is quoted twice is a name with a percent sign in it."""
    name = unquote(quoted, errors="replace")
    what = f"The {resource.variable} in {resource.beginning}…"
    if not name.strip():
        raise InputError(f"{what} is missing.", hint=resource.description)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name) or "\ufffd" in name:
        raise InputError(f"{what} has control characters in it, or is no text.", hint=resource.description)
    parts = name.replace("\\", "/").split("/")
    if "" in parts or ".." in parts or "." in parts or name.startswith("~") or name[1:2] == ":":
        raise InputError(
            f"{what} is {_shown(name)}, which is a path to elsewhere.",
            code="path_not_allowed",
            hint="Give a name as resources/list tells it.",
        )
    return name


def _near(given: str, known: list[str], kind: str) -> str:
    near = difflib.get_close_matches(given[:_LONGEST], known, n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else f"The {kind} are: {', '.join(known)}."


def _shown(name: str) -> str:
    return repr(name) if len(name) <= _ECHO and name.isprintable() else f"of {len(name):,} characters"
