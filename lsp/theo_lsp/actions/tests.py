"""Tests for a definition, in a new file where the project keeps its tests, named as its neighbours are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from theo_lsp.actions import Action, NewFile, Offer
from theo_lsp.documents import names_of, path_of
from theo_lsp.selection import Selection, is_prose


def _offer(selection: Selection) -> Offer | None:
    name = _path(selection).name
    is_test = name.startswith("test_") or any(mark in name for mark in ("_test.", ".test.", "_spec.", ".spec."))
    if is_prose(selection.document.language) or selection.block is None or is_test:
        return None
    return Offer(selection.over(*selection.block))


def _task(selection: Selection, instruction: str) -> str:
    return (
        f"Write tests for the marked definition, which is in {_path(selection).name}, with the test framework that "
        "the project uses, or else the one that is usual for its language: what it is for, its edge cases, and its "
        "errors. Return one complete file, with its imports."
    )


def _new_file(selection: Selection, instruction: str, folders: Sequence[Path]) -> NewFile:
    from theo_lsp.habit import habit  # not needed before a run

    document = path_of(selection.document.uri)
    path = document or Path(_path(selection))
    root = next((folder for folder in folders if document and path.is_relative_to(folder)), None)
    found = habit(path, selection.document.language, root)
    about = f"The project's tests use {found.framework}." if found.framework else ""
    if found.folder != path.parent and root is not None:
        where = found.folder.relative_to(root).as_posix()
        about += f" The file is {where}/{found.name}; import what is tested from {path.relative_to(root).as_posix()}."
    return NewFile(found.name, selection.document.language, found.folder if document else None, about.strip())


def _path(selection: Selection) -> PurePosixPath:
    return names_of(selection.document.uri)


ACTION = Action(
    name="tests",
    title="Write tests for this",
    kind="refactor.theo.tests",
    order=40,
    offer=_offer,
    task=_task,
    gives="file",
    new_file=_new_file,
)
