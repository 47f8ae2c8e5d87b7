"""`storewatch tune` and `label` from the shell, over six days of three stores."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import engine.replay
from engine.cli import label
from engine.replay import Replay
from tests.diff.conftest import DAYS, Repository, pristine, repository  # noqa: F401 - fixtures

SPAN = ("--from", "2026-11-02", "--to", "2026-11-07")
VARY = ("--vary", "4.8=4.5..4.9 step 0.1")
INCIDENTS = """rule,store_id,key,starts_at,ends_at,note
low_rating,s1,s1,2026-11-04T08:00:00+08:00,2026-11-06T08:00:00+08:00,
low_rating,s2,s2,2026-11-04T08:00:00+08:00,2026-11-05T08:00:00+08:00,
other,s3,s3,2026-11-05T08:00:00+08:00,,
"""


def test_values_with_all_incidents_known(repository: Repository, tmp_path: Path) -> None:  # noqa: F811
    """Ratings: s1 4.75 4.65 4.65 on days 2 to 4, s2 4.55 on day 3, s3 4.75 on day 4. s1 is known to be low from day 3, s2 on day 3."""
    (tmp_path / "incidents.csv").write_text(INCIDENTS, encoding="utf-8")
    target = tmp_path / "new" / "tune.png"
    found = repository.json("tune", "low_rating", *VARY, *SPAN, "--labels", str(tmp_path / "incidents.csv"), "--picture", str(target))
    told = {each["values"]["4.8"]: (each["alerts"], each["notifications"], each["precision"], each["recall"]) for each in found["values"]}
    assert told == {
        "4.5": (0, 0, None, 0.0),
        "4.6": (1, 2, 1.0, 0.5),
        "4.7": (2, 4, 1.0, 1.0),
        "4.8": (3, 6, pytest.approx(2 / 3), 1.0),
        "4.9": (3, 6, pytest.approx(2 / 3), 1.0),
    }
    assert (found["now"]["alerts"], found["suggested"]) == (3, {"4.8": "4.7"})
    delays = [each["delay"] for each in found["values"]]
    assert delays == [None, 3600, 3600, -39600, -39600], "an hour after; with 4.8 s1 a day earlier, so half a day in the middle of both"
    with Image.open(target) as picture:
        assert picture.size == (1800, 900)


def test_without_labels_by_a_limit(repository: Repository) -> None:  # noqa: F811
    said = repository.do("tune", "low_rating", "--vary", "4.8=4.6,4.7,4.8", *SPAN, "--at-most", "0.7")
    assert "suggested: 4.8=4.7" in said.output
    assert "█" in said.stdout and "precision" not in said.stdout
    assert "建议：4.8=4.7" in repository.do("tune", "low_rating", "--vary", "4.8=4.7", *SPAN, "--at-most", "1", language="zh").output


def test_a_value_that_makes_the_rule_wrong(repository: Repository) -> None:  # noqa: F811
    output = repository.do("tune", "low_rating", "--vary", "4.8=5d", *SPAN, expect=2).output
    assert "with 4.8=5d the rule is wrong" in output and "few.yaml:5" in output


def test_interrupted_it_tells_of_the_values_that_were_tried(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    whole, replays = engine.replay.replay, count(1)

    def interrupted(*args: Any, **kwargs: Any) -> Replay:
        return replace(whole(*args, **kwargs), complete=next(replays) < 3)

    monkeypatch.setattr(engine.replay, "replay", interrupted)
    said = repository.do("tune", "low_rating", "--vary", "4.8=4.6,4.7,4.9", *SPAN, expect=130)
    assert [line.split()[:2] for line in said.stdout.splitlines()[1:]] == [["now", "3"], ["4.6", "1"]]
    assert "no suggestion: interrupted: 1 of 3 values were tried" in said.output


def test_what_people_said_counts(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(label, "clock", lambda: DAYS[-1])
    for day in range(3, 7):
        repository.do("run", "--at", f"2026-11-{day:02}T09:00", "--no-send", "--rule", "low_rating")
    repository.do("label", "low_rating/s1", "useful", "--by", "amy")
    repository.do("label", "low_rating/s2", "noise", "--by", "amy")
    repository.do("label", "low_rating/s2", "useful", "--by", "bob", "--comment", "it was")
    repository.do("label", "low_rating/s3", "noise", "--by", "amy", "--episode", "1")
    listed = [(each["alert"], each["verdict"], each["author"]) for each in repository.json("label", "--list")]
    assert listed == [("low_rating/s1", "useful", "amy"), ("low_rating/s2", "useful", "bob"), ("low_rating/s3", "noise", "amy")]
    found = repository.json("tune", "low_rating", "--vary", "4.8=4.6,4.7,4.8", *SPAN)
    told = {each["values"]["4.8"]: (each["judged"], each["precision"], each["recall"]) for each in found["values"]}
    assert told == {"4.6": (1, 1.0, 0.5), "4.7": (2, 1.0, 1.0), "4.8": (3, pytest.approx(2 / 3), 1.0)}
    assert found["suggested"] == {"4.8": "4.7"}
    assert "label taken back" in repository.do("label", "low_rating/s3", "none").output
    assert "had no label" in repository.do("label", "low_rating/s3", "none").output
    assert len(repository.json("label", "--list", "low_rating")) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("low_rating/s2", "noise"), "say who"),
        (("low_rating/s2", "usefull", "--by", "amy"), "did you mean useful?"),
        (("low_rating/s2", "--by", "amy"), "say which alert"),
        (("low_rating/s9", "noise", "--by", "amy"), "no state yet"),
    ],
)
def test_labels_that_cannot_be(repository: Repository, words: tuple[str, ...], said: str) -> None:  # noqa: F811
    assert said in repository.do("label", *words, expect=2).output
