"""What opens a block and what ends it, by the words and brackets of a language; strings count for nothing."""

from __future__ import annotations

import re
from typing import Final

from theo_lsp.edits.language import named

_NOISE: Final = re.compile(r'"(?:\\.|[^"\\\n])*+"|\'(?:\\.|[^\'\\\n])*+\'|//[^\n]*')
_OPENS: Final = {
    "ruby": re.compile(
        r"^\s*(?:def|class|module|if|unless|case|while|until|begin|for)\b|\bdo(?:\s*\|[^|]*\|)?\s*$", re.M
    ),
    "lua": re.compile(r"\bfunction\b|\bthen\s*$|\bdo\s*$", re.M),
    "shellscript": re.compile(r"^\s*(?:if|for|while|until|case)\b", re.M),
}
_TAG: Final = re.compile(r"<([A-Za-z][\w.-]*)(?:\s[^<>]*[^<>/])?>")
_TAGGED: Final = frozenset({"html", "xml", "vue", "svelte", "javascript", "typescript"})
_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track"}
)
_ENDS: Final = re.compile(r"^\s*(?:end|fi|done|esac)\b", re.M)


def without_strings(code: str) -> str:
    """`code` without what is in quotes or behind `//`."""
    return _NOISE.sub("", code)


def balance(code: str, language: str) -> int:
    """How many blocks the code opens and does not close; below nothing where it closes what it did not open."""
    text = without_strings(code)
    total = sum(text.count(mark) for mark in "([{") - sum(text.count(mark) for mark in ")]}")
    if opens := _OPENS.get(named(language)):
        total += len(opens.findall(text)) - len(_ENDS.findall(text))
    return total


def opens(line: str, language: str) -> bool:
    """Whether what comes behind `line` stands further in."""
    said = line.rstrip()
    if said.endswith(":"):
        return named(language) in ("python", "yaml", "nim")
    if said.endswith(("{", "(", "[")) or (named(language) in _OPENS and balance(line, language) > 0):
        return True
    tag = _TAG.fullmatch(said.strip()) if named(language) in _TAGGED else None
    return tag is not None and tag[1].lower() not in _VOID
