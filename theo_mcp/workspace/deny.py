"""What is never read or sent, even inside a root: keys, passwords, and what this program itself keeps.

Names are compared as the most forgiving file system would: without regard to case, width, invisible characters and
trailing dots, because one of these spellings may open the same file.
"""

from __future__ import annotations

import glob
import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from theo_mcp.errors import InputError
from theo_mcp.settings import Settings
from theo_mcp.workspace.roots import shown

ALWAYS: tuple[str, ...] = (
    ".env*", "*.env", ".git", ".hg", ".svn", ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store",
    ".config/gcloud", ".config/gh", "library/keychains", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*_rsa",
    "*_dsa", "*_ecdsa", "*_ed25519", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.ppk", "*.kdbx",
    "*.ovpn", "*.tfstate", "*.tfstate.*", "*.tfvars", ".netrc", "_netrc", ".npmrc", ".yarnrc*", ".pypirc", ".pgpass",
    ".my.cnf", ".git-credentials", ".htpasswd", ".dockercfg", ".vault-token", ".boto", ".s3cfg", ".*_history",
    "credentials", "credentials.*", "secrets.*", "client_secret*.json", "service[-_]account*.json",
    "kubeconfig", "wallet.dat", "etc/shadow*", "etc/gshadow*",
    ".theo-*.tmp",
)  # fmt: skip
"""Names, or runs of names, that are refused wherever they stand below a root."""


@dataclass(frozen=True)
class Deny:
    """Patterns: `anywhere` below a root, and `anchored` at the top of the file system."""

    anywhere: tuple[tuple[str, ...], ...]
    anchored: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, settings: Settings) -> Deny:
        """The built-in list, the user's patterns, and the files of this program."""
        anywhere: list[tuple[str, ...]] = []
        anchored: list[tuple[str, ...]] = []
        for pattern in (*ALWAYS, *settings.deny):
            path = Path(os.path.expanduser(pattern))  # noqa: PTH111 - an unknown ~user stays as it is written
            (anchored if path.is_absolute() else anywhere).append(_folded(path.parts))
        kept = [settings.data_dir, settings.file, settings.theo_api_key_file, settings.getcode_api_key_file]
        anchored += [
            tuple(glob.escape(part) for part in _folded(Path(spelling).parts))
            for path in kept
            if path is not None
            for spelling in (path, os.path.realpath(path))
        ]
        return cls(tuple(filter(None, anywhere)), tuple(anchored))

    def check(self, root: Path, names: Sequence[str]) -> None:
        """Refuses the file `names` below `root`, if it is on the list.

        Raises:
            InputError: it is.
        """
        pattern = self.matching(root, names)
        if pattern is not None:
            # A whole path tells where this machine's user keeps things, which nobody asked.
            why = "lies in a place that is closed" if Path(pattern).is_absolute() else f"matches {pattern!r}"
            raise InputError(
                f"The file {shown('/'.join(names))} is not read, because it {why}: keys, passwords and what theo-mcp "
                "keeps for itself are never sent.",
                code="file_denied",
                hint="Copy what may be seen into another file.",
            )

    def matching(self, root: Path, names: Sequence[str]) -> str | None:
        """The first pattern that refuses the file, as it is written."""
        below = _folded(names)
        for pattern in self.anywhere:
            starts = range(len(below) - len(pattern) + 1)
            if any(_matches(below[start:], pattern) for start in starts):
                return "/".join(pattern)
        whole = _folded(root.parts) + below
        for pattern in self.anchored:
            if _matches(whole, pattern):
                return os.path.join(*pattern)  # noqa: PTH118 - a pattern, not a path
        return None


def _matches(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether `names` begin with what `pattern` says, name by name."""
    return len(names) >= len(pattern) and all(map(fnmatchcase, names, pattern))


def _folded(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(_fold(name) for name in names)


def _fold(name: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return visible.rstrip(". ") or visible
