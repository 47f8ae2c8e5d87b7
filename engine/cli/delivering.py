"""Sends what waits in the outbox, and tells what became of it in a sentence."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import tzinfo
from typing import TextIO

from engine.actions import Surroundings
from engine.cli.common import clock
from engine.cli.words import answer, local_time
from engine.errors import Text
from engine.outbox import DeliveryReport, Waiting
from engine.posting import post, ready_senders
from engine.project import Project
from engine.sending import Delivery
from engine.state import State


def deliver_due(project: Project, state: State, console: TextIO | None) -> DeliveryReport:
    """Send everything in the outbox that is due; channels of type console write to ``console`` (None: they have nowhere to)."""
    senders = ready_senders(project.channels, Surroundings(project.folder, os.environ, console, clock))
    return post(project.channels, senders, state, clock)


def failures(report: DeliveryReport) -> Iterator[Text]:
    """A sentence for every reason why messages were not sent."""
    failed = [attempt for attempt in report.attempts if attempt.outcome.delivery is not Delivery.DELIVERED]
    reasons = Counter((each.letter.notification.channel, each.outcome.category, each.outcome.detail) for each in failed)
    for (channel, category, detail), count in reasons.items():
        told = answer(category)
        yield Text(
            f"channel {channel}: {count} not sent, {told.en}" + (f" ({detail})" if detail else ""),
            f"渠道 {channel}：{count} 封未发出，{told.zh}" + (f"（{detail}）" if detail else ""),
        )


def summary(report: DeliveryReport | None, left: Waiting, zone: tzinfo) -> Text:
    """What was sent (``report`` None: nothing was tried), what waits and until when, what was given up."""
    parts = [_waiting(left, zone), _held(left, zone), _sending(left, zone)]
    if report is None:
        parts.insert(0, Text("nothing sent (--no-send)", "未发送（--no-send）"))
    else:
        parts.insert(0, Text(f"{report.delivered} sent", f"已发送 {report.delivered} 封") if report.delivered else None)
        parts.append(Text(f"{report.dead} given up (storewatch outbox --state dead)", f"放弃 {report.dead} 封") if report.dead else None)
    said = [part for part in parts if part]
    if not said:
        return Text("messages: none to send", "消息：没有要发送的")
    return Text(f"messages: {', '.join(part.en for part in said)}", f"消息：{'，'.join(part.zh for part in said)}")


def _waiting(left: Waiting, zone: tzinfo) -> Text | None:
    if not left.queued:
        return None
    if left.next_attempt_at is None:
        return Text(f"{left.queued} waiting", f"等待 {left.queued} 封")
    at = local_time(left.next_attempt_at, zone)
    return Text(f"{left.queued} waiting (next try from {at})", f"等待 {left.queued} 封（下次尝试不早于 {at}）")


def _held(left: Waiting, zone: tzinfo) -> Text | None:
    if not left.held or left.held_until is None:
        return None
    at = local_time(left.held_until, zone)
    return Text(f"{left.held} of them held back by a channel's limit until {at}", f"其中 {left.held} 封受渠道限速，{at} 后继续")


def _sending(left: Waiting, zone: tzinfo) -> Text | None:
    if not left.sending or left.lease_until is None:
        return None
    at = local_time(left.lease_until, zone)
    return Text(
        f"{left.sending} being sent by another process (taken over after {at} if it died)",
        f"另一个进程正在发送 {left.sending} 封（若该进程已退出，{at} 后重发）",
    )
