"""From what a caller wrote to a place under a root, by looking at the text alone.

A path outside the roots is refused before anything on the disk is touched: no answer tells whether it exists, and no
network share is asked. What the place holds, and whether a link leads elsewhere, is for `beneath` to find out.

Names with a colon, a backslash or a device's name (``C:x``, ``NUL``) are ordinary names outside Windows and are read
as such there; screenshots are often named by the time. What begins like a Windows path is refused everywhere.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from urllib.parse import unquote

from theo_mcp.errors import InputError

ON_WINDOWS = os.name == "nt"
RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?: *\..*)?", re.IGNORECASE | re.DOTALL)
"""Names that are devices on Windows, whatever follows their first dot."""
_LONGEST_PATH = 4096
_LONGEST_NAME = 255
_WINDOWS_START = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_NOT_IN_WINDOWS_NAMES = re.compile(r'[<>:"|?*]')
_SHOWN = 90


@dataclass(frozen=True)
class Root:
    """A folder that is open, and all the names it goes by."""

    path: Path
    real: Path
    names: tuple[PurePath, ...]

    @classmethod
    def of(cls, path: Path) -> Root:
        """The root at `path`; whether it exists shows when it is used."""
        real = Path(os.path.realpath(path))
        names: list[PurePath] = [path, real]
        try:
            home = Path.home()
            # Where /home leads to /var/home, the working directory has one name and people write the other.
            names.append(home / real.relative_to(os.path.realpath(home)))
        except (RuntimeError, ValueError):
            pass
        return cls(path, real, tuple(names))


def locate(text: str, roots: Sequence[Root], *, windows: bool = ON_WINDOWS) -> tuple[Root, tuple[str, ...]]:
    """The root and the names below it that `text` means: a relative path counts from the first root.

    Raises:
        InputError: it is no path, or one outside the roots.
    """
    if not roots:
        raise InputError(
            "No folder is open, so no file can be read.",
            code="path_not_allowed",
            hint="Start theo-mcp with --root FOLDER, or set THEO_MCP_ROOTS.",
        )
    path = _parsed(text, windows)
    if ".." in path.parts:
        raise _refused(text, "has '..' in it", "Write it without '..', relative to the root or from its top.")
    if not path.anchor:
        return roots[0], path.parts
    found = below(path, roots)
    if found is None:
        raise outside(text, roots)
    return found


def below(path: PurePath, roots: Sequence[Root]) -> tuple[Root, tuple[str, ...]] | None:
    """The root that an absolute path lies under, by its text, and the names below it."""
    for root in roots:
        for name in root.names:
            head, rest = path.parts[: len(name.parts)], path.parts[len(name.parts) :]
            if head == name.parts or (_folded(head) == _folded(name.parts) and _same(Path(*head), root.real)):
                return root, rest
    return None


def outside(text: str, roots: Sequence[Root]) -> InputError:
    """The refusal of what lies, or leads, outside."""
    listed = ", ".join(str(root.path) for root in roots)
    return _refused(text, "is outside the open folders", f"Only files under {listed} are read; --root opens another.")


def shown(text: str) -> str:
    """`text` in quotes for a message, without anything that moves a cursor and not too long."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def _parsed(text: str, windows: bool) -> PurePath:
    """`text` as a path of this system, absolute or relative, with a local file URL and ``~`` resolved."""
    if text[:5].lower() == "file:":
        text = _of_url(text, windows)
    if not text.strip():
        raise InputError("The path is empty.", code="path_not_allowed", hint="Name a file in an open folder.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise _refused(text, "has a control character in it", "Write the path as it is shown in a file list.")
    if len(text.encode()) > _LONGEST_PATH:
        raise _refused(text, f"is longer than {_LONGEST_PATH} bytes", "Move the file to a shorter path.")
    if _URL.match(text):
        raise _refused(text, "is a URL", "Download it into an open folder and give its path.")
    if text.startswith(("\\\\", "//")):
        raise _refused(text, "is a network or device path", "Give the path of a file in an open folder.")
    if not windows and _WINDOWS_START.match(text):
        raise _refused(text, "is a Windows path, and this is not Windows", "In WSL the drive C: is /mnt/c.")
    if text == "~" or text.startswith(("~/", "~\\") if windows else "~/"):
        text = _home(text) + text[1:]
    path = PureWindowsPath(text) if windows else PurePosixPath(text)
    if windows:
        _check_windows(text, path)
    for name in path.parts:
        if len(name.encode()) > _LONGEST_NAME:
            raise _refused(text, f"has a name longer than {_LONGEST_NAME} bytes", "Give the file a shorter name.")
    return path


def _check_windows(text: str, path: PurePath) -> None:
    """What Windows would read as something else than the name that is written."""
    if bool(path.drive) != bool(path.root):
        raise _refused(
            text, "leaves open which folder or drive it counts from", "Write the whole path, or a relative one."
        )
    for name in path.parts[1:] if path.anchor else path.parts:
        if _NOT_IN_WINDOWS_NAMES.search(name):
            raise _refused(text, "has a character that no file name has", "Streams (name:stream) are not read.")
        if RESERVED.fullmatch(name):
            raise _refused(text, "is the name of a device", "Give the path of a file.")
        if name != ".." and name.endswith((".", " ")):
            raise _refused(text, "has a name that ends with a dot or a space", "Windows drops them: leave them out.")


def _of_url(text: str, windows: bool) -> str:
    rest = text[5:]
    if rest.startswith("//"):
        host, slash, rest = rest[2:].partition("/")
        if host.lower() not in ("", "localhost"):
            raise _refused(text, "is a file on another machine", "Copy it into an open folder and give its path.")
        rest = slash + rest
    if not rest.startswith("/"):
        raise _refused(text, "is not a whole file URL", "Write file:///path, or the path itself.")
    try:
        path = unquote(rest, errors="strict")
    except UnicodeDecodeError:
        raise _refused(text, "is not UTF-8 once decoded", "Give the path itself.") from None
    return path[1:] if windows and re.match(r"/[A-Za-z]:", path) else path


def _home(text: str) -> str:
    try:
        return str(Path.home())
    except RuntimeError:
        raise _refused(text, "begins with ~, and there is no home folder", "Write the whole path.") from None


def _refused(text: str, why: str, hint: str) -> InputError:
    return InputError(f"The path {shown(text)} {why}.", code="path_not_allowed", hint=hint)


def _folded(parts: tuple[str, ...]) -> list[str]:
    return [unicodedata.normalize("NFC", part).casefold() for part in parts]


def _same(one: Path, other: Path) -> bool:
    """Whether two spellings name one folder, as they do where the file system ignores case."""
    try:
        return one.samefile(other)
    except OSError:
        return False
