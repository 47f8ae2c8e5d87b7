"""Messages of a replay: noted while it runs, written when somebody wants to read one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.composing import Desk
from engine.matching.evaluate import Matcher
from engine.model import Identity, Notification, Rendered
from engine.project import Project
from engine.replay.model import Remembered, Sent
from engine.routing import Plan
from engine.snapshots import Snapshots


@dataclass
class Notes:
    """Takes the place of the writing of messages (:data:`engine.composing.Write`): who is told what is noted, nothing is rendered.

    The notifications that it gives have neither subject nor payload.
    """

    sent: list[Sent] = field(default_factory=list)

    def write(self, desk: Desk, plans: Sequence[Plan]) -> list[tuple[Notification, str]]:
        past = Remembered()  # what all of them need to know
        noted = [each for plan in plans for each in self._noted(desk, plan, past)]
        self.sent += noted
        return [(_stub(each), "") for each in noted]

    @staticmethod
    def _noted(desk: Desk, plan: Plan, past: Remembered) -> Iterator[Sent]:
        told = desk.told(plan.transitions)
        past.events.update((moved.alert.identity, event) for moved in told if (event := desk.event_before(moved)))
        identities = tuple(dict.fromkeys(moved.alert.identity for moved in told))
        for recipient in plan.recipients:
            started = desk.past.thread_started(plan.thread, recipient.address)
            past.started.update({(plan.thread, recipient.address): started} if started else {})
            mine = plan if len(plan.recipients) == 1 else replace(plan, recipients=(recipient,))
            yield Sent(mine, identities, past, desk.as_of)


def _stub(sent: Sent) -> Notification:
    plan, alerts = sent.plan, tuple(identity.fingerprint for identity in sent.told)
    return Notification(plan.id, sent.recipient.channel, sent.recipient.address, plan.thread, "", b"", plan.at, alerts)


@dataclass(frozen=True)
class Clerk:
    """Writes the very message of a notification, as the live path would have: subject, and payload as bytes (of a mail: RFC 5322)."""

    project: Project
    matcher: Matcher
    snapshots: Snapshots

    def write(self, sent: Sent) -> Notification:
        """Raises :class:`~engine.errors.SnapshotError` where a batch went away."""
        return next(self._desk(sent).notifications([sent.plan]))[0]

    def write_all(self, sent: Sequence[Sent]) -> list[Notification]:
        """The messages of one instant, in their order, at less cost than one by one. Raises as :meth:`write`."""
        if not sent:
            return []
        past, as_of = Remembered(), dict[Identity, datetime]()
        for one in {(id(one.past), id(one.as_of)): one for one in sent}.values():
            past.started.update(one.past.started)
            past.events.update(one.past.events)
            as_of |= one.as_of
        together = replace(sent[0], past=past, as_of=as_of)
        return [notification for notification, _ in self._desk(together).notifications([one.plan for one in sent])]

    def text(self, sent: Sent) -> Rendered:
        """What it says, without pictures. Raises as :meth:`write`."""
        message = next(self._desk(sent).messages([sent.plan], pictures=False))
        return self.project.renderer.render(message, sent.recipient.language)

    def _desk(self, sent: Sent) -> Desk:
        infos = self.project.all_infos
        return Desk(self.project, self.matcher, self.snapshots, sent.past, infos, sent.as_of, sent.at)
