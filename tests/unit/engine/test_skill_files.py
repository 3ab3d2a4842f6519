"""What may be wrong with a skill's files: it is left out and told, and never costs an answer."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.conftest import MakeSettings
from theo_mcp import CompletionRequest, connect
from theo_mcp.engine.skillset.form import parse
from theo_mcp.engine.skillset.places import BUILTIN
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.workspace import Workspace

GOOD = b"---\nname: good\ndescription: Good.\n---\nBe good."
BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it does not begin with frontmatter, a line ---"),
    "plain": (b"# A skill\n", "it does not begin with frontmatter, a line ---"),
    "no-end": (b"---\nname: no-end\n", "its frontmatter has no end, a second line ---"),
    "no-name": (b"---\ndescription: x\n---\n", "it has no name"),
    "no-description": (b"---\nname: no-description\ndescription: '  '\n---\n", "it has no description"),
    "nothing": (b"---\n---\n", "it has no name"),
    "other-name": (
        b"---\nname: another\ndescription: x\n---\n",
        "its name is 'another', and its folder is 'other-name'",
    ),
    "odd-name": (
        b"---\nname: Odd_Name\ndescription: x\n---\n",
        "its name is not made of lower-case letters, digits and single hyphens, at most 64 of them",
    ),
    "long-description": (
        b"---\nname: long-description\ndescription: " + b"x" * 1025 + b"\n---\n",
        "its description has 1,025 characters, and at most 1,024 are allowed",
    ),
    "long-frontmatter": (
        b"---\nname: long-frontmatter\nx: " + b"x" * 17_000 + b"\n---\n",
        "its frontmatter has more than 16,384 characters",
    ),
    "list": (b"---\n- name\n---\n", "its frontmatter is no list of fields, such as name: and description:"),
    "twice": (b"---\nname: twice\nname: twice\n---\n", "line 3 says 'name' again"),
    "documents": (b"---\nname: documents\n--- x\n---\n", "its frontmatter holds several YAML documents"),
    "bad-yaml": (
        b"---\nname: [a\n---\n",
        "its frontmatter is no YAML (line 2: expected ',' or ']', but got '<stream end>')",
    ),
    "tab": (
        b"---\nname:\n\t- x\n---\n",
        "its frontmatter is no YAML (line 3: found character '\\t' that cannot start any token)",
    ),
    "tag": (b"---\nname: !!python/object/apply:os.system [touch ran]\n---\n", "line 2 has a tag, which is not read"),
    "bomb": (b"---\na: &a [x, x]\nb: [*a, *a]\n---\n", "line 2 has an anchor or alias, which is not read"),
    "deep": (b"---\nname: " + b"[" * 500 + b"\n---\n", "line 2 is nested too deeply"),
    "metadata": (b"---\nname: metadata\ndescription: x\nmetadata: x\n---\n", "its metadata is no map of keys to texts"),
    "tools": (
        b"---\nname: tools\ndescription: x\nallowed-tools: {a: b}\n---\n",
        "its allowed-tools is neither text nor a list",
    ),
    "binary": (b"\x7fELF\xff\xfe", "it is not UTF-8 text"),
    "nul": (b"---\nname: nul\0\n---\n", "it is not text"),
    "large": (
        b"---\nname: large\n---\n" + b"x" * 262_144,
        "SKILL.md' has 262,164 bytes, and at most 262,144 can be read",
    ),
}


async def test_every_kind_of_broken_skill_is_left_out_and_told(
    make_settings: MakeSettings, model_server: ModelServer, tmp_path: Path
) -> None:
    folder = tmp_path / "skills"
    for slug, (content, _) in (BROKEN | {"good": (GOOD, ""), "Bad Name": (GOOD, "")}).items():
        (folder / slug).mkdir(parents=True)
        (folder / slug / "SKILL.md").write_bytes(content)
    (folder / "a-folder" / "SKILL.md").mkdir(parents=True)
    (folder / "no-skill").mkdir()
    (folder / "README.md").write_text("no skill either", encoding="utf-8")
    (folder / "pipe").mkdir()
    os.mkfifo(folder / "pipe" / "SKILL.md")
    settings = make_settings(engine_url=model_server.url, skill_folders=[folder])

    async with connect(settings) as backend:
        listed = await backend.theo.skills()
        asked = CompletionRequest(prompt="Hello", mode="fast", skills=("bomb", "good"))
        answer = await backend.theo.complete(asked)

    assert [skill.slug for skill in listed.skills if skill.category == "user"] == ["good"]
    notice = listed.theo_mcp.notice
    assert notice.startswith("The user's skill 'Bad Name' is left out: the name of its folder is not made of")
    assert notice.endswith(f" {len(BROKEN) + 3 - 20} more remarks.")
    assert [skill.slug for skill in answer.skills_active] == ["good"]
    assert answer.theo_mcp.notice == (
        "This skill takes no part: 'bomb' (it is left out: line 2 has an anchor or alias, which is not read)."
    )


@pytest.mark.parametrize("slug", [slug for slug in BROKEN if slug != "large"])
def test_what_is_wrong_is_one_reason(slug: str) -> None:
    began = time.process_time()

    with pytest.raises(ValueError) as raised:  # noqa: PT011 - its message is the result
        parse(slug, BROKEN[slug][0])

    assert str(raised.value) == BROKEN[slug][1]
    assert time.process_time() - began < 0.5


async def test_a_file_that_is_too_large_is_not_read(make_settings: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / "skills" / "large").mkdir(parents=True)
    (tmp_path / "skills" / "large" / "SKILL.md").write_bytes(BROKEN["large"][0])

    async with connect(make_settings(skill_folders=[tmp_path / "skills"])) as backend:
        notice = (await backend.theo.skills()).theo_mcp.notice

    assert notice == (
        "The user's skill 'large' is left out: 'SKILL.md' has 262,164 bytes, and at most 262,144 can be read."
    )


async def test_no_link_leads_out_of_a_project(make_settings: MakeSettings, tmp_path: Path) -> None:
    outside, project = tmp_path / "outside", tmp_path / "project"
    (outside / "linked").mkdir(parents=True)
    (outside / "linked" / "SKILL.md").write_bytes(GOOD.replace(b"name: good", b"name: linked"))
    (project / ".theo" / "skills" / "file").mkdir(parents=True)
    (project / ".theo" / "skills" / "file" / "SKILL.md").symlink_to(outside / "linked" / "SKILL.md")
    (project / ".theo" / "skills" / "linked").symlink_to(outside / "linked")
    (project / ".claude").mkdir()
    (project / ".claude" / "skills").symlink_to(outside)
    (project / ".agents" / "skills" / "good").mkdir(parents=True)
    (project / ".agents" / "skills" / "good" / "SKILL.md").write_bytes(GOOD)
    (project / ".theo" / "skills" / "good").symlink_to("../../.agents/skills/good")
    settings = make_settings(roots=[project])
    workspace = Workspace(settings)
    workspace.trust.trust(workspace.roots[0].real, workspace.project().digest)

    async with connect(settings) as backend:
        listed = await backend.theo.skills()

    assert [skill.slug for skill in listed.skills if skill.category == "project"] == ["good"]
    assert listed.theo_mcp.notice == (
        "The project's skill 'file' is left out: The path '.theo/skills/file/SKILL.md' is outside the open folders. "
        "The project's skill 'linked' is left out: The path '.theo/skills/linked/SKILL.md' is outside the open "
        "folders. "
        "The project's skills are left out: The path '.claude/skills' is outside the open folders."
    )


async def test_a_secret_under_a_skills_name_stays_closed(make_settings: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / "skills" / "greeting").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(GOOD.replace(b"name: good", b"name: greeting"))
    (tmp_path / "skills" / "greeting" / "SKILL.md").symlink_to(tmp_path / "secret")

    async with connect(make_settings(skill_folders=[tmp_path / "skills"])) as backend:
        listed = await backend.theo.skills()

    assert "greeting" not in [skill.slug for skill in listed.skills]
    assert "'SKILL.md' is outside the open folders" in listed.theo_mcp.notice


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "comes without its tools: its tools.json is not usable"),
        (b'{"name": "x"}', "comes without its tools: its tools.json is not usable"),
        (b'[{"name": "x"}]', "comes without its tools: its tools.json is not usable at [0].description"),
        (b'[{"name": "a b", "description": "x"}]', "has other characters than a-z, 0-9, _ and -"),
        (b"[" * 5000, "comes without its tools: its tools.json is not usable"),
    ],
    ids=["cut", "object", "no description", "odd name", "deep"],
)
async def test_a_skill_with_broken_tools_comes_without_them(
    make_settings: MakeSettings, content: bytes, said: str
) -> None:
    settings = make_settings()
    folder = settings.data_dir / "skills" / "good"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_bytes(GOOD)
    (folder / "tools.json").write_bytes(content)

    async with connect(settings) as backend:
        listed = await backend.theo.skills("installed")

    assert [(skill.slug, skill.tool_definitions) for skill in listed.skills] == [("good", ())]
    assert said in listed.theo_mcp.notice


def test_what_other_readers_take_is_read_too() -> None:
    content = (
        "\ufeff---\r\nname: good\r\ndescription: Use it when: it's good\r\nlicense: MIT\r\nuser-invocable: no\r\n"
        "metadata:\r\n  version: 1.0\r\n  title: 'Be: good'\r\nhooks: {a: [{b: c}]}\r\nallowed-tools:\r\n"
        "  - Bash(git:*)\r\n  - Read\r\n---\r\n\r\n# Good\r\n---\r\nEnd\u2028here.\r\n"
    )

    skill = parse("good", content.encode())

    assert (skill.description, skill.license, skill.version, skill.title) == (
        "Use it when: it's good", "MIT", "1.0", "Be: good",
    )  # fmt: skip
    assert skill.allowed == ("Bash(git:*)", "Read")
    assert skill.body == "# Good\n---\nEnd\u2028here."


@pytest.mark.parametrize("slug", ["code-review", "commit-message", "plain-language", "sql-query", "write-tests"])
def test_a_built_in_skill_keeps_to_the_form_and_fits_a_small_model(slug: str) -> None:
    skill = parse(slug, (BUILTIN / slug / "SKILL.md").read_bytes())

    assert 100 < len(skill.description) < 300
    assert "Use when" in skill.description
    assert 25 <= len(skill.body.split("\n")) <= 60
    assert len(skill.body) <= 2000
    assert (skill.license, skill.version) == ("MIT", "1.0")
