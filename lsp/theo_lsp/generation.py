"""One completion for one order, streamed, or one improved prompt; leaving it closes the connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from theo_mcp.backend import Backend, Caller, Observe
from theo_mcp.errors import InputError, ModelError


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
    anew = backend.theo.for_caller(Caller(fresh=True))  # who asks again at the same place wants another answer
    async with anew.stream(request) as events:
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


async def improve(backend: Backend, prompt: str, output_type: str, *, observe: Observe) -> Answer:
    """`prompt` as GetCode's improve has it for one kind of output.

    Raises:
        TheoError: there is no answer, or no such kind.
    """
    from pydantic import ValidationError

    from theo_mcp.wire.getcode import ImproveRequest

    try:
        request = ImproveRequest.model_validate({"prompt": prompt, "output_type": output_type})
    except ValidationError:
        raise InputError("There is no such kind of output.", hint="Choose the action from the editor's menu.") from None
    improved = await backend.getcode.improve(request, observe=observe)
    if not improved.delivered:
        raise ModelError("The answer is empty.", hint="Try again, or with another model.")
    about = improved.theo_mcp
    who = [about.model or "GetCode", "a draft: check it" if about.draft else ""]
    return Answer(improved.improved, ", ".join(part for part in who if part), about.notice, "stop")
