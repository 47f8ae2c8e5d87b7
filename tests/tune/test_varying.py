"""What --vary can say, and what becomes of the rule's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cli.init import copy_starter
from engine.errors import UsageError
from engine.language.printing import show_typed
from engine.project import Project, load_project
from engine.tune import parse_variation, variants
from engine.tune.varying import tunable
from engine.yamlfile import load

RULES = """
- let: {low: 4.6}
- {let: {busy: uv > 100}, facts: store}
- alert: rated
  title: Rated 7 of 10
  facts: store
  params: {drop: 0.05}
  overrides:
    platform == 'jd': {drop: 0.1}
  when: (dsr_desc < low or dsr_desc < highest(dsr_desc, 7d) - drop or refund_rate > 5%) and (busy or uv > 300 or orders > 300)
  severity: {critical: dsr_desc < 4.5, warning: otherwise}
  show: {"7": "mean(dsr_desc, 7d)"}
  for: 1d
- alert: other
  title: Other
  facts: store
  when: dsr_desc < 4.5
  severity: info
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tune") / "shop"
    copy_starter(made)
    for path in (made / "rules").rglob("*.yaml"):
        path.unlink()
    (made / "schedules.yaml").write_text("schedules: {daily: {cron: '0 9 * * *'}}\n", encoding="utf-8")
    (made / "rules" / "few.yaml").write_text(RULES, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def project(folder: Path) -> Project:
    return load_project(folder)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("x=4.5..4.7 step 0.1", ("4.5", "4.6", "4.7")),
        ("x = 4.5 .. 4.6  step 0.05", ("4.50", "4.55", "4.60")),
        ("x=1..2 step 0.3", ("1.0", "1.3", "1.6", "1.9")),
        ("x=5%..15% step 5%", ("5%", "10%", "15%")),
        ("x=12h..2d step 12h", ("12h", "1d", "1d12h", "2d")),
        ("x=-1..1 step 1", ("-1", "0", "1")),
        ("x=3d,7d, 14d", ("3d", "7d", "14d")),
        ("x=4.5", ("4.5",)),
    ],
)
def test_values(text: str, values: tuple[str, ...]) -> None:
    assert parse_variation(text).values == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "cannot be read"),
        ("=4", "cannot be read"),
        ("x=low", "cannot be read"),
        ("x=1..2", "how large is a step"),
        ("x=1..2 step 0", "cannot be read"),
        ("x=2..1 step 1", "cannot be read"),
        ("x=1..2d step 1", "cannot be read"),
        ("x=1..2% step 1", "cannot be read"),
        ("x=0..1 step 0.0001", "too many"),
    ],
)
def test_what_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_variation(text)


def test_what_can_be_varied(project: Project, folder: Path) -> None:
    (rule,) = project.select(["rated"])
    found = tunable(rule, load(folder / "rules" / "few.yaml", "rules/few.yaml"))
    assert found == {
        "for": "1d",
        "keep_firing_for": "0s",
        "drop": "0.05",
        "low": "4.6",
        **{each: each for each in ("0.1", "300", "4.5", "5%", "7d")},
    }


@pytest.mark.parametrize(
    ("vary", "when"),
    [
        ("low=4.4", "dsr_desc < 4.4 or"),
        ("7d=3d", "highest(dsr_desc, 3d)"),
        ("5%=2%", "refund_rate > 2%"),
        ("300=50", "uv > 50 or orders > 50"),
        ("300=-1", "orders > -1"),
        ("drop=0.07", "0.1, 0.07"),
        ("0.1=0.2", "0.2, 0.05"),
    ],
)
def test_the_rule_with_another_value(project: Project, folder: Path, vary: str, when: str) -> None:
    (rule,) = project.select(["rated"])
    (variant,) = variants(rule, load(folder / "rules" / "few.yaml", "rules/few.yaml"), [parse_variation(vary)])
    varied = load_project(folder, edit=variant.edit)
    assert when in show_typed(varied.select(["rated"])[0].when)
    assert varied.select(["other"]) == project.select(["other"])
    assert load_project(folder).rules == project.rules, "the file is as it was"


def test_for_severity_and_all_combinations(project: Project, folder: Path) -> None:
    (rule,) = project.select(["rated"])
    document = load(folder / "rules" / "few.yaml", "rules/few.yaml")
    found = variants(rule, document, [parse_variation("for=0s,2d"), parse_variation("4.5=4.5,4.4")])
    assert [each.values for each in found] == [("0s", "4.5"), ("0s", "4.4"), ("2d", "4.5"), ("2d", "4.4")]
    (varied,) = load_project(folder, edit=found[-1].edit).select(["rated"])
    assert varied.info.hold.days == 2
    assert [show_typed(case) for _, case in varied.severities if case] == ["dsr_desc < 4.4"]
    assert [item.label.en for item in varied.show] == ["7"]


@pytest.mark.parametrize(("vary", "said"), [(["lo=1"], "no 'lo' to vary"), (["busy=1"], "no 'busy'"), (["low=1", "low=2"], "twice")])
def test_what_the_rule_does_not_have(project: Project, folder: Path, vary: list[str], said: str) -> None:
    (rule,) = project.select(["rated"])
    with pytest.raises(UsageError, match=said) as raised:
        variants(rule, load(folder / "rules" / "few.yaml", "rules/few.yaml"), [parse_variation(each) for each in vary])
    assert said == "twice" or "low (now 4.6)" in str(raised.value.hint)
