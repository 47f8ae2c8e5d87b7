"""Help and usage errors in Chinese: everything is translated, nothing is translated for nobody, and lines fit."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from typer.main import get_command
from typer.testing import CliRunner, Result

from engine.cli import chinese
from engine.cli.chinese_options import OPTIONS
from engine.cli.chinese_pages import PAGES
from engine.cli.helping import asked_language
from engine.cli.main import app

CHINESE = re.compile("[\u4e00-\u9fff]")
CHECK = """\
用法：storewatch check [选项]

  检查项目的文件写得对不对。看 facts.yaml、规则和测试、渠道、时间表、模板，一
  次列出所有问题，说明每个在哪里、怎么改。

  加 --format json：一个数组，每个问题一项（file、line、column、width、code、
  message、hint）。

  退出码 0：全部正确。1：有问题。2：这个文件夹不是项目。

选项：
  --help  显示这段说明并退出。
"""
WRONG = {
    ("--nonsense",): "没有选项 --nonsense",
    ("run", "--rul"): "没有选项 --rul，是不是想写 --rule 或 --rules？",
    ("zzz",): "没有命令 zzz",
    ("chek",): "没有命令 chek，是不是想写 check 或 schema？",
    (): "缺少命令",
    ("ingest",): "缺少参数 FILE...",
    ("tune", "dsr_drop"): "缺少选项 --vary",
    ("run", "--at"): "选项 --at 后面要写值",
    ("run", "--force=1"): "选项 --force 不带值",
    ("check", "now"): "多余的参数：now",
    ("outbox", "--limit", "x"): "--limit 的值不对：要写整数",
    ("test", "--coverage-under", "x"): "--coverage-under 的值不对：要写数字",
    ("verify", "--days", "0"): "--days 的值不对：不能小于 1",
    ("test", "--coverage-under", "101"): "--coverage-under 的值不对：不能大于 100",
    ("simulate", "x", "--start", "soon"): "--start 的值不对：'soon' 不是日期，写法如 2026-11-20",
    ("silence", "ad"): "没有命令 ad，是不是想写 add？",
}


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, (*words, name))


ALL = dict(commands(get_command(app)))


def storewatch(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "80", "STOREWATCH_LANGUAGE": "", "LC_ALL": "C"} | environment)


def described() -> Iterator[str]:
    """Every paragraph of every command, but for examples."""
    for command in ALL.values():
        assert command.help, f"{command.name} has no help"
        yield from (" ".join(each.split()) for each in inspect.cleandoc(command.help).split("\n\n") if not each.startswith("  storewatch"))


def parameters() -> Iterator[tuple[Any, Any]]:
    for words, command in ALL.items():
        with command.context_class(command, info_name=" ".join(words)) as context:
            yield from ((each, context) for each in command.get_params(context))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        pytest.param(PAGES, lambda: set(described()), id="commands"),
        pytest.param(OPTIONS, lambda: {each.help for each, _ in parameters() if each.help}, id="options and arguments"),
        pytest.param(chinese.VALUES, lambda: set(re.findall(r"<[^<>]+>", " ".join(names()))), id="values"),
        pytest.param(chinese.PIECES, lambda: {"[OPTIONS]", "COMMAND [ARGS]..."} & set(usage_pieces()), id="usage"),
    ],
)
def test_everything_is_translated_and_nothing_else(table: dict[str, str], said: Any) -> None:
    assert said() - set(table) == set(), "has no Chinese: add it to the table"
    assert set(table) - said() == set(), "nothing says this any more: take it out of the table"
    assert [english for english, text in table.items() if not CHINESE.search(text)] == []


def names() -> list[str]:
    return [record[0] for each, context in parameters() if (record := each.get_help_record(context))]


def usage_pieces() -> list[str]:
    return [piece for command in ALL.values() for piece in command.collect_usage_pieces(command.context_class(command))]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_is_chinese_and_fits(words: tuple[str, ...]) -> None:
    result = storewatch("--lang", "zh", *words, "--help")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line for line in lines if cell_len(line) > 80] == []
    assert [line for line in lines if re.match(r"\s*[，。；：、！？）”》]", line)] == []
    assert not re.search("Usage|OPTIONS|Options:|Arguments|Commands|default:|required|Show this", result.stdout)
    listed = [line for line in result.stdout.partition("命令：\n")[2].splitlines()]
    assert len(listed) == len(getattr(ALL[words], "commands", {})), "a first sentence is too long for the list"


@pytest.mark.parametrize("text", [*PAGES.values(), *OPTIONS.values()])
def test_wrapping_loses_nothing(text: str) -> None:
    assert "".join("".join(chinese.wrap(text, 40)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (("--lang", "zh"), {}),
        (("--lang=zh",), {"STOREWATCH_LANGUAGE": "en"}),
        ((), {"STOREWATCH_LANGUAGE": "zh"}),
        ((), {"LC_ALL": "zh_CN.UTF-8"}),
    ],
)
def test_help_of_check(words: tuple[str, ...], environment: dict[str, str]) -> None:
    assert storewatch(*words, "check", "--help", **environment).stdout == CHECK


def test_help_of_the_program() -> None:
    said = storewatch("--help", "--lang", "zh").stdout
    assert said.startswith("用法：storewatch [选项] 命令 [参数]...\n\n  巡店：检查店铺数据，发现问题就发消息。\n\n选项：\n")
    assert "\n  --format <文字>       table 是表格；json 给程序用。  [默认：table]\n" in said
    assert "\n命令：\n  init       在 FOLDER 里新建项目\n  check      检查项目的文件写得对不对\n" in said
    assert storewatch(STOREWATCH_LANGUAGE="zh").stderr == said


@pytest.mark.parametrize(("words", "said"), WRONG.items(), ids=" ".join)
def test_wrong_command_line(words: tuple[str, ...], said: str) -> None:
    result = storewatch("--lang", "zh", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    *before, last = result.stderr.splitlines()
    assert last == f"错误：{said}"
    if before:
        path = result.stderr.partition(" [")[0].removeprefix("用法：")
        assert before[1:] == [f"用 {path} --help 查看说明。", ""]


def test_every_error_of_the_table_is_tried() -> None:
    said = [storewatch("--lang", "en", *words).stderr.splitlines()[-1].removeprefix("Error: ") for words in WRONG]
    said += [each.partition(": ")[2] for each in said]
    assert [pattern for pattern in chinese.ERRORS if not any(re.fullmatch(pattern, each) for each in said)] == []


def test_a_group_without_a_command_shows_its_help() -> None:
    result = storewatch("--lang", "zh", "silence")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == storewatch("--lang", "zh", "silence", "--help").stdout


def test_english_stays_as_typer_says_it() -> None:
    result = storewatch("--lang", "en", "chek", LC_ALL="zh_CN.UTF-8")
    assert result.stderr.endswith("Error: No such command 'chek'. Did you mean 'check', 'schema'?\n")
    assert "Usage: storewatch check [OPTIONS]" in storewatch("check", "--help").stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--lang zh check", "zh"),
        ("-C shop --lang=zh run", "zh"),
        ("--lang fr --help", "en"),
        ("--lang", "en"),
        ("", "en"),
    ],
)
def test_the_language_asked_for(words: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREWATCH_LANGUAGE", "en")
    assert asked_language(words.split()) == expected


def test_tables_are_read_only_in_chinese() -> None:
    script = "import sys, engine.cli.main; sys.exit(any(name.startswith('engine.cli.chinese') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_questions_may_be_left(tmp_path: Path) -> None:
    project = str(tmp_path / "shop")
    assert storewatch("init", project).exit_code == 0
    result = storewatch("--lang", "zh", "-C", project, "new", "rule")
    assert (result.exit_code, result.stderr.splitlines()[-1].rpartition("已取消。")[1:]) == (1, ("已取消。", ""))
