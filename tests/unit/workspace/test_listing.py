"""What was made and is still there, and how the beginning of a path goes on."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import MakeSettings
from theo_mcp import InputError
from theo_mcp.workspace import Workspace
from theo_mcp.workspace.deny import Deny
from theo_mcp.workspace.listing import artifact, artifacts, names
from theo_mcp.workspace.roots import Root


def put(path: Path, text: str = "x", *, changed: int = 1000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (changed, changed))
    return path


@pytest.fixture
def output(root: Path) -> Path:
    """An output folder in `root` with four files, and with what is none."""
    folder = root / "theo-output"
    put(folder / "old.md", changed=1000)
    put(folder / "site" / "index.html", "<p>", changed=3000)
    put(folder / "site" / "logo é.png", changed=2000)
    put(folder / "a" / "b" / "c" / "deep.csv", changed=500)
    for hidden in (".theo-1.tmp", ".hidden", "a.tmp", "~$a.docx", "key.pem", ".git/config", "a/b/c/d/deeper.txt"):
        put(folder / hidden, changed=9000)
    put(folder / "two\nlines.md")
    (folder / "link.md").symlink_to("old.md")
    (folder / "out").symlink_to("../../outside")
    os.mkfifo(folder / "pipe")
    return folder


async def test_artifacts_are_the_files_of_the_output_folder_newest_first(
    root: Path, output: Path, make_settings: MakeSettings
) -> None:
    found = await Workspace(make_settings(roots=[root])).artifacts(limit=100)

    assert [(each.name, each.size, each.mime, each.changed_at) for each in found] == [
        ("site/index.html", 3, "text/html", 3000.0),
        ("site/logo é.png", 1, "image/png", 2000.0),
        ("old.md", 1, "text/markdown", 1000.0),
        ("a/b/c/deep.csv", 1, "text/csv", 500.0),
    ]
    assert found[0].path == output / "site" / "index.html"


async def test_artifacts_come_in_pages(root: Path, output: Path, make_settings: MakeSettings) -> None:
    workspace = Workspace(make_settings(roots=[root]))

    first = await workspace.artifacts(limit=3)
    second = await workspace.artifacts(after=first[-1].name, limit=3)
    with pytest.raises(InputError, match=r"There is no artifact 'gone\.md' to go on from\. Ask for the first page"):
        await workspace.artifacts(after="gone.md", limit=3)

    assert [each.name for each in second] == ["a/b/c/deep.csv"]
    assert await workspace.artifacts(after="a/b/c/deep.csv", limit=3) == []


async def test_without_an_output_folder_there_is_no_artifact_and_none_is_made(
    root: Path, make_settings: MakeSettings
) -> None:
    assert await Workspace(make_settings(roots=[root])).artifacts(limit=3) == []
    assert not (root / "theo-output").exists()


async def test_a_saved_file_is_an_artifact_and_is_read_by_its_name(root: Path, make_settings: MakeSettings) -> None:
    workspace = Workspace(make_settings(roots=[root]))
    await workspace.save("src/app.py", b"import os\n")

    (found,) = await workspace.artifacts(limit=3)
    file = await workspace.artifact(found.name, max_bytes=100)

    assert (found.name, file.name, file.data, file.path) == (
        "src/app.py",
        "app.py",
        b"import os\n",
        found.path.resolve(),
    )
    with pytest.raises(InputError, match="at most 3 can be read"):
        await workspace.artifact(found.name, max_bytes=3)


@pytest.mark.parametrize("by_folder", [True, False])
def test_both_ways_of_opening_list_and_read_alike(
    root: Path, output: Path, make_settings: MakeSettings, by_folder: bool
) -> None:
    base, deny = Root.of(root), Deny.of(make_settings())

    found = artifacts(base, ["theo-output"], deny, after=None, limit=2, by_folder=by_folder)
    file = artifact(base, ["theo-output"], deny, "site/index.html", max_bytes=9, by_folder=by_folder)

    assert [each.name for each in found] == ["site/index.html", "site/logo é.png"]
    assert file.data == b"<p>"
    assert names(base, deny, "theo-output/s", limit=9, by_folder=by_folder) == ["theo-output/site/"]


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "../a.txt", "/etc/passwd", "site/../../a.txt", "out/secret.txt", "key.pem", ".hidden",
        ".git/config", "a/.x/../../../a.txt", "pipe", "site", "no.md", "a\0b", "~/x", "file:///etc/passwd", "x" * 5000,
        "to-project.txt", "C:\\x", "\\\\host\\x", "http://host/x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("whole", [True, False])
async def test_nothing_else_is_an_artifact(
    root: Path, output: Path, make_settings: MakeSettings, name: str, whole: bool
) -> None:
    (output / "to-project.txt").symlink_to("../a.txt")
    settings = make_settings(roots=[root], output_dir=output) if whole else make_settings(roots=[root])

    with pytest.raises(InputError) as raised:
        await Workspace(settings).artifact(name, max_bytes=100)
    assert raised.value.hint


async def test_an_output_folder_that_is_a_link_holds_no_artifact(root: Path, make_settings: MakeSettings) -> None:
    (root / "theo-output").symlink_to("../outside")
    workspace = Workspace(make_settings(roots=[root]))

    assert await workspace.artifacts(limit=9) == []
    with pytest.raises(InputError):
        await workspace.artifact("secret.txt", max_bytes=100)
    (root / "theo-output").unlink()
    (root / "theo-output").symlink_to("src")
    with pytest.raises(InputError):
        await workspace.artifact("logo.png", max_bytes=100)


@pytest.mark.slow
async def test_of_very_many_files_a_few_thousand_are_looked_at(root: Path, make_settings: MakeSettings) -> None:
    put(root / "theo-output" / "top.md", changed=1000)
    (root / "theo-output" / "a").mkdir()
    (root / "theo-output" / "b").mkdir()
    for number in range(4000):
        (root / "theo-output" / "a" / f"{number}").touch()
        if number < 10:
            (root / "theo-output" / "b" / f"{number}").touch()
    workspace = Workspace(make_settings(roots=[root]))

    found = await workspace.artifacts(limit=10_000)

    assert len(found) == 4000 - 2  # the folders count
    assert found[-1].name == "top.md"  # and what is at the top comes first


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("", ["a.txt", "src/", "theo-output/"]),
        ("a", ["a.txt"]),
        ("s", ["src/"]),
        ("src", ["src/"]),
        ("src/", ["src/logo.png"]),
        ("src/lo", ["src/logo.png"]),
        ("theo-output/", ["theo-output/a/", "theo-output/a.tmp", "theo-output/old.md", "theo-output/site/",
                          "theo-output/~$a.docx"]),
        ("theo-output/site/logo é", ["theo-output/site/logo é.png"]),
        ("nothing", []),
    ],
)  # fmt: skip
async def test_the_beginning_of_a_path_goes_on(
    root: Path, output: Path, make_settings: MakeSettings, prefix: str, found: list[str]
) -> None:
    assert await Workspace(make_settings(roots=[root])).names(prefix, limit=100) == found


async def test_no_more_names_than_asked_for(root: Path, output: Path, make_settings: MakeSettings) -> None:
    workspace = Workspace(make_settings(roots=[root]))

    assert [await workspace.names("", limit=limit) for limit in (2, 0, -1)] == [["a.txt", "src/"], [], []]
    assert await Workspace(make_settings()).names("", limit=2) == []


@pytest.mark.parametrize(
    "prefix",
    [
        "..", "../", "../out", "src/../", "src/../../outside/", "/", "/etc/pa", "//", "~", "~/", "~root/", "a\0", "\0",
        "theo-output/out/", "theo-output/.git/", ".", ".git", "./", "file:///", "file:///etc/", "http://x/", "C:\\",
        "\\", "src//", "x" * 5_000_000, "src/" * 1_250_000, "\ud800", "a.txt/",
    ],
    ids=lambda prefix: ascii(prefix[:20]),
)  # fmt: skip
async def test_what_is_no_beginning_of_a_path_completes_to_nothing(
    root: Path, output: Path, make_settings: MakeSettings, prefix: str
) -> None:
    assert await Workspace(make_settings(roots=[root])).names(prefix, limit=100) == []


async def test_denied_names_are_not_completed(root: Path, make_settings: MakeSettings) -> None:
    put(root / "id_rsa")
    put(root / "private" / "b.txt")
    workspace = Workspace(make_settings(roots=[root], deny=["private"]))

    complete = partial(workspace.names, limit=100)
    assert (await complete("id"), await complete("p"), await complete("private/")) == ([], [], [])


@pytest.mark.slow
async def test_of_a_folder_of_very_many_names_a_part_is_completed(root: Path, make_settings: MakeSettings) -> None:
    for number in range(2500):
        (root / f"n{number}").touch()

    found = await Workspace(make_settings(roots=[root])).names("n", limit=10_000)

    assert 1900 < len(found) <= 2000
