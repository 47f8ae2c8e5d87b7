"""Reading YAML: what plain words mean, files that are no text, and files made to hurt."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel
from pydantic_core import core_schema

from engine.errors import Problem, ProblemsFound, Text
from engine.yamlfile import MAX_BYTES, MAX_DEPTH, Document, load, loads
from engine.yamlfile.findings import finding_of


def refused(raw: bytes | str) -> Problem:
    with pytest.raises(ProblemsFound) as caught:
        loads(raw.encode() if isinstance(raw, str) else raw, "f.yaml")
    (problem,) = caught.value.problems
    return problem


PLAIN = [
    ("", None),
    ("~", None),
    ("null", None),
    ("true", True),
    ("No", False),
    ("ON", True),
    ("y", "y"),
    ("5", 5),
    ("-5", -5),
    ("4.70", 4.7),
    ("0.05", 0.05),
    ("010", "010"),
    ("0x1f", "0x1f"),
    ("1_000", "1_000"),
    ("18:00", "18:00"),
    ("2026-11-20", "2026-11-20"),
    ("2026-13-45", "2026-13-45"),
    (".5", ".5"),
    (".nan", ".nan"),
    ("1e5", "1e5"),
    ("1234567890123456789", "1234567890123456789"),
    ("9" * 5000, "9" * 5000),
    ("'5'", "5"),
    ('"yes"', "yes"),
    ("促销#1", "促销#1"),
    ("a # comment", "a"),
    ("=", "="),
    ("x，y", "x，y"),
]


@pytest.mark.parametrize(("written", "value"), PLAIN, ids=[written[:20] or "nothing" for written, _ in PLAIN])
def test_what_a_scalar_means(written: str, value: object) -> None:
    data = loads(f"a: {written}\n".encode(), "f.yaml").data
    assert isinstance(data, dict)
    assert (data["a"], type(data["a"])) == (value, type(value))


def test_keys_are_text_whatever_they_look_like() -> None:
    assert loads(b"no: 1\n5: 2\n? \n: 3\n'<<': 4\n", "f.yaml").data == {"no": 1, "5": 2, "": 3, "<<": 4}


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"# only a comment\n", b"\xef\xbb\xbf", b"---\n", b"---\n...\n"])
def test_empty_files_hold_nothing(raw: bytes) -> None:
    assert loads(raw, "f.yaml").data is None


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\u2028"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_line_breaks_and_byte_order_marks_do_not_move_problems(line_break: str, bom: str) -> None:
    problem = refused(bom + line_break.join(["a: 1", "b: 2", "甲: 3", "b: 4", ""]))
    assert (problem.code, problem.line, problem.column, problem.source) == ("duplicate_key", 4, 1, "b: 4")


def test_a_file_saved_as_gbk_is_recognised() -> None:
    problem = refused("- alert: x\n  title: 店铺评分\n".encode("gb18030"))
    assert (problem.code, problem.line, problem.column, problem.source) == ("not_utf8", 2, 10, "  title: 店铺评分")
    assert "GBK" in problem.text.zh and "UTF-8" in (problem.hint or problem.text).zh


@pytest.mark.parametrize("raw", ["a: 1\n".encode("utf-16"), b"a: \xff\xfe\xff\n", b"\x80"])
def test_other_encodings_are_refused(raw: bytes) -> None:
    assert refused(raw).code == "not_utf8"


@pytest.mark.parametrize("char", ["\x00", "\x1b", "\x7f", "\x0c", "\ufffe"])
def test_control_characters_are_refused_where_they_stand(char: str) -> None:
    problem = refused(f"a: 1\r\n甲: b{char}c\n")
    assert (problem.code, problem.line, problem.column) == ("control_character", 2, 5)
    assert f"U+{ord(char):04X}" in problem.text.zh
    assert char not in problem.render()


def test_what_cannot_be_read(tmp_path: Path) -> None:
    codes = {}
    (tmp_path / "link.yaml").symlink_to("nowhere")
    for name in ("none.yaml", "link.yaml", "."):
        with pytest.raises(ProblemsFound) as caught:
            load(tmp_path / name, name)
        codes[name] = caught.value.problems[0].code
    assert codes == {"none.yaml": "missing_file", "link.yaml": "missing_file", ".": "unreadable"}


BOMB = "\n".join(["a0: &a0 x", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40))])
HOSTILE = {
    "brackets": ("[" * 100_000, "too_deep"),
    "braces": ("{a: " * 100_000, "too_deep"),
    "dashes": ("- " * 100_000 + "a", "too_deep"),
    "questions": ("? " * 100_000, "key_not_text"),
    "indented": ("\n".join(" " * n + "a:" for n in range(1200)), "too_deep"),
    "a bomb of aliases": (BOMB, "anchor"),
    "a long scalar": ("a: " + "x" * 100_000_000, "too_large"),
    "a long quoted scalar that does not end": ('a: "' + "x" * (MAX_BYTES - 10), "unclosed_quote"),
    "a long line, wrong at its end": ("a: 'x', " + "x" * (MAX_BYTES - 10), "text_after_value"),
    "a key twice, many times": ("a: 1\n" * (MAX_BYTES // 5), "duplicate_key"),
    "many quotes": ("'" * (MAX_BYTES - 1), "unclosed_quote"),
    "many colons": ("a:" * (MAX_BYTES // 2 - 1), "second_colon"),
    "many brackets in lines": ("- [\n" * (MAX_BYTES // 4), "unclosed_bracket"),
}
MEASURE = """
import json, resource, sys, time
from pathlib import Path
from engine.errors import ProblemsFound
from engine.yamlfile import load
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
problems = ()
try:
    load(Path(sys.argv[1]), "f.yaml")
