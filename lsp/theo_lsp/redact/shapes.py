"""Secrets that are known by their shape, wherever they stand: keys with a service's prefix, JWTs, private keys.

The shapes are the public ones of the services' own documentation. A prefix alone is no key: what follows has to look
drawn at random, so that ``task-list-item`` and the documented ``AKIAIOSFODNN7EXAMPLE`` stay. Public halves (Stripe's
``pk_``, certificates, ``ssh-ed25519``) are no secrets.

Every search jumps from one prefix to the next and goes on behind what it has read, so its time grows with the text
alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from theo_lsp.redact.likeness import placeholder, sequential


class Found(NamedTuple):
    """A secret's place in a text. `part` marks a further line of the one before it."""

    start: int
    end: int
    kind: str
    part: bool = False


_ANY: Final = r"[A-Za-z0-9_-]"
_ALNUM: Final = r"[A-Za-z0-9]"
_HEX: Final = r"[0-9a-f]"
_SHAPES: Final[tuple[tuple[str, str, str], ...]] = (
    ("AWS key", "AKIA ASIA ABIA ACCA", r"[A-Z2-7]{16}"),
    ("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", rf"{_ALNUM}{{36,251}}"),
    ("GitHub token", "github_pat_", r"\w{60,251}"),
    ("GitLab token", "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- glsoat- gloas-",
     rf"{_ANY}[\w.-]{{18,255}}{_ANY}"),
    ("Slack token", "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xapp-1- xoxe.",
     rf"{_ALNUM}[A-Za-z0-9.-]{{14,250}}{_ALNUM}"),
    ("Slack webhook", "hooks.slack.com/services/", r"[A-Z0-9]{8,14}/[A-Z0-9]{8,14}/[A-Za-z0-9]{20,30}"),
    ("Discord webhook", "discord.com/api/webhooks/ discordapp.com/api/webhooks/", rf"\d{{16,20}}/{_ANY}{{60,80}}"),
    ("Stripe key", "sk_live_ sk_test_ rk_live_ rk_test_ whsec_", rf"{_ALNUM}{{20,247}}"),
    ("Anthropic key", "sk-ant-", rf"{_ANY}{{24,200}}"),
    ("OpenRouter key", "sk-or-v1-", rf"{_HEX}{{64}}"),
    ("OpenAI key", "sk-proj- sk-svcacct- sk-admin- sk-", rf"{_ANY}{{32,250}}"),
    ("Google key", "AIza", rf"{_ANY}{{35}}"),
    ("Google secret", "GOCSPX-", rf"{_ANY}{{28}}"),
    ("Google token", "ya29. 1//0", rf"{_ANY}{{30,500}}"),
    ("npm token", "npm_", rf"{_ALNUM}{{36}}"),
    ("PyPI token", "pypi-AgEIcHlwaS5vcmc pypi-AgENdGVzdC5weXBpLm9yZw", rf"{_ANY}{{50,1000}}"),
    ("RubyGems key", "rubygems_", rf"{_HEX}{{48}}"),
    ("NuGet key", "oy2", r"[a-z0-9]{43}"),
    ("SendGrid key", "SG.", rf"{_ANY}{{22}}\.{_ANY}{{43}}"),
    ("Twilio key", "SK", rf"{_HEX}{{32}}"),
    ("Mailgun key", "key-", rf"{_HEX}{{32}}"),
    ("Hugging Face token", "hf_ api_org_", rf"{_ALNUM}{{30,40}}"),
    ("DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", rf"{_HEX}{{64}}"),
    ("Shopify token", "shpat_ shpca_ shppa_ shpss_", r"[0-9a-fA-F]{32}"),
    ("Square token", "sq0atp- sq0csp-", rf"{_ANY}{{22,43}}"),
    ("Databricks token", "dapi", rf"{_HEX}{{32}}(?:-\d)?"),
    ("Linear key", "lin_api_", rf"{_ALNUM}{{32,48}}"),
    ("Notion token", "ntn_", rf"{_ALNUM}{{40,50}}"),
    ("Postman key", "PMAK-", rf"{_HEX}{{24}}-{_HEX}{{34}}"),
    ("Grafana token", "glsa_ glc_", r"[\w+/=]{32,400}"),
    ("Vault token", "hvs. hvb. hvr.", rf"{_ANY}{{24,300}}"),
    ("Docker token", "dckr_pat_ dckr_oat_", rf"{_ANY}{{27,60}}"),
    ("Atlassian token", "ATATT3", r"[\w=-]{60,300}"),
    ("Figma token", "figd_", rf"{_ANY}{{38,60}}"),
    ("Groq key", "gsk_", rf"{_ALNUM}{{48,60}}"),
    ("xAI key", "xai-", rf"{_ALNUM}{{60,100}}"),
    ("Perplexity key", "pplx-", rf"{_ALNUM}{{40,64}}"),
    ("Replicate token", "r8_", rf"{_ALNUM}{{37}}"),
    ("Supabase key", "sbp_ sb_secret_", rf"{_ANY}{{30,60}}"),
    ("PlanetScale password", "pscale_tkn_ pscale_pw_", r"[\w.-]{32,64}"),
    ("Sentry token", "sntrys_ sntryu_", r"[\w+/=]{40,400}"),
    ("New Relic key", "NRAK-", r"[A-Z0-9]{27}"),
    ("age key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{58}"),
    ("Theo key", "theo_sk_ theo_sk-", rf"{_ANY}{{12,200}}"),
    ("GetCode key", "gc_", rf"{_ANY}{{16,200}}"),
)  # fmt: skip
"""Kind, prefixes, and what follows them. Where prefixes begin alike, the longer ones come first."""

