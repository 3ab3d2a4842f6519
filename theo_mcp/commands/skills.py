"""``theo-mcp skills``: what skills there are, what one says, and which take part in every completion."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import JsonValue

from theo_mcp.commands import Command, _screen
from theo_mcp.errors import InputError
from theo_mcp.settings import Settings

if TYPE_CHECKING:
    from theo_mcp.backend import Backend
    from theo_mcp.wire.skills import Skill, SkillList

_DESCRIBED = 100


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    told = "list: all, those that take part marked with *; show: the text of one; install, remove: let it take part"
    parser.add_argument("action", nargs="?", choices=["list", "show", "install", "remove"], default="list", help=told)
    parser.add_argument("skill", nargs="?", help="its slug or id")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    if arguments.action != "list" and not arguments.skill:
        raise InputError("Which skill is meant?", hint="Name its slug; `theo-mcp skills` lists them.")
    settings = Settings.load(flags)
    return _screen.run(_act, settings, arguments.action, arguments.skill or "", arguments.json)


async def _act(settings: Settings, action: str, skill: str, as_json: bool) -> int:
    from theo_mcp.connection import connect

    async with connect(settings) as backend:
        if action == "list":
            return await _list(settings, backend, as_json)
        if action == "show":
            return _show(await backend.theo.skill(skill), as_json)
        change = backend.theo.install_skill if action == "install" else backend.theo.uninstall_skill
        done = await change(skill)
    if as_json:
        _screen.answer_json({"skill_id": done.skill_id, "installed": done.installed})
    else:
        state = "takes part in every completion" if action == "install" else "is no longer installed"
        _screen.answer(f"The skill {skill} {state}.")
    return _screen.OK


async def _list(settings: Settings, backend: Backend, as_json: bool) -> int:
    found = await backend.theo.skills("marketplace")
    installed = {skill.id for skill in (await backend.theo.skills("installed")).skills}
    if as_json:
        _screen.answer_json({"skills": [_fields(skill, installed) for skill in found.skills], "notice": _notice(found)})
        return _screen.OK
    width = max((len(skill.slug) for skill in found.skills), default=0)
    for skill in found.skills:
        described = skill.description
        described = described if len(described) <= _DESCRIBED else described[:_DESCRIBED] + "…"
        _screen.answer(f"{'*' if skill.id in installed else ' '} {skill.slug:{width}}  {described}")
    if notice := _notice(found):
        _screen.say(notice)
    if backend.theo_choice.answers == "engine":
        _screen.say(f"Your own skills are folders with a SKILL.md in {settings.data_dir / 'skills'}.")
    return _screen.OK


def _show(skill: Skill, as_json: bool) -> int:
    if as_json:
        _screen.answer_json(skill.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"theo_mcp"}))
        return _screen.OK
    _screen.answer(_screen.bold(f"{skill.name} ({skill.slug})"))
    _screen.answer(skill.description)
    if skill.readme:
        _screen.answer(f"\n{skill.readme}")
    for tool in skill.tool_definitions:
        _screen.say(f"It brings the tool {tool.name}: {tool.description}")
    if skill.theo_mcp.notice:
        _screen.say(skill.theo_mcp.notice)
    return _screen.OK


def _fields(skill: Skill, installed: set[str]) -> JsonValue:
    fields = skill.model_dump(include={"id", "slug", "name", "description", "category", "version"})
    return {**fields, "installed": skill.id in installed}


def _notice(found: SkillList) -> str:
    return found.theo_mcp.notice


COMMAND = Command(
    name="skills",
    help="List skills, read one, and say which take part in every completion.",
    add_arguments=_add_arguments,
    run=_run,
)
