"""Stage two: what the model is told before the prompt. Skills come here later; for now it is persona and mode."""

from __future__ import annotations

from typing import Final

from theo_mcp.engine.classify import ServedMode
from theo_mcp.wire.completions import CompletionRequest, Persona
from theo_mcp.wire.openai import ChatMessage

PERSONA: Final = "You are Theo, a careful and friendly assistant."
INSTRUCTIONS: Final[dict[ServedMode, str]] = {
    "fast": "Answer directly and briefly.",
    "think": "Think the question through step by step, then give the answer.",
    "code": "Write correct, complete code. Put the code in one fenced block with its language. "
    "Keep explanations short.",
    "roast": "Answer with dry, good-natured humour, and still be right.",
}


def messages(request: CompletionRequest, mode: ServedMode) -> tuple[ChatMessage, ...]:
    """The chat: system text, inline history, prompt. The persona ``none`` means no system text at all."""
    history = request.conversation.messages if request.conversation else ()
    return (
        *_system(request.persona, mode),
        *(ChatMessage(role=turn.role, content=turn.content) for turn in history),
        ChatMessage(role="user", content=request.prompt),
    )


def _system(persona: object, mode: ServedMode) -> tuple[ChatMessage, ...]:
    if persona == "none":
        return ()
    if isinstance(persona, Persona):
        text = f"{persona.system_prompt}\n{INSTRUCTIONS[mode]}"
    elif mode == "code":
        text = INSTRUCTIONS[mode]  # a name in front makes a small model talk about itself instead of the code
    else:
        text = f"{PERSONA} {INSTRUCTIONS[mode]}"
    return (ChatMessage(role="system", content=text),)
