"""Sorting failures into kinds, waiting times, and keeping keys out of messages."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import get_args

import pytest

from consistency.errors import CallFailed
from consistency.models.failures import FailureKind, HttpFailure, classify, read_retry_after, redact, tidy


def test_retryable_kinds_are_kinds() -> None:
    assert set(get_args(FailureKind)) > CallFailed.RETRYABLE


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, '{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}', "rate_limit"),
        (429, '{"error": {"message": "no", "type": "insufficient_quota"}}', "quota"),
        (429, '{"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}', "rate_limit"),
        (
            429,
            '[{"error": {"code": 429, "message": "You exceeded your current quota, ... retryDelay: 3s"}}]',
            "rate_limit",
        ),
        (403, '{"error": {"message": "m", "code": "content_policy_violation"}}', "content_policy"),
        (403, "<html><body>Forbidden</body></html>", "authentication"),
        (404, "", "unknown_model"),
        (
            400,
            '{"error": {"code": null, "message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}',
            "content_policy",
        ),
        (400, '{"object": "error", "message": "maximum context length is 8 tokens", "code": 400}', "context_length"),
        (400, '{"error": "model \'x\' not found"}', "unknown_model"),
        (400, '{"detail": [{"msg": "field required"}]}', "bad_request"),
        (451, "{}", "bad_request"),
        (408, "", "timeout"),
        (504, "", "timeout"),
        (409, "", "server"),
        (500, "insufficient_quota", "server"),
        (599, "null", "server"),
        (200, "<html>", "malformed"),
        (302, "", "malformed"),
    ],
)
def test_kinds(status: int, body: str, kind: str) -> None:
    assert classify(HttpFailure(status, {}, body)).kind == kind


def test_a_quota_that_comes_back_is_a_rate_limit() -> None:
    body = '{"error": {"message": "You exceeded your current quota"}}'
    assert classify(HttpFailure(429, {}, body)).kind == "quota"
    assert classify(HttpFailure(429, {"retry-after": "9"}, body)).kind == "rate_limit"


def test_messages_are_the_endpoints_own() -> None:
    assert classify(HttpFailure(400, {}, '{"error": {"message": "Bad\\n value"}}')).message == "Bad value"
    assert classify(HttpFailure(500, {}, "<html><h1>Oops</h1></html>")).message == "Oops"
    assert classify(HttpFailure(500)).message == "HTTP 500"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "2", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers) == seconds


def test_retry_after_may_be_a_date() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    seconds = read_retry_after({"retry-after": until})
    assert seconds is not None
    assert 85 < seconds <= 90


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcDEF123456_-789.",
        "Authorization: Bearer eyJhbGciOi.J9.abc-def",
        "https://host/v1?key=AbCd1234&alt=json",
        "AIzaSyA-0123456789abcdefg",
        "gsk_0123456789abcdef",
        "found my-own-secret-value here",
    ],
)
def test_keys_are_cut_out(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_VENDOR_API_KEY", "my-own-secret-value")
    cleaned = redact(text)
    assert "[redacted]" in cleaned
    for secret in ("abcDEF", "eyJhb", "AbCd1234", "SyA-0123", "0123456789abcdef", "my-own-secret-value"):
        assert secret not in cleaned


@pytest.mark.parametrize("text", ["The task-force asked for skeletons.", "bearer of news", "hf models", "Basic usage"])
def test_ordinary_words_stay(text: str) -> None:
    assert redact(text) == text


def test_long_messages_are_cut() -> None:
    assert len(tidy("x" * 10_000)) == 500
