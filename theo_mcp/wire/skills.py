"""Theo's skills and tools. Their JSON is camelCase. Source: the vendor's pages on skills and tools, and its SDK."""

from __future__ import annotations

from pydantic import Field, JsonValue, model_validator

from theo_mcp.wire.completions import InlineTool
from theo_mcp.wire.model import Extended, Reply, Request


class ToolEntry(Reply):
    """One tool. Skills and ``GET /tools`` say ``inputSchema``, a completion says ``input_schema``; both are read."""

    name: str = ""
    description: str = ""
    input_schema: dict[str, JsonValue] | None = Field(None, alias="inputSchema")
    output_schema: dict[str, JsonValue] | None = Field(None, alias="outputSchema")
    category: str = ""
    permission_level: str = Field("", alias="permissionLevel")
    requires_approval: bool = Field(False, alias="requiresApproval")
    skill_id: str | None = Field(None, alias="skillId")

    def inline(self) -> InlineTool:
        """The same tool as a completion takes it."""
        return InlineTool(name=self.name, description=self.description, input_schema=self.input_schema)


class Tools(Extended):
    """The answer of ``GET /api/v1/tools``."""

    tools: tuple[ToolEntry, ...] = ()


class Skill(Extended):
    """One skill, as listed or alone."""

    id: str = ""
    slug: str = ""
    name: str = ""
    description: str = ""
    category: str = ""
    version: str = ""
    install_count: int | None = Field(None, alias="installCount")
    is_public: bool | None = Field(None, alias="isPublic")
    coming_soon: bool | None = Field(None, alias="comingSoon")
    tool_definitions: tuple[ToolEntry, ...] = Field((), alias="toolDefinitions")
    required_permissions: JsonValue = Field(None, alias="requiredPermissions")
    config_schema: JsonValue = Field(None, alias="configSchema")
    setup_guide: str | None = Field(None, alias="setupGuide")
    readme: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _unwrap(cls, fields: object) -> object:
        if isinstance(fields, dict) and isinstance(skill := fields.get("skill"), dict):
            return skill
        return fields


class SkillList(Extended):
    """The answer of ``GET /api/v1/skills``."""

    skills: tuple[Skill, ...] = ()


class SkillChoice(Request):
    """The body of ``POST`` and ``DELETE /api/v1/skills``."""

    skill_id: str = Field(alias="skillId", min_length=1)


class SkillChange(Extended):
    """The answer of installing (201, ``{"installed": true}``) and of uninstalling, whose shape nobody documents."""

    skill_id: str = Field("", alias="skillId")
    installed: bool | None = None
