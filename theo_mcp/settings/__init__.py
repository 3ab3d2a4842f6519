"""All settings in one model; every value knows where it came from.

Flags win over the environment, the environment over the user's file, the file over the defaults. Keys have no flag,
because a command line is visible to every process. What an editor sends comes between the environment and the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, PrivateAttr, ValidationError

from theo_mcp.errors import ConfigError
from theo_mcp.keys import checked_key
from theo_mcp.machine import environment
from theo_mcp.secret import Secret
from theo_mcp.settings.engine import EngineSettings
from theo_mcp.settings.file import read_file, reason
from theo_mcp.settings.folder import open_folder
from theo_mcp.settings.paths import Separated, UserPath, user_folder, user_path

KeyOf = Literal["theo", "getcode", "engine"]

BUILTIN_MODEL = "smollm2-135m"
CONFIG_VARIABLE = "THEO_MCP_CONFIG"
_OWN_VARIABLES = {
    "theo_api_key": "THEO_API_KEY",
    "theo_api_key_file": "THEO_API_KEY_FILE",
    "theo_base_url": "THEO_BASE_URL",
    "getcode_api_key": "GETCODE_API_KEY",
    "getcode_api_key_file": "GETCODE_API_KEY_FILE",
    "getcode_base_url": "GETCODE_BASE_URL",
}
_FILE_ONLY = frozenset(
    {"allow_fetch", "allow_insecure_http", "allow_private_fetch", "engines", "executors", "modes", "servers"}
)
_IN_TOML = (
    ("valid dictionary or instance of ServerTable", "table"),
    ("table or instance of Executor", "table"),
    ("valid dictionary", "table"),
    ("valid tuple", "list"),
)
_OWN_FLAGS = {"roots": "--root"}


class Settings(EngineSettings):
    """What the user decided. Make one with `Settings.load`, or directly in code."""

    roots: Annotated[tuple[UserPath, ...], Separated] = Field(
        (),
        description="The folders whose files may be read; several are separated as in PATH. Default: the project "
        "that the host names, else the working directory, unless that is the home folder or above.",
    )
    deny: Annotated[tuple[str, ...], Separated] = Field(
        (), description="More names that are never read, such as *.sql; keys and secrets never are."
    )
    output_dir: UserPath | None = Field(
        None,
        description="Where files are written. Default: theo-output in the first root, else in the documents folder.",
    )
    tools: str = Field("default", description="The tools to offer: default, all, or some by name, separated by commas.")
    soft_deadline_s: float = Field(
        45.0, gt=0, le=3600, description="After so many seconds a tool returns a handle, and its work goes on."
    )
    job_timeout_s: float = Field(
        1800.0, gt=0, description="Seconds that the work of one call may take in all, a research or a video for one."
    )
    keep_results_s: float = Field(
        86_400.0,
        ge=0,
        le=31_536_000,
        description="Seconds that a result can be had again by its handle, also after a restart. 0: until the server "
        "ends, and nothing of it is written to disk; of what the engine does, only conversations that you began are.",
    )
    previews: bool = Field(True, description="Show small previews of images beside the paths of their files.")
    resource_links: Literal["auto", "on", "off"] = Field(
        "auto", description="Links to the files of a result: auto (for hosts that are known to take them), on, off."
    )
    edit_preview: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Whether an editor shows an edit before it is applied: auto (where it is doubtful), always, never "
        "(what is doubtful is then not applied, and the answer shown).",
    )
    data_dir: UserPath = Field(
        default_factory=lambda: user_folder("data"),
        description="Where models, and the folders that you trust, are kept.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("warning", description="What goes to stderr.")

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)
    _file: Path | None = PrivateAttr(None)
    _kept: dict[str, str | ConfigError] = PrivateAttr(default_factory=dict)

    @classmethod
    def load(
        cls,
        flags: Mapping[str, str | None],
        environ: Mapping[str, str] | None = None,
        *,
        editor: Mapping[str, object] | None = None,
    ) -> Self:
        """Settings from flags (by field name), the environment, an editor and the user's file.

        Raises:
            ConfigError: a value or the file is wrong; the message names the place.
        """
        environ = environment() if environ is None else environ
        chosen = flags.get("config") or environ.get(CONFIG_VARIABLE)
        try:
            path = user_path(Path(chosen)) if chosen else default_config_path()
        except ValueError as error:
            raise ConfigError(f"The path of the settings file {error}.", hint="Give another with --config.") from None
        values: dict[str, object] = read_file(path, must_exist=bool(chosen), known=cls.model_fields)
        origins = dict.fromkeys(values, str(path))
        values |= editor or {}
        origins |= dict.fromkeys(editor or {}, "the editor's settings")
        for name in cls.model_fields:
            variable = variable_of(name)
            if variable and (text := environ.get(variable, "").strip()):
                values[name], origins[name] = text, variable
            if (given := flags.get(name)) is not None:
                values[name], origins[name] = given, flag_of(name) or "code"
        if "roots" not in values and (guess := open_folder(environ)):
            values["roots"], origins["roots"] = guess
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            raise _plain(error, origins) from None
        settings._origins.update(origins)  # noqa: SLF001 - its own
        settings._file = path  # noqa: SLF001 - its own
        return settings

    def origin(self, name: str) -> str:
        """Where the value of field `name` came from: a flag, a variable, a file's path or ``default``."""
        return self._origins.get(name, "default" if name not in self.model_fields_set else "code")

    @property
    def file(self) -> Path:
        """The settings file that was read, or would be."""
        return self._file or default_config_path()

    def key(self, api: KeyOf) -> Secret | None:
        """The key for `api`, or None where none is set: from the environment, else a file, else the keyring.

        Raises:
            ConfigError: the key is not usable as it stands, or its file cannot be read.
        """
        name = f"{api}_api_key"
        held: Secret | None = getattr(self, name)
        if held is not None:
            return checked_key(held.reveal(), self.origin(name))
        path: Path | None = getattr(self, name + "_file", None)
        if path is None:
            return checked_key(self._in_keyring(api), "the system's keyring") if self.keyring else None
        where = f"the file that {self.origin(name + '_file')} names"
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"The key for {api} could not be read from {where}: {reason(error)}.",
                hint=f"Put the key alone into a file that you can read, or set {variable_of(name)}.",
            ) from None
        key = checked_key(text, where)
        if key is None:
            raise ConfigError(f"There is no key in {where}: it is empty.", hint="Put the key alone into it.")
        return key

    def key_source(self, api: KeyOf) -> str:
        """Where `key` finds what it returns."""
        name = f"{api}_api_key"
        given = next((each for each in (name, name + "_file") if getattr(self, each, None) is not None), None)
        return self.origin(given) if given else "the system's keyring"

    def unlock(self) -> None:
        """Asks the keyring now, if it is to be asked at all: for a process that cannot wait for its user later."""
        for api in get_args(KeyOf):
            with suppress(ConfigError):  # which whoever needs the key is told
                self.key(api)

    def _in_keyring(self, api: str) -> str:
        from theo_mcp.settings import keyring

        if api not in self._kept:
            try:
                self._kept[api] = keyring.kept(api) or ""
            except ConfigError as error:
                self._kept |= dict.fromkeys(get_args(KeyOf), error)
        found = self._kept[api]
        if isinstance(found, ConfigError):
            raise found
        return found


