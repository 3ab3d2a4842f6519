"""The OpenAI chat shape: what Theo returns for ``format: "openai"``, and what the engine speaks to model servers."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field, JsonValue, field_validator

from theo_mcp.wire.model import Extended, Reply, Request, read_json, scrubbed_json, text_of
from theo_mcp.wire.pairs import Pairs


class ChatMessage(Request):
    role: Literal["system", "user", "assistant"]
    content: str


class FunctionCall(Request):
    name: str
    arguments: str
    """JSON, as the model wrote it."""


class ToolCall(Request):
    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class CallsMessage(Request):
    """A turn in which the model called tools."""

    role: Literal["assistant"] = "assistant"
    content: str
    tool_calls: tuple[ToolCall, ...]


class ToolMessage(Request):
    """What a tool answered."""

    role: Literal["tool"] = "tool"
    tool_call_id: str
    content: str


ChatTurn: TypeAlias = ChatMessage | CallsMessage | ToolMessage


class Function(Request):
    name: str
    description: str
    parameters: dict[str, JsonValue]


class FunctionTool(Request):
    """A tool as it is offered to a model."""

    type: Literal["function"] = "function"
    function: Function


class StreamOptions(Request):
    include_usage: bool = True


class ChatRequest(Request):
    """The part of a chat request that we send."""

    model: str
    messages: tuple[ChatTurn, ...]
    tools: tuple[FunctionTool, ...] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    repeat_penalty: float | None = None
    response_format: dict[str, JsonValue] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None


class ChatCompletionRequest(Request):
    """The body of ``POST /api/v1/chat/completions``. Theo takes the last user message as the prompt and joins the
    system messages into a persona; it ignores the other fields of OpenAI and tool messages, so they cannot be given."""

    model: str = "theo-1-auto"
    messages: tuple[ChatMessage, ...]
    stream: bool | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    conversation_id: str | None = None
    skills: tuple[str, ...] | None = None
    metadata: dict[str, JsonValue] | None = None

    @property
    def prompt(self) -> str:
        """What Theo answers: the last user message."""
        return next((message.content for message in reversed(self.messages) if message.role == "user"), "")


class ChatUsage(Reply):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None


class FunctionDelta(Reply):
    name: str | None = None
    arguments: str | None = None

    _arguments = field_validator("arguments", mode="before")(lambda value: None if value is None else text_of(value))


class ToolCallDelta(Reply):
    """A call, or a piece of one: only the first piece of a call has its id and name."""

    index: int | None = None
    id: str | None = None
    function: FunctionDelta = Field(default_factory=FunctionDelta)


class Delta(Reply):
    role: str | None = None
    content: str | None = None
    tool_calls: tuple[ToolCallDelta, ...] = ()

    _content = field_validator("content", mode="before")(lambda value: None if value is None else text_of(value))


class ChunkChoice(Reply):
    index: int = 0
    delta: Delta = Field(default_factory=Delta)
    finish_reason: str | None = None


class ChatChunk(Reply):
    """One event of a streamed chat; the last ones carry the finish reason and the usage."""

    id: str = ""
    object: str = ""
    model: str = ""
    choices: tuple[ChunkChoice, ...] = ()
    usage: ChatUsage | None = None
    timings: dict[str, JsonValue] | None = None
    """llama.cpp's own measurements, where it is the server."""


class ChatParser:
    """Reads the chunks of one streamed chat, and joins the halves of characters that were cut between them."""

    def __init__(self) -> None:
        self._pairs: dict[int, Pairs] = {}

    def parse(self, data: str) -> ChatChunk:
        """One chunk.

        Raises:
            ValueError: it is not a JSON object.
        """
        plain = not self._pairs and "\\u" not in data  # no half of a character is here or on its way
        fields = read_json(data, keep_halves=not plain)
        if not isinstance(fields, dict):
            raise ValueError("not a JSON object")
        if plain:
            return ChatChunk.model_validate(fields)
        choices = fields.get("choices")
        for place, choice in enumerate(choices if isinstance(choices, list) else []):
            delta = choice.get("delta") if isinstance(choice, dict) else None
            if isinstance(delta, dict) and isinstance(content := delta.get("content"), str):
                index = choice.get("index")
                pairs = self._pairs.setdefault(index if isinstance(index, int) else place, Pairs())
                delta["content"] = pairs.feed(content)
        return ChatChunk.model_validate(scrubbed_json(fields))

    def rest(self) -> ChatChunk | None:
        """A chunk with what is left when the stream has ended."""
        left = {index: text for index, pairs in self._pairs.items() if (text := pairs.rest())}
        choices = tuple(ChunkChoice(index=index, delta=Delta(content=text)) for index, text in left.items())
        return ChatChunk(choices=choices) if choices else None


class CallParts:
    """Puts the calls of one answer together from their pieces."""

    def __init__(self) -> None:
        self._open: list[tuple[int | None, str, str, list[str]]] = []  # index, id, name, arguments

    def add(self, delta: Delta) -> None:
        for piece in delta.tool_calls:
            written = piece.function.arguments or ""
            for index, id, _, arguments in reversed(self._open):
                if index == piece.index and piece.id in (None, "", id) and not (index is None and piece.function.name):
                    arguments.append(written)
                    break
            else:  # servers that send calls whole give all of them the same index, or none
                self._open.append((piece.index, piece.id or "", piece.function.name or "", [written]))

    def calls(self) -> tuple[ToolCall, ...]:
        """The calls so far, each with an id."""
        return tuple(
            ToolCall(id=id or f"call_{number}", function=FunctionCall(name=name, arguments="".join(arguments)))
            for number, (_, id, name, arguments) in enumerate(self._open, 1)
        )


class Reasoned(Reply):
    role: str = "assistant"
    content: str | None = None
    tool_calls: tuple[ToolCallDelta, ...] | None = None

    _content = field_validator("content", mode="before")(lambda value: None if value is None else text_of(value))


class ChatChoice(Reply):
    index: int = 0
    message: Reasoned = Field(default_factory=Reasoned)
    finish_reason: str | None = None


class ChatCompletion(Extended):
    """A chat completion. Theo adds `theo_metadata`; its usage has no cost."""

    id: str = ""
    object: str = "chat.completion"
    created: int = 0
    model: str = ""
    choices: tuple[ChatChoice, ...] = ()
    usage: ChatUsage = Field(default_factory=ChatUsage)
    theo_metadata: dict[str, JsonValue] | None = None

    @property
    def delivered(self) -> bool:
        return bool(self.content)

    @property
    def content(self) -> str:
        return (self.choices[0].message.content or "") if self.choices else ""


class ListedModel(Reply):
    id: str = ""


class ModelList(Reply):
    """The answer of ``GET /v1/models``."""

    object: str = ""
    data: tuple[ListedModel, ...] = ()
