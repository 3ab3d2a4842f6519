"""``theo_result``: waits for a handle, or reads it."""

from __future__ import annotations

from pydantic import Field

from theo_mcp.server.arguments import Arguments
from theo_mcp.server.call import Call
from theo_mcp.server.reply import Reply
from theo_mcp.server.tools import Tool


class ResultArguments(Arguments):
    """A handle, how long to wait, and which part of a long text is wanted."""

    handle: str = Field(description='From an earlier result: "run_…".')
    wait_s: float | None = Field(None, ge=0, le=45, description="Most seconds to wait: 0 to 45, unsaid 45.")
    offset: int | None = Field(None, ge=0, description="Read a long text on from this character.")
    limit: int | None = Field(None, ge=1, le=39_000, description="Most characters to read; unsaid 20000.")


async def _run(call: Call, arguments: ResultArguments) -> Reply:
    from theo_mcp.server import handles

    run = await handles.found(call.rooms, arguments.handle)
    wait_s = min(45.0, call.rooms.settings.soft_deadline_s) if arguments.wait_s is None else arguments.wait_s
    await handles.wait(run, wait_s, call.phase)
    if not run.ended:
        return handles.still_running(run)
    reply = await handles.outcome(call, run, wait_s)
    if reply is None:
        return handles.still_running(run)
    if arguments.offset is None and arguments.limit is None:
        return reply.shortened("", run.handle) if reply.too_long else reply
    return await handles.part(call.rooms, run.handle, reply, arguments.offset or 0, arguments.limit or 20_000)


TOOL = Tool(
    name="theo_result",
    title="Result by its handle",
    description=(
        "Waits for work that another theo tool began, or reads on in a long text. "
        "Use when a result says status running, names a handle, or shows only the first part of a text. "
        "Not for starting anything: the work goes on by itself and is paid for once. "
        "Returns what the first call would have returned, or that it still runs. Free; waits at most 45 seconds."
    ),
    arguments=ResultArguments,
    run=_run,
    icon="M12 3a9 9 0 1 0 9 9M12 7v5l4 2",
    read_only=True,
    idempotent=True,
)
