"""The tools and the resource of skills, where the engine on this machine has them."""

from __future__ import annotations

from tests.conftest import MakeSettings
from tests.unit.server.assistant import Start, data_of, text_of
from theo_mcp.testing.model_server import ModelServer


async def test_an_assistant_lists_installs_and_uses_the_engines_skills(
    assistants: Start, make_settings: MakeSettings, model_server: ModelServer
) -> None:
    assistant = await assistants(make_settings(engine_url=model_server.url, tools="all"))

    listed = await assistant.call("theo_skill_list")
    installed = await assistant.call("theo_skill_install", skill_id="sql-query")
    now = await assistant.call("theo_skill_list", filter="installed")
    unknown = await assistant.call("theo_skill_install", skill_id="sql-qury")
    answer = await assistant.call("theo_complete", prompt="Hello", mode="fast", skills=["nope"])

    assert [skill["slug"] for skill in data_of(listed)["skills"]] == [
        "code-review", "commit-message", "plain-language", "sql-query", "write-tests",
    ]  # fmt: skip
    assert data_of(listed)["backend"] == "engine"
    assert text_of(installed).startswith("The skill 10c24eec-cc03-5920-af16-d6500e77c965 is installed.")
    assert [skill["slug"] for skill in data_of(now)["skills"]] == ["sql-query"]
    assert text_of(unknown) == (
        "not_found: The skill 'sql-qury' cannot be had: there is none; did you mean 'sql-query'? "
        "List the skills to see them all."
    )
    assert data_of(answer)["skills_active"] == ["sql-query"]
    assert "This skill takes no part: 'nope' (there is none)." in text_of(answer)
