"""From a skill's slug, which people know, to its id, which the service wants."""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable

from theo_mcp.errors import InputError, NotFoundError
from theo_mcp.wire.skills import SkillList
from theo_mcp.wire.words import SkillFilter

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


async def skill_id(
    slug_or_id: str, lists: tuple[SkillFilter, ...], list_skills: Callable[[SkillFilter], Awaitable[SkillList]]
) -> str:
    """The id to send: a UUID as it is, anything else by looking for it in `lists`, in their order.

    Raises:
        InputError: nothing was named.
        NotFoundError: no skill has this slug or id.
    """
    wanted = slug_or_id.strip()
    if not wanted:
        raise InputError("No skill is named.", hint="Give its slug or its id.")
    if _UUID.fullmatch(wanted):
        return wanted
    known: list[str] = []
    for name in lists:
        skills = (await list_skills(name)).skills
        found = next((skill.id for skill in skills if skill.id and wanted in (skill.slug, skill.id)), None)
        if found is not None:
            return found
        known += [skill.slug for skill in skills if skill.slug]
    near = difflib.get_close_matches(wanted, known, n=1)
    raise NotFoundError(
        f"There is no skill {wanted[:80]!r}.",
        code="skill_not_found",
        hint=f"Did you mean {near[0]!r}?" if near else "List the skills to see their slugs.",
        attempts=len(lists),
    )
