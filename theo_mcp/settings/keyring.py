"""Keys in the keyring of this system: the macOS Keychain, Windows' credentials, the Secret Service of a Linux desktop.

It is asked only where the user has turned it on, because a keyring that is locked asks its user, and takes a moment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from theo_mcp.errors import ConfigError
from theo_mcp.machine import install_command

SERVICE = "theo-mcp"
"""What the keys are kept under; each has the name of its API."""
_PATIENCE_S = 60.0
"""For a user to unlock it."""
ResultT = TypeVar("ResultT")


def kept(name: str) -> str | None:
    """The key that is kept under `name`, or None.

    Raises:
        ConfigError: there is no keyring, or it does not open.
    """
    import_keyring()
    import keyring

    return _asked(lambda: keyring.get_password(SERVICE, name))


def keep(name: str, key: str) -> None:
    """Keeps `key` under `name`.

    Raises:
        ConfigError: there is no keyring, or it does not open.
    """
    import_keyring()
    import keyring

    _asked(lambda: keyring.set_password(SERVICE, name, key))


def forget(name: str) -> bool:
    """Removes what is kept under `name`, and says whether there was something.

    Raises:
        ConfigError: there is no keyring, or it does not open.
    """
    if kept(name) is None:
        return False
    import keyring

    _asked(lambda: keyring.delete_password(SERVICE, name))
    return True


def import_keyring() -> None:
    """Raises:
    ConfigError: the package that speaks to keyrings is not installed.
    """
    try:
        import keyring  # noqa: F401
    except ImportError:
        raise ConfigError(
            "Keys are to be in the system's keyring, and what speaks to keyrings is not installed.",
            hint=f"Install it: {install_command('keyring')}, or turn the setting keyring off.",
        ) from None


def _asked(question: Callable[[], ResultT]) -> ResultT:
    """The answer of the keyring, in a thread, because one that waits for its user may wait for ever."""
    answers: list[ResultT] = []
    failures: list[str] = []

    def ask() -> None:
        try:
            answers.append(question())
        except Exception as error:  # each system has its own; their words may hold what is secret
            failures.append(type(error).__name__)

    thread = threading.Thread(target=ask, daemon=True, name="keyring")
    thread.start()
    thread.join(_PATIENCE_S)
    if answers:
        return answers[0]
    reason = failures[0] if failures else f"no answer within {_PATIENCE_S:g} s"
    raise ConfigError(
        f"The system's keyring could not be used ({reason}).",
        hint="Unlock it, or set the key in the environment or in a file, and turn the setting keyring off.",
    )
