"""What this server does otherwise than pygls: documents of its own, plain sentences as errors, an end in order."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from lsprotocol import types
from pydantic import JsonValue
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import JsonRPCResponseMessage, LanguageServerProtocol, lsp_method

from theo_lsp.documents import Documents
from theo_mcp.errors import ConfigError, InputError, TheoError
from theo_mcp.secret import redact

log = logging.getLogger(__name__)
_LONGEST = 600
_ECHO = 80  # characters of what an editor sent, in an error


class Refusal(JsonRpcException):
    """An answer that is an error whose words are ours."""

    @classmethod
    def of_error(cls, error: TheoError) -> Refusal:
        wrong = isinstance(error, InputError | ConfigError)
        code = types.ErrorCodes.InvalidParams if wrong else types.LSPErrorCodes.RequestFailed
        return cls(str(error), code.value)


class _Protocol(LanguageServerProtocol):
    _server: Server
    _silent = False

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        result = yield from super().lsp_initialize(params)
        result.capabilities.experimental = self._server.experimental
        return result

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        self._server.documents.opened(params.text_document)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        self._server.documents.changed(params.text_document, params.content_changes)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        self._server.documents.closed(params.text_document.uri)

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> Generator[Any, Any, Any]:
        if params.command not in self.fm.commands:
            words = f"theo-lsp has no command {json.dumps(params.command[:_ECHO])}."
            raise Refusal(words, types.ErrorCodes.InvalidParams.value)
        return (yield from super().lsp_workspace__execute_command(params))

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: object) -> Generator[Any, Any, None]:
        self._server.exit_code = 0 if self._shutdown else 1
        self._server.stop()
        yield from ()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Leaves out the answers that would be sent within the ``with``."""
        self._silent = True
        try:
            yield
        finally:
            self._silent = False

    def _send_response(self, msg_id: str | int, result: Any = None, error: types.ResponseError | None = None) -> None:
        if self._silent:
            return
        if error is not None:
            longest = _ECHO if error.code == types.ErrorCodes.MethodNotFound.value else _LONGEST
            error = types.ResponseError(error.code, redact(error.message)[:longest])
        super()._send_response(msg_id, result, error)

    def structure_message(self, data: dict[str, Any]) -> Any:
        if data.get("method") == types.TEXT_DOCUMENT_CODE_ACTION:
            _plain_diagnostics(data.get("params"))
        return super().structure_message(data)

    def written(self, result: object) -> str:
        """A result as it would be sent."""
        return json.dumps(JsonRPCResponseMessage(0, "2.0", result), default=self._serialize_message)

    def refuse(self, id: str | int | None, code: types.ErrorCodes, message: str) -> None:
        """Answers what was not understood; where nobody knows what it was, its id is null."""
        self._send_data({"jsonrpc": "2.0", "id": id, "error": {"code": code.value, "message": message}})


class Server(LanguageServer):
    """pygls' server with our protocol."""

    protocol: _Protocol

    def __init__(self, stop: Callable[[], None]) -> None:
        super().__init__("theo-lsp", version("theo-mcp"), protocol_cls=_Protocol)
        self.documents = Documents()
        self.experimental: dict[str, JsonValue] = {}
        """What plug-ins may ask besides the protocol."""
        self.stop = stop
        self.exit_code = 0

    def report_server_error(self, error: Exception, source: object) -> None:
        """A fault goes to the log without its words, which may hold what the user writes."""
        if not isinstance(error, JsonRpcException):
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("A message could not be handled (%s):\n%s", type(error).__name__, where)


def _plain_diagnostics(params: Any) -> None:
    """Their messages as text: since 3.18 one may be Markdown, of which lsprotocol makes the text of a dictionary."""
    context = params.get("context") if isinstance(params, dict) else None
    given = context.get("diagnostics") if isinstance(context, dict) else None
    for each in given if isinstance(given, list) else ():
        if isinstance(each, dict) and isinstance(each.get("message"), dict):
            each["message"] = str(each["message"].get("value", ""))


def plain(error: Exception) -> JsonRpcException:
    """The answer to whoever asked for what failed with `error`."""
    if isinstance(error, TheoError):
        return Refusal.of_error(error)
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("A request failed (%s):\n%s", type(error).__name__, where)
    return Refusal(
        f"Something went wrong inside theo-lsp ({type(error).__name__}). Its log has the details; please report them.",
        types.ErrorCodes.InternalError.value,
    )
