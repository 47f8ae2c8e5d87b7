"""What patterns of incident rules may say, and what they make of missing values: by the tests that users write."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.init import copy_starter
from engine.errors import ProblemsFound
from engine.project import load_project
from engine.ruletest.reading import load_tests
from engine.ruletest.report import describe
from engine.ruletest.running import Bench

RULES = """\
- let: {waiting_time: 2h, steep: 10}
- let: {on_show: live and ends_at > now}
  facts: placement
- alert: fell
  title: Fell
  facts: store
  when: uv < 100
  severity: warning
  owner: service
  show: {"Fall (%)": 100 - uv, Visitors: uv}
- alert: expired
  title: Expired
  facts: placement
  when: ends_at < now
  severity: warning
  owner: page
- incident: not_later
  title: Nothing began later
  when:
    all: {fall: alert where name == 'fell'}
    none: {later: placement where starts_at > fall.started_at - waiting_time}
  severity: warning
  owner: service
- incident: seen
  title: On show, and steep
  when:
    all:
      fall: alert where name == 'fell' and `Fall (%)` > steep
      place: placement where on_show
  severity: warning
  owner: service
  show: {Fall: fall.`Fall (%)`}
- incident: less_seen
  title: Less than the alert says
  when:
    all: {fall: alert where name == 'fell'}
    none: {more: traffic where uv > fall.Visitors}
  severity: warning
  owner: service
"""
EARLY = "placement: {W1: {starts_at: -9d, ends_at: +9d, live: true}}"
UNKNOWN = "placement: {W1: {starts_at: null, ends_at: +9d, live: true}}"
LATE = "placement: {W1: {starts_at: -1h, ends_at: +9d, live: true}}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("patterns") / "p", RULES)


def made(folder: Path, rules: str) -> Path:
    """A project of these rules alone."""
    copy_starter(folder)
    for path in (folder / "rules").iterdir():
        path.unlink()
    (folder / "rules" / "r.yaml").write_text(rules, encoding="utf-8")
    (folder / "schedules.yaml").write_text("schedules: {daily: {every: 1d}}\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def bench(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(load_project(folder), tmp_path_factory.mktemp("bench")) as bench:
        yield bench


def failures(bench: Bench, text: str) -> str:
    folder = bench.project.folder
    (folder / "rules" / "r.test.yaml").write_text(textwrap.dedent(text), encoding="utf-8")
    verdicts = [bench.run(test) for test in load_tests(bench.project)]
    return "\n".join(describe(verdict, bench.project.facts.zone, "en") for verdict in verdicts if not verdict.passed)


@pytest.mark.parametrize(("given", "expected"), [(EARLY, "expect: {s1: firing}"), (LATE, "quiet: true"), (UNKNOWN, "quiet: true")])
def test_what_may_forbid_it_keeps_it_from_firing(given: str, expected: str, bench: Bench) -> None:
    test = f"- test: x\n  rule: not_later\n  given:\n    {given}\n  alerts: {{fell: {{s1: {{since: 20h}}}}}}\n  {expected}\n"
    assert failures(bench, test.replace("since: 20h", "since: 1h")) == ""


@pytest.mark.parametrize(("given", "expected"), [(UNKNOWN, "{state: firing}"), (LATE, "{state: resolved, reason: no_longer_true}")])
def test_what_nobody_can_tell_ends_nothing(given: str, expected: str, bench: Bench) -> None:
    test = f"""\
    - test: x
      rule: not_later
      timeline:
        - given: {{{EARLY}}}
          alerts: {{fell: {{s1: {{since: 1h}}}}}}
          expect: {{s1: firing}}
        - at: +1h
          given: {{{given}}}
          expect: {{s1: {{state: firing}}}}
        - at: +9h
          given: {{{given}}}
          expect: {{s1: {expected}}}
    """
    assert failures(bench, test) == ""


def test_a_missing_value_that_forbidding_rows_are_compared_with(bench: Bench) -> None:
    test = """\
    - test: the alert does not say how many
      rule: less_seen
      given: {traffic: {s1/search: {uv: 5}}}
      alerts: {fell: {s1: {since: 1h}}}
      quiet: true
    - test: it says, and nothing is above
      rule: less_seen
      given: {traffic: {s1/search: {uv: 5}}}
      alerts: {fell: {s1: {since: 1h, shows: {Visitors: 50}}}}
      expect: {s1: firing}
    """
    assert failures(bench, test) == ""


def test_names_of_the_project_and_labels_with_brackets(bench: Bench) -> None:
    test = """\
    - test: steep
      rule: seen
      given: {placement: {W1: {live: true, starts_at: -9d, ends_at: +9d}}}
      alerts: {fell: {s1: {since: 1h, shows: {"Fall (%)": 11}}}}
      expect: {s1: {state: firing, shows: {Fall: 11}}}
    - test: not steep
      rule: seen
      given: {placement: {W1: {live: true, starts_at: -9d, ends_at: +9d}}}
      alerts: {fell: {s1: {since: 1h, shows: {"Fall (%)": 10}}}}
      quiet: true
    - test: not on show
      rule: seen
      given: {placement: {W1: {live: false, starts_at: -9d, ends_at: +9d}}}
      alerts: {fell: {s1: {since: 1h, shows: {"Fall (%)": 11}}}}
      quiet: true
    """
    assert failures(bench, test) == ""


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("waiting_time: 2h, steep", "waiting_time: 2h, unneeded: 3, steep"), "unused_name"),
        (("live and ends_at", "live and ends_att"), "unknown_name"),
        (("place: placement where on_show", "place: traffic where on_show"), "other_rows"),
        (("waiting_time: 2h", "waiting_time: 2hh"), "bad_number"),
        (("place: placement where on_show", "steep: placement where on_show"), "name_taken"),
    ],
)
def test_a_mistake_about_a_name_is_told_once(change: tuple[str, str], code: str, tmp_path: Path) -> None:
    assert change[0] in RULES
    with pytest.raises(ProblemsFound) as found:
        load_project(made(tmp_path / "p", RULES.replace(*change)), thorough=True)
    assert [problem.code for problem in found.value.problems] == [code]
