"""The client core against a server whose every byte is decided here."""

from __future__ import annotations

import gc
import warnings
from collections.abc import AsyncIterator

import anyio
import pytest

from theo_mcp import CompletionRequest, TheoClient, errors
from theo_mcp.http.options import Timeouts
from theo_mcp.http.retry import RetryPolicy
from theo_mcp.testing import theo
from theo_mcp.testing.http import Exchange
from theo_mcp.testing.theo import FakeTheo
from theo_mcp.wire.events import Token

HELLO = CompletionRequest(prompt="Hello")
QUICK = Timeouts(connect=2, whole=0.3, idle=0.3)


@pytest.fixture
async def client(theo_service: FakeTheo) -> AsyncIterator[TheoClient]:
    """One that tries once: what a first failure looks like is the subject here, and tests/faults has the rest."""
    async with TheoClient(theo.KEY, base_url=theo_service.origin, retries=RetryPolicy(retries=0)) as connected:
        yield connected


def replies(status: int, body: object, **headers: str):  # type: ignore[no-untyped-def]
    async def handle(exchange: Exchange) -> None:
        await exchange.reply(status, body, **headers)

    return handle


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (
            400,
            {"error": {"message": "bad mode", "code": "validation_error"}},
            errors.BadRequestError,
            "validation_error",
        ),
        (401, {"error": {"message": "no", "code": "key_expired"}}, errors.AuthenticationError, "key_expired"),
        (402, {"error": {"message": "no money", "code": "insufficient_credits"}}, errors.CreditsError, None),
        (403, {"error": {"message": "no", "code": "missing_scope"}}, errors.PermissionDeniedError, "missing_scope"),
        (404, {"error": {"message": "Conversation ID not found"}}, errors.NotFoundError, "not_found"),
        (422, {"error": {"message": "no", "code": "guardrail_violation"}}, errors.BadRequestError, None),
        (429, {"error": "Too many requests"}, errors.RateLimitError, "rate_limit_exceeded"),
        (500, {"error": {"code": "server_error", "request_id": None}}, errors.ServiceError, "server_error"),
        (502, "<html><title>502 Bad Gateway</title></html>", errors.ServiceError, "server_error"),
        (503, "", errors.ServiceError, "server_error"),
        (418, ["odd"], errors.ServiceError, "server_error"),
    ],
)
async def test_every_shape_of_error_becomes_its_type(
    theo_service: FakeTheo,
    client: TheoClient,
    status: int,
    body: object,
    kind: type[errors.APIError],
    code: str | None,
) -> None:
    theo_service.next = [replies(status, body, x_request_id="req_head")]

    with pytest.raises(kind) as raised:
        await client.complete(HELLO)

    assert raised.value.status == status
    assert raised.value.request_id == "req_head"
    assert raised.value.message.endswith((".", "!", "?", "…"))
    assert code is None or raised.value.code == code
    assert len(theo_service.requests) == 1


async def test_what_a_service_does_not_have_was_not_done_and_is_not_asked_again(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    body = {"error": {"message": "This machine makes no images.", "code": "not_available_here"}}
    theo_service.next = [replies(501, body) for _ in range(6)]

    for _ in range(6):  # five failures in a row would give the host a rest
        with pytest.raises(errors.ServiceError) as raised:
            await client.complete(HELLO)

    error = raised.value
    assert (error.code, error.attempts, error.maybe_billed) == ("not_available_here", 1, False)
    assert error.hint == "The service does not have this, and did nothing."


async def test_the_bodys_request_id_wins_over_the_headers(theo_service: FakeTheo, client: TheoClient) -> None:
    theo_service.next = [replies(500, {"error": {"message": "x", "request_id": "req_body"}}, x_request_id="req_head")]

    with pytest.raises(errors.ServiceError) as raised:
        await client.complete(HELLO)

    assert raised.value.request_id == "req_body"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after": "Sat, 21 Nov 2026 10:00:30 GMT", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry_after": "soon"}, None),
        ({}, None),
    ],
)
async def test_retry_after_is_read_in_its_forms(
    theo_service: FakeTheo, client: TheoClient, headers: dict[str, str], seconds: float | None
) -> None:
    theo_service.next = [replies(429, {"error": "slow down"}, **headers)]

    with pytest.raises(errors.RateLimitError) as raised:
        await client.complete(HELLO)

    assert raised.value.retry_after == seconds
    assert raised.value.retryable


