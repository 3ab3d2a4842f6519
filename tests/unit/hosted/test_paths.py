from __future__ import annotations

import pytest

from theo_mcp import InputError, TheoClient
from theo_mcp.hosted.paths import segment, with_query
from theo_mcp.testing import theo
from theo_mcp.testing.theo import FakeTheo

ODD = {
    "../x": "..%2Fx",
    "a/b": "a%2Fb",
    "a b": "a%20b",
    "ä🧩": "%C3%A4%F0%9F%A7%A9",
    "a?b#c": "a%3Fb%23c",
    "100%": "100%25",
    "%2e%2e": "%252e%252e",
    "a\r\nHost: x": "a%0D%0AHost%3A%20x",
    " job_1 ": "job_1",
    "...": "...",
}


@pytest.mark.parametrize(("id", "quoted"), ODD.items())
async def test_an_id_stays_one_segment_of_the_path_whatever_is_in_it(
    theo_service: FakeTheo, id: str, quoted: str
) -> None:
    theo_service.jobs[id.strip()] = [{"id": "job_1", "status": "completed"}]

    async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
        assert (await client.job(id)).status == "completed"

    assert theo_service.requests[0].path == f"/api/v1/jobs/{quoted}"


@pytest.mark.parametrize("id", ["", "  ", ".", "..", "\ud83e"])
async def test_an_id_that_no_server_would_see_is_refused_and_nothing_is_sent(theo_service: FakeTheo, id: str) -> None:
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
        for call in (client.job, client.wait_for_job, client.conversation, client.delete_conversation):
            with pytest.raises(InputError, match="is not the id of a"):
                await call(id)
        if not id.strip():
            for named in (client.skill, client.install_skill, client.uninstall_skill):
                with pytest.raises(InputError, match="No skill is named"):
                    await named(id)

    assert theo_service.requests == []


def test_a_query_has_what_was_given_and_quotes_it() -> None:
    assert with_query("usage", from_="2026-04-01", to=None, scope="a&b") == "usage?from=2026-04-01&scope=a%26b"
    assert with_query("skills", filter=None) == "skills"


def test_a_segment_is_never_empty() -> None:
    assert segment("x", "job") == "x"
