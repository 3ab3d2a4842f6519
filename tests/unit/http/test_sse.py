"""The event-stream grammar of the WHATWG HTML standard, section 9.2.6, whole and at every cut."""

from __future__ import annotations

import pytest

from theo_mcp.http.sse import EventTooLargeError, SSEDecoder

CASES: dict[str, tuple[bytes, list[tuple[str, str, str]]]] = {
    "one event": (b"data: hello\n\n", [("message", "hello", "")]),
    "a named event": (b"event: token\ndata: {}\n\n", [("token", "{}", "")]),
    "carriage returns": (b"event: a\rdata: 1\r\rdata: 2\r\r", [("a", "1", ""), ("message", "2", "")]),
    "both": (b"event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", [("a", "1", ""), ("message", "2", "")]),
    "several data lines": (b"data: one\ndata\ndata:three\n\n", [("message", "one\n\nthree", "")]),
    "one space is taken": (b"data:  two spaces\n\n", [("message", " two spaces", "")]),
    "comments": (b": keep-alive\n\n:\ndata: x\n: y\n\n", [("message", "x", "")]),
    "an event without data": (b"event: ping\n\ndata: x\n\n", [("message", "x", "")]),
    "empty data": (b"data\n\n", [("message", "", "")]),
    "an empty event name": (b"event: a\nevent:\ndata: x\n\n", [("message", "x", "")]),
    "an id that stays": (b"id: 1\ndata: x\n\ndata: y\n\n", [("message", "x", "1"), ("message", "y", "1")]),
    "an id with NUL": (b"id: 1\nid: 2\x003\ndata: x\n\n", [("message", "x", "1")]),
    "a byte order mark": (b"\xef\xbb\xbfdata: x\n\n", [("message", "x", "")]),
    "only the first mark": (b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\ndata: y\n\n", [("message", "y", "")]),
    "an unfinished event": (b"data: x\n\ndata: lost\n", [("message", "x", "")]),
    "an unfinished line": (b"data: x\n\ndata: lo", [("message", "x", "")]),
    "bad UTF-8": (b"data: \xff\xe2\x82\n\n", [("message", "\ufffd\ufffd", "")]),
    "separators of Python, not of SSE": (
        "data: a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\n\n".encode(),
        [("message", "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg", "")],
    ),
    "unknown fields": (b"foo: bar\nretry: 10\ndata: x\ndatax: y\n\n", [("message", "x", "")]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_same_events_come_at_every_cut(name: str) -> None:
    body, expected = CASES[name]

    for size in (1, 2, 3, 7, len(body)):
        decoder = SSEDecoder()
        events = [event for at in range(0, len(body), size) for event in decoder.feed(body[at : at + size])]
        assert [(event.event, event.data, event.id) for event in events] == expected, size


def test_an_event_over_the_limit_is_refused() -> None:
    decoder = SSEDecoder(max_event_bytes=100)

    decoder.feed(b"data: " + b"x" * 90)
    with pytest.raises(EventTooLargeError):
        decoder.feed(b"x" * 20)


def test_many_small_data_lines_count_together() -> None:
    decoder = SSEDecoder(max_event_bytes=100)

    with pytest.raises(EventTooLargeError):
        decoder.feed(b"data: x\n" * 60)
