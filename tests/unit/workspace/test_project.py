"""What a project may say of itself, and whom the user trusts."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.conftest import MakeSettings
from theo_mcp import ConfigError
from theo_mcp.workspace import ProjectSettings, Trust, Workspace
from theo_mcp.workspace.project import parse_project

VENDORS = {
    "persona": {"system_prompt": "You are a pirate."},
    "skills": ["code-review", "theo/seo"],
    "defaultMode": "code",
    "tools": [{"name": "deploy", "description": "Deploys.", "input_schema": {"type": "object"}}],
    "temperature": 0.3,
    "metadata": {"team": "web"},
}


THERE_ARE = "There are language, style, skills, outputDir, defaultMode, temperature, metadata, persona, tools."


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "theo.config.json").write_text(json.dumps(VENDORS), encoding="utf-8")
    return folder


def test_an_untrusted_project_chooses_what_is_harmless(project: Path, make_settings: MakeSettings) -> None:
    settings = Workspace(make_settings(roots=[project])).project()

    assert (settings.skills, settings.default_mode, settings.temperature) == (("code-review", "theo/seo"), "code", 0.3)
    assert (settings.metadata, settings.persona, settings.tools, settings.trusted) == ({"team": "web"}, None, (), False)
    assert settings.ignored == (
        "theo.config.json line 1: persona withheld: this folder is not trusted (theo-mcp trust)",
        "theo.config.json line 1: tools withheld: this folder is not trusted (theo-mcp trust)",
    )
    assert settings.withheld is not None
    assert settings.withheld.persona == "You are a pirate."


def test_a_trusted_project_brings_its_persona_and_tools_until_its_file_changes(
    project: Path, make_settings: MakeSettings
) -> None:
    workspace = Workspace(make_settings(roots=[project]))
    workspace.trust.trust(project, workspace.project().digest)

    trusted = workspace.project()
    (project / "theo.config.json").write_text('{"persona": "none"}', encoding="utf-8")
    changed = workspace.project()

    assert (trusted.trusted, trusted.persona, [tool["name"] for tool in trusted.tools], trusted.ignored) == (
        True, "You are a pirate.", ["deploy"], (),
    )  # fmt: skip
    assert (changed.trusted, changed.persona) == (False, None)


def test_a_file_that_comes_after_the_trust_is_not_trusted(
    project: Path, tmp_path: Path, make_settings: MakeSettings
) -> None:
    workspace = Workspace(make_settings(roots=[project]))
    (project / "theo.config.json").rename(tmp_path / "aside")
    workspace.trust.trust(project, workspace.project().digest)
    empty = workspace.project()
    (tmp_path / "aside").rename(project / "theo.config.json")

    assert (empty.trusted, workspace.project().trusted) == (True, False)


def test_only_the_first_root_itself_is_asked(project: Path, tmp_path: Path, make_settings: MakeSettings) -> None:
    (project / "sub").mkdir()

    assert Workspace(make_settings(roots=[project / "sub", project])).project().skills == ()
    assert Workspace(make_settings()).project() == ProjectSettings()


def said(**fields: object) -> ProjectSettings:
    return parse_project(json.dumps(fields).encode(), trusted=True)


@pytest.mark.parametrize(
    "key",
    [
        "base_url", "baseUrl", "theo_base_url", "endpoint", "apiKey", "api_key", "THEO_API_KEY", "proxy", "httpsProxy",
        "ca", "caCert", "ssl", "command", "mcpServers", "env", "headers", "engine_url", "backend", "roots", "data_dir",
        "budget_cents", "deny", "allow_insecure_http", "hooks", "token",
    ],
)  # fmt: skip
def test_where_requests_go_and_with_what_is_never_a_projects_to_say(key: str) -> None:
    settings = said(**{key: "https://evil.example/?k=sk-12345678901234567890", "language": "python"})

    assert settings.ignored == (f"theo.config.json line 1: {key} ignored: a project may not set it",)
    assert settings.language == "python"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"colour": 1}, f"colour ignored: there is no such setting for a project. {THERE_ARE}"),
        ({"language": 5}, "language ignored: it should be one line of at most 40 characters"),
        ({"language": "a\nb"}, "language ignored: it should be one line of at most 40 characters"),
        ({"style": "x" * 201}, "style ignored: it should be one line of at most 200 characters"),
        ({"skills": [1]}, "skills ignored: it should be a list of skills by their names"),
        ({"skills": ["a b"]}, "skills ignored: it should be a list of skills by their names"),
        ({"skills": ["a"] * 51}, "skills ignored: it should be a list of skills by their names"),
        ({"temperature": 3}, "temperature ignored: it should be a number from 0 to 2"),
        ({"temperature": True}, "temperature ignored: it should be a number from 0 to 2"),
        ({"metadata": []}, "metadata ignored: it should be an object"),
        ({"persona": {}}, 'persona ignored: it should be "theo", "none", or an object with a system_prompt'),
        ({"persona": " "}, 'persona ignored: it should be "theo", "none", or an object with a system_prompt'),
        ({"tools": {}}, "tools ignored: it should be a list of tools"),
        ({"tools": [{"name": "x"}]}, "tools ignored: each tool should be an object with a name and a description"),
        ({"outputDir": "../x"}, "outputDir ignored: it should be a folder inside the project, by ordinary names"),
        ({"outputDir": "/tmp"}, "outputDir ignored: it should be a folder inside the project, by ordinary names"),
        ({"outputDir": ".git/hooks"}, "outputDir ignored: it should be a folder inside the project, by ordinary names"),
        ({"outputDir": "C:\\x"}, "outputDir ignored: it should be a folder inside the project, by ordinary names"),
        ({"outputDir": ""}, "outputDir ignored: it should be a folder inside the project, by ordinary names"),
        ({"outputDir": 1}, "outputDir ignored: it should be a folder inside the project, by ordinary names"),
        ({"\x1b[2J": 1}, f"[2J ignored: there is no such setting for a project. {THERE_ARE}"),
        ({"\n": 1}, f"a key ignored: there is no such setting for a project. {THERE_ARE}"),
    ],
)
def test_a_wrong_field_is_left_out_and_named(fields: dict[str, object], reason: str) -> None:
    settings = said(**fields)

    assert settings == ProjectSettings(ignored=(f"theo.config.json line 1: {reason}",), trusted=True)


def test_a_mode_of_another_word_is_told() -> None:
    assert (
        said(defaultMode="turbo")
        .ignored[0]
        .startswith("theo.config.json line 1: defaultMode ignored: it should be one of auto, fast,")
    )
    assert said(defaultMode=["code"]).default_mode is None


@pytest.mark.parametrize("mode", ["image", "video", "research"])
def test_a_costly_mode_waits_for_trust(mode: str) -> None:
    content = json.dumps({"defaultMode": mode}).encode()

    assert parse_project(content, trusted=False).default_mode is None
    assert parse_project(content, trusted=True).default_mode == mode


def test_a_persona_may_be_a_word_and_a_skill_alone() -> None:
    assert said(persona="none", skills="seo", output_dir="./build/") == ProjectSettings(
        persona="none", skills=("seo",), output_dir=("build",), trusted=True
    )


def test_no_more_than_twenty_remarks_are_made() -> None:
    ignored = said(**{f"x{number}": 1 for number in range(100)}).ignored

    assert (len(ignored), ignored[-1]) == (21, "80 more ignored")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "theo.config.json line 1 column 2: the file ignored: a key in double quotes should stand here"),
        (b"", "theo.config.json line 1 column 1: the file ignored: a JSON object begins with {"),
        (b"[]", "theo.config.json line 1 column 1: the file ignored: a JSON object begins with {"),
        (b"[" * 50_000, "theo.config.json line 1 column 1: the file ignored: a JSON object begins with {"),
        (b'{"a": ' * 9000, "theo.config.json line 1 column 7: the file ignored: it is nested too deeply"),
        (
            b'{\n "temperature": NaN}',
            "theo.config.json line 2 column 17: the file ignored: there is a number in it that JSON does not have",
        ),
        (
            b'{"a": 1,\r\n\r\n}',
            "theo.config.json line 3 column 1: the file ignored: a key in double quotes should stand here",
        ),
        (b'{"a" 1}', "theo.config.json line 1 column 6: the file ignored: a colon should stand here"),
        (b'{"a": 1\n "b": 2}', "theo.config.json line 2 column 2: the file ignored: a comma or } should stand here"),
        (b'{"a": {"b": }}', "theo.config.json line 1 column 13: the file ignored: this is not JSON"),
        (b'{"a": }', "theo.config.json line 1 column 7: the file ignored: this is not JSON"),
        (b'{"a": 1} // x', "theo.config.json line 1 column 10: the file ignored: nothing may follow the object"),
        (
            b'{\n// x\n"a": 1}',
            "theo.config.json line 2 column 1: the file ignored: a key in double quotes should stand here",
        ),
        (b'{"a": "x\ny"}', "theo.config.json line 1 column 9: the file ignored: this is not JSON"),
        (b'{\n\n"a": "\xff"}', "theo.config.json line 3: the file ignored: it is not UTF-8"),
        (
            b" " * 70_000,
            "theo.config.json ignored: 'theo.config.json' has 70,000 bytes, and at most 65,536 can be read.",
        ),
    ],
)
def test_a_broken_file_is_a_sentence(project: Path, make_settings: MakeSettings, content: bytes, reason: str) -> None:
    (project / "theo.config.json").write_bytes(content)
    settings = Workspace(make_settings(roots=[project])).project()

    assert (settings.ignored, settings.broken) == ((reason,), True)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_remark_names_the_line_of_its_key(end: str, mark: str) -> None:
    lines = [
        "{",
        '  "language": "a\\n\\"b\\u00e9 { } , : \u2028 \U0001f600",',
        '  "metadata": {',
        '    "temperature": [1, {"x": "}"}],',
        '    "": null',
        "  },",
        '  "temperature"',
        "    :",
        "  3,",
        '  "temp\\u0065rature": 4, "st\u00ffle": 1,',
        '  "defaultMod": "code",',
        '  "persona": "none", "tools": [],',
        '  "baseUrl": "x"',
        "}",
    ]

    settings = parse_project((mark + end.join(lines) + end).encode(), trusted=False)

    assert settings.ignored == (
        "theo.config.json line 2: language ignored: it should be one line of at most 40 characters",
        "theo.config.json line 7: temperature ignored: line 10 says it again",
        "theo.config.json line 10: temperature ignored: it should be a number from 0 to 2",
        "theo.config.json line 10: stÿle ignored: there is no such setting for a project. Did you mean 'style'?",
        (
            "theo.config.json line 11: defaultMod ignored: there is no such setting for a project. "
            "Did you mean 'defaultMode'?"
        ),
        "theo.config.json line 12: persona withheld: this folder is not trusted (theo-mcp trust)",
        "theo.config.json line 12: tools withheld: this folder is not trusted (theo-mcp trust)",
        "theo.config.json line 13: baseUrl ignored: a project may not set it",
    )
    assert settings.metadata == {"temperature": [1, {"x": "}"}], "": None}
    assert settings.withheld is not None
    assert settings.withheld.ignored == settings.ignored[5:7]


def test_of_a_key_that_comes_twice_the_last_is_heard() -> None:
    content = b'{"defaultMode": "fast",\n"default_mode": "think",\n"defaultMode": "code"}'

    settings = parse_project(content, trusted=True)

    assert settings.default_mode == "code"
    assert settings.ignored == (
        "theo.config.json line 1: defaultMode ignored: line 3 says it again",
        "theo.config.json line 2: default_mode ignored: line 3 says it again",
    )


def test_a_language_that_is_called_like_a_costly_mode_needs_no_trust() -> None:
    assert parse_project(b'{"language": "image"}', trusted=False).language == "image"


def test_a_file_of_nothing_but_mistakes_is_read_at_once() -> None:
    content = ("{" + ",".join(f'"{number:x}":1' for number in range(6000)) + "}").encode()
    begun = time.process_time()

    assert len(parse_project(content, trusted=False).ignored) == 21
    assert time.process_time() - begun < 0.5


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert parse_project(b'\xef\xbb\xbf{"language": "go"}', trusted=False).language == "go"


def test_a_file_that_is_a_link_to_elsewhere_is_not_read(
    project: Path, tmp_path: Path, make_settings: MakeSettings
) -> None:
    (project / "theo.config.json").replace(tmp_path / "elsewhere")
    (project / "theo.config.json").symlink_to("../elsewhere")
    settings = Workspace(make_settings(roots=[project])).project()

    assert "outside the open folders" in settings.ignored[0]
    assert settings.skills == ()


def test_trust_is_for_the_real_folder_whatever_link_leads_there(tmp_path: Path) -> None:
    trust = Trust(tmp_path / "data")
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "link").symlink_to("one")

    trust.trust(tmp_path / "link", "d1")
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("two")

    assert trust.trusted(tmp_path / "one", "d1")
    assert not trust.trusted(tmp_path / "one", "d2")
    assert not trust.trusted(tmp_path / "link", "d1")
    assert trust.folders() == [tmp_path / "one"]


def test_trust_can_be_taken_back(tmp_path: Path) -> None:
    trust = Trust(tmp_path / "data")
    trust.trust(tmp_path, "d1")

    assert trust.untrust(tmp_path)
    assert not trust.untrust(tmp_path)
    assert not trust.trusted(tmp_path, "d1")
    assert trust.folders() == []


def test_the_records_are_the_users_alone(tmp_path: Path) -> None:
    trust = Trust(tmp_path / "data")
    trust.trust(tmp_path, "d1")
    trust.trust(tmp_path, "d2")

    (record,) = (tmp_path / "data" / "trust").iterdir()
    assert (record.stat().st_mode & 0o777, record.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert trust.trusted(tmp_path, "d2")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"folder": 1, "digest": "d1"}', b"\xff", b"[" * 50_000])
def test_a_broken_record_counts_for_nothing_and_is_made_anew(tmp_path: Path, content: bytes) -> None:
    trust = Trust(tmp_path / "data")
    trust.trust(tmp_path, "d1")
    (record,) = (tmp_path / "data" / "trust").iterdir()
    record.write_bytes(content)

    assert (trust.trusted(tmp_path, "d1"), trust.folders()) == (False, [])
    trust.trust(tmp_path, "d1")
    assert trust.trusted(tmp_path, "d1")


def test_a_record_of_another_folder_counts_for_nothing(tmp_path: Path) -> None:
    trust = Trust(tmp_path / "data")
    trust.trust(tmp_path, "d1")
    (record,) = (tmp_path / "data" / "trust").iterdir()
    record.write_text('{"folder": "/", "digest": "d1"}', encoding="utf-8")

    assert not trust.trusted(tmp_path, "d1")


def test_a_record_that_cannot_be_kept_or_removed_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    trust = Trust(tmp_path / "data")

    with pytest.raises(ConfigError, match="could not be kept"):
        trust.trust(tmp_path, "d1")
    with pytest.raises(ConfigError, match="could not be removed"):
        trust.untrust(tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "data"]
