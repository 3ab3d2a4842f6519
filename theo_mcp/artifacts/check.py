"""Says whether code parses in its language, with the parsers of the standard library; never whether it is right."""

from __future__ import annotations

import ast
import json
import tomllib
import warnings
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Final
from xml.etree import ElementTree

from theo_mcp.wire.model import Check


def _python(code: str) -> None:
    with warnings.catch_warnings(action="ignore"):  # an odd escape is no reason to write to the user's screen
        ast.parse(code)


def _json(code: str) -> None:
    json.loads(code, parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_PARSERS: Final[dict[str, Callable[[str], object]]] = {
    "python": _python,
    "json": _json,
    "toml": tomllib.loads,
    "xml": ElementTree.fromstring,
}
_LONGEST: Final = {"toml": 20_000}  # tomllib needs seconds for some longer ones
_LONGEST_ELSE: Final = 200_000
_ALIASES: Final = {"py": "python", "python3": "python", "pyi": "python", "svg": "xml", "xsd": "xml"}


def check(language: str, code: str) -> Check:
    """`language` as a fence or a file ending names it."""
    name = _ALIASES.get(language.lower(), language.lower())
    parser = _PARSERS.get(name)
    if not code.strip():
        return Check(language=name, status="fails", message="there is no code")
    if parser is None:
        said = f"no parser for {name} here" if name else "the answer does not say its language"
        return Check(language=name, status="not checked", message=said)
    if len(code) > _LONGEST.get(name, _LONGEST_ELSE):
        return Check(language=name, status="not checked", message="it is too long to be parsed here")
    try:
        parser(code)
    except ElementTree.ParseError as error:  # a SyntaxError too, but without its line
        return Check(language=name, status="fails", message=str(error))
    except SyntaxError as error:
        return Check(language=name, status="fails", message=f"line {error.lineno}: {error.msg}")
    except ValueError as error:
        return Check(language=name, status="fails", message=str(error))
    except (RecursionError, MemoryError):
        return Check(language=name, status="not checked", message="it is nested too deeply to be parsed here")
    return Check(language=name, status="parses")


def language_of(file: str) -> str:
    """The language of a file by its ending, or an empty string."""
    return PurePosixPath(file).suffix.removeprefix(".").lower()
