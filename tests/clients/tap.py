"""``python tap.py FILE COMMAND…``: runs a server and keeps the first line that a client sends to it.

That line says what protocol the client speaks, which most of the clients keep to themselves.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main(file: str, *command: str) -> int:
    with subprocess.Popen(command, stdin=subprocess.PIPE) as server:
        assert server.stdin is not None
        line = sys.stdin.buffer.readline()
        Path(file).write_bytes(line)
        try:
            while line:
                server.stdin.write(line)
                server.stdin.flush()
                line = sys.stdin.buffer.readline()
            server.stdin.close()
        except BrokenPipeError:
            pass
        return server.wait()


sys.exit(main(*sys.argv[1:]))
