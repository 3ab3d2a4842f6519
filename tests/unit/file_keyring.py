"""A keyring that is a file, for processes that are told of it as keyrings are: by PYTHON_KEYRING_BACKEND."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend


class FileKeyring(KeyringBackend):
    """Its file is TEST_KEYRING."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return _read().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        _path().write_text(json.dumps(_read() | {f"{service}/{username}": password}), encoding="utf-8")

    def delete_password(self, service: str, username: str) -> None:
        held = _read()
        del held[f"{service}/{username}"]
        _path().write_text(json.dumps(held), encoding="utf-8")


class LockedKeyring(FileKeyring):
    """Nobody opens it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError("theo_sk_of_somebody_else")


def _path() -> Path:
    return Path(os.environ["TEST_KEYRING"])  # noqa: TID251 - it is loaded by a library, in a process of its own


def _read() -> dict[str, str]:
    held: dict[str, str] = json.loads(_path().read_text(encoding="utf-8")) if _path().exists() else {}
    return held
