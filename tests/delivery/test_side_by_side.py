"""Channels that do not hold up one another, a graceful stop, and limits kept by waiting in the outbox."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from engine.errors import StateError
from engine.model import Notification
from engine.outbox import Letter, deliver, letters, retry_dead, waiting
from engine.sending import Delivery, Limit, Outcome
from engine.state import State
from tests.delivery.test_outbox import LATER, NOW, OK, STEADY, Fake, at, queue, states
from tests.delivery.values import letter

MINUTE = timedelta(minutes=1)
PATIENCE = 30  # seconds after which a test that hangs fails


def test_a_channel_that_hangs_delays_only_itself(state: State) -> None:
    queue(state, letter(1, channel="hangs"), letter(2, channel="chat"))
    others_done = threading.Event()

    def hang(_: Notification) -> Outcome:
        assert others_done.wait(PATIENCE), "the other channel waited for this one"
        return OK

    def chat(notification: Notification) -> Outcome:
        if notification.id == "id2":
            queue(state, letter(3, channel="chat"))
        else:
            others_done.set()
        return OK

    report = deliver(state, {"hangs": Fake(hang), "chat": Fake(chat)}, at(NOW))
    assert [attempt.letter.notification.id for attempt in report.attempts] == ["id2", "id3", "id1"]


def test_what_falls_due_while_another_channel_works_is_sent_meanwhile(state: State) -> None:
    queue(state, letter(1, channel="slow"))
    later_sent = threading.Event()

    def slow(_: Notification) -> Outcome:
        queue(state, letter(2, channel="chat"))
        assert later_sent.wait(PATIENCE), "the new message waited for the slow channel"
        return OK

    def chat(_: Notification) -> Outcome:
        later_sent.set()
        return OK

    assert deliver(state, {"slow": Fake(slow), "chat": Fake(chat)}, at(NOW)).delivered == 2


def test_a_stop_finishes_only_the_message_in_hand(state: State) -> None:
    queue(state, *(letter(number, channel=channel) for channel in ("a", "b") for number in (1, 2, 3)))
    stop = threading.Event()
    both = threading.Barrier(2, action=stop.set)

    def halting(_: Notification) -> Outcome:
        both.wait(PATIENCE)
        return OK

    report = deliver(state, {"a": Fake(halting), "b": Fake(halting)}, at(NOW), stop=stop)
    assert report.delivered == 2
    assert sorted(row.state for row in letters(state)) == ["delivered"] * 2 + ["queued"] * 4
    assert deliver(state, {"a": Fake(), "b": Fake()}, at(NOW), stop=stop).attempts == ()
    assert deliver(state, {"a": Fake(), "b": Fake()}, at(NOW)).delivered == 4


def test_an_outcome_that_cannot_be_stored_stops_all_and_is_raised(state: State) -> None:
    queue(state, *(letter(number, channel=channel) for channel in ("breaks", "works") for number in (1, 2)))
    broken, begun = threading.Event(), threading.Event()

    def break_the_database(_: Notification) -> Outcome:
        assert begun.wait(PATIENCE)
        with state.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE notifications RENAME TO elsewhere")
        broken.set()
        return OK

    def works(_: Notification) -> Outcome:
        begun.set()
        assert broken.wait(PATIENCE)
        return OK

    working = Fake(works)
    with pytest.raises(StateError):
        deliver(state, {"breaks": Fake(break_the_database), "works": working}, at(NOW))
    assert working.sent == ["id1"]


def test_more_channels_than_workers(state: State) -> None:
    names = [f"c{number}" for number in range(20)]
    queue(state, *(letter(number, channel=name) for name in names for number in range(3)))
    report = deliver(state, {name: Fake() for name in names}, at(NOW), workers=3)
    assert report.delivered == 60
    assert deliver(state, {name: Fake() for name in names}, at(NOW), workers=1).attempts == ()


# limits


def test_what_is_above_the_limit_waits_and_has_not_failed(state: State) -> None:
    queue(state, *(letter(number) for number in range(1, 8)))
    limits = {"mail": [Limit(3, MINUTE)]}
    mail = Fake()
    assert deliver(state, {"mail": mail}, at(NOW), limits=limits).delivered == 3
    assert {(row.state, row.attempts, row.next_attempt_at) for row in letters(state)[3:]} == {("queued", 0, None)}
    left = waiting(state, limits, NOW)
    assert (left.queued, left.failed, left.held, left.held_until) == (4, 0, 4, NOW + MINUTE)
    almost = NOW + MINUTE - timedelta(microseconds=1)
    assert deliver(state, {"mail": mail}, at(almost), limits=limits).attempts == ()
    assert deliver(state, {"mail": mail}, at(NOW + MINUTE), limits=limits).delivered == 3
    assert deliver(state, {"mail": mail}, at(NOW + 2 * MINUTE), limits=limits).delivered == 1
    assert mail.sent == [f"id{number}" for number in range(1, 8)]
    assert waiting(state, limits, NOW + 2 * MINUTE).held == 0


def test_every_limit_holds(state: State) -> None:
    queue(state, *(letter(number) for number in range(1, 10)))
    limits = {"mail": [Limit(2, timedelta(seconds=1)), Limit(5, MINUTE)]}
    sent = [
        deliver(state, {"mail": Fake()}, at(NOW + timedelta(seconds=second)), limits=limits).delivered for second in (0, 0, 1, 2, 3, 59, 60)
    ]
    assert sent == [2, 0, 2, 1, 0, 0, 2]


def test_the_limit_of_one_channel_is_not_that_of_another(state: State) -> None:
    queue(state, letter(1), letter(2), letter(3, channel="chat"), letter(4, channel="chat"))
    report = deliver(state, {"mail": Fake(), "chat": Fake()}, at(NOW), limits={"chat": [Limit(1, MINUTE)]})
    assert report.delivered == 3


def test_failures_do_not_use_up_the_limit_but_what_is_underway_does(state: State) -> None:
    queue(state, letter(1), letter(2), letter(3))
    limits = {"mail": [Limit(1, MINUTE)]}
    deliver(state, {"mail": Fake(lambda _: LATER)}, at(NOW), limits=limits, retry=STEADY)
    assert [row.state for row in letters(state)] == ["queued"] * 3

    def nested(_: Notification) -> Outcome:
        assert deliver(state, {"mail": Fake()}, at(NOW + timedelta(hours=1)), limits=limits).attempts == ()
        assert waiting(state, limits, NOW + timedelta(hours=1)).held == 2
        return OK

    assert deliver(state, {"mail": Fake(nested)}, at(NOW + timedelta(hours=1)), limits=limits).delivered == 1


def test_two_processes_keep_the_limit_together(url: str) -> None:
    with State.open(url) as state:
        queue(state, *(letter(number) for number in range(40)))
        sent: list[str] = []

        def work() -> None:
            with State.open(url) as mine:
                deliver(mine, {"mail": Fake(sent=sent)}, at(NOW), limits={"mail": [Limit(7, MINUTE)]})

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(sent) == len(set(sent)) == 7
        assert [row.state for row in letters(state)].count("queued") == 33


def test_the_other_side_may_ask_for_a_longer_pause(state: State) -> None:
    queue(state, letter(1))
    busy = Outcome(Delivery.TRY_LATER, "rate_limited", "slow down", wait=timedelta(minutes=10))
    deliver(state, {"mail": Fake(lambda _: busy)}, at(NOW), retry=STEADY)
    assert letters(state)[0].next_attempt_at == NOW + timedelta(minutes=10)


def test_the_order_in_a_thread_holds_across_deliveries_side_by_side(url: str) -> None:
    with State.open(url) as state:
        queue(state, *(letter(number, thread=f"t{number % 3}", channel=f"c{number % 2}") for number in range(60)))
        sent: list[str] = []

        def work() -> None:
            with State.open(url) as mine:
                for _ in range(30):
                    deliver(mine, {"c0": Fake(sent=sent), "c1": Fake(sent=sent)}, at(NOW))

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for group in range(6):
            order = [int(id_[2:]) for id_ in sent if int(id_[2:]) % 6 == group]
            assert order == sorted(order) and len(order) == 10


def test_a_notice_of_a_dead_letter_goes_out_at_once(state: State) -> None:
    def notice(dead: Letter, _: Outcome) -> list[Notification]:
        return [letter(100, channel="chat", to=dead.notification.channel)] if dead.notification.channel == "mail" else []

    queue(state, letter(1))
    never = Outcome(Delivery.GIVE_UP, "bad_recipient")
    report = deliver(state, {"mail": Fake(lambda _: never), "chat": Fake(lambda _: never)}, at(NOW), notice=notice)
    assert (report.dead, retry_dead(state)) == (2, 2)
    assert [state_ for _, state_, _ in states(state)] == ["queued", "queued"]


def test_time_is_an_argument(state: State) -> None:
    instants: list[datetime] = []

    def now() -> datetime:
        instants.append(NOW)
        return NOW

    queue(state, letter(1))
    deliver(state, {"mail": Fake()}, now)
    assert instants and letters(state)[0].delivered_at == NOW
