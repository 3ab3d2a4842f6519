"""The prompts: what people ask for again and again, one file each, found by listing this folder.

A prompt only says which tool to call with what; it calls nothing itself, so what it does can be had without it. A file
defines PROMPT and nothing names it elsewhere.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import mcp_types as types
from mcp.shared.exceptions import MCPError

from theo_mcp.errors import InputError
from theo_mcp.server.icons import icon
from theo_mcp.server.rooms import Rooms

MOST_CHARS = 100_000
"""Of a text, or of a file that a prompt is about."""
_MOST_LINE = 400
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BREAKS = re.compile(r"[\t\n\r\u2028\u2029]")
_ECHO = 60


@dataclass(frozen=True)
class Argument:
    """One argument of a prompt, and what completes it. Hosts give strings and nothing else."""

    name: str
    description: str
    required: bool = False
    values: tuple[str, ...] = ()
    """Good examples; of `closed`, all that it may be."""
    closed: bool = False
    by: tuple[str, Mapping[str, tuple[str, ...]]] | None = None
    """The name of another argument, and the values for each value of that one; otherwise `values`."""
    live: Literal["path"] | None = None
    """What is looked up to complete it."""
    text: bool = False
    """Whether it may have many lines."""


@dataclass(frozen=True)
class Prompt:
    """One prompt."""

    name: str
    title: str
    description: str
    arguments: tuple[Argument, ...]
    message: Callable[[Mapping[str, str]], str]
    """What the user is made to say, from checked arguments."""
    tools: tuple[str, ...]
    """The tools that the message names: what it does can be asked of them directly."""
    icon: str
    """The path data of an SVG, 24 by 24."""
    code: Literal["wanted", "welcome"] | None = None
    """Whether it is about code, given by `code` or by `path`, and whether it can do without."""

    def listed(self) -> types.Prompt:
        """As ``prompts/list`` shows it."""
        return types.Prompt(
            name=self.name,
            title=self.title,
            description=self.description,
            arguments=[
                types.PromptArgument(name=each.name, description=each.description, required=each.required or None)
                for each in self.arguments
            ],
            icons=[icon(self.icon)],
        )


CODE = Argument("code", "The code; or give path.", text=True)
PATH = Argument("path", "A source file in an open folder.", live="path")
"""The two arguments of every prompt about code."""


@functools.cache
def all_prompts() -> Mapping[str, Prompt]:
    """The prompts by name, in the order of their names."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return {prompt.name: prompt for prompt in sorted((each.PROMPT for each in modules), key=lambda each: each.name)}


def prompt_of(name: str) -> Prompt:
    """The prompt called `name`.

    Raises:
        InputError: there is none.
    """
    prompts = all_prompts()
    if name not in prompts:
        raise InputError(f"There is no prompt {_shown(name)}.", hint=_near(name, list(prompts), "prompts"))
    return prompts[name]


def argument_of(prompt: Prompt, name: str) -> Argument:
    """The argument `name` of a prompt.

    Raises:
        InputError: it has none.
    """
    found = next((each for each in prompt.arguments if each.name == name), None)
    if found is None:
        names = [each.name for each in prompt.arguments]
        raise InputError(
            f"The prompt {prompt.name} has no argument {_shown(name)}.", hint=_near(name, names, "arguments")
        )
    return found


async def get(rooms: Rooms, params: types.GetPromptRequestParams) -> types.GetPromptResult:
    """The message of a prompt.

    Raises:
        MCPError: it is none, or its arguments are wrong; in one sentence.
    """
    try:
        prompt = prompt_of(params.name)
        given = await _with_code(prompt, checked(prompt, params.arguments or {}), rooms)
    except InputError as error:
        raise MCPError(types.INVALID_PARAMS, f"{error.code}: {error}") from None
    content = types.TextContent(text=prompt.message(given))
    return types.GetPromptResult(
        description=prompt.description, messages=[types.PromptMessage(role="user", content=content)]
    )


def checked(prompt: Prompt, raw: Mapping[str, str]) -> dict[str, str]:
    """The arguments that say something; hosts send empty strings for what the user left out.

    Raises:
        InputError: the first thing that is wrong with them.
    """
    for name in raw:
        argument_of(prompt, name)
    given = {}
    for argument in prompt.arguments:
        value = raw.get(argument.name, "")
        if not value.strip():
            if argument.required:
                raise InputError(f"The argument {argument.name!r} is missing.", hint=argument.description)
            continue
        given[argument.name] = _value(argument, value)
    return given


def _value(argument: Argument, value: str) -> str:
    most = MOST_CHARS if argument.text else _MOST_LINE
    if len(value) > most:
        raise InputError(
            f"The argument {argument.name!r} has {len(value):,} characters, and {most:,} are the most.",
            hint="Give the path of a file, or less of it." if argument.text else argument.description,
        )
    if _CONTROLS.search(value) or not (argument.text or _BREAKS.search(value.strip()) is None):
        what = "control characters" if _CONTROLS.search(value) else "more than one line"
        raise InputError(f"The argument {argument.name!r} has {what} in it.", hint="Give it as plain text.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise InputError(f"The argument {argument.name!r} is no valid text.", hint="Give it as plain text.")
    if argument.text:
        return value
    value = value.strip()
    if argument.closed and value not in argument.values:
        folded = {each.lower(): each for each in argument.values}
        if value.lower() in folded:
            return folded[value.lower()]
        raise InputError(
            f"The argument {argument.name!r} is {_shown(value)}, which is not one of its values.",
            hint=_near(value, list(argument.values), "values"),
        )
    return value


async def _with_code(prompt: Prompt, given: dict[str, str], rooms: Rooms) -> dict[str, str]:
    """`given` with the code of the file that it names.

    Raises:
        InputError: there is no code, or twice; or the file cannot be read, or is no text.
    """
    if prompt.code is None:
        return given
    if "code" in given and "path" in given:
        raise InputError("The arguments 'code' and 'path' are both there; one of them is wanted.")
    if "path" in given:
        file = await rooms.workspace.read(given["path"], max_bytes=4 * MOST_CHARS)
        try:
            code = file.data.decode()
        except UnicodeDecodeError:
            code = "\0"
        if "\0" in code:
            raise InputError(f"The file {file.name[:_ECHO]!r} is no text.", hint="Give a file of source code.")
        if len(code) > MOST_CHARS:
            raise InputError(
                f"The file {file.name[:_ECHO]!r} has {len(code):,} characters, and {MOST_CHARS:,} are the most.",
                hint="Give the part that matters as 'code'.",
            )
        given["code"] = code
    if not given.get("code", "").strip() and prompt.code == "wanted":
        empty = "path" in given
        raise InputError(
            "The file is empty." if empty else "The arguments 'code' and 'path' are both missing.",
            hint="Give the code, or the path of a file in an open folder.",
        )
    return given


def _near(name: str, names: list[str], kind: str) -> str:
    near = difflib.get_close_matches(name[:_ECHO].lower(), names, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"The {kind} are: {', '.join(names)}."


def _shown(name: str) -> str:
    return repr(name) if len(name) <= _ECHO and name.isprintable() else f"of {len(name):,} characters"
