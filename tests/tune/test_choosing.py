"""Scores by hand, and which value is suggested for which reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import Text
from engine.model import Alert, Identity, Reason, RuleInfo, Severity, State, Transition
from engine.replay import Episode
from engine.tune import Score, Trial, suggest, truth_of
from engine.tune.scoring import Known, score

START = datetime(2026, 11, 2, tzinfo=UTC)
INFO = RuleInfo("r", Text.same("R"), Severity.WARNING)


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


def alert(key: str, fired: float, resolved: float | None) -> Episode:
    one = Alert(Identity("r", (key,)), "s", State.FIRING, Severity.WARNING, hour(fired), hour(fired), hour(fired))
    moves = [Transition(one, None, State.FIRING, Reason.FIRST, hour(fired))]
    moves += [] if resolved is None else [Transition(one, State.FIRING, State.RESOLVED, Reason.NO_LONGER_TRUE, hour(resolved))]
    return Episode(one, INFO, tuple(moves))


def known(key: str, starts: float, ends: float | None, *, useful: bool = True) -> Known:
    return Known(key, hour(starts), None if ends is None else hour(ends), useful)


def test_what_is_known_of_all_alerts() -> None:
    truth = truth_of([known("a", 0, 10), known("b", 5, None), known("c", 0, 3), known("late", 200, 300)], START, hour(100), complete=True)
    found = score(truth, [alert("a", 2, 4), alert("a", 6, 12), alert("b", 9, None), alert("c", 3, 5), alert("d", 1, 2)])
    assert found == Score(useful=3, found=2, judged=5, right=3, delay=timedelta(hours=3))
    assert (found.precision, found.recall) == (3 / 5, 2 / 3)
    assert found.f1 == pytest.approx(2 * 0.6 * (2 / 3) / (0.6 + 2 / 3))


def test_what_people_said_of_some_alerts() -> None:
    truth = truth_of([known("a", 0, 10), known("b", 0, 10, useful=False), known("c", 0, 10)], START, hour(100), complete=False)
    found = score(truth, [alert("a", -1, 4), alert("b", 6, 12), alert("d", 9, None)])
    assert found == Score(useful=2, found=1, judged=2, right=1, delay=timedelta(hours=-1))


def test_nothing_known_is_no_number() -> None:
    found = score(truth_of([], START, hour(1), complete=False), [alert("a", 0, 1)])
    assert (found.precision, found.recall, found.f1, found.delay) == (None, None, 0.0, None)


def trial(value: str, per_day: float, found: tuple[int, int, int, int] | None = None) -> Trial:
    made = Score(found[0], found[1], found[2], found[3], None) if found else None
    return Trial((value,), round(per_day * 10), round(per_day * 10), per_day, made)


NOW = trial("", 5)
CURVE = [trial(str(number), each) for number, each in enumerate([1, 1.1, 1.3, 9, 20])]


@pytest.mark.parametrize(
    ("now", "trials", "at_most", "chosen", "why"),
    [
        ("balance", [trial("1", 1, (4, 1, 1, 1)), trial("2", 2, (4, 3, 4, 3)), trial("3", 9, (4, 4, 20, 4))], None, "2", "best balance"),
        ("balance", [trial("1", 1, (4, 1, 1, 1)), trial("2", 2, (4, 3, 4, 3)), trial("3", 9, (4, 4, 20, 4))], 1.5, "1", "best balance"),
        ("plateau", [trial(each, 2, (4, 4, 4, 4)) for each in "123"], None, "2", "best balance"),
        ("useless", [trial("1", 1, (4, 0, 3, 0))], None, None, "useful"),
        ("budget", CURVE, 10, "3", "at most 10"),
        ("budget", CURVE, 0.5, None, "0 tells least"),
        ("bend", CURVE, None, "2", "bends"),
        ("line", [trial(str(each), each) for each in range(5)], None, None, "storewatch label"),
        ("flat", [trial(str(each), 2) for each in range(5)], None, None, "storewatch label"),
        ("two", CURVE[:2], None, None, "storewatch label"),
    ],
)
def test_suggestions(now: str, trials: list[Trial], at_most: float | None, chosen: str | None, why: str) -> None:
    before = trial("", 5, (4, 1, 9, 1)) if trials[0].score else NOW
    found = suggest(before, trials, at_most)
    assert (found.trial.name if found.trial else None) == chosen, found.why
    assert why in found.why.en


def test_as_good_as_it_is() -> None:
    trials = [trial("1", 2, (4, 3, 4, 3)), trial("2", 9, (4, 4, 20, 4))]
    found = suggest(trial("", 2, (4, 3, 4, 3)), trials)
    assert found.trial is None and "nothing is better than now" in found.why.en
