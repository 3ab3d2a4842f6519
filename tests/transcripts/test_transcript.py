"""The transcript is what the server says today, and knows every tool, prompt and resource."""

from __future__ import annotations

from pathlib import Path

from tests.transcripts import calls
from tests.transcripts.transcript import FILE, transcript
from theo_mcp.server.prompts import all_prompts
from theo_mcp.server.resources import all_resources
from theo_mcp.server.tools import all_tools


async def test_the_transcript_is_not_stale(tmp_path: Path) -> None:
    assert await transcript(tmp_path) == FILE.read_text(encoding="utf-8"), "python -m tests.transcripts writes it anew"


def test_the_transcript_has_every_tool_prompt_and_resource() -> None:
    assert {name for name, _ in calls.TOOLS} == {tool.name for tool in all_tools("all")}
    assert {name for name, _ in calls.PROMPTS} == set(all_prompts())
    heads = [uri.partition("{")[0] for uri in (each.uri for each in all_resources().values())]
    assert all(any(uri.startswith(head) for uri in calls.RESOURCES) for head in heads)
