"""The user's files: what may be read from them, and where new ones go.

Reading is confined to the roots and to what is no secret (`roots`, `beneath`, `deny`, `reading`), writing to the output
root (`names`, `saving`), which can be listed and read again (`listing`). The folders that the user trusts can also be
searched (`searching`). A project's own settings are heard as far as the user trusts it (`project`, `trust`). Nothing
else in this program opens a path that a model, a project or a service named.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import platformdirs
from anyio import from_thread, to_thread

from theo_mcp.settings import Settings
from theo_mcp.settings.paths import NO_HOME
from theo_mcp.workspace import listing, reading, saving, searching
from theo_mcp.workspace.deny import Deny
from theo_mcp.workspace.listing import Artifact
from theo_mcp.workspace.project import ProjectSettings, read_project
from theo_mcp.workspace.reading import ReadFile
from theo_mcp.workspace.roots import Root
from theo_mcp.workspace.searching import Found
from theo_mcp.workspace.trust import Trust

OUTPUT = "theo-output"
"""The folder for output where none is set: people look for what was made beside what they work on."""

__all__ = ["Artifact", "Found", "ProjectSettings", "ReadFile", "Trust", "Workspace"]


class Workspace:
    """The folders that `settings` open. Without a root nothing can be read; saving is possible all the same."""

    def __init__(self, settings: Settings) -> None:
        self.roots = tuple(Root.of(path) for path in settings.roots)
        self.trust = Trust(settings.data_dir)
        self._named: tuple[Root, ...] = ()
        self._deny = Deny.of(settings)
        self._output_dir = settings.output_dir

    async def read(self, path: str, *, max_bytes: int) -> ReadFile:
        """The file at `path`, relative to the first root or absolute inside a root, to be sent to a service.

        Raises:
            InputError: it is outside the roots, on the deny list, no regular file, larger than `max_bytes`, or not
                readable. ``code`` is path_not_allowed, file_denied, not_a_file, file_too_large, file_not_found or
                file_unreadable.
        """
        work = partial(reading.read, path, (*self.roots, *self._named), self._deny, max_bytes=max_bytes)
        return await to_thread.run_sync(work, abandon_on_cancel=True)  # it leaves nothing but a thread that ends

    def named(self, path: str) -> str:
        """The whole path of a file that the user, and nobody else, named: `read` opens it wherever it lies, for they
        could read it anyway. What is denied stays denied."""
        real = Path(os.path.realpath(path))
        self._named += (Root.of(real.parent),)
        return str(real)

    async def save(self, title: str, data: bytes, *, overwrite: bool = False) -> Path:
        """Writes a file under the output root and returns its path.

        `title` is any title, or a relative path such as ``src/app.py``; each name in it is made safe. A name that is
        taken gets a number, ``app (2).py``, unless `overwrite` says to replace the file. A cancelled or failed call
        leaves nothing.

        Raises:
            ConfigError: it could not be written. ``code`` is disk_full, output_not_allowed or output_unwritable.
        """
        return await to_thread.run_sync(partial(self._save, title, data, overwrite))

    async def artifacts(self, *, after: str | None = None, limit: int) -> list[Artifact]:
        """At most `limit` of the files under the output folder, the newest first, from the one that follows `after`.

        Raises:
            InputError: there is no artifact `after`, or no more.
        """
        return await to_thread.run_sync(partial(self._artifacts, after, limit), abandon_on_cancel=True)

    async def artifact(self, name: str, *, max_bytes: int) -> ReadFile:
        """The file `name`, as `artifacts` tells it, under the output folder.

        Raises:
            InputError: as `read` does.
        """
        return await to_thread.run_sync(partial(self._artifact, name, max_bytes), abandon_on_cancel=True)

    async def names(self, prefix: str, *, limit: int) -> list[str]:
        """At most `limit` paths in the first root that begin with `prefix`, for completion; folders end with a slash.

        What cannot be read has no name here, and what is no beginning of a path completes to nothing.
        """
        if not self.roots:
            return []
        work = partial(listing.names, self.roots[0], self._deny, prefix, limit=limit)
        return await to_thread.run_sync(work, abandon_on_cancel=True)

    def trusted_roots(self) -> tuple[Root, ...]:
        """The roots that the user trusts as they are now."""
        return tuple(root for root in self.roots if read_project(root, self._deny, self.trust).trusted)

    async def search(self, text: str, *, limit: int, seconds: float) -> Found:
        """The lines that have `text`, or all its words, in the files of the trusted roots; what is denied is not
        looked at."""
        work = partial(searching.search, text, self.trusted_roots(), self._deny, limit=limit, seconds=seconds)
        return await to_thread.run_sync(work, abandon_on_cancel=True)

    def output(self) -> Path:
        """The folder that `save` writes to; it need not exist yet."""
        base, below = self._output()
        return base.path.joinpath(*below)

    def project(self) -> ProjectSettings:
        """What the project in the first root asks for, read anew: trust is for the file as it is now."""
        return read_project(self.roots[0], self._deny, self.trust) if self.roots else ProjectSettings()

    def _save(self, title: str, data: bytes, overwrite: bool) -> Path:
        base, below = self._output()
        return saving.save(base, below, title, data, overwrite=overwrite, check=from_thread.check_cancelled)

    def _artifacts(self, after: str | None, limit: int) -> list[Artifact]:
        return listing.artifacts(*self._output(), self._deny, after=after, limit=limit)

    def _artifact(self, name: str, max_bytes: int) -> ReadFile:
        return listing.artifact(*self._output(), self._deny, name, max_bytes=max_bytes)

    def _output(self) -> tuple[Root, tuple[str, ...]]:
        """A folder that the user named or owns, and the names below it, where no link is followed.

        What lies in a project is its author's: a link named theo-output may lead anywhere.
        """
        if self._output_dir is not None:
            return Root.of(self._output_dir), ()
        if self.roots and os.path.isdir(self.roots[0].real):  # noqa: PTH112 - which raises nothing
            return self.roots[0], self.project().output_dir or (OUTPUT,)
        try:
            documents = platformdirs.user_documents_path()
            home = documents if os.path.isdir(documents) else Path.home()  # noqa: PTH112
        except RuntimeError:
            home = NO_HOME
        return Root.of(home), (OUTPUT,)
