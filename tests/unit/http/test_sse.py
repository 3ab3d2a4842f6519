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
    "a carriage return and a line feed that are two ends": (
        b"data: 1\n\rdata: 2\r\n\r\n",
        [("message", "1", ""), ("message", "2", "")],
    ),
    "a colon alone and fields without one": (b":\n:\ndata:\ndata\n\n", [("message", "\n", "")]),
    "a name with a space before its colon": (b"data : x\n\ndata: y\n\n", [("message", "y", "")]),
    "a mark in the middle": (b"data: \xef\xbb\xbfx\n\n", [("message", "\ufeffx", "")]),
    "half a character at the end of a field": (b"data: \xf0\x9f\n\n", [("message", "\ufffd", "")]),
    "an id alone": (b"id: 7\n\ndata: x\n\n", [("message", "x", "7")]),
    "an id that is taken back": (b"id: 7\ndata: x\n\nid\ndata: y\n\n", [("message", "x", "7"), ("message", "y", "")]),
    "NUL in data and in a name": (b"event: a\0b\ndata: x\0y\n\n", [("a\0b", "x\0y", "")]),
    "many blank lines": (b"\n\n\n\ndata: x\n\n\n\n\n", [("message", "x", "")]),
    "unknown fields": (b"foo: bar\nretry: 10\ndata: x\ndatax: y\n\n", [("message", "x", "")]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_same_events_come_at_every_cut(name: str) -> None:
    body, expected = CASES[name]

    cuts = [[body[at : at + size] for at in range(0, len(body), size)] for size in (1, 2, 3, 7, len(body))]
    cuts += [[body[:at], body[at:]] for at in range(len(body))]
    cuts += [[body[:at], b"", body[at : at + 1], body[at + 1 :]] for at in range(len(body))]
    for chunks in cuts:
        decoder = SSEDecoder()
        events = [event for chunk in chunks for event in decoder.feed(chunk)]
        assert [(event.event, event.data, event.id) for event in events] == expected, chunks


@pytest.mark.parametrize(
    ("field", "retry_ms"),
    [(b"retry: 250", 250), (b"retry:9", 9), (b"retry: +5", None), (b"retry: 1_000", None), (b"retry: 1.5", None),
     ("retry: ٣".encode(), None), (b"retry", None), (b"retry: ", None), (b"retry: " + b"9" * 5000, 10**18 - 1)],
)  # fmt: skip
def test_retry_is_digits_or_nothing(field: bytes, retry_ms: int | None) -> None:
    decoder = SSEDecoder()

    assert decoder.feed(field + b"\ndata: x\n\n") == [("message", "x", "")]

    assert decoder.retry_ms == retry_ms


def test_an_event_over_the_limit_is_refused() -> None:
    decoder = SSEDecoder(max_event_bytes=100)

    decoder.feed(b"data: " + b"x" * 90)
    with pytest.raises(EventTooLargeError):
        decoder.feed(b"x" * 20)


def test_many_small_data_lines_count_together() -> None:
    decoder = SSEDecoder(max_event_bytes=100)

    with pytest.raises(EventTooLargeError):
        decoder.feed(b"data: x\n" * 60)
