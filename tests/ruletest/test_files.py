"""Test files that are wrong: every mistake at its place, in both languages, and none of them a crash."""

from __future__ import annotations

import pytest

from tests.ruletest.conftest import Workbench

GOOD = "given: {store: {s1: {dsr_desc: 4.8}}}"
CASES = {
    "unknown rule": ("- {test: t, rule: lo, quiet: true}", "unknown_rule", "lo", "low"),
    "unknown key": ("- {test: t, rule: low, quite: true}", "unknown_key", "quite", "quiet"),
    "no title": ("- {rule: low, quiet: true}", "missing_key", "{rule: l", ""),
    "unknown kind": ("- {test: t, rule: low, given: {stor: {}}, quiet: true}", "unknown_kind", "stor", "store"),
    "unknown column": ("- {test: t, rule: low, given: {store: {s1: {dsr_des: 4}}}, quiet: true}", "unknown_column", "dsr_des", "dsr_desc"),
    "not a number": ("- {test: t, rule: low, given: {store: {s1: {dsr_desc: abc}}}, quiet: true}", "bad_number", "abc", ""),
    "yes is no number": ("- {test: t, rule: low, given: {store: {s1: {dsr_desc: yes}}}, quiet: true}", "bad_number", "yes", ""),
    "above its bound": ("- {test: t, rule: low, given: {store: {s1: {dsr_desc: 47}}}, quiet: true}", "above_max", "47", ""),
    "a list as value": ("- {test: t, rule: low, given: {store: {s1: {dsr_desc: [4]}}}, quiet: true}", "not_a_value", "[4]", ""),
    "unknown value": ("- {test: t, rule: low, given: {store: {s1: {status: opne}}}, quiet: true}", "unknown_value", "opne", "open"),
    "bad time": ("- {test: t, rule: expired, given: {placement: {p1: {ends_at: 5 hours}}}, quiet: true}", "bad_time", "5 hours", "-50h"),
    "a number as time": ("- {test: t, rule: expired, given: {placement: {p1: {ends_at: 50000}}}, quiet: true}", "bad_time", "50000", ""),
    "far away": (
        "- {test: t, rule: expired, given: {placement: {p1: {ends_at: -999999999w}}}, quiet: true}",
        "bad_time",
        "-999999999w",
        "",
    ),
    "column twice": (
        "- {test: t, rule: low, given: {store: {s1: {dsr_desc: 4.8, 描述相符: 4.7}}}, quiet: true}",
        "given_twice",
        "描述相符",
        "",
    ),
    "row twice": ("- {test: t, rule: backlog, given: {order: {o1..o3: {}, o2: {}}}, quiet: true}", "duplicate_key", "o2", ""),
    "huge range": ("- {test: t, rule: backlog, given: {order: {o1..o999999999: {}}}, quiet: true}", "bad_range", "o1..o999999999", ""),
    "backwards": ("- {test: t, rule: backlog, given: {order: {o9..o1: {}}}, quiet: true}", "bad_range", "o9..o1", ""),
    "half a key": ("- {test: t, rule: source_gone, given: {traffic: {s1: {uv: 0}}}, quiet: true}", "bad_key", "s1", ""),
    "an empty key": ("- {test: t, rule: low, given: {store: {'': {}}}, quiet: true}", "bad_key", "''", ""),
    "personal data": ("- {test: t, rule: backlog, given: {order: {o1: {phone: 1}}}, quiet: true}", "unknown_column", "phone", ""),
    "rows as a list": ("- {test: t, rule: low, given: {store: [s1]}, quiet: true}", "not_rows", "[s1]", ""),
    "cells as a number": ("- {test: t, rule: low, given: {store: {s1: 4.8}}, quiet: true}", "not_columns", "4.8", ""),
    "unknown row": (f"- {{test: t, rule: low, {GOOD}, expect: {{s2: firing}}}}", "unknown_row", "s2", "s1"),
    "unknown state": (f"- {{test: t, rule: low, {GOOD}, expect: {{s1: fireing}}}}", "unknown_word", "fireing", "firing"),
    "unknown severity": (f"- {{test: t, rule: low, {GOOD}, expect: {{s1: {{severity: error}}}}}}", "unknown_word", "error", "critical"),
    "unknown reason": (f"- {{test: t, rule: low, {GOOD}, expect: {{s1: {{reason: frist}}}}}}", "unknown_word", "frist", "first"),
    "unknown label": (f"- {{test: t, rule: low, {GOOD}, expect: {{s1: {{shows: {{描叙: 1}}}}}}}}", "unknown_label", "描叙", "描述"),
    "shown as a list": (f"- {{test: t, rule: low, {GOOD}, expect: {{s1: {{shows: {{描述: [1]}}}}}}}}", "not_a_value", "[1]", ""),
    "expects nothing": (f"- {{test: t, rule: low, {GOOD}}}", "expects_nothing", "{test: t", "quiet"),
    "quiet and expect": (f"- {{test: t, rule: low, {GOOD}, quiet: true, expect: {{s1: firing}}}}", "both_given", "quiet", ""),
    "quiet no": (f"- {{test: t, rule: low, {GOOD}, quiet: no}}", "not_true", "no", "expect"),
    "timeline and given": (f"- {{test: t, rule: low, {GOOD}, timeline: [{{quiet: true}}]}}", "not_here", "given", ""),
    "no instants": ("- {test: t, rule: low, at: [], quiet: true}", "not_a_value", "[]", ""),
    "bad instant": ("- {test: t, rule: low, at: noon, quiet: true}", "bad_time", "noon", ""),
    "not later": ("- {test: t, rule: low, at: [2026-11-20 09:30, 2026-11-20 09:30], quiet: true}", "not_later", "2026-11-20 09:30", ""),
    "step without at": ("- {test: t, rule: low, timeline: [{quiet: true}, {quiet: true}]}", "missing_key", "{quiet: true}", "+6h"),
    "nothing before": ("- {test: t, rule: low, given: {store: same}, quiet: true}", "nothing_before", "same", ""),
    "bad age": ("- {test: t, rule: low, earlier: {soon: {}}, quiet: true}", "bad_duration", "soon", ""),
    "title twice": ("- {test: t, rule: low, quiet: true}\n- {test: t, rule: low, quiet: true}", "duplicate_test", "t", ""),
    "not a list": ("test: t", "not_a_list", "test: t", "- test"),
    "bad mail": ("- {test: t, rule: low, mails: [{to: 5}]}", "not_addresses", "5", ""),
    "an alias": ("- &a {test: t, rule: low, quiet: true}\n- *a", "anchor", "&", ""),
    "a tag": ("- !!python/object/apply:os.system ['true']", "tag", "!", ""),
    "deep": ("[" * 5_000, "too_deep", "[", ""),
    "a number as test": ("- 5", "bad_value", "5", ""),
    "null as test": ("- null", "bad_value", "null", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_each_mistake_has_its_place(workbench: Workbench, name: str) -> None:
    text, code, word, said = CASES[name]
    problems = workbench.problems(text)
    assert problems, "the mistake went unnoticed"
    first = problems[0]
    assert first.file == "rules/t.test.yaml"
    assert first.code == code, first.render("en")
    assert first.source[first.column - 1 :].startswith(word), first.render("en")
    assert said in first.render("en")
    assert len(problems) == 1, [problem.render("zh") for problem in problems]


def test_all_mistakes_are_told_at_once(workbench: Workbench) -> None:
    problems = workbench.problems("""
        - {test: a, rule: low, given: {store: {s1: {dsr_des: 4, dsr_service: abc}}}, quiet: true}
        - {test: b, rule: nothing, quiet: true}
        """)
    assert [problem.code for problem in problems] == ["unknown_column", "bad_number", "unknown_rule"]


def test_an_empty_file_has_no_tests(workbench: Workbench) -> None:
    assert workbench.tests("") == ()


def test_what_is_typed_is_what_counts(workbench: Workbench) -> None:
    (test,) = workbench.tests("""
        - test: t
          rule: backlog
          at: 2026-11-20
          given:
            store: {007: {name: no, platform: 1.10, dsr_desc: 4.850, sales: "1,234.50", uv: null}}
            order: {o08..o10: {store_id: 007, 付款时间: 2026-11-18 09:30, remark: 2026-11-18}}
          quiet: true
        """)
    store, order = test.steps[0].given
    assert test.steps[0].at.isoformat() == "2026-11-20T16:00:00+00:00"  # a day is known when it is over
    row = store.rows[0]
    assert (row["store_id"], row["name"], row["platform"], str(row["dsr_desc"]), str(row["sales"]), row["uv"]) == (
        "007",
        "no",
        "1.10",
        "4.850000",
        "1234.5000",
        None,
    )
    assert [row["order_id"] for row in order.rows] == ["o08", "o09", "o10"]
    assert {(row["store_id"], str(row["paid_at"]), row["remark"]) for row in order.rows} == {("007", "2026-11-18 01:30:00", "2026-11-18")}
