"""``theo-mcp docs``: prints the tables of commands, settings and what is offered; the README holds what this prints."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from theo_mcp.commands import Command, _screen, all_commands
from theo_mcp.errors import InputError
from theo_mcp.settings import CONFIG_VARIABLE, Settings, flag_of, variable_of


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("section", nargs="?", choices=sorted(_SECTIONS), help="print one section instead of all")
    parser.add_argument("--update", type=Path, metavar="FILE", help="write the sections between their marks in FILE")
    parser.add_argument("--check", type=Path, metavar="FILE", help="exit 1 if the sections in FILE are stale")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    file: Path | None = arguments.update or arguments.check
    if file is None:
        names = [arguments.section] if arguments.section else list(_SECTIONS)
        _screen.answer("\n\n".join(_SECTIONS[name]() for name in names))
        return _screen.OK
    try:
        held = file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file} could not be read: {error.strerror}.") from None
    made = updated(held)
    if arguments.update:
        file.write_text(made, encoding="utf-8")
    elif made != held:
        _screen.say(f"{file} is stale: `theo-mcp docs --update {file}` prints it anew.")
        return _screen.FAILED
    return _screen.OK


def updated(text: str) -> str:
    """`text` with every section between ``<!-- docs:NAME -->`` and ``<!-- /docs -->`` printed anew."""
    return re.sub(
        r"(<!-- docs:(\w+) -->\n).*?(<!-- /docs -->)",
        lambda mark: f"{mark[1]}{_SECTIONS[mark[2]]()}\n{mark[3]}",
        text,
        flags=re.DOTALL,
    )


def _commands() -> str:
    return _table(("command", "does"), [(f"`theo-mcp {command.name}`", command.help) for command in all_commands()])


def _tools() -> str:
    from theo_mcp.server.tools import all_tools

    rows = []
    for tool in all_tools():
        fields = tool.arguments.model_fields
        names = [f"`{name}`{' (required)' if field.is_required() else ''}" for name, field in fields.items()]
        rows.append((f"`{tool.name}`", tool.description.partition(". ")[0] + ".", ", ".join(names) or "none"))
    return _table(("tool", "does", "arguments"), rows)


def _prompts() -> str:
    from theo_mcp.server.prompts import all_prompts

    rows = []
    for prompt in all_prompts().values():
        names = [f"`{each.name}`{' (required)' if each.required else ''}" for each in prompt.arguments]
        asked = ", then ".join(f"`{tool}`" for tool in prompt.tools)
        rows.append((f"`{prompt.name}`", prompt.description, ", ".join(names), asked))
    return _table(("prompt", "gives", "arguments", "asks for"), rows)


def _resources() -> str:
    from theo_mcp.server.resources import all_resources

    rows = [(f"`{each.uri}`", each.description, each.mime or "") for each in all_resources().values()]
    return _table(("resource", "holds", "as"), rows)


def _actions() -> str:
    from theo_lsp import actions

    rows = []
    for action in actions.all_actions():
        said = " ".join((importlib.import_module(f"{actions.__name__}.{action.name}").__doc__ or "").split())
        words = {"none": "", "optional": "optional", "required": "required"}[action.instruction]
        rows.append((f"`{action.name}`", action.title, said.partition(". ")[0].rstrip(".") + ".", words))
    return _table(("action", "in the menu", "gives", "instruction"), rows)


def _editor_settings() -> str:
    from theo_lsp.settings import ALLOWED

    rows = [(f"`{name}`", Settings.model_fields[name].description or "") for name in sorted(ALLOWED)]
    return _table(("setting", "what it is"), rows)


def _settings() -> str:
    rows = [("", f"`{CONFIG_VARIABLE}`", "`--config`", "The settings file.")]
    for name, field in Settings.model_fields.items():
        variable, flag = variable_of(name), flag_of(name)
        rows.append(
            (
                f"`{name}`",
                f"`{variable}`" if variable else "",
                f"`{flag}`" if flag else "",
                field.description or "",
            )
        )
    return _table(("in the file", "variable", "flag", "what it is"), rows)


def _exits() -> str:
    return _table(("exit code", "means"), [(str(code), meaning) for code, meaning in _screen.EXIT_CODES.items()])


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


_SECTIONS: Mapping[str, Callable[[], str]] = {
    "commands": _commands,
    "tools": _tools,
    "prompts": _prompts,
    "resources": _resources,
    "actions": _actions,
    "editor_settings": _editor_settings,
    "settings": _settings,
    "exits": _exits,
}
COMMAND = Command(
    name="docs",
    help="Print the tables of commands, tools, prompts, resources and settings.",
    add_arguments=_add_arguments,
    run=_run,
    settings=False,
)
