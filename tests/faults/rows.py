"""The list of faults: what the service does, and what the caller must see. Each row is one test.

An outcome is written as a person would check it: the error's type and code, the text that was kept, how many requests
went out, and whether the same call may be made again.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass, field
from typing import Literal

from theo_mcp.http.options import Limits, Timeouts
from theo_mcp.http.retry import RetryPolicy
from theo_mcp.testing.faults import (
    EVENTS,
    bomb,
    cut,
    done,
    drip,
    head,
    reset,
    stall,
    status,
    token,
    whole,
)
from theo_mcp.testing.http import Handler

How = Literal["complete", "stream", "models"]

QUICK = Timeouts(connect=1.0, first_byte=0.15, idle=0.15, whole=0.3)
PROMPT = RetryPolicy(backoff=0.001, max_retry_after=1.0)
ANSWER = {"id": "cmpl_1", "object": "completion", "content": "Hello", "usage": {"cost_cents": 1}}
BODY = json.dumps(ANSWER).encode()
MODELS = b'{"models": [{"mode": "fast", "model_id": "theo-1-flash"}]}'
STREAM = head(200, EVENTS)
GOOD = status(200, ANSWER)
GOOD_MODELS = status(200, MODELS.decode())
ERROR = {"error": {"message": "No.", "code": "server_error", "request_id": "req_1"}}


@dataclass(frozen=True)
class Row:
    """One fault. `expected` is the outcome in words, made by `tests.faults.outcome`."""

    id: str
    does: tuple[Handler, ...]
    how: How
    expected: str
    timeouts: Timeouts = QUICK
    policy: RetryPolicy = PROMPT
    limits: Limits = field(default_factory=Limits)


def chunked(*parts: bytes, end: bytes = b"0\r\n\r\n", kind: str = EVENTS) -> bytes:
    sent = head(200, kind, transfer_encoding="chunked")
    return sent + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end


def both(code: int, body: object = ERROR, **headers: str) -> tuple[Handler, ...]:
    """The same refusal as often as it is asked for."""
    return (status(code, body, **headers),) * 5


BUSY = both(429, {"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}, retry_after="0.01")
LOST = "ConnectionLostError connection_lost"
TIMEOUT = "TimeoutExceededError timeout"
STREAM_CUT = "StreamError stream_failed"
ODD = "ProtocolError unexpected_answer"

REFUSED = [
    Row("a 429, then an answer", (BUSY[0], GOOD), "complete", "Hello | 2 requests"),
    Row("a 429 for ever", BUSY, "complete", "RateLimitError rate_limit_exceeded | 3 requests | again in 0.01"),
    Row(
        "a 429 with Retry-After above the cap",
        both(429, retry_after="3600"),
        "complete",
        "RateLimitError server_error | 1 request | again in 3600",
    ),
    Row(
        "a 429 with Retry-After beyond the deadline",
        both(429, retry_after="0.9"),
        "complete",
        "RateLimitError server_error | 1 request | again in 0.9",
    ),
    Row(
        "a 429 with Retry-After as a date",
        (status(429, "", retry_after="Sat, 21 Nov 2026 10:00:00 GMT", date="Sat, 21 Nov 2026 10:00:00 GMT"), GOOD),
        "complete",
        "Hello | 2 requests",
    ),
    Row(
        "a 429 with Retry-After as a date far ahead",
        both(429, "", retry_after="Sat, 21 Nov 2026 11:00:00 GMT", date="Sat, 21 Nov 2026 10:00:00 GMT"),
        "complete",
        "RateLimitError rate_limit_exceeded | 1 request | again in 3600",
    ),
    Row("a 429 with retry-after-ms", (status(429, "", retry_after_ms="10"), GOOD), "complete", "Hello | 2 requests"),
    Row(
        "a 429 with junk in Retry-After",
        (status(429, "", retry_after="soon, maybe"), GOOD),
        "complete",
        "Hello | 2 requests",
    ),
    Row(
        "a 429 with a negative Retry-After", (status(429, "", retry_after="-5"), GOOD), "complete", "Hello | 2 requests"
    ),
    Row("a 429 with Retry-After: nan", (status(429, "", retry_after="nan"), GOOD), "complete", "Hello | 2 requests"),
    Row(
        "a 429 that says x-should-retry: false",
        both(429, x_should_retry="false"),
        "complete",
        "RateLimitError server_error | 1 request | again",
    ),
    Row(
        "a 429 of one mode",
        both(429, {"error": {"code": "mode_rate_limit_exceeded"}}, retry_after="9"),
        "complete",
        "RateLimitError mode_rate_limit_exceeded | 1 request | again in 9",
    ),
    Row("a 429 in place of a stream", (BUSY[0], cut(STREAM + token("Hi") + done("Hi"))), "stream", "Hi | 2 requests"),
    Row("a 503, then an answer", (status(503, ERROR), GOOD), "complete", "Hello | 2 requests"),
    Row(
        "a 503 with Retry-After: 30, as health has it",
        both(503, retry_after="30"),
        "complete",
        "ServiceError server_error | 1 request | again in 30",
    ),
    Row("a 503 in place of a stream", (status(503), cut(STREAM + done("Hi"))), "stream", "Hi | 2 requests"),
    Row("a 408", (status(408), GOOD), "complete", "Hello | 2 requests"),
    Row("a 425", (status(425), GOOD), "complete", "Hello | 2 requests"),
]

SETTLED = [
    Row(f"a {code} {word}", (status(code, {"error": {"message": "No.", "code": word}}), GOOD), "complete",
        f"{kind} {word} | 1 request")
    for code, word, kind in [
        (400, "validation_error", "BadRequestError"), (401, "invalid_api_key", "AuthenticationError"),
        (401, "key_expired", "AuthenticationError"), (402, "insufficient_credits", "CreditsError"),
        (403, "missing_scope", "PermissionDeniedError"), (404, "not_found", "NotFoundError"),
        (409, "conflict", "BadRequestError"), (422, "guardrail_violation", "BadRequestError"),
    ]
] + [
    Row("a 402 whose error is a string", (status(402, {"error": "Out of credits"}),), "complete",
        "CreditsError insufficient_credits | 1 request"),
    Row("a 418", (status(418, "short and stout"), GOOD), "complete", "ServiceError server_error | 1 request"),
    Row("a 400 that says x-should-retry: true", (status(400, ERROR, x_should_retry="true"), GOOD), "complete",
        "Hello | 2 requests"),
]  # fmt: skip

AMBIGUOUS = [
    Row("a 500 on a paid POST", (status(500, ERROR), GOOD), "complete", "ServiceError server_error | 1 request"),
    Row(
        "a 502 page of an edge on a paid POST",
        (status(502, "<html><title>502 Bad Gateway</title></html>"), GOOD),
        "complete",
        "ServiceError server_error | 1 request",
    ),
    Row("a 504 on a paid POST", (status(504), GOOD), "complete", "ServiceError server_error | 1 request"),
    Row(
        "a 500 that says x-should-retry: true",
        (status(500, ERROR, x_should_retry="true"), GOOD),
        "complete",
        "Hello | 2 requests, one key",
    ),
    Row(
        "a 500 on a paid POST with retry_ambiguous",
        (status(500, ERROR), GOOD),
        "complete",
        "Hello | 2 requests, one key",
        policy=RetryPolicy(backoff=0.001, retry_ambiguous=True),
    ),
    Row(
        "a cut before the head with retry_ambiguous",
        (cut(), GOOD),
        "complete",
        "Hello | 2 requests, one key",
        policy=RetryPolicy(backoff=0.001, retry_ambiguous=True),
    ),
    Row("a 500 on a GET", (status(500), GOOD_MODELS), "models", "theo-1-flash | 2 requests"),
    Row("a 502 on a GET, for ever", both(502), "models", "ServiceError server_error | 3 requests | again"),
    Row("a 504 on a GET", (status(504), GOOD_MODELS), "models", "theo-1-flash | 2 requests"),
    Row("a cut before the head on a GET", (cut(), GOOD_MODELS), "models", "theo-1-flash | 2 requests"),
    Row(
        "a truncated body on a GET",
        (cut(head(200, length=500) + MODELS), GOOD_MODELS),
        "models",
        "theo-1-flash | 2 requests",
    ),
    Row("a reset on a GET", (reset(), GOOD_MODELS), "models", "theo-1-flash | 2 requests"),
    Row("a 500 in place of a stream", (status(500, ERROR), GOOD), "stream", "ServiceError server_error | 1 request"),
]

CUT = [
    Row("a cut before the head", (cut(), GOOD), "complete", f"{LOST} | 1 request"),
    Row("a reset before the head", (reset(), GOOD), "complete", f"{LOST} | 1 request"),
    Row(
        "a cut in the middle of the head",
        (cut(b"HTTP/1.1 200 OK\r\nContent-Ty"), GOOD),
        "complete",
        f"{LOST} | 1 request",
    ),
    Row("a head that is not HTTP", (cut(b"220 smtp.example ESMTP\r\n\r\n"), GOOD), "complete", f"{LOST} | 1 request"),
    Row(
        "a TLS alert in place of a head",
        (cut(b"\x15\x03\x01\x00\x02\x02\x46"), GOOD),
        "complete",
        f"{LOST} | 1 request",
    ),
    Row(
        "an endless head",
        (drip(b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 9000 + b"\r\n", 0), GOOD),
        "complete",
        f"{LOST} | 1 request",
    ),
    Row(
        "a body shorter than its length",
        (cut(head(200, length=500) + BODY), GOOD),
        "complete",
        f"{LOST}, kept 'the answer…' | 1 request",
    ),
    Row(
        "a reset in the middle of the body",
        (reset(head(200, length=500)), GOOD),  # a reset may take back what was sent before it
        "complete",
        f"{LOST} | 1 request",
    ),
    Row(
        "a chunked body cut in a chunk",
        (cut(chunked(BODY, end=b"ff\r\nab", kind="application/json")), GOOD),
        "complete",
        f"{LOST}, kept 'the answer…' | 1 request",
    ),
    Row(
        "a chunked body cut before its last chunk",
        (cut(chunked(BODY, end=b"", kind="application/json")), GOOD),
        "complete",
        f"{LOST}, kept 'the answer…' | 1 request",
    ),
    Row(
        "a chunk whose length is no number",
        (cut(chunked(end=b"zz\r\n", kind="application/json")), GOOD),
        "complete",
        f"{LOST} | 1 request",
    ),
    Row(
        "two different lengths",
        (cut(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n{}  "), GOOD),
        "complete",
        f"{LOST} | 1 request",
    ),
    Row("a stream cut before its first event", (cut(STREAM),), "stream", f"{STREAM_CUT} | 1 request"),
    Row(
        "a stream cut cleanly between events",
        (cut(STREAM + token("Hel")),),
        "stream",
        f"{STREAM_CUT}, kept 'Hel' | 1 request",
    ),
    Row(
        "a stream cut in the middle of an event",
        (cut(STREAM + token("Hel") + b"event: token\ndata: {"),),
        "stream",
        f"{STREAM_CUT}, kept 'Hel' | 1 request",
    ),
    Row(
        "a stream cut in the middle of the terminator",
        (cut(STREAM + token("Hel") + done("Hello")[:-1]),),
        "stream",
        f"{STREAM_CUT}, kept 'Hel' | 1 request",
    ),
    Row(
        "a chunked stream cut without its last chunk",
        (cut(chunked(token("Hel"), end=b"")),),
        "stream",
        f"{LOST}, kept 'Hel' | 1 request",
    ),
    Row(
        "a chunked stream that ends without its terminator",
        (whole(chunked(token("Hel"))),),
        "stream",
        f"{STREAM_CUT}, kept 'Hel' | 1 request",
    ),
    Row(
        "a reset in the middle of a stream",
        (reset(STREAM + token("Hel")),),
        "stream",
        f"{LOST}, kept 'Hel' | 1 request",
    ),
]

SLOW = [
    Row("silence before the head", (stall(), GOOD), "complete", f"{TIMEOUT} | 1 request"),
    Row("silence before the head of a stream", (stall(), GOOD), "stream", f"{TIMEOUT} | 1 request"),
    Row("silence before the head of a GET", (stall(), GOOD_MODELS), "models", f"{TIMEOUT} | 1 request | again"),
    Row(
        "silence in the middle of the head", (stall(b"HTTP/1.1 200 OK\r\n"), GOOD), "complete", f"{TIMEOUT} | 1 request"
    ),
    Row(
        "silence in the middle of the body",
        (stall(head(200, length=500) + BODY), GOOD),
        "complete",
        f"{TIMEOUT}, kept 'the answer…' | 1 request",
    ),
    Row("a dripped head", (drip(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"), GOOD), "complete", f"{TIMEOUT} | 1 request"),
    Row(
        "a dripped head of a stream", (drip(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),), "stream", f"{TIMEOUT} | 1 request"
    ),
    Row("a dripped body", (drip(head(200, length=10**6), b" "), GOOD), "complete", f"{TIMEOUT}, kept ' …' | 1 request"),
    Row(
        "a body without an end",
        (stall(head(200) + BODY), GOOD),
        "complete",
        f"{TIMEOUT}, kept 'the answer…' | 1 request",
    ),
    Row(
        "informational heads for ever",
        (drip(b"", b"HTTP/1.1 102 -\r\n\r\n"), GOOD),
        "complete",
        f"{TIMEOUT} | 1 request",
    ),
    Row(
        "silence in the middle of a stream",
        (stall(STREAM + token("Hel")),),
        "stream",
        f"{TIMEOUT}, kept 'Hel' | 1 request",
    ),
    Row(
        "comments for ever",
        (drip(STREAM + token("Hel"), b": keep-alive\n\n"),),
        "stream",
        f"{TIMEOUT}, kept 'Hel' | 1 request",
    ),
    Row(
        "comments for ever after an id",
        (drip(STREAM + b"id: 1\n\n" + token("Hel"), b": keep-alive\n\n"),),
        "stream",
        f"{TIMEOUT}, kept 'Hel' | 1 request",
    ),
    Row(
        "events without data for ever",
        (drip(STREAM + token("Hel"), b"event: token\n\n"),),
        "stream",
        f"{TIMEOUT}, kept 'Hel' | 1 request",
    ),
    Row(
        "an event dripped byte by byte",
        (drip(STREAM + token("Hel") + b"data: ", b"x"),),
        "stream",
        f"{TIMEOUT}, kept 'Hel' | 1 request",
    ),
    Row(
        "tokens for ever, and a deadline for the whole stream",
        (drip(STREAM, token("x")),),
        "stream",
        f"{TIMEOUT}, kept 'x…' | 1 request",
        timeouts=Timeouts(connect=1, first_byte=0.15, idle=0.15, total=0.2),
    ),
    Row(
        "an error page of a refused stream, dripped",
        (drip(head(500, length=10**6), b" "),),
        "stream",
        f"{TIMEOUT} | 1 request",
    ),
]

HELD = [
    Row(
        "a connection held open after the terminator",
        (stall(STREAM + token("Hi") + done("Hi")),),
        "stream",
        "Hi | 1 request",
    ),
    Row(
        "events after the terminator",
        (drip(STREAM + token("Hi") + done("Hi"), token("more")),),
        "stream",
        "Hi | 1 request",
    ),
    Row("a reset after the terminator", (reset(STREAM + token("Hi") + done("Hi")),), "stream", "Hi | 1 request"),
    Row(
        "a second answer behind the first",
        (whole(head(200, length=len(BODY)) + BODY + head(200, length=2) + b"{}"), GOOD),
        "complete",
        "Hello | 1 request | then Hello",
    ),
    Row(
        "junk behind the answer",
        (whole(head(200, length=len(BODY)) + BODY + b"junk"), GOOD),
        "complete",
        "Hello | 1 request | then Hello",
    ),
    Row(
        "junk behind a chunked answer",
        (whole(chunked(BODY, kind="application/json") + b"junk"), GOOD),
        "complete",
        "Hello | 1 request | then Hello",
    ),
    Row(
        "junk behind an error",
        (whole(head(400, length=2) + b"{}" + b"junk"), GOOD),
        "complete",
        "BadRequestError bad_request | 1 request | then Hello",
    ),
    Row(
        "a close after the answer that announced keep-alive",
        (cut(head(200, length=len(BODY)) + BODY), GOOD),
        "complete",
        "Hello | 1 request | then Hello",
    ),
]

WRONG = [
    Row(
        "a page in place of JSON",
        (status(200, "<html>Log in</html>", content_type="text/html"), GOOD),
        "complete",
        f"{ODD}, kept '<html>Log in</html>' | 1 request",
    ),
    Row(
        "half a JSON",
        (status(200, '{"id": "cmpl_1", "con'), GOOD),
        "complete",
        f'{ODD}, kept \'{{"id": "cmpl_1", "con\' | 1 request',
    ),
    Row("a list in place of an object", (status(200, [1, 2]), GOOD), "complete", f"{ODD}, kept '[1, 2]' | 1 request"),
    Row("JSON nested too deeply", (status(200, "[" * 100_000), GOOD), "complete", f"{ODD}, kept '[…' | 1 request"),
    Row(
        "bytes that are not UTF-8",
        (status(200, b'{"content": "\xff\xfe"}'), GOOD),
        "complete",
        f'{ODD}, kept \'{{"content": "\ufffd\ufffd"}}\' | 1 request',
    ),
    Row("an empty 200", (status(200), GOOD), "complete", f"{ODD} | 1 request"),
    Row("a 204", (whole(b"HTTP/1.1 204 -\r\n\r\n"), GOOD), "complete", f"{ODD} | 1 request"),
    Row("a 204 in place of a stream", (whole(b"HTTP/1.1 204 -\r\n\r\n"),), "stream", f"{ODD} | 1 request"),
    Row("an error inside a 200", (status(200, ERROR), GOOD), "complete", "ServiceError server_error | 1 request"),
    Row(
        "an error string inside a 200",
        (status(200, {"error": "No"}), GOOD),
        "complete",
        "ServiceError server_error | 1 request",
    ),
    Row("an error beside the paid answer", (status(200, ANSWER | ERROR),), "complete", "Hello | 1 request"),
    Row(
        "content of another type",
        (status(200, ANSWER | {"content": [{"type": "text", "text": "Hello"}]}),),
        "complete",
        "Hello | 1 request",
    ),
    Row(
        "a page in place of a stream",
        (status(200, "<html>Log in</html>", content_type="text/html"),),
        "stream",
        f"{ODD}, kept '<html>Log in</html>' | 1 request",
    ),
    Row(
        "an error inside a 200 in place of a stream",
        (status(200, ERROR),),
        "stream",
        "ServiceError server_error | 1 request",
    ),
    Row("a whole answer in place of a stream", (GOOD,), "stream", "Hello | 1 request"),
    Row(
        "a stream without a content type",
        (cut(b"HTTP/1.1 200 -\r\n\r\n" + token("Hi") + done("Hi")),),
        "stream",
        f"{ODD}, kept 'event: token…' | 1 request",
    ),
    Row(
        "an error event",
        (cut(STREAM + token("Hel") + b'event: error\ndata: {"error": {"code": "boom"}}\n\n'),),
        "stream",
        "StreamError boom, kept 'Hel' | 1 request",
    ),
    Row(
        "an error event with a message alone",
        (cut(STREAM + b'event: error\ndata: {"message": "No"}\n\n'),),
        "stream",
        "StreamError stream_failed | 1 request",
    ),
    Row(
        "a token event that is not JSON",
        (cut(STREAM + token("Hel") + b"event: token\ndata: {oops\n\n"),),
        "stream",
        f"{ODD}, kept 'Hel' | 1 request",
    ),
    Row(
        "a heartbeat that is not JSON",
        (cut(STREAM + b"event: thinking\ndata: .\n\n" + done("Hi")),),
        "stream",
        "Hi | 1 request",
    ),
    Row("an unknown event", (cut(STREAM + b"event: new\ndata: {\n\n" + done("Hi")),), "stream", "Hi | 1 request"),
    Row(
        "an event above the limit",
        (cut(STREAM + token("Hel") + token("x" * 5000)),),
        "stream",
        f"{ODD}, kept 'Hel' | 1 request",
        limits=Limits(event=1000),
    ),
    Row(
        "a body above the limit",
        (status(200, {"content": "x" * 5000}),),
        "complete",
        f"{ODD} | 1 request",
        limits=Limits(body=1000),
    ),
    Row(
        "an endless body",
        (drip(head(200), b"x" * 65536, 0),),
        "complete",
        f"{ODD} | 1 request",
        limits=Limits(body=10**6),
        timeouts=Timeouts(connect=1, whole=5),
    ),
    Row("a length of a petabyte", (stall(head(200, length=10**15)),), "complete", f"{ODD} | 1 request"),
]

PACKED = [
    Row("a gzip body", (status(200, gzip.compress(BODY), content_encoding="gzip"),), "complete", "Hello | 1 request"),
    Row(
        "two gzip members",
        (status(200, gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), content_encoding="gzip"),),
        "complete",
        "Hello | 1 request",
    ),
    Row(
        "an unasked deflate body",
        (status(200, zlib.compress(BODY), content_encoding="deflate"),),
        "complete",
        "Hello | 1 request",
    ),
    Row("gzip that is not gzip", (status(200, BODY, content_encoding="gzip"), GOOD), "complete", f"{ODD} | 1 request"),
    Row(
        "gzip cut short",
        (status(200, gzip.compress(BODY)[:-9], content_encoding="gzip"), GOOD),
        "complete",
        f"{ODD} | 1 request",
    ),
    Row(
        "an unasked brotli body",
        (status(200, b"\x0b\x02\x80", content_encoding="br"), GOOD),
        "complete",
        f"{ODD} | 1 request",
    ),
    Row(
        "encodings in layers",
        (status(200, gzip.compress(gzip.compress(BODY)), content_encoding="gzip, gzip"), GOOD),
        "complete",
        f"{ODD} | 1 request",
    ),
    Row(
        "a bomb",
        (status(200, bomb(10**8), content_encoding="gzip"), GOOD),
        "complete",
        f"{ODD} | 1 request",
        limits=Limits(body=10**6),
        timeouts=Timeouts(connect=1, whole=5),
    ),
    Row(
        "a bomb in an error",
        (status(500, bomb(10**8), content_encoding="gzip"), GOOD),
        "complete",
        f"{ODD} | 1 request",
        limits=Limits(body=10**6),
        timeouts=Timeouts(connect=1, whole=5),
    ),
    Row(
        "a gzip stream, unasked",
        (cut(head(200, EVENTS, content_encoding="gzip") + gzip.compress(token("H") + done("H"))),),
        "stream",
        "H | 1 request",
    ),
    Row(
        "a bomb as a stream",
        (cut(head(200, EVENTS, content_encoding="gzip") + bomb(10**8)),),
        "stream",
        f"{ODD} | 1 request",
        limits=Limits(event=10**6),
        timeouts=Timeouts(connect=1, first_byte=5, idle=5),
    ),
]

REDIRECTS: list[tuple[int, str, str, How]] = [
    (307, "another origin", "https://evil.example/api/v1/completions", "complete"),
    (308, "the same origin", "/api/v1/completions", "complete"),
    (301, "plain http", "http://www.hitheo.ai/api/v1/completions", "complete"),
    (302, "a login page", "https://sso.example/login?next=%2F", "stream"),
    (303, "nowhere", "", "models"),
    (304, "the cache", "", "models"),
    (300, "several choices", "https://a.example", "complete"),
]
ELSEWHERE = [
    Row(
        f"a {code} to {where}",
        (whole(head(code, length=0, location=to)), GOOD),
        how,
        "RedirectError unexpected_answer | 1 request",
    )
    for code, where, to, how in REDIRECTS
]

ROWS = [*REFUSED, *SETTLED, *AMBIGUOUS, *CUT, *SLOW, *HELD, *WRONG, *PACKED, *ELSEWHERE]
