"""Writes the snapshots anew: ``python -m tests.snapshots``. Reading the diff is the review."""

from __future__ import annotations

import json
from pathlib import Path

from theo_mcp.server.tools import all_tools

listed = [tool.listed().model_dump(mode="json", by_alias=True, exclude_none=True) for tool in all_tools()]
Path(__file__).with_name("tools.json").write_text(
    json.dumps(listed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
)
