"""Where the tests of a document go, and how they are named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from theo_lsp.habit import Habit, habit

PYTEST = "import pytest\n"
UNITTEST = "import os\nimport unittest\n"


@pytest.mark.parametrize(
    ("files", "document", "language", "tests"),
    [
        ({}, "app.py", "python", ("test_app.py", "")),
        ({"tests/test_x.py": PYTEST}, "app.py", "python", ("tests/test_app.py", "pytest")),
        ({"test/x_test.py": UNITTEST}, "src/app.py", "python", ("test/app_test.py", "unittest")),
        ({"tests/test_x.py": ""}, "pkg/deep/app.py", "python", ("tests/test_app.py", "pytest")),
        ({"tests/deep/test_x.py": ""}, "src/pkg/deep/app.py", "python", ("tests/deep/test_app.py", "pytest")),
        ({"tests/unit/deep/test_x.py": "", "tests/test_y.py": ""}, "pkg/deep/app.py", "python",
         ("tests/unit/deep/test_app.py", "pytest")),
        ({"tests/one/test_x.py": "", "pkg/one/x.py": ""}, "pkg/two/app.py", "python",
         ("tests/two/test_app.py", "pytest")),
        ({"tests/one/test_x.py": "", "pkg/one/x.py": ""}, "pkg/app.py", "python", ("tests/test_app.py", "pytest")),
        ({"tests/unit/test_x.py": "", "tests/data/a.txt": ""}, "app.py", "python",
         ("tests/unit/test_app.py", "pytest")),
        ({"pkg/test_x.py": "", "tests/test_y.py": ""}, "pkg/app.py", "python", ("pkg/test_app.py", "pytest")),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, "app.py", "python", ("test_app.py", "pytest")),
        ({"src/__tests__/x.test.ts": "", "package.json": '{"devDependencies": {"jest": "1"}}'}, "src/app.ts",
         "typescript", ("src/__tests__/app.test.ts", "jest")),
        ({"src/x.spec.ts": "import { it } from 'vitest'\n"}, "src/app.ts", "typescript",
         ("src/app.spec.ts", "vitest")),
        ({"package.json": '{"devDependencies": {"mocha": "1"}}'}, "app.js", "javascript", ("app.test.js", "mocha")),
        ({"package.json": "[" * 9999}, "app.js", "javascript", ("app.test.js", "")),
        ({"src/test/java/a/XTest.java": ""}, "src/main/java/a/b/App.java", "java",
         ("src/test/java/a/b/AppTest.java", "")),
        ({"tests/x_test.go": ""}, "app.go", "go", ("app_test.go", "")),
        ({"spec/models/x_spec.rb": ""}, "app/models/user.rb", "ruby", ("spec/models/user_spec.rb", "")),
    ],
)  # fmt: skip
def test_tests_go_where_the_project_keeps_them(
    tmp_path: Path, files: dict[str, str], document: str, language: str, tests: tuple[str, str]
) -> None:
    for name, text in {**files, document: ""}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    found = habit(tmp_path / document, language, tmp_path)

    assert ((found.folder / found.name).relative_to(tmp_path).as_posix(), found.framework) == tests


def test_no_test_goes_outside_the_workspace(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside, tmp_path / "tests"):
        folder.mkdir()
    (inside / "tests").symlink_to(outside)

    assert habit(inside / "app.py", "python", inside) == Habit(inside, "test_app.py")
    assert habit(inside / "app.py", "python", None) == Habit(inside, "test_app.py")
    assert habit(inside / "app.py", "python", outside) == Habit(inside, "test_app.py")


def test_a_link_in_the_folder_of_tests_leads_no_test_out_of_the_workspace(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "src" / "main" / "java").mkdir(parents=True)
    (inside / "src" / "test").mkdir()
    outside.mkdir()
    (inside / "src" / "test" / "java").symlink_to(outside)
    document = inside / "src" / "main" / "java" / "App.java"
    document.touch()

    assert habit(document, "java", inside) == Habit(inside / "src" / "test", "AppTest.java")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_test_that_is_a_pipe_or_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text(UNITTEST, encoding="utf-8")
    (tmp_path / "inside" / "tests").mkdir(parents=True)
    os.mkfifo(tmp_path / "inside" / "tests" / "test_a.py")
    (tmp_path / "inside" / "tests" / "test_b.py").symlink_to(tmp_path / "outside.py")

    found = habit(tmp_path / "inside" / "app.py", "python", tmp_path / "inside")

    assert found == Habit(tmp_path / "inside" / "tests", "test_app.py", "pytest")
