"""The settings of the MCP server, with what an editor may add to them.

An editor's settings may come from the project that is open (``.vscode/settings.json``), and editors write what they
send into traces. So they never hold a key, an address, a folder or a limit on money: those stay in the environment and
in the user's own file.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping

from theo_mcp.errors import ConfigError
from theo_mcp.settings import Settings, default_config_path, variable_of

SECTION = "theo"
ALLOWED = frozenset(
    {
        "connect_timeout_s",
        "context_tokens",
        "edit_preview",
        "engine_model",
        "first_byte_timeout_s",
        "idle_timeout_s",
        "log_level",
        "max_output_tokens",
        "max_prompt_chars",
        "max_retries",
        "max_retry_after_s",
    }
)
"""What an editor may set. Each is harmless in the hands of a stranger's project."""


def load(given: Mapping[str, object] | None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings, those of an editor between the environment and the user's file.

    Raises:
        ConfigError: a value, the file or a setting that an editor may not set; what is wrong, in one sentence.
    """
    return Settings.load({}, environ, editor=allowed(given or {}))


def allowed(given: Mapping[str, object]) -> dict[str, object]:
    """What of an editor's settings counts; null means not set.

    Raises:
        ConfigError: one is unknown, or not for an editor to set.
    """
    taken: dict[str, object] = {}
    for name, value in given.items():
        if name in ALLOWED:
            if value is not None:
                taken[name] = value
        elif name in Settings.model_fields:
            if value is not None:
                raise ConfigError(
                    f"The setting {name} cannot come from the editor.", hint=f"{_reason(name)} {_elsewhere(name)}"
                )
        else:
            near = difflib.get_close_matches(name, ALLOWED, n=1)
            raise ConfigError(
                f"The editor sends an unknown setting, {json.dumps(name[:60])}.",
                hint=f"Did you mean {near[0]}?" if near else f"It may set: {', '.join(sorted(ALLOWED))}.",
            )
    return taken


def _reason(name: str) -> str:
    if "_api_key" in name:
        return "Editors write their settings into traces, and keys do not belong there."
    return "An editor's settings may come from the project that is open, which you may not trust."


def _elsewhere(name: str) -> str:
    variable = variable_of(name)
    return (
        f"Set {variable}, or {name} in {default_config_path()}." if variable else f"Set it in {default_config_path()}."
    )
