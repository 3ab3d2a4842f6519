"""What a sandbox's child runs: it takes one order after the other from its parent and answers each.

A fresh interpreter reaches this module after 7 ms and should stay that fast, so nothing but `os` and C modules is
imported until a job needs more: `json` costs 7 ms, `signal` with its enums 4 ms. That is why orders, which come from
our own process, are marshalled. Answers go to a process that must not trust this one: they are plain lengths and
bytes, which `theo_mcp.sandbox.frames` reads.
"""

from __future__ import annotations

import errno
import marshal
import os
import sys

from . import confine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import BufferedReader
    from types import TracebackType
    from typing import Any

    Answer = tuple[int, dict[str, bytes]]

HELLO, DONE, REFUSED, FAILED, MEMORY, TOO_LARGE = range(6)
MAGIC = b"theo"
_BROKEN = 70
_WORK = "work"
_GRACE_S = 5.0  # the parent's clock decides; this one is for a child whose parent was killed
_TEXT = 2000


def main() -> None:
    orders, wire = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # what a job prints or reads cannot touch the frames
        os.dup2(nothing, standard)
    os.close(nothing)
    try:
        with open(orders, "rb") as reader:
            _serve(reader, wire)
    except OSError:  # the parent has gone, or a job closed our files
        os._exit(_BROKEN)
    os._exit(0)  # neither exit handlers nor threads of a job's library get a say


def _serve(reader: BufferedReader, wire: int) -> None:
    start = _order(reader)
    sys.path[:] = start["path"]
    limits = start["limits"]
    confine.limit(limits, start["jobs"])
    words = confine.confine(start) if start["early"] else []
    try:
        for name in start["preload"]:
            __import__(name)
    except BaseException as error:
        _say(wire, 0, *_fault(error), last=True)
        return
    words = words or confine.confine(start)
    _say(wire, 0, HELLO, {"confined": " ".join(words).encode()})
    last = False
    while not last:
        confine.wait(reader, start["idle"])
        order = _order(reader)
        confine.begin(limits, _GRACE_S)
        kind, blobs = _answer(reader, order, limits["output_bytes"])
        last = (
            kind not in (DONE, REFUSED)
            or order["last"]
            or not _cleared(start["folder"])
            or confine.resident() > start["recycle"]
            or len(sys._current_frames()) > 1  # a thread of the job goes on
        )
        confine.pause()
        _say(wire, order["number"], kind, blobs, last=last)
        del blobs


def _order(reader: BufferedReader) -> dict[str, Any]:
    size = reader.read(8)
    if len(size) < 8:
        os._exit(0)  # end of input: the parent closed us, or has gone
    order: dict[str, Any] = marshal.loads(reader.read(int.from_bytes(size, "big")))
    return order


def _answer(reader: BufferedReader, order: dict[str, Any], output_bytes: int) -> Answer:
    """What the job returns, or how it failed; everything of the job is dropped again when this returns."""
    try:
        inputs = {name: reader.read(size) for name, size in order["inputs"]}
        if os.path.lexists(_WORK):  # made by an import, which takes it for its user's home
            _clear(_WORK)
        os.mkdir(_WORK, 0o700)
        os.chdir(_WORK)
        module, _, function = order["function"].partition(":")
        __import__(module)
        outputs, value = getattr(sys.modules[module], function)(**inputs, **order["options"])
        return _returned(outputs, value, output_bytes)
    except BaseException as error:
        return _fault(error)


def _returned(outputs: dict[str, bytes], value: object, output_bytes: int) -> Answer:
    blobs = {}
    for name, content in outputs.items():
        if not isinstance(name, str) or not isinstance(content, (bytes, bytearray, memoryview)) or not name:
            raise TypeError("an output is not bytes under a name")
        blobs[name] = bytes(content)
    if value is not None:
        import json

        blobs[""] = json.dumps(value, allow_nan=False).encode()
    if sum(len(blob) for blob in blobs.values()) > output_bytes:
        return TOO_LARGE, {}
    return DONE, blobs


def _fault(error: BaseException) -> Answer:
    if isinstance(error, MemoryError):
        return MEMORY, {}
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return TOO_LARGE, {}
    try:
        tree = sys.modules.get("theo_mcp.errors")
        if tree is not None and isinstance(error, (tree.InputError, tree.NotAvailableError)):
            kind = b"input" if isinstance(error, tree.InputError) else b"not_available"
            said = {"code": error.code, "message": error.message, "hint": error.hint}
            return REFUSED, {"kind": kind} | {name: _text(text) for name, text in said.items()}
        return FAILED, {
            "type": _text(type(error).__name__),
            "where": _where(error.__traceback__),
            "text": _text(str(error)),
        }
    except BaseException:  # its __str__ may be a job's too
        return FAILED, {"type": b"Exception"}


def _where(traceback: TracebackType | None) -> bytes:
    """The innermost line of Python, without its folder."""
    if traceback is None:
        return b""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return _text(f"{os.path.basename(traceback.tb_frame.f_code.co_filename)}:{traceback.tb_lineno}")


def _text(text: object) -> bytes:
    return str(text)[:_TEXT].encode(errors="replace")


def _say(wire: int, number: int, kind: int, blobs: dict[str, bytes], *, last: bool = False) -> None:
    head = b"".join(
        [MAGIC, bytes([kind, last]), number.to_bytes(8, "big"), len(blobs).to_bytes(2, "big")]
        + [
            len(name.encode()).to_bytes(1, "big") + name.encode() + len(blob).to_bytes(8, "big")
            for name, blob in blobs.items()
        ]
    )
    for part in (head, *blobs.values()):
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(wire, rest[: 1 << 20]) :]


def _cleared(folder: str) -> bool:
    """Leaves and empties the working folder; False where something in it resists, and the parent has to do it."""
    try:
        os.chdir(folder)
        _clear(_WORK)
    except (OSError, RecursionError):
        return False
    return True


def _clear(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    _clear(entry.path)
                else:
                    os.unlink(entry.path)
        os.rmdir(folder)
