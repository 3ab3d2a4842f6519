"""What the engine does not serve yet. These lists may only shrink."""

from __future__ import annotations

import pytest

from tests.conftest import MakeSettings
from theo_mcp import CompletionRequest, NotAvailableError, connect
from theo_mcp.backend import GetCode, Theo
from theo_mcp.engine.served import FIELDS_NOT_SERVED, METHODS_NOT_SERVED, MODES_NOT_SERVED
from theo_mcp.testing.model_server import ModelServer

TRAITS = ("romantic", "intelligent", "sarcastic", "rude", "funny", "comedic", "witty")
NOT_SERVED: dict[str, list[object]] = {
    "mode": ["image", "video"],
    "attachments": [[{"type": "image_url", "url": "https://example.com/a.png"}]],
    "image_model": ["theo-1-photo"],
    "image_quality": ["hd"],
    "personality_config": [{"traits": dict.fromkeys(TRAITS, 1), "uncensored_mode": False}],
    "response_style": [{"format": "list", "preciseness": "high", "intent": "inform"}],
    "theo_branding": [False],
    "brand_soul": [False],
}
SERVED = {
    "prompt": "Hello",
    "mode": "think",
    "skills": ["code-review"],
    "stream": True,
    "persona": "none",
    "temperature": 0.2,
    "max_iterations": 3,
    "tools": [{"name": "t", "description": "d"}],
    "format": "theo",
    "model_overrides": {"think": "theo-1-flash"},
    "metadata": {"team": "web"},
    "conversation_id": "new",
    "component_library": "theo",
    "conversation": {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]},
}
METHODS_SERVED = {
    "complete", "complete_openai", "stream", "code", "models", "health", "improve", "open", "for_caller", "skills",
    "skill", "install_skill", "uninstall_skill", "job",
    "wait_for_job", "conversations", "conversation", "delete_conversation", "usage",
    "generate", "research", "tools",
}  # fmt: skip


def test_the_list_of_methods_holds_every_other_method_of_the_seam() -> None:
    methods = {name for arm in (Theo, GetCode) for name in vars(arm) if not name.startswith("_")}

    assert set(METHODS_NOT_SERVED) == methods - METHODS_SERVED
    assert set(METHODS_NOT_SERVED) == {
        "images", "document", "video", "upload",
    }  # fmt: skip


def test_the_list_names_every_field_once() -> None:
    assert set(NOT_SERVED) - {"mode"} == set(FIELDS_NOT_SERVED)
    assert NOT_SERVED["mode"] == list(MODES_NOT_SERVED)
    assert set(SERVED) | set(FIELDS_NOT_SERVED) == set(CompletionRequest.model_fields)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in NOT_SERVED.items() for value in values])
async def test_what_is_not_served_is_refused_by_name_and_nothing_is_asked(
    model_server: ModelServer, make_settings: MakeSettings, name: str, value: object
) -> None:
    request = CompletionRequest.model_validate({"prompt": "Hello", name: value})

    async with connect(make_settings(engine_url=model_server.url)) as backend:
        with pytest.raises(NotAvailableError, match=name) as refused:
            await backend.theo.complete(request)

    assert refused.value.code == "not_available_here"
    assert refused.value.hint
    assert model_server.requests == []


async def test_everything_else_is_honoured(model_server: ModelServer, make_settings: MakeSettings) -> None:
    async with connect(make_settings(engine_url=model_server.url)) as backend:
        answer = await backend.theo.complete(CompletionRequest.model_validate(SERVED))

    asked = model_server.chats[-1]
    assert answer.resolved_mode == "think"
    assert answer.metadata == {"team": "web"}
    assert [tool["function"]["name"] for tool in asked["tools"]] == ["t", "clock", "calculator"]
    assert asked["temperature"] == 0.2
    assert [message["role"] for message in asked["messages"]] == ["system", "user", "assistant", "user"]
    assert asked["messages"][0]["content"].startswith("Follow these skills")
    assert [message["content"] for message in asked["messages"][1:]] == ["Hi", "Hello.", "Hello"]
