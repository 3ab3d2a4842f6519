"""What belongs to a key: its skills and tools, its conversations and its usage."""

from __future__ import annotations

import re
from typing import Final, TypeVar, get_args

from theo_mcp.backend import UsageScope
from theo_mcp.gateway.call import Answer, Call, Endpoint, Whole
from theo_mcp.gateway.refusals import Refusal
from theo_mcp.gateway.shown import dumped, fields_of
from theo_mcp.wire.account import ConversationDeleted, ConversationPage, StoredConversation, UsageReport
from theo_mcp.wire.skills import Skill, SkillChange, SkillChoice, SkillList, Tools
from theo_mcp.wire.words import SkillFilter

WordT = TypeVar("WordT", bound=str)
_FILTERS: Final[tuple[SkillFilter, ...]] = get_args(SkillFilter)
_ID_OR_SLUG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_SCOPES: Final[tuple[UsageScope, ...]] = get_args(UsageScope)


async def _skills(call: Call) -> Answer:
    return call.whole(await call.backend.theo.skills(_word(call, "filter", _FILTERS)))


async def _skill(call: Call) -> Answer:
    skill = await call.backend.theo.skill(call.path["id"])
    return Whole(dumped({"skill": fields_of(skill)}))


async def _install(call: Call) -> Answer:
    done = await call.backend.theo.install_skill(_named(call))
    return call.whole(done, installed=True)


async def _uninstall(call: Call) -> Answer:
    done = await call.backend.theo.uninstall_skill(_named(call))
    return call.whole(done, installed=False)


async def _tools(call: Call) -> Answer:
    return call.whole(await call.backend.theo.tools())


async def _conversations(call: Call) -> Answer:
    return call.whole(await call.backend.theo.conversations(cursor=call.query.get("cursor")))


async def _conversation(call: Call) -> Answer:
    conversation = await call.backend.theo.conversation(call.path["id"])
    return Whole(dumped({"conversation": fields_of(conversation)}))


async def _delete(call: Call) -> Answer:
    return call.whole(await call.backend.theo.delete_conversation(call.path["id"]), deleted=True)


async def _usage(call: Call) -> Answer:
    scope = _word(call, "scope", _SCOPES)
    if scope == "org" and "billing" not in call.key.scopes:
        raise Refusal(403, "missing_scope", "This API key lacks the scope billing.")
    start, end = call.query.get("from"), call.query.get("to")
    return call.whole(await call.backend.theo.usage(start=start, end=end, scope=scope))


def _named(call: Call) -> str:
    """The skill in the body: its id, as the documents have it, or its slug."""
    named = call.read(SkillChoice).skill_id
    if not _ID_OR_SLUG.fullmatch(named):
        raise Refusal(400, "validation_error", "skillId is neither the id of a skill nor its slug.")
    return named


def _word(call: Call, name: str, words: tuple[WordT, ...]) -> WordT | None:
    given = call.query.get(name)
    found = next((word for word in words if word == given), None)
    if given and found is None:
        raise Refusal(400, "validation_error", f"{name} is one of {', '.join(words)}.")
    return found


ENDPOINTS = (
    Endpoint("GET", "/api/v1/skills", "List skills", _skills, None, SkillList, scope="skills", refuses=(400,)),
    Endpoint(
        "POST", "/api/v1/skills", "Install a skill", _install, SkillChoice, SkillChange, 201,
        scope="skills", refuses=(400, 404),
    ),
    Endpoint(
        "DELETE", "/api/v1/skills", "Uninstall a skill", _uninstall, SkillChoice, SkillChange,
        scope="skills", refuses=(400, 404),
    ),
    Endpoint("GET", "/api/v1/skills/{id}", "Read a skill", _skill, None, Skill, scope="skills", refuses=(404,)),
    Endpoint("GET", "/api/v1/tools", "List the tools", _tools, None, Tools, scope="tools"),
    Endpoint("GET", "/api/v1/conversations", "List conversations", _conversations, None, ConversationPage),
    Endpoint(
        "GET", "/api/v1/conversations/{id}", "Read a conversation", _conversation, None, StoredConversation,
        refuses=(404,),
    ),
    Endpoint(
        "DELETE", "/api/v1/conversations/{id}", "Delete a conversation", _delete, None, ConversationDeleted,
        refuses=(404,),
    ),
    Endpoint("GET", "/api/v1/usage", "What was used", _usage, None, UsageReport, refuses=(400, 403)),
)  # fmt: skip
