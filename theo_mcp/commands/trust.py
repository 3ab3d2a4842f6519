"""``theo-mcp trust``: which projects may choose who speaks and what it can call, and be searched."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from theo_mcp.commands import Command, _screen
from theo_mcp.errors import ConfigError, InputError
from theo_mcp.settings import Settings

_LONGEST = 400


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    told = "add: trust the project as it is now (the default); remove: no more; list: all"
    parser.add_argument("action", nargs="?", choices=["add", "remove", "list"], default="add", help=told)
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    from theo_mcp.engine.skillset.places import in_project
    from theo_mcp.workspace import Workspace

    workspace = Workspace(Settings.load(flags))
    if arguments.action == "list":
        for folder in workspace.trust.folders():
            _screen.answer(str(folder))
        return _screen.OK
    if not workspace.roots:
        raise InputError("No project is open here.", hint="Name one with --root, or run this in its folder.")
    folder = workspace.roots[0].real
    if arguments.action == "remove":
        known = workspace.trust.untrust(folder)
        _screen.answer(f"{folder} is no longer trusted." if known else f"{folder} was not trusted.")
        return _screen.OK
    project = workspace.project()
    withheld = project.withheld
    if project.broken:
        raise ConfigError(project.ignored[0].rstrip(".") + ".", hint="Correct it, and run theo-mcp trust again.")
    for remark in project.ignored:
        if withheld is None or remark not in withheld.ignored:  # those are what is asked for below
            _screen.say(remark)
    if project.trusted:
        _screen.answer(f"{folder} is trusted already.")
        return _screen.OK
    skills = in_project(workspace.roots[0])
    if withheld is None and not skills:
        _screen.say(f"{folder} itself asks for nothing that needs trust.")
    else:
        _screen.say(f"{folder} asks for:")
    if withheld is not None:
        if withheld.persona:
            _screen.say(f"  the persona {withheld.persona[:_LONGEST]!r}")
        for tool in withheld.tools:
            _screen.say(f"  the tool {str(dict(tool))[:_LONGEST]}")
        if withheld.default_mode:
            _screen.say(f"  the mode {withheld.default_mode}, which costs more than text")
    for place, names in skills.items():
        _screen.say(f"  the skills in {place}, as they are whenever they are used: {', '.join(names)[:_LONGEST]}")
    _screen.say("The engine's search and research read the documents in a folder that you trust, for you alone.")
    if not (arguments.yes or _screen.agreed("Trust it?", "Trust is given by a person.")):
        _screen.say("Nothing was changed.")
        return _screen.FAILED
    workspace.trust.trust(folder, project.digest)
    _screen.answer(f"{folder} is trusted until its theo.config.json changes.")
    return _screen.OK


COMMAND = Command(
    name="trust",
    help="Let the project in this folder choose a persona, tools and skills, and be searched; or no longer.",
    add_arguments=_add_arguments,
    run=_run,
)
