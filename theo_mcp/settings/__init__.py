"""All settings in one model; every value knows where it came from.

Flags win over the environment, the environment over the user's file, the file over the defaults. Keys have no flag,
because a command line is visible to every process. What an editor sends comes between the environment and the file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from theo_mcp.errors import ConfigError
from theo_mcp.keys import checked_key
from theo_mcp.machine import environment
from theo_mcp.secret import Secret
from theo_mcp.settings.file import read_file, reason
from theo_mcp.settings.folder import open_folder
from theo_mcp.settings.servers import EngineId, EngineMode, ServerName, ServerTable, Target

UserPath = Annotated[Path, AfterValidator(lambda path: _user_path(path))]
Separated = BeforeValidator(lambda value: _separated(value))
"""A list that a flag or a variable holds as the system's PATH is held; a file has a list, or the same text."""
KeyOf = Literal["theo", "getcode", "engine"]

BUILTIN_MODEL = "smollm2-135m"
CONFIG_VARIABLE = "THEO_MCP_CONFIG"
NO_HOME = Path("/nonexistent")
"""Stands for the home of a user who has none. No folder that others can make: what they put there would be believed."""
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


class Executor(BaseModel):
    """What carries out a tool that a request or a skill defines: an address that is sent the arguments as JSON, or a
    program that reads them from its standard input. What comes back, or is printed, is the tool's answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+([/?][^\s#]*)?$")] | None = None
    command: Annotated[tuple[str, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.url is None) == (self.command is None):
            raise ValueError('an executor is either { url = "…" } or { command = ["…"] }')
        return self


class Settings(BaseModel):
    """What the user decided. Make one with `Settings.load`, or directly in code."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # the hosted clients alone need none

    backend: Literal["auto", "hosted", "engine"] = Field(
        "auto", description="What answers: auto (an API with a key is hosted, the other is the engine), hosted, engine."
    )
    theo_api_key: Secret | None = Field(None, description="The key for Theo (theo_sk_…).")
    theo_api_key_file: UserPath | None = Field(None, description="A file that holds the key for Theo.")
    theo_base_url: str = Field("https://www.hitheo.ai", description="Where Theo answers.")
    getcode_api_key: Secret | None = Field(None, description="The key for GetCode (gc_…).")
    getcode_api_key_file: UserPath | None = Field(None, description="A file that holds the key for GetCode.")
    getcode_base_url: str = Field("https://getcode.one", description="Where GetCode answers.")
    engine_url: str | None = Field(
        None,
        description="An OpenAI-compatible server that the engine uses (Ollama, llama.cpp, vLLM, LM Studio, OpenAI), "
        "such as http://127.0.0.1:11434/v1.",
    )
    engine_api_key: Secret | None = Field(None, description="The key for that server, if it wants one.")
    engine_model: str | None = Field(
        None, description="The model: a name on that server, or of `theo-mcp engine list`. Default: the first."
    )
    intent_model: bool = Field(
        True,
        description="Let the engine find the mode of `auto` by the meaning of a prompt, with the model of the extra "
        "`embed`. False: by certain words alone, without its process.",
    )
    engine_parallel: int = Field(
        8, ge=1, le=10_000, description="How many requests that server works on at once; further ones wait in a queue."
    )
    engine_queue: int = Field(
        64, ge=0, le=100_000, description="How many requests may wait for one model; a further one is refused."
    )
    servers: dict[ServerName, ServerTable] = Field(
        {},
        description="Tables `[servers.NAME]`, each with `urls` of one model's servers, and if you like `model`, "
        "`api_key` (or `api_key_file`, `api_key_env`), `parallel`, `input_cents_per_million` and "
        "`output_cents_per_million`. Without engine_url, the first answers where nothing else is said.",
    )
    engines: dict[EngineId, Target] = Field(
        {},
        description="The table `[engines]`: an engine's id and the server or model that it leads to (`theo-1-flash = "
        '"NAME"`). `local` is the model on this machine.',
    )
    modes: dict[EngineMode, Target] = Field(
        {},
        description='The table `[modes]`: the engine, server or model of a mode (`code = "theo-1-reason"`), for fast, '
        "think, code, roast, genui and research.",
    )
    engine_tools: str = Field(
        "auto",
        description="The built-in tools (clock, calculator, search, fetch) that the engine's model may call: auto "
        "(clock and calculator beside the tools of a request or skill, and what a skill names), none, or some by name, "
        "separated by commas, which every request then has.",
    )
    tool_timeout_s: float = Field(10.0, gt=0, le=600, description="Seconds that one call of such a tool may take.")
    executors: dict[str, Executor] = Field(
        {},
        description="What carries out the tools that requests define, by the tool's name: a table with the url that "
        "gets the arguments as JSON, or with a command that reads them. Only in the user's file.",
    )
    allow_fetch: bool = Field(
        False, description="Let the engine's model read pages of the public web. Only in the user's file."
    )
    allow_private_fetch: bool = Field(
        False, description="With allow_fetch: of this machine and its network too. Only in the user's file."
    )
    searxng_url: str | None = Field(
        None,
        description="A SearXNG instance that the engine's research asks, such as http://127.0.0.1:8888; its answers in "
        "JSON have to be switched on.",
    )
    keyring: bool = Field(
        False, description="Look for keys in this system's keyring too (`theo-mcp key set theo` keeps one there)."
    )
    max_prompt_chars: int = Field(200_000, ge=1, description="A longer prompt is refused before anything is sent.")
    max_output_tokens: int | None = Field(
        None, ge=1, description="The longest answer of the engine. Default: 1024 for the built-in model, else no limit."
    )
    context_tokens: int = Field(
        8192, ge=512, le=2**20, description="How much text (prompt and answer) a model run on this machine can hold."
    )
    follow_ups: Literal["rule", "model", "off"] = Field(
        "rule",
        description="Who suggests next prompts where the engine answers: rule, model (a second question to it, if it "
        "keeps to a JSON schema), off.",
    )
    connect_timeout_s: float = Field(10.0, gt=0, description="Seconds to reach a service.")
    timeout_s: float = Field(
        120.0, gt=0, description="Seconds for a whole answer that does not stream, all tries included."
    )
    first_byte_timeout_s: float = Field(120.0, gt=0, description="Seconds until a stream begins.")
    idle_timeout_s: float = Field(120.0, gt=0, description="Seconds a stream may be silent.")
    max_reply_bytes: int = Field(64 * 2**20, ge=1024, description="A longer reply of a service is not read to its end.")
    max_event_bytes: int = Field(
        64 * 2**20, ge=1024, description="The same for one event of a stream, which may hold an image as base64."
    )
    max_retries: int = Field(
        2, ge=0, le=10, description="How often a call is tried again that was never sent, or that the service refused."
    )
    max_retry_after_s: float = Field(
        60.0, ge=0, description="A service that asks to wait longer than this gets no second try in the same call."
    )
    retry_ambiguous: bool = Field(
        False, description="Also try again what may have been done and billed, with the same Idempotency-Key."
    )
    budget_cents: Decimal | None = Field(
        None,
        ge=0,
        le=10**9,
        description="The most that Theo's hosted calls may cost in one day, in cents; a call that could cost more is "
        "refused before it is sent. Default: no limit.",
    )
    max_cents: Decimal | None = Field(
        None,
        ge=0,
        le=10**9,
        description="The most that Theo's hosted calls may cost from the start of this program to its end, in cents; "
        "refused as for budget_cents. Default: no limit.",
    )
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
    skill_folders: Annotated[tuple[UserPath, ...], Separated] = Field(
        default_factory=lambda: _shared_skills(),
        description="More folders of skills (SKILL.md), the first first; several are separated as in PATH. Default: "
        "~/.agents/skills.",
    )
    skills_chars: int | None = Field(
        None,
        ge=0,
        description="How many characters of installed skills a request takes along; those named in it come whole. "
        "Default: 2,000 for the built-in model, else 12,000.",
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
    cache_bytes: int = Field(
        64 * 2**20,
        ge=0,
        description="Room for answers of the engine that may be given again to the same request; those that were not "
        "asked for longest give way. 0: each is made anew.",
    )
    audit_days: float = Field(
        90.0,
        ge=0,
        le=3650,
        description="Days that a row about each request to the engine is kept: when, who, mode, model, tokens and "
        "metadata; never what was asked or answered. 0: none.",
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
        default_factory=lambda: _user_folder("data"),
        description="Where models, and the folders that you trust, are kept.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("warning", description="What goes to stderr.")
    allow_insecure_http: bool = Field(
        False, description="Send keys over plain http to a host other than this machine. Only in the user's file."
    )

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
            path = _user_path(Path(chosen)) if chosen else default_config_path()
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
    return _user_folder("config") / "config.toml"


def _user_folder(what: Literal["data", "config"]) -> Path:
    import platformdirs

    find = platformdirs.user_data_path if what == "data" else platformdirs.user_config_path
    try:
        return find("theo-mcp", appauthor=False)
    except RuntimeError:  # a container's user may have no home; whoever starts us is told of it by the first need
        return NO_HOME / "theo-mcp"


def _shared_skills() -> tuple[Path, ...]:
    """Where the user keeps skills for all agents, by the convention of the form."""
    try:
        return (Path.home() / ".agents" / "skills",)
    except RuntimeError:
        return ()


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


def _separated(value: object) -> object:
    return [part for part in value.split(os.pathsep) if part.strip()] if isinstance(value, str) else value


def _user_path(path: Path) -> Path:
    """`path` with ~ expanded, absolute, so that it means the same in every process."""
    if "\0" in str(path):
        raise ValueError("holds a NUL character")
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError("begins with the home of a user who is not known here") from None
