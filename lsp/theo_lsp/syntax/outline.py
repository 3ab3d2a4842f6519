"""The definitions of a document, as a parser sees them."""

from __future__ import annotations

from dataclasses import dataclass

from theo_lsp.edits.places import Span


@dataclass(frozen=True)
class Definition:
    """A function, class or other definition."""

    name: str
    kind: str
    """A plain word for titles, such as ``function``."""
    span: Span
    """From the start of its first line, with decorators, to the end of the last line without its ending."""
    documented: bool | None
    """None: not known."""
    untyped: bool | None
    """True: a parameter or the result has no type although the language has optional types. None: not known."""
    children: tuple[Definition, ...] = ()


@dataclass(frozen=True)
class Outline:
    """The definitions of one version of a document."""

    definitions: tuple[Definition, ...]

    def around(self, span: Span) -> Definition | None:
        """The innermost definition that holds all of `span`."""
        found, near = None, self.definitions
        while inner := next((one for one in near if one.span.start <= span.start and span.end <= one.span.end), None):
            found, near = inner, inner.children
        return found
