"""Hostile files crash nothing, and each gets its reason."""

from __future__ import annotations

import pytest

from engine.ingest.enrichers.examining import Task, examine
from engine.ingest.enrichers.image_ok import look_at
from engine.ingest.enrichers.opening import open_picture
from engine.ingest.enrichers.pool import examine_all
from engine.ingest.enrichers.reasons import Reason
from tests.eyes.dying import dies
from tests.eyes.hostile import cases, photo, saved

CASES = list(cases())


def test_there_are_two_hundred() -> None:
    assert len(CASES) >= 200
    assert len({name for name, _, _ in CASES}) == len(CASES)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "data", "expected"), CASES, ids=[name for name, _, _ in CASES])
def test_each_gets_its_reason(name: str, data: bytes, expected: frozenset[Reason]) -> None:
    look = look_at(open_picture(data))
    assert look.reason in expected


def test_a_turned_photograph_is_upright() -> None:
    turned = next(data for name, data, _ in CASES if name == "EXIF orientation 6")
    opened = open_picture(turned)
    assert opened.picture is not None
    assert opened.size == opened.picture.size == (64, 96)


def test_sixteen_bits_keep_their_shades() -> None:
    opened = open_picture(next(data for name, data, _ in CASES if name == "16 bits grey"))
    assert opened.picture is not None
    assert len(set(opened.picture.convert("L").tobytes())) > 200


def test_a_picture_that_kills_its_worker_is_told_and_the_others_go_on() -> None:
    data = [b"fine", b"die", b"raise", b"hang"]
    found = {one.subject: one.look.reason for one in examine_all((Task(str(n), d) for n, d in enumerate(data)), dies, workers=2, slow=3)}
    assert found == {"0": Reason.FINE, "1": Reason.CRASHED, "2": Reason.CRASHED, "3": Reason.TOO_SLOW}


def test_workers_examine_as_this_process_does() -> None:
    tasks = [Task(str(side), saved(photo((side, 50)), "PNG")) for side in (40, 60, 80)]
    assert sorted(examine_all(tasks, workers=2), key=lambda one: one.subject) == [examine(task) for task in tasks]
