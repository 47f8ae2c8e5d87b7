"""Delivery from the outbox: order, leases, retries, dead letters, several channels and processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import pytest

from engine.actions.email import SmtpSender
from engine.model import Notification
from engine.outbox import Letter, Retry, deliver, letters, retry_dead
from engine.sending import Delivery, Outcome, Send
from engine.state import Evaluation, State
from tests.delivery.servers import Inbox, free_port, smtp_server
from tests.delivery.test_smtp import config
from tests.delivery.values import HOUR, START, evaluate, found, letter, store

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
OK = Outcome(Delivery.DELIVERED, "accepted")
LATER = Outcome(Delivery.TRY_LATER, "server_busy", "421 later")
NEVER = Outcome(Delivery.GIVE_UP, "bad_recipient", "550 unknown")
STEADY = Retry(chance=lambda: 1.0)


@dataclass
class Fake:
    """A channel: a function from notification to outcome, and a record of what it was asked."""

    answer: Callable[[Notification], Outcome] = lambda _: OK
    sent: list[str] = field(default_factory=list)
    sessions: int = 0

    @contextmanager
    def session(self) -> Iterator[Send]:
        self.sessions += 1
        yield self._send

    def _send(self, notification: Notification) -> Outcome:
        self.sent.append(notification.id)
        return self.answer(notification)


def at(instant: datetime) -> Callable[[], datetime]:
    return lambda: instant


def queue(state: State, *notifications: Notification) -> None:
    with state.writing() as connection:
        for notification in notifications:
            state.enqueue(connection, notification)


def states(state: State) -> list[tuple[str, str, str]]:
    return [(row.notification.id, row.state, row.category) for row in letters(state)]


def test_everything_due_goes_out_over_one_session(state: State) -> None:
    queue(state, *(letter(number) for number in range(1, 6)))
    mail = Fake()
    report = deliver(state, {"mail": mail}, at(NOW))
    assert (report.delivered, report.retried, report.dead, report.failures()) == (5, 0, 0, {})
    assert (mail.sent, mail.sessions) == ([f"id{number}" for number in range(1, 6)], 1)
    assert {(row.state, row.delivered_at, row.attempts) for row in letters(state)} == {("delivered", NOW, 1)}
    assert deliver(state, {"mail": mail}, at(NOW + HOUR)).attempts == ()


def test_a_letter_keeps_everything(state: State) -> None:
    evaluate(state, found("S1"), START, notifications=[letter(about=[store("S1")])])
    (row,) = letters(state, "queued")
    assert row.notification == letter(about=[store("S1")])
    assert letters(state, "dead") == ()
    queue(state, letter(2), letter(3))
    assert [row.notification.id for row in letters(state, limit=2)] == ["id2", "id3"]
    assert [row.notification.alerts for row in letters(state)] == [(store("S1").fingerprint,), (), ()]


def test_failed_letters_wait_longer_and_longer(state: State) -> None:
    queue(state, letter())
    now, pauses = NOW, []
    for _ in range(10):
        report = deliver(state, {"mail": Fake(lambda _: LATER)}, at(now), retry=STEADY)
        assert (report.retried, report.failures()) == (1, {("mail", "server_busy"): 1})
        (row,) = letters(state)
        assert row.next_attempt_at and deliver(state, {"mail": Fake()}, at(row.next_attempt_at - timedelta(microseconds=1))).attempts == ()
        pauses.append((row.next_attempt_at - now).total_seconds())
        now = row.next_attempt_at
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
    assert deliver(state, {"mail": Fake()}, at(now)).delivered == 1


def test_pauses_are_spread_at_random() -> None:
    pauses = {Retry().pause(5) for _ in range(50)}
    assert len(pauses) > 40 and max(pauses) <= timedelta(seconds=960) and min(pauses) >= timedelta(seconds=1)
    assert Retry(chance=lambda: 0.0).pause(1) == timedelta(seconds=1)
    assert Retry(chance=lambda: 1.0).pause(10**6) == timedelta(hours=1)


def test_a_letter_dies_after_three_days_of_trying(state: State) -> None:
    queue(state, replace(letter(), created_at=START - timedelta(days=400)))
    busy = {"mail": Fake(lambda _: LATER)}
    assert deliver(state, busy, at(NOW)).retried == 1, "its age counts from the first attempt, not from the evaluation"
    assert deliver(state, busy, at(NOW + timedelta(days=2))).retried == 1
    assert deliver(state, busy, at(NOW + timedelta(days=3))).dead == 1
    (row,) = letters(state, "dead")
    assert (row.category, row.detail, row.attempts) == ("server_busy", "421 later", 3)


def test_a_refused_letter_is_dead_at_once_and_can_be_tried_again(state: State) -> None:
    queue(state, letter(1), letter(2))
    mail = Fake(lambda notification: NEVER if notification.id == "id1" else OK)
    report = deliver(state, {"mail": mail}, at(NOW))
    assert (report.dead, report.delivered) == (1, 1)
    assert states(state) == [("id1", "dead", "bad_recipient"), ("id2", "delivered", "accepted")]
    assert deliver(state, {"mail": Fake()}, at(NOW + HOUR)).attempts == ()
    assert retry_dead(state, [99]) == 0
    assert retry_dead(state) == 1
    assert deliver(state, {"mail": Fake()}, at(NOW + timedelta(days=9))).delivered == 1


def test_a_channel_that_fails_holds_up_no_other(state: State) -> None:
    class Broken:
        def session(self) -> None:
            raise RuntimeError("cannot open")

    def explode(_: Notification) -> Outcome:
        raise ZeroDivisionError

    queue(state, letter(1, channel="broken"), letter(2, channel="explodes"), letter(3, channel="mail"), letter(4, channel="renamed"))
    mail = Fake()
    report = deliver(state, {"broken": Broken(), "explodes": Fake(explode), "mail": mail}, at(NOW))  # type: ignore[dict-item]
    assert (report.delivered, report.retried) == (1, 3)
    assert states(state) == [
        ("id1", "queued", "sender_fault"),
        ("id2", "queued", "sender_fault"),
        ("id3", "delivered", "accepted"),
        ("id4", "queued", "unknown_channel"),
    ]


def test_letters_of_a_thread_keep_their_order(state: State) -> None:
    queue(state, letter(1, thread="t"), letter(2, thread="t"), letter(3, thread="t", to="b@shop.example"), letter(4, thread="u"))
    mail = Fake(lambda notification: LATER if notification.id == "id1" else OK)
    deliver(state, {"mail": mail}, at(NOW))
    assert mail.sent == ["id1", "id3", "id4"], "the second waits for the first, others do not"
    healthy = Fake()
    deliver(state, {"mail": healthy}, at(NOW + HOUR))
    assert healthy.sent == ["id1", "id2"]


def test_a_dead_letter_does_not_block_its_thread(state: State) -> None:
    queue(state, letter(1, thread="t"), letter(2, thread="t"))
    mail = Fake(lambda notification: NEVER if notification.id == "id1" else OK)
    assert deliver(state, {"mail": mail}, at(NOW)).delivered == 1


def test_delivery_is_noted_in_the_alert_and_not_before(state: State) -> None:
    evaluate(state, found("S1", "S2"), START, notifications=[letter(about=[store("S1")])])
    deliver(state, {"mail": Fake(lambda _: LATER)}, at(NOW), retry=STEADY)
    assert state.alerts()[store("S1")].notified_at is None
    deliver(state, {"mail": Fake()}, at(NOW + HOUR))
    assert (state.alerts()[store("S1")].notified_at, state.alerts()[store("S2")].notified_at) == (START, None)
    evaluate(state, found("S1", "S2"), START + HOUR)
    assert state.alerts()[store("S1")].notified_at == START, "the next evaluation keeps it"


def test_a_late_delivery_says_nothing_of_the_next_episode(state: State) -> None:
    evaluate(state, found("S1"), START, notifications=[letter(about=[store("S1")])])
    evaluate(state, found(), START + HOUR)
    evaluate(state, found("S1"), START + 2 * HOUR)
    deliver(state, {"mail": Fake()}, at(NOW))
    assert state.alerts()[store("S1")].notified_at is None


def test_a_dead_letter_is_told_of_in_the_same_transaction(state: State) -> None:
    def notice(dead: Letter, outcome: Outcome) -> list[Notification]:
        return [letter(100 + dead.number, channel="chat", to=outcome.category)]

    queue(state, letter(1))
    chat = Fake()
    report = deliver(state, {"mail": Fake(lambda _: NEVER), "chat": chat}, at(NOW), notice=notice)
    assert (report.dead, report.delivered, chat.sent) == (1, 1, [f"id{100 + letters(state)[0].number}"])
    assert states(state) == [("id1", "dead", "bad_recipient"), (chat.sent[0], "delivered", "accepted")]


def test_a_lease_keeps_others_away_until_it_ends(state: State) -> None:
    queue(state, letter())

    def nested(_: Notification) -> Outcome:
        assert deliver(state, {"mail": Fake()}, at(NOW)).attempts == ()
        (row,) = letters(state)
        assert (row.state, row.lease_until) == ("sending", NOW + timedelta(minutes=5))
        return OK

    assert deliver(state, {"mail": Fake(nested)}, at(NOW)).delivered == 1


def test_an_overtaken_process_cannot_undo_a_delivery(state: State) -> None:
    queue(state, letter())

    def slow(_: Notification) -> Outcome:
        assert deliver(state, {"mail": Fake()}, at(NOW + HOUR)).delivered == 1
        return LATER

    deliver(state, {"mail": Fake(slow)}, at(NOW))
    assert states(state) == [("id1", "delivered", "accepted")]


def test_side_by_side_nothing_is_sent_twice(url: str) -> None:
    with State.open(url) as state:
        queue(state, *(letter(number) for number in range(40)))
    sent: list[str] = []

    def work() -> None:
        with State.open(url) as mine:
            deliver(mine, {"mail": Fake(sent=sent)}, at(NOW))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent) == sorted(f"id{number}" for number in range(40))


def test_over_real_smtp_a_dead_server_then_a_live_one(state: State) -> None:
    evaluate(state, found("S1"), START, notifications=[letter(1, about=[store("S1")]), letter(2, to="gone@shop.example")])
    report = deliver(state, {"mail": SmtpSender(config(free_port()))}, at(NOW), retry=STEADY)
    assert report.failures() == {("mail", "connection_refused"): 2}
    inbox = Inbox({("RCPT", "gone@shop.example"): ["550 gone"]})
    with smtp_server(inbox) as port:
        report = deliver(state, {"mail": SmtpSender(config(port))}, at(NOW + HOUR))
    assert (report.delivered, report.dead) == (1, 1)
    assert inbox.mails == [("a@shop.example", letter(1).payload)]
    assert state.alerts()[store("S1")].notified_at == START


KILLED = """
import os, signal, smtplib, sys
from datetime import datetime, UTC
from engine.actions.email import SmtpSender
from engine.outbox import deliver
from engine.state import State
from tests.delivery.test_smtp import config

