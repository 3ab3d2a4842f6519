"""``explain_code``: what code does, for whoever has to know."""

from __future__ import annotations

from collections.abc import Mapping

from theo_mcp.server.asking import ask, code_of
from theo_mcp.server.prompts import CODE, PATH, Argument, Prompt


def _message(given: Mapping[str, str]) -> str:
    depth, audience = given.get("depth", "overview"), given.get("audience", "a developer who has not seen it before")
    return ask(
        "theo_complete",
        f"Explain this code to {audience}. Depth: {depth}. Begin with its purpose in one sentence, then say how it "
        "works, what it assumes, and what could surprise.",
        code_of(given),
        given={"mode": "code"},
        then="compare the explanation with the code, put right what does not hold, and show it.",
    )


PROMPT = Prompt(
    name="explain_code",
    title="Explain code",
    description="What code does, and why.",
    arguments=(
        CODE,
        PATH,
        Argument("depth", "How deep.", values=("overview", "step by step", "line by line", "design and trade-offs")),
        Argument(
            "audience",
            "For whom.",
            values=("a beginner", "a new colleague", "an expert in another language", "a product manager"),
        ),
    ),
    message=_message,
    tools=("theo_complete",),
    icon="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v6M12 7v1",
    code="wanted",
)
