"""The models on disk. What needs the network is tested under the marker `model`."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from theo_mcp import errors
from theo_mcp.engine import models, pull
from theo_mcp.errors import InputError, NotAvailableError
from theo_mcp.testing import faults
from theo_mcp.testing.http import HttpServer

GGUF = b"GGUF" + bytes(5000)


def silent(_: str) -> None:
    pass


async def test_a_file_of_the_users_own_is_copied_listed_used_and_removed(tmp_path: Path) -> None:
    gguf = tmp_path / "My Model.Q4.gguf"
    gguf.write_bytes(b"GGUF" + bytes(1000))

    added = await pull.add_file(tmp_path / "data", gguf, None, silent)

    assert added.name == "my-model.q4"
    assert added.path.read_bytes() == gguf.read_bytes()
    assert not added.builtin
    assert models.installed(tmp_path / "data") == [added]
    assert models.chosen(tmp_path / "data", None) == added
    assert models.chosen(tmp_path / "data", "my-model.q4") == added
    models.remove(tmp_path / "data", "my-model.q4")
    assert models.installed(tmp_path / "data") == []
    assert list((tmp_path / "data" / "models").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a model", b"ggml"])
async def test_a_file_that_is_no_gguf_is_refused_and_nothing_is_left(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.gguf"
    file.write_bytes(content)

    with pytest.raises(InputError, match="not a GGUF"):
        await pull.add_file(tmp_path / "data", file, None, silent)

    assert models.installed(tmp_path / "data") == []


@pytest.mark.parametrize("source", ["none.gguf", "."])
async def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, source: str) -> None:
    with pytest.raises(InputError, match="could not be read"):
        await pull.add_file(tmp_path / "data", tmp_path / source, None, silent)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "A", "x" * 65, "a\0b"])
async def test_a_name_stays_inside_the_models_folder(tmp_path: Path, name: str) -> None:
    gguf = tmp_path / "m.gguf"
    gguf.write_bytes(b"GGUF")

    if name == "":
        assert (await pull.add_file(tmp_path / "data", gguf, name, silent)).name == "m"
    else:
        with pytest.raises(InputError, match="cannot be a model's name"):
            await pull.add_file(tmp_path / "data", gguf, name, silent)
    with pytest.raises(NotAvailableError):
        models.remove(tmp_path / "data", name or "..")


def test_a_folder_with_a_broken_manifest_is_not_a_model(tmp_path: Path) -> None:
    for number, manifest in enumerate(["", "{}", "[]", '{"name": 1, "extra": 2}']):
        folder = tmp_path / "models" / f"m{number}"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(manifest, encoding="utf-8")

    assert models.installed(tmp_path) == []


async def test_the_users_own_model_comes_before_the_built_in_one(tmp_path: Path) -> None:
    gguf = tmp_path / "zephyr.gguf"
    gguf.write_bytes(b"GGUF")
    own = await pull.add_file(tmp_path, gguf, None, silent)
    home = tmp_path / "models" / "smollm2-135m"
    home.mkdir()
    (home / "model.gguf").write_bytes(b"GGUF")
    (home / "manifest.json").write_text(
        (own.path.parent / "manifest.json")
        .read_text(encoding="utf-8")
        .replace('"zephyr"', '"smollm2-135m"', 1)
        .replace(own.sha256, models.BUILTIN_SHA256),
        encoding="utf-8",
    )

    assert [model.name for model in models.installed(tmp_path)] == ["smollm2-135m", "zephyr"]
    assert models.chosen(tmp_path, None).name == "zephyr"
    assert models.chosen(tmp_path, "smollm2-135m").builtin


@pytest.fixture
async def files() -> AsyncIterator[HttpServer]:
    async with HttpServer(faults.whole(faults.head(200, length=len(GGUF), etag='"1"') + GGUF)) as server:
        yield server


async def test_a_model_from_a_url_is_verified_and_installed(tmp_path: Path, files: HttpServer) -> None:
    said: list[tuple[int, int | None]] = []
    digest = hashlib.sha256(GGUF).hexdigest()

    model = await pull.pull_url(
        tmp_path, f"{files.origin}/My%20Model.Q4.gguf?token=1", digest, None, silent, lambda *at: said.append(at)
    )

    assert (model.sha256, model.size, model.source) == (digest, len(GGUF), "127.0.0.1")
    assert said[-1] == (len(GGUF), len(GGUF))
    assert models.installed(tmp_path) == [model]
    assert [path.name for path in (tmp_path / "models").iterdir()] == [model.name]


async def test_a_pull_that_breaks_says_so_and_goes_on_the_next_time(tmp_path: Path, files: HttpServer) -> None:
    digest = hashlib.sha256(GGUF).hexdigest()
    cut = faults.cut(faults.head(200, length=len(GGUF), etag='"1"') + GGUF[:10])
    files.next = [cut, faults.cut(faults.head(206, length=9, content_range="bytes 10-"))]
    with pytest.raises(models.PullError, match="goes on where it stopped"):
        await pull.pull_url(tmp_path, f"{files.origin}/m.gguf", digest, "mine", silent, lambda *_: None)
    assert models.installed(tmp_path) == []

    rest = GGUF[10:]
    files.next = [faults.whole(faults.head(206, length=len(rest), content_range="bytes 10-") + rest)]
    model = await pull.pull_url(tmp_path, f"{files.origin}/m.gguf", digest, "mine", silent, lambda *_: None)

    assert model.path.read_bytes() == GGUF
    assert files.requests[-1].headers["range"] == "bytes=10-"


@pytest.mark.parametrize(("sha256", "code"), [("0" * 64, "wrong_checksum"), ("abc", "validation_error")])
async def test_a_checksum_that_is_none_or_another_installs_nothing(
    tmp_path: Path, files: HttpServer, sha256: str, code: str
) -> None:
    with pytest.raises(errors.TheoError) as raised:
        await pull.pull_url(tmp_path, f"{files.origin}/m.gguf", sha256, None, silent, lambda *_: None)

    assert raised.value.code == code
    assert models.installed(tmp_path) == []


async def test_a_fetched_file_that_is_no_gguf_is_refused(tmp_path: Path, files: HttpServer) -> None:
    page = b"<html>sign in</html>"
    files.next = [faults.status(200, page)]

    with pytest.raises(models.PullError, match="not a GGUF"):
        await pull.pull_url(
            tmp_path, f"{files.origin}/m.gguf", hashlib.sha256(page).hexdigest(), None, silent, lambda *_: None
        )
