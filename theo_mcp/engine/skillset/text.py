"""What the model reads of skills, and which of them it reads whole.

A skill that the request names comes whole. Installed ones share a budget of characters, so that many of them do not
drown a small model: what has no room is named by its description, as far as there is room for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from theo_mcp.engine.skillset.form import WrittenSkill

_INTRODUCTION: Final = "Follow these skills wherever they bear on the request."
_OTHERS: Final = "These skills exist too, and are not here in full:"
_LONGEST_LINE: Final = 200


@dataclass(frozen=True)
class Fitted:
    """`whole` skills, those that are only `named`, and those that are not there at all."""

    whole: tuple[WrittenSkill, ...]
    named: tuple[WrittenSkill, ...] = ()
    left_out: tuple[WrittenSkill, ...] = ()

    @property
    def text(self) -> str:
        """For the system message."""
        parts = [_INTRODUCTION] if self.whole else []
        parts += [f'<skill name="{skill.slug}">\n{skill.body}\n</skill>' for skill in self.whole]
        if self.named:
            parts.append("\n".join([_OTHERS, *map(_line, self.named)]))
        return "\n\n".join(parts)

    @property
    def short(self) -> tuple[str, ...]:
        """The slugs of those that are not whole."""
        return tuple(skill.slug for skill in (*self.named, *self.left_out))


def fitted(asked: Sequence[WrittenSkill], installed: Sequence[WrittenSkill], room: int) -> Fitted:
    """Which of the skills come whole. `installed` ones have `room` characters together; an earlier one comes before a
    later one, but a long one does not keep a short one out."""
    whole, named, left_out = list(asked), [], []
    waiting = []
    for skill in installed:
        if len(skill.body) <= room:
            whole.append(skill)
            room -= len(skill.body)
        else:
            waiting.append(skill)
    for skill in waiting:
        if len(_line(skill)) <= room:
            named.append(skill)
            room -= len(_line(skill))
        else:
            left_out.append(skill)
    return Fitted(tuple(whole), tuple(named), tuple(left_out))


def _line(skill: WrittenSkill) -> str:
    described = skill.description
    return f"- {skill.slug}: {described if len(described) <= _LONGEST_LINE else described[:_LONGEST_LINE] + '…'}"
