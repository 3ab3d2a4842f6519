"""The actions: one file each, found by listing this folder. A file defines ACTION and nothing names it elsewhere.

What an action offers is decided from the text alone, in the time between two keys.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, TypeAlias

from theo_lsp.edits.places import Span
from theo_lsp.selection import Selection

Gives: TypeAlias = Literal["code", "text", "file"]
"""What becomes of the answer: code that replaces the span, a text to read, or a new file."""


@dataclass(frozen=True)
class Offer:
    """An action at one place."""

    span: Span
    """What it would replace, or is about."""
    title: str = ""
    """Where it says more than the action's own."""
    instruction: str = ""
    """What the user asks for, where that stands in the text."""


@dataclass(frozen=True)
class Action:
    """One action. `task` is what the model is told to do with the place that was offered."""

    name: str
    title: str
    kind: str
    """A kind of the LSP, or below one."""
    order: int
    """Where it stands in the menu."""
    offer: Callable[[Selection], Offer | None]
    task: Callable[[Selection, str], str]
    gives: Gives = "code"
    instruction: Literal["none", "optional", "required"] = "none"
    """Whether it takes words of the user besides the place."""
    for_flaws: bool = False
    """Whether it is about a diagnostic; only such an action lights the light bulb."""
    new_file: Callable[[Selection], str] = field(default=lambda selection: "")
    """The path of the file that it makes, relative to the folder of the document."""


@cache
def all_actions() -> tuple[Action, ...]:
    """Every action, in the order of the menu."""
    names = [found.name for found in pkgutil.iter_modules(__path__)]
    actions: list[Action] = [importlib.import_module(f"{__name__}.{name}").ACTION for name in names]
    return tuple(sorted(actions, key=lambda action: (action.order, action.name)))


def find(name: str) -> Action | None:
    return next((action for action in all_actions() if action.name == name), None)


def offered(
    selection: Selection, *, only: Collection[str] | None = None, automatic: bool = False
) -> Iterator[tuple[Action, Offer]]:
    """The actions that make sense here; those of the kinds in `only`, where there are any."""
    for action in all_actions():
        if automatic and not action.for_flaws:
            continue
        if only and not wanted(action.kind, only):
            continue
        offer = action.offer(selection)
        if offer is not None:
            yield action, offer


def wanted(kind: str, only: Collection[str]) -> bool:
    """Whether `kind` is one of the kinds in `only`, or below one; the empty kind is above all."""
    return any(not each or kind == each or kind.startswith(each + ".") for each in only)
