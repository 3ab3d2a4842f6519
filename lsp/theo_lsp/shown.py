"""Documents to read: explanations, prompts, and results that found no place. They live as long as the server does."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from theo_lsp.editor import Editor


class Shown:
    """A folder of our own, which is made when it is needed; nobody else can read it."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._folder: Path | None = None
        self._count = 0

    async def show(self, name: str, text: str) -> None:
        """Opens `text` in the editor, or tells where it is."""
        path = self._write(name, text)
        if not await self._editor.show(path.as_uri()):
            self._editor.tell(f"Theo: the answer is in {path}")

    def close(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _write(self, name: str, text: str) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="theo-lsp-"))
        self._count += 1
        path = self._folder / f"{self._count}-{name}"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        return path