_RULES: Final = tuple(
    (kind, prefix, re.compile(f"(?:{tail})(?![A-Za-z0-9])"), "," not in tail)
    for kind, prefixes, tail in _SHAPES
    for prefix in prefixes.split()
)
_JWT: Final = re.compile(r"eyJ[\w-]{8,}+(?:(?:\.[\w-]*+){4}|(?:\.[\w-]{8,}+){2})")
_TELEGRAM: Final = re.compile(r"(?<![\w])\d{8,10}:AA[\w-]{33}(?![\w-])")
_HEADER: Final = re.compile(r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=]{4,}+")
_ESCAPE: Final = re.compile(r"\\+[nrt]")
_DIGIT: Final = re.compile(r"\d")
_SHORTEST_BODY: Final = 40
_LONGEST_BODY: Final = 20_000


def shaped(text: str) -> Iterator[Found]:
    """All secrets in `text` that are known by their shape."""
    yield from _private_keys(text)
    for rule in _RULES:
        yield from _prefixed(text, *rule)
    yield from _json_web_tokens(text)
    if ":AA" in text:
        yield from (Found(*match.span(), "Telegram token") for match in _TELEGRAM.finditer(text))


def _prefixed(text: str, kind: str, prefix: str, tail: re.Pattern[str], exact: bool) -> Iterator[Found]:
    at = text.find(prefix)
    while at >= 0:
        end = at + len(prefix)
        if _begins(text, at) and (match := tail.match(text, end)):
            end = match.end()
            if _drawn(match[0], exact):
                # The address of a webhook stays, so that it is an address still.
                yield Found(match.start() if prefix.endswith("/") else at, end, kind)
        at = text.find(prefix, end)


def _drawn(tail: str, exact: bool) -> bool:
    """Whether what follows a prefix was drawn rather than written: it has one length, or digits, or case that no word
    has."""
    if placeholder(tail) or sequential(tail) or len(set(tail)) < 7:
        return False
    if exact:
        return True
    digits = len(_DIGIT.findall(tail))
    mixed = sum(before.islower() and after.isupper() for before, after in pairwise(tail))
    return digits >= 3 or digits + mixed >= 4


def _begins(text: str, at: int) -> bool:
    """Whether a word begins at `at`; the letter of an escape like ``\\n`` is not part of it."""
    before = text[at - 1 : at]
    return not (before.isalnum() or before == "_") or (before in "nrt" and text[at - 2 : at - 1] == "\\")


def _json_web_tokens(text: str) -> Iterator[Found]:
    at = text.find("eyJ")
    while at >= 0:
        end = at + 3
        # Only where a run begins, else a long run would be read again from each of its places.
        if (_begins(text, at) and text[at - 1 : at] not in ("-", ".")) and (match := _JWT.match(text, at)):
            end = match.end()
            yield Found(at, end, "JWT")
        at = text.find("eyJ", end)


def _private_keys(text: str) -> Iterator[Found]:
    """The bodies of private keys, line by line, so that no line is added or lost."""
    at = text.find("-----BEGIN ")
    while at >= 0:
        header = _HEADER.match(text, at)
        end = header.end() if header else at + 11
        if header:
            close = text.find("-----", end)
            whole = 0 <= close - end < _LONGEST_BODY and text.startswith("-----END", close)
            if whole and not _is_body(text[end:close]):
                at = text.find("-----BEGIN ", close)
                continue
            body = list(_lines(text, end, min(close if close >= 0 else len(text), end + _LONGEST_BODY), whole))
            if sum(stop - start for start, stop in body) >= _SHORTEST_BODY:
                yield from (Found(*span, "private key", part=span != body[0]) for span in body)
            end = max([end, *(stop for _, stop in body)])
        at = text.find("-----BEGIN ", end)


def _lines(text: str, start: int, stop: int, whole: bool) -> Iterator[tuple[int, int]]:
    """The part of each line that is the key; of a key without an end, the lines that can be nothing else."""
    first = True
    while start < stop:
        newline = text.find("\n", start, stop)
        end = newline if newline >= 0 else stop
        line = text[start:end]
        # An escape's letter is no part of the key: what stands for the key must not leave a bare backslash.
        runs = list(_BASE64.finditer(_ESCAPE.sub(lambda match: " " * len(match[0]), line)))
        if (
            not whole
            and not first
            and line.strip()
            and not (runs and len(line.strip(" \t\r\"'+,\\n")) == _length(runs))
        ):
            return
        if runs and ": " not in line and (whole or not first or len(runs[0][0]) >= _SHORTEST_BODY):
            yield start + runs[0].start(), start + runs[-1].end()
        first = False
        start = end + 1


def _is_body(text: str) -> bool:
    """Whether most of `text` is base64; two headers that a program compares with have code between them."""
    return 2 * sum(len(run) for run in _BASE64.findall(text) if len(run) >= _SHORTEST_BODY // 2) >= len(text)


def _length(runs: list[re.Match[str]]) -> int:
    return sum(len(run[0]) for run in runs)
