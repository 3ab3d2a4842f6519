"""``document_code``: documentation of code."""

from __future__ import annotations

from collections.abc import Mapping

from theo_mcp.server.asking import ask, code_of
from theo_mcp.server.prompts import CODE, PATH, Argument, Prompt


def _message(given: Mapping[str, str]) -> str:
    style = given.get("style", "the usual documentation comments of its language")
    return ask(
        "theo_complete",
        f"Document this code as: {style}. Say what each public part is for, what it takes, returns and raises, and "
        "what a caller must know. Change no code, and repeat nothing that the names already say.",
        code_of(given),
        given={"mode": "code"},
        then="check that each sentence is true of the code and that no code was changed; show the result, and offer "
        "to put it into the file.",
    )


PROMPT = Prompt(
    name="document_code",
    title="Document code",
    description="Comments, a README or reference pages for code.",
    arguments=(
        CODE,
        PATH,
        Argument(
            "style",
            "Such as docstrings.",
            values=(
                "docstrings", "Google docstrings", "NumPy docstrings", "JSDoc", "TSDoc", "Javadoc", "KDoc", "rustdoc",
                "Doxygen", "XML documentation comments", "README", "API reference", "tutorial", "OpenAPI",
                "architecture overview", "changelog entry",
            ),
        ),
    ),
    message=_message,
    tools=("theo_complete",),
    icon="M4 4h7a3 3 0 0 1 3 3v13a3 3 0 0 0-3-2H4zM20 4h-3a3 3 0 0 0-3 3",
    code="wanted",
)  # fmt: skip
