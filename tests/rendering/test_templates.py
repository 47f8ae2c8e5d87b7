"""What ``check`` says of broken templates, and that none of them ever loses an alert."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import LANGUAGES, Problem
from engine.rendering import Renderer
from engine.specimens import BLANK, specimens
from engine.views import CONTEXT
from tests.rendering.gallery import TEMPLATES
from tests.rendering.messages import RULES, firing, gallery, message


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped templates, of the rules only one: fewer to render in each test."""
    others = [f"{name}.*" for name in RULES if name != "dsr_drop"]
    return Path(shutil.copytree(TEMPLATES, tmp_path / "templates", ignore=shutil.ignore_patterns(*others)))


def with_file(folder: Path, name: str, text: str) -> Renderer:
    (folder / name).write_text(text, encoding="utf-8")
    return Renderer(folder)


def check(folder: Path, name: str, text: str) -> list[Problem]:
    return list(with_file(folder, name, text).check(RULES.values()))


def test_the_shipped_templates_are_sound() -> None:
    assert Renderer(TEMPLATES).check(RULES.values()) == ()


@pytest.mark.parametrize("rule", ["dsr_drop", "refund_rate_rising"])
def test_specimens_exercise_every_rule(rule: str) -> None:
    renderer = Renderer(TEMPLATES)
    for name, specimen in specimens(RULES[rule], ["描述相符", "图片价"]).items():
        rendered = renderer.render(specimen, "zh")
        assert rendered.fault == "", name


