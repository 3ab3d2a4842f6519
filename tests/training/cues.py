"""Cue words: what a rule would look for to know a mode at once. The hard prompts do without them.

A cue names a mode's act or product in English, German or Spanish; each matches the beginning of a word.
"""

from __future__ import annotations

import re
from typing import Final

from theo_mcp.engine.words import ResolvedMode

_STEMS: Final[dict[ResolvedMode, str]] = {
    "think": "step by step|schritt für schritt|paso a paso|prove|beweis|demuestra|reason|begründe|razona|think|denk",
    "code": "code|coding|codier|código|function|funktion|función|script|skript|program|regex|algorithm|snippet",
    "roast": "roast|grill|mock|spott|verspott|burla|insult|beleidig",
    "genui": "component|komponente|ui|interface|oberfläche|interfaz|widget|dashboard|form|formular|button|screen|gui",
    "image": "image|imagen|imágen|picture|bild|photo|foto|draw|zeichn|dibuj|paint|malen|male|gemälde|cuadro|sketch|"
    "skizz|illustra|ilustra",
    "video": "video|vídeo|film|movie|películ|clip|animat|animier|anima",
    "research": "research|forsch|recherch|investig|source|quelle|fuente|reference|referenz|referencia|beleg|nachweis"
    "|study|studies|studie|estudio|citation|literatur",
}
_WHOLE: Final = frozenset({"ui", "gui", "form", "male", "malen", "think", "anima", "screen"})
CUES: Final[dict[ResolvedMode, re.Pattern[str]]] = {
    mode: re.compile(
        r"\b(" + "|".join(stem + r"\b" if stem in _WHOLE else stem for stem in stems.split("|")) + ")", re.I
    )
    for mode, stems in _STEMS.items()
}


def cues(prompt: str) -> set[ResolvedMode]:
    """The modes that a cue word in `prompt` points to."""
    return {mode for mode, pattern in CUES.items() if pattern.search(prompt)}
