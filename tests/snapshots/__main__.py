"""Writes the snapshots anew: ``python -m tests.snapshots``. Reading the diff is the review."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from theo_mcp.server.prompts import all_prompts
from theo_mcp.server.resources import all_resources
from theo_mcp.server.tools import all_tools


def write(name: str, listed: Iterable[BaseModel]) -> None:
    shown = [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in listed]
    text = json.dumps(shown, indent=2, ensure_ascii=False) + "\n"
    Path(__file__).with_name(f"{name}.json").write_text(text, encoding="utf-8")


resources = all_resources().values()
write("tools", (tool.listed() for tool in all_tools()))
write("prompts", (prompt.listed() for prompt in all_prompts().values()))
write("resources", (each.listed() for each in resources if not each.variable))
write("templates", (each.template() for each in resources if each.variable))