async def test_a_wrong_key_is_told_after_one_call_and_never_echoed(theo_service: FakeTheo) -> None:
    wrong = "theo_sk_wrong_0123456789"
    theo_service.next = [replies(401, {"error": {"message": f"Key {wrong} is invalid", "code": "invalid_api_key"}})]

    async with TheoClient(wrong, base_url=theo_service.origin) as client:
        with pytest.raises(errors.AuthenticationError) as raised:
            await client.complete(HELLO)

    assert wrong not in f"{raised.value!s} {raised.value!r}"
    assert "Key *** is invalid" in raised.value.message
    assert raised.value.hint
    assert len(theo_service.requests) == 1


@pytest.mark.slow
async def test_an_unreachable_host_is_named_without_a_library_in_sight() -> None:
    async with TheoClient(theo.KEY, base_url="http://127.0.0.1:9") as client:
        with pytest.raises(errors.UnreachableError) as raised:
            await client.complete(HELLO)

    assert "127.0.0.1:9" in raised.value.message
    assert "refused" in raised.value.message
    assert raised.value.__cause__ is None


async def test_a_redirect_is_not_followed_and_its_host_is_named(theo_service: FakeTheo, client: TheoClient) -> None:
    theo_service.next = [replies(307, "", location="https://elsewhere.example/api/v1/completions")]

    with pytest.raises(errors.ProtocolError, match=r"elsewhere\.example"):
        await client.complete(HELLO)


@pytest.mark.parametrize("body", ["<html>Log in</html>", "", "[1, 2]", "{", "null"])
async def test_a_success_that_is_not_the_documented_json_is_an_error(
    theo_service: FakeTheo, client: TheoClient, body: str
) -> None:
    theo_service.next = [replies(200, body)]

    with pytest.raises(errors.ProtocolError) as raised:
        await client.complete(HELLO)

    assert raised.value.partial == body


async def test_an_error_inside_a_success_is_an_error(theo_service: FakeTheo, client: TheoClient) -> None:
    theo_service.next = [replies(200, {"error": {"message": "no credits left", "code": "insufficient_credits"}})]

    with pytest.raises(errors.APIError, match="no credits left") as raised:
        await client.complete(HELLO)

    assert raised.value.code == "insufficient_credits"


@pytest.mark.parametrize(
    "body",
    [
        {"content": "paid"},
        {"content": "paid", "usage": None, "model": "theo-1-flash", "artifacts": None},
        {"content": [{"type": "text", "text": "paid"}], "usage": {"cost_cents": "3¢"}, "follow_ups": "none"},
        {"content": "paid", "id": 7, "model": {"provider": "x"}, "tools_used": [None, {"name": "a"}], "new": 1},
    ],
)
async def test_a_paid_answer_with_missing_or_odd_fields_is_delivered(
    theo_service: FakeTheo, client: TheoClient, body: dict[str, object]
) -> None:
    theo_service.next = [replies(200, body)]

    assert (await client.complete(HELLO)).content == "paid"


async def test_silence_ends_at_the_deadline(theo_service: FakeTheo) -> None:
    async def silent(exchange: Exchange) -> None:
        await anyio.sleep_forever()

    theo_service.next = [silent]
    async with TheoClient(theo.KEY, base_url=theo_service.origin, timeouts=QUICK) as client:
        with anyio.fail_after(5), pytest.raises(errors.TimeoutExceededError):
            await client.complete(HELLO)
    with anyio.fail_after(5):
        await theo_service.exchanges[0].closed.wait()