BROKEN = {
    "unclosed_block": ("hello\n{% if items %}", 2, 1, "template_syntax", ""),
    "unclosed_print": ("{{ title ", 1, 1, "template_syntax", ""),
    "unknown_tag": ("ok\n\n  {% fro item in items %}", 3, 3, "template_syntax", ""),
    "misspelt_variable": ("ok\n{{ titel }}", 2, 4, "unknown_name", "did you mean title"),
    "misspelt_attribute": ("{% for item in items %}\n{{ item.stroe }}{% endfor %}", 2, 9, "unknown_name", "did you mean store"),
    "misspelt_in_a_branch": ("ok {% if items[0].find('描述相符') %}\n{{ items[0].titel }}{% endif %}", 2, 13, "unknown_name", "title"),
    "misspelt_filter": ("{{ 5 | moeny }}", 1, 8, "unknown_filter", "did you mean money"),
    "misspelt_test": ("{{ 5 is dvisibleby(5) }}", 1, 9, "unknown_test", "divisibleby"),
    "safe": ("{{ title | safe }}", 1, 12, "unknown_filter", "always escaped"),
    "autoescape": ("\n{% autoescape false %}{{ title }}{% endautoescape %}", 2, 1, "template_syntax", ""),
    "nothing": ("{# nothing #} ", 1, 1, "template_fails", ""),
    "unknown_phrase": ("{{ say('advise') }}", 1, 9, "unknown_name", "did you mean advice"),
    "missing_import": ("{% extends 'layuot.html.j2' %}", 1, 1, "template_fails", ""),
    "division": ("ok\n{{ 1 / 0 }}", 2, 1, "template_fails", ""),
    "wrong_type": ("{{ title + 1 }}", 1, 1, "template_fails", ""),
    "secret": ("{{ ''.__class__.__mro__ }}", 1, 1, "template_fails", ""),
    "endless": ("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", 1, 1, "template_fails", ""),
    "endless_list": ("{% for a in range(9999) %}{% for b in items %}{% for c in range(99) %}{% endfor %}{% endfor %}{% endfor %}",
                     1, 1, "template_fails", ""),
    "huge_range": ("{{ range(10**9) | length }}", 1, 1, "template_fails", ""),
    "long_range": ("{{ range(1000000) | length }}", 1, 1, "template_fails", ""),
    "repetition": ("{{ 'x' * 1000000000 }}", 1, 1, "template_fails", ""),
    "padding": ("{{ '%1000000000d' % 1 }}", 1, 1, "template_fails", ""),
    "doubling": ("{% set ns = namespace(x='xx') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
                 1, 1, "template_fails", ""),
    "doubling_block": ("{% set ns = namespace(x='xx') %}{% for i in range(60) %}{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}{% endfor %}",
                       1, 1, "template_fails", ""),
    "doubling_list": ("{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
                      1, 1, "template_fails", ""),
    "flood": ("{% for a in range(9999) %}" + "x" * 1000 + "{% endfor %}", 1, 1, "template_fails", ""),
    "recursion": ("{% macro m() %}{{ m() }}{% endmacro %}\n{{ m() }}", 1, 0, "template_fails", ""),
    "mutation": ("{{ labels.clear() }}", 1, 0, "template_fails", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_mistakes_are_told_with_their_place_and_never_lose_an_alert(name: str, folder: Path) -> None:
    text, line, column, code, hint = BROKEN[name]
    renderer = with_file(folder, "zh/dsr_drop.html.j2", text)
    problems = renderer.check(RULES.values())
    assert problems, "nothing was found"
    first = problems[0]
    assert (first.file, first.line, first.code) == ("templates/zh/dsr_drop.html.j2", line, code), first.render()
    assert not column or first.column == column, first.render()
    assert hint in (first.hint.en if first.hint else ""), first.render()
    assert first.text.zh != first.text.en
    assert {problem.file for problem in problems} == {first.file}

    rendered = renderer.render(gallery("dsr_drop")["firing"], "zh")
    assert rendered.fault.startswith("templates/zh/dsr_drop.html.j2:")
    assert rendered.subject == "[警告] 旗舰店A · 店铺动态评分下降"
    for part in ("描述相符：4.66 分", "先看近 30 天差评最多的宝贝", "dsr_drop", "消息模板有错误", rendered.fault):
        assert part in rendered.text
    assert rendered.html == ""
    assert rendered.pictures == ()
    assert renderer.render(gallery("dsr_drop")["firing"], "en").fault == "", "the other language is not touched"


def test_all_mistakes_of_all_files_are_told_at_once(folder: Path) -> None:
    (folder / "en" / "banner_expired.txt.j2").write_text("{{ titel }}\n{{ nwo }} {{ 1 | moeny }}", encoding="utf-8")
    problems = check(folder, "zh/dsr_drop.html.j2", "{{ titel }}\n{{ palce }}")
    assert [(problem.file, problem.line, problem.code) for problem in problems] == [
        ("templates/en/banner_expired.txt.j2", 2, "unknown_filter"),
        ("templates/zh/dsr_drop.html.j2", 1, "unknown_name"),
        ("templates/zh/dsr_drop.html.j2", 2, "unknown_name"),
    ]


def test_a_value_that_may_be_absent_is_told_though_it_is_there_today(folder: Path) -> None:
    problem = check(folder, "zh/dsr_drop.txt.j2", "{{ place }}\n{{ items[0].shown[0].label }}")[0]
    assert (problem.line, problem.code) == (2, "unknown_name")
    assert problem.hint
    assert "test for it first" in problem.hint.en
    assert Renderer(folder).render(gallery("dsr_drop")["firing"], "zh").fault == ""


def test_a_file_that_no_message_uses_is_told(folder: Path) -> None:
    problem = check(folder, "zh/dsr_drop.htm.j2", "{{ titel }}")[0]
    assert (problem.file, problem.code) == ("templates/zh/dsr_drop.htm.j2", "template_name")


def test_a_file_in_another_encoding_is_told(folder: Path) -> None:
    (folder / "zh" / "dsr_drop.gist.j2").write_bytes("评分".encode("gb18030"))
    problems = Renderer(folder).check(RULES.values())
    assert [(problem.file, problem.code) for problem in problems] == [("templates/zh/dsr_drop.gist.j2", "unreadable")]


def test_missing_defaults_are_told_and_the_alert_goes_out(tmp_path: Path) -> None:
    renderer = Renderer(tmp_path / "templates")
    codes = {(problem.file, problem.code) for problem in renderer.check([])}
    assert ("templates/zh/default.html.j2", "missing_template") in codes
    assert len(codes) == 8
    rendered = renderer.render(message(firing("dsr_drop")), "en")
    assert rendered.subject == "[Warning] 旗舰店A · DSR rating is falling"
    assert "default" in rendered.fault


def test_a_gist_that_fails_loses_nothing_of_other_rules(folder: Path) -> None:
    (folder / "zh" / "dsr_drop.gist.j2").write_text("{{ item.titel }}", encoding="utf-8")
    renderer = Renderer(folder)
    rendered = renderer.render(message(firing("dsr_drop"), firing("unfulfilled_orders")), "zh")
    assert "templates/zh/dsr_drop.gist.j2:1" in rendered.fault
    assert "付款订单滞留未发货" in rendered.text
    assert "店铺动态评分下降" in rendered.text
    assert renderer.render(message(firing("unfulfilled_orders")), "zh").fault == ""


def test_a_team_may_write_its_own(folder: Path) -> None:
    own = {
        "zh/dsr_drop.gist.j2": "{{ item.find('Description').amount | number(1) }}！",
        "zh/dsr_drop.subject.j2": "{{ place }}\n{{ items[0].gist }}",
        "zh/dsr_drop.txt.j2": "{% for item in items %}{{ item.since | datetime }} {{ item.find('描述相符').value | money }}{% endfor %}",
        "zh/dsr_drop.html.j2": "<p>{{ place }}{{ 0.955 | percent(1) }}</p>",
    }
    for name, text in own.items():
        (folder / name).write_text(text, encoding="utf-8")
    renderer = Renderer(folder)
    assert renderer.check(RULES.values()) == ()
    rendered = renderer.render(message(firing("dsr_drop")), "zh")
    assert (rendered.subject, rendered.text, rendered.html) == ("旗舰店A 4.7！", "2026-11-20 13:30 ¥4.66\n", "<p>旗舰店A95.5%</p>\n")
    assert rendered.pictures == (), "a picture that the page does not show is not sent"


def test_a_file_that_is_edited_meanwhile_changes_nothing(folder: Path) -> None:
    renderer = Renderer(folder)
    before = renderer.render(message(firing("dsr_drop")), "zh")
    (folder / "zh" / "dsr_drop.gist.j2").write_text("half {% if", encoding="utf-8")
    (folder / "layout.html.j2").unlink()
    assert renderer.render(message(firing("dsr_drop")), "zh") == before


def test_a_rule_may_name_another_template(folder: Path) -> None:
    (folder / "zh" / "short.subject.j2").write_text("short", encoding="utf-8")
    item = firing("dsr_drop")
    rendered = Renderer(folder).render(message(replace(item, rule=replace(item.rule, template="short"))), "zh")
    assert rendered.subject == "short"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_of_the_context_is_there(language: str, folder: Path) -> None:
    names = [name for name in CONTEXT if name not in ("item", "subject")]
    uses = "".join(f"{{% set x = {name} %}}" for name in names) + "{% for item in items %}{{ item.title }}{% endfor %}"
    (folder / language / "dsr_drop.subject.j2").write_text(uses, encoding="utf-8")
    assert Renderer(folder).check([BLANK]) == ()


def test_a_template_may_not_read_other_files(folder: Path) -> None:
    (folder.parent / "secret.html.j2").write_text("secret", encoding="utf-8")
    problems = check(folder, "zh/dsr_drop.html.j2", "{% include '../secret.html.j2' %}")
    assert problems[0].code == "template_fails"
