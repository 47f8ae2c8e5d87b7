"""Silences, acknowledgements and ends by hand, from the shell."""

from __future__ import annotations

from datetime import datetime

import pytest

from engine.cli import answering, run, silence
from tests.rounds.conftest import Shop
from tests.rounds.test_waiting import rated

ZONE = "+08:00"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> object:
    """Sets the time of day that commands read."""

    def set_(text: str) -> None:
        instant = datetime.fromisoformat(text + ZONE)
        for module in (silence, answering, run):
            monkeypatch.setattr(module, "clock", lambda: instant)

    return set_


def at(shop: Shop, now: object, text: str, rating: str = "") -> str:
    now(text)  # type: ignore[operator]
    if rating:
        rated(shop, rating, text)
    return shop.do("run", "--rule", "dsr_drop").output


def quiet(shop: Shop, *words: str, expect: int = 0) -> str:
    return shop.do("silence", "add", *words, "--author", "amy", "--comment", "planned work", expect=expect).output


def test_a_silenced_alert_that_still_fires_at_the_end_is_told_then(shop: Shop, now: object) -> None:
    now("2026-11-02T09:00")  # type: ignore[operator]
    said = quiet(shop, 'alert="dsr_drop"', "store_id=s1", "--for", "2h")
    assert "silence 1 until 2026-11-02 11:00; it covers 0 alert(s)" in said
    at(shop, now, "2026-11-02T09:30", "4.60")
    assert not shop.inbox.mails
    assert "it is silenced" in shop.do("why", "dsr_drop/s1").output
    (row,) = shop.json("silence", "list")
    assert (row["state"], row["covers"], row["author"], row["matchers"]) == ("active", 1, "amy", ['alert="dsr_drop"', 'store_id="s1"'])
    at(shop, now, "2026-11-02T10:59")
    assert not shop.inbox.mails
    at(shop, now, "2026-11-02T11:00")
    assert len(shop.inbox.about("dsr_drop")) == 1
    assert shop.json("silence", "list") == []
    assert [one["state"] for one in shop.json("silence", "list", "--expired")] == ["expired"]


def test_a_silenced_alert_that_ended_meanwhile_is_never_told(shop: Shop, now: object) -> None:
    now("2026-11-02T09:00")  # type: ignore[operator]
    quiet(shop, "alert=dsr_drop", "--until", "2026-11-02T12:00")
    at(shop, now, "2026-11-02T09:30", "4.60")
    at(shop, now, "2026-11-02T10:30", "4.90")
    at(shop, now, "2026-11-02T12:30")
    assert not shop.inbox.mails
    assert {one["reason"] for one in shop.json("why", "dsr_drop/s1")["suppressed"]} == {"over_before_told"}


