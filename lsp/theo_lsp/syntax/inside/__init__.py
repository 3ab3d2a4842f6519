"""What runs in the child: one text is parsed, and what it defines comes out as numbers and names.

The patterns are matched by tree-sitter itself, which neither recurses nor makes an object of each node, so that the
depth and the size of a text cost no more than reading it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from tree_sitter import Parser, Query, QueryCursor
from tree_sitter_language_pack import SupportedLanguage, get_language, get_parser

from theo_lsp.syntax.inside.definitions import definitions, joined
from theo_lsp.syntax.inside.patterns import PATTERNS
from theo_lsp.syntax.inside.places import Places

if TYPE_CHECKING:
    from theo_mcp.sandbox import Returned

_MOST_COMMENTS: Final = 50_000
_MOST_BROKEN: Final = 1_000
_FAULTS: Final = "(ERROR) @broken (MISSING) @broken"


def outlined(text: bytes, *, grammar: SupportedLanguage) -> Returned:
    """The definitions (name, kind, start, end, documented, untyped, number of the one around it or -1), the comments
    and the broken places (start, end, start, end, …) of `text`, in code points; and how many faults there are."""
    parser, query = _loaded(grammar)
    tree = parser.parse(text)
    matches = QueryCursor(query).matches(tree.root_node)
    comments = [(node.start_byte, node.end_byte) for node in joined(matches, "comment")][:_MOST_COMMENTS]
    broken = [(node.start_byte, node.end_byte) for node in joined(matches, "broken")]
    found = definitions(matches, text, grammar)
    places = Places(text)
    return {}, {
        "definitions": [
            [each.name, each.kind, places[each.start], places[each.end], each.documented, each.untyped, each.parent]
            for each in found
        ],
        "comments": [places[offset] for start, end in comments for offset in (start, places.trimmed(start, end))],
        "broken": [places[offset] for span in broken[:_MOST_BROKEN] for offset in span],
        "faults": len(broken),
    }


def faults(text: bytes, *, grammar: SupportedLanguage) -> Returned:
    """How many faults `text` has."""
    parser, _ = _loaded(grammar)
    root = parser.parse(text).root_node
    if not root.has_error:
        return {}, 0
    return {}, len(QueryCursor(_faulty(grammar)).captures(root).get("broken", []))


@cache
def _loaded(grammar: SupportedLanguage) -> tuple[Parser, Query]:
    return get_parser(grammar), Query(get_language(grammar), f"{PATTERNS[grammar]}\n{_FAULTS}")


@cache
def _faulty(grammar: SupportedLanguage) -> Query:
    return Query(get_language(grammar), _FAULTS)
