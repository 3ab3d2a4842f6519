"""What is asked of the server in the transcript: each tool, each prompt, each resource, and what goes wrong often."""

from __future__ import annotations

from typing import Any

Fields = dict[str, Any]

TOOLS: tuple[tuple[str, Fields], ...] = (
    ("theo_complete", {"prompt": "Explain microservices architecture", "metadata": ["team=web"]}),
    ("theo_complete", {"prompt": "What is new in WebGPU?", "mode": "research"}),
    (
        "theo_code",
        {"prompt": "Write an Express middleware for JWT", "language": "typescript", "save_as": "src/auth.ts"},
    ),
    ("theo_image", {"prompt": "A logo for a tea shop", "style": "flat", "aspect_ratio": "1:1", "count": 2}),
    ("theo_generate", {"prompt": "a landing page for a bakery", "output_type": "website", "improve": True}),
    ("theo_generate", {"prompt": "a report on sales", "output_type": "pdf"}),
    ("theo_improve", {"prompt": "landing page for a bakery", "output_type": "website"}),
    ("theo_analyze_upload", {"path": "brief.pdf", "output_type": "website"}),
    ("theo_research", {"prompt": "the state of WebGPU in browsers", "max_sources": 5}),
    ("theo_video", {"prompt": "waves at dawn", "duration": "5s"}),
    ("theo_document", {"prompt": "a project plan for a shop", "format": "docx"}),
    ("theo_models", {}),
    ("theo_skill_list", {}),
    ("theo_skill_install", {"skill_id": "inventory-check"}),
    ("theo_result", {"handle": "HANDLE", "offset": 0, "limit": 40}),
    ("theo_status", {}),
    # what goes wrong
    ("theo_code", {"promt": "x"}),
    ("theo_image", {"prompt": "x", "count": 9}),
    ("theo_improve", {"prompt": "x", "output_type": "webste"}),
    ("theo_analyze_upload", {"path": "../../etc/passwd", "output_type": "website"}),
    ("theo_analyze_upload", {"path": "notes.png", "output_type": "website"}),
    ("theo_complete", {"prompt": "x", "conversation_id": "unknown"}),
    ("theo_result", {"handle": "run_of_somebody_else"}),
)

PROMPTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("brief_image", {"idea": "a fox in snow", "style": "watercolour"}),
    ("build_from_file", {"path": "brief.pdf", "output_type": "website"}),
    ("document_code", {"code": "def add(a, b):\n    return a + b\n"}),
    ("explain_code", {"code": "x = [i for i in range(3)]", "depth": "short"}),
    ("fix_error", {"error": "TypeError: 'NoneType' object is not iterable"}),
    ("generate_code", {"task": "a queue with priorities", "language": "python"}),
    ("improve_prompt", {"prompt": "a poster", "output_type": "image"}),
    ("review_code", {"code": "eval(input())", "focus": "security"}),
    ("write_tests", {"code": "def add(a, b):\n    return a + b\n", "framework": "pytest"}),
)

COMPLETIONS: tuple[tuple[str, str, str], ...] = (
    ("generate_code", "language", "py"),
    ("improve_prompt", "output_type", "po"),
    ("build_from_file", "path", "br"),
)

RESOURCES: tuple[str, ...] = (
    "theo://models",
    "theo://health",
    "theo://usage",
    "theo://skills/installed",
    "theo://conversations/conv_1",
    "theo://artifacts/src/auth.ts",
    "theo://results/HANDLE",
    "theo://artifacts/../../etc/passwd",
    "theo://modles",
)
