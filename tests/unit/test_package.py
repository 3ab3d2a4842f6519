"""The package as a whole: what a wheel holds, what is public, what the README says."""

from __future__ import annotations

import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import anyio
import pytest

import theo_mcp
from theo_mcp import CompletionRequest, ImagesRequest, TheoClient
from theo_mcp.commands.docs import updated
from theo_mcp.testing.model_server import ANSWER, ModelServer

ROOT = Path(__file__).parents[2]


def test_the_wheel_installs_exactly_two_packages(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=30,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()

    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"theo_mcp", "theo_lsp"}
    assert {"theo_mcp/py.typed", "theo_lsp/py.typed", "theo_mcp/engine/child.py"} <= set(names)
    assert len([name for name in names if name.endswith("/SKILL.md")]) == 5
    page = {"index.html", "playground.css", "playground.js", "preview.html"}
    assert {f"theo_mcp/gateway/playground/{name}" for name in page} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_every_public_name_is_there_and_nothing_else_is_promised() -> None:
    assert sorted(theo_mcp.__all__) == theo_mcp.__all__
    for name in theo_mcp.__all__:
        assert getattr(theo_mcp, name) is not None
    assert theo_mcp.__all__ == [
        "APIError", "ActiveSkill", "Analysed", "Artifact", "ArtifactEvent", "Backend", "ChatChunk", "ChatCompletion",
        "ChatCompletionRequest", "ChatMessage", "Code", "CodeRequest", "Completion", "CompletionRequest",
        "ConfigError", "Conversation", "ConversationDeleted", "ConversationPage", "Document", "DocumentRequest",
        "Done", "FollowUp", "Gathered", "GenerateDone", "GenerateQueue", "GenerateRequest", "GenerateToken",
        "Generated", "GenuiMeta", "GetCodeClient", "Health", "Image", "ImageBase64", "ImageUrl", "Images",
        "ImagesRequest", "ImproveRequest", "Improved", "InlineTool", "InputError", "Job", "JobStarted", "Message",
        "Meta", "Model", "ModelError", "Models", "NotAvailableError", "Options", "Persona", "PersonalityConfig",
        "RateLimitError", "ResearchRequest", "ResponseStyle", "RetryPolicy", "Secret", "Settings", "Skill",
        "SkillChange", "SkillList", "Skills", "StoredConversation", "StreamError", "StructuredOutput", "TheoClient",
        "TheoError", "Timeouts", "Token", "ToolEntry", "ToolEvent", "ToolUse", "Tools", "Traits", "TransportError",
        "UploadRequest", "Usage", "UsageReport", "VideoRequest", "connect", "run_sync",
    ]  # fmt: skip


def test_the_readme_holds_what_the_program_prints() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    assert updated(text) == text, "theo-mcp docs --update README.md prints it anew"


@pytest.mark.parametrize(("number", "said"), [(0, "".join(ANSWER).strip() + " scripted-1b 0.0"), (1, "Hel 2")])
async def test_the_readmes_python_examples_run(
    model_server: ModelServer, tmp_path: Path, number: int, said: str
) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    example = text.split("```python\n")[1 + number].partition("```")[0]

    with anyio.fail_after(30):
        done = await anyio.run_process(
            [sys.executable, "-c", example], env={"HOME": str(tmp_path), "THEO_MCP_ENGINE_URL": model_server.url}
        )

    assert done.stdout.decode().strip() == said


async def test_the_services_for_tests_are_served_to_any_language() -> None:
    command = [sys.executable, "-m", "theo_mcp.testing"]
    with anyio.fail_after(30):
        async with await anyio.open_process(command, stderr=None) as process:
            assert process.stdout is not None
            said = b""
            while said.count(b"\n") < 3:
                said += await process.stdout.receive()
            variables = dict(word.split("=") for word in said.decode().split() if "=" in word)
            async with TheoClient(variables["THEO_API_KEY"], base_url=variables["THEO_BASE_URL"]) as client:
                answer = await client.complete(CompletionRequest(prompt="Hello"))
                picture = (await client.images(ImagesRequest(prompt="Tea"))).images[0].url or ""
                fetched = await client.open(picture)
            process.send_signal(signal.SIGINT)
            code = await process.wait()

    assert answer.content
    assert fetched.data.startswith(b"\x89PNG")
    assert code == 130


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, theo_mcp.cli; print([m for m in ('mcp', 'httpx2', 'xllamacpp', 'starlette') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout.strip() == "[]"
