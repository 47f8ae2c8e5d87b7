"""``/metrics``: everything worth an alert rule, by the naming rules of Prometheus. :data:`METRICS` lists every name with its meaning.

Counters count since the process started; what the database tells is asked for at the scrape (:class:`~engine.daemon.facts.Lookout`).
Labels hold only names out of the project's files, so their number is known. A rule that is gone has no series any more.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from engine.daemon.facts import Facts, Lookout
from engine.daemon.status import Figures
from engine.daemon.web import Answer
from engine.model import State as AlertState
from engine.project import Project

Labels = tuple[str, ...]
Samples = Mapping[Any, float]
"""Values by labels."""


@dataclass(frozen=True, slots=True)
class Described:
    """A metric: its name (a counter's without ``_total``), its labels, what it tells."""

    name: str
    type: str
    labels: Labels
    help: str


METRICS = (
    Described("storewatch_build_info", "gauge", ("version", "python"), "Always 1; the labels say what runs."),
    Described("storewatch_state_up", "gauge", (), "1 when the state database answers; 0 when what follows from it may be old or missing."),
    Described("storewatch_ready", "gauge", (), "1 when /-/ready says so."),
    Described(
        "storewatch_evaluations", "counter", ("schedule", "outcome"), "Instants of schedules evaluated (done), or tried in vain (failed)."
    ),
    Described("storewatch_evaluation_duration_seconds", "histogram", ("schedule",), "How long evaluations took."),
    Described(
        "storewatch_evaluation_lag_seconds", "gauge", ("schedule",), "From the newest evaluated instant until its evaluation was done."
    ),
    Described("storewatch_evaluation_last_instant_timestamp_seconds", "gauge", ("schedule",), "The newest evaluated instant."),
    Described("storewatch_evaluation_next_instant_timestamp_seconds", "gauge", ("schedule",), "The next instant to be evaluated."),
    Described("storewatch_rules", "gauge", (), "Alert rules of the project in use."),
    Described(
        "storewatch_rule_failures_in_a_row", "gauge", ("rule",), "Evaluations of the rule that failed since the last that went well."
    ),
    Described("storewatch_rule_unknown_rows", "gauge", ("rule",), "Rows that the rule could not judge at its last good evaluation."),
    Described("storewatch_alerts", "gauge", ("rule", "severity", "state"), "Open alerts: pending or firing."),
    Described("storewatch_notifications", "gauge", ("channel", "state"), "Messages not delivered: queued, sending, or dead (given up)."),
    Described(
        "storewatch_notification_oldest_waiting_seconds", "gauge", ("channel",), "Age of the oldest message that waits; 0 when none."
    ),
    Described("storewatch_delivery_attempts", "counter", ("channel", "outcome", "category"), "Attempts to send, and why they failed."),
    Described("storewatch_batches", "counter", ("outcome",), "Export files that the daemon ingested or refused."),
    Described("storewatch_newest_batch_timestamp_seconds", "gauge", ("kind",), "The instant of the newest batch of the kind."),
    Described("storewatch_reloads", "counter", ("outcome",), "Reloads of the project's files that were good or bad."),
    Described("storewatch_config_last_reload_successful", "gauge", (), "0 while files are wrong and the old ones hold."),
    Described("storewatch_config_last_reload_success_timestamp_seconds", "gauge", (), "When the project in use was loaded."),
    Described("storewatch_clock_jumps", "counter", (), "How often the clock jumped (set, or the machine slept)."),
    Described("storewatch_worker_errors", "counter", ("worker",), "Steps of the daemon's threads that failed."),
    Described("storewatch_pings", "counter", ("outcome",), "Calls of the dead-man's ping."),
    Described("storewatch_disk_free_bytes", "gauge", ("folder",), "Free on the file system of the folder."),
    Described("storewatch_daemons", "gauge", (), "Daemons that share the database and were seen within 5 minutes."),
)
_FAMILIES = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}


@dataclass(frozen=True)
class Exhibition(Collector):
    """Collects for prometheus-client; ``ready`` tells what ``/-/ready`` says."""

    figures: Callable[[], Figures]
    project: Callable[[], Project]
    lookout: Lookout
    ready: Callable[[], bool]
    now: Callable[[], datetime]

    def page(self) -> Answer:
        """The answer to a scrape."""
        registry = CollectorRegistry(auto_describe=False)
        for collector in (self, ProcessCollector(registry=None), PlatformCollector(registry=None)):
            registry.register(collector)
        return Answer(HTTPStatus.OK, generate_latest(registry), CONTENT_TYPE_LATEST)

    def collect(self) -> Iterator[Metric]:
        """Every metric of :data:`METRICS`."""
        facts, error = self.lookout.look()
        figures, project = self.figures(), self.project()
        samples = _own(figures, project) | (_stored(facts, project, self.now()) if facts else {})
        samples["storewatch_state_up"] = {(): float(error is None)}
        samples["storewatch_ready"] = {(): float(self.ready())}
        for described in METRICS:
            if described.type == "histogram":
                yield _durations(described, figures)
            else:
                yield _family(described, samples.get(described.name, {}))


