"""Keys as they can be sent: what people paste beside a key is told, and never shown."""

from __future__ import annotations

from theo_mcp.errors import ConfigError
from theo_mcp.secret import MASK, Secret


def checked_key(text: str, source: str) -> Secret | None:
    """A key as it can be sent, or None for blanks; the errors name `source` and never the key.

    Raises:
        ConfigError: an unexpanded ``${VAR}``, a ``Bearer`` in front, quotes, a line break or a character inside that
            no header can hold.
    """
    key = text.strip()
    Secret(key)
    if not key:
        return None
    if key.startswith("$") or "${" in key:
        problem = "is a variable that was not expanded"
        hint = "Write the key itself, or let your shell or host expand the variable."
    elif key.lower().startswith("bearer"):
        problem, hint = "begins with 'Bearer'", "Give the key alone, without the word in front."
    elif key[0] in "\"'" or key[-1] in "\"'":
        problem, hint = "has quotes around it", "Give the key without quotes."
    elif any(c.isspace() for c in key):
        problem, hint = "has a space or a line break inside", "Copy the key again, as one line."
    elif not key.isascii() or not key.isprintable() or key == MASK:
        problem, hint = "has a character that no key has", "Copy the key again."
    else:
        return Secret(key)
    raise ConfigError(f"The key in {source} {problem}.", hint=hint)


def required_key(key: str | Secret | None, service: str) -> Secret:
    """The key for a hosted service, as it can be sent.

    Raises:
        ConfigError: there is none, or it cannot be sent.
    """
    text = key.reveal() if isinstance(key, Secret) else key or ""
    checked = checked_key(text, f"the call for {service}")
    if checked is None:
        raise ConfigError(
            f"There is no key for {service}.", code="no_key", hint="Give the key that its dashboard shows."
        )
    return checked
