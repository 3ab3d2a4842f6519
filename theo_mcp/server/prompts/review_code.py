"""``review_code``: what is wrong with code."""

from __future__ import annotations

from collections.abc import Mapping

from theo_mcp.server.asking import ask, code_of
from theo_mcp.server.prompts import CODE, PATH, Argument, Prompt


def _message(given: Mapping[str, str]) -> str:
    focus = f" Look above all at {given['focus']}." if "focus" in given else ""
    return ask(
        "theo_complete",
        f"Review this code.{focus} List the problems, the worst first: the line, what goes wrong and when, and the "
        "smallest change that mends it. Leave out matters of taste. If nothing is wrong, say so.",
        code_of(given),
        given={"mode": "code"},
        then="check each finding against the code and drop what does not hold; show the rest with their lines. "
        "Change nothing before the user asks for it.",
    )


PROMPT = Prompt(
    name="review_code",
    title="Review code",
    description="Problems in code, the worst first.",
    arguments=(
        CODE,
        PATH,
        Argument(
            "focus",
            "What matters most.",
            values=(
                "correctness", "security", "performance", "readability", "error handling", "concurrency",
                "API design", "accessibility", "test coverage", "memory use",
            ),
        ),
    ),
    message=_message,
    tools=("theo_complete",),
    icon="M10 4a6 6 0 1 0 0 12 6 6 0 0 0 0-12M15 15l6 6",
    code="wanted",
)  # fmt: skip