except ProblemsFound as error:
    problems = error.problems
told = "\\n".join(problem.render() for problem in problems)
kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([[p.code for p in problems], time.process_time() - start, kilobytes, len(told)]))
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_files_made_to_hurt_are_refused_at_little_cost(name: str, tmp_path: Path) -> None:
    source, code = HOSTILE[name]
    path = tmp_path / "f.yaml"
    path.write_text(source, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    codes, seconds, kilobytes, told = json.loads(done.stdout)
    assert set(codes) == {code}
    assert seconds < 1.5 and kilobytes < 200_000 and told < 100_000


def test_nesting_up_to_the_limit_is_read() -> None:
    assert loads(("[" * MAX_DEPTH + "]" * MAX_DEPTH).encode(), "f.yaml").data
    assert refused("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2)).code == "too_deep"


# what pydantic finds, in plain words

LIMITS = ("gt", "ge", "lt", "le", "multiple_of", "max_length", "min_length")
CONTEXT: dict[str, object] = {name: 3 for name in LIMITS} | {"expected": "'a' or 'b'", "expected_tags": "'a', 'b'"}
VALUES: list[object] = [None, True, 5, 1.5, "x", [1], {"a": 1}]


@pytest.mark.parametrize("kind", get_args(core_schema.ErrorType))
def test_no_error_of_pydantic_is_told_in_its_own_words(kind: str) -> None:
    for value in VALUES:
        finding = finding_of(kind, CONTEXT, value, Text("'key'", "'key'"), None)
        assert "nput should" not in finding.text.en and kind not in finding.text.en
        assert re.search("[\u4e00-\u9fff]", finding.text.zh)
        assert not re.search("[\u4e00-\u9fff]", finding.text.en)


class Either(BaseModel):
    one: str | list[str]
    two: int | dict[str, int] = 5


def problems_of(source: str) -> tuple[Problem, ...]:
    with pytest.raises(ProblemsFound) as caught:
        Document.validate(loads(source.encode(), "f.yaml"), Either)
    return caught.value.problems


def test_a_value_that_fits_no_member_of_a_union_is_one_problem() -> None:
    (problem,) = problems_of("one: 5\n")
    assert (problem.text.en, problem.text.zh) == ("'one' should be a text or a list, not 5", "'one' 应为文字或列表，而不是 5")
    assert (problem.line, problem.column) == (1, 6)


def test_problems_come_in_the_order_of_the_file() -> None:
    assert [problem.line for problem in problems_of("two: x\none: 5\n")] == [1, 2]


def test_reading_is_quick() -> None:
    source = Path(__file__).parents[2].joinpath("facts.yaml").read_bytes()
    start = time.process_time()
    loads(source, "facts.yaml")
    assert time.process_time() - start < 0.5
