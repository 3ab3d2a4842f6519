"""The documents' own words, apart from the models that use them: a tool's schema needs the words and no model."""

from __future__ import annotations

from typing import Literal, get_args

Mode = Literal["auto", "fast", "think", "code", "image", "video", "research", "roast", "genui"]
MODES: tuple[Mode, ...] = get_args(Mode)
AspectRatio = Literal["1:1", "16:9", "9:16", "4:3", "3:4"]
"""The four of the page "Generate Images", and the fifth that the vendor's MCP server offers."""
DocumentFormat = Literal["pdf", "docx", "pptx", "xlsx", "csv"]
DOCUMENT_FORMATS: tuple[DocumentFormat, ...] = get_args(DocumentFormat)
SkillFilter = Literal["installed", "marketplace"]
OutputType = Literal["website", "chart", "api", "email", "pdf", "excel", "word", "powerpoint", "video", "image"]
OUTPUT_TYPES: tuple[OutputType, ...] = get_args(OutputType)
CodeLanguage = Literal["auto", "html", "react", "vue", "typescript", "python", "nodejs", "php"]
CODE_LANGUAGES: tuple[CodeLanguage, ...] = get_args(CodeLanguage)
UploadType = Literal["application/pdf", "image/jpeg", "image/png", "image/webp", "image/gif"]
UPLOAD_TYPES: tuple[UploadType, ...] = get_args(UploadType)
