"""The settings of the engine: its models, what these may call, and what it remembers."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from theo_mcp.secret import Secret
from theo_mcp.settings.paths import Separated, UserPath, shared_skills
from theo_mcp.settings.servers import EngineId, EngineMode, ServerName, ServerTable, Target
from theo_mcp.settings.services import ServiceSettings


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


class EngineSettings(ServiceSettings):
    """What the engine on this machine does."""

    engine_url: str | None = Field(
        None,
        description="An OpenAI-compatible server that the engine uses (Ollama, llama.cpp, vLLM, LM Studio, OpenAI), "
        "such as http://127.0.0.1:11434/v1.",
    )
    engine_api_key: Secret | None = Field(None, description="The key for that server, if it wants one.")
    engine_model: str | None = Field(
        None, description="The model: a name on that server, or of `theo-mcp engine list`. Default: the first."
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
    intent_model: bool = Field(
        True,
        description="Let the engine find the mode of `auto` by the meaning of a prompt, with the model of the extra "
        "`embed`. False: by certain words alone, without its process.",
    )
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
    skill_folders: Annotated[tuple[UserPath, ...], Separated] = Field(
        default_factory=shared_skills,
        description="More folders of skills (SKILL.md), the first first; several are separated as in PATH. Default: "
        "~/.agents/skills.",
    )
    skills_chars: int | None = Field(
        None,
        ge=0,
        description="How many characters of installed skills a request takes along; those named in it come whole. "
        "Default: 2,000 for the built-in model, else 12,000.",
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
        "metadata; never what was asked or answered; 64 MB at most. 0: none.",
    )

    @property
    def asks_a_server(self) -> bool:
        """Whether a server is asked where nothing else is said, and not a model on this machine."""
        return self.engine_url is not None or bool(self.servers)
