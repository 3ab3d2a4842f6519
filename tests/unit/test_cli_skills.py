"""Skills in the shell: listed, read, installed and removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.shell import Shell


async def test_skills_are_listed_shown_installed_and_removed(shell: Shell, tmp_path: Path) -> None:
    listed = await shell("skills")
    installed = await shell("skills", "install", "sql-query")
    after = await shell("skills", "list", "--json")
    kept = await shell("data", "list")
    removed = await shell("skills", "remove", "sql-query")
    again = await shell("skills")
    shown = await shell("skills", "show", "sql-query")

    assert listed.stdout.decode().splitlines()[0].startswith("  code-review     Reviews code or a diff and reports")
    assert listed.stderr.decode() == f"Your own skills are folders with a SKILL.md in {tmp_path / 'data' / 'skills'}.\n"
    assert installed.stdout == b"The skill sql-query takes part in every completion.\n"
    assert [skill["slug"] for skill in json.loads(after.stdout)["skills"] if skill["installed"]] == ["sql-query"]
    assert kept.stdout.decode().split()[:2] == ["skills", "1"]
    assert removed.stdout == b"The skill sql-query is no longer installed.\n"
    assert again.stdout == listed.stdout
    assert shown.stdout.decode().startswith("SQL query (sql-query)\nWrites and corrects SQL queries")
    assert "\n\nWrite the query for data as it is" in shown.stdout.decode()


async def test_what_is_wrong_with_a_users_skills_is_said(shell: Shell, tmp_path: Path) -> None:
    for folder in (tmp_path / "data" / "skills" / "broken", tmp_path / ".agents" / "skills" / "greeting"):
        folder.mkdir(parents=True)
        text = "---\nname: greeting\ndescription: Greets.\n---\nSay moo.\n"
        (folder / "SKILL.md").write_text(text, encoding="utf-8")

    listed = await shell("skills")
    unknown = await shell("skills", "show", "nope")
    nothing = await shell("skills", "install")

    assert "  greeting        Greets.\n" in listed.stdout.decode()
    assert listed.stderr.decode().splitlines()[0] == (
        "The user's skill 'broken' is left out: its name is 'greeting', and its folder is 'broken'."
    )
    assert (unknown.returncode, nothing.returncode) == (1, 2)
    assert "The skill 'nope' cannot be had" in unknown.stderr.decode()
    assert "Which skill is meant?" in nothing.stderr.decode()


async def test_who_is_asked_to_trust_a_project_sees_the_names_of_its_skills(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "project" / ".claude" / "skills" / "greeting"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: greeting\ndescription: Greets.\n---\nSay moo.\n", encoding="utf-8")
    root = ("--root", str(tmp_path / "project"))

    before = await shell("skills", *root)
    given = await shell("trust", "--yes", *root)
    after = await shell("skills", *root)

    assert "greeting" not in before.stdout.decode()
    assert before.stderr.decode().startswith("This project's skills are not read, because its folder is not trusted")
    assert given.stderr.decode().splitlines() == [
        f"{tmp_path / 'project'} asks for:",
        "  the skills in .claude/skills, as they are whenever they are used: greeting",
        "The engine's search and research read the documents in a folder that you trust, for you alone.",
    ]
    assert "greeting        Greets." in after.stdout.decode()


@pytest.mark.slow
async def test_the_hosted_skills_are_the_services_own(hosted: Shell) -> None:
    listed = await hosted("skills", "list", "--json")
    slug = json.loads(listed.stdout)["skills"][0]["slug"]
    shown = await hosted("skills", "show", slug)
    installed = await hosted("skills", "install", slug)
    after = await hosted("skills", "list", "--json")
    removed = await hosted("skills", "remove", slug)

    assert slug == "inventory-check"
    assert shown.stdout.decode().splitlines()[0].endswith("(inventory-check)")
    assert installed.stdout == b"The skill inventory-check takes part in every completion.\n"
    assert json.loads(after.stdout)["skills"][0]["installed"] is True
    assert removed.stdout == b"The skill inventory-check is no longer installed.\n"
