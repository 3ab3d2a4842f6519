"""Tells words from code in an answer without fences: refusals, sentences, and where the code between them is."""

from __future__ import annotations

import re
from typing import Final

from theo_lsp.edits.language import is_comment

_REFUSAL: Final = re.compile(
    r"(?:oh,? |unfortunately,? )?(?:i(?:'m| am) (?:really |very |so )?sorry\b|sorry,|i apologi[sz]e|my apologies"
    r"|i (?:can(?:'|no)t|can not|won't|will not|am unable to|am not able to|must decline|have to decline)\b"
    r"|i(?:'m| am) (?:unable|not able|not allowed|not permitted|just an?|only an?)\b|as an? (?:ai|language model)\b"
    r"|unfortunately,? (?:i|this|it|the|there)\b|it(?:'s| is) not (?:possible|clear)|(?:please|could you) provide\b"
    r"|i (?:don't|do not) (?:see|have|understand)\b|i(?:'d| would) need)",
    re.IGNORECASE,
)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])[\"')]*(?:\s|$)|\n\n")
_WORDS: Final = re.compile(r"[A-Za-z'’-]{1,40}[,;:]?(?:\s|$)")
_LEAD: Final = re.compile(
    r"(?:sure|certainly|of course|okay|ok|here(?:'s| is| are)|below is"
    r"|the (?:following|code|function|corrected|updated)"
    r"|this (?:is|code|function)|answer|output|explanation|note|result|solution|updated code|corrected code)\b",
    re.IGNORECASE,
)
_CODE_MARK: Final = re.compile(r"[;{}=<>\\]|\w\(|\)\s*:?$|\]$|^\s*(?:@|\$|\||[+*/]\w)|::|->|\w\.\w+\(")
_QUOTED: Final = re.compile(r"`[^`\n]*`|\"[^\"\n]*\"")
_LONGEST_SAID: Final = 200


def first_sentence(text: str) -> str:
    """The first sentence of `text` on one line, cut where it is too long to be shown."""
    sentence = " ".join(_SENTENCE_END.split(text.strip()[:2000], maxsplit=1)[0].split())
    return sentence if len(sentence) <= _LONGEST_SAID else f"{sentence[:_LONGEST_SAID].rstrip()}…"


def is_refusal(text: str) -> bool:
    """Whether `text` begins with the words of a refusal, as they are said in English."""
    return _REFUSAL.match(text.replace("’", "'").lstrip("#/*-> \t\n\"'`")) is not None


def is_sentence(line: str) -> bool:
    """Whether a line reads as words: it has few marks of code, begins like a sentence and ends like one."""
    text = _QUOTED.sub("it", line.strip()).strip("*_ ")
    if not text:
        return False
    if _LEAD.match(text) and (text[-1] in ".:!?" or len(text.split()) < 3) and not re.search(r"[;{}=]|\w\(", text):
        return text[-1] in ".:!?"
    if not (text[0].isupper() or re.match(r"[-*•] [A-Z]|\d+[.)] [A-Z]", text)) or text[-1] not in ".:!?":
        return False
    return len(_WORDS.findall(text)) >= 3 and _CODE_MARK.search(text.rstrip(".:!?")) is None


def without_prose(text: str, language: str) -> str:
    """`text` without the paragraphs of words before and after the code; empty where it is all words."""
    lines = text.split("\n")
    start, end = 0, len(lines)
    while start < end and (not lines[start].strip() or _is_said(lines[start], language)):
        start += 1
    while end > start and (not lines[end - 1].strip() or _is_said(lines[end - 1], language)):
        end -= 1
    return "\n".join(lines[start:end])


def _is_said(line: str, language: str) -> bool:
    return not line.startswith(("    ", "\t")) and not is_comment(line, language) and is_sentence(line)
