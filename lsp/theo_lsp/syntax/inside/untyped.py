"""Whether a function leaves out types that its language could have, where that can be read off its head."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tree_sitter import Node

_SEPARATORS: Final = frozenset({"keyword_separator", "positional_separator", "comment"})
_FUNCTIONS: Final = ("arrow_function", "function_expression", "generator_function")


def untyped(node: Node, grammar: str) -> bool | None:
    """Whether a parameter or the result has no type; None for what is no function, and where nothing tells."""
    tells = _BY_GRAMMAR.get(grammar)
    return tells(node) if tells else None


def _python(node: Node) -> bool | None:
    parameters = node.child_by_field_name("parameters")
    if parameters is None:
        return None
    given = [each for each in parameters.named_children if each.type not in _SEPARATORS]
    if given and given[0].type == "identifier" and given[0].text in (b"self", b"cls", b"mcs"):
        given = given[1:]
    if any(each.type not in ("typed_parameter", "typed_default_parameter") for each in given):
        return True
    name = node.child_by_field_name("name")
    initial = name is not None and name.text in (b"__init__", b"__post_init__")  # nothing else can come of them
    return node.child_by_field_name("return_type") is None and not initial


def _typescript(node: Node) -> bool | None:
    function = _function(node)
    if function is None:
        return None
    if function is not node and node.type in ("lexical_declaration", "variable_declaration"):
        declared = next((each for each in node.named_children if each.type == "variable_declarator"), None)
        if declared is not None and declared.child_by_field_name("type") is not None:
            return False
    if function is not node and node.type == "public_field_definition" and node.child_by_field_name("type") is not None:
        return False
    parameters = function.child_by_field_name("parameters")
    if parameters is None:  # one parameter without brackets
        return True
    given = [each for each in parameters.named_children if each.type != "comment"]
    if any(each.child_by_field_name("type") is None for each in given):
        return True
    name = node.child_by_field_name("name")
    without = (name is not None and name.text == b"constructor") or any(each.type == "set" for each in node.children)
    return function.child_by_field_name("return_type") is None and not without


def _function(node: Node) -> Node | None:
    """The node that has parameters: `node`, or what it gives a name to."""
    if node.child_by_field_name("parameters") is not None or node.type in _FUNCTIONS:
        return node
    value = node.child_by_field_name("value") or node.child_by_field_name("right")
    if value is None:
        inner = next((each for each in node.named_children if each.type in _HOLDERS), None)
        return _function(inner) if inner is not None else None
    return value if value.type in _FUNCTIONS else None


_HOLDERS: Final = ("variable_declarator", "assignment_expression")


def _php(node: Node) -> bool | None:
    function = node
    if node.type == "expression_statement":
        assigned = node.named_child(0)
        right = assigned.child_by_field_name("right") if assigned is not None else None
        if right is None:
            return None
        function = right
    parameters = function.child_by_field_name("parameters")
    if parameters is None:
        return None
    if any(
        each.type.endswith("_parameter") and each.child_by_field_name("type") is None
        for each in parameters.named_children
    ):
        return True
    name = function.child_by_field_name("name")
    without = name is not None and name.text in (b"__construct", b"__destruct")
    return function.child_by_field_name("return_type") is None and not without


_BY_GRAMMAR: Final[dict[str, Callable[[Node], bool | None]]] = {
    "python": _python, "typescript": _typescript, "tsx": _typescript, "php": _php,
}  # fmt: skip
