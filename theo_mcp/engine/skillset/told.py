"""Skills as the documented API tells them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from theo_mcp.engine.skillset.shelves import Kept, Shelves
from theo_mcp.wire.model import Extension
from theo_mcp.wire.parts import ActiveSkill
from theo_mcp.wire.skills import Skill, SkillChange, SkillList, ToolEntry

_NAMESPACE: Final = uuid.UUID("0b7f3a52-9d0e-5b1c-8a64-2f3c1de0a7b9")
_MOST_REMARKS: Final = 20


@lru_cache(1024)
def skill_id(slug: str) -> str:
    """The id of a skill: the API wants a UUID, and the same slug has the same one on every machine."""
    return str(uuid.uuid5(_NAMESPACE, slug))


def active(kept: Kept) -> ActiveSkill:
    """A skill that takes part in an answer."""
    return ActiveSkill(id=skill_id(kept.skill.slug), slug=kept.skill.slug, name=kept.skill.title)


def listed(kept: Iterable[Kept], shelves: Shelves) -> SkillList:
    """Some of the skills. What was left out, and what is not done with skills here, stands in the notice."""
    kept = tuple(kept)
    remarks = list(shelves.remarks)
    if len(remarks) > _MOST_REMARKS:
        remarks[_MOST_REMARKS:] = [f"{len(remarks) - _MOST_REMARKS} more remarks."]
    scripted = [each.skill.slug for each in kept if "scripts" in each.unread]
    if scripted:
        remarks.append(f"Scripts of skills are never run here ({', '.join(scripted)}).")
    return SkillList(
        skills=tuple(_told(each) for each in kept), theo_mcp=Extension(backend="engine", notice=" ".join(remarks))
    )


def whole(kept: Kept) -> Skill:
    """One skill with its text."""
    notice = ""
    if "scripts" in kept.unread:
        notice = "Its scripts are never run here. "
    if others := [name for name in kept.unread if name != "scripts"]:
        notice += f"Its text alone is sent to a model, and nothing of {' and '.join(others)}."
    return _told(kept).model_copy(
        update={"readme": kept.skill.body, "theo_mcp": Extension(backend="engine", notice=notice.strip())}
    )


def changed(slug: str, *, installed: bool) -> SkillChange:
    """What installing and uninstalling answer."""
    return SkillChange(skill_id=skill_id(slug), installed=installed, theo_mcp=Extension(backend="engine"))


def _told(kept: Kept) -> Skill:
    skill = kept.skill
    return Skill(
        id=skill_id(skill.slug),
        slug=skill.slug,
        name=skill.title,
        description=skill.description,
        category=skill.category or kept.place.whose,
        version=skill.version,
        is_public=kept.place.whose == "built-in",
        tool_definitions=tuple(
            ToolEntry(
                name=tool.name,
                description=tool.description,
                input_schema=tool.input_schema,
                skill_id=skill_id(skill.slug),
            )
            for tool in skill.tools
        ),
        required_permissions=list(skill.allowed) or None,
        setup_guide=skill.compatibility or None,
    )
