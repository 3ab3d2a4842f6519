"""Looks for model servers that already run on this machine; they are named to the user, never used unasked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import anyio

from theo_mcp.engine.providers.openai_compatible import OpenAICompatible
from theo_mcp.errors import TheoError

PORTS: Final = (11434, 1234, 8080, 8000)
"""Ollama, LM Studio, llama.cpp and vLLM by their defaults."""
_LIMIT_S = 0.3


@dataclass(frozen=True)
class Found:
    """A server that answers in the OpenAI shape, and the models that it lists."""

    url: str
    models: tuple[str, ...]


async def local_servers(ports: tuple[int, ...] = PORTS) -> list[Found]:
    """One GET a port, all at once, 0.3 s at most."""
    found: dict[int, Found] = {}

    async def look(port: int) -> None:
        url = f"http://127.0.0.1:{port}/v1"
        server = OpenAICompatible(url)
        try:
            models = await server.models(timeout=_LIMIT_S)
        except TheoError:
            return
        finally:
            await server.aclose()
        if models:
            found[port] = Found(url, tuple(models))

    async with anyio.create_task_group() as tasks:
        for port in ports:
            tasks.start_soon(look, port)
    return [found[port] for port in ports if port in found]
