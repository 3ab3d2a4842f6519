"""Which folders the user trusted, kept in the user's data folder, where no project can write its own consent.

Trust is given to a folder as it was seen: to its real path, and to the content of its settings file. A changed file
has to be trusted again, because a pulled commit can change what a persona says; so has another folder behind the same
link. Device and inode are not part of it: a checkout changes them without changing a word. Each folder has a record of
its own, so that two processes cannot lose each other's, and a broken one counts for nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from theo_mcp.errors import ConfigError

_LONGEST_RECORD = 64 * 1024
NO_FILE = ""
"""The digest of a folder that has no settings file."""


@dataclass(frozen=True)
class Trust:
    """The records below the data folder."""

    data_dir: Path

    def trusted(self, folder: Path, digest: str) -> bool:
        """Whether the user trusted `folder` with a settings file of just this `digest`."""
        record = _read(self._record(folder))
        return record == {"folder": _real(folder), "digest": digest}

    def trust(self, folder: Path, digest: str) -> None:
        """Remembers that the user trusts `folder` with the settings file that has `digest`: the one that was shown.

        Raises:
            ConfigError: the record cannot be kept.
        """
        path = self._record(folder)
        text = json.dumps({"folder": _real(folder), "digest": digest})
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(fd, "w", encoding="utf-8") as file:
                    file.write(text)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise _failure("kept", path, error) from None

    def untrust(self, folder: Path) -> bool:
        """Forgets `folder`, and says whether it was trusted at all.

        Raises:
            ConfigError: the record cannot be removed.
        """
        try:
            self._record(folder).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _failure("removed", self._record(folder), error) from None
        return True

    def folders(self) -> list[Path]:
        """The trusted folders, as far as their records can be read."""
        found = [_read(path) for path in sorted((self.data_dir / "trust").glob("*.json"))]
        return sorted(Path(record["folder"]) for record in found if record)

    def _record(self, folder: Path) -> Path:
        name = hashlib.sha256(os.fsencode(_real(folder))).hexdigest()
        return self.data_dir / "trust" / f"{name}.json"


def digest_of(content: bytes | None) -> str:
    """What stands for the content of a settings file in a record."""
    return NO_FILE if content is None else hashlib.sha256(content).hexdigest()


def _real(folder: Path) -> str:
    return os.path.realpath(folder)


def _read(path: Path) -> dict[str, str] | None:
    """A record; None for one that is missing or is none."""
    with suppress(OSError, ValueError, RecursionError):
        with path.open("rb") as file:
            record = json.loads(file.read(_LONGEST_RECORD))
        if isinstance(record, dict) and all(isinstance(record.get(key), str) for key in ("folder", "digest")):
            return record
    return None


def _failure(what: str, path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"The record of trust {path} could not be {what}: {error.strerror or type(error).__name__}.",
        hint="Look at the setting data_dir and at the permissions there.",
    )
