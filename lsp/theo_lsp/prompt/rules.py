"""The project's rules for whoever writes code in it: ``AGENTS.md``, in the folders from the top down to a document.

Rules steer the model, so they are heard in a folder only that the user trusts (``theo-mcp trust``); of another one it
is said that it has some. A file of rules that is ignored or on the deny list is not read either.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from theo_lsp.prompt.context import Document
from theo_lsp.prompt.ignored import why_ignored
from theo_mcp.errors import InputError
from theo_mcp.settings import Settings
from theo_mcp.workspace.deny import Deny
from theo_mcp.workspace.project import read_project
from theo_mcp.workspace.reading import read
from theo_mcp.workspace.roots import Root
from theo_mcp.workspace.trust import Trust

FILE: Final = "AGENTS.md"
_MOST_BYTES: Final = 64 * 1024
_MOST_FILES: Final = 8


@dataclass(frozen=True)
class Rules:
    """The files, the nearest to the document last, and whether they are to be followed."""

    files: tuple[Document, ...] = ()
    trusted: bool = False


def rules_for(path: Path, root: Path, settings: Settings) -> Rules:
    """The rules for the document at `path` in the workspace folder `root`. Reads the disk."""
    folder, deny = Root.of(root), Deny.of(settings)
    below = path.parent.relative_to(root).parts if path.is_relative_to(root) else ()
    found = []
    for depth in range(min(len(below), _MOST_FILES - 1) + 1):
        name = "/".join((*below[:depth], FILE))
        if not root.joinpath(name).is_file() or why_ignored(root.joinpath(name), root, deny) is not None:
            continue
        try:
            text = read(name, (folder,), deny, max_bytes=_MOST_BYTES).data.decode(errors="replace")
        except InputError:  # a link that leads out of the project, for one
            continue
        found.append(Document(name, "markdown", text, str(root)))
    return Rules(tuple(found), bool(found) and read_project(folder, deny, Trust(settings.data_dir)).trusted)
