"""One editor's session: what it may ask, and what becomes of it."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from anyio.abc import TaskGroup
from lsprotocol import types
from pydantic import JsonValue

from theo_lsp import hello, settings
from theo_lsp.backends import Backends
from theo_lsp.documents import path_of
from theo_lsp.editor import Editor
from theo_lsp.jobs import Jobs
from theo_lsp.menu import CANCEL, DO, RUN, described, kinds, menu
from theo_lsp.order import asked, checked
from theo_lsp.protocol import Server, plain
from theo_lsp.shown import Shown
from theo_lsp.warm import warm
from theo_lsp.wire.output import Writer
from theo_mcp.errors import ConfigError, InputError
from theo_mcp.runs import Runs

if TYPE_CHECKING:
    from theo_lsp.syntax.watch import Syntax

log = logging.getLogger(__name__)


class Session:
    """Everything of it happens in the event loop. `take` is given each message as it came."""

    def __init__(
        self,
        server: Server,
        backends: Backends,
        runs: Runs,
        tasks: TaskGroup,
        environ: Mapping[str, str] | None,
        *,
        answered: bool,
    ) -> None:
        self._server, self._backends, self._tasks, self._environ = server, backends, tasks, environ
        self._editor = Editor(server)
        self._shown = Shown(self._editor)
        self._syntax: Syntax | None = None
        self._jobs = Jobs(
            *(self._editor, server.documents, backends, self._shown, runs, tasks),
            folders=self._folders,
            worse=self._worse,
        )
        server.documents.told = self._look
        self._first: dict[str, object] = {}
        """What came with initialize; what the editor sets later goes over it."""
        self._given: dict[str, object] | None = None
        """What was used last."""
        self._initialized = self._ending = False
        self._locale = ""
        self._answered = answered
        self._register()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        writer: Writer,
        tasks: TaskGroup,
        stop: Callable[[], None],
        environ: Mapping[str, str] | None = None,
        *,
        answered: bool = False,
    ) -> AsyncIterator[Self]:
        """A session for as long as the ``with``; its tasks run in `tasks`. `stop` ends the server. `answered` says that
        the editor has the answer to its first message, which is initialize."""
        server = Server(stop)
        writer.start()
        server.protocol.set_writer(writer)
        async with Backends.open() as backends, Runs.open() as runs:
            session = cls(server, backends, runs, tasks, environ, answered=answered)
            try:
                yield session
            finally:
                if session._syntax is not None:
                    await session._syntax.aclose()
                session._shown.close()
                writer.close()

    def warm(self) -> None:
        """Makes beforehand what the first keys would wait for."""
        warm(self._server)

    @property
    def editor_process(self) -> int | None:
        return self._server.process_id

    @property
    def exit_code(self) -> int:
        return self._server.exit_code

    def take(self, body: bytes) -> None:
        """One message. What cannot be understood is answered, if it can be."""
        protocol = self._server.protocol
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            protocol.refuse(None, types.ErrorCodes.ParseError, "The message is not JSON that can be read.")
            return
        known = message if isinstance(message, dict) else {}
        id, method = known.get("id"), known.get("method")
        id = id if isinstance(id, str | int) and not isinstance(id, bool) else None
        nameless = "id" in known and id is None and method is not None
        named = isinstance(method, str) or (method is None and "id" in known)
        if known.get("jsonrpc") != "2.0" or not named or nameless:
            protocol.refuse(id, types.ErrorCodes.InvalidRequest, "The message is not JSON-RPC 2.0.")
            return
        if method is not None and self._ending and method != types.EXIT:
            if id is not None:
                protocol.refuse(id, types.ErrorCodes.InvalidRequest, "After shutdown only exit can follow.")
            return
        if method is not None and self._out_of_turn(method):
            if id is not None:
                code, words = types.ErrorCodes.ServerNotInitialized, "The first request should be initialize, once."
                protocol.refuse(id, code, words)
            return
        try:
            if self._answered and method == types.INITIALIZE:
                self._take_answered(known)
            else:
                protocol.handle_message(protocol.structure_message(known))
        except Exception as error:
            if method is not None and id is not None:
                words = f"The parameters of {method[:60]} could not be read."
                protocol.refuse(id, types.ErrorCodes.InvalidParams, words)
            else:
                where = "".join(traceback.format_tb(error.__traceback__)[-3:])
                log.warning("A message was left out (%s):\n%s", type(error).__name__, where)
        self._initialized = self._initialized or method == types.INITIALIZE

    def _take_answered(self, message: dict[str, Any]) -> None:
        """What of it cannot be read counts as not said, since the editor has been told that all is well."""
        protocol = self._server.protocol
        try:
            structured = protocol.structure_message(message)
        except Exception as error:
            log.warning("What the editor says of itself could not be read (%s).", type(error).__name__)
            structured = protocol.structure_message({**message, "params": hello.plain(message["params"])})
        with protocol.silent():
            protocol.handle_message(structured)

    def _out_of_turn(self, method: str) -> bool:
        if method == types.INITIALIZE:
            return self._initialized
        return not self._initialized and method != types.EXIT

    def _folders(self) -> list[Path]:
        """The folders of the workspace, the deepest first."""
        workspace = self._server.workspace
        uris = [*workspace.folders, *([workspace.root_uri] if workspace.root_uri else [])]
        paths = {path for uri in uris if (path := path_of(uri)) is not None}
        return sorted(paths, key=lambda path: -len(path.parts))

    def _look(self, uri: str, opened: bool) -> None:
        self._parsing().look(uri, opened=opened)

    async def _worse(self, before: str, after: str, language: str) -> bool | None:
        return await self._parsing().worse(before, after, language)

    def _parsing(self) -> Syntax:
        if self._syntax is None:  # with the first document, and not when the server starts
            from theo_lsp.syntax.watch import Syntax

            self._syntax = Syntax(self._server.documents, self._tasks, self._editor.note)
        return self._syntax

    def _register(self) -> None:
        server = self._server
        server.experimental = {"theo": {"actions": described()}}
        # partial, because pygls marks what it registers, and a method takes no mark
        actions = types.CodeActionOptions(code_action_kinds=[*kinds()], resolve_provider=False)
        server.feature(types.INITIALIZE)(partial(self._initialize))
        server.feature(types.INITIALIZED)(partial(self._begin))
        server.feature(types.SHUTDOWN)(partial(self._shut_down))
        server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)(partial(self._configure))
        server.feature(types.TEXT_DOCUMENT_CODE_ACTION, actions)(partial(self._code_action))
        server.feature(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)(partial(self._cancel_progress))
        server.command(RUN)(partial(self._run))
        server.command(DO)(partial(self._do))
        server.command(CANCEL)(partial(self._cancel))

    def _initialize(self, params: types.InitializeParams) -> None:
        encoding = self._server.workspace.position_encoding
        self._server.documents.encoding = types.PositionEncodingKind(encoding or "utf-16").value
        self._locale = params.locale or ""
        given = params.initialization_options
        self._first = dict(given) if isinstance(given, dict) else {}
        self._tasks.start_soon(self._use_settings, self._first)

    def _begin(self, params: types.InitializedParams) -> None:
        can = self._server.client_capabilities.workspace
        if can and can.did_change_configuration and can.did_change_configuration.dynamic_registration:
            options = {"section": settings.SECTION}
            told = types.Registration("theo-settings", types.WORKSPACE_DID_CHANGE_CONFIGURATION, options)
            self._server.client_register_capability(types.RegistrationParams([told]))
        self._backends.unsettle()
        self._tasks.start_soon(self._read_settings, None)

    def _shut_down(self, params: None) -> None:
        self._ending = True
        self._jobs.cancel_all()

    def _configure(self, params: types.DidChangeConfigurationParams) -> None:
        self._backends.unsettle()
        self._tasks.start_soon(self._read_settings, params.settings)

    async def _read_settings(self, pushed: object) -> None:
        """Those of the editor, asked for where it can be asked, else as it sent them; wrong ones are told."""
        try:
            await self._read(pushed)
        finally:
            self._backends.settle()

    async def _read(self, pushed: object) -> None:
        given = await self._editor.settings(settings.SECTION)
        if given is None and isinstance(pushed, dict):
            given = pushed.get(settings.SECTION)
        if isinstance(given, dict) and (given or self._given != self._first):  # a setting may be gone
            await self._use_settings({**self._first, **given})

    async def _use_settings(self, given: dict[str, object]) -> None:
        self._given = given
        try:
            loaded = settings.load(given, self._environ)
        except ConfigError as error:
            self._editor.tell(f"Theo: {error}", failure=True)
            await self._backends.use(error)
        else:
            logging.getLogger().setLevel(loaded.log_level.upper())
            await self._backends.use(loaded)

    def _code_action(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        document = self._server.documents.get(params.text_document.uri)
        if document is None:
            return []
        try:
            at_work = [(job.id, job.title) for job in self._jobs.of(document.uri)]
            return menu(document, params, at_work=at_work, marked=self._editor.marks_model_actions, locale=self._locale)
        except Exception as error:
            raise plain(error) from None

    def _run(self, *arguments: object) -> dict[str, JsonValue]:
        try:
            return {"jobId": self._jobs.start(checked(arguments, self._server.documents))}
        except Exception as error:
            raise plain(error) from None

    def _do(self, *arguments: object) -> dict[str, JsonValue]:
        try:
            return {"jobId": self._jobs.start(asked(arguments, self._server.documents, locale=self._locale))}
        except Exception as error:
            raise plain(error) from None

    def _cancel(self, *arguments: object) -> dict[str, JsonValue]:
        wanted = arguments[0] if len(arguments) == 1 else None
        id = wanted.get("jobId", "") if isinstance(wanted, dict) else None
        if not isinstance(id, str):
            raise plain(InputError("theo.cancel takes one argument: {jobId: …}, or {} for every run."))
        return {"cancelled": self._jobs.cancel(id) if id else self._jobs.cancel_all()}

    def _cancel_progress(self, params: types.WorkDoneProgressCancelParams) -> None:
        self._jobs.cancel(str(params.token))
