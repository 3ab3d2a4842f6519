"""Whether a value looks drawn at random, or stands for a secret without being one; nothing about where it stands.

It measures letters, digits and words, and asks no list of known leaks. What is written by hand for a reader
("changeme", "<your key>", "${TOKEN}", "my-test-token") is a placeholder and stays where it is.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

SHORTEST_RANDOM: Final = 16
_SHORTEST_PASSWORD: Final = 6
_LONGEST: Final = 4096  # what is longer is content, not a key

_PIECES: Final = re.compile(r"[A-Z]?[a-z]++|[A-Z]++|[0-9]++")
_SPOKEN: Final = re.compile(r"(?!.*[^aeiouy]{4})(?=.*[aeiouy]).{4}", re.I)
"""What can be said: four letters or more with a vowel among them and no four consonants in a row."""
_CONSTANT: Final = re.compile(r"[A-Z][A-Z0-9]*+(?:_[A-Z0-9]++)+")
_NOT_IN_KEYS: Final = re.compile(r"[\s()\[\]{}<>|\\\"'`]")
_MARKS: Final = re.compile(r"[!@#%^&*?~+]|\$(?![{(A-Za-z_])")
_REFERENCE: Final = re.compile(
    r"\$\{|\$\(|\$[A-Za-z_]|\{\{|%[A-Za-z_][\w.]*%|%\(?[a-z_]*\)?[sdv]$|\{\w*\}|<[^>]*>|\[[^\]]*\]$|#\{|@\w+@|__\w+__$"
    r"|ENC\[|\{cipher\}|(?:vault|ref\+\w+|op|sm|ssm|env|file|https?|arn|projects|secretKeyRef|data)[:/]|!\w+"
    r"|-----BEGIN|[./~]{1,2}/|[A-Za-z]:\\"
)
"""What points to a value that is kept elsewhere, or was put out of reach already."""
_LOOKED_UP: Final = re.compile(
    r"\b(?:environ|getenv|process\.env|ENV|env|config|settings|secrets|vault|input)\b[.\[(:]"
)
_BLANK: Final = re.compile(r"(.)\1{5}|^(.)\2{2,}$|\.{3}|…|\*{3}|x{4}|X{4}|\W(?:xxx|XXX)\b")
_WORDS: Final = frozenset({
    "a", "abc", "account", "admin", "admin123", "an", "api", "app", "auth", "aws", "bar", "basic", "baz", "bearer",
    "bot", "change", "changed", "changeit", "changeme", "client", "company", "confirmed", "correct", "credential",
    "credentials", "db", "default", "demo", "dev", "dummy", "empty", "enter", "example", "fake", "false", "field",
    "fixme", "foo", "for", "go", "goes", "hash", "here", "hidden", "id", "in", "insert", "invalid", "is", "jwt",
    "key", "letmein", "local", "localhost", "login", "max", "me", "min", "missing", "mock", "my", "mysecret", "new",
    "nil", "no", "none", "not", "null", "nullable", "old", "omitted", "one", "or", "p4ssw0rd", "pass", "passphrase",
    "passw0rd", "passwd", "password", "placeholder", "please", "postgres", "prod", "production", "put", "pw", "pwd",
    "qux", "real", "redacted", "removed", "replace", "required", "reset", "root", "s3cr3t", "sample", "secret",
    "secrets", "service", "set", "some", "something", "string", "stub", "super", "temp", "test", "testing", "tests",
    "text", "the", "this", "to", "todo", "token", "topsecret", "true", "two", "type", "undefined", "unknown", "unset",
    "use", "used", "user", "username", "valid", "value", "very", "weak", "wrong", "your", "yours",
})  # fmt: skip
"""Words that people write where a secret will stand."""
_TELLING: Final = frozenset(
    {"your", "changeme", "placeholder", "replace", "dummy", "fixme", "todo", "redacted", "sample"}
)
"""One of these is enough."""
_SECRET_WORDS: Final = frozenset({"password", "passwd", "passphrase", "pwd", "secret", "token", "key", "credentials"})


def random(value: str) -> bool:
    """Whether `value` looks drawn at random: as keys and tokens are, and names, written words and paths are not."""
    if not SHORTEST_RANDOM <= len(value) <= _LONGEST or _NOT_IN_KEYS.search(value):
        return False
    if len(set(value)) < 8 or sequential(value) or placeholder(value) or _CONSTANT.fullmatch(value):
        return False
    pieces = _PIECES.findall(value)
    if sum(len(piece) for piece in pieces if not piece.isdigit()) < 4:
        return False
    if sum(piece.isdigit() for piece in pieces) >= 3:
        return _spoken(value, pieces) < 0.7
    return _scrambled(value, pieces)


def password(value: str) -> bool:
    """Whether `value`, standing where a password does, is one: any word with digits or marks in it, or at random."""
    if len(value) < _SHORTEST_PASSWORD or len(value) > 200 or any(character.isspace() for character in value):
        return False
    if placeholder(value) or sequential(value) or _named(value):
        return False
    has_letter, has_digit = any(map(str.isalpha, value)), any(map(str.isdigit, value))
    if has_letter and (has_digit or _MARKS.search(value)):
        return True
    return len(value) >= 10 and _scrambled(value, _PIECES.findall(value))


def placeholder(value: str) -> bool:
    """Whether `value` only stands for a secret: a reference, a blank, or words that say so."""
    if _REFERENCE.match(value) or _LOOKED_UP.search(value) or "EXAMPLE" in value.upper():
        return True
    if len(value) <= 80 and _BLANK.search(value):
        return True
    if _MARKS.search(value.rstrip("!?*")):
        return False
    words = [piece.lower() for piece in _PIECES.findall(value) if not piece.isdigit()]
    return (
        all(word in _WORDS for word in words)
        or not _TELLING.isdisjoint(words)
        or value.lower().strip("!?*._-0123456789") in _WORDS
    )


def sequential(value: str) -> bool:
    """Whether `value` counts up or says the same again and again: ``0123456789abcdef``, ``deadbeefdeadbeef``."""
    steps = sum(ord(after) - ord(before) == 1 for before, after in pairwise(value))
    if steps * 5 > len(value) * 2:
        return True
    return any(len(value) >= 2 * size and value == (value[:size] * len(value))[: len(value)] for size in range(1, 11))


def _named(value: str) -> bool:
    """Whether `value` is the name of a secret: ``user.password2``, ``#new-password``, ``hashedPassword1``."""
    words = [piece.lower() for piece in _PIECES.findall(value) if not piece.isdigit()]
    return bool(words) and words[-1] in _SECRET_WORDS and not _MARKS.search(value.lstrip("#"))


def _spoken(value: str, pieces: list[str]) -> float:
    """How much of `value` is words."""
    return sum(len(piece) for piece in pieces if not piece.isdigit() and _SPOKEN.match(piece)) / len(value)


def _scrambled(value: str, pieces: list[str]) -> bool:
    """Whether `value` changes between large and small letters as no name does."""
    mixed = any(map(str.isupper, value)) and any(map(str.islower, value))
    short = len(value) / max(len(pieces), 1)
    return mixed and (short < 3 or (short < 4.5 and _spoken(value, pieces) < 0.4))