def variable_of(name: str) -> str | None:
    """The environment variable of a field, or None where it has none."""
    if name in _FILE_ONLY:
        return None
    return _OWN_VARIABLES.get(name, "THEO_MCP_" + name.upper())


def flag_of(name: str) -> str | None:
    """The command-line flag of a field, or None where it has none (keys, for one)."""
    if name in _FILE_ONLY or name.endswith("_api_key"):
        return None
    return _OWN_FLAGS.get(name, "--" + name.replace("_", "-"))


def is_list(name: str) -> bool:
    """Whether a field holds several values; its flag may be given several times."""
    return Separated in Settings.model_fields[name].metadata


def default_config_path() -> Path:
    """The user's file: ``config.toml`` in the platform's configuration folder."""
    return user_folder("config") / "config.toml"


_SAID: Final = {
    "extra_forbidden": "there is no such setting",
    "missing": "it is missing",
    "string_pattern_mismatch": "should be an address that begins with http:// or https://",
}
"""What pydantic says in its own words, by its type; the one pattern among the settings is that of an address."""


def _plain(error: ValidationError, origins: Mapping[str, str]) -> ConfigError:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    place = ".".join(str(part)[:60] for part in first["loc"] if part != "[key]")
    said = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    said = _SAID.get(first["type"], said)
    for ours, in_toml in _IN_TOML:
        said = said.replace(ours, in_toml)
    return ConfigError(
        f"The setting {place} from {origins.get(name, 'code')} is not usable: {said}.",
        hint=Settings.model_fields[name].description or "",
    )