async def test_a_truncated_body_is_an_error(theo_service: FakeTheo, client: TheoClient) -> None:
    async def cut(exchange: Exchange) -> None:
        await exchange.raw(
            b'HTTP/1.1 200 -\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"content":'
        )
        exchange.ended = True

    theo_service.next = [cut]

    with pytest.raises(errors.ConnectionLostError):
        await client.complete(HELLO)


@pytest.mark.parametrize("ending", ["cut", "error", "nonsense", "silence"])
async def test_a_stream_that_fails_keeps_the_text_so_far(theo_service: FakeTheo, ending: str) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.start_events()
        await exchange.event({"token": "so "}, "token")
        await exchange.event({"token": "far"}, "token")
        if ending == "error":
            await exchange.event({"error": {"message": "overloaded", "code": "server_error"}}, "error")
        elif ending == "nonsense":
            await exchange.event("{not json", "token")
        elif ending == "silence":
            while True:
                await exchange.raw(b": keep-alive\n\n")
                await anyio.sleep(0.05)

    theo_service.next = [handle]
    expected = {
        "cut": errors.StreamError,
        "error": errors.StreamError,
        "nonsense": errors.ProtocolError,
        "silence": errors.TimeoutExceededError,
    }
    async with TheoClient(theo.KEY, base_url=theo_service.origin, timeouts=QUICK) as client:
        with anyio.fail_after(5), pytest.raises(expected[ending]) as raised:
            async with client.stream(HELLO) as events:
                async for _ in events:
                    pass

    assert raised.value.partial == "so far"
    assert "so far" not in repr(raised.value)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": {"message": "no", "code": "invalid_api_key"}}, errors.AuthenticationError),
        (200, {"error": {"message": "no credits", "code": "insufficient_credits"}}, errors.APIError),
        (200, "<html>Log in</html>", errors.ProtocolError),
        (204, "", errors.ProtocolError),
    ],
)
async def test_json_in_place_of_a_stream_is_an_error(
    theo_service: FakeTheo, client: TheoClient, status: int, body: object, kind: type[errors.TheoError]
) -> None:
    theo_service.next = [replies(status, body)]

    with pytest.raises(kind):
        async with client.stream(HELLO):
            pass


async def test_a_whole_answer_in_place_of_a_stream_is_delivered(theo_service: FakeTheo, client: TheoClient) -> None:
    theo_service.next = [replies(200, theo.completion({}))]

    async with client.stream(HELLO) as events:
        seen = [event async for event in events]

    assert [event.event for event in seen if not isinstance(event, dict)] == ["meta", "token", "done"]
    assert isinstance(seen[1], Token)
    assert seen[1].token == "".join(theo.WORDS)


