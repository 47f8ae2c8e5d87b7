"""The score of a run: what counts as found in time, closed in time, and a false alarm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.model import Alert, Identity, Reason, Severity, State, Transition
from engine.simulate.incidents import Incident
from engine.simulate.run import Summary
from engine.simulate.scoring import read_incidents, score

START = datetime(2026, 11, 2, 1, tzinfo=UTC)
INSTANTS = [START + timedelta(hours=8 * step) for step in range(12)]
INCIDENT = Incident("dsr_drop", "tb001", "tb001", INSTANTS[3], INSTANTS[6])


def change(step: int, after: State, before: State | None, key: str = "tb001", rule: str = "dsr_drop") -> Transition:
    at = INSTANTS[step]
    alert = Alert(Identity(rule, (key,)), key, after, Severity.WARNING, at, at)
    return Transition(alert, before, after, Reason.FIRST, at)


def opens(step: int, **more: str) -> Transition:
    return change(step, State.FIRING, None, **more)


def closes(step: int, **more: str) -> Transition:
    return change(step, State.RESOLVED, State.FIRING, **more)


@pytest.mark.parametrize(
    ("transitions", "expected"),
    [
        pytest.param([opens(3), closes(6)], (1, 1, 0), id="at once"),
        pytest.param([opens(4), closes(7)], (1, 1, 0), id="one evaluation later"),
        pytest.param([opens(5), closes(8)], (0, 0, 1), id="two evaluations later"),
        pytest.param([opens(2), closes(6)], (0, 1, 1), id="before it began"),
        pytest.param([opens(3)], (1, 0, 0), id="never resolved"),
        pytest.param([opens(3), change(4, State.FIRING, State.FIRING), closes(6)], (1, 1, 0), id="a repeat is no second alarm"),
        pytest.param([opens(3), closes(4), opens(5), closes(6)], (1, 1, 1), id="flapping is a false alarm"),
        pytest.param([opens(3), closes(6), opens(3, key="jd002")], (1, 1, 1), id="another store"),
        pytest.param([change(3, State.PENDING, None)], (0, 0, 0), id="pending is not found"),
        pytest.param([], (0, 0, 0), id="nothing"),
    ],
)
def test_one_incident(transitions: list[Transition], expected: tuple[int, int, int]) -> None:
    total = score([INCIDENT], transitions, INSTANTS).total
    assert (total.found, total.closed, total.extra) == expected
    assert (total.planted, total.ended) == (1, 1)


def test_another_rule_that_fires_is_a_false_alarm_of_that_rule() -> None:
    result = score([INCIDENT], [opens(3), closes(6), opens(3, rule="stale_data")], INSTANTS)
    assert not result.perfect
    assert [(row["rule"], row["extra"], row["precision"], row["recall"]) for row in result.rows()] == [
        ("dsr_drop", 0, 1.0, 1.0),
        ("stale_data", 1, 0.0, None),
    ]
    assert "1 false alarm" in result.summary().en


def test_an_incident_that_ends_after_the_last_evaluation_need_not_close() -> None:
    lasting = Incident("dsr_drop", "tb001", "tb001", INSTANTS[3], None)
    assert score([lasting], [opens(3)], INSTANTS).perfect


def test_an_incident_between_two_evaluations_is_left_out() -> None:
    short = Incident("dsr_drop", "tb001", "tb001", INSTANTS[3] + timedelta(hours=1), INSTANTS[4])
    assert score([short], [], INSTANTS).total.planted == 0


def test_the_written_truth_reads_back(run: tuple[Path, Summary]) -> None:
    folder, summary = run
    assert read_incidents(folder / "incidents.csv") == summary.incidents


@pytest.mark.parametrize("text", ["", "rule,store_id\ndsr_drop,tb001\n", "rule,store_id,key,starts_at,ends_at,note\na,b,c,soon,,\n"])
def test_a_file_that_is_no_list_of_incidents(text: str, tmp_path: Path) -> None:
    path = tmp_path / "incidents.csv"
    path.write_text(text, encoding="utf-8")
    if not text:
        assert read_incidents(path) == ()
        return
    with pytest.raises(UsageError, match="not a list of incidents"):
        read_incidents(path)
