"""Server-sent events: bytes in, events out, no I/O.

Follows the WHATWG HTML standard, section 9.2.6: lines end in CR, LF or CRLF, wherever the bytes are cut, and in
nothing else; an event without data is not dispatched; an event that the stream does not finish is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One dispatched event. `event` is "message" where the stream named none."""

    event: str
    data: str
    id: str


class EventTooLargeError(ValueError):
    """One event is larger than the decoder's limit."""


class SSEDecoder:
    """Feed it the body in any cut; it returns the events that are complete, in order, in linear time."""

    def __init__(self, max_event_bytes: int = 64 * 2**20) -> None:
        self._max = max_event_bytes
        self._line: list[bytes] = []  # pieces of the unfinished line, joined once
        self._line_bytes = 0
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._event = b""
        self._id = ""
        self._after_cr = False
        self._head: bytes | None = b""  # the first bytes, until it is known whether they are a byte order mark

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that `chunk` completes.

        Raises:
            EventTooLargeError: an event exceeds the limit.
        """
        if self._head is not None:
            self._head += chunk
            if len(self._head) < len(_BOM) and _BOM.startswith(self._head):
                return []
            chunk, self._head = self._head.removeprefix(_BOM), None
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        *lines, rest = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        events: list[ServerSentEvent] = []
        for line in lines:
            if self._line:
                line = b"".join([*self._line, line])
                self._line, self._line_bytes = [], 0
            if line:
                self._field(line)
            elif (event := self._dispatch()) is not None:
                events.append(event)
        if rest:
            self._line.append(rest)
            self._line_bytes += len(rest)
            self._limit()
        return events

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._data_bytes += len(value) + 1
            self._limit()
        elif name == b"event":
            self._event = value
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")
        # `retry` asks to reconnect, which a paid POST never does; an empty name is a comment; all else is ignored

    def _dispatch(self) -> ServerSentEvent | None:
        data, name = self._data, self._event
        self._data, self._data_bytes, self._event = [], 0, b""
        if not data:
            return None
        return ServerSentEvent(
            event=name.decode("utf-8", "replace") or "message",
            data=b"\n".join(data).decode("utf-8", "replace"),
            id=self._id,
        )

    def _limit(self) -> None:
        if self._line_bytes + self._data_bytes > self._max:
            raise EventTooLargeError(f"an event is larger than {self._max} bytes")
