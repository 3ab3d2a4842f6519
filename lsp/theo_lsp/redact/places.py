"""Secrets that are known by where they stand: assigned to a secret's name, in a URL, in a header, in a cookie.

The name and the value have to agree. A password may be any word with a digit or a mark in it; a token or key has to
look drawn at random. What stands there without quotes is a value only where code has none: after ``NAME=`` on a line
of its own, after ``name:`` in YAML, below an INI section, or where no expression looks like it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import Final

from theo_lsp.redact.likeness import SHORTEST_RANDOM, password, placeholder, random
from theo_lsp.redact.shapes import Found
from theo_lsp.redact.words import keywords, lowered, matches

_PART_OF_A_WORD: Final = re.compile(r"(?:by|com|sur|tres|under|im|en|os)$", re.I)  # bypass, compass, trespass
_PUBLIC: Final = re.compile(r"(?:public(?:[_.-]?key)?|publishable|csrf|next|prev|page|cancell?ation|sort)[_.-]?$", re.I)
_BEHIND: Final = re.compile(
    r"(?:[_-]?(?:live|prod|production|dev|test|staging|old|new|base64|b64|hex|value|string|str|v)(?![a-z]))?[_-]?\d{0,6}"
    r"(?![A-Za-z0-9_-])",
    re.I,
)
_ASSIGNED: Final = re.compile(
    r"""\\{0,3}["'`]?\]?(?:
      [ \t]{0,20}\??:[ \t]{0,4}[\w.&'<>|?* -]{1,40}(?:\[[\w.]{1,20}\])?[ \t]{0,4}=(?!=)   # a type between
    | \)?[ \t]{0,20}(?:\|\||\?\?|or\b)=?                                               # what counts where none is set
    | [ \t]{0,20}(?:=>|:=|:-|={1,3}|!==?|:)
    | ["']?(?:,\s{0,20}|\s{1,20})["']?(?i:value|content)["']?[ \t]{0,4}[=:]            # XML, Kubernetes, Postman
    | >
    )\s{0,40}(?:(?:new[ ])?[\w.:\[\]&]{1,40}\((?=["'`]))?|\\{0,3}["'`]?\)?[ \t]{0,4}[,(]\s{0,40}|[ \t]{1,20}""",
    re.X,
)
_QUOTED: Final = re.compile(
    r"""[rbfuLR@&$]{0,2}(?:
      (?P<quote>"{3}|'{3}|["'`])(?P<plain>(?:\\.|(?!(?P=quote))[^\\\n]){1,400}+)(?P=quote)
    | (?P<escaped>\\{1,3}["'])(?P<inner>(?:(?!(?P=escaped))[^\n]){1,400}+)(?P=escaped)
    )""",
    re.X,
)
_BARE: Final = re.compile(r"[^\s\"'`,;()\[\]{}<>\\|]{6,400}+(?![(\[{])")
_ELEMENT: Final = re.compile(r"([^<>\s]{6,400}+)</")
_LINE_BEGINS: Final = re.compile(r"^[ \t]*(?:export[ \t]+|set[ \t]+|ENV[ \t]+|ARG[ \t]+|-[ \t]+)*[\w.-]*$")
_INI: Final = re.compile(r"^\[[^\]\n\"']{1,80}\][ \t]*$", re.M)
_MARKED: Final = re.compile(r"[!@#%^&*~?$]")
_NAME: Final = re.compile(r"[\w.-]*+")  # from its end
_LONGEST_NAME: Final = 60

_CREDENTIALS: Final = re.compile(r"[^\s:/@\"'`<>]{0,128}:([^\s/\"'`<>]{1,200})@(?=[\w\[${])")
_GO_DSN: Final = re.compile(r"[\w.-]{1,64}:([^\s/\"'`<>:@]{4,128})@(?:tcp|unix)\(")
_SCHEME: Final = re.compile(r"\b(?:bearer|basic|token|apikey)[ \t]{1,4}([A-Za-z0-9._~+/=-]{12,4096}+)", re.I)
_COOKIES: Final = re.compile(r"cookie[\"']?\]?[ \t]{0,4}(?:[:=,(]|=>)[ \t]{0,4}[\"'`]?([^\n\"'`]{8,4096}+)", re.I)
_PAIR: Final = re.compile(r"([\w.-]{1,64}+)=([^;,\s\\]{1,4096}+)")
_SESSION: Final = re.compile(r"sess|sid$|auth|token|jwt|remember|login", re.I)
_PAIRED: Final = re.compile(
    r"(?:auth|credentials?)(?:[\"']?\s{0,4}[=:]\s{0,4})?\(\s{0,8}[\"'][^\"'\n]{1,64}[\"'],\s{0,8}[\"']([^\"'\n]{4,200})[\"']",
    re.I,
)
_SIGNED: Final = re.compile(
    r"(?:jwt\.(?:encode|decode|sign|verify)\([^\"'`\n]{1,100},\s{0,4}|hmac\.new\(\s{0,4}b?)[\"'`]([^\"'`\n]{8,400})[\"'`]"
)
_CLIENT: Final = re.compile(
    r"\b(?:mysql|mysqldump|mariadb|sshpass|redis-cli|(?:docker|az|podman)[ ]login)\b[^\n]{0,200}?[ ]-[pa]"
    r"[ ]?[\"']?([^\s\"']{6,128})"
)
_USER: Final = re.compile(r"(?<!\S)(?:-u|--user)[ =]{1,2}[\"']?[\w.@+-]{1,64}:([^\s\"']{4,200})")


def placed(text: str) -> Iterator[Found]:
    """All secrets in `text` that are known by their place."""
    lower = lowered(text)
    yield from _assigned(text, lower)
    yield from _in_addresses(text)
    for words, pattern, finder in _RULES:
        for match in matches(text, lower, words, pattern):
            yield from finder(match)


def _assigned(text: str, lower: str) -> Iterator[Found]:
    ini = _is_ini(text)
    for keyword in keywords(text, lower):
        behind = _BEHIND.match(text, keyword.end())
        if not behind:
            continue
        between = _ASSIGNED.match(text, behind.end())
        if not between:
            continue
        name = _NAME.match(text[max(0, keyword.start() - _LONGEST_NAME) : keyword.start()][::-1])
        before = name[0][::-1] if name else ""
        if _PUBLIC.search(before) or (keyword["password"] and _PART_OF_A_WORD.search(before)):
            continue
        yield from _value(text, keyword.start() - len(before), keyword, between, ini)


def _value(text: str, start: int, keyword: re.Match[str], between: re.Match[str], ini: bool) -> Iterator[Found]:
    kind = "password" if keyword["password"] else "secret"
    at, sign = between.end(), between[0].strip(" \t\n\r\\\"'`]")
    weak = kind == "password" or keyword[0].lower() == "secret"
    if sign == ">":
        if (match := _ELEMENT.match(text, at)) and _judged(match[1], weak):
            yield Found(*match.span(1), kind)
    elif match := _QUOTED.match(text, at):
        group = "plain" if match["plain"] is not None else "inner"
        # An argument may be a label, the next field or a variable's name. It is a password if it is alone, stands
        # behind a constant's name, or looks like nothing else.
        alone = sign == "(" and text[match.end() : match.end() + 1] == ")"
        constant = keyword[0].isupper() and (start == keyword.start() or text[keyword.start() - 1] == "_")
        listed = sign in (",", "", "),") or sign.endswith("(")
        if _judged(match[group], weak and (not listed or alone or constant or _clear(match[group]))):
            yield Found(*match.span(group), kind)
    elif sign not in (",", "(", "),") and "\n" not in between[0].rstrip(" ") and (match := _BARE.match(text, at)):
        value = match[0].rstrip(".:")
        if _several(value):
            return
        before = text[start - 1 : start] if start else ""
        if before == "/" or (before == ":" and sign == ":"):  # a path, an editor's command, an ARN
            return
        if before in ("?", "&"):  # a query
            value = value.partition("&")[0]
        literal = (
            sign == ":-"
            or before in ("?", "&")
            or (sign == "=" and (before == ";" or _given(text, start, keyword.start(), between[0])))
            or _alone(text, keyword.start(), match.end(), between[0], ini)
        )
        if _judged(value, weak and (literal or (sign != "" and _clear(value)))):
            yield Found(at, at + len(value), kind)


def _clear(value: str) -> bool:
    """Whether `value` has a digit and a mark, as no name and no label has."""
    return len(value) >= 8 and any(map(str.isdigit, value)) and bool(_MARKED.search(value))


def _given(text: str, start: int, keyword: int, between: str) -> bool:
    """Whether a shell gives the value: ``--password=``, ``--set auth.password=``, ``PGPASSWORD=... psql``."""
    name = text[start:keyword]
    after_space = start == 0 or text[start - 1].isspace()
    return between == "=" and (
        name.startswith(("--", "-D"))
        or text[max(0, start - 6) : start] == "--set "
        or (after_space and (name == "" or name.isupper()) and text[keyword : keyword + 4].isupper())
    )


def _judged(value: str, weak: bool) -> bool:
    return not _several(value) and (random(value) or (weak and password(value)))


def _several(value: str) -> bool:
    """Whether `value` is more assignments than one: a part of a line of code, read again from each of its names."""
    return value.rstrip("=").count("=") > 2


def _alone(text: str, start: int, end: int, between: str, ini: bool) -> bool:
    """Whether a value without quotes is all that its line assigns, in a file where such a value is a literal."""
    begin = text.rfind("\n", max(0, start - 200), start) + 1
    if text[end : end + 1] not in ("", "\n", "\r") or not _LINE_BEGINS.match(text[max(begin, start - 200) : start]):
        return False
    return between == "=" or between.startswith(":") or (ini and between.strip() in ("=", ":"))


def _is_ini(text: str) -> bool:
    """Whether `text` has a section."""
    at = 0
    while not _INI.match(text, at):
        at = text.find("\n[", at) + 1
        if not at:
            return False
    return True


def _in_addresses(text: str) -> Iterator[Found]:
    at = text.find("://")
    while at >= 0:
        if match := _CREDENTIALS.match(text, at + 3):
            user = text[at + 3 : match.start(1) - 1]
            if match[1] != user and len(match[1]) >= 4 and not placeholder(match[1]):
                yield Found(*match.span(1), "password in a URL")
        at = text.find("://", at + 3)
    if "@tcp(" in text or "@unix(" in text:
        yield from (Found(*match.span(1), "password") for match in _GO_DSN.finditer(text) if password(match[1]))


def _authorization(match: re.Match[str]) -> Iterator[Found]:
    value = match[1]
    if match[0][:5].lower() == "basic":
        if _names_a_user(value):
            yield Found(*match.span(1), "basic authorization")
    elif random(value):
        yield Found(*match.span(1), "bearer token")


def _names_a_user(value: str) -> bool:
    """Whether `value` is what basic authorization sends: a name and a password that is no placeholder."""
    try:
        user, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return False
    return bool(colon) and user.isprintable() and len(secret) >= 4 and not placeholder(secret)


def _cookies(match: re.Match[str]) -> Iterator[Found]:
    for pair in _PAIR.finditer(match[1]):
        name, value = pair.groups()
        if random(value) or (_SESSION.search(name) and len(value) >= SHORTEST_RANDOM // 2 and password(value)):
            start = match.start(1) + pair.start(2)
            yield Found(start, start + len(value), "cookie")


def _command(match: re.Match[str]) -> Iterator[Found]:
    if password(match[1]):
        yield Found(*match.span(1), "password")


_RULES: Final[tuple[tuple[tuple[str, ...], re.Pattern[str], Callable[[re.Match[str]], Iterator[Found]]], ...]] = (
    (("bearer", "basic", "token", "apikey"), _SCHEME, _authorization),
    (("cookie",), _COOKIES, _cookies),
    (("-u", "--user"), _USER, _command),
    (("mysql", "mariadb", "sshpass", "redis-cli", "docker login", "az login", "podman login"), _CLIENT, _command),
    (("auth", "credential"), _PAIRED, _command),
    (("jwt.", "hmac."), _SIGNED, _command),
)
"""The words with which a pattern begins, the pattern, and what judges its finds."""
