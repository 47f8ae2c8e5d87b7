"""How problems are shown: the caret under what is meant, on any terminal, whatever the file holds."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import Problem, ProblemsFound, Secret, Text, cell_width, did_you_mean, fitting, nearest, visible, without_secrets


def shown(source: str, column: int, width: int = 1) -> tuple[str, str]:
    """The source line and the caret line of a problem, without their margin."""
    rendered = Problem("f.yaml", 3, column, "code", Text.same("said"), None, source, width).render()
    first, line, caret = rendered.split("\n")
    assert first == f"f.yaml:3:{column}: said [code]"
    assert line.startswith("    ") and caret.startswith("    ")
    return line[4:], caret[4:]


CARETS = [
    # source, column, width, what stands under the caret, cells before it
    ("when: x", 7, 1, "x", 6),
    ("title: 店铺", 8, 2, "店铺", 7),
    ("店铺: 评分下降", 5, 2, "评分", 6),
    ("‘甲’：乙", 5, 1, "乙", 6),
    ("ｗｈｅｎ: x", 7, 1, "x", 10),
    ("e\u0301te: x", 7, 1, "x", 5),
    ("\twhen: x", 8, 1, "x", 7),
    ("a\x1b[31m: x", 9, 1, "x", 8),
    ("𝒙𠀀: y", 5, 1, "y", 5),
    ("when:", 6, 1, "", 5),
    ("x", 1, 50, "x", 0),
]


@pytest.mark.parametrize(("source", "column", "width", "under", "before"), CARETS, ids=[case[0] for case in CARETS])
def test_the_caret_is_under_what_is_meant(source: str, column: int, width: int, under: str, before: int) -> None:
    line, caret = shown(source, column, width)
    assert caret == " " * before + "^" * max(1, cell_width(under))
    assert cell_width(line[: column - 1]) == before
    assert line.isprintable()


@pytest.mark.parametrize("char", ["x", "店"])
def test_of_a_long_line_the_part_around_the_caret_is_shown(char: str) -> None:
    source = char * 100_000 + "HERE" + char * 100_000
    line, caret = shown(source, 100_001, 4)
    assert cell_width(line) <= 160
    assert caret.strip() == "^^^^"
    assert cell_width(line[: line.index("HERE")]) == len(caret) - 4


def test_hints_and_sentences_are_in_the_language_that_is_asked_for() -> None:
    problem = Problem("甲.yaml", 1, 2, "c", Text("wrong", "错了"), Text("do this", "这样做"), "ab")
    assert problem.render("zh") == "甲.yaml:1:2: 错了 [c]\n    ab\n     ^\n    提示：这样做"
    assert problem.render("en") == "甲.yaml:1:2: wrong [c]\n    ab\n     ^\n    hint: do this"


def test_a_problem_of_a_whole_file_has_no_place() -> None:
    assert Problem("rules", 0, 0, "c", Text.same("missing")).render() == "rules: missing [c]"


def test_a_file_cannot_write_to_the_terminal() -> None:
    problem = Problem("f\x1b]0;x\x07", 1, 1, "c", Text.same("a\u202eb\nc"), Text.same("\x9b2J"), "\x1b[2J\u200b", 3)
    assert all(line.isprintable() for line in problem.render().split("\n"))
    assert len(problem.render().split("\n")) == 4


@pytest.mark.parametrize(
    ("text", "cells"), [("", 0), ("ab", 2), ("店铺", 4), ("：，", 4), ("“”", 2), ("e\u0301", 1), ("½", 1), ("ﾊﾝ", 2), ("🙂", 2)]
)
def test_cells_that_a_text_takes(text: str, cells: int) -> None:
    assert cell_width(text) == cells


def test_fitting_never_takes_more_cells() -> None:
    assert [fitting("a店b", cells) for cells in range(6)] == ["", "a", "a", "a店", "a店b", "a店b"]


def test_visible_keeps_the_length() -> None:
    text = "a\tb\x00\u3000\u200b\ud800店\u0301\n"
    assert visible(text) == "a b\ufffd\u3000\ufffd\ufffd店\u0301\ufffd"
    assert len(visible(text)) == len(text)


@pytest.mark.parametrize(
    ("word", "known", "offered"),
    [
        ("wehn", ["when", "title"], ["when"]),
        ("STATUS", ["status"], ["status"]),
        ("描述相苻", ["描述相符", "物流服务"], ["描述相符"]),
        ("status", ["Status", "status"], ["Status"]),
        ("zzz", ["when"], []),
        ("", ["when"], []),
        ("x" * 1_000_000, ["x", "when"], []),
    ],
)
def test_what_is_nearest(word: str, known: list[str], offered: list[str]) -> None:
    assert nearest(word, known) == offered
    hint = did_you_mean(word, known)
    assert (hint is None) == (not offered)
    assert all(name in hint.en and name in hint.zh for name in offered) if hint else True


def test_problems_are_told_once_and_in_the_order_of_places() -> None:
    problems = [Problem(file, line, 1, "c", Text.same("x")) for file, line in (("b", 1), ("a", 10), ("a", 9), ("a", 9))]
    error = ProblemsFound(problems)
    assert [(problem.file, problem.line) for problem in error.problems] == [("a", 9), ("a", 10), ("b", 1)]
    assert "3" in error.text.en and "a:9" in error.text.en and "a:9" in error.text.zh


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]} {Decimal(1)}"
    assert secret.reveal() == "hunter2"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  password: hunter2", "  password: *******"),
        ("  password: hunter2, and more", "  password: *****************"),
        (
            'mail: {type: email, "password" : "hun, }ter2", port: 25}',
            'mail: {type: email, "password" : ************, port: 25}',
        ),
        ("  smtp_password:hunter2", "  smtp_password:*******"),
        ("api-token = abc", "api-token = ***"),
        ("密码：你好", "密码：**"),
        ("Secret: {a: b}", "Secret: *****}"),
        ("  password_env: STOREWATCH_SMTP_PASSWORD", "  password_env: STOREWATCH_SMTP_PASSWORD"),
        ("  password_file: secret.txt", "  password_file: secret.txt"),
        ("  when: token == 'x' and password is missing", "  when: token == 'x' and password is missing"),
        ("username needs password_env or password_file", "username needs password_env or password_file"),
    ],
)
def test_values_of_keys_that_name_secrets_are_stars(line: str, shown: str) -> None:
    assert without_secrets(line) == shown
    assert shown in Problem("f", 1, 1, "x", Text.same("x"), None, line).render()
    assert "hunter2" not in Problem("f", 1, 1, "x", Text.same(line), Text.same(line), line).render()
