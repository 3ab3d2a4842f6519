"""Words in the user's files: in the folders that the user trusts, and for nobody but the user.

What it finds goes to the model, wherever that runs; so a folder has to be trusted first, and a caller of a shared
engine cannot look into the files of whoever runs it.
"""

from __future__ import annotations

from theo_mcp.engine.tools import Arguments, Context, Tool
from theo_mcp.errors import InputError
from theo_mcp.workspace import Workspace

_LINES = 40
_SECONDS = 5.0


async def _run(arguments: Arguments, context: Context) -> str:
    text = str(arguments["query"])
    if not text.strip():
        raise InputError("The query is empty.", hint="Give one word or a few.")
    found = await Workspace(context.settings).search(text, limit=_LINES, seconds=_SECONDS)
    lines = [f"{line.path}:{line.number}: {line.text}" for line in found.lines]
    if not lines:
        lines = [f"Nothing was found in {found.files} files."]
    if not found.whole:
        lines.append("(There is more that was not looked at or is not shown: ask with other words.)")
    return "\n".join(lines)


TOOL = Tool(
    name="search",
    description="Searches the text files of the user's trusted folders for lines that have all the given words. "
    "Returns path:line: text.",
    input_schema={
        "type": "object",
        "properties": {"query": {"type": "string", "description": "A word, or a few.", "maxLength": 200}},
        "required": ["query"],
    },
    run=_run,
    effects=False,
    available=lambda context: not context.tenant and bool(Workspace(context.settings).trusted_roots()),
)
