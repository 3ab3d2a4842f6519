"""The models on this machine: list, choose, remove; `pull` fetches them.

A model is a folder of the data folder with the GGUF file, its licence and a manifest; it counts as installed when the
manifest is there, which is written last.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from theo_mcp.errors import NotAvailableError, TheoError

BUILTIN_SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
BUILTIN_LABEL: Final = "SmolLM2 135M Instruct"
BUILTIN_SIZE: Final = 98_362_432
FILE = "model.gguf"


class PullError(TheoError):
    """A model could not be fetched or is not what it should be; nothing was installed."""

    code = "pull_failed"


@dataclass(frozen=True)
class InstalledModel:
    """One model on disk; `name` is its folder's name and how settings call it."""

    name: str
    label: str
    sha256: str
    size: int
    source: str
    licence: str
    path: Path

    @property
    def builtin(self) -> bool:
        """The small model that comes with the engine: what it makes is a draft."""
        return self.sha256 == BUILTIN_SHA256


class _Manifest(BaseModel):
    """What stands in a model's manifest.json."""

    model_config = ConfigDict(strict=True)

    name: str
    label: str
    sha256: str
    size: int
    source: str
    licence: str


def installed(data_dir: Path) -> list[InstalledModel]:
    """What is installed, by name."""
    found = []
    for manifest in sorted((data_dir / "models").glob("*/manifest.json")):
        try:
            fields = _Manifest.model_validate_json(manifest.read_bytes())
        except (OSError, ValueError):
            continue
        path = manifest.parent / FILE
        if fields.name == manifest.parent.name and path.is_file():
            found.append(InstalledModel(**fields.model_dump(), path=path))
    return found


def chosen(data_dir: Path, name: str | None, *, others: bool = False) -> InstalledModel:
    """The model called `name`, else the user's own (one that was added from a file), else the built-in one. With
    `others` there are servers beside it, or a key would change nothing.

    Raises:
        NotAvailableError: there is none, or none of that name.
    """
    models = installed(data_dir)
    if name is not None:
        for model in models:
            if model.name == name:
                return model
        have = ", ".join(model.name for model in models) or "none"
        raise NotAvailableError(
            f"No model called {name[:60]!r} is installed here (installed: {have}).",
            code="no_model",
            hint="`theo-mcp engine list` shows the names; the setting is engine_model.",
        )
    if not models and others:
        raise NotAvailableError(
            "No model is installed on this machine.",
            code="no_model",
            hint="Run `theo-mcp engine pull` (98 MB, once), or name a model server with --engine-url or in [servers].",
        )
    if not models:
        raise NotAvailableError(
            "No model is installed on this machine, and no server or key is set.",
            code="no_model",
            hint="Run `theo-mcp engine pull` (98 MB, once), or set THEO_API_KEY, "
            "or name a model server with --engine-url.",
        )
    return min(models, key=lambda model: (model.builtin, model.name))


def remove(data_dir: Path, name: str) -> InstalledModel:
    """Deletes a model from disk.

    Raises:
        NotAvailableError: none of that name is installed.
    """
    model = chosen(data_dir, name)
    home = data_dir / "models" / model.name
    try:
        (home / "manifest.json").unlink(missing_ok=True)
        shutil.rmtree(home)
    except OSError as error:
        raise PullError(f"{home} could not be removed: {error.strerror}.", hint="Remove the folder yourself.") from None
    return model


def install(data_dir: Path, file: Path, model: InstalledModel, licence: Path | None) -> InstalledModel:
    """Puts the file in its place, the manifest last; of two that install the same name at once, the later wins."""
    home = data_dir / "models" / model.name
    fields = _Manifest.model_validate({name: getattr(model, name) for name in _Manifest.model_fields})
    manifest = file.with_name("manifest.json")
    try:
        home.mkdir(exist_ok=True, mode=0o700)
        manifest.write_text(fields.model_dump_json(indent=1), encoding="utf-8")
        file.replace(home / FILE)
        if licence is not None:
            licence.replace(home / "LICENSE")
        manifest.replace(home / "manifest.json")
    except OSError as error:
        raise PullError(f"{home} could not be written: {error.strerror}.", hint="Look at the folder.") from None
    return InstalledModel(**fields.model_dump(), path=home / FILE)
