"""Every request of the documents against a real gateway: as documented, or the typed refusal of what comes later."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.requests.scripted import sent
from tests.requests.sending import Outcome, table
from theo_mcp.testing.searxng import FakeSearXNG

COMES_LATER = {
    "an image engine": 2,
    "a video engine": 2,
    "rendered files": 11,
    "audio": 2,
    "upload analysis": 5,
}


def wrong(outcomes: list[Outcome]) -> list[str]:
    return [f"{outcome.case.name}: {outcome.problems}" for outcome in outcomes if outcome.verdict == "wrong"]


def refused(outcomes: list[Outcome]) -> dict[str, int]:
    needs = [outcome.case.refused for outcome in outcomes if outcome.verdict == "refused"]
    return {name: needs.count(name) for name in needs}


@pytest.mark.slow
async def test_every_request_of_the_documents_is_answered_as_documented(tmp_path: Path) -> None:
    async with FakeSearXNG() as search:
        outcomes = await sent(tmp_path, searxng_url=search.origin)

    assert wrong(outcomes) == []
    assert refused(outcomes) == COMES_LATER
    assert len(outcomes) > 100
    assert table(outcomes) == (Path(__file__).parent / "TABLE.md").read_text(encoding="utf-8")


@pytest.mark.slow
async def test_without_a_source_research_is_refused_too_and_nothing_else(tmp_path: Path) -> None:
    outcomes = await sent(tmp_path)

    assert wrong(outcomes) == []
    assert refused(outcomes) == COMES_LATER | {"a source": 3}
