"""The actions: one file each, found by listing this folder. A file defines ACTION and nothing names it elsewhere.

What an action offers is decided from the text alone, in the time between two keys.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from theo_lsp.edits.kept import Keeps
from theo_lsp.edits.language import is_text
from theo_lsp.edits.places import Span
from theo_lsp.selection import Selection
from theo_mcp.errors import InputError

Gives: TypeAlias = Literal["code", "prose", "text", "file"]
"""What becomes of the answer: code or prose that replaces the span, a text to read, or a new file."""


@dataclass(frozen=True)
class Offer:
    """An action at one place."""

    span: Span
    """What it would replace, or is about."""
    title: str = ""
    """Where it says more than the action's own."""
    instruction: str = ""
    """What the user asks for, by an instruction or by what stands in the text; the task is told it."""


Offers: TypeAlias = Offer | Sequence[Offer] | None


@dataclass(frozen=True)
class NewFile:
    """Where a new file goes; one that exists is never overwritten."""

    name: str
    language: str
    folder: Path | None = None
    """None: that of the document."""
    about: str = ""
    """What the model is told of the place."""


@dataclass(frozen=True)
class Action:
    """One action. `task` is what the model is told to do with the place that was offered."""

    name: str
    title: str
    kind: str
    """A kind of the LSP, or below one."""
    order: int
    """Where it stands in the menu."""
    offer: Callable[[Selection], Offers]
    task: Callable[[Selection, str], str]
    gives: Gives = "code"
    gives_in_prose: Gives | None = None
    """Where that is something else in a document of prose."""
    keeps: Keeps = "nothing"
    """What its answer leaves as it is; where it does not, it is shown and not applied."""
    instruction: Literal["none", "optional", "required"] = "none"
    """Whether it takes words of the user besides the place."""
    improves: bool = False
    """Whether its task goes to GetCode's improve, which takes the words alone, and not to a completion."""
    for_flaws: bool = False
    """Whether it is about a diagnostic; only such an action lights the light bulb."""
    new_file: Callable[[Selection, str, Sequence[Path]], NewFile] | None = None
    """The file that it makes, by the selection, the instruction and the folders of the workspace. It may look at the
    disk, so it is called off the event loop, when the run starts."""

    def gives_in(self, language: str) -> Gives:
        """What becomes of its answer for a document of `language`."""
        return self.gives_in_prose if self.gives_in_prose and is_text(language) else self.gives


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
        for offer in _offers(action, selection):
            yield action, offer


def offer_for(action: Action, selection: Selection, instruction: str = "") -> Offer | None:
    """What `action` offers at a place to a user who may have said something besides; None where it makes no sense.

    Raises:
        InputError: it takes no instruction, needs one, or cannot follow this one.
    """
    said = instruction.strip()
    if said and action.instruction == "none":
        raise InputError(f"“{action.title}” takes no instruction.", hint="Leave it out.")
    offer = next(iter(_offers(action, replace(selection, instruction=said))), None)
    if offer is None and not said and action.instruction == "required":
        raise InputError(f"“{action.title}” needs an instruction.", hint="Say what is to be done.")
    return offer


def _offers(action: Action, selection: Selection) -> Sequence[Offer]:
    offers = action.offer(selection)
    return (offers,) if isinstance(offers, Offer) else offers or ()


def wanted(kind: str, only: Collection[str]) -> bool:
    """Whether `kind` is one of the kinds in `only`, or below one; the empty kind is above all."""
    return any(not each or kind == each or kind.startswith(each + ".") for each in only)
