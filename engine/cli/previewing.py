"""Messages made for looking at: of a real row where there is one, else of made-up values; as a page, as a picture."""

from __future__ import annotations

import base64
import html
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Protocol

from matplotlib.image import imread, imsave

from engine.actions import compose
from engine.actions.robots import markdown_in
from engine.cli.common import BROWSERS
from engine.composing import TREND_POINTS
from engine.errors import EvaluationError, Text, UsageError, did_you_mean
from engine.exhibits import pictures_of
from engine.matching.evaluate import Matcher
from engine.matching.explain import explain
from engine.matching.explanation import Explanation, Verdict
from engine.matching.trends import trend
from engine.model import (
    Alert,
    Candidate,
    Identity,
    Item,
    Message,
    Reason,
    Rendered,
    RuleInfo,
    Severity,
    Shown,
    State,
    Transition,
    Trend,
    Type,
    Value,
)
from engine.project import Project
from engine.routing import Plan, Recipient, plan
from engine.rules import AlertRule, Labelled
from engine.snapshots import Snapshots
from engine.specimens import AT, specimens
from engine.state import State as Database

FLAGS = (
    "--headless --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
    " --hide-scrollbars --force-device-scale-factor=2 --window-size=640,6000 --host-resolver-rules=MAP|*|~NOTFOUND"
).split()
PATIENCE = 60  # seconds for a picture
MARGIN = 40  # pixels left below the message
EXAMPLES: Mapping[Type, Value] = {
    Type.STRING: "示例 example",
    Type.INTEGER: 12,
    Type.NUMBER: Decimal("4.66"),
    Type.MONEY: Decimal("128.50"),
    Type.PERCENT: Decimal("0.155"),
    Type.BOOLEAN: True,
    Type.TIMESTAMP: AT - timedelta(hours=9),
    Type.DATE: date(2026, 11, 20),
    Type.DURATION: timedelta(hours=50),
}


@dataclass(frozen=True, slots=True)
class Preview:
    """A rendered message; ``note`` says what it is made of, ``identity`` whose it is (None: made up)."""

    rendered: Rendered
    note: Text
    identity: Identity | None
    recipients: tuple[Recipient, ...]
    message: Message

    def json(self) -> dict[str, object]:
        return {
            "real": self.identity is not None,
            "key": list(self.identity.key) if self.identity else None,
            "note": self.note,
            "subject": self.rendered.subject,
            "text": self.rendered.text,
            "html": self.rendered.html,
            "fault": self.rendered.fault or None,
            "recipients": [{"channel": to.channel, "address": to.address, "language": to.language} for to in self.recipients],
        }


class Source(Protocol):
    """Where previews of one rule get what they tell: candidates at one instant, and made-up messages."""

    @property
    def info(self) -> RuleInfo: ...

    def first(self, state: Database | None) -> tuple[Candidate | None, Text]:
        """The most severe candidate (None: there is none), and what to say of it."""

    def asked(self, key: tuple[str, ...], state: Database | None) -> tuple[Candidate, Text]:
        """The one with this key. Raises UsageError when there is none."""

    def trend(self, key: tuple[str, ...]) -> Trend | None: ...

    def picture(self, key: tuple[str, ...]) -> bytes: ...

    def made_up(self, event: str) -> Message: ...


@dataclass(frozen=True)
class Rows:
    """The rows that an alert rule judges."""

    project: Project
    rule: AlertRule
    at: datetime

    @property
    def info(self) -> RuleInfo:
        return self.rule.info

    @cached_property
    def matcher(self) -> Matcher:
        return Matcher(self.project.facts.schemas, self.project.facts.time_zone)

    @cached_property
    def snapshots(self) -> Snapshots:
        return Snapshots(self.project.snapshots)

    def first(self, state: Database | None) -> tuple[Candidate | None, Text]:
        result = self.matcher.evaluate([self.rule], self.snapshots, self.at)[self.rule.name]
        if result.error:
            raise EvaluationError(result.error)
        if not result.candidates:
            return None, Text("no row matches at this instant: the values are made up", "这一时刻没有匹配的行：数值是虚构的")
        first = result.candidates[0]
        return first, made_of(first.identity, len(result.candidates))

    def asked(self, key: tuple[str, ...], state: Database | None) -> tuple[Candidate, Text]:
        """The row asked for, matching or not."""
        found = explain(self.rule, key, self.matcher, self.snapshots, self.at)
        if found.result.error:
            raise EvaluationError(found.result.error)
        if found.row is None:
            asked = "/".join(key)
            text = Text(
                f"there is no row '{asked}' of '{self.rule.kind}' at this instant", f"这一时刻 '{self.rule.kind}' 没有 '{asked}' 这一行"
            )
            raise UsageError(text, did_you_mean(asked, found.near))
        if found.verdict is Verdict.TRUE:
            return found.result.candidates[0], made_of(found.identity)
        note = Text(
            f"made of the real row {found.identity}, for which the condition is not true now ({found.verdict})",
            f"取自真实数据 {found.identity}，但它此刻并不满足条件（{found.verdict}）",
        )
        return Candidate(found.identity, found.row.store_id, self._severity(found), found.row.as_of, found.shown), note

    def _severity(self, found: Explanation) -> Severity:
        """The first case that holds, as for a row that matches."""
        holding = (severity for severity, case in found.severities if case is None or case.last_known)
        return next(holding, self.rule.info.severity)

    def picture(self, key: tuple[str, ...]) -> bytes:
        if self.rule.picture is None:
            return b""
        found = pictures_of(self.rule.name, self.rule.kind, self.rule.picture, [key], self.matcher, self.snapshots, self.at)
        return found.get(Identity(self.rule.name, key), b"")

    def trend(self, key: tuple[str, ...]) -> Trend | None:
        facts, rule = self.project.facts, self.rule
        if rule.trend is None:
            return None
        found = trend(rule.trend, rule.kind, [key], self.snapshots, facts.schemas, self.at, facts.time_zone, TREND_POINTS, self.matcher)
        return found.get(key)

    def made_up(self, event: str) -> Message:
        return dummy(self.rule, event)


