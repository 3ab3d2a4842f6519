"""What a prompt says by itself: a title, the things that it lists, its numbers and addresses.

Where the small built-in model answers, these are taken from here and never from the model. Nothing is guessed: what the
words do not hold is not there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TITLE_WORDS: Final = 9
_ITEM_WORDS: Final = 5
_MOST_ITEMS: Final = 12
_MOST_NUMBERS: Final = 60
_ASKING: Final = re.compile(
    r"^\W*(?:(?:please|can you|could you|i (?:need|want)|i'd like|we need)\s+)*"
    r"(?:(?:create|make|build|generate|design|write|draw|draft|show|give|plot|prepare|develop|implement|send)\s+"
    r"(?:me\s+|us\s+)?)?(?:an?|the|some|our|my)?\s*",
    re.IGNORECASE,
)
_ENDS_TITLE: Final = re.compile(
    r"\s*(?:[.:;!?\n(,]|\s(?:with|that|which|who|showing|including|containing|where|using|so that|it should)\s)",
    re.IGNORECASE,
)
_LEADS: Final = re.compile(
    r"(?:\b(?:with|including|includes?|containing|contains?|fields?|columns?|sections?|showing|shows?|for|of|has|have)\b"
    r"|:)\s+",
    re.IGNORECASE,
)
_BULLET: Final = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+(.{1,120})$", re.MULTILINE)
_PARTS: Final = re.compile(r"\s*(?:[;\n]|,(?!\d{3}(?!\d))|\s(?:and|und|y|et)\s)\s*", re.IGNORECASE)
_ARTICLE: Final = re.compile(r"^(?:(?:and|or|an?|the|its|their|our)\s+)+", re.IGNORECASE)
_URL: Final = re.compile(r"https://[^\s<>\"'()]{3,300}|[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}")
_QUOTED: Final = re.compile(r"[\"“„]([^\"“”„\n]{2,60})[\"”“]")
_NAMED: Final = re.compile(r"\b(?:called|named)\s+((?:[A-Z][\w&'’.-]*\s?){1,5})")
_TOPIC: Final = re.compile(r"\b(?:about|regarding|announcing)\s+([^.!?:;\n]{3,120})", re.I)
_PAGE: Final = re.compile(
    r"^(?:(?:simple|short|friendly|modern|single|one)\s+)*(?:(?:landing|home|web|product|one)[ -]?)?"
    r"(?:page|website|site|email|e-mail|newsletter|mail|letter)\b(?:\s+(?:to \w+\s+)?(?:for|of|about|on))?\s*"
    r"(?:(?:an?|the|our|my|their)\s+)?",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(
    r"(?<![\w.,])([-+]?)([$€£]?)\s?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s?(%|k\b|m\b|bn\b|thousand\b|million\b|billion\b)?"
    r"(?![\w])(?!\.\d)",
    re.IGNORECASE,
)
_FACT_CHARS: Final = 120
_CLAUSES: Final = re.compile(
    r"[.!?](?=\s|$)|[;\n]|,(?!\d)|\s[-–—]\s|\s(?:and|that|which|who|und|y|et)\s(?:it\s|we\s|is\s|are\s)?", re.IGNORECASE
)
_OF_THE_PAGE: Final = re.compile(
    r"\b(?:pages?|websites?|sites?|sections?|columns?|cards?|words?|sentences?|paragraphs?|pixels?|px|colou?rs?|#[0-9a-f]{3,6})\b",
    re.IGNORECASE,
)
_TIMES: Final = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9}


@dataclass(frozen=True)
class Number:
    """A number of the prompt: what it is called there, its value, and how it is written."""

    label: str
    value: float
    written: str


def title(prompt: str, default: str) -> str:
    """What is asked for, in a few of the prompt's own words."""
    asked = _ASKING.sub("", prompt.strip(), count=1)
    end = _ENDS_TITLE.search(asked)
    words = (asked[: end.start()] if end else asked).split()[:_TITLE_WORDS]
    text = " ".join(words)[:100].strip(" ,.-–—")
    return text[:1].upper() + text[1:] if text else default


