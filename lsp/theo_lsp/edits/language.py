"""What the edits know of languages: their names, their comments, which of them pass for each other."""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = {
    "bash": "shellscript", "c#": "csharp", "c++": "cpp", "cc": "cpp", "console": "shellscript", "cs": "csharp",
    "cts": "typescript", "cxx": "cpp", "golang": "go", "h": "c", "hpp": "cpp", "htm": "html",
    "javascriptreact": "javascript", "js": "javascript", "jsx": "javascript", "kt": "kotlin", "md": "markdown",
    "mdx": "markdown", "mjs": "javascript", "mts": "typescript", "mysql": "sql", "plsql": "sql", "postgres": "sql",
    "postgresql": "sql", "ps1": "powershell", "py": "python", "py3": "python", "pyi": "python", "python3": "python",
    "rb": "ruby", "rs": "rust", "sh": "shellscript", "shell": "shellscript", "sqlite": "sql", "text": "plaintext",
    "ts": "typescript", "tsx": "typescript", "txt": "plaintext", "typescriptreact": "typescript", "yml": "yaml",
    "zsh": "shellscript",
}  # fmt: skip
_KIN: Final = (
    frozenset({"javascript", "typescript"}),
    frozenset({"c", "cpp", "objective-c", "objective-cpp"}),
    frozenset({"html", "vue", "svelte", "xml", "handlebars", "php"}),
    frozenset({"json", "jsonc", "json5"}),
    frozenset({"css", "scss", "less"}),
    frozenset({"python", "jupyter"}),
)
_KNOWN: Final = frozenset(_NAMES.values()) | {
    "css", "csv", "dart", "diff", "elixir", "haskell", "java", "json", "less", "lua", "perl", "php", "r", "scala",
    "scss", "swift", "toml", "vue", "xml",
}  # fmt: skip
_TEXTS: Final = frozenset({"markdown", "plaintext", "restructuredtext", "rst", "latex", "tex", "asciidoc", "org"})
_HASH: Final = frozenset(
    {"python", "ruby", "shellscript", "yaml", "toml", "makefile", "dockerfile", "perl", "r", "elixir", "powershell",
     "php", "julia", "nim", "graphql", "terraform", "cmake"}
)  # fmt: skip
_DASHES: Final = frozenset({"sql", "lua", "haskell", "ada", "elm", "vhdl"})
_MARKUP: Final = frozenset({"html", "xml", "markdown", "vue", "svelte"})
_OFFSIDE: Final = frozenset({"python", "yaml", "markdown", "haskell", "restructuredtext", "nim", "coffeescript"})


def named(language: str) -> str:
    """The one name for a language id of an editor, an info string or a file ending."""
    name = language.strip().lower()
    return _NAMES.get(name, name)


def akin(one: str, other: str) -> bool:
    """Whether a block of the one passes for the other; models label TSX as JavaScript, and C as C++."""
    first, second = named(one), named(other)
    return first == second or any(first in family and second in family for family in _KIN)


def is_known(language: str) -> bool:
    """Whether a label names a language for sure; others are the whims of a model."""
    return named(language) in _KNOWN - {"plaintext"}


def is_text(language: str) -> bool:
    """Whether prose is what a document of `language` is made of."""
    return named(language) in _TEXTS


def is_offside(language: str) -> bool:
    """Whether the indentation means something in `language`, so that its width is not converted lightly."""
    return named(language) in _OFFSIDE


def is_comment(line: str, language: str) -> bool:
    """Whether a line is a comment and nothing else."""
    start, name = line.strip(), named(language)
    if name in _HASH and start.startswith("#"):
        return True
    if name in _DASHES:
        return start.startswith(("--", "/*"))
    if name in _MARKUP:
        return start.startswith("<!--")
    if name in _HASH - {"php"}:
        return False
    return start.startswith(("//", "/*")) or re.match(r"\*( |/|$)", start) is not None