async def test_an_error_beside_what_was_paid_for_does_not_take_it_away(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    theo_service.next = [replies(200, {"content": "paid", "error": "a warning"})]

    assert (await client.complete(HELLO)).content == "paid"


@pytest.mark.parametrize("key", ["", "  ", "${THEO_API_KEY}", "Bearer theo_sk_x", "a b", "theo\nsk", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_refused_before_anything_is_sent(key: str) -> None:
    with pytest.raises(errors.ConfigError) as raised:
        TheoClient(key)

    assert not key.strip() or key not in str(raised.value)


async def test_what_a_server_puts_where_a_code_or_an_id_belongs_is_not_shown(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    odd = "\x1b[31m " + theo.KEY
    theo_service.next = [
        replies(400, {"error": {"message": "no", "code": odd, "request_id": odd}}, x_request_id="Bearer x y"),
        replies(200, f"<html>You sent Bearer {theo.KEY}</html>"),
        replies(500, "[" * 100_000),
        replies(429, {"error": "no"}, retry_after="Wed, 21 Oct 2015 07:28:00 +99999999999999"),
        replies(429, {"error": "no"}, retry_after="inf"),
        replies(422, {"detail": [{"loc": ["body", "mode"], "msg": "is unknown"}]}),
    ]
    raised = []
    for _ in range(len(theo_service.next)):
        with pytest.raises(errors.TheoError) as each:
            await client.complete(HELLO)
        raised.append(each.value)

    assert (raised[0].code, raised[0].request_id) == ("bad_request", None)
    assert theo.KEY not in raised[1].partial
    assert isinstance(raised[2], errors.ServiceError)
    assert [error.retry_after for error in raised[3:5]] == [None, None]
    assert raised[5].message == "body.mode: is unknown."


@pytest.mark.parametrize(
    "body",
    [
        {"content": "paid", "model": [], "usage": [], "artifacts": {"a": {"code": {"text": "x"}}}, "id": []},
        {"content": {"text": "paid"}, "usage": {"cost_cents": float("nan")}, "follow_ups": [[], {"label": "a"}]},
    ],
)
async def test_lists_and_objects_in_each_others_place_cost_nothing(
    theo_service: FakeTheo, client: TheoClient, body: dict[str, object]
) -> None:
    theo_service.next = [replies(200, body)]

    answer = await client.complete(HELLO)

    assert answer.content == "paid"
    assert answer.usage.cost_cents is None
    assert answer.model.id == ""


async def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:9")
    async with TheoClient(theo.KEY, base_url="https://theo.invalid") as client:
        with pytest.raises(errors.ConfigError, match="proxy"):
            await client.complete(HELLO)


async def test_what_the_caller_raises_inside_a_stream_stays_what_it_is(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    with pytest.raises(anyio.EndOfStream):
        async with client.stream(HELLO):
            raise anyio.EndOfStream


async def test_a_closed_client_says_so(theo_service: FakeTheo) -> None:
    client = TheoClient(theo.KEY, base_url=theo_service.origin)
    await client.aclose()

    with pytest.raises(errors.TransportError, match="is closed"):
        await client.complete(HELLO)


async def test_a_redirect_in_place_of_a_stream_is_not_followed(theo_service: FakeTheo, client: TheoClient) -> None:
    theo_service.next = [replies(302, "", location="http://127.0.0.1:1/")]

    with pytest.raises(errors.ProtocolError):
        async with client.stream(HELLO):
            pass


@pytest.mark.slow
async def test_many_streams_left_early_leave_no_connection_and_no_warning(theo_service: FakeTheo) -> None:
    theo_service.silent_after = 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
            for _ in range(50):
                async with client.stream(HELLO) as events:
                    async for event in events:
                        if isinstance(event, Token):
                            break
        gc.collect()

    with anyio.fail_after(5):
        for exchange in theo_service.exchanges:
            await exchange.closed.wait()


async def test_the_key_goes_to_every_call_but_health(theo_service: FakeTheo, client: TheoClient) -> None:
    await client.models()
    await client.health()

    sent = {request.path: request.headers.get("authorization") for request in theo_service.requests}
    assert sent == {"/api/v1/models": f"Bearer {theo.KEY}", "/api/v1/health": None}


async def test_health_that_is_down_is_an_answer(theo_service: FakeTheo, client: TheoClient) -> None:
    theo_service.next = [replies(503, {"status": "down", "providers": {}}, retry_after="30")]

    assert (await client.health()).status == "down"


async def test_a_cookie_that_cannot_be_sent_does_not_stop_later_calls(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    """The library kept it, and failed at every later request of the client."""
    theo_service.next = [replies(200, theo.completion({}), set_cookie="\xff=\xfe; path=/")]
    await client.complete(HELLO)

    answer = await client.complete(HELLO)

    assert answer.content.startswith("Microservices")
    assert "cookie" not in theo_service.requests[1].headers
