"""The answer to ``initialize``, given before anything is imported that takes time.

Editors wait for it, and what makes it takes ten times as long to import as all that is needed to send it. So it is
printed beforehand, in ``hello.json``, by ``python -m tests.snapshots``. The message then goes to the server like any
other, only that its own answer is left out. What is no message that this understands is left to the server altogether,
and so is an editor that says nothing at first: only the server looks whether it still lives.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time

from theo_lsp.wire.frames import Frames, tell_unreadable

TYPE_CHECKING = False  # `typing` takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

    from theo_lsp.wire.peers import Peer

PRINTED = os.path.join(os.path.dirname(__file__), "hello.json")  # noqa: PTH118, PTH120 - pathlib takes as long
ENCODINGS = ("utf-8", "utf-16", "utf-32")
_READ = 2**16
_PATIENCE_S = 2.0


class Begun:
    """What was read so far, and whether the first message of it is answered."""

    def __init__(self) -> None:
        self.frames = Frames()
        self.bodies: list[bytes] = []
        self.answered = False


def begin(peer: Peer) -> Begun | None:
    """Reads the first message and answers it, if it is a plain ``initialize``; None where there is no message."""
    begun = Begun()
    patient_until = time.monotonic() + _PATIENCE_S
    try:
        while not begun.bodies:
            if not _readable(peer, patient_until - time.monotonic()):
                return begun
            data = peer.read(_READ)
            if not data:
                return None
            begun.bodies += begun.frames.feed(data)
        answer = answered(begun.bodies[0])
        if answer is not None:
            peer.write(answer)
            begun.answered = True
    except ValueError as error:
        if begun.bodies:  # met again by who reads on
            return begun
        tell_unreadable(error)
        return None
    except OSError:
        return None
    return begun


def answered(body: bytes) -> bytes | None:
    """The answer to a first message; None where the server is to judge it."""
    try:
        message = json.loads(body)
        if message["jsonrpc"] != "2.0" or message["method"] != "initialize":
            return None
        id, capabilities = message["id"], message["params"]["capabilities"]
        if "[" in (message["params"].get("rootUri") or ""):  # not every such address can be read
            return None
        encoding = _encoding(capabilities)
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None
    if encoding is None or isinstance(id, bool) or not isinstance(id, str | int):
        return None
    with open(PRINTED, "rb") as file:  # noqa: PTH123
        result = json.load(file)
    result["capabilities"]["positionEncoding"] = encoding
    return framed(json.dumps({"id": id, "jsonrpc": "2.0", "result": result}).encode())


def plain(params: dict[str, object]) -> dict[str, object]:
    """What `answered` has understood of the parameters."""
    process, root = params.get("processId"), params.get("rootUri")
    capabilities: Any = params["capabilities"]
    return {
        "processId": process if isinstance(process, int) else None,
        "rootUri": root if isinstance(root, str) else None,
        "capabilities": {"general": {"positionEncodings": [_encoding(capabilities)]}},
    }


def framed(body: bytes) -> bytes:
    kind = b"application/vscode-jsonrpc; charset=utf-8"
    return b"Content-Length: %d\r\nContent-Type: %s\r\n\r\n%s" % (len(body), kind, body)


def _encoding(capabilities: dict[str, dict[str, object]]) -> str | None:
    """How positions are counted: as the editor likes best. None where what it says is not to be read."""
    general = capabilities.get("general")
    wanted = None if general is None else general.get("positionEncodings")
    if wanted is None:
        return "utf-16"
    if not isinstance(wanted, list):
        return None
    return next((each for each in wanted if each in ENCODINGS), "utf-16")


def _readable(peer: Peer, seconds: float) -> bool:
    if sys.platform == "win32":  # there only sockets can be waited for
        return True
    return bool(select.select([peer.fileno()], [], [], max(seconds, 0.0))[0])
