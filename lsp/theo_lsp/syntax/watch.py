"""Keeps an outline of each open document, off the typing path: a moment after the last key, in a child process.

There is no child before the first document of a known language, and none where the extra is missing. A text that ends
its child is not parsed again until it changes; after three such ends in a row nothing is, and it is told once.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from theo_lsp.documents import Document, Documents
from theo_lsp.edits.changes import Change
from theo_lsp.syntax.grammars import grammar

if TYPE_CHECKING:
    from theo_mcp.sandbox import Job, Result, Sandbox

log = logging.getLogger(__name__)
_FIRST_S: Final = 0.05  # after a document is opened: the first questions of an editor are answered first
_QUIET_S: Final = 0.2  # after the last key
_LATEST_S: Final = 1.0  # after the first, while typing goes on
_MOST_KNOWN: Final = 1_000
_SHARE: Final = 10  # a text that takes long to parse is parsed no more than a tenth of the time
_MOST: Final = 1_000_000
_SECONDS: Final = 3.0  # of the processor
_PATIENCE_S: Final = 10.0  # by the clock: a busy machine is no fault of a document
_MEMORY: Final = 512 << 20
_IDLE_S: Final = 600.0
_JOBS: Final = 1_000
_DEATHS: Final = 3


@dataclass
class _Waiting:
    since: float
    due: float


@dataclass
class _Following:
    """A parse at work, and what is typed meanwhile."""

    uri: str
    touched: bool = False
    """Whether the document was closed, or opened anew."""
    changes: list[Change] = field(default_factory=list)

    def follow(self, change: Change) -> None:
        self.changes.append(change)


class Syntax:
    """Close it with `aclose`. `note` tells the user something in the editor's log."""

    def __init__(self, documents: Documents, tasks: TaskGroup, note: Callable[[str], None]) -> None:
        self._documents, self._tasks, self._note = documents, tasks, note
        self._waiting: dict[str, _Waiting] = {}
        self._took: dict[str, float] = {}
        self._working = False
        self._sandbox: Sandbox | None = None
        self._deaths = 0
        self._off = False
        """Whether nothing is parsed in this session any more."""

    def look(self, uri: str, *, opened: bool) -> None:
        """Something about an open document is new."""
        document = self._documents.get(uri)
        if document is None or self._off or _unknown(document):
            self._waiting.pop(uri, None)
            return
        now = anyio.current_time()
        waiting = self._waiting.setdefault(uri, _Waiting(now, now))
        latest = waiting.since + max(_LATEST_S, _SHARE * self._took.get(uri, 0.0))
        waiting.due = now + _FIRST_S if opened else min(now + _QUIET_S, latest)
        if not self._working:
            self._working = True
            self._tasks.start_soon(self._work)

    async def parses(self, text: str, language: str) -> bool | None:
        """Whether `text` parses; None where nothing here can tell."""
        faults = await self.faults(text, language)
        return None if faults is None else faults == 0

    async def faults(self, text: str, language: str) -> int | None:
        """How many faults `text` has; None where nothing here can tell."""
        known = grammar(language)
        if known is None or self._off or len(text) > _MOST or not await self._ready():
            return None
        from theo_lsp.syntax import believed

        try:
            return believed.faults((await self._run("faults", text, known)).value)
        except Exception as error:  # whatever it is, the server goes on
            self._failed(error)
            return None

    async def worse(self, before: str, after: str, language: str) -> bool | None:
        """Whether `after` has more faults than `before`; None where nothing here can tell."""
        now = await self.faults(after, language)
        if not now:
            return None if now is None else False
        then = await self.faults(before, language)
        return None if then is None else now > then

    async def aclose(self) -> None:
        """Ends the child."""
        self._off = True
        self._waiting.clear()
        if self._sandbox is not None:
            await self._sandbox.aclose()

    async def _work(self) -> None:
        """Parses what is due, one document after the other, until none waits."""
        try:
            while self._waiting and await self._ready():
                uri = min(self._waiting, key=lambda uri: self._waiting[uri].due)
                rest = self._waiting[uri].due - anyio.current_time()
                if rest > 0:
                    await anyio.sleep(rest)
                    continue
                del self._waiting[uri]
                document = self._documents.get(uri)
                if document is not None:
                    await self._parse(document)
        finally:
            self._working = False

    async def _parse(self, document: Document) -> None:
        from theo_lsp.syntax import believed

        known = grammar(document.language)
        assert known is not None
        following = _Following(document.uri)
        self._documents.follow(following)
        begun = anyio.current_time()
        try:
            result = await self._run("outlined", document.text, known)
            outline = believed.outline(result.value, len(document.text))
        except Exception as error:  # whatever it is, the server goes on
            self._failed(error)
            return
        finally:
            self._documents.forget(following)
        if len(self._took) >= _MOST_KNOWN:
            self._took.clear()
        self._took[document.uri] = anyio.current_time() - begun
        self._deaths = 0
        if following.touched:
            return
        for change in following.changes:
            now = outline.after(change)
            if now is None:
                return
            outline = now
        self._documents.outlined(document.uri, outline)

    async def _ready(self) -> bool:
        """Whether there is something to parse with; where it is not installed, that is told, once."""
        if self._sandbox is None and not self._off:
            if importlib.util.find_spec("tree_sitter_language_pack") is None:
                self._off = True
                self._waiting.clear()
                self._note(_missing())
            else:
                await anyio.to_thread.run_sync(_import)  # some milliseconds in which the loop goes on
                self._sandbox = self._sandbox or _sandbox()
        return not self._off

    async def _run(self, function: str, text: str, grammar: str) -> Result:
        from theo_mcp.sandbox import Limits

        assert self._sandbox is not None
        limits = Limits(seconds=_PATIENCE_S, cpu_seconds=_SECONDS, memory_bytes=_MEMORY, output_bytes=16 << 20)
        return await self._sandbox.run(_job(function, text, grammar), limits=limits)

    def _failed(self, error: Exception) -> None:
        if self._off:
            return
        self._deaths += 1
        code = getattr(error, "code", type(error).__name__)
        log.warning("A document could not be parsed (%s), and is not tried again until it changes.", code)
        if self._deaths == _DEATHS:
            self._off = True
            self._waiting.clear()
            self._note(
                "Theo: No document is parsed any more in this session, because the parser failed "
                f"{_DEATHS} times in a row. Functions and comments are told by indentation and patterns instead."
            )


def _unknown(document: Document) -> bool:
    return len(document.text) > _MOST or grammar(document.language) is None


def _missing() -> str:
    from theo_mcp.machine import install_command

    return (
        "Theo: Functions and comments are told by indentation and patterns, because the parsers are not installed. "
        f"This installs them: {install_command('editor')}"
    )


def _import() -> None:
    import theo_lsp.syntax.believed  # noqa: F401
    import theo_mcp.sandbox  # noqa: F401


def _sandbox() -> Sandbox:
    from theo_mcp.sandbox import Sandbox

    return Sandbox(concurrency=1, warm=1, idle_seconds=_IDLE_S, jobs_per_child=_JOBS, allow=("theo_lsp",))


def _job(function: str, text: str, grammar: str) -> Job:
    from theo_mcp.sandbox import Job

    # One character stays one, so that offsets are right: a lone surrogate becomes “?”, and a NUL, at which a parser
    # would take the text for ended, a space.
    data = text.replace("\0", " ").encode(errors="replace")
    return Job(f"theo_lsp.syntax.inside:{function}", {"text": data}, {"grammar": grammar})
