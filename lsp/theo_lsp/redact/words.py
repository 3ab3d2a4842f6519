"""Where the words stand that tell of a secret.

A pattern that ignores case is tried at every character, which takes twenty times as long as looking for the words
themselves. So they are looked for, and the patterns are tried where they stand. No single search takes long either: one
that does holds up the thread in which an editor gets its answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

KEYWORD: Final = re.compile(
    r"(?P<password>pass(?:word|wd|phrase|wort)?|pwd|securestring|identified by)"
    r"|(?:api|access|private|secret|encryption|signing|master|account|shared[_-]?access|auth|app|application|service"
    r"|storage|hmac|jwt|aes|cipher|deploy|admin|webhook|subscription|function|license|session|crypto|client)"
    r"[_.-]?key(?:[_-]?base)?|secret|credentials?|token|auth(?:orization)?",
    re.I,
)
"""What is part of the name of every secret that is assigned."""
_BEGIN: Final = ("pass", "pwd", "securestring", "identified by", "secret", "credential", "token", "auth")
_KEY: Final = "key"
"""The other keywords end with it, and begin with what says which key."""
_LONGEST_BEFORE_KEY: Final = 16
_PIECE: Final = 2**16


def lowered(text: str) -> str:
    """`text` in small letters, each where it was."""
    plain = text.replace("\u0130", "i").replace("\u017f", "s")  # the one that becomes two, and a small letter already
    return "".join(plain[at : at + _PIECE].lower() for at in range(0, len(plain), _PIECE))


def keywords(text: str, lower: str) -> Iterator[re.Match[str]]:
    """All that `KEYWORD` finds in `text`."""
    done = 0
    for at in _places(lower, (*_BEGIN, _KEY)):
        if at < done:
            continue
        if lower.startswith(_KEY, at):
            match = _key(text, max(done, at - _LONGEST_BEFORE_KEY), at)
        else:
            match = KEYWORD.match(text, at)
        if match:
            done = match.end()
            yield match


def matches(text: str, lower: str, words: Iterable[str], pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """All that `pattern`, which begins with one of `words`, finds in `text`."""
    done = 0
    for at in _places(lower, words):
        if at >= done and (match := pattern.match(text, at)):
            done = match.end()
            yield match


def _key(text: str, first: int, key: int) -> re.Match[str] | None:
    """The keyword that ends with the ``key`` at `key` and begins at `first` or behind it."""
    match = KEYWORD.search(text, first, key + 9)
    while match and match.end() <= key:
        match = KEYWORD.search(text, match.end(), key + 9)
    return match if match and match.start() < key else None


def _places(lower: str, words: Iterable[str]) -> list[int]:
    found = []
    for word in words:
        at = lower.find(word)
        while at >= 0:
            found.append(at)
            at = lower.find(word, at + len(word))
    found.sort()
    return found
