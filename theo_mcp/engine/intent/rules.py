"""The few cases where the words alone are certain. Everything else is left to the embedding: measured on prompts that
name no mode, rules are right in one of ten, and a rule that is wrong hides an embedding that is right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from theo_mcp.engine.words import ResolvedMode


@dataclass(frozen=True)
class Rule:
    """A mode, and what in a prompt makes it certain."""

    mode: ResolvedMode
    reason: str
    pattern: re.Pattern[str]


_START: Final = r"^\W*(?:(?:please|bitte|por favor|can you|could you|kannst du|puedes)\W+)?"
_NOT_DRAWN: Final = (
    r"(?:conclusion|comparison|parallel|distinction|lesson|diagram|flowchart|chart|graph|"
    r"circle|line|rectangle|triangle|table|blank|lots?|salary|bath|kreis|linie|tabelle|c[ií]rculo|l[ií]nea|tabla|"
    r"fazit|schluss|vergleich|diagramm|bilanz|conclusi[oó]n|comparaci[oó]n|diagrama|gr[aá]fic[oa])"
)
_LANGUAGE: Final = r"(?:python|java|javascript|typescript|bash|shell|powershell|sql|c\+\+|c#|rust|go|php|ruby|kotlin)"


def certain(prompt: str) -> Rule | None:
    """The first rule that holds for `prompt`."""
    return next((rule for rule in _RULES if rule.pattern.search(prompt)), None)


def _rule(mode: ResolvedMode, reason: str, pattern: str, flags: int = 0) -> Rule:
    return Rule(mode, reason, re.compile(pattern, re.I | flags))


_RULES: Final = (
    _rule("code", "the prompt holds fenced code", r"^[ \t]{0,3}(?:```|~~~)", re.M),
    _rule("roast", "it begins with 'roast'", _START + r"roast(?:e|ee)?\s+(?:me|my|this|our|mich|mein\w*|unser\w*)\b"),
    _rule(
        "code",
        "it asks for a function or the like",
        _START + r"(?:write|implement|create|generate|schreibe?|implementiere?|escribe|implementa)\s+"
        r"(?:(?:me|mir)\s+)?(?:an?|the|some|eine?n?|una?|unos|las?)?\s*(?:(?!about|on|over|über|sobre)[^\s.,:;!?]+\s+){0,3}?"
        rf"(?:(?:{_LANGUAGE}[ -])?(?:functions?|funktion|funci[oó]n|unit[ -]tests?|regex|middleware|"
        rf"(?:rest )?endpoint)|{_LANGUAGE}[ -](?:class|method|script|skript|program|query|klasse|programm))\b",
    ),
    _rule("think", "it asks for a proof", _START + r"(?:prove that|beweise,? dass|demuestra que)\b"),
    _rule(
        "image",
        "it asks for a drawing",
        _START + rf"(?:draw|paint|sketch|zeichne|male?|dibuja|dib[uú]jame|pinta)\s+(?:(?:me|mir)\s+)?"
        rf"(?:an?|some|eine?n?|una?)\s+(?!(?:\S+\s+){{0,2}}?{_NOT_DRAWN}\b)\w",
    ),
    _rule(
        "image",
        "it asks for a picture",
        _START + r"(?:make|create|generate|give me|draw|mach|erstelle?|erzeuge|haz|crea|genera)\s+(?:(?:me|mir)\s+)?"
        r"(?:an?|the|eine?|una?)\s+(?:picture|image|photo|painting|illustration|bild|foto|gemälde|imagen|ilustraci[oó]n)"
        r"\s+(?:of|showing|von|de|con)\b",
    ),
    _rule(
        "video",
        "it asks for a video",
        _START + r"(?:make|create|generate|mach|erstelle?|erzeuge|haz|crea|genera)\s+(?:(?:me|mir)\s+)?"
        r"(?:an?|the|ein|un)\s+(?:short\s+|kurzes\s+)?(?:video|v[ií]deo|animation)\s+(?:of|showing|von|de|con)\b",
    ),
)