@dataclass(frozen=True)
class Maker:
    """Makes the message of one rule at one instant about one event."""

    project: Project
    source: Source
    at: datetime
    event: str
    language: str

    def make(self, key: tuple[str, ...] | None, state: Database | None) -> Preview:
        """The message about the row with this key; without one about the first row that matches, or of made-up values."""
        found, note = self.source.asked(key, state) if key else self.source.first(state)
        if found is None:
            made_up = self.source.made_up(self.event)
            return Preview(self.project.renderer.render(made_up, self.language), note, None, self._plans(None)[1], made_up)
        stored = state.alerts([self.source.info.name]).get(found.identity) if state else None
        moved = self._transition(found, stored)
        chosen, recipients = self._plans(moved.alert)
        item = Item(
            moved,
            self.source.info,
            Snapshots(self.project.snapshots).store_names([found.store_id], self.at).get(found.store_id, ""),
            None if self.event == "resolved" else self.source.trend(found.identity.key),
            found.shown if self.event == "resolved" else (),
            stored.shown if stored and self.event == "repeat" else (),
            found.as_of,
            b"" if self.event == "resolved" else self.source.picture(found.identity.key),
        )
        labels = chosen.labels if chosen else {}
        message = Message("preview", "preview", (item,), labels, self.at, self.project.facts.time_zone, self.event == "firing")
        return Preview(self.project.renderer.render(message, self.language), note, found.identity, recipients, message)

    def _transition(self, found: Candidate, stored: Alert | None) -> Transition:
        """The event, of an alert that began when the stored one did; else a day ago, or when the rule's `for` would have begun."""
        info = self.source.info
        supposed = self.at - (info.hold if self.event == "firing" else max(info.hold, timedelta(days=1)))
        since = min(stored.pending_since, self.at) if stored else supposed
        alert = Alert(
            found.identity,
            found.store_id,
            State.FIRING,
            found.severity,
            since,
            self.at,
            self.at,
            shown=found.shown,
            evidence=found.evidence,
            owner=info.owner,
            members=found.members,
        )
        match self.event:
            case "repeat":
                return Transition(alert, State.FIRING, State.FIRING, Reason.REPEAT_DUE, self.at)
            case "resolved":
                over = replace(alert, state=State.RESOLVED, resolved_at=self.at)
                return Transition(over, State.FIRING, State.RESOLVED, Reason.NO_LONGER_TRUE, self.at)
            case _:
                return Transition(alert, None, State.FIRING, Reason.HELD_LONG_ENOUGH if info.hold else Reason.FIRST, self.at)

    def _plans(self, alert: Alert | None) -> tuple[Plan | None, tuple[Recipient, ...]]:
        """The first message that routing would make of the alert (None: a made-up one), and all who would be told."""
        info = self.source.info
        alert = alert or Alert(Identity(info.name, ("",)), "", State.FIRING, info.severity, self.at, self.at, owner=info.owner)
        firing = replace(alert, state=State.FIRING, firing_since=self.at)
        fires = Transition(firing, None, State.FIRING, Reason.FIRST, self.at)
        plans, _ = plan([fires], {firing.identity: firing}, self.project.infos, self.project.channels, self.at, {})
        return (plans[0] if plans else None), tuple(to for each in plans for to in each.recipients)


