"""``theo_skill_list``: skills, installed or to be had."""

from __future__ import annotations

from pydantic import Field, JsonValue

from theo_mcp.server import results
from theo_mcp.server.arguments import Arguments
from theo_mcp.server.call import Call
from theo_mcp.server.reply import Reply, one_line
from theo_mcp.server.tools import Tool
from theo_mcp.wire.words import SkillFilter


class SkillListArguments(Arguments):
    """The documented filter."""

    filter: SkillFilter | None = Field(None, description="installed, or marketplace (all; what is listed unasked).")


async def _run(call: Call, arguments: SkillListArguments) -> Reply:
    answer = await call.backend.theo.skills(arguments.filter)
    lines = [
        one_line(
            " · ".join(
                str(part)
                for part in (skill.slug, skill.name, skill.category, skill.description, skill.version, skill.id)
                if part
            )
        )
        for skill in answer.skills
    ]
    fields = {"id", "slug", "name", "category", "description", "version"}
    skills: list[JsonValue] = [skill.model_dump(include=fields, exclude_none=True) for skill in answer.skills]
    return results.reply_of(
        "\n".join(lines) or "No skill is listed.", {"skills": skills}, results.who(answer.theo_mcp), answer.theo_mcp
    )


TOOL = Tool(
    name="theo_skill_list",
    title="List skills",
    description=(
        "Lists the skills of Theo, or of the engine on this machine: all, or those that are installed. "
        "Use when a task may have a skill of its own, or before theo_skill_install. "
        "Not for running a skill (theo_complete, skills). "
        "Returns slug, name, category and description of each. Free; takes a second."
    ),
    arguments=SkillListArguments,
    run=_run,
    icon="M12 2l3 7 7 1-5 5 1 7-6-4-6 4 1-7-5-5 7-1z",
    output={"status": "string", "skills": "array"},
    read_only=True,
    idempotent=True,
)
