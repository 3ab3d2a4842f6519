"""The user's settings file: TOML whose names are those of the fields."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from theo_mcp.errors import ConfigError


def read_file(path: Path, *, must_exist: bool, known: Mapping[str, object]) -> dict[str, object]:
    """The values in the file, none where it may be missing and is.

    Raises:
        ConfigError: it is missing, cannot be read, is not TOML, or has a name that is not `known`.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        if not must_exist:
            return {}
        raise ConfigError(
            f"The settings file {path} does not exist.", hint="Make it, or drop --config and THEO_MCP_CONFIG."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The settings file {path} could not be read: {reason(error)}.", hint="It should be a UTF-8 text file."
        ) from None
    import tomllib

    try:
        values: dict[str, object] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(
            f"The settings file {path} is not TOML: {error}.", hint='A line looks like: engine_model = "name".'
        ) from None
    for name in values:
        if name not in known:
            import difflib

            near = difflib.get_close_matches(name, known, n=1)
            raise ConfigError(
                f"The settings file {path} has an unknown setting, {name[:60]!r}.",
                hint=f"Did you mean {near[0]!r}?" if near else "`theo-mcp config show` lists all settings.",
            )
    return values


def reason(error: Exception) -> str:
    """Why a file could not be read, in a few words."""
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is not UTF-8"