def made_of(identity: Identity, matching: int = 1) -> Text:
    others = Text(f" ({matching} rows match)", f"（共 {matching} 行匹配）") if matching > 1 else Text("", "")
    return Text(f"made of real data: {identity}{others.en}", f"取自真实数据：{identity}{others.zh}")


def dummy(rule: AlertRule, event: str) -> Message:
    """A message of the rule with its own labels and made-up values."""
    message = specimens(rule.info)[event]
    item = message.items[0]
    shown = examples(rule.show)
    rows = (examples(rule.evidence.show),) * 2 if rule.evidence else ()
    alert = replace(item.transition.alert, shown=shown, evidence=rows, acknowledged_by="")
    course = _course(rule.trend) if rule.trend and event != "resolved" else None
    current = shown if event == "resolved" else ()
    made = replace(item, transition=replace(item.transition, alert=alert), trend=course, current=current, before=())
    return replace(message, items=(made,))


def _course(item: Labelled) -> Trend | None:
    """A made-up fall over two weeks; None where values of this type have no course."""
    example = EXAMPLES[item.value.type]
    if not isinstance(example, int | Decimal) or isinstance(example, bool):
        return None
    points = tuple((AT - timedelta(days=13 - day), float(example) * (1 + (13 - day) / 40)) for day in range(14))
    return Trend(item.label, points, item.value.type, item.unit)


def examples(items: tuple[Labelled, ...]) -> tuple[Shown, ...]:
    return tuple(Shown(item.label, EXAMPLES[item.value.type], item.value.type, item.unit) for item in items)


def as_sent(made: Preview, project: Project, name: str, language: str) -> str:
    """What leaves over the channel, legibly: markdown of chats, JSON of webhooks, the source of a mail. Raises UsageError."""
    channel = project.channels.channels.get(name)
    if channel is None:
        text = Text(f"there is no channel '{name}'", f"没有名为 '{name}' 的渠道")
        raise UsageError(text, did_you_mean(name, project.channels.channels))
    chosen = next(
        (to for to in made.recipients if to.channel == name), Recipient(name, channel.ONE_ADDRESS or "name@example.com", language)
    )
    payload = compose(channel, made.message, made.rendered, replace(chosen, language=language)).payload.decode("utf-8", "replace")
    try:
        data = json.loads(payload)
    except ValueError:
        return payload
    return (markdown_in(data) if channel.CHAT else "") or json.dumps(data, ensure_ascii=False, indent=2)


def page_of(rendered: Rendered) -> str:
    """The HTML part with its pictures inside, for a browser; the text as a page where there is no HTML."""
    page = rendered.html or f"<!DOCTYPE html><meta charset=utf-8><pre>{html.escape(rendered.text)}</pre>\n"
    for picture in rendered.pictures:
        page = page.replace(f"cid:{picture.name}", f"data:image/{picture.format};base64,{base64.b64encode(picture.data).decode()}")
    return page


def take_picture(page: str, target: Path) -> None:
    """Writes a PNG of the page, 640 wide, cut where the message ends. Raises UsageError when no browser is installed, or it fails."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        hint = Text(
            "install it (`apt-get install chromium`), or use --html and open the file",
            "请安装（apt-get install chromium），或用 --html 再自行打开",
        )
        raise UsageError(Text("a picture needs Chromium, and none is installed", "生成图片需要 Chromium，但没有安装"), hint)
    with tempfile.TemporaryDirectory(prefix="storewatch-") as name:
        folder = Path(name)
        (folder / "message.html").write_text(page, encoding="utf-8")
        _run(browser, folder)
        pixels = imread(folder / "message.png")
        used = (pixels != pixels[-1, -1]).any(axis=(1, 2)).nonzero()[0]
        end = int(used[-1]) + MARGIN if len(used) else len(pixels)
        imsave(target, pixels[:end], format="png")


def _run(browser: str, folder: Path) -> None:
    """One screenshot, ``message.png`` of ``message.html``. A browser run by root works only without its sandbox."""
    flags = [flag.replace("|", " ") for flag in FLAGS] + (["--no-sandbox"] if os.geteuid() == 0 else [])
    command = [browser, *flags, f"--user-data-dir={folder / 'profile'}", f"--screenshot={folder / 'message.png'}"]
    try:
        subprocess.run([*command, (folder / "message.html").as_uri()], capture_output=True, check=True, timeout=PATIENCE)  # noqa: S603
    except (subprocess.SubprocessError, OSError) as error:
        raise UsageError(Text(f"{browser} could not draw the message: {error}", f"{browser} 无法绘制消息：{error}")) from error
    if not (folder / "message.png").is_file():
        raise UsageError(Text(f"{browser} wrote no picture", f"{browser} 没有生成图片"))
