"""Theo and GetCode where people work: a client core, a local engine and an MCP server.

The names in ``__all__`` are the public API; each is imported when it is first used.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # `typing` takes longer to import than what the language server answers its editor with
if TYPE_CHECKING:
    from theo_mcp.backend import Backend
    from theo_mcp.connection import connect
    from theo_mcp.errors import (
        APIError,
        ConfigError,
        InputError,
        ModelError,
        NotAvailableError,
        RateLimitError,
        StreamError,
        TheoError,
        TransportError,
    )
    from theo_mcp.hosted.getcode import GetCodeClient
    from theo_mcp.hosted.theo import TheoClient
    from theo_mcp.http.options import Options, Timeouts
    from theo_mcp.http.retry import RetryPolicy
    from theo_mcp.http.sync import run_sync
    from theo_mcp.secret import Secret
    from theo_mcp.settings import Settings
    from theo_mcp.wire.account import ConversationDeleted, ConversationPage, StoredConversation, UsageReport
    from theo_mcp.wire.completions import (
        Code,
        CodeRequest,
        Completion,
        CompletionRequest,
        Conversation,
        ImageBase64,
        ImageUrl,
        InlineTool,
        Message,
        Persona,
        PersonalityConfig,
        ResponseStyle,
        Traits,
    )
    from theo_mcp.wire.documents import Document, DocumentRequest
    from theo_mcp.wire.events import ArtifactEvent, Done, Gathered, GenuiMeta, Meta, Skills, Token, ToolEvent
    from theo_mcp.wire.getcode import (
        Analysed,
        Generated,
        GenerateDone,
        GenerateQueue,
        GenerateRequest,
        GenerateToken,
        Improved,
        ImproveRequest,
        UploadRequest,
    )
    from theo_mcp.wire.images import Image, Images, ImagesRequest
    from theo_mcp.wire.jobs import Job, JobStarted, ResearchRequest, VideoRequest
    from theo_mcp.wire.openai import ChatChunk, ChatCompletion, ChatCompletionRequest, ChatMessage
    from theo_mcp.wire.parts import ActiveSkill, Artifact, FollowUp, Model, StructuredOutput, ToolUse, Usage
    from theo_mcp.wire.service import Health, Models
    from theo_mcp.wire.skills import Skill, SkillChange, SkillList, ToolEntry, Tools

_HOMES = {
    "backend": ("Backend",),
    "connection": ("connect",),
    "errors": (
        "APIError",
        "ConfigError",
        "InputError",
        "ModelError",
        "NotAvailableError",
        "RateLimitError",
        "StreamError",
        "TheoError",
        "TransportError",
    ),
    "hosted.getcode": ("GetCodeClient",),
    "hosted.theo": ("TheoClient",),
    "http.options": ("Options", "Timeouts"),
    "http.retry": ("RetryPolicy",),
    "http.sync": ("run_sync",),
    "secret": ("Secret",),
    "settings": ("Settings",),
    "wire.account": (
        "ConversationDeleted",
        "ConversationPage",
        "StoredConversation",
        "UsageReport",
    ),
    "wire.completions": (
        "Code",
        "CodeRequest",
        "Completion",
        "CompletionRequest",
        "Conversation",
        "ImageBase64",
        "ImageUrl",
        "InlineTool",
        "Message",
        "Persona",
        "PersonalityConfig",
        "ResponseStyle",
        "Traits",
    ),
    "wire.documents": (
        "Document",
        "DocumentRequest",
    ),
    "wire.events": (
        "ArtifactEvent",
        "Done",
        "Gathered",
        "GenuiMeta",
        "Meta",
        "Skills",
        "Token",
        "ToolEvent",
    ),
    "wire.getcode": (
        "Analysed",
        "GenerateDone",
        "GenerateQueue",
        "GenerateRequest",
        "GenerateToken",
        "Generated",
        "ImproveRequest",
        "Improved",
        "UploadRequest",
    ),
    "wire.images": (
        "Image",
        "Images",
        "ImagesRequest",
    ),
    "wire.jobs": (
        "Job",
        "JobStarted",
        "ResearchRequest",
        "VideoRequest",
    ),
    "wire.openai": (
        "ChatChunk",
        "ChatCompletion",
        "ChatCompletionRequest",
        "ChatMessage",
    ),
    "wire.parts": (
        "ActiveSkill",
        "Artifact",
        "FollowUp",
        "Model",
        "StructuredOutput",
        "ToolUse",
        "Usage",
    ),
    "wire.service": ("Health", "Models"),
    "wire.skills": (
        "Skill",
        "SkillChange",
        "SkillList",
        "ToolEntry",
        "Tools",
    ),
}
_HOME_OF = {name: f"theo_mcp.{home}" for home, names in _HOMES.items() for name in names}

__all__ = [
    "APIError",
    "ActiveSkill",
    "Analysed",
    "Artifact",
    "ArtifactEvent",
    "Backend",
    "ChatChunk",
    "ChatCompletion",
    "ChatCompletionRequest",
    "ChatMessage",
    "Code",
    "CodeRequest",
    "Completion",
    "CompletionRequest",
    "ConfigError",
    "Conversation",
    "ConversationDeleted",
    "ConversationPage",
    "Document",
    "DocumentRequest",
    "Done",
    "FollowUp",
    "Gathered",
    "GenerateDone",
    "GenerateQueue",
    "GenerateRequest",
    "GenerateToken",
    "Generated",
    "GenuiMeta",
    "GetCodeClient",
    "Health",
    "Image",
    "ImageBase64",
    "ImageUrl",
    "Images",
    "ImagesRequest",
    "ImproveRequest",
    "Improved",
    "InlineTool",
    "InputError",
    "Job",
    "JobStarted",
    "Message",
    "Meta",
    "Model",
    "ModelError",
    "Models",
    "NotAvailableError",
    "Options",
    "Persona",
    "PersonalityConfig",
    "RateLimitError",
    "ResearchRequest",
    "ResponseStyle",
    "RetryPolicy",
    "Secret",
    "Settings",
    "Skill",
    "SkillChange",
    "SkillList",
    "Skills",
    "StoredConversation",
    "StreamError",
    "StructuredOutput",
    "TheoClient",
    "TheoError",
    "Timeouts",
    "Token",
    "ToolEntry",
    "ToolEvent",
    "ToolUse",
    "Tools",
    "Traits",
    "TransportError",
    "UploadRequest",
    "Usage",
    "UsageReport",
    "VideoRequest",
    "connect",
    "run_sync",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'theo_mcp' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