def items(prompt: str) -> tuple[str, ...]:
    """The things that the prompt lists: by bullets, else the longest "a, b and c" after a word such as with."""
    bullets = [_item(found) for found in _BULLET.findall(prompt)]
    if len(bullets) > 1:
        return _distinct(bullets)
    best: tuple[str, ...] = ()
    for sentence in re.split(r"(?<=[.!?])\s|\n", prompt):
        for lead in _LEADS.finditer(sentence):
            parts = [_item(part) for part in _PARTS.split(sentence[lead.end() :].rstrip(" .!?"))]
            listed = _distinct([part for part in parts if part and len(part.split()) <= _ITEM_WORDS])
            if len(listed) >= max(2, len(best)):  # of two leads that lead to the same list, the later is nearer
                best = listed
    return best


def numbers(prompt: str) -> tuple[Number, ...]:
    """The numbers of the prompt that have a name there: "Q1 10, Q2 20", "2024: 5", "30 users"."""
    found = [number for part in _PARTS.split(prompt) if (number := _number(part.strip(" .!?()")))]
    return tuple(found[:_MOST_NUMBERS])


def name(prompt: str) -> str:
    """The name that the prompt gives to what it asks for: in quotes, or behind called or named."""
    found = _QUOTED.search(prompt) or _NAMED.search(prompt)
    return " ".join(found[1].split()) if found else ""


def subject(prompt: str, default: str) -> str:
    """What a page or a letter is about: its name, else the title without the words for the page itself."""
    if named := name(prompt):
        return named
    bare = _PAGE.sub("", title(prompt, default)).strip()
    return bare[:1].upper() + bare[1:] if bare else default


def topic(prompt: str) -> str:
    """What stands behind about in the prompt, as far as its sentence goes."""
    found = _TOPIC.search(prompt)
    return " ".join(found[1].split()) if found else ""


def facts(prompt: str) -> tuple[str, ...]:
    """What the prompt says with a number in it ("opens at 7"), clause by clause, but for what it says of the page."""
    clauses = [clause.strip(" .,:;!?-–—\"'()") for clause in _CLAUSES.split(_URL.sub("", prompt))]
    told = [each for each in clauses if re.search(r"\d", each) and " " in each and len(each) <= _FACT_CHARS]
    return _distinct([each[:1].upper() + each[1:] for each in told if not _OF_THE_PAGE.search(each)])


def addresses(prompt: str) -> frozenset[str]:
    """The web and mail addresses that stand in the prompt."""
    return frozenset(found.rstrip(".,;:!?") for found in _URL.findall(prompt))


def invents(text: str, prompt: str) -> bool:
    """Whether `text` has a number that the prompt has not."""
    return bool(set(re.findall(r"\d+", text)) - set(re.findall(r"\d+", prompt)))


def _number(part: str) -> Number | None:
    matches = list(_NUMBER.finditer(part))
    if not matches:
        return None
    match = matches[-1]
    before, after = part[: match.start()].strip(" :=–—-("), part[match.end() :].strip(" :=–—-)")
    label = before.rpartition(":")[2].strip() or after
    words = label.split()
    if before and words and (len(words) > 3 or words[-1].isdigit()):
        words = words[-1:]  # the rest leads to it
    label = " ".join(words[:3])
    if not label:
        return None
    sign, _, digits, unit = match.groups()
    value = float(digits.replace(",", "")) * _TIMES.get((unit or "").lower(), 1.0)
    return Number(label[:60], -value if sign == "-" else value, match[0].strip())


def _item(text: str) -> str:
    text = _URL.sub("", text).partition(": ")[0]
    bare = _ARTICLE.sub("", text.strip(" .,:;*_`\"'")).strip()
    return bare[:1].upper() + bare[1:80] if bare else ""


def _distinct(texts: list[str]) -> tuple[str, ...]:
    kept = {text.casefold(): text for text in reversed(texts) if text}
    return tuple(reversed(kept.values()))[:_MOST_ITEMS]