url, port, moment = sys.argv[1:]
data = smtplib.SMTP.data

def killing(self, message):
    answer = data(self, message) if moment == "after" else None
    os.kill(os.getpid(), signal.SIGKILL)

smtplib.SMTP.data = killing
deliver(State.open(url), {"mail": SmtpSender(config(int(port)))}, lambda: datetime(2026, 11, 20, 9, tzinfo=UTC))
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_killed_while_sending_loses_nothing_and_a_second_mail_has_the_same_id(state: State, moment: str) -> None:
    assert state.commit(Evaluation("daily", START, START, START, notifications=[letter(1), letter(2)]))
    inbox = Inbox()
    url = state.engine.url.render_as_string(hide_password=False)
    with smtp_server(inbox) as port:
        command = [sys.executable, "-c", KILLED, url, str(port), moment]
        assert subprocess.run(command, cwd=Path(__file__).parents[2], check=False, timeout=60).returncode == -9
        sender = {"mail": SmtpSender(config(port))}
        assert deliver(state, sender, at(NOW + timedelta(minutes=1))).delivered == 1, "the one that was not being sent"
        assert deliver(state, sender, at(NOW + timedelta(minutes=5))).delivered == 1, "the other when its lease has ended"
    ids = [message_from_bytes(content)["Message-ID"] for _, content in inbox.mails]
    first, second = "<id1@shop.example>", "<id2@shop.example>"
    assert ids == ([second, first] if moment == "before" else [first, second, first])
