"""``generate_code``: code from a task."""

from __future__ import annotations

from collections.abc import Mapping

from theo_mcp.server.asking import Data, ask
from theo_mcp.server.prompts import Argument, Prompt

_LANGUAGES = (
    "python", "typescript", "javascript", "go", "rust", "java", "kotlin", "swift", "c", "cpp", "csharp", "php",
    "ruby", "bash", "sql", "html", "css", "scala", "elixir", "lua", "dart", "r",
)  # fmt: skip
_FRAMEWORKS = {
    "python": ("django", "fastapi", "flask", "pydantic", "sqlalchemy", "pandas", "typer"),
    "typescript": ("react", "next.js", "vue", "svelte", "angular", "express", "nestjs", "hono"),
    "javascript": ("react", "next.js", "vue", "svelte", "express", "fastify"),
    "go": ("gin", "echo", "chi", "fiber"),
    "rust": ("axum", "actix-web", "tokio", "clap"),
    "java": ("spring boot", "quarkus", "micronaut"),
    "kotlin": ("ktor", "spring boot", "jetpack compose"),
    "swift": ("swiftui", "vapor"),
    "csharp": ("asp.net core", "blazor", "maui"),
    "php": ("laravel", "symfony", "wordpress"),
    "ruby": ("rails", "sinatra"),
    "html": ("tailwind", "bootstrap", "htmx"),
    "css": ("tailwind", "sass"),
    "elixir": ("phoenix",),
    "dart": ("flutter",),
    "scala": ("play", "zio"),
}


def _message(given: Mapping[str, str]) -> str:
    names = ("language", "framework", "save_as")
    return ask(
        "theo_code",
        "Write the code for this task. Handle its errors and edge cases.",
        Data("task", given["task"]),
        given={name: given.get(name) for name in names},
        then="check that the code does what the task says, show it, and name the files that were saved. "
        "If the result says that it does not parse, or is a draft, say so.",
    )


PROMPT = Prompt(
    name="generate_code",
    title="Generate code",
    description="Code for a task.",
    arguments=(
        Argument(
            "task",
            "What it should do.",
            required=True,
            values=(
                "A function that parses ISO 8601 durations",
                "A REST endpoint that uploads an avatar",
                "A command that renames photos by their date",
            ),
            text=True,
        ),
        Argument("language", "Such as python.", values=_LANGUAGES),
        Argument(
            "framework",
            "Such as fastapi.",
            values=tuple(dict.fromkeys(each for some in _FRAMEWORKS.values() for each in some)),
            by=("language", _FRAMEWORKS),
        ),
        Argument("save_as", "Also save it under this name.", values=("main.py", "index.ts", "main.go", "app")),
    ),
    message=_message,
    tools=("theo_code",),
    icon="M8 6l-6 6 6 6M16 6l6 6-6 6",
)
