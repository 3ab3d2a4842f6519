"""The tables of the user's file that name model servers: ``[servers.NAME]``.

They stand in no flag, variable or editor, because each holds an address and perhaps a key.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from theo_mcp.errors import ConfigError
from theo_mcp.keys import checked_key
from theo_mcp.machine import environment
from theo_mcp.secret import Secret

EngineMode = Literal["fast", "think", "code", "roast", "genui", "research"]
"""A mode whose work a text model does."""
LOCAL: Final = "local"
"""The name that leads to the model on this machine."""
ENGINE: Final = "engine"
"""What the server at engine_url is called."""
AUTO: Final = "theo-1-auto"
"""The documents' engine id for "the mode's own"."""

_KEYS: Final = ("api_key", "api_key_file", "api_key_env")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Cents = Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)]


class ServerTable(BaseModel):
    """One model and the addresses that serve it; the least busy one that works is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    urls: tuple[str, ...]
    model: Annotated[str, Field(min_length=1)] | None = None
    """Without it, the first that the server lists."""
    api_key: Secret | None = None
    api_key_file: Path | None = None
    api_key_env: str | None = None
    parallel: Annotated[int, Field(ge=1, le=10_000)] = 8
    """Requests at work at each address at once."""
    input_cents_per_million: Cents | None = None
    output_cents_per_million: Cents | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.urls:
            raise ValueError("has no address in its urls")
        if sum(getattr(self, name) is not None for name in _KEYS) > 1:
            raise ValueError(f"has more than one of {', '.join(_KEYS)}")
        if (self.input_cents_per_million is None) != (self.output_cents_per_million is None):
            raise ValueError("has one of its two prices without the other")
        if self.api_key_env is not None and not self.api_key_env.endswith("_API_KEY"):  # others reach our children
            raise ValueError("has an api_key_env that does not end with _API_KEY")
        if len(set(self.urls)) < len(self.urls):
            raise ValueError("names an address twice")
        return self

    def key(self, name: str) -> Secret | None:
        """The key of the server called `name`, or None where it needs none.

        Raises:
            ConfigError: it is not usable as it stands, or is not where the table says.
        """
        place = f"servers.{name}"
        if self.api_key is not None:
            return checked_key(self.api_key.reveal(), f"{place}.api_key")
        if self.api_key_env is not None:
            key = checked_key(environment().get(self.api_key_env, ""), self.api_key_env)
            if key is None:
                raise ConfigError(
                    f"There is no key in the variable {self.api_key_env}, which {place} names.", hint="Set it."
                )
            return key
        if self.api_key_file is None:
            return None
        where = f"the file that {place}.api_key_file names"
        try:
            text = self.api_key_file.expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise ConfigError(f"{where.capitalize()} could not be read: {reason}.", hint="Put the key in it.") from None
        key = checked_key(text, where)
        if key is None:
            raise ConfigError(f"There is no key in {where}: it is empty.", hint="Put the key alone into it.")
        return key


def checked_name(name: str) -> str:
    """The name of a server.

    Raises:
        ValueError: it is not one, or means something else.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("should be letters, digits, dots, dashes and underscores")
    if name in (LOCAL, ENGINE) or name.startswith("theo-1-"):
        raise ValueError(f"cannot be the name of a server: {name} has its own meaning")
    return name


def checked_engine(name: str) -> str:
    """The id of an engine.

    Raises:
        ValueError: it is not one, or means something else.
    """
    if not _NAME.fullmatch(name) or name in (AUTO, LOCAL):
        raise ValueError("cannot be the id of an engine")
    return name


ServerName = Annotated[str, AfterValidator(checked_name)]
EngineId = Annotated[str, AfterValidator(checked_engine)]
Target = Annotated[str, Field(min_length=1, max_length=200)]
"""What an engine or a mode leads to: a server's name, ``local`` or a model's name; for a mode also an engine."""
