"""Why a call failed: the evidence of an HTTP error, sorted into the kinds of CallFailed.

The status counts most, then the error's own code, then its words, so that a prompt that an endpoint echoes cannot turn
one kind into another. What looks like a key is cut out of every message.
"""

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from consistency.errors import CallFailed
from consistency.records.base import Json

FailureKind = Literal[
    "rate_limit",
    "timeout",
    "connection",
    "server",
    "malformed",
    "authentication",
    "quota",
    "unknown_model",
    "bad_request",
    "context_length",
    "content_policy",
]

_BY_STATUS: dict[int, FailureKind] = {
    401: "authentication",
    403: "authentication",
    404: "unknown_model",
    408: "timeout",
    409: "server",
    425: "server",
    429: "rate_limit",
    504: "timeout",
}
_QUOTA_CODES = {
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "billing_error",
    "access_terminated",
}
_CONTEXT_CODES = {"context_length_exceeded", "exceed_context_size_error", "model_max_prompt_tokens_exceeded"}
_POLICY_CODES = {
    "content_filter",
    "content_policy_violation",
    "responsibleaipolicyviolation",
    "moderation_blocked",
    "invalid_prompt",
}

_QUOTA_WORDS = re.compile(r"exceeded your current quota|credit balance is too low|insufficient (credit|balance)", re.I)
_CONTEXT_WORDS = re.compile(
    r"maximum context length|context (length|window|size|limit)|prompt is too long|input is too long"
    r"|maximum number of tokens allowed|too many (input )?tokens|input tokens exceed|`inputs` tokens",
    re.I,
)
_POLICY_WORDS = re.compile(
    r"content[ _]policy|content management policy|content filter|violating our usage policy|safety system", re.I
)
_MODEL_WORDS = re.compile(
    r"model\b.{0,120}\b(does not exist|not found|is not supported|not available)|model_not_found", re.I | re.S
)

_KEY = re.compile(
    r"\b(?:(?:sk|pk|rk|gsk|xai|hf|ghp)[-_]|AIza|AKIA)[A-Za-z0-9_\-*.]{6,}"
    r"|(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=\-]{6,}"
    r"|(?i:(?<=[?&]key=))[^&\s'\"]+"
    r"|(?i:(?<=api_key=))[^&\s'\"]+"
)
_ADDRESS = re.compile(r"\bssl:<[^>]*>")
_SECRET_NAMES = re.compile(r"(_API_KEY|_TOKEN|_SECRET|_ACCESS_KEY|_PASSWORD)$")

#: Messages are cut to this many characters.
_LONGEST = 500


@dataclass(frozen=True)
class HttpFailure:
    """What an endpoint said when it refused: its status, headers by lower-case name, and body as text."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


def classify(failure: HttpFailure) -> CallFailed:
    """The failed call that an HTTP error amounts to."""
    codes, message = _told(failure.body)
    message = message or f"HTTP {failure.status}"
    retry_after = read_retry_after(failure.headers)
    kind = _kind(failure.status, codes, message, may_recover=retry_after is not None or "retryDelay" in failure.body)
    return CallFailed(kind, tidy(message), retry_after=retry_after)


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the headers ask, from `retry-after-ms` or `retry-after` (seconds or a date); else None."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * scale
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, TypeError):
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def tidy(message: str) -> str:
    """A message in one line, without keys, cut to a readable length."""
    line = " ".join(_ADDRESS.sub("", redact(message)).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def redact(text: str) -> str:
    """The text without what looks like a key and without the values of secret environment variables."""
    for name, value in os.environ.items():
        if _SECRET_NAMES.search(name.upper()) and len(value) >= 8:
            text = text.replace(value, "[redacted]")
    return _KEY.sub("[redacted]", text)


def _kind(status: int, codes: set[str], message: str, *, may_recover: bool) -> FailureKind:
    if status == 402 or codes & _QUOTA_CODES:
        return "quota"
    if status in {400, 403, 429} and _QUOTA_WORDS.search(message) and not may_recover:
        return "quota"
    if status in {401, 403} and codes & _POLICY_CODES:
        return "content_policy"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 400 <= status < 500:
        return _of_request(status, codes, message)
    return "server" if status >= 500 else "malformed"


def _of_request(status: int, codes: set[str], message: str) -> FailureKind:
    if codes & _CONTEXT_CODES:
        return "context_length"
    if codes & _POLICY_CODES:
        return "content_policy"
    if "model_not_found" in codes:
        return "unknown_model"
    if status == 413 or _CONTEXT_WORDS.search(message):
        return "context_length"
    if _POLICY_WORDS.search(message):
        return "content_policy"
    return "unknown_model" if _MODEL_WORDS.search(message) else "bad_request"


def _told(body: str) -> tuple[set[str], str]:
    """An error body's codes in lower case, and its message; a body that is not JSON is all message."""
    try:
        parsed: Json = json.loads(body)
    except ValueError:
        return set(), re.sub(r"<[^>]*>", " ", body).strip()
    error = parsed[0] if isinstance(parsed, list) and parsed else parsed
    while isinstance(error, dict) and isinstance(error.get("error"), dict):
        error = error["error"]
    if not isinstance(error, dict):
        return set(), body
    inner = error.get("innererror")
    found = [error.get("code"), error.get("type"), error.get("status")]
    found += [inner.get("code")] if isinstance(inner, dict) else []
    message = error.get("message") or error.get("error") or error.get("detail") or body
    codes = {code.lower() for code in found if isinstance(code, str)}
    return codes, message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
