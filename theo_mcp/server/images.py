"""Images that an answer points to, as files and a reply."""

from __future__ import annotations

from pydantic import JsonValue

from theo_mcp.backend import Backend
from theo_mcp.errors import TheoError
from theo_mcp.server import results
from theo_mcp.server.files import MOST_FILES, fetch, not_saved, stem_of
from theo_mcp.server.reply import Reply, SavedFile, one_line
from theo_mcp.server.rooms import Rooms
from theo_mcp.wire.images import Images


async def made(backend: Backend, rooms: Rooms, answer: Images, prompt: str) -> Reply:
    """Every image that can be had, as a file. One that cannot is named with the reason: it was paid for."""
    files: list[SavedFile] = []
    notes: list[str] = []
    shown = []
    for number, image in enumerate(answer.images[:MOST_FILES], 1):
        name = f"Image {number}"
        if image.url is None:
            why = "it came in a form that is not documented" if image.url_as_sent else "the service gave no address"
            notes.append(f"{name} was not saved: {why}.")
            continue
        try:
            files.append(await fetch(backend, rooms, image.url, stem_of(prompt, "image"), image=True))
        except TheoError as error:
            notes.append(not_saved(name, image.url, error))
        else:
            parts = {"engine": image.engine, "model": image.model, "prompt": image.prompt}
            said = one_line(" · ".join(f"{key} {value}" for key, value in parts.items() if value))
            shown.append(f"{name}: {said}" if said else name)
    if len(answer.images) > MOST_FILES:
        notes.insert(0, f"{len(answer.images) - MOST_FILES:,} more images were not fetched.")
    facts = results.who(answer.theo_mcp) | results.usage_facts(answer.usage) | {"id": answer.id}
    count = f"{len(files)} of {len(answer.images)} images were saved." if notes else _count(len(files))
    images: list[JsonValue] = [
        image.model_dump(exclude_none=True, include={"url", "engine", "model", "prompt"}) for image in answer.images
    ]
    return results.reply_of(
        "\n".join([count, *shown]), {"images": images}, facts, answer.theo_mcp, files=files, notes=notes
    )


def _count(number: int) -> str:
    return {0: "The service made no image.", 1: "1 image."}.get(number, f"{number} images.")
