"""Stage two: what the model is told before the prompt: persona, mode, and skills.

Skills come in this order, each once: those that the request names, those in Theo's own folders, those that the caller
installed. The first with a preferred model decides it. A slug that nobody knows is told in the notice, never an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from anyio import to_thread

from theo_mcp.backend import Caller
from theo_mcp.engine.words import ResolvedMode
from theo_mcp.errors import InputError, StoreError
from theo_mcp.settings import BUILTIN_MODEL, Settings
from theo_mcp.wire.completions import CompletionRequest, InlineTool, Persona
from theo_mcp.wire.openai import ChatMessage
from theo_mcp.wire.parts import ActiveSkill

if TYPE_CHECKING:  # reading YAML takes longer to import than a request without skills should wait
    from theo_mcp.engine.memory.place import Place
    from theo_mcp.engine.skillset.installed import Installed
    from theo_mcp.engine.skillset.shelves import Reader, Shelves
    from theo_mcp.wire.skills import Skill, SkillChange, SkillList
    from theo_mcp.wire.words import SkillFilter

PERSONA: Final = "You are Theo, a careful and friendly assistant."
INSTRUCTIONS: Final[dict[ResolvedMode, str]] = {
    "fast": "Answer directly and briefly.",
    "think": "Think the question through step by step, then give the answer.",
    "code": "Write correct, complete code. Put the code in one fenced block with its language. "
    "Keep explanations short.",
    "roast": "Answer with dry, good-natured humour, and still be right.",
}
_ROOM: Final = 12_000
_DRAFT_ROOM: Final = 2_000


@dataclass(frozen=True)
class Prepared:
    """What the model is asked, and what its skills bring along."""

    messages: tuple[ChatMessage, ...]
    active: tuple[ActiveSkill, ...] = ()
    tools: tuple[InlineTool, ...] = ()
    """The tools that skills define. One that the request defines itself is not among them."""
    model: str = ""
    """The engine or model that the first skill with a preference prefers."""
    notices: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    """The ``allowed-tools`` of the skills, as they are written: names of built-in tools among them enable those."""


class Shelf:
    """The skills of one engine."""

    def __init__(self, settings: Settings, place: Place) -> None:
        self._settings = settings
        self._place = place

    async def prepare(self, request: CompletionRequest, mode: ResolvedMode, caller: Caller) -> Prepared:
        """The chat: system text, inline history, prompt. The persona ``none`` means no system text of ours, and no
        skills but those that the request names."""
        asked = tuple(dict.fromkeys(request.skills or ()))
        installed, notices = ((), []) if request.persona == "none" else await self._installed_by(caller)
        if not (asked or installed or (request.persona != "none" and self._any_own())):
            return Prepared(messages(request, mode), notices=tuple(notices))
        from theo_mcp.engine.skillset import naming, told
        from theo_mcp.engine.skillset.text import fitted

        shelves = await self._shelves()
        named, notes = naming.named(asked, shelves)
        others = [] if request.persona == "none" else naming.taking_part(shelves, installed)
        others = [kept for kept in others if kept not in named]
        fit = fitted([kept.skill for kept in named], [kept.skill for kept in others], self._room)
        notices += notes
        if fit.short:
            notices.append(
                f"Installed skills may take {self._room:,} characters (skills_chars), so these are not here in full: "
                f"{naming.listed(fit.short)}. A skill that the request names comes whole."
            )
        tools: dict[str, InlineTool] = {}
        for tool in (tool for skill in fit.whole for tool in skill.tools):
            tools.setdefault(tool.name, tool)
        for tool in request.tools or ():
            tools.pop(tool.name, None)
        return Prepared(
            messages(request, mode, fit.text),
            active=tuple(told.active(shelves.skills[skill.slug]) for skill in fit.whole),
            tools=tuple(tools.values()),
            model=next((skill.model for skill in fit.whole if skill.model), ""),
            notices=tuple(notices),
            allowed=tuple(dict.fromkeys(word for skill in fit.whole for word in skill.allowed)),
        )

    async def skills(self, filter: SkillFilter | None, caller: Caller) -> SkillList:
        """Those that take part in each completion of the caller, or (the marketplace) all that can be named."""
        from theo_mcp.engine.skillset import naming, told

        shelves = await self._shelves()
        if filter != "installed":
            return told.listed((shelves.skills[slug] for slug in sorted(shelves.skills)), shelves)
        return told.listed(naming.taking_part(shelves, await self._installed.slugs(caller.tenant)), shelves)

    async def skill(self, slug_or_id: str) -> Skill:
        """One skill, with its text.

        Raises:
            NotFoundError: there is none of this slug or id.
        """
        from theo_mcp.engine.skillset import naming, told

        return told.whole(naming.found(slug_or_id, await self._shelves()))

    async def install(self, slug_or_id: str, caller: Caller) -> SkillChange:
        """From now on the skill takes part in each completion of this caller.

        Raises:
            NotFoundError: there is none of this slug or id.
            StoreError: it cannot be noted.
        """
        from theo_mcp.engine.skillset import naming, told

        kept = naming.found(slug_or_id, await self._shelves())
        if not kept.place.own:
            await self._installed.add(caller.tenant, kept.skill.slug)
        return told.changed(kept.skill.slug, installed=True)

    async def uninstall(self, slug_or_id: str, caller: Caller) -> SkillChange:
        """The skill takes part no longer; one that is installed and whose folder is gone can be named too.

        Raises:
            NotFoundError: there is none of this slug or id.
            InputError: it lies in a folder whose skills always take part.
            StoreError: it cannot be noted.
        """
        from theo_mcp.engine.skillset import naming, told

        shelves = await self._shelves()
        noted = await self._installed.slugs(caller.tenant)
        slug = next((slug for slug in noted if naming.means(slug_or_id, slug)), "")
        kept = shelves.skills.get(slug) if slug else naming.found(slug_or_id, shelves)
        slug = slug or (kept.skill.slug if kept else "")
        await self._installed.remove(caller.tenant, slug)
        if kept is not None and kept.place.own:
            raise InputError(
                f"The skill {slug!r} takes part because it lies in a folder of its own for Theo's skills.",
                hint=f"Move its folder out of {'/'.join(kept.place.below) or 'skills in the data folder'}.",
            )
        return told.changed(slug, installed=False)

    @cached_property
    def _installed(self) -> Installed:
        from theo_mcp.engine.skillset.installed import Installed

        return Installed(self._place)

    @cached_property
    def _reader(self) -> Reader:
        from theo_mcp.engine.skillset.shelves import Reader

        return Reader(self._settings)

    @property
    def _room(self) -> int:
        settings = self._settings
        if settings.skills_chars is not None:
            return settings.skills_chars
        small = not settings.asks_a_server and settings.engine_model in (None, BUILTIN_MODEL)
        return _DRAFT_ROOM if small else _ROOM

    async def _shelves(self) -> Shelves:
        return await to_thread.run_sync(lambda: self._reader.read())

    async def _installed_by(self, caller: Caller) -> tuple[tuple[str, ...], list[str]]:
        """What the caller installed. A store that cannot be read costs no answer, and is told."""
        try:
            return await self._installed.slugs(caller.tenant), []
        except StoreError as error:
            return (), [f"Installed skills take no part: {error.message}"]

    def _any_own(self) -> bool:
        from theo_mcp.engine.skillset.places import any_own

        return any_own(self._settings)


def messages(request: CompletionRequest, mode: ResolvedMode, skills: str = "") -> tuple[ChatMessage, ...]:
    """The chat of a request, with the text of its skills in the system message."""
    history = request.conversation.messages if request.conversation else ()
    system = "\n\n".join(part for part in (_system(request.persona, mode), skills) if part)
    return (
        *((ChatMessage(role="system", content=system),) if system else ()),
        *(ChatMessage(role=turn.role, content=turn.content) for turn in history),
        ChatMessage(role="user", content=request.prompt),
    )


def _system(persona: object, mode: ResolvedMode) -> str:
    if persona == "none":
        return ""
    if isinstance(persona, Persona):
        return f"{persona.system_prompt}\n{INSTRUCTIONS.get(mode, '')}"
    if mode == "code":
        return INSTRUCTIONS.get(mode, "")  # a name in front makes a small model talk about itself instead of the code
    return f"{PERSONA} {INSTRUCTIONS.get(mode, '')}"
