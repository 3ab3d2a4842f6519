"""The sub-commands: one file each, found by listing this folder. A file defines COMMAND; heavy imports stay inside."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One sub-command. `run` returns the exit code, or raises a `TheoError` that the command line shows."""

    name: str
    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Mapping[str, str | None]], int]
    """Takes the arguments and, by field name, the settings that were given as flags."""
    settings: bool = True
    """Whether it takes the settings' flags."""


def all_commands() -> list[Command]:
    """Every command of this folder, by name; modules with a leading underscore are shared by them."""
    names = [found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_")]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return sorted((module.COMMAND for module in modules), key=lambda command: command.name)
