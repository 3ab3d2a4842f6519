"""``improve_prompt``: a rough request into a brief."""

from __future__ import annotations

from collections.abc import Mapping

from theo_mcp.server.asking import Data, arguments, shown
from theo_mcp.server.prompts import Argument, Prompt
from theo_mcp.wire.words import OUTPUT_TYPES


def _message(given: Mapping[str, str]) -> str:
    wanted = arguments({"output_type": given["output_type"]})
    return "\n\n".join(
        [
            f"Call the tool theo_improve with {wanted}. Its prompt is the request below, word for word.",
            shown(Data("request", given["prompt"])),
            (
                "Then: show the brief, and say in one line what it adds to the request and what it only assumes. "
                f"If the user agrees, call theo_generate with {wanted}, the brief as prompt and the request as "
                "original_prompt."
            ),
        ]
    )


PROMPT = Prompt(
    name="improve_prompt",
    title="Improve a prompt",
    description="A rough request into a detailed brief.",
    arguments=(
        Argument(
            "prompt",
            "The rough request.",
            required=True,
            values=("landing page for a bakery", "invoice template", "chart of monthly sales", "pitch deck"),
            text=True,
        ),
        Argument("output_type", "What it is for.", required=True, values=OUTPUT_TYPES, closed=True),
    ),
    message=_message,
    tools=("theo_improve", "theo_generate"),
    icon="M4 20l10-10M13 4l1 2 2 1-2 1-1 2-1-2-2-1 2-1zM19 12l1 2 2 1-2 1-1 2-1-2-2-1 2-1z",
)
