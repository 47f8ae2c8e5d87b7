"""What the lifecycle, routing and the outbox did with an alert, read from the state and told step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engine.cli.reasons import ACTS, HOLDS, SUPPRESSIONS
from engine.cli.words import LETTERS, STATES
from engine.errors import Text
from engine.lifecycle import step
from engine.model import Alert, Identity, Reason, RuleInfo, RuleResult, Severity, Transition
from engine.model import State as AlertState
from engine.outbox import Letter, letters
from engine.project import Project
from engine.routing import Held, Plan, Suppression, labels_of, plan, routes_for
from engine.state import Deed, Event, RuleHealth, State, deeds
from engine.wording import REASONS, SEVERITIES, Writer, clean, zone_of


@dataclass(frozen=True, slots=True)
class Story:
    """What is stored about one identity, up to an instant. ``alert`` is its newest state, None when it never was one (or never fired and
    is over). ``letters`` are the messages about it; ``suppressed`` are the changes that were not told, when, why and by which route."""

    identity: Identity
    info: RuleInfo
    alert: Alert | None = None
    events: tuple[Event, ...] = ()
    letters: tuple[Letter, ...] = ()
    suppressed: tuple[tuple[datetime, Suppression, str], ...] = ()
    held: tuple[Held, ...] = ()
    deeds: tuple[Deed, ...] = ()
    health: RuleHealth | None = None

    def until(self, at: datetime) -> Story:
        """What was known at ``at``. A letter keeps what became of it later."""
        return replace(
            self,
            events=tuple(event for event in self.events if event.at <= at),
            letters=tuple(letter for letter in self.letters if letter.notification.created_at <= at),
            suppressed=tuple(each for each in self.suppressed if each[0] <= at),
            deeds=tuple(deed for deed in self.deeds if deed.at <= at),
            held=tuple(held for held in self.held if held.since <= at),
        )


@dataclass(frozen=True, slots=True)
class Outlook:
    """What an evaluation would do with an alert, and who would be told if it fired.

    ``move`` is None when nothing would change, or when the alert already knows of a later instant (``late``).
    """

    move: Transition | None
    late: bool
    labels: Mapping[str, str]
    routes: tuple[str, ...]
    plans: tuple[Plan, ...]
    severity: Severity


def read_story(state: State | None, identity: Identity, info: RuleInfo) -> Story:
    if state is None:
        return Story(identity, info)
    found = state.alerts([identity.rule], resolved=True)
    health = next((each for each in state.health() if each.rule == identity.rule), None)
    return Story(
        identity,
        info,
        found.get(identity),
        state.history(identity),
        letters(state, about=identity.fingerprint),
        state.suppressed(identity),
        state.held(identity),
        deeds(state, identity),
        health,
    )


def info_of(project: Project, rule: str) -> RuleInfo:
    """The rule, built-in ones too; of one that is gone, what its name tells."""
    return project.all_infos.get(rule) or RuleInfo(rule, Text.same(rule), Severity.WARNING)


def outlook(project: Project, story: Story, result: RuleResult, store_id: str, at: datetime) -> Outlook:
    """What an evaluation at ``at`` with this result (of the identity alone) would do, by the functions that decide in a round."""
    known = {story.identity: story.alert} if story.alert else {}
    _, moves = step(known, [result], {story.info.name: story.info}, at)
    severity = result.candidates[0].severity if result.candidates else story.alert.severity if story.alert else story.info.severity
    alert = Alert(story.identity, store_id, AlertState.FIRING, severity, at, at, at, owner=story.info.owner)
    fires = Transition(alert, None, AlertState.FIRING, Reason.FIRST, at)
    plans, _ = plan([fires], {story.identity: alert}, {story.info.name: story.info}, project.channels, at, {})
    labels = labels_of(alert, story.info)
    routes = tuple(f"{route.name} → {route.receiver}" for route in routes_for(labels, project.channels))
    return Outlook(moves[0] if moves else None, _is_later(story.alert, at), labels, routes, plans, severity)


def _is_later(alert: Alert | None, at: datetime) -> bool:
    """Whether the stored state knows of an instant after ``at``."""
    if alert is None:
        return False
    known = (alert.last_true, alert.firing_since, alert.resolved_at, alert.not_true_since)
    return any(instant is not None and instant > at for instant in known)


@dataclass(frozen=True)
class Narrator:
    """Tells stories in one language and time zone, as lines of text."""

    language: str
    time_zone: str

    def say(self, en: str, zh: str) -> str:
        return zh if self.language == "zh" else en

    def text(self, text: Text) -> str:
        return text.in_(self.language)

    @property
    def writer(self) -> Writer:
        return Writer(self.language, zone_of(self.time_zone))

    def time(self, instant: datetime) -> str:
        """Wall-clock time in the project's zone: ``2026-11-20 09:30``, with seconds where there are any."""
        local = instant.astimezone(self.writer.zone)
        return f"{local:%Y-%m-%d %H:%M:%S}" if local.second else f"{local:%Y-%m-%d %H:%M}"

    def lifecycle(self, story: Story, at: datetime) -> Iterator[str]:
        """The state at ``at``, and how it came to that."""
        past = story.until(at)
        if not past.events:
            yield self.say("never was an alert", "从未成为告警") if not story.events else self.say("no alert yet then", "当时还没有告警")
        elif story.alert is not None and not _is_later(story.alert, at):
            yield from self.state(story.alert, story.info)
        else:
            since = next(event for event in reversed(past.events) if event.before is not event.after)
            state, at_ = self.text(STATES[since.after]), self.time(since.at)
            yield self.say(f"{state} then, since {at_}", f"当时{state}，自 {at_}")
        yield from self.events(past.events)

    def state(self, alert: Alert, info: RuleInfo) -> Iterator[str]:
        since = {AlertState.PENDING: alert.pending_since, AlertState.FIRING: alert.firing_since, AlertState.RESOLVED: alert.resolved_at}
        instant = since[alert.state] or alert.pending_since
        state, severity = self.text(STATES[alert.state]), self.text(SEVERITIES[alert.severity])
        yield self.say(f"{state} since {self.time(instant)}, {severity}", f"{state}，自 {self.time(instant)}，{severity}")
        if alert.state is AlertState.PENDING:
            until = self.time(alert.pending_since + info.hold)
            yield self.say(f"fires if it is still true at {until}", f"若到 {until} 仍成立则报警")
        if alert.not_true_since:
            until = self.time(alert.not_true_since + info.keep_firing)
            since_when = self.time(alert.not_true_since)
            yield self.say(f"not true since {since_when}; kept firing until {until}", f"自 {since_when} 起不成立；保持报警到 {until}")
        if alert.explained_by:
            incident = clean(str(alert.explained_by))
            yield self.say(
                f"told in the message of {incident} (storewatch why {incident})",
                f"由事件 {incident} 的消息一起通知（storewatch why {incident}）",
            )
        yield from (f"· {clean(str(member.identity))}" for member in alert.members)
        if alert.acknowledged_by:
            name = clean(alert.acknowledged_by)
            yield self.say(f"acknowledged by {name}: no reminders", f"{name} 已确认：不再提醒")
        if alert.closed_by:
            name = clean(alert.closed_by)
            yield self.say(
                f"closed by {name}: it does not fire again before its condition was false once",
                f"{name} 已关闭：条件恢复正常一次之前不会再报警",
            )

    def events(self, events: Sequence[Event]) -> Iterator[str]:
        for event in events:
            before = f"{self.text(STATES[event.before])} → " if event.before and event.before is not event.after else ""
            yield (
                f"{self.time(event.at)}  {before}{self.text(STATES[event.after])}  [{self.text(SEVERITIES[event.severity])}]  "
                f"{self.text(REASONS[event.reason])}"
            )

    def outlook(self, outlook: Outlook) -> Iterator[str]:
        """What an evaluation would do, and where a message would go."""
        if outlook.late:
            yield self.say(
                "later instants were evaluated since: evaluating this one again changes nothing",
                "之后的时刻已评估过：再评估这一时刻不会有变化",
            )
        elif outlook.move is None:
            yield self.say("an evaluation at this instant would change nothing", "在这一时刻评估不会有变化")
        else:
            state, reason = self.text(STATES[outlook.move.after]), self.text(REASONS[outlook.move.reason])
            yield self.say(f"an evaluation at this instant would make it {state}: {reason}", f"在这一时刻评估会变为{state}：{reason}")

    def routing(self, outlook: Outlook) -> Iterator[str]:
        severity = self.text(SEVERITIES[outlook.severity])
        yield self.say(f"as {severity} it goes to", f"级别为{severity}时发往")
        for route in outlook.routes:
            told = [each for each in outlook.plans if f"{each.route.name} → {each.route.receiver}" == route]
            yield f"  {clean(route)}"
            for each in told:
                listed = ", ".join(f"{recipient.channel}:{clean(recipient.address)}" for recipient in each.recipients)
                again = self.writer.duration(each.route.repeat_interval)
                yield self.say(f"    tells {listed}; reminds every {again}", f"    通知 {listed}；每 {again}提醒")
            if not told:
                yield self.say(
                    "    tells nobody (no recipient, or told by another route)", "    不通知任何人（没有收件人，或已由其他路由通知）"
                )

    def letters(self, found: Sequence[Letter]) -> Iterator[str]:
        for letter in found:
            about, state = letter.notification, self.text(LETTERS.get(letter.state, Text.same(letter.state)))
            state += f" {self.time(letter.delivered_at)}" if letter.delivered_at else ""
            tries = self.say(f"{letter.attempts} {plural('attempt', letter.attempts)}", f"尝试 {letter.attempts} 次")
            answer = clean(" ".join(filter(None, [letter.category, letter.detail])), 120)
            outcome = ": ".join(filter(None, [tries, answer]))
            yield f"{self.time(about.created_at)}  {about.channel}:{clean(about.recipient)}  {state}  ({outcome})"
            yield f"    {clean(about.subject)}"
            if letter.next_attempt_at and letter.state == "queued":
                yield self.say(f"    next attempt {self.time(letter.next_attempt_at)}", f"    下次尝试 {self.time(letter.next_attempt_at)}")

    def suppressed(self, found: Sequence[tuple[datetime, Suppression, str]]) -> Iterator[str]:
        for instant, reason, route in found:
            yield f"{self.time(instant)}  {self.text(SUPPRESSIONS[reason])}{self.by_route(route)}"

    def by_route(self, route: str) -> str:
        return self.say(f" (route {clean(route)})", f"（路由 {clean(route)}）") if route else ""

    def deeds(self, found: Sequence[Deed]) -> Iterator[str]:
        for deed in found:
            act, comment = self.text(ACTS[deed.act]), self.say(": ", "，") + clean(deed.comment) if deed.comment else ""
            yield f"{self.time(deed.at)}  {act}{clean(deed.author)}{comment}"

    def held(self, found: Sequence[Held]) -> Iterator[str]:
        for each in found:
            reason, hold = self.text(REASONS[each.reason]), self.text(HOLDS[each.hold])
            yield f"{self.time(each.at)}  {self.text(STATES[each.after])}: {reason}"
            until = self.time(each.until) if each.until else self.say("further notice", "另行通知")
            yield self.say(f"    waits until {until}: {hold}", f"    等到 {until}：{hold}") + self.by_route(each.route)

    def health(self, health: RuleHealth | None) -> Iterator[str]:
        if health and health.failures:
            why = self.text(health.last_error) if health.last_error else ""
            yield self.say(
                f"the rule's last {health.failures} evaluation(s) failed: {why}", f"该规则最近 {health.failures} 次评估失败：{why}"
            )


def plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}es" if word.endswith("ch") else f"{word}s"
