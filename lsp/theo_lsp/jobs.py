"""The runs that actions have started: at most one at a place, each with its progress, each stoppable until its end.

A run is one of `theo_mcp.runs`; what is here is what an editor needs of it besides. The command that starts one has
long been answered when it ends, so whatever goes wrong is told to the user in one sentence.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup
from lsprotocol import types

from theo_lsp.backends import Backends
from theo_lsp.documents import Documents, Target
from theo_lsp.editor import Editor
from theo_lsp.order import Order
from theo_lsp.shown import Shown
from theo_mcp.errors import InputError, TheoError
from theo_mcp.runs import Report, Run, Runs

log = logging.getLogger(__name__)
_OWNER = "editor"
SHOW = "Show what came"
_GAP_S = 0.2  # between two reports of progress
_SHOWN = 60
_WAITING = "waiting for the model"


@dataclass
class Job:
    """One run, and what the editor knows of it."""

    order: Order
    target: Target
    run: Run
    pieces: int = 0
    secrets: int = 0
    """How many were held back from the prompt."""
    restored: Callable[[str], str] = field(default=str, repr=False)
    """Puts the secrets that were held back into what came."""
    told: str = field(default="", repr=False)
    """How it ended, for the user."""

    @property
    def id(self) -> str:
        return self.run.handle

    @property
    def title(self) -> str:
        return self.order.title


class Jobs:
    """Starts, shows and stops runs."""

    def __init__(
        self,
        editor: Editor,
        documents: Documents,
        backends: Backends,
        shown: Shown,
        runs: Runs,
        tasks: TaskGroup,
        *,
        folders: Callable[[], Iterable[Path]],
        worse: Callable[[str, str, str], Awaitable[bool | None]],
    ) -> None:
        """`worse` tells whether a text (the second) has more faults than another (the first), in a language."""
        self._worse = worse
        self._editor, self._documents, self._backends, self._folders = editor, documents, backends, folders
        self._shown, self._runs, self._tasks = shown, runs, tasks
        self._jobs: dict[str, Job] = {}

    def start(self, order: Order) -> str:
        """Starts a run and returns its id at once.

        Raises:
            InputError: another run is at work at this place.
            NotAvailableError: too many are at work.
        """
        for other in self.of(order.document.uri):
            if _overlap(other, order):
                raise InputError(
                    f"“{other.title}” is still at work at this place.",
                    code="busy",
                    hint="Wait until it has ended, or cancel it.",
                )
        target = Target(order.document.uri, order.span)
        begun = anyio.Event()
        job: Job

        async def work(report: Report) -> None:
            await begun.wait()
            await self._carry_out(job, report)

        run = self._runs.start(work, title=order.title, owner=_OWNER)
        job = self._jobs[run.handle] = Job(order, target, run)
        self._documents.follow(target)
        begun.set()
        self._tasks.start_soon(self._attend, job)
        return job.id

    def cancel(self, id: str) -> bool:
        """Stops a run, by its id or the token of its progress; whether there is one. Nothing is applied afterwards."""
        job = self._jobs.get(id)
        if job is None:
            return False
        job.run.stop()
        return True

    def cancel_all(self) -> bool:
        """Stops every run; whether there was one."""
        stopped = [self.cancel(id) for id in list(self._jobs)]
        return bool(stopped)

    def of(self, uri: str) -> Iterator[Job]:
        """The runs at work on a document."""
        return (job for job in list(self._jobs.values()) if job.order.document.uri == uri)

    async def _carry_out(self, job: Job, report: Report) -> None:
        await anyio.to_thread.run_sync(_prepare)
        from theo_lsp.delivery import Delivery
        from theo_lsp.generation import generate, improve
        from theo_lsp.prompt import prompt_of
        from theo_lsp.redact import restored

        def piece(text: str) -> None:
            job.pieces += 1
            report.text(text)

        await self._backends.settled()
        settings, folders = self._backends.settings, [*self._folders()]
        order = await anyio.to_thread.run_sync(job.order.with_file, folders, abandon_on_cancel=True)
        async with self._backends.current() as backend:
            here = settings.engine_url is None and backend.theo_choice.answers == "engine"
            held = await prompt_of(order, self._documents.all(), folders, settings, on_this_machine=here)
            if order.dry:
                await self._shown.show("prompt.md", held.text)
                for missing in held.left_out:
                    self._editor.note(f"Theo: {missing}")
                return
            job.secrets, job.restored = held.kinds.total(), partial(restored, secrets=held.secrets)
            report.phase(_WAITING)
            if order.action.improves:
                answer = await improve(backend, held.text, order.instruction, observe=report.phase)
            else:
                answer = await generate(backend, held.text, piece=piece)
        if answer.notice:  # too long for a line of progress
            self._editor.note(f"Theo: {answer.notice}")
        report.phase("applying")
        whole = replace(answer, text=job.restored(answer.text))
        delivery = Delivery(
            self._editor,
            self._documents,
            self._shown,
            worse=self._worse,
            preview=settings.edit_preview,
            phase=report.phase,
        )
        job.told = await delivery.deliver(order, job.target, whole)

    async def _attend(self, job: Job) -> None:
        """Shows a run's progress, and how it ended."""
        try:
            await self._show(job)
        except Exception as error:  # the server goes on
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("Progress failed (%s):\n%s", type(error).__name__, where)
        finally:
            self._jobs.pop(job.id, None)
            self._documents.forget(job.target)

    async def _show(self, job: Job) -> None:
        shown = not job.order.dry and await self._editor.open_progress(job.id)
        if shown:
            self._editor.progress(
                job.id, types.WorkDoneProgressBegin(f"Theo: {job.title}", cancellable=True, message="starting")
            )
            async for status in job.run.changes():
                if status.ended:
                    break
                message = _progress(status.phase, job, status.text)
                self._editor.progress(job.id, types.WorkDoneProgressReport(cancellable=True, message=message))
                await job.run.wait(_GAP_S)
        else:
            while not await job.run.wait(3600.0):
                pass
        self._jobs.pop(job.id, None)
        ended, part = self._ending(job)
        if shown:
            self._editor.progress(job.id, types.WorkDoneProgressEnd(message=ended))
        elif ended:
            self._editor.note(f"Theo: {job.title}: {ended}")
        if part is not None and await self._editor.choose(f"Theo: {part}", [SHOW]) == SHOW:
            await self._shown.show("part.md", job.restored(part.partial))

    def _ending(self, job: Job) -> tuple[str, TheoError | None]:
        """How a run ended, which is told; and the failure that it ended with, where its user is to be asked about the
        part that came."""
        try:
            job.run.outcome()
        except TheoError as error:
            if job.run.status.state == "cancelled":
                return "cancelled", None
            if error.partial.strip() and self._editor.asks:
                return error.message, error
            self._editor.tell(f"Theo: {error}", failure=True)
            return error.message, None
        return job.told, None