def test_a_silence_that_is_ended_early(shop: Shop, now: object) -> None:
    now("2026-11-02T09:00")  # type: ignore[operator]
    quiet(shop, "severity=~warning|critical", "--for", "1d")
    at(shop, now, "2026-11-02T09:30", "4.60")
    assert "ended at 2026-11-02 09:30" in shop.do("silence", "expire", "1").output
    assert "no silence 1 that could be ended" in shop.do("silence", "expire", "1", expect=2).output
    at(shop, now, "2026-11-02T09:40")
    assert len(shop.inbox.about("dsr_drop")) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--for", "2h"), "needs at least one matcher"),
        (("alert",), "is not a matcher"),
        (("alert=dsr_drop",), "give either --for or --until"),
        (("alert=dsr_drop", "--for", "2h", "--until", "2026-11-03"), "give either --for or --until"),
        (("alert=dsr_drop", "--for", "soon"), "is not a duration"),
        (("alert=dsr_drop", "--for", "0s"), "over before it begins"),
        (("alert=dsr_drop", "--until", "2026-11-01"), "over before it begins"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(shop: Shop, now: object, words: tuple[str, ...], said: str) -> None:
    now("2026-11-02T09:00")  # type: ignore[operator]
    assert said in quiet(shop, *words, expect=2)


def test_a_silence_says_who_and_why(shop: Shop) -> None:
    assert "say who and why" in shop.do("silence", "add", "alert=dsr_drop", "--for", "2h", expect=2).output


def test_slips_in_matchers_are_pointed_out(shop: Shop) -> None:
    said = quiet(shop, "alert=dsr_drp", "stor_id=s1", "--for", "2h")
    assert "no alert has alert 'dsr_drp'. did you mean dsr_drop" in said
    assert "no alert has the label 'stor_id'. did you mean store_id" in said


def test_an_acknowledged_alert_is_not_repeated_until_the_acknowledgement_is_taken_back(shop: Shop, now: object) -> None:
    at(shop, now, "2026-11-02T09:30", "4.60")
    assert "say who" in shop.do("ack", "dsr_drop/s1", expect=2).output
    assert "acknowledged by amy" in shop.do("ack", "dsr_drop/s1", "--by", "amy", "--comment", "asking the courier").output
    at(shop, now, "2026-11-03T10:30", "4.60")
    assert len(shop.inbox.about("dsr_drop")) == 1
    assert "acknowledged by amy: asking the courier" in shop.do("why", "dsr_drop/s1").output
    assert "确认：amy，asking" in shop.do("--lang", "zh", "why", "dsr_drop/s1").output
    shop.do("ack", "dsr_drop/s1", "--by", "bo", "--undo")
    at(shop, now, "2026-11-03T11:30")
    assert len(shop.inbox.about("dsr_drop")) == 2
    assert [deed["act"] for deed in shop.json("why", "dsr_drop/s1")["people"]] == ["acknowledged", "taken_back"]


def test_an_acknowledgement_ends_when_the_alert_becomes_more_severe(shop: Shop, now: object) -> None:
    at(shop, now, "2026-11-02T09:30", "4.60")
    shop.do("ack", "dsr_drop/s1", "--by", "amy")
    at(shop, now, "2026-11-03T09:30", "4.20")
    assert shop.json("why", "dsr_drop/s1")["alert"]["acknowledged_by"] is None
    assert shop.json("why", "dsr_drop/s1")["history"][-1]["reason"] == "severity_rose"


def test_an_alert_that_is_closed_by_hand_stays_closed_until_it_was_false_once(shop: Shop, now: object) -> None:
    at(shop, now, "2026-11-02T09:30", "4.60")
    assert "say why" in shop.do("resolve", "dsr_drop/s1", "--by", "amy", expect=2).output
    assert "closed by amy; 1 message(s)" in shop.do("resolve", "dsr_drop/s1", "--by", "amy", "--comment", "counted twice").output
    at(shop, now, "2026-11-02T10:30", "4.55")
    assert len(shop.inbox.about("dsr_drop")) == 2, "the first and the end"
    story = shop.json("why", "dsr_drop/s1")
    assert story["history"][-1]["reason"] == "resolved_by_hand" and story["alert"]["state"] == "resolved"
    assert shop.json("alerts") == []
    said = shop.do("why", "dsr_drop/s1").output
    assert "closed by amy: counted twice" in said and "does not fire again before its condition was false once" in said
    at(shop, now, "2026-11-03T09:30", "4.90")
    at(shop, now, "2026-11-04T09:30", "4.60")
    assert len(shop.inbox.about("dsr_drop")) == 3
    assert shop.json("why", "dsr_drop/s1")["alert"]["episode"] == 2


@pytest.mark.parametrize("command", [("ack",), ("resolve", "--comment", "x")])
def test_only_what_fires_can_be_answered(shop: Shop, now: object, command: tuple[str, ...]) -> None:
    assert "no state yet" in shop.do(command[0], "dsr_drop/s1", "--by", "amy", *command[1:], expect=2).output
    at(shop, now, "2026-11-02T09:30", "4.60")
    at(shop, now, "2026-11-03T09:30", "4.90")
    assert "does not fire now" in shop.do(command[0], "dsr_drop/s1", "--by", "amy", *command[1:], expect=2).output
    assert "did you mean dsr_drop/s1" in shop.do(command[0], "dsr_drop/s9", "--by", "amy", *command[1:], expect=2).output
