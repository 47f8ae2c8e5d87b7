"""From a transition to a mail in an inbox: routing, composing, the console, and notices of dead letters."""

from __future__ import annotations

import io
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from engine.actions import Surroundings, compose, senders
from engine.actions.console import ConsoleSender
from engine.actions.notices import dead_letter_notice
from engine.lifecycle import step
from engine.model import Item, Message, Notification, Rendered
from engine.outbox import deliver, letters
from engine.routing import Channels, due_repeats, plan
from engine.sending import Delivery
from engine.state import Evaluation, State
from tests.delivery.servers import Inbox, smtp_server
from tests.delivery.test_outbox import NEVER, NOW, Fake, at, queue, states
from tests.delivery.test_routing import channels
from tests.delivery.values import HOUR, RULES, START, found, letter


def round_(state: State, settings: Channels, hour: int, *stores: str) -> None:
    """One evaluation as the pipeline does it, with plain texts instead of templates."""
    instant = START + hour * HOUR
    result = found(*stores)
    before = state.alerts() | state.resolved(candidate.identity for candidate in result.candidates)
    after, transitions = step(before, [result], RULES, instant)
    told = state.told()
    repeats = due_repeats(after, RULES, settings, instant, told)
    plans, suppressed = plan((*transitions, *repeats), after, RULES, settings, instant, told)
    notifications: list[Notification] = []
    for each in plans:
        items = tuple(Item(moved, RULES[moved.alert.identity.rule]) for moved in each.transitions)
        message = Message(each.id, each.thread, items, each.labels, instant, "Asia/Shanghai", each.first)
        rendered = Rendered(f"{each.transitions[0].reason}\r\nBcc: x@evil.example", "text", "<p>html</p>")
        for to in each.recipients:
            answers = state.thread_started(each.thread, to.address)
            notifications.append(compose(settings.channels[to.channel], message, rendered, to, answers))
    done = Evaluation("d", instant, instant, instant, [result], after, (*transitions, *repeats), notifications, suppressed)
    assert state.commit(done)


def test_the_mails_of_an_episode_hang_together(state: State, tmp_path: Path) -> None:
    inbox = Inbox()
    with smtp_server(inbox) as port:
        mail = {"type": "email", "host": "127.0.0.1", "port": port, "security": "none", "from": "巡店 <w@shop.example>"}
        settings = channels({}, channels={"mail": mail, "screen": {"type": "console"}})
        ready = senders(settings, Surroundings(tmp_path, {}, io.StringIO(), lambda: NOW))
        for hour, stores in ((0, ["S1"]), (1, ["S1"]), (24, ["S1"]), (25, ["S1"]), (26, []), (27, ["S1"])):
            round_(state, settings, hour, *stores)
            assert deliver(state, ready, at(START + hour * HOUR)).failures() == {}
    mails = [message_from_bytes(content, policy=default) for _, content in inbox.mails]
    assert [str(mail["Subject"]).split(" ", maxsplit=1)[0] for mail in mails] == ["first", "repeat_due", "row_gone", "first"]
    assert [mail["In-Reply-To"] for mail in mails] == [None, mails[0]["Message-ID"], mails[0]["Message-ID"], None]
    assert len({mail["Message-ID"] for mail in mails}) == 4
    assert all(mail["Bcc"] is None and mail["To"] == "s@shop.example" for mail in mails)
    assert "w@shop.example" in mails[0]["From"] and "巡店" in mails[0]["From"]


def test_nothing_is_repeated_while_a_mail_waits(state: State) -> None:
    settings = channels({})
    for hour in (0, 24, 48):
        round_(state, settings, hour, "S1")
        deliver(state, {}, at(START + hour * HOUR))
    assert len(letters(state)) == 1


def test_the_console_writes_text_and_no_control_characters() -> None:
    stream = io.StringIO()
    payload = "评分下降\n\n\x1b[31mred\x07 <script> 4.70\r\n".encode() + b"\xff"
    with ConsoleSender(stream).session() as send:
        outcome = send(replace(letter(channel="screen"), payload=payload))
    assert outcome.delivery is Delivery.DELIVERED
    assert stream.getvalue() == "评分下降\n\n [31mred  <script> 4.70 \n\ufffd\n\n"


def test_a_closed_console_is_tried_again() -> None:
    stream = io.StringIO()
    stream.close()
    with ConsoleSender(stream).session() as send:
        assert send(letter()).category == "closed_stream"


def test_a_dead_letter_is_told_of_on_the_other_channel_and_only_once(state: State, tmp_path: Path) -> None:
    settings = channels({}, language="en")
    stream = io.StringIO()
    refusing = {"mail": Fake(lambda _: NEVER), "screen": ConsoleSender(stream)}
    queue(state, replace(letter(1), subject="评分下降 {evil}\r\nBcc: x@evil.example"))
    report = deliver(state, refusing, at(NOW), notice=dead_letter_notice(settings))
    assert (report.dead, report.delivered) == (1, 1)
    assert deliver(state, refusing, at(NOW), notice=dead_letter_notice(settings)).attempts == ()
    assert "550 unknown" in stream.getvalue() and "评分下降 {evil}" in stream.getvalue()
    assert [state_ for _, state_, _ in states(state)] == ["dead", "delivered"]


def test_a_notice_that_dies_is_not_told_of(state: State) -> None:
    settings = channels({})
    nothing_works = {"mail": Fake(lambda _: NEVER), "screen": Fake(lambda _: NEVER)}
    queue(state, letter(1, channel="screen"))
    for _ in range(4):
        deliver(state, nothing_works, at(NOW), notice=dead_letter_notice(settings))
    dead = [(row.notification.channel, row.notification.recipient) for row in letters(state, "dead")]
    assert dead == [("screen", "a@shop.example"), ("mail", "lead@shop.example"), ("mail", "s@shop.example")]
    notice = message_from_bytes(letters(state)[1].notification.payload, policy=default)
    assert "Subject 1" in notice["Subject"]
