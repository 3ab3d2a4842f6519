"""Server-sent events: bytes in, events out, no I/O.

Follows the WHATWG HTML standard, section 9.2.6: lines end in CR, LF or CRLF, wherever the bytes are cut, and in
nothing else; an event without data is not dispatched; an event that the stream does not finish is dropped.
"""

from __future__ import annotations

from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"
_NEWLINE = 0x0A


class ServerSentEvent(NamedTuple):
    """One dispatched event. `event` is "message" where the stream named none."""

    event: str
    data: str
    id: str


class EventTooLargeError(ValueError):
    """One event is larger than the decoder's limit."""


class SSEDecoder:
    """Feed it the body in any cut; it returns the events that are complete, in order, in linear time.

    Blocks (what stands between two blank lines) are taken whole: only the last one is kept until its end comes.
    """

    def __init__(self, max_event_bytes: int = 64 * 2**20) -> None:
        self._max = max_event_bytes
        self._pieces: list[bytes] = []  # of the unfinished block, joined once
        self._size = 0
        self._id = ""
        self.retry_ms: int | None = None
        """How long the stream asks to wait before a new connection; a paid POST never makes one."""
        self._after_cr = False
        self._head: bytes | None = b""  # the first bytes, until it is known whether they are a byte order mark
        self._too_large = False

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that `chunk` completes.

        Raises:
            EventTooLargeError: an event exceeds the limit; the events before it have been returned.
        """
        self.close()
        if self._head is not None:
            self._head += chunk
            if len(self._head) < len(_BOM) and _BOM.startswith(self._head):
                return []
            chunk, self._head = self._head.removeprefix(_BOM), None
        if self._after_cr or b"\r" in chunk:
            chunk = self._with_newlines(chunk)
        pieces = self._pieces
        if not pieces and chunk.endswith(b"\n\n"):  # nothing before and nothing left over: what most chunks are
            return self._dispatched(chunk[:-2])
        if not chunk:
            return []
        if pieces:
            pieces.append(chunk)
            if b"\n\n" not in chunk and not (chunk[0] == _NEWLINE == pieces[-2][-1]):
                return self._kept(len(chunk))
            chunk = b"".join(pieces)
        end = chunk.rfind(b"\n\n")
        if end < 0:
            self._pieces = [chunk]
            self._size = 0
            return self._kept(len(chunk))
        events = self._dispatched(chunk[:end])
        rest = chunk[end + 2 :]
        self._pieces = [rest] if rest else []
        self._size = 0
        return self._kept(len(rest), events)

    def close(self) -> None:
        """Called at the end of the stream: what is unfinished is dropped.

        Raises:
            EventTooLargeError: as in `feed`, if nothing was fed since.
        """
        if self._too_large:
            raise EventTooLargeError(f"an event is larger than {self._max:,} bytes")

    def _with_newlines(self, chunk: bytes) -> bytes:
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _kept(self, more: int, events: list[ServerSentEvent] | None = None) -> list[ServerSentEvent]:
        self._size += more
        if self._size > self._max:
            self._too_large = True
        if not self._too_large:
            return events or []
        self._pieces = []
        return events or self.feed(b"")

    def _dispatched(self, blocks: bytes) -> list[ServerSentEvent]:
        events: list[ServerSentEvent] = []
        if len(blocks) > self._max and any(len(each) > self._max for each in blocks.split(b"\n\n")):
            fine: list[bytes] = []
            for each in blocks.split(b"\n\n"):
                if len(each) > self._max:
                    break
                fine.append(each)
            blocks, self._too_large = b"\n\n".join(fine), True
        for block in blocks.decode("utf-8", "replace").split("\n\n"):
            # The two shapes that nearly all events have are read at once.
            if block.startswith("event: "):
                name, separator, data = block[7:].partition("\ndata: ")
                if separator and "\n" not in data and "\n" not in name:
                    events.append(ServerSentEvent(name or "message", data, self._id))
                    continue
            elif block.startswith("data: ") and "\n" not in block:
                events.append(ServerSentEvent("message", block[6:], self._id))
                continue
            if (event := self._event(block)) is not None:
                events.append(event)
        return events

    def _event(self, block: str) -> ServerSentEvent | None:
        data: list[str] = []
        name = ""
        for line in block.split("\n"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                data.append(value)
            elif field == "event":
                name = value
            elif field == "id" and "\0" not in value:
                self._id = value
            elif field == "retry" and value.isascii() and value.isdigit():
                self.retry_ms = int(value[:18])
            # an empty name is a comment; all else is ignored
        return ServerSentEvent(name or "message", "\n".join(data), self._id) if data else None
