"""The pages of a daemon's web server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus

from engine.daemon.metrics import Exhibition
from engine.daemon.status import Figures
from engine.daemon.web import PLAIN, Answer, Pages, as_json
from engine.errors import Problem, Text

INDEX = b"""storewatch
/-/healthy  the process turns
/-/ready    it does its work
/-/status   figures, as JSON
/metrics    for Prometheus
/-/reload   POST: read the project's files again
"""


@dataclass(frozen=True)
class Front:
    """What the pages need of the daemon. ``sick`` and ``unready`` give reasons why not, none when all is well; ``reload`` reads the
    project's files again and gives their problems, none when the new ones hold."""

    figures: Callable[[], Figures]
    sick: Callable[[], Sequence[Text]]
    unready: Callable[[], Sequence[Text]]
    reload: Callable[[], Sequence[Problem]]
    metrics: Exhibition

    def pages(self) -> Pages:
        return {
            ("GET", "/"): lambda: Answer(HTTPStatus.OK, INDEX, PLAIN),
            ("GET", "/-/healthy"): lambda: verdict(self.sick()),
            ("GET", "/-/ready"): lambda: verdict(self.unready()),
            ("GET", "/-/status"): self.status,
            ("GET", "/metrics"): self.metrics.page,
            ("POST", "/-/reload"): lambda: reloaded(self.reload()),
        }

    def status(self) -> Answer:
        """All figures."""
        figures = self.figures()
        told = {name: getattr(figures, name) for name in PUBLIC}
        schedules = {name: asdict(schedule) | {"seconds": schedule.seconds.total} for name, schedule in figures.schedules.items()}
        reasons = [reason.en for reason in (*self.sick(), *self.unready())]
        return as_json(HTTPStatus.OK, {"well": not reasons, "reasons": reasons} | told | {"schedules": schedules})


def reloaded(problems: Sequence[Problem]) -> Answer:
    """What came of reading the files again."""
    told = [{"file": each.file, "line": each.line, "column": each.column, "code": each.code, "text": each.text.en} for each in problems]
    return as_json(HTTPStatus.CONFLICT if problems else HTTPStatus.OK, {"reloaded": not problems, "problems": told})


PUBLIC = (
    "started",
    "rounds",
    "rounds_failed",
    "rules_failed",
    "delivered",
    "retried",
    "dead",
    "clock_jumps",
    "reloads",
    "reloads_failed",
    "reloaded",
)
"""Counts that ``/-/status`` tells as they are."""


def verdict(reasons: Iterable[Text]) -> Answer:
    """200 when there is no reason against it, else 503 with the reasons."""
    told = [reason.en for reason in reasons]
    return as_json(HTTPStatus.SERVICE_UNAVAILABLE if told else HTTPStatus.OK, {"ok": not told, "reasons": told})
