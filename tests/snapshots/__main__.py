"""Writes the snapshots anew: ``python -m tests.snapshots``. Reading the diff is the review."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from theo_mcp.server.tools import all_tools


def write(kind: str, shown: Mapping[str, object]) -> None:
    """One file for each of a kind, in a folder of its own; what is no more goes."""
    folder = Path(__file__).with_name(kind)
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.json"):
        if path.stem not in shown:
            path.unlink()
    for name, value in shown.items():
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


tools = [tool.listed() for tool in all_tools("all")]
write("tools", {tool.name: tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools})