@cache
def _prepare() -> None:
    """What only a run needs is imported by the first, because an editor waits for this server when it starts; and in a
    thread, because it waits for a menu then too."""
    from theo_lsp import delivery, generation, prompt  # noqa: F401
    from theo_mcp.connection import prepare
    from theo_mcp.workspace import deny  # noqa: F401

    prepare()


def _overlap(job: Job, order: Order) -> bool:
    if any(each.dry or each.gives not in ("code", "prose") for each in (job.order, order)):
        return False
    one, other = job.target.span, order.span
    return one == other or (one.start < other.end and other.start < one.end)


def _progress(phase: str, job: Job, text: str) -> str:
    """The phase, how much came, the first line of it that is code, and what was held back."""
    parts = [phase or "starting"]
    if job.pieces:
        lines = [line.strip() for line in text[:2_000].splitlines()]
        fence = next((at for at, line in enumerate(lines) if line.startswith(("```", "~~~"))), -1)
        first = next((line for line in lines[fence + 1 :] if line), "")  # what stands before a fence is prose
        parts = ["writing" if phase == _WAITING else phase, f"{job.pieces} token{'s' * (job.pieces > 1)}"]
        parts.append(first if len(first) <= _SHOWN else first[: _SHOWN - 1] + "…")
    if job.secrets:
        parts.append(f"{job.secrets} secret{'s' * (job.secrets > 1)} held back")
    return " · ".join(part for part in parts if part)