def _family(described: Described, samples: Samples) -> Metric:
    family: GaugeMetricFamily | CounterMetricFamily = _FAMILIES[described.type](described.name, described.help, labels=described.labels)
    for labels, value in sorted(samples.items()):
        family.add_metric(labels, value)
    return family


def _durations(described: Described, figures: Figures) -> Metric:
    family = HistogramMetricFamily(described.name, described.help, labels=described.labels)
    for name, schedule in sorted(figures.schedules.items()):
        family.add_metric((name,), buckets=schedule.seconds.cumulative(), sum_value=schedule.seconds.total)
    return family


def _own(figures: Figures, project: Project) -> dict[str, Samples]:
    """What the process itself counts."""
    schedules = figures.schedules.items()
    attempts = {(channel, outcome, category): float(count) for (channel, outcome, category), count in figures.attempts.items()}
    rounds = {(name, "done"): float(each.rounds) for name, each in schedules} | {
        (name, "failed"): float(each.failures) for name, each in schedules
    }
    lags = {(name,): _seconds(each.last_instant, each.last_done) for name, each in schedules if each.last_instant and each.last_done}
    loaded = figures.reloaded or figures.started
    return {
        "storewatch_build_info": {(version("storewatch"), platform.python_version()): 1.0},
        "storewatch_evaluations": rounds,
        "storewatch_evaluation_lag_seconds": lags,
        "storewatch_evaluation_last_instant_timestamp_seconds": _instants((name, each.last_instant) for name, each in schedules),
        "storewatch_evaluation_next_instant_timestamp_seconds": _instants((name, each.next_instant) for name, each in schedules),
        "storewatch_rules": {(): float(len(project.rules))},
        "storewatch_delivery_attempts": attempts,
        "storewatch_batches": {("ingested",): float(figures.batches), ("refused",): float(figures.batches_refused)},
        "storewatch_reloads": {("good",): float(figures.reloads), ("bad",): float(figures.reloads_failed)},
        "storewatch_config_last_reload_successful": {(): float(figures.wrong_since is None)},
        "storewatch_config_last_reload_success_timestamp_seconds": {(): loaded.timestamp()},
        "storewatch_clock_jumps": {(): float(figures.clock_jumps)},
        "storewatch_worker_errors": {(name,): float(count) for name, count in figures.errors.items()},
        "storewatch_pings": {("done",): float(figures.pings), ("failed",): float(figures.pings_failed)},
        "storewatch_disk_free_bytes": {(disk.folder,): float(disk.free) for disk in figures.disks},
    }


def _stored(facts: Facts, project: Project, now: datetime) -> dict[str, Samples]:
    """What the database and the snapshots tell, with zeros for what the project knows and nobody has."""
    rules, channels = project.infos, project.channels.channels
    alerts = {(name, rule.severity.value, AlertState.FIRING.value): 0.0 for name, rule in rules.items()}
    letters = {(channel, state): 0.0 for channel in channels for state in ("queued", "sending", "dead")}
    waiting = {(channel,): 0.0 for channel in channels}
    for each in facts.letters:
        if each.state != "dead" and each.oldest:
            waiting[each.channel,] = max(waiting.get((each.channel,), 0.0), _seconds(each.oldest, now))
    health = [each for each in facts.health if each.rule in rules]
    return {
        "storewatch_alerts": alerts | {labels: float(count) for labels, count in facts.alerts.items()},
        "storewatch_notifications": letters | {(each.channel, each.state): float(each.count) for each in facts.letters},
        "storewatch_notification_oldest_waiting_seconds": waiting,
        "storewatch_rule_failures_in_a_row": {(each.rule,): float(each.failures) for each in health},
        "storewatch_rule_unknown_rows": {(each.rule,): float(each.unknown) for each in health},
        "storewatch_newest_batch_timestamp_seconds": _instants(facts.newest.items()),
        "storewatch_daemons": {(): float(sum(each.is_alive(now) for each in facts.daemons))},
    }


def _instants(named: Iterable[tuple[str, datetime | None]]) -> dict[Labels, float]:
    return {(name,): instant.timestamp() for name, instant in named if instant}


def _seconds(since: datetime, until: datetime) -> float:
    return max(0.0, (until - since).total_seconds())
