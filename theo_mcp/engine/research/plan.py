"""What to search for, and which parts the report has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pydantic import JsonValue

from theo_mcp.backend import Observe
from theo_mcp.engine import loop
from theo_mcp.engine.research.sources import words
from theo_mcp.engine.routing import Route
from theo_mcp.wire.model import read_json
from theo_mcp.wire.openai import ChatMessage, ChatUsage

Depth: TypeAlias = Literal["basic", "advanced"]
MOST_QUERIES: Final[dict[Depth, int]] = {"basic": 3, "advanced": 6}
MOST_SECTIONS: Final[dict[Depth, int]] = {"basic": 2, "advanced": 4}
_VARIANTS: Final = ("", "overview", "explained", "advantages and disadvantages", "history", "latest")
_QUERY_CHARS: Final = 200
_SECTION_CHARS: Final = 80


@dataclass(frozen=True)
class Plan:
    """The queries, the headings, and what making them has used."""

    queries: tuple[str, ...]
    sections: tuple[str, ...]
    usage: ChatUsage


async def asked(way: Route, prompt: str, depth: Depth, observe: Observe | None) -> Plan:
    """The plan of a model that keeps to a schema; by rule, where what it says is none."""
    most = {"queries": MOST_QUERIES[depth], "sections": MOST_SECTIONS[depth]}
    properties: dict[str, JsonValue] = {
        name: {
            "type": "array",
            "items": {"type": "string", "maxLength": _QUERY_CHARS if name == "queries" else _SECTION_CHARS},
            "minItems": 1,
            "maxItems": number,
        }
        for name, number in most.items()
    }
    schema: dict[str, JsonValue] = {
        "type": "object", "properties": properties, "required": [*most], "additionalProperties": False
    }  # fmt: skip
    question = (
        f"{prompt}\n\nPlan a research of this. Answer with a JSON object alone: queries, at most {most['queries']} "
        "short queries for a search engine that look at different sides of it, and sections, at most "
        f"{most['sections']} headings of the report."
    )
    step = await loop.whole(
        way,
        (ChatMessage(role="user", content=question),),
        response_format={"type": "json_schema", "json_schema": {"name": "plan", "schema": schema}},
        observe=observe,
    )
    try:
        said = read_json(step.text)
    except ValueError:
        said = None
    fields = said if isinstance(said, dict) else {}
    ruled = by_rule(prompt, depth)
    queries = _lines(fields.get("queries"), _QUERY_CHARS)[: most["queries"]]
    sections = _lines(fields.get("sections"), _SECTION_CHARS)[: most["sections"]]
    return Plan(queries or ruled.queries, sections or ruled.sections, step.usage)


def by_rule(prompt: str, depth: Depth) -> Plan:
    """The prompt itself, and its words with others that people add."""
    bare = " ".join(prompt.split())
    key = " ".join(words(prompt)[:8]) or bare[:_QUERY_CHARS]
    queries = [bare if len(bare) <= _QUERY_CHARS else key]
    queries += [f"{key} {variant}".strip() for variant in _VARIANTS]
    return Plan(tuple(dict.fromkeys(queries))[: MOST_QUERIES[depth]], ("Findings",), ChatUsage())


def _lines(value: object, longest: int) -> tuple[str, ...]:
    texts = (
        [" ".join(each.split())[:longest] for each in value if isinstance(each, str)] if isinstance(value, list) else []
    )
    return tuple(dict.fromkeys(re.sub(r"^[#\s\d.]+(?=\D)", "", text) for text in texts if text.strip("#. ")))
