"""Takes secrets out of a text before it leaves this machine, and puts them back into what comes in return.

Each secret becomes a word that code can carry wherever a secret stood: in a string, a URL, a line of its own. The same
secret is the same word throughout a run. Nothing is forgotten or made up: what is put back is the text that was taken,
byte for byte, and no line is added or lost, so places in the text still mean the same lines.

This is a net, not a proof: a secret without a known shape and without a telling place passes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from theo_lsp.redact.likeness import random
from theo_lsp.redact.places import placed
from theo_lsp.redact.shapes import Found, shaped

_PLACEHOLDER: Final = re.compile(r"__HELD_BACK_SECRET_\d{1,6}__")
_SHORTEST_EVERYWHERE: Final = 12  # a shorter one may be an ordinary word elsewhere
_MOST_EVERYWHERE: Final = 300  # a file of more keys than this has each of them found by its own place


@dataclass(frozen=True)
class Redacted:
    """A text without its secrets, and the secrets of its run by the words that stand for them."""

    text: str
    secrets: Mapping[str, str]
    kind_of: Mapping[str, str]
    """The kind of each word's secret. The further lines of a private key, and words that stood in the source, have
    none."""

    @property
    def kinds(self) -> Counter[str]:
        """How many different secrets are held back from this text, by kind."""
        words = dict.fromkeys(match[0] for match in _PLACEHOLDER.finditer(self.text))
        return Counter(self.kind_of[word] for word in words if word in self.kind_of)


def redacted(text: str, known: Redacted | None = None) -> Redacted:
    """`text` without secrets. `known` is what its run took from another text before: those secrets keep their words,
    and are found here even where nothing tells them."""
    secrets, kind_of = (dict(known.secrets), dict(known.kind_of)) if known else ({}, {})
    words = {secret: word for word, secret in secrets.items()}
    found = [*shaped(text), *placed(text)]
    # The source may hold such a word itself. It is held back too, else a secret would come back in its place.
    found += [Found(*match.span(), "", part=True) for match in _PLACEHOLDER.finditer(text)]
    found += _everywhere(text, [*words, *(text[each.start : each.end] for each in found)])
    parts, done = [], 0
    for each in _disjoint(found):
        secret = text[each.start : each.end]
        if secret not in words:
            word = words[secret] = f"__HELD_BACK_SECRET_{len(words) + 1}__"
            secrets[word] = secret
            if not each.part:
                kind_of[word] = each.kind
        parts += [text[done : each.start], words[secret]]
        done = each.end
    return Redacted("".join([*parts, text[done:]]), secrets, kind_of)


def restored(answer: str, secrets: Mapping[str, str]) -> str:
    """`answer` with the secrets where their words stand."""
    return _PLACEHOLDER.sub(lambda match: secrets.get(match[0], match[0]), answer)


def _everywhere(text: str, secrets: Iterable[str]) -> list[Found]:
    """The places of `secrets` where nothing but their own text tells them."""
    found = []
    for secret in [*dict.fromkeys(secrets)][:_MOST_EVERYWHERE]:
        if len(secret) < _SHORTEST_EVERYWHERE or not (random(secret) or "-" not in secret):
            continue
        at = text.find(secret)
        while at >= 0:
            found.append(Found(at, at + len(secret), "secret", part=True))
            at = text.find(secret, at + len(secret))
    return found


def _disjoint(found: list[Found]) -> list[Found]:
    """`found` in order; of those that overlap, one that covers them all, by the kind that was found first."""
    merged: list[Found] = []
    for each in sorted(found, key=lambda each: (each.start, -each.end)):
        if merged and each.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = last._replace(end=max(last.end, each.end), part=last.part and each.part)
        else:
            merged.append(each)
    return merged
