"""The command line: argparse and nothing else. What a command does stands in `theo_mcp.commands`."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import version
from io import TextIOWrapper

from theo_mcp.commands import _screen, all_commands
from theo_mcp.errors import TheoError
from theo_mcp.settings import CONFIG_VARIABLE, Settings, flag_of, is_list, variable_of


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns its exit code (`theo_mcp.commands._screen.EXIT_CODES`)."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    arguments = parser().parse_args(argv)
    flags = {name: getattr(arguments, name, None) for name in (*_flags(), "config")}
    try:
        code: int = arguments.command.run(arguments, flags)
    except TheoError as error:
        code = _screen.show_error(error, as_json=getattr(arguments, "json", False))
    except KeyboardInterrupt:
        code = _screen.INTERRUPTED
    except BaseExceptionGroup as group:  # a second Ctrl-C while the first is heeded, wherever it hits
        if group.subgroup(KeyboardInterrupt) is None:
            raise
        code = _screen.INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that the last flush does not fail too
        code = _screen.OK
    return code


def _open_what_is_closed() -> None:
    """A shell or a host may start us with a standard stream closed; then it is empty, or goes nowhere."""
    for fd, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDONLY if fd == 0 else os.O_WRONLY)
            if opened != fd:
                os.dup2(opened, fd)
                os.close(opened)
            setattr(sys, name, os.fdopen(fd, mode, encoding="utf-8"))


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    codes = "\n".join(f"  {code:<4} {meaning}" for code, meaning in _screen.EXIT_CODES.items())
    top = argparse.ArgumentParser(
        prog="theo-mcp",
        description="Code generation, completion and briefs for AI assistants, editors and the shell.",
        epilog=f"exit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"theo-mcp {version('theo-mcp')}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for command in all_commands():
        sub = commands.add_parser(
            command.name,
            help=command.help,
            description=command.help,
            epilog=top.epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(sub)
        sub.set_defaults(command=command)
        if command.settings:
            usage = sub.format_usage().removeprefix("usage: ").rstrip().replace("%", "%%")
            sub.usage = f"{usage} [settings]"  # thirty flags before the ones that matter are no help
            _add_settings(sub)
    return top


def _add_settings(sub: argparse.ArgumentParser) -> None:
    group = sub.add_argument_group("settings (keys come from the environment or a file, never from a flag)")
    group.add_argument("--config", metavar="FILE", help=f"the settings file [{CONFIG_VARIABLE}]")
    for name, flag in _flags().items():
        description = (Settings.model_fields[name].description or "").replace("%", "%%")
        action = _Joined if is_list(name) else "store"
        group.add_argument(flag, dest=name, metavar="VALUE", action=action, help=f"{description} [{variable_of(name)}]")


class _Joined(argparse.Action):
    """A flag that may be given several times; its values are joined as its variable holds them."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        held = getattr(namespace, self.dest, None)
        setattr(namespace, self.dest, f"{held}{os.pathsep}{values}" if held else str(values))


def _flags() -> dict[str, str]:
    return {name: flag for name in Settings.model_fields if (flag := flag_of(name)) is not None}


if __name__ == "__main__":
    sys.exit(main())
