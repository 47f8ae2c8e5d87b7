"""What was found right is not looked at again; what was wrong, or has changed, is."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from engine.cli.init import copy_starter
from engine.errors import ProblemsFound
from engine.language.typed import Const, Span
from engine.model import Type
from engine.project import load_project
from engine.remembering import MOST, Memory, digest, of_user
from engine.ruletest.reading import check_tests


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    (tmp_path / "memory").mkdir()
    return Memory(tmp_path / "memory")


def test_it_knows_what_it_noted(memory: Memory) -> None:
    one, other = digest(["a", "b"]), digest(["ab"])
    assert one != other and one == digest(["a", "b"])
    memory.note(one)
    assert memory.knows(one) and not memory.knows(other)


def test_it_forgets_the_oldest(memory: Memory) -> None:
    names = [digest([number]) for number in range(MOST + 5)]
    for name in names:
        memory.note(name)
        os.utime(memory.folder / names[0])  # the first is used again and again
    assert len(list(memory.folder.iterdir())) <= MOST
    assert memory.knows(names[0]) and memory.knows(names[-1]) and not memory.knows(names[1])


def test_what_was_made_is_given_back(memory: Memory) -> None:
    memory.note(digest(["a"]), "SELECT '店'")
    assert memory.made(digest(["a"])) == "SELECT '店'"
    assert memory.made(digest(["b"])) is None


def test_where_something_is_written_does_not_count() -> None:
    one, moved = (Const(Decimal(1), type=Type.NUMBER, at=Span(start, start + 1)) for start in (3, 4))
    assert digest([[one]]) == digest([[moved]]) != digest([[Const(Decimal(2), type=Type.NUMBER)]])


def test_a_folder_that_others_can_write_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = of_user()
    assert found and found.folder == tmp_path / "storewatch" and found.folder.stat().st_mode & 0o777 == 0o700
    found.folder.chmod(0o777)
    assert of_user() is None


def test_where_nothing_can_be_written_nothing_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert of_user() is None
    Memory(tmp_path / "gone").note("x")


def test_templates_are_tried_again_when_they_or_their_rules_change(tmp_path: Path, memory: Memory) -> None:
    project = tmp_path / "p"
    copy_starter(project)
    load_project(project, thorough=True, memory=memory)
    known = {path.name for path in memory.folder.iterdir()}
    assert len(known) == 1
    rules = project / "rules" / "a_service.yaml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("lowest: 4.7", "lowest: 4.8"), encoding="utf-8")
    load_project(project, thorough=True, memory=memory)
    assert {path.name for path in memory.folder.iterdir()} == known, "a threshold is nothing to templates"
    rules.write_text(rules.read_text(encoding="utf-8").replace("DSR rating is falling", "Rating falls"), encoding="utf-8")
    load_project(project, thorough=True, memory=memory)
    assert len(list(memory.folder.iterdir())) == 2, "a title is"


def test_what_is_wrong_is_told_every_time(tmp_path: Path, memory: Memory) -> None:
    project = tmp_path / "p"
    copy_starter(project)
    (project / "templates" / "zh" / "dsr_drop.gist.j2").write_text("{{ item.nothing }}", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(ProblemsFound, match="nothing"):
            load_project(project, thorough=True, memory=memory)
    assert not list(memory.folder.iterdir())


def test_tests_that_were_right_are_read_again_when_their_rule_shows_something_else(
    tmp_path: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_starter(tmp_path / "project")
    project = load_project(tmp_path / "project")
    assert check_tests(project, memory) == ()
    monkeypatch.setattr("engine.ruletest.reading.load", pytest.fail)
    assert check_tests(project, memory) == (), "nothing is read"
    monkeypatch.undo()
    rules = tmp_path / "project" / "rules" / "a_service.yaml"
    written = rules.read_text(encoding="utf-8")
    label = next(item.label for rule in project.rules if rule.name == "dsr_drop" for item in rule.show)
    rules.write_text(written.replace(label.zh, "别的名称"), encoding="utf-8")
    assert {problem.code for problem in check_tests(load_project(tmp_path / "project"), memory)} == {"unknown_label"}
    rules.write_text(written, encoding="utf-8")
    tests = tmp_path / "project" / "rules" / "a_service.test.yaml"
    tests.write_text(tests.read_text(encoding="utf-8") + "- test: 没有期望\n  rule: dsr_drop\n", encoding="utf-8")
    for _ in range(2):
        assert [problem.code for problem in check_tests(project, memory)] == ["expects_nothing"], "what is wrong is found anew"
