"""One completion for one order, streamed; leaving it closes the stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from theo_mcp.backend import Backend


@dataclass(frozen=True)
class Answer:
    """What came, and who says so."""

    text: str
    who: str
    """For the user: the model, and what it cost."""
    notice: str
    finish_reason: str


async def generate(backend: Backend, prompt: str, *, piece: Callable[[str], None]) -> Answer:
    """The answer to `prompt`; `piece` is told each part of it as it comes.

    Raises:
        TheoError: there is none.
    """
    from theo_mcp.wire.completions import CompletionRequest
    from theo_mcp.wire.events import Gathered, Token

    request = CompletionRequest(prompt=prompt, mode="code")
    gathered = Gathered(request)
    async with backend.theo.stream(request) as events:
        async for event in events:
            gathered.add(event)
            if isinstance(event, Token):
                piece(event.token)
    completion = gathered.completion("")
    about = completion.theo_mcp
    who = [about.model or completion.model.label or completion.model.id or about.backend]
    if about.draft:
        who.append("a draft: check it")
    if completion.usage.cost_cents is not None and about.backend != "engine":
        who.append(f"{completion.usage.cost_cents:g} cents")
    return Answer(completion.content, ", ".join(part for part in who if part), about.notice, about.finish_reason)
