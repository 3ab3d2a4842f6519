"""What the engine does not serve yet. These lists only shrink; tests hold them against the request's fields and against
the methods of the seam."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from theo_mcp.backend import check_prompt
from theo_mcp.errors import NotAvailableError
from theo_mcp.wire.completions import CompletionRequest

if TYPE_CHECKING:
    from theo_mcp.engine.memory.audit import Request

MODES_NOT_SERVED: Final = ("image", "video")
FIELDS_NOT_SERVED: Final = (
    "attachments", "image_model",
    "image_quality", "personality_config", "response_style", "theo_branding", "brand_soul",
)  # fmt: skip
METHODS_NOT_SERVED: Final = {
    "images": "images",
    "document": "documents",
    "video": "video",
    "upload": "upload",
}
"""What each method asks for, in the documents' words."""


class _Arm(Protocol):
    def began(self, method: str) -> Request:
        """The request of that method, for the audit."""


def not_served(method: str, key: str) -> Callable[..., NoReturn]:
    """`method` as an arm has it until the engine serves it: its call raises, before anything is checked or started.
    `key` is the variable that makes the hosted service answer."""

    def refuse(arm: _Arm, *_: object, **__: object) -> NoReturn:
        with arm.began(METHODS_NOT_SERVED[method]).under_way():
            raise NotAvailableError(
                f"The engine on this machine does not serve {METHODS_NOT_SERVED[method]} yet.",
                hint=f"Set {key} to ask the hosted service, and leave the backend and the engine's URL unset.",
            )

    return refuse


def check(request: CompletionRequest, max_prompt_chars: int) -> None:
    """Refuses what would otherwise be ignored.

    Raises:
        InputError: the prompt is blank or too long.
        NotAvailableError: a field or mode is asked for that this engine does not serve.
    """
    check_prompt(request.prompt, max_prompt_chars)
    if request.mode in MODES_NOT_SERVED:
        raise NotAvailableError(
            f"The engine on this machine does not serve the mode {request.mode!r} yet.",
            hint="Use another mode, or set THEO_API_KEY to ask the hosted service.",
        )
    for name in FIELDS_NOT_SERVED:
        if getattr(request, name) not in (None, "", (), {}):
            raise NotAvailableError(
                f"The engine on this machine does not serve the field {name!r} yet.",
                hint=f"Leave {name} out, or set THEO_API_KEY to ask the hosted service.",
            )
