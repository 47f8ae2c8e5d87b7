"""Compares two replays of the same history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from engine.diff.alerts import Pairing, alert_changes
from engine.diff.messages import paired_messages, sent_changes
from engine.diff.model import Difference, Different, Tally, Thing, rules_told
from engine.diff.renames import changed_rules, renames, rules_of
from engine.diff.texts import Texts
from engine.project import Project
from engine.replay import Episode, Replay, Sent
from engine.snapshots import Snapshots


def compare(
    base: Replay,
    head: Replay,
    projects: tuple[Project, Project],
    snapshots: Snapshots,
    span: tuple[datetime, datetime],
    names: tuple[str, str] = ("base", "head"),
) -> Difference:
    """What is different between two replays of ``snapshots`` over ``span``, of the older and the newer project, which are called ``names``.

    Alerts that never fired are left out. One that fires for a row in both, while it was true in both without a break, is the same alert;
    a message to the same recipient that tells the same of the same alert is the same message.
    """
    renamed = renames(*projects)
    called = {one.before: one.after for one in renamed}
    pairing = Pairing.of(base, head, called)
    texts = Texts(projects, snapshots, called)
    alerts: list[Different[Episode]] = []
    for old, new in pairing.pairs:
        thing = new or old
        assert thing  # noqa: S101 - a pair has at least one
        alerts.append(Different(old, new, (called.get(thing.rule, thing.rule) if new is None else thing.rule,), alert_changes(old, new)))
    messages: list[Different[Sent]] = []
    for before, after in paired_messages(base.sent, head.sent, pairing):
        rules = [*rules_told(after)] if after else []
        rules += [called.get(rule, rule) for rule in rules_told(before)] if before else []
        messages.append(Different(before, after, tuple(dict.fromkeys(rules)), sent_changes(before, after, texts)))
    old_rules, new_rules = (rules_of(project) for project in projects)
    return Difference(
        base,
        head,
        names,
        span,
        renamed,
        tuple(name for name in new_rules if name not in old_rules and name not in called.values()),
        tuple(name for name in old_rules if name not in new_rules and name not in called),
        changed_rules(*projects),
        _tally(alerts),
        _tally(messages),
        complete_texts=texts.complete,
    )


def _tally(found: Iterable[Different[Thing]]) -> Tally[Thing]:
    found = tuple(found)
    counts = sum(each.base is not None for each in found), sum(each.head is not None for each in found)
    differing = (each for each in found if each.base is None or each.head is None or each.changes)
    return Tally(counts, tuple(sorted(differing, key=lambda each: (each.at, each.rules))))
