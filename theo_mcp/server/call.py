"""One call of a tool, from its checked arguments to its result on the wire.

The work is a run in the server's own task group: at the soft deadline the call returns the run's handle, and the work
goes on. A host that cancels stops it, unless what is paid for has been sent: then its answer stays under the handle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import anyio
import mcp_types as types
from pydantic import JsonValue

from theo_mcp.backend import Backend
from theo_mcp.errors import TheoError, TimeoutExceededError
from theo_mcp.server.content import failure, running, success, takes_links
from theo_mcp.server.files import is_here, pictures, save
from theo_mcp.server.progress import Progress
from theo_mcp.server.reply import Reply, SavedFile, one_line
from theo_mcp.server.rooms import Rooms

if TYPE_CHECKING:
    from theo_mcp.runs import Report, Run
    from theo_mcp.server.arguments import Arguments, ArgumentsT
    from theo_mcp.server.tools import Tool

_LONG_PARTIAL = 8_000
_GRACE = 1.05  # what waits by itself ends first, and says why
_LONGEST_PHASE = 200


class Hearer(Protocol):
    """Whoever is told of a call while it runs. Both methods return at once."""

    def text(self, delta: str) -> None:
        """More of the text that the answer will be."""

    def phase(self, words: str) -> None:
        """What happens now."""


@dataclass(frozen=True)
class Call:
    """What a tool may use, and tell, while it runs."""

    backend: Backend
    rooms: Rooms
    progress: Hearer
    report: Report | None = None

    def text(self, delta: str) -> None:
        """More of the text that the answer will be."""
        self.progress.text(delta)
        if self.report is not None:
            self.report.text(delta)

    def phase(self, words: str) -> None:
        """What happens now. Not between two pieces of text."""
        words = one_line(words)[:_LONGEST_PHASE]
        self.progress.phase(words)
        if self.report is not None:
            self.report.phase(words)

    def observe(self, words: str) -> None:
        """What a call without a stream tells of itself; from "sent" on it may be billed."""
        if words == "sent" and self.report is not None:
            self.report.sent()
        self.phase(words)


async def answer(
    tool: Tool[Arguments],
    raw: Mapping[str, object],
    backend: Backend,
    rooms: Rooms,
    progress: Progress,
    *,
    host: str = "",
) -> types.CallToolResult:
    """The result of `tool` for the host of that name; every `TheoError` is a result too."""
    try:
        arguments = tool.parsed(raw)
        if not tool.paid:
            reply = await progress.during(lambda: tool.run(Call(backend, rooms, progress), arguments))
            if reply.too_long:
                reply = reply.shortened("The rest does not fit into a result.", "")
            return await shown(reply, rooms, host=host, structured=not tool.media)
        from theo_mcp.runs import Run

        run = await started(tool, arguments, backend, rooms, progress)
        try:
            outcome = await progress.during(lambda: run.result(within=rooms.settings.soft_deadline_s))
        finally:
            rooms.changes.follow(run)
        if isinstance(outcome, Run):
            return still_running(run, structured=not tool.media)
        return await shown(Reply.restored(outcome), rooms, host=host, structured=not tool.media)
    except TheoError as error:
        return failure(error)
    finally:
        progress.close()


async def shown(reply: Reply, rooms: Rooms, *, host: str = "", structured: bool = True) -> types.CallToolResult:
    """A reply as MCP, with previews of its images and links to its files where the settings want them."""
    seen = await pictures(reply, rooms) if rooms.settings.previews and reply.files else ()
    wanted = rooms.settings.resource_links
    links = takes_links(host) if wanted == "auto" else wanted == "on"
    linked = [file for file in reply.files if is_here(rooms, file)] if links else ()
    return success(reply, pictures=seen, linked=linked, structured=structured)


def still_running(run: Run, *, structured: bool = True) -> types.CallToolResult:
    """What a call returns whose work goes on."""
    status = run.status
    return running(run.handle, status.phase, len(status.text), structured=structured)


async def started(tool: Tool[ArgumentsT], arguments: ArgumentsT, backend: Backend, rooms: Rooms, hearer: Hearer) -> Run:
    """The work of `tool` as a run, whose result is a reply as JSON (`Reply.restored`)."""
    runs = await rooms.runs()

    async def work(report: Report) -> JsonValue:
        return await _worked(tool, Call(backend, rooms, hearer, report), arguments)

    return runs.start(
        work,
        title=tool.name,
        owner=rooms.owner,
        billable=tool.billed(backend),
        lifetime_s=rooms.settings.keep_results_s or 3600.0,
    )


async def _worked(tool: Tool[ArgumentsT], call: Call, arguments: ArgumentsT) -> JsonValue:
    """The reply as JSON, with what has been spent, and cut to what a host can take; nothing of it is lost."""
    longest = call.rooms.settings.job_timeout_s
    try:
        with anyio.move_on_after(longest * _GRACE) as scope:  # a stream may trickle for ever
            reply = await tool.run(call, arguments)
        if scope.cancelled_caught:
            raise TimeoutExceededError(
                f"The work did not end within {longest:g} s.",
                hint="What it cost is not known. Ask for less, or raise job_timeout_s.",
                partial=call.report.text_so_far if call.report is not None else "",
            )
    except TheoError as error:
        if len(error.partial) > _LONG_PARTIAL:
            _, said = await _kept(call.rooms, error.partial, "partial.md")
            error.hint = f"{error.hint} {said}".strip()
        raise
    reply = replace(reply, facts={**reply.facts, **_money(tool, call.backend, reply)})
    if reply.too_long:
        reply = await _shortened(call, reply)
    return reply.stored()


def _money(tool: Tool[ArgumentsT], backend: Backend, reply: Reply) -> dict[str, JsonValue]:
    """What it cost, where the answer does not tell, and what the session has cost."""
    said: dict[str, JsonValue] = {}
    if reply.facts.get("cost_cents") is None:
        if tool.answers(backend) == "engine":
            said["cost_cents"] = 0
        else:
            said["cost"] = "counts against the GetCode plan" if tool.api == "getcode" else "not told by the service"
    if backend.session is not None:
        session = backend.session()
        said["session_cents"] = float(session.cents)
        if session.maybe_cents:  # nobody told what it was
            said["of_it_estimated_cents"] = float(session.maybe_cents)
    return said


async def _shortened(call: Call, reply: Reply) -> Reply:
    """The head of a reply that is too long, and the whole in a file; or in the run, where no file can be written."""
    handle = call.report.handle if call.report is not None else ""
    if reply.rest:
        return reply.shortened(f"All of it is in {reply.files[0].path}", handle)
    whole = reply.whole
    saved, said = await _kept(call.rooms, whole, reply.raw_name)
    head = reply.shortened(said, handle)
    if saved is None:
        return replace(head, raw=whole)
    return replace(head, raw=None, rest=saved.name, files=(*head.files, saved))


async def _kept(rooms: Rooms, text: str, name: str) -> tuple[SavedFile | None, str]:
    """A text as a file, and a sentence that says where it is, or why there is none."""
    try:
        file = await save(rooms, name, text.encode("utf-8", "replace"))
    except TheoError as error:
        return None, f"It could not be saved as a file: {error}"
    return file, f"All of it is in {file.path}"
