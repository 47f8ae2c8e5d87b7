"""What one sentence says of an alert: the limit that broke, shares rounded down, values and names in the reader's language."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from engine.builtin import STALE_DATA, TOO_MANY_ALERTS
from engine.errors import Text
from engine.facts_file import load_facts
from engine.model import Alert, Identity, Item, Message, Reason, RuleInfo, Severity, Shown, State, Transition, Type
from engine.rendering import Renderer
from engine.rules import read_rules
from engine.yamlfile import loads
from tests.rendering.gallery import TEMPLATES
from tests.rendering.messages import AT, RULES, shown

RENDERER = Renderer(TEMPLATES)


def message(rule: RuleInfo, *items: tuple[Shown, ...], key: str = "k") -> Message:
    """One firing alert for each tuple of shown values."""
    alerts = (
        Alert(Identity(rule.name, (f"{key}{i}", "S001")), "S001", State.FIRING, Severity.WARNING, AT, AT, AT, shown=values)
        for i, values in enumerate(items)
    )
    made = tuple(Item(Transition(alert, None, State.FIRING, Reason.FIRST, AT), rule, "旗舰店") for alert in alerts)
    return Message("n", "t", made, {}, AT, "Asia/Shanghai")


def subject(rule: RuleInfo, language: str, *values: Shown) -> str:
    rendered = RENDERER.render(message(rule, values), language)
    assert not rendered.fault
    return rendered.subject


def scores(*texts: str, high: str | None = None, industry: str | None = None, floor: str = "4.7") -> tuple[Shown, ...]:
    names = (("Description", "描述相符"), ("Service", "服务态度"), ("Logistics", "物流服务"))
    told = tuple(shown(*name, Decimal(text), Type.NUMBER, "分") for name, text in zip(names, texts, strict=True))
    best = shown("7-day high (logistics)", "七日最高物流", high and Decimal(high), Type.NUMBER, "分")
    average = shown("Industry (service)", "行业服务", industry and Decimal(industry), Type.NUMBER, "分")
    return (*told, shown("Lowest allowed", "评分底线", Decimal(floor), Type.NUMBER), best, average)


@pytest.mark.parametrize(
    ("values", "zh", "en"),
    [
        (scores("4.65", "4.8", "4.8"), "：描述相符 4.65 分，低于 4.7", ": Description 4.65, below 4.7"),
        (scores("4.75", "4.8", "4.8", floor="4.76"), "：描述相符 4.75 分，低于 4.76", ": Description 4.75, below 4.76"),
        (
            scores("4.80", "4.85", "4.84", high="4.9"),
            "：物流服务 4.84 分，比七日最高低 0.06",
            ": Logistics 4.84, 0.06 below its 7-day high",
        ),
        (
            scores("4.80", "4.81", "4.9", industry="4.83"),
            "：服务态度 4.81 分，低于行业均值 4.83 分",
            ": Service 4.81, below the industry average of 4.83",
        ),
    ],
)
def test_a_score_is_told_with_the_limit_that_it_broke(values: tuple[Shown, ...], zh: str, en: str) -> None:
    assert subject(RULES["dsr_drop"], "zh", *values).endswith(zh)
    assert subject(RULES["dsr_drop"], "en", *values).endswith(en)


@pytest.mark.parametrize(("spent", "share"), [("99.50", "99%"), ("99.9999", "99%"), ("100", "100%"), ("29", "29%"), ("1250.5", "1,250%")])
def test_a_share_of_the_budget_is_rounded_down(spent: str, share: str) -> None:
    values = (shown("Spent", "已花费", Decimal(spent), Type.MONEY), shown("Daily budget", "日预算", Decimal(100), Type.MONEY))
    rendered = RENDERER.render(message(RULES["ad_budget_exhausted"], values), "zh")
    assert rendered.subject.endswith(f"：日预算已用 {share}")
    assert f"&ensp;{share}<" in rendered.html


def test_alerts_of_one_name_are_told_apart_by_their_keys() -> None:
    values = (shown("Campaign", "计划", "同名"), shown("Spent", "已花费", 9, Type.MONEY), shown("Daily budget", "日预算", 9, Type.MONEY))
    rendered = RENDERER.render(message(RULES["ad_budget_exhausted"], *[values] * 23, key="C"), "zh")
    assert all(f"C{index}" in part for index in range(23) for part in (rendered.text, rendered.html))


def test_data_that_did_not_come() -> None:
    data = Shown(Text("Data", "数据"), "店铺日报 / Store day", Type.STRING)
    newest = Shown(Text("Newest", "最近一份"), AT - timedelta(days=3), Type.TIMESTAMP)
    age = Shown(Text("Age", "距今"), timedelta(days=3), Type.DURATION)
    assert subject(STALE_DATA, "zh", data, newest, age).endswith("：店铺日报：旗舰店 最近一份是 2026-11-17 16:00（已 3 天）")
    assert subject(STALE_DATA, "en", data, newest, age).endswith(": Store day: the newest of 旗舰店 is of 17 Nov 2026, 16:00 (3 days ago)")
    never = replace(newest, value=None), replace(age, value=None)
    assert subject(STALE_DATA, "zh", data, *never).endswith("：店铺日报：旗舰店 还没有来过")
    assert subject(STALE_DATA, "en", data, *never).endswith(": Store day: none came for 旗舰店 yet")


def test_too_many_alerts() -> None:
    values = (
        Shown(Text("Rule", "规则"), "dsr_drop", Type.STRING),
        Shown(Text("Found", "发现"), 4000, Type.INTEGER),
        Shown(Text("Told at most", "最多通知"), 100, Type.INTEGER),
    )
    assert subject(TOO_MANY_ALERTS, "zh", *values).endswith("规则 dsr_drop 发现 4,000 项，一封消息最多列出 100 项")
    assert subject(TOO_MANY_ALERTS, "en", *values).endswith("Rule dsr_drop found 4,000; a message lists at most 100")


def test_values_of_a_fixed_list_are_in_chinese_where_the_message_is(tmp_path: Path) -> None:
    (tmp_path / "facts.yaml").write_text(FACTS, encoding="utf-8")
    facts = load_facts(tmp_path / "facts.yaml", "facts.yaml")
    read = read_rules(loads(RULE.encode(), "rules.yaml"), facts.schemas, facts.time_zone)
    assert not read.problems
    (rule,) = read.rules
    values = tuple(Shown(item.label, value, Type.STRING) for item, value in zip(rule.show, ("home", "草稿", "odd", "home"), strict=True))
    told = message(replace(rule.info, advice=None), values)
    evidence = ((Shown(Text("Page", "页面"), "home", Type.STRING),),)
    item = told.items[0]
    told = replace(
        told, items=(replace(item, transition=replace(item.transition, alert=replace(item.transition.alert, evidence=evidence))),)
    )
    zh, en = (RENDERER.render(told, language).text for language in ("zh", "en"))
    assert "页面：首页\n" in zh and "- 页面 首页" in zh and "状态：草稿" in zh and "别的：odd" in zh and "文字：home" in zh
    assert "Page: home\n" in en and "- Page home" in en and "首页" not in en


FACTS = """\
time_zone: Asia/Shanghai
kinds:
  placement:
    title: {zh: 页面位, en: Placement}
    key: placement_id
    fresh_for: 26h
    columns:
      placement_id: {type: string, title: {zh: 编号, en: Id}}
      store_id: {type: string, title: {zh: 店铺, en: Store}}
      page: {type: string, title: {zh: 页面, en: Page}, values: {home: [HOME, 首页, 店铺首页], campaign: [活动页]}}
      state: {type: string, title: {zh: 状态, en: State}, values: {草稿: [未发布]}}
      other: {type: string, title: {zh: 别的, en: Other}, values: {x: [甲]}}
      note: {type: string, title: {zh: 文字, en: Note}}
"""
RULE = """\
- alert: anything
  title: 随便
  facts: placement
  when: page == 'home'
  severity: info
  show: {页面 / Page: page, 状态 / State: state, 别的 / Other: other, 文字 / Note: note}
"""
