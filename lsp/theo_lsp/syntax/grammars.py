"""Which grammar a document is parsed with. Those are named here alone, and loaded by the child."""

from __future__ import annotations

from typing import Final

from theo_lsp.edits.language import named

_SAME: Final = frozenset({
    "c", "cpp", "csharp", "css", "dart", "elixir", "go", "haskell", "java", "javascript", "julia", "kotlin", "lua",
    "perl", "php", "python", "r", "ruby", "rust", "scala", "sql", "swift", "typescript", "zig",
})  # fmt: skip
_OTHERS: Final = {"shellscript": "bash"}


def grammar(language: str) -> str | None:
    """The grammar for a language id of an editor, or None where there is none that tells enough."""
    if language.strip().lower() in ("typescriptreact", "tsx"):
        return "tsx"
    name = named(language)
    return name if name in _SAME else _OTHERS.get(name)
