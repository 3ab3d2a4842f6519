"""Skills, as a caller of the engine meets them: which take part, from where, whose they are, and what is told."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest

from tests.conftest import MakeSettings
from theo_mcp import Completion, CompletionRequest, InlineTool, InputError, Persona, Settings, connect
from theo_mcp.backend import Backend, Caller
from theo_mcp.engine.memory.place import Place
from theo_mcp.engine.skills import Shelf
from theo_mcp.errors import NotFoundError
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.workspace import Workspace

BUILTIN = ["code-review", "commit-message", "plain-language", "sql-query", "write-tests"]
CODE_REVIEW = "9f4df36c-7187-5eff-9b6d-0ce4b2c13f25"


def write(folder: Path, slug: str, body: str = "Say moo.", *more: str) -> Path:
    """A skill in `folder`; `more` are lines of its frontmatter."""
    lines = ["---", f"name: {slug}", f"description: What {slug} is for.", *more, "---", body, ""]
    (folder / slug).mkdir(parents=True)
    (folder / slug / "SKILL.md").write_text("\n".join(lines), encoding="utf-8")
    return folder / slug


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "project"


@pytest.fixture
def settings(make_settings: MakeSettings, model_server: ModelServer, project: Path) -> Settings:
    project.mkdir()
    return make_settings(engine_url=model_server.url, roots=[project])


def trust(settings: Settings) -> None:
    workspace = Workspace(settings)
    workspace.trust.trust(workspace.roots[0].real, workspace.project().digest)


async def ask(backend: Backend, *skills: str, **fields: object) -> Completion:
    request = {"prompt": "Hello", "mode": "fast", "skills": skills or None, **fields}
    return await backend.theo.complete(CompletionRequest.model_validate(request))


async def slugs(backend: Backend, filter: str = "installed") -> list[str]:
    return [skill.slug for skill in (await backend.theo.skills(filter)).skills]  # type: ignore[arg-type]


def system(model_server: ModelServer) -> str:
    first = model_server.chats[-1]["messages"][0]
    return str(first["content"]) if first["role"] == "system" else ""


async def test_the_built_in_skills_are_the_marketplace_and_none_takes_part_unasked(
    settings: Settings, model_server: ModelServer
) -> None:
    async with connect(settings) as backend:
        listed = await backend.theo.skills()
        installed = await slugs(backend)
        answer = await ask(backend)

    assert [skill.slug for skill in listed.skills] == BUILTIN
    assert [listed.skills[0].id, listed.skills[0].name, listed.skills[0].category] == [
        CODE_REVIEW, "Code review", "review",
    ]  # fmt: skip
    assert (listed.theo_mcp.backend, listed.theo_mcp.notice) == ("engine", "")
    assert installed == []
    assert answer.skills_active == ()
    assert system(model_server) == "You are Theo, a careful and friendly assistant. Answer directly and briefly."


async def test_a_skill_that_is_named_is_told_to_the_model_and_to_the_caller(
    settings: Settings, model_server: ModelServer
) -> None:
    async with connect(settings) as backend:
        answer = await ask(backend, "code-review", "code-review", CODE_REVIEW)
        request = CompletionRequest(prompt="Hello", mode="fast", skills=("sql-query",))
        async with backend.theo.stream(request) as events:
            kinds = [event.event async for event in events]

    assert [(skill.id, skill.slug, skill.name) for skill in answer.skills_active] == [
        (CODE_REVIEW, "code-review", "Code review")
    ]
    assert kinds[:3] == ["meta", "skills", "token"]
    assert kinds[-1] == "done"
    assert '<skill name="sql-query">\nWrite the query for data as it is' in system(model_server)


async def test_an_unknown_slug_is_named_in_the_notice_and_the_others_take_part(settings: Settings) -> None:
    async with connect(settings) as backend:
        answer = await ask(backend, "inventory-check", "sql-qury", "sql-query", "x" * 500)

    assert [skill.slug for skill in answer.skills_active] == ["sql-query"]
    assert "These skills take no part: 'inventory-check', 'xxx" in answer.theo_mcp.notice
    assert "'sql-qury' (there is none; did you mean 'sql-query'?)." in answer.theo_mcp.notice
    assert "x" * 65 not in answer.theo_mcp.notice


async def test_very_many_names_cost_no_time(settings: Settings) -> None:
    names = tuple(f"unknown-{number}" for number in range(20_000))

    with anyio.fail_after(2):
        async with connect(settings) as backend:
            answer = await ask(backend, "sql-query", *names)

    assert [skill.slug for skill in answer.skills_active] == ["sql-query"]
    assert "'unknown-53' and 19946 more (a request may name 50)." in answer.theo_mcp.notice


async def test_a_project_comes_before_the_user_and_the_user_before_what_is_built_in(
    settings: Settings, project: Path, model_server: ModelServer
) -> None:
    write(project / ".theo" / "skills", "greeting", "From .theo.")
    write(project / ".agents" / "skills", "greeting", "From .agents.")
    write(settings.data_dir / "skills", "greeting", "From the user.")
    write(settings.data_dir / "skills", "code-review", "The user's own review.")
    trust(settings)

    async with connect(settings) as backend:
        listed = await backend.theo.skills()
        installed = await slugs(backend)
        await ask(backend)

    assert {skill.slug: skill.category for skill in listed.skills if skill.slug in ("greeting", "code-review")} == {
        "greeting": "project", "code-review": "user",
    }  # fmt: skip
    assert listed.theo_mcp.notice == (
        "The project's skill 'greeting' is not used: the project's comes first. "
        "The user's skill 'greeting' is not used: the project's comes first. "
        "The built-in skill 'code-review' is not used: the user's comes first."
    )
    assert installed == ["greeting", "code-review"]
    assert "From .theo." in system(model_server)
    assert "The user's own review." in system(model_server)


async def test_a_folder_that_all_agents_share_takes_part_when_it_is_named_or_installed(
    settings: Settings, project: Path, model_server: ModelServer
) -> None:
    write(project / ".claude" / "skills", "deploy", "Deploy with care.")
    trust(settings)

    async with connect(settings) as backend:
        await ask(backend)
        assert "Deploy with care." not in system(model_server)
        await ask(backend, "deploy")
        assert "Deploy with care." in system(model_server)
        await backend.theo.install_skill("deploy")
        await ask(backend)
        assert "Deploy with care." in system(model_server)


async def test_the_folders_of_the_settings_are_the_users_too(
    make_settings: MakeSettings, model_server: ModelServer, tmp_path: Path
) -> None:
    write(tmp_path / "more", "greeting")
    settings = make_settings(engine_url=model_server.url, skill_folders=[tmp_path / "more", tmp_path / "missing"])

    async with connect(settings) as backend:
        answer = await ask(backend, "greeting")

    assert [skill.name for skill in answer.skills_active] == ["Greeting"]


async def test_an_untrusted_project_has_no_skills_and_both_answers_say_why(
    settings: Settings, project: Path, model_server: ModelServer
) -> None:
    write(project / ".theo" / "skills", "greeting", "Obey me.")

    async with connect(settings) as backend:
        listed = await backend.theo.skills()
        answer = await ask(backend, "greeting")
        assert "Obey me." not in str(model_server.chats)
        trust(settings)
        assert (await ask(backend, "greeting")).skills_active[0].slug == "greeting"

    assert [skill.slug for skill in listed.skills] == BUILTIN
    assert listed.theo_mcp.notice == (
        "This project's skills are not read, because its folder is not trusted (theo-mcp trust)."
    )
    assert answer.skills_active == ()
    assert "'greeting' (this project has it, and its folder is not trusted (theo-mcp trust))" in answer.theo_mcp.notice


async def test_without_a_persona_only_the_skills_that_are_named_are_told(
    settings: Settings, model_server: ModelServer
) -> None:
    write(settings.data_dir / "skills", "greeting")

    async with connect(settings) as backend:
        await ask(backend, persona="none")
        assert system(model_server) == ""
        await ask(backend, "sql-query", persona="none")

    assert system(model_server).startswith("Follow these skills wherever they bear on the request.")
    assert "Say moo." not in system(model_server)


async def test_a_persona_of_the_callers_own_stands_before_the_skills(
    settings: Settings, model_server: ModelServer
) -> None:
    write(settings.data_dir / "skills", "greeting")

    async with connect(settings) as backend:
        await ask(backend, persona=Persona(system_prompt="You are a cow."))

    assert system(model_server) == (
        "You are a cow.\nAnswer directly and briefly.\n\nFollow these skills wherever they bear on the request.\n\n"
        '<skill name="greeting">\nSay moo.\n</skill>'
    )


async def test_the_first_skill_with_a_preference_decides_the_model(settings: Settings) -> None:
    folder = settings.data_dir / "skills"
    write(folder, "a-plain")
    write(folder, "b-prefers", "B.", "metadata:", "  theo-model: theo-1-reason", "  model: other")
    write(folder, "c-prefers", "C.", "metadata:", "  model: theo-1-code")
    shelf = Shelf(settings, Place(settings))

    unasked = await shelf.prepare(CompletionRequest(prompt="Hello"), "fast", Caller())
    asked = await shelf.prepare(CompletionRequest(prompt="Hello", skills=("c-prefers",)), "fast", Caller())

    assert unasked.model == "theo-1-reason"
    assert asked.model == "theo-1-code"


async def test_a_skill_brings_tools_and_the_requests_own_win(settings: Settings) -> None:
    folder = settings.data_dir / "skills"
    first = write(folder, "a-first", "A.", "allowed-tools: clock Bash(git:*) search")
    second = write(folder, "b-second", "B.", "allowed-tools: [clock, fetch]")
    tool = '{"name": "%s", "description": "%s", "input_schema": {"type": "object"}}'
    (first / "tools.json").write_text(f"[{tool % ('stock', 'First')}, {tool % ('mine', 'First')}]", encoding="utf-8")
    (second / "tools.json").write_text(f"[{tool % ('stock', 'Second')}]", encoding="utf-8")
    request = CompletionRequest(prompt="Hello", tools=(InlineTool(name="mine", description="The request's"),))

    prepared = await Shelf(settings, Place(settings)).prepare(request, "fast", Caller())
    async with connect(settings) as backend:
        told = await backend.theo.skill("a-first")

    assert [(tool.name, tool.description) for tool in prepared.tools] == [("stock", "First")]
    assert prepared.allowed == ("clock", "Bash(git:*)", "search", "fetch")
    assert [(tool.name, tool.input_schema) for tool in told.tool_definitions] == [
        ("stock", {"type": "object"}), ("mine", {"type": "object"}),
    ]  # fmt: skip


async def test_installed_skills_share_a_budget_and_what_is_not_whole_is_told(
    make_settings: MakeSettings, model_server: ModelServer
) -> None:
    settings = make_settings(engine_url=model_server.url, skills_chars=100)
    folder = settings.data_dir / "skills"
    write(folder, "a-long", "A" * 90)
    write(folder, "b-long", "B" * 90)
    write(folder, "c-short", "C" * 5)

    async with connect(settings) as backend:
        answer = await ask(backend)
        assert "B" * 90 not in system(model_server)
        assert [skill.slug for skill in answer.skills_active] == ["a-long", "c-short"]
        assert "may take 100 characters (skills_chars), so these are not here in full: 'b-long'." in (
            answer.theo_mcp.notice
        )
        named = await ask(backend, "b-long")

    assert "B" * 90 in system(model_server)
    assert [skill.slug for skill in named.skills_active] == ["b-long", "a-long", "c-short"]


async def test_what_has_no_room_is_named_by_its_description(
    make_settings: MakeSettings, model_server: ModelServer
) -> None:
    settings = make_settings(engine_url=model_server.url, skills_chars=60)
    write(settings.data_dir / "skills", "a-long", "A" * 90)

    async with connect(settings) as backend:
        answer = await ask(backend)

    assert answer.skills_active == ()
    assert system(model_server).endswith(
        "These skills exist too, and are not here in full:\n- a-long: What a-long is for."
    )


async def test_the_small_model_is_given_less(make_settings: MakeSettings) -> None:
    settings = make_settings()
    write(settings.data_dir / "skills", "a-long", "A" * 2001)
    prepare = Shelf(settings, Place(settings)).prepare(CompletionRequest(prompt="Hello"), "fast", Caller())

    assert "may take 2,000 characters" in (await prepare).notices[0]


async def test_installing_is_each_tenants_own_and_outlives_the_process(settings: Settings) -> None:
    async with connect(settings) as backend:
        anna, ben = backend.for_caller(Caller(tenant="anna")), backend.for_caller(Caller(tenant="ben"))
        installed = await anna.theo.install_skill(CODE_REVIEW)
        await anna.theo.install_skill("sql-query")
        await anna.theo.install_skill("code-review")
        assert await slugs(ben) == await slugs(backend) == []
        assert (await ask(ben)).skills_active == ()
        assert [skill.slug for skill in (await ask(anna)).skills_active] == ["code-review", "sql-query"]
    async with connect(settings) as backend:
        again = backend.for_caller(Caller(tenant="anna"))
        gone = await again.theo.uninstall_skill("code-review")
        assert await slugs(again) == ["sql-query"]
        assert (await again.theo.uninstall_skill("code-review")).installed is False

    assert (installed.skill_id, installed.installed) == (CODE_REVIEW, True)
    assert (gone.skill_id, gone.installed) == (CODE_REVIEW, False)


@pytest.mark.slow
async def test_another_process_sees_what_one_installs(settings: Settings) -> None:
    program = (
        "import anyio, sys; from pathlib import Path; from theo_mcp import Settings, connect\n"
        "async def main():\n"
        "    settings = Settings(data_dir=Path(sys.argv[1]), engine_url='http://127.0.0.1:9/v1', skill_folders=())\n"
        "    async with connect(settings) as backend:\n"
        "        await backend.theo.install_skill('write-tests')\n"
        "        print([skill.slug for skill in (await backend.theo.skills('installed')).skills])\n"
        "anyio.run(main)"
    )
    async with connect(settings) as backend:
        await backend.theo.install_skill("sql-query")
        with anyio.fail_after(30):
            done = await anyio.run_process([sys.executable, "-c", program, str(settings.data_dir)])
        assert done.stdout == b"['sql-query', 'write-tests']\n"
        assert await slugs(backend) == ["sql-query", "write-tests"]


async def test_a_store_that_cannot_be_read_costs_no_answer(settings: Settings) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "store.sqlite").write_bytes(b"This is no store, and somebody may want it.")

    async with connect(settings) as backend:
        answer = await ask(backend, "sql-query")

    assert [skill.slug for skill in answer.skills_active] == ["sql-query"]
    assert "Installed skills take no part: " in answer.theo_mcp.notice


async def test_one_skill_is_told_with_its_text_and_its_scripts_are_never_run(settings: Settings) -> None:
    folder = write(settings.data_dir / "skills", "greeting", "Say moo.", "compatibility: Needs a cow.")
    (folder / "scripts").mkdir()
    (folder / "scripts" / "moo.sh").write_text("touch ../ran", encoding="utf-8")
    (folder / "references").mkdir()

    async with connect(settings) as backend:
        skill = await backend.theo.skill("greeting")
        listed = await backend.theo.skills("installed")
        await ask(backend, "greeting")

    assert (skill.readme, skill.setup_guide, skill.is_public) == ("Say moo.", "Needs a cow.", False)
    assert skill.theo_mcp.notice == (
        "Its scripts are never run here. Its text alone is sent to a model, and nothing of references."
    )
    assert listed.theo_mcp.notice == "Scripts of skills are never run here (greeting)."
    assert sorted(path.name for path in folder.iterdir()) == ["SKILL.md", "references", "scripts"]


async def test_what_nobody_knows_is_not_found(settings: Settings) -> None:
    async with connect(settings) as backend:
        for call in (backend.theo.skill, backend.theo.install_skill, backend.theo.uninstall_skill):
            for name in ("code-reviw", "00000000-0000-4000-8000-000000000000", "../../etc"):
                with pytest.raises(NotFoundError) as raised:
                    await call(name)
                assert raised.value.code == "not_found"
            with pytest.raises(InputError):
                await call(" ")
    assert not settings.data_dir.exists()


async def test_a_skill_of_the_users_own_folder_is_removed_by_moving_it(settings: Settings) -> None:
    write(settings.data_dir / "skills", "greeting")

    async with connect(settings) as backend:
        assert (await backend.theo.install_skill("greeting")).installed is True
        with pytest.raises(InputError, match="lies in a folder of its own") as raised:
            await backend.theo.uninstall_skill("greeting")

    assert raised.value.hint == "Move its folder out of skills in the data folder."


async def test_a_changed_skill_is_read_again_and_what_it_said_before_is_not_given_again(settings: Settings) -> None:
    folder = write(settings.data_dir / "skills", "greeting")
    request = CompletionRequest(prompt="Hello")
    text = (folder / "SKILL.md").read_text(encoding="utf-8")

    async with connect(settings) as backend:
        known = []
        for change in ("Say moo.", "Say moo.", "Say moo twice."):
            (folder / "SKILL.md").write_text(text.replace("Say moo.", change), encoding="utf-8")
            known.append((await backend.theo.complete(request)).was_cached)

    assert known == [False, True, False]
    assert "Say moo twice." in str((await Shelf(settings, Place(settings)).prepare(request, "fast", Caller())).messages)
