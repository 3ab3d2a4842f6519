"""From the slugs and ids that people write to the skills that are there, and what to say of those that are not."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

from theo_mcp.engine.skillset.shelves import Kept, Shelves
from theo_mcp.engine.skillset.told import skill_id
from theo_mcp.errors import InputError, NotFoundError

_MOST_NAMED: Final = 50
_MOST_LISTED: Final = 5
_LONGEST_SLUG: Final = 64
_LONGEST_REASON: Final = 300


def taking_part(shelves: Shelves, installed: Sequence[str]) -> list[Kept]:
    """The skills that take part unasked; one that was installed and is there no longer is not among them."""
    own = [slug for slug, kept in shelves.skills.items() if kept.place.own]
    return [shelves.skills[slug] for slug in dict.fromkeys((*own, *installed)) if slug in shelves.skills]


def named(asked: Sequence[str], shelves: Shelves) -> tuple[list[Kept], list[str]]:
    """The skills that a request names, each once, and a sentence on those that are not there."""
    there: dict[str, Kept] = {}
    absent: dict[str, list[str]] = {}
    for name in asked[:_MOST_NAMED]:
        slug = _slug(name, shelves)
        if slug in shelves.skills:
            there[slug] = shelves.skills[slug]
        else:
            absent.setdefault(_why(slug, shelves), []).append(slug)
    if more := asked[_MOST_NAMED:]:
        absent[f"a request may name {_MOST_NAMED}"] = list(more)
    return list(there.values()), [
        f"{'These skills take' if len(slugs) > 1 else 'This skill takes'} no part: {listed(slugs)} ({why})."
        for why, slugs in absent.items()
    ]


def found(slug_or_id: str, shelves: Shelves) -> Kept:
    """The skill that is meant.

    Raises:
        InputError: nothing is named.
        NotFoundError: there is none.
    """
    wanted = slug_or_id.strip()
    if not wanted:
        raise InputError("No skill is named.", hint="Give its slug or its id.")
    slug = _slug(wanted, shelves)
    if slug not in shelves.skills:
        why = _why(slug, shelves)
        raise NotFoundError(
            f"The skill {listed([slug])} cannot be had: {why}{'' if why.endswith('?') else '.'}",
            hint="List the skills to see them all.",
        )
    return shelves.skills[slug]


def means(slug_or_id: str, slug: str) -> bool:
    """Whether `slug_or_id` is this skill's slug or id."""
    return slug_or_id.strip().lower() in (slug, skill_id(slug))


def listed(slugs: Sequence[str]) -> str:
    """Some slugs in a sentence: not all of very many, and none of them very long."""
    shown = [repr(slug if len(slug) <= _LONGEST_SLUG else slug[:_LONGEST_SLUG] + "…") for slug in slugs[:_MOST_LISTED]]
    more = len(slugs) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _slug(name: str, shelves: Shelves) -> str:
    name = name.strip()
    return name if name in shelves.skills else next((slug for slug in shelves.skills if means(name, slug)), name)


def _why(slug: str, shelves: Shelves) -> str:
    """Why there is no such skill."""
    if slug in shelves.broken:
        reason = f"it {shelves.broken[slug]}"
        return reason if len(reason) <= _LONGEST_REASON else reason[:_LONGEST_REASON] + "…"
    if slug in shelves.untrusted:
        return "this project has it, and its folder is not trusted (theo-mcp trust)"
    near = difflib.get_close_matches(slug[:_LONGEST_SLUG], shelves.skills, n=1)
    return f"there is none; did you mean {near[0]!r}?" if near else "there is none"
