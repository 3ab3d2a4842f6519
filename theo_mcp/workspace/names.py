"""Any title as a file name that every system takes, and any path as one that stays where it is put."""

from __future__ import annotations

import re
import unicodedata

from theo_mcp.workspace.roots import RESERVED

LONGEST = 255
"""Bytes of UTF-8 in a name, on every common file system."""
_ROOM = len(" (9999)")
_LONGEST_EXTENSION = 24
_DEEPEST = 12
_UNTITLED = "untitled"
# Joiners (ZWJ, ZWNJ) stay: they belong to emoji and to several scripts. Marks that turn the direction of text go,
# because with one of them "exe.gpj" reads as "jpg.exe".
_TURNING = frozenset("\u061c\u200b\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SEPARATORS = re.compile(r'[\\/<>:"|?*]+')


def safe_path(text: str) -> tuple[str, ...]:
    """`text` as names, one below the other: what leads up or nowhere is dropped, each name is made safe.

    A title without a usable character is ``untitled``.
    """
    names = [name for part in re.split(r"[\\/]", text) if (name := safe_name(part, default=""))]
    return tuple(names[-_DEEPEST:]) or (_UNTITLED,)


def safe_name(title: str, *, default: str = _UNTITLED) -> str:
    """`title` as one file name: Unicode is kept and composed, what some system refuses or misreads is not."""
    text = unicodedata.normalize("NFC", "".join(map(_kept, title)))
    text = " ".join(_SEPARATORS.sub("-", text).split()).lstrip(".- ").rstrip(". ")
    if not text:
        return default
    if RESERVED.fullmatch(text):
        head, dot, tail = text.partition(".")
        text = f"{head.rstrip()}_{dot}{tail}"
    return _shortened(text, LONGEST - _ROOM)


def numbered(name: str, number: int) -> str:
    """The name for the `number`-th file of that name: ``a.txt``, ``a (2).txt``."""
    stem, extension = _split(name)
    return name if number == 1 else f"{stem} ({number}){extension}"


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Zl", "Zp") or character in "\t\n\r\v\f":
        return " "
    return "" if category in ("Cc", "Cs", "Cn", "Co") or character in _TURNING else character


def _shortened(name: str, limit: int) -> str:
    """`name` in at most `limit` bytes, with its extension and without half a character."""
    if len(name.encode()) <= limit:
        return name
    stem, extension = _split(name)
    room = limit - len(extension.encode())
    cut = whole = stem.encode()[:room].decode("utf-8", "ignore")
    while cut and unicodedata.combining(stem[len(cut)]):  # a letter goes with all its marks, or stays with them
        cut = cut[:-1]
    return (cut.rstrip(". \u200c\u200d") or whole) + extension


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    if not stem or not extension or " " in extension or len(extension.encode()) > _LONGEST_EXTENSION:
        return name, ""
    return stem, dot + extension
