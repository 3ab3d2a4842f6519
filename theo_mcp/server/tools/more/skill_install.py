"""``theo_skill_install``: adds a skill to the account, or to the engine on this machine."""

from __future__ import annotations

from pydantic import Field

from theo_mcp.server import results
from theo_mcp.server.arguments import Arguments
from theo_mcp.server.call import Call
from theo_mcp.server.reply import Reply
from theo_mcp.server.tools import Tool


class SkillInstallArguments(Arguments):
    """The documented field."""

    skill_id: str = Field(description='The id or slug of the skill: "inventory-check".')


async def _run(call: Call, arguments: SkillInstallArguments) -> Reply:
    answer = await call.backend.theo.install_skill(arguments.skill_id)
    call.rooms.changes.skills()
    state = "was not installed" if answer.installed is False else "is installed"
    return results.reply_of(
        f"The skill {answer.skill_id or arguments.skill_id} {state}.",
        {"skill_id": answer.skill_id, "installed": answer.installed},
        results.who(answer.theo_mcp),
        answer.theo_mcp,
    )


TOOL = Tool(
    name="theo_skill_install",
    title="Install a skill",
    description=(
        "Adds a skill to the user's account at Theo, or to the engine on this machine: it then takes part in every "
        "completion. "
        "Use when the user asks to install a skill. "
        "Not for one call only: theo_complete takes skills by slug without installing them. "
        "Returns the skill's id and whether it is installed. Free; takes a second."
    ),
    arguments=SkillInstallArguments,
    run=_run,
    icon="M12 3v12M7 10l5 5 5-5M4 20h16",
    output={"status": "string", "skill_id": "string", "installed": "boolean"},
    idempotent=True,
)
