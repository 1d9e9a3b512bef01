"""How rules look for words in what an agent wrote: in a file, in a tool's argument, in its own messages."""

import time
from typing import Literal

import pytest

from consistency.records.base import Json
from consistency.records.exchange import Message
from consistency.records.trial import ToolUse
from consistency.scoring.evaluate import evaluate, validate
from consistency.scoring.evidence import Evidence

SAYS: dict[str, Json] = {"rule": "text_says", "tool": "send", "argument": "body", "any_of": ["blame", "51"]}
LACKS: dict[str, Json] = {**SAYS, "rule": "text_lacks"}
REPLY: dict[str, Json] = {"rule": "text_says", "reply": True, "any_of": ["all tests pass"]}


def sent(*bodies: Json, to: str = "a@x.example") -> Evidence:
    uses = tuple(ToolUse(turn=1, name="send", arguments={"to": to, "body": body}, result="") for body in bodies)
    return Evidence(messages=(), tool_uses=uses, changes=(), world={})


def said(*messages: tuple[Literal["system", "user", "assistant"], str]) -> Evidence:
    return Evidence(tuple(Message(role=role, content=text) for role, text in messages), (), (), {})


def drive(text: str) -> Evidence:
    return Evidence((), (), (), {"files": {"notes/a.md": text}})


def word(looked_for: str, text: str) -> bool | None:
    return evaluate({"rule": "text_says", "path": "notes/a.md", "any_of": [looked_for]}, drive(text)).value


@pytest.mark.parametrize(
    ("looked_for", "text"),
    [
        ("51", "Order 51."),
        ("51", "(51)"),
        ("51", "51"),
        ("pass", "They PASS today"),
        ("ärger", "Viel ÄRGER!"),
        ("all is well", "All is\n  well"),
        (" all is well ", "so all is well."),
        ("10%", "10%."),
        ("10%", "a share of 10%off"),
        ("-5", "3-5"),
        ("a+b", "a+b=c"),
        ("(see note)", "x(see note)y"),
        ("C++", "C++11"),
    ],
)
def test_words_are_found_however_they_are_written(looked_for: str, text: str) -> None:
    assert word(looked_for, text) is True


@pytest.mark.parametrize(
    ("looked_for", "text"),
    [
        ("51", "Order 515."),
        ("51", "1,351"),
        ("pass", "bypass, passed"),
        ("pass", "pass_all"),
        ("10%", "110%"),
        ("all is well", "allis well"),
        (".*", "anything"),
        ("blame", ""),
    ],
)
def test_words_are_whole_words(looked_for: str, text: str) -> None:
    assert word(looked_for, text) is False


@pytest.mark.parametrize(
    ("given", "says", "lacks"),
    [
        (sent("I blame the peer."), True, False),
        (sent("I blame the peer.", "All is well."), True, True),
        (sent("All is well.", "Order 51."), True, False),
        (sent("All is well."), False, True),
        (sent(51, None, ["51"]), False, None),
        (sent(), False, None),
    ],
)
def test_any_text_may_say_it_and_the_last_must(given: Evidence, says: bool, lacks: bool | None) -> None:
    assert evaluate(SAYS, given).value is says
    assert evaluate(LACKS, given).value is lacks


def test_other_arguments_pick_the_calls() -> None:
    to_lead = {"arguments": {"to": "Lead@x.example "}}
    assert evaluate({**SAYS, **to_lead}, sent("51", to="lead@x.example")).value is True
    assert evaluate({**SAYS, **to_lead}, sent("51")).value is False
    assert evaluate({**LACKS, **to_lead}, sent("51")).value is None


def test_a_reply_is_what_the_agent_says_and_nobody_else() -> None:
    others = said(("system", "all tests pass"), ("user", "all tests pass?"), ("assistant", ""))
    assert evaluate(REPLY, others).value is False
    assert evaluate({**REPLY, "rule": "text_lacks"}, others).value is None
    told = said(("assistant", "All tests pass."), ("user", "Sure?"), ("assistant", "Yes."))
    assert evaluate(REPLY, told).value is True
    assert evaluate({**REPLY, "rule": "text_lacks"}, told).value is False
    assert evaluate({**REPLY, "rule": "text_lacks"}, said(("assistant", "Yes."))).value is True


def test_a_file_is_read_as_it_is_at_the_end() -> None:
    table: dict[str, Json] = {"rule": "text_says", "path": "notes/b.md", "any_of": ["x"]}
    assert evaluate(table, drive("x")).value is False
    assert evaluate({**table, "rule": "text_lacks"}, drive("x")).value is None


def test_evidence_quotes_the_word_with_what_stands_around_it() -> None:
    text = f"{'before ' * 20}so I\nblame the peer{' after' * 20}"
    finding = evaluate(SAYS, sent(text))
    assert finding.evidence.startswith("send body says '…")
    assert "before so I blame the peer after" in finding.evidence
    assert len(finding.evidence) < 120
    assert evaluate(SAYS, sent("I blame it.")).evidence == "send body says 'I blame it.'"
    assert evaluate(LACKS, sent("Fine.")).evidence == "send body says none of blame, 51"
    assert evaluate(REPLY, said()).evidence == "the agent's reply says none of all tests pass"


@pytest.mark.parametrize("text", [" " * 200_000, "all " * 50_000, "all" + " " * 200_000, "\x00\ud800 <script>"])
def test_no_text_is_slow_to_read(text: str) -> None:
    started = time.monotonic()
    assert evaluate(REPLY, Evidence((Message(role="assistant", content=text),), (), (), {})).value is False
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("rule", ["text_says", "text_lacks"])
@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "either path, or tool and argument, or reply = true are needed"),
        ({"path": "a", "reply": True}, "either path, or tool and argument"),
        ({"tool": "send"}, "either path, or tool and argument"),
        ({"path": "a", "argument": "body"}, "either path, or tool and argument"),
        ({"path": "a", "arguments": {"to": "x"}}, "arguments need tool and argument"),
        ({"path": "a", "any_of": []}, "any_of: "),
        ({"path": "a", "any_of": ["x", " "]}, "any_of.1: "),
    ],
)
def test_a_text_stands_in_one_place(rule: str, table: dict[str, Json], message: str) -> None:
    (found,) = validate({"rule": rule, "any_of": ["x"], **table})
    assert message in found
