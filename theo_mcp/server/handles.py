"""Handles: results that are waited for or read again, whole or in parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from theo_mcp.errors import InputError, NotFoundError
from theo_mcp.server.files import is_here
from theo_mcp.server.reply import Reply
from theo_mcp.server.rooms import Rooms

if TYPE_CHECKING:
    from theo_mcp.runs import Run, Status
    from theo_mcp.server.call import Call

_MOST_BYTES = 256 * 2**20


async def found(rooms: Rooms, handle: str) -> Run:
    """The caller's run with this handle.

    Raises:
        NotFoundError: there is none; it has expired; it is someone else's. The sentence is the same.
    """
    runs = await rooms.runs()
    return await runs.find(handle.strip(), owner=rooms.owner)


async def wait(run: Run, seconds: float, phase: Callable[[str], None]) -> None:
    """Returns when the run has ended or the time is up, telling its phases meanwhile."""
    with anyio.move_on_after(seconds):
        async for status in run.changes():
            phase(told(status))


async def outcome(call: Call, run: Run, seconds: float) -> Reply | None:
    """What a run that has ended made; None for one whose job goes on at the service without it, for `seconds` more.

    Raises:
        TheoError: it made nothing.
    """
    failure, job_id = run.status.failure, run.status.job_id
    if failure and job_id and not failure.of_the_job and call.backend.theo_choice.answers == "hosted":
        from theo_mcp.server.jobs import picked_up

        return await picked_up(call, job_id, seconds)
    return Reply.restored(run.outcome())


def told(status: Status) -> str:
    """How a run stands, in a few words."""
    words = status.phase or status.state
    return f"{words}, {len(status.text):,} characters" if status.text else words


def still_running(run: Run) -> Reply:
    """What to say of a run that has not ended."""
    status = run.status
    return Reply(
        f"Still running: {status.title}, {told(status)}.\nhandle: {run.handle}",
        lines=(f'Next: call theo_result again with handle "{run.handle}".',),
        data={
            "status": "running",
            "handle": run.handle,
            "phase": status.phase,
            "chars": len(status.text),
            "next": "theo_result",
        },
    )


async def part(rooms: Rooms, handle: str, reply: Reply, offset: int, limit: int) -> Reply:
    """`limit` characters of a result's text, from `offset`.

    Raises:
        InputError: the text is not so long.
        NotFoundError: the file that holds it is gone.
    """
    whole = await text_of(rooms, reply)
    if offset and offset >= len(whole):
        raise InputError(f"The argument 'offset' is {offset}, and the text has {len(whole):,} characters.")
    end = min(len(whole), offset + limit)
    said = f"Characters {offset:,} to {end:,} of {len(whole):,}."
    on = f'Read on: theo_result with handle "{handle}" and offset {end}.' if end < len(whole) else "This is the end."
    return Reply(
        whole[offset:end],
        lines=(said, on),
        data={
            "handle": handle,
            "text": whole[offset:end],
            "offset": offset,
            "next_offset": end if end < len(whole) else None,
            "total_chars": len(whole),
            "has_more": end < len(whole),
        },
    )


async def whole(rooms: Rooms, reply: Reply) -> Reply:
    """The reply as it was before it was cut, but for data beside its text.

    Raises:
        NotFoundError: the file that holds the text is gone.
    """
    if not reply.data.get("truncated"):
        return reply
    text = await text_of(rooms, reply)
    about_the_cut = ("truncated", "chars", "shown_chars", "handle")
    data = {name: value for name, value in reply.data.items() if name not in about_the_cut}
    lines = tuple(line for line in reply.lines if not line.startswith(("Showing the first ", "Read on: ")))
    data = {name: text if value == reply.body else value for name, value in data.items()}
    return replace(reply, body=text, lines=lines, data=data)


async def text_of(rooms: Rooms, reply: Reply) -> str:
    """The whole text of a result, from its file where it went to one.

    Raises:
        NotFoundError: the file is gone, can no longer be read, was changed, or lies in another output folder.
    """
    if not reply.rest:
        return reply.body if reply.raw is None else reply.raw
    saved = next((file for file in reply.files if file.name == reply.rest), None)
    if saved is None or not is_here(rooms, saved):  # another file may have its name here
        where = f"It was saved at:\n{saved.path}\n" if saved else ""
        raise NotFoundError(
            "The file that held this text lies in another output folder than this server's.",
            hint=f"{where}Only its head is told here: ask without offset.",
        )
    try:
        file = await rooms.workspace.artifact(reply.rest, max_bytes=_MOST_BYTES)
    except InputError as error:
        raise NotFoundError(
            f"The file that held this text cannot be read any more: {error.message}",
            hint="Only its head is left: ask without offset.",
        ) from None
    if len(file.data) != saved.size:
        raise NotFoundError(
            "The file that held this text was changed since it was saved.",
            hint=f"As it is now, it is at:\n{saved.path}\nOnly its head is left as it was: ask without offset.",
        )
    return file.data.decode("utf-8", "replace")
