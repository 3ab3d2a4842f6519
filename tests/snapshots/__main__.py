"""Writes the snapshots anew: ``python -m tests.snapshots``. Reading the diff is the review."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anyio
from pydantic import BaseModel

from tests.unit.lsp.client import connected
from theo_lsp.hello import PRINTED
from theo_mcp.server.prompts import all_prompts
from theo_mcp.server.resources import all_resources
from theo_mcp.server.tools import all_tools

FOLDER = Path(__file__).parent


def write(name: str, shown: object) -> None:
    (FOLDER / f"{name}.json").write_text(json.dumps(shown, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def listed(models: Iterable[BaseModel]) -> list[dict[str, object]]:
    return [model.model_dump(mode="json", by_alias=True, exclude_none=True) for model in models]


async def hello() -> Any:
    """What the language server answers to an editor that says nothing of itself."""
    async with connected({"THEO_MCP_CONFIG": os.devnull}) as editor:
        return (await editor.request("initialize", processId=None, rootUri=None, capabilities={}))["result"]


for stale in (FOLDER / "tools").glob("*.json"):
    stale.unlink()
for tool in listed(tool.listed() for tool in all_tools("all")):
    write(f"tools/{tool['name']}", tool)
resources = all_resources().values()
write("prompts", listed(prompt.listed() for prompt in all_prompts().values()))
write("resources", listed(each.listed() for each in resources if not each.variable))
write("templates", listed(each.template() for each in resources if each.variable))
Path(PRINTED).write_text(json.dumps(anyio.run(hello), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
