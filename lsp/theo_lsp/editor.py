"""What the server asks of the editor. Every question has an end, because some editors never answer some of them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar

import anyio
import anyio.lowlevel
from lsprotocol import types
from pydantic import JsonValue
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

AnswerT = TypeVar("AnswerT")
log = logging.getLogger(__name__)
_CREATE_S = 2.0
_APPLY_S = 30.0  # an editor may ask its user to confirm
_SHOW_S = 10.0
_CONFIGURATION_S = 5.0
_CHOOSE_S = 600.0
_PREVIEW_S = 3_600.0
PREVIEW, PREVIEW_ENDED = "theo/preview", "theo/previewEnded"


class Editor:
    """The client, as far as it can do what is asked."""

    def __init__(self, server: LanguageServer) -> None:
        self._server = server

    @property
    def marks_model_actions(self) -> bool:
        can = self._can.text_document and self._can.text_document.code_action
        support = can.tag_support if can else None
        return bool(support and types.CodeActionTag.LlmGenerated in support.value_set)

    @property
    def creates_files(self) -> bool:
        can = self._can.workspace and self._can.workspace.workspace_edit
        return bool(can and types.ResourceOperationKind.Create in (can.resource_operations or ()))

    @property
    def previews(self) -> bool:
        """Whether a plug-in shows edits before they are applied, and asks its user."""
        own = self._can.experimental
        mine = own.get("theo") if isinstance(own, dict) else None
        return isinstance(mine, dict) and mine.get("preview") is True

    @property
    def asks(self) -> bool:
        """Whether it can ask its user to choose."""
        return bool(self._can.window and self._can.window.show_message)

    async def settings(self, section: str) -> object:
        """What the editor has set for `section`; None where it does not tell."""
        if not (self._can.workspace and self._can.workspace.configuration):
            return None
        items = types.ConfigurationParams([types.ConfigurationItem(section=section)])
        answer = await _answer(self._server.workspace_configuration_async(items), _CONFIGURATION_S)
        return answer[0] if answer else None

    async def open_progress(self, token: str) -> bool:
        """Whether progress under `token` will be shown."""
        if not (self._can.window and self._can.window.work_done_progress):
            return False
        created = self._server.window_work_done_progress_create_async(types.WorkDoneProgressCreateParams(token))
        try:
            with anyio.fail_after(_CREATE_S):
                await created
        except (TimeoutError, JsonRpcException):
            return False
        return True

    def progress(
        self, token: str, value: types.WorkDoneProgressBegin | types.WorkDoneProgressReport | types.WorkDoneProgressEnd
    ) -> None:
        self._server.progress(types.ProgressParams(token, value))

    async def apply(self, label: str, edit: types.WorkspaceEdit) -> bool | None:
        """Whether the editor applied `edit`; None where it does not say. Whoever was cancelled does not get to ask."""
        await anyio.lowlevel.checkpoint_if_cancelled()
        params = types.ApplyWorkspaceEditParams(edit=edit, label=label)
        answer = await _answer(self._server.workspace_apply_edit_async(params), _APPLY_S)
        return None if answer is None else answer.applied

    async def choose(self, message: str, titles: Sequence[str]) -> str | None:
        """Which of `titles` the user chose; empty for none, None where nobody could be asked or has answered."""
        if not self.asks:
            self.tell(message)
            return None
        actions = [types.MessageActionItem(title) for title in titles]
        params = types.ShowMessageRequestParams(types.MessageType.Warning, message, actions)
        try:
            with anyio.fail_after(_CHOOSE_S):
                answer = await self._server.window_show_message_request_async(params)
        except (TimeoutError, JsonRpcException):
            return None
        return answer.title if answer is not None else ""

    async def preview(self, id: str, params: Mapping[str, JsonValue]) -> str | None:
        """The text that the plug-in's user agrees to; None where there is none. It is told when nobody waits for it
        any more, because its run was cancelled or too much time went by."""
        answered = False
        try:
            with anyio.move_on_after(_PREVIEW_S):
                answer = await self._server.protocol.send_request_async(PREVIEW, params)
                answered = True
                text = getattr(answer, "text", None)
                return text if getattr(answer, "accepted", False) is True and isinstance(text, str) else None
        except JsonRpcException as error:
            log.info("The editor refused to show a preview (%s).", error.code)
        finally:
            if not answered:
                self._server.protocol.notify(PREVIEW_ENDED, {"id": id})
        return None

    async def show(self, uri: str) -> bool:
        """Whether the editor opened the document at `uri`."""
        can = self._can.window and self._can.window.show_document
        if not (can and can.support):
            return False
        params = types.ShowDocumentParams(uri=uri, take_focus=True)
        answer = await _answer(self._server.window_show_document_async(params), _SHOW_S)
        return bool(answer and answer.success)

    def tell(self, message: str, *, failure: bool = False) -> None:
        """A message that the user sees."""
        kind = types.MessageType.Error if failure else types.MessageType.Info
        self._server.window_show_message(types.ShowMessageParams(kind, message))

    def note(self, message: str) -> None:
        """A line in the editor's log."""
        self._server.window_log_message(types.LogMessageParams(types.MessageType.Info, message))

    @property
    def _can(self) -> types.ClientCapabilities:
        return self._server.client_capabilities


async def _answer(question: Awaitable[AnswerT], seconds: float) -> AnswerT | None:
    """The answer; None where none comes in time, or an error."""
    with anyio.move_on_after(seconds):
        try:
            return await question
        except JsonRpcException as error:
            log.info("The editor refused a request (%s).", error.code)
    return None
