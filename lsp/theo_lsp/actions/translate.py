"""Code into another programming language, as a new file beside the document; prose into another human language, in
its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from theo_lsp.actions import Action, NewFile, Offer, Offers
from theo_lsp.documents import names_of
from theo_lsp.edits.language import is_text, named
from theo_lsp.edits.places import Span
from theo_lsp.selection import Selection, is_prose
from theo_lsp.subject import code_at, paragraph_at
from theo_mcp.errors import InputError

_LANGUAGES: Final = {
    "c": ("C", ".c"), "clojure": ("Clojure", ".clj"), "cpp": ("C++", ".cpp"), "csharp": ("C#", ".cs"),
    "dart": ("Dart", ".dart"), "elixir": ("Elixir", ".ex"), "go": ("Go", ".go"), "haskell": ("Haskell", ".hs"),
    "java": ("Java", ".java"), "javascript": ("JavaScript", ".js"), "julia": ("Julia", ".jl"),
    "kotlin": ("Kotlin", ".kt"), "lua": ("Lua", ".lua"), "perl": ("Perl", ".pl"), "php": ("PHP", ".php"),
    "powershell": ("PowerShell", ".ps1"), "python": ("Python", ".py"), "r": ("R", ".R"), "ruby": ("Ruby", ".rb"),
    "rust": ("Rust", ".rs"), "scala": ("Scala", ".scala"), "shellscript": ("Bash", ".sh"), "sql": ("SQL", ".sql"),
    "swift": ("Swift", ".swift"), "typescript": ("TypeScript", ".ts"), "zig": ("Zig", ".zig"),
}  # fmt: skip
_LIKELY: Final = {
    "c": ("rust", "cpp", "go"), "cpp": ("rust", "c"), "csharp": ("typescript", "java"), "dart": ("typescript",),
    "go": ("rust", "python", "typescript"), "java": ("kotlin", "csharp", "typescript"),
    "javascript": ("typescript", "python"), "javascriptreact": ("typescript",), "kotlin": ("java", "swift"),
    "lua": ("python", "javascript"), "perl": ("python",), "php": ("typescript", "python"), "powershell": ("python",),
    "python": ("typescript", "go", "rust"), "r": ("python",), "ruby": ("python", "typescript"),
    "rust": ("go", "cpp"), "scala": ("kotlin", "java"), "shellscript": ("python",), "swift": ("kotlin",),
    "typescript": ("javascript", "python", "go"), "typescriptreact": ("javascript",),
}  # fmt: skip
_SPOKEN: Final = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "nb": "Norwegian", "nl": "Dutch", "no": "Norwegian",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sv": "Swedish",
    "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
_ENGLISH: Final = frozenset({"the", "and", "of", "to", "is", "that", "for", "with", "are", "you", "this", "it"})
_ENGLISH_SHARE: Final = 0.1
_SHORT_FILE: Final = 200  # lines


def _offer(selection: Selection) -> Offers:
    language = selection.document.language
    if is_text(language):
        return _of_prose(selection)
    if is_prose(language):
        return None
    span = code_at(selection)
    file = span is None and selection.is_cursor and len(selection.document.lines) <= _SHORT_FILE
    if file and (selection.instruction or selection.comment is None):
        span = _all_of(selection)
    if span is None:
        return None
    if selection.instruction:
        return Offer(span, instruction=_code(selection.instruction))
    what = "this file " if file else ""
    likely = _LIKELY.get(language, ())[: 1 if selection.is_cursor else 3]
    return [Offer(span, f"Translate {what}into {_LANGUAGES[each][0]}", each) for each in likely]


def _of_prose(selection: Selection) -> Offer | None:
    span = None if selection.is_cursor and not selection.instruction else paragraph_at(selection)
    if span is None:
        return None
    text = span.of(selection.document.text)
    spoken = _SPOKEN.get(selection.locale.lower().partition("-")[0].partition("_")[0], "English")
    into = _SPOKEN.get(selection.instruction.lower(), selection.instruction[:40]) or spoken
    if not selection.instruction and into == "English" and _is_english(text):
        return None
    return Offer(span, f"Translate into {into}", into)


def _all_of(selection: Selection) -> Span | None:
    text = selection.document.text
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    return Span(start, end) if end > start else None


def _is_english(text: str) -> bool:
    words = text[:4_000].lower().split()
    return sum(word in _ENGLISH for word in words) >= _ENGLISH_SHARE * len(words)


def _code(instruction: str) -> str:
    """The language that an instruction names, however it spells it."""
    words = instruction.lower().removeprefix("into ").removeprefix("to ").strip()
    name = named(words)
    if name not in _LANGUAGES:
        known = ", ".join(title for title, _ in _LANGUAGES.values())
        raise InputError(f"“{words[:40]}” is no programming language that is known here.", hint=f"Known are {known}.")
    return name


def _task(selection: Selection, instruction: str) -> str:
    if is_text(selection.document.language):
        return (
            f"Translate the marked text into {instruction}. Keep its Markdown, its line breaks, and code, names and "
            "links as they are. Answer with the translation and nothing else: no introduction, no remark."
        )
    title = _LANGUAGES[_code(instruction)][0]
    return (
        f"Translate the marked code into {title}. It does the same, in the style and with the names that are usual in "
        f"{title}, by its standard library. Return one complete {title} file, with its imports, and no example of its "
        "use."
    )


def _new_file(selection: Selection, instruction: str, folders: Sequence[Path]) -> NewFile:
    language = _code(instruction)
    path = names_of(selection.document.uri)
    return NewFile(f"{path.stem}{_LANGUAGES[language][1]}", language)


ACTION = Action(
    name="translate",
    title="Translate this",
    kind="refactor.theo.translate",
    order=70,
    offer=_offer,
    task=_task,
    gives="file",
    gives_in_prose="prose",
    instruction="optional",
    new_file=_new_file,
)
