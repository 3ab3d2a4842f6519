"""Functions, classes and other symbols of a document, and those around a place.

A tree of symbols comes in as data, from whatever parses the language outside this process. Where there is none, the
indentation tells: the nearest line above with less of it that reads like a definition, up to its last line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Symbol:
    """One symbol: the lines from `start` up to, not including, `stop`, counted from 0, and the symbols in it."""

    name: str
    kind: str
    start: int
    stop: int
    children: tuple[Symbol, ...] = ()


_DEFINES: Final = re.compile(
    r"\s*+(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|override|pub(?:\([a-z]+\))?"
    r"|unsafe|virtual|sealed|partial|open|data|inline|const|extern|local|declare)\s++)*+"
    r"(?P<kind>def|class|function\*?|fn|func|fun|interface|struct|enum|impl|trait|module|namespace|sub|object|record"
    r"|describe|resource|type)\b\s*+(?:\([\w *&,.\[\]]{0,80}\)\s++)?[ (]*+(?P<name>[\w.:$\"'-]*+)"
)
_METHOD: Final = re.compile(
    r"\s*+(?!if\b|for\b|while\b|switch\b|catch\b|else\b|return\b)"
    r"[\w<>\[\],.*&? ]{0,100}?(?<![\w.])(?P<name>\w++)\([^;]*"
    r"(?P<end>[{)])\s*$"
)
_CLOSES: Final = re.compile(r"\s*+(?:[}\])]|end\b)")
_LONGEST: Final = 400  # a longer line defines nothing that a reader would call by a name
_FARTHEST: Final = 2_000


def enclosing(symbols: Sequence[Symbol], start: int, stop: int) -> tuple[Symbol, ...]:
    """The symbols that hold all lines from `start` to `stop`, the outermost first."""
    for symbol in symbols:
        if symbol.start <= start and stop <= symbol.stop:
            return (symbol, *enclosing(symbol.children, start, stop))
    return ()


def guessed(lines: Sequence[str], start: int, stop: int) -> tuple[Symbol, ...]:
    """The same by indentation alone."""
    first = next((at for at in range(start, min(stop, len(lines))) if lines[at].strip()), None)
    depth = _depth(lines[first]) if first is not None else _depth_above(lines, start)
    found: list[Symbol] = []
    if first is not None and (symbol := _defined(lines, first)) and symbol.stop >= stop:
        found.append(symbol)
    for at in range(min(start, len(lines)) - 1, max(-1, start - _FARTHEST), -1):
        if not depth:
            break
        if not lines[at].strip() or _depth(lines[at]) >= depth or _CLOSES.match(lines[at]):
            continue
        if lines[at].strip() == "{":  # what it opens is said above it
            continue
        depth = _depth(lines[at])
        if (symbol := _defined(lines, at)) and symbol.stop >= stop:
            found.append(symbol)
    return tuple(reversed(found))


def _defined(lines: Sequence[str], at: int) -> Symbol | None:
    """What the line `at` defines, if it does."""
    line = lines[at]
    if len(line) > _LONGEST:
        return None
    match = _DEFINES.match(line)
    if match:
        return Symbol(match["name"].strip("\"':"), match["kind"], at, _end(lines, at))
    match = _METHOD.match(line)
    # A call ends with a bracket as well; what it calls is not defined here.
    if not match or (match["end"] == ")" and (at + 1 >= len(lines) or lines[at + 1].strip() != "{")):
        return None
    return Symbol(match["name"], "function", at, _end(lines, at))


def _end(lines: Sequence[str], at: int) -> int:
    """Behind the last line of what begins at `at`: the lines with more indentation, and the bracket behind them."""
    depth, stop = _depth(lines[at]), at + 1
    for place in range(at + 1, len(lines)):
        line = lines[place]
        if not line.strip():
            continue
        if _depth(line) < depth or (
            _depth(line) == depth and line.strip()[0] not in "{})]" and not _CLOSES.match(line)
        ):
            break
        stop = place + 1
        if _depth(line) == depth and _CLOSES.match(line) and not line.rstrip().endswith(("{", "(", ":", ",")):
            break
    return stop


def _depth(line: str) -> int:
    """How far `line` is indented; a tab counts as four."""
    text = line[:_LONGEST].expandtabs(4)
    return len(text) - len(text.lstrip(" "))


def _depth_above(lines: Sequence[str], start: int) -> int:
    """One step more than the nearest line above: where a new line would stand."""
    above = next((line for line in reversed(lines[max(0, start - _FARTHEST) : start]) if line.strip()), "")
    opens = above.rstrip().endswith((":", "{", "(", "["))
    return _depth(above) + (1 if opens else 0)
