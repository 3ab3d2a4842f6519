"""The two ways to an answer of one model: through our MCP server as an assistant, and from its model server directly.

Both send the same chat to the same GGUF file, served by `theo_mcp.engine.child`, each to a process of its own. Each
side sees a prompt once, so that neither's prompt cache helps.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp_types import TextContent

from tests.benchmarks.children import ROOT, child, clean_environment, model_command, serve_command
from theo_mcp.engine import skills
from theo_mcp.engine.models import InstalledModel
from theo_mcp.engine.routing import TABLE
from theo_mcp.settings import Settings
from theo_mcp.wire.completions import CompletionRequest

MODE: Final = "code"
_LIMIT_S = 60.0


@dataclass(frozen=True)
class Work:
    """What both sides do: one model, in one context size, asked for at most so many tokens at temperature 0."""

    settings: Settings
    model: InstalledModel
    max_tokens: int

    @property
    def parameters(self) -> str:
        context = self.settings.context_tokens
        return f"{self.model.name} in engine/child.py, context {context}, max_tokens {self.max_tokens}, temperature 0"


@dataclass
class Answer:
    """One answer, timed by the client that asked for it."""

    began: float = field(default_factory=time.perf_counter)
    ended: float = 0.0
    texts: list[str] = field(default_factory=list)
    first_text: float = 0.0
    last_text: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt; only the bare side says it."""
    tokens: int = 0

    def add(self, text: str) -> None:
        self.last_text = time.perf_counter()
        self.first_text = self.first_text or self.last_text
        self.texts.append(text)

    def end(self, counted: Mapping[str, Any]) -> None:
        """`counted` holds the token counts, by the names that both sides have for them."""
        self.ended = time.perf_counter()
        self.prompt_tokens, self.tokens = counted["prompt_tokens"], counted["completion_tokens"]
        self.cached_tokens = counted.get("prompt_tokens_details", {}).get("cached_tokens", 0)
        if len(self.texts) < 2:
            raise RuntimeError("The answer did not stream, so nothing can be measured.")

    @property
    def text(self) -> str:
        return "".join(self.texts)

    @property
    def tokens_per_s(self) -> float:
        """Of the whole call."""
        return self.tokens / (self.ended - self.began)

    @property
    def decoded_per_s(self) -> float:
        """From the first text to the last."""
        return (self.tokens - 1) / (self.last_text - self.first_text)

    @property
    def first_text_ms(self) -> float:
        return (self.first_text - self.began) * 1000


Ask = Callable[[str], Awaitable[Answer]]


@asynccontextmanager
async def through_mcp(work: Work) -> AsyncIterator[Ask]:
    """``theo_complete`` of our real server over stdio, with a progress callback, by the SDK's client."""
    command, *arguments = serve_command(
        *("--data-dir", str(work.settings.data_dir)),
        *("--engine-model", work.model.name),
        *("--context-tokens", str(work.settings.context_tokens)),
        *("--max-output-tokens", str(work.max_tokens)),
    )
    server = StdioServerParameters(command=command, args=arguments, env=clean_environment(), cwd=ROOT)
    async with Client(server) as client:

        async def ask(prompt: str) -> Answer:
            answer = Answer()

            async def take(progress: float, total: float | None, message: str | None) -> None:
                if message:
                    answer.add(message)

            with anyio.fail_after(_LIMIT_S):
                result = await client.call_tool(
                    "theo_complete", {"prompt": prompt, "mode": MODE, "temperature": 0}, progress_callback=take
                )
            if result.is_error or result.structured_content is None:
                raise RuntimeError("".join(block.text for block in result.content if isinstance(block, TextContent)))
            answer.end(result.structured_content)
            return answer

        yield ask


@asynccontextmanager
async def bare(work: Work) -> AsyncIterator[Ask]:
    """A streamed POST to the model server, with nothing between it and this program."""
    key = secrets.token_hex(16)
    headers = {"Authorization": f"Bearer {key}", "Connection": "close"}
    async with (
        _model_server(work, key) as address,
        httpx2.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=_LIMIT_S) as http,
    ):

        async def ask(prompt: str) -> Answer:
            answer = Answer()
            counted: Mapping[str, Any] = {}
            with anyio.fail_after(_LIMIT_S):
                async with http.stream("POST", "/v1/chat/completions", json=_chat(work, prompt)) as response:
                    response.raise_for_status()
                    async for line in response.aiter_lines():
                        if line.startswith("data: {"):
                            chunk = json.loads(line.removeprefix("data: "))
                            for choice in chunk["choices"]:
                                if text := choice["delta"].get("content"):
                                    answer.add(text)
                            counted = chunk.get("usage") or counted
            answer.end(counted)
            return answer

        yield ask


def _chat(work: Work, prompt: str) -> dict[str, object]:
    """The very request that our engine sends, with the system message that it puts in front of the prompt."""
    messages = skills.messages(CompletionRequest(prompt=prompt, mode=MODE), MODE)
    return {
        "model": work.model.name,
        "messages": [message.model_dump() for message in messages],
        "temperature": 0,
        "repeat_penalty": TABLE[MODE].repeat_penalty,
        "max_tokens": work.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@asynccontextmanager
async def _model_server(work: Work, key: str) -> AsyncIterator[str]:
    """The address of our model child, started as our engine starts it."""
    order = {
        "model": str(work.model.path),
        "key": key,
        "context": work.settings.context_tokens,
        "name": work.model.name,
    }
    async with child(model_command()) as process:
        assert process.stdin is not None and process.stdout is not None
        with anyio.fail_after(_LIMIT_S):
            await process.stdin.send(json.dumps(order).encode() + b"\n")
            line = b""
            while not line.endswith(b"\n"):
                line += await process.stdout.receive()
        yield json.loads(line)["address"]
