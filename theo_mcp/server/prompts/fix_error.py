"""``fix_error``: from an error to its cure."""

from __future__ import annotations

from collections.abc import Mapping

from theo_mcp.server.asking import Data, ask, code_of
from theo_mcp.server.prompts import CODE, PATH, Argument, Prompt


def _message(given: Mapping[str, str]) -> str:
    about = [code_of(given)] if given.get("code") else []
    return ask(
        "theo_complete",
        "Find the cause of this error. Name the line and the reason, give the smallest change that mends it as a "
        "diff, and say how to see that it is mended. If several causes are likely, rank them and say what tells them "
        "apart.",
        Data("error", given["error"]),
        *about,
        given={"mode": "code"},
        then="check the cause against the code and the error, show the diff, and apply it only if the user agrees; "
        "then run what failed again.",
    )


PROMPT = Prompt(
    name="fix_error",
    title="Fix an error",
    description="The cause of an error, and a diff that mends it.",
    arguments=(
        Argument(
            "error",
            "The message or trace.",
            required=True,
            values=(
                "TypeError: Cannot read properties of undefined",
                "ModuleNotFoundError: No module named",
                "error[E0382]: borrow of moved value",
                "panic: runtime error: index out of range",
                "Segmentation fault (core dumped)",
            ),
            text=True,
        ),
        CODE,
        PATH,
    ),
    message=_message,
    tools=("theo_complete",),
    icon="M12 3l10 18H2zM12 10v5M12 18v1",
    code="welcome",
)
