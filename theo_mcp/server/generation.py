"""GetCode's generations as text and files.

What the tokens of the binary kinds (pdf, excel, image, video) are is not documented, so they are text: nothing is
decoded, the text is saved as what it is, and the reply says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pydantic import JsonValue

from theo_mcp.errors import TheoError
from theo_mcp.server import results
from theo_mcp.server.call import Call
from theo_mcp.server.files import MOST_FILES, save, stem_of
from theo_mcp.server.reply import Reply, one_line
from theo_mcp.wire.getcode import Generated, GenerateDone, GenerateQueue, GenerateRequest, GenerateToken, ImproveRequest

_WANTED: Final = {
    "pdf": ("pdf",), "excel": ("xlsx",), "word": ("docx",), "powerpoint": ("pptx",), "video": ("mp4",),
    "image": ("png", "svg"), "chart": ("svg", "html", "json"), "email": ("html", "mjml", "txt"),
}  # fmt: skip


async def improved_first(call: Call, request: GenerateRequest) -> GenerateRequest:
    """The request with its prompt improved, and what the user typed beside it."""
    doing = "improving the prompt"
    call.phase(doing)
    wish = ImproveRequest(prompt=request.prompt, output_type=request.output_type)
    brief = await call.backend.getcode.improve(wish, observe=lambda words: call.phase(f"{doing}: {words}"))
    return request.model_copy(
        update={"prompt": brief.improved, "original_prompt": request.original_prompt or request.prompt}
    )


async def generated(call: Call, request: GenerateRequest, typed: str) -> Reply:
    """The generation, streamed and saved; what came before a failure is in its error."""
    gathered = Generated()
    async with call.backend.getcode.generate(request) as events:
        async for event in events:
            gathered.add(event)
            if isinstance(event, GenerateToken):
                call.text(event.text)
            elif isinstance(event, GenerateQueue):
                call.phase(event.message or "waiting in the queue")
    return await _reply(call, request, gathered, typed)


async def _reply(call: Call, request: GenerateRequest, gathered: Generated, typed: str) -> Reply:
    from theo_mcp.artifacts.recognise import files_in, recognise

    text = gathered.text
    kind = recognise(text, request.output_type, request.language)
    stem = stem_of(typed, request.output_type)
    several = files_in(text) if request.output_type in ("website", "api") else []
    named = [(f"{stem}/{name}", code) for name, code in several] or [(f"{stem}.{kind.extension}", kind.text)]
    files, notes = [], []
    if len(named) > MOST_FILES:
        notes.append(f"{len(named) - MOST_FILES:,} more files were not saved; they stand in the text.")
    for name, code in named[:MOST_FILES] if text else []:
        try:
            files.append(await save(call.rooms, name, code.encode("utf-8", "replace")))
        except TheoError as error:
            notes.append(f"{name} was not saved: {error}")
    wanted = _WANTED.get(request.output_type)
    if wanted and kind.extension not in wanted:
        notes.append(
            f"What came is text ({kind.kind}), which is saved as it is; no {request.output_type} file was made of it."
        )
    done = gathered.done or GenerateDone()
    facts: dict[str, JsonValue] = results.who(done.theo_mcp)
    facts |= {"model": done.model or facts.get("model"), "tokens": done.tokens_used}
    facts |= {"output_type": request.output_type, "kind": kind.kind}
    improved = request.prompt if request.prompt != typed else None
    lines = [one_line(f"Queue: {notice}") for notice in dict.fromkeys(gathered.notices) if notice]
    lines += [f"Improved prompt: {improved}"] if improved else []
    data: dict[str, JsonValue] = {"text": text}
    if improved:
        data["improved_prompt"] = improved
    if gathered.notices:
        data["queue"] = "\n".join(gathered.notices)
    reply = results.reply_of(text or "(The answer is empty.)", data, facts, done.theo_mcp, files=files, notes=notes)
    # The whole is saved already, so a text that is too long for a result is not saved twice.
    rest = files[0].name if len(files) == 1 and kind.text == text else ""
    return replace(reply, lines=(*lines, *reply.lines), raw_name=f"{stem}.txt", rest=rest)
