"""What may be read, on real files, links and pipes; on both ways of opening: by folder, and by path as on Windows."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import anyio
import pytest

from tests.conftest import MakeSettings
from tests.unit.workspace.conftest import PNG, Read, os_chdir, refused
from theo_mcp import InputError
from theo_mcp.workspace import Workspace
from theo_mcp.workspace.reading import mime_of


async def test_a_workspace_reads_a_file_below_its_first_root(root: Path, make_settings: MakeSettings) -> None:
    workspace = Workspace(make_settings(roots=[root]))

    file = await workspace.read("src/logo.png", max_bytes=100)

    assert (file.name, file.data, file.mime) == ("logo.png", PNG, "image/png")
    assert file.path == root / "src" / "logo.png"
    assert "rest" not in repr(file)


async def test_a_file_that_the_user_named_is_read_wherever_it_lies(
    root: Path, tmp_path: Path, make_settings: MakeSettings
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.txt").write_bytes(b"named")
    (elsewhere / ".env").write_bytes(b"KEY=1")
    (tmp_path / "link.txt").symlink_to(elsewhere / "a.txt")
    workspace = Workspace(make_settings(roots=[root]))
    output = workspace.output()

    file = await workspace.read(workspace.named(str(tmp_path / "link.txt")), max_bytes=100)
    with pytest.raises(InputError) as raised:
        await workspace.read(workspace.named(str(elsewhere / ".env")), max_bytes=100)

    assert (file.path, file.data) == (elsewhere / "a.txt", b"named")
    assert raised.value.code == "file_denied"
    assert (workspace.output(), len(workspace.roots)) == (output, 1)


async def test_without_a_root_nothing_is_read(make_settings: MakeSettings) -> None:
    with pytest.raises(InputError, match="No folder is open") as raised:
        await Workspace(make_settings()).read("/etc/hostname", max_bytes=100)

    assert "--root" in raised.value.hint


@pytest.mark.parametrize(
    "form", ["{}/a.txt", "file://{}/a.txt", "file:{}/a.txt", "file://localhost{}/a.txt", "{}/./a.txt"]
)
def test_a_path_inside_a_root_is_read_in_every_form(try_read: Read, root: Path, form: str) -> None:
    assert try_read(form.format(root)).data == b"hello"


def test_a_file_url_is_decoded_once(try_read: Read, root: Path) -> None:
    (root / "zażółć 100%25.txt").write_bytes(b"x")

    assert try_read(f"file://{root}/za%C5%BC%C3%B3%C5%82%C4%87%20100%2525.txt").data == b"x"


def test_a_path_through_another_name_of_the_root_is_read(try_read: Read, root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)

    assert try_read(f"{tmp_path}/alias/a.txt", roots=(tmp_path / "alias",)).data == b"hello"
    assert try_read(f"{root}/a.txt", roots=(tmp_path / "alias",)).data == b"hello"
    assert refused(lambda: try_read(f"{tmp_path}/alias/a.txt")).code == "path_not_allowed"


def test_a_path_through_another_name_of_home_is_read(
    try_read: Read, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").symlink_to(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    assert try_read(f"{tmp_path}/home/project/a.txt").data == b"hello"
    assert try_read("~/project/a.txt").data == b"hello"


def test_a_second_root_is_read_by_whole_paths(try_read: Read, root: Path, tmp_path: Path) -> None:
    file = try_read(f"{tmp_path}/outside/secret.txt", roots=(root, tmp_path / "outside"))

    assert file.data == b"secret"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("{outside}/secret.txt", "outside the open folders"),
        ("{root}-other/a.txt", "outside the open folders"),
        ("/etc/passwd", "outside the open folders"),
        ("/proc/self/environ", "outside the open folders"),
        ("/dev/zero", "outside the open folders"),
        ("../outside/secret.txt", "'..'"),
        ("src/../a.txt", "'..'"),
        ("{root}/../outside/secret.txt", "'..'"),
        ("file://{root}/%2e%2e/outside/secret.txt", "'..'"),
        ("file://evil.example/etc/passwd", "another machine"),
        ("file:a.txt", "not a whole file URL"),
        ("file://{root}/%ff", "not UTF-8"),
        ("file://{root}/a%00.txt", "control character"),
        ("FILE:///etc/passwd", "outside the open folders"),
        ("https://example.com/a.txt", "is a URL"),
        ("data://x", "is a URL"),
        ("", "empty"),
        ("  ", "empty"),
        ("a\0.txt", "control character"),
        ("a\n.txt", "control character"),
        ("a\x1b[2J.txt", "control character"),
        ("\ud800.txt", "control character"),
        ("a" * 256, "longer than 255 bytes"),
        ("ż" * 128, "longer than 255 bytes"),
        ("a/" * 2100 + "a", "longer than 4096 bytes"),
        ("//server/share/a", "network or device path"),
        ("\\\\server\\share\\a", "network or device path"),
        ("\\\\?\\C:\\a", "network or device path"),
        ("D:\\a.txt", "Windows path"),
        ("c:/a.txt", "Windows path"),
        ("~root/.bashrc", "no file"),
        ("~/a.txt", "outside the open folders"),
        ("src", "is a folder"),
        (".", "is a folder"),
        ("{root}", "is a folder"),
        ("a.txt/b", "no folder"),
    ],
)
def test_what_is_no_file_inside_a_root_is_refused_in_a_sentence(
    try_read: Read, root: Path, tmp_path: Path, path: str, said: str
) -> None:
    error = refused(lambda: try_read(path.format(root=root, outside=tmp_path / "outside")))

    assert said in error.message
    assert "\x1b" not in str(error)
    assert len(str(error)) < 500


@pytest.mark.parametrize(
    "name", ["C:x", "a.txt:stream", "NUL", "con.txt", "12:30.txt", "a\\b", "~$doc.docx", "dot.", "é"]
)
def test_elsewhere_these_are_ordinary_names(try_read: Read, root: Path, name: str) -> None:
    (root / name).write_bytes(b"x")

    assert try_read(name).data == b"x"


@pytest.mark.parametrize(
    "target",
    [
        "{outside}/secret.txt",
        "../outside/secret.txt",
        "src/../../outside/secret.txt",
        "/etc/passwd",
        "/proc/self/environ",
    ],
)
def test_a_link_that_leads_outside_is_refused(try_read: Read, root: Path, tmp_path: Path, target: str) -> None:
    (root / "link.txt").symlink_to(target.format(outside=tmp_path / "outside"))

    assert refused(lambda: try_read("link.txt")).code == "path_not_allowed"


def test_a_folder_link_that_leads_outside_is_refused(try_read: Read, root: Path) -> None:
    (root / "link").symlink_to("../outside")

    assert refused(lambda: try_read("link/secret.txt")).code == "path_not_allowed"
    assert refused(lambda: try_read("link/none.txt")).code == "path_not_allowed"


@pytest.mark.parametrize("target", ["a.txt", "./src/../a.txt", "{root}/a.txt", "second.txt"])
def test_a_link_that_stays_inside_is_followed(try_read: Read, root: Path, target: str) -> None:
    (root / "second.txt").symlink_to("a.txt")
    (root / "link.txt").symlink_to(target.format(root=root))

    assert try_read("link.txt").data == b"hello"
    assert try_read("link.txt").path == root / "a.txt"


def test_a_link_to_another_root_is_followed(try_read: Read, root: Path, tmp_path: Path) -> None:
    (root / "link").symlink_to(tmp_path / "outside")

    assert try_read("link/secret.txt", roots=(root, tmp_path / "outside")).data == b"secret"


def test_a_link_to_a_secret_inside_is_refused(try_read: Read, root: Path) -> None:
    (root / ".env").write_bytes(b"KEY=1")
    (root / "notes.txt").symlink_to(".env")

    assert refused(lambda: try_read("notes.txt")).code == "file_denied"


@pytest.mark.parametrize("target", [".", "src/..", "{root}"])
def test_a_link_to_the_root_is_a_folder(try_read: Read, root: Path, target: str) -> None:
    (root / "link").symlink_to(target.format(root=root))

    assert refused(lambda: try_read("link")).code == "not_a_file"


def test_links_in_a_circle_end(try_read: Read, root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")

    assert refused(lambda: try_read("a")).code == "path_not_allowed"


def test_pipes_sockets_and_devices_are_refused_at_once(try_read: Read, root: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener, os_chdir(root):
        listener.bind("socket")

        assert "is a pipe" in refused(lambda: try_read("pipe")).message
        assert "is a socket" in refused(lambda: try_read("socket")).message


def test_a_device_and_a_view_of_the_system_are_refused_even_where_everything_is_open(try_read: Read) -> None:
    assert "is a device" in refused(lambda: try_read("/dev/zero", roots=(Path("/"),))).message
    assert "running system" in refused(lambda: try_read("/proc/self/environ", roots=(Path("/"),))).message
    assert (
        "running system" in refused(lambda: try_read("/proc/self/root/proc/self/environ", roots=(Path("/"),))).message
    )


def test_a_file_that_is_too_large_is_told_with_both_sizes(try_read: Read, root: Path) -> None:
    os.truncate(root / "a.txt", 12_000_000)

    error = refused(lambda: try_read("a.txt", max_bytes=10_000_000))

    assert (error.code, error.message) == (
        "file_too_large",
        "'a.txt' has 12,000,000 bytes, and at most 10,000,000 can be read.",
    )


@pytest.mark.parametrize("size", [0, 1, 5])
def test_a_file_of_exactly_the_limit_is_read(try_read: Read, root: Path, size: int) -> None:
    os.truncate(root / "a.txt", size)

    assert try_read("a.txt", max_bytes=size).data == b"hello"[:size]


def test_a_hard_link_is_a_file_like_any_other(try_read: Read, root: Path) -> None:
    os.link(root / "a.txt", root / "b.txt")

    assert try_read("b.txt").data == b"hello"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(try_read: Read, root: Path) -> None:
    (root / "a.txt").chmod(0)

    assert refused(lambda: try_read("a.txt")).code == "file_unreadable"


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("b.txt", "Did you mean 'a.txt'?"),
        ("A.TXT", "Did you mean 'a.txt'?"),
        ("src/logo.jpg", "Did you mean 'src/logo.png'?"),
        ("src/zzzzzz", "Paths count from {root}."),
        ("env", "Paths count from {root}."),
        ("none/a.txt", "Paths count from {root}."),
        ("GIT~1", "Paths count from {root}."),
    ],
)
def test_a_missing_file_is_told_with_near_names_but_no_secrets(
    try_read: Read, root: Path, asked: str, hint: str
) -> None:
    (root / ".env").write_bytes(b"KEY=1")

    error = refused(lambda: try_read(asked))

    assert (error.code, error.hint) == ("file_not_found", hint.format(root=root))


def test_a_root_that_does_not_exist_is_told(try_read: Read, tmp_path: Path) -> None:
    error = refused(lambda: try_read("a.txt", roots=(tmp_path / "gone",)))

    assert "gone does not exist" in error.message


async def test_a_read_that_is_cancelled_ends_at_once(root: Path, make_settings: MakeSettings) -> None:
    workspace = Workspace(make_settings(roots=[root]))

    with anyio.CancelScope() as scope:
        scope.cancel()
        await workspace.read("a.txt", max_bytes=100)

    assert scope.cancelled_caught


def test_no_descriptor_stays_open(try_read: Read, root: Path) -> None:
    (root / "link").symlink_to(root / "src")
    before = len(list(Path("/dev/fd").iterdir()))

    for path in ("a.txt", "link/logo.png", "link/none", "src", "none/none"):
        try:
            try_read(path)
        except InputError:
            continue

    assert len(list(Path("/dev/fd").iterdir())) == before


@pytest.mark.parametrize(
    ("name", "data", "mime"),
    [
        ("a.bin", b"%PDF-1.7", "application/pdf"),
        ("a.png", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a", b"GIF89a", "image/gif"),
        ("a", b"RIFF\0\0\0\0WEBPVP8", "image/webp"),
        ("a.csv", b"a,b", "text/csv"),
        ("a.html", b"<p>", "text/html"),
        ("a.csv.gz", b"\x1f\x8b", "application/octet-stream"),
        ("a.unknown", b"", "application/octet-stream"),
    ],
)
def test_the_media_type_comes_from_the_content_before_the_name(name: str, data: bytes, mime: str) -> None:
    assert mime_of(name, data) == mime
