"""The model's own process: serves one GGUF file over the OpenAI chat API, on loopback, behind a random key.

Started with ``python -m theo_mcp.engine.child``. It reads one JSON line from stdin (``{"model", "key", "context"}``),
writes one to stdout (``{"address"}`` or ``{"error"}``) and serves until stdin closes, so it cannot outlive whoever
started it. It imports nothing else of this package.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1
_kept: list[object] = []  # the server lives as long as the process


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    if sys.platform == "linux":  # loading holds the GIL, and a closed stdin is not seen before it is over
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    answer = os.dup(1)
    os.dup2(2, 1)  # whatever the library prints goes to stderr
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_exit_at_end_of_input, daemon=True).start()
    try:
        address = _serve(order["model"], order["key"], int(order["context"]), order["name"])
    except ImportError:
        _say(answer, {"error": "missing"})
        os._exit(4)
    except RuntimeError as error:
        _say(answer, {"error": str(error) or "the file is not a model that can be loaded"})
        os._exit(3)
    except Exception as error:
        _say(answer, {"error": f"{type(error).__name__}: {error}"})
        os._exit(3)
    _say(answer, {"address": address})
    threading.Event().wait()


def _serve(model: str, key: str, context: int, name: str) -> str:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {name}
    params.n_ctx = context
    params.n_parallel = 1
    params.n_batch = 64  # a cancel is seen between batches: 0.4 s instead of seconds in a long prompt
    params.cpuparams.n_threads = 1  # a second thread gains nothing idle and loses 3 x when anything else runs
    params.cpuparams_batch.n_threads = 2
    params.cache_ram_mib = 128
    params.verbosity = -1
    params.api_keys = [key]
    params.cors_origins = ""
    params.ui = False
    params.endpoint_slots = False
    server = xllamacpp.Server(params)
    _kept.append(server)
    return str(server.listening_address)


def _say(fd: int, line: dict[str, str]) -> None:
    os.write(fd, json.dumps(line).encode() + b"\n")


def _exit_at_end_of_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
