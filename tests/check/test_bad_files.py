"""Every broken file of ``tests/bad_files`` beside all that ``storewatch check`` says of it, in both languages.

A file ``<folder>/<reason>.yaml`` takes the place of ``facts.yaml``, ``channels.yaml``, ``schedules.yaml`` or a rules file of the small
project beside this module; ``pytest --regenerate`` writes ``<reason>.txt`` anew. Look at the difference before committing it.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from engine.errors import LANGUAGES, Problem, ProblemsFound
from engine.project import load_project

PROJECT = Path(__file__).with_name("project")
BAD_FILES = Path(__file__).parent.parent / "bad_files"
CASES = sorted(path for path in BAD_FILES.glob("*/*") if path.suffix != ".txt")
PLACES = {
    "facts": "facts.yaml",
    "channels": "channels.yaml",
    "schedules": "schedules.yaml",
    "templates": "templates/dsr_drop.txt.j2",
    "rules": "rules/mine.yaml",
    "incidents": "rules/mine.yaml",
    "yaml": "rules/mine.yaml",
}


def problems(case: Path, folder: Path) -> tuple[Problem, ...]:
    """What is wrong with the project when the file is part of it; problems in files that only follow from it are left out."""
    place = PLACES[case.parent.name]
    shutil.copytree(PROJECT, folder)
    shutil.copyfile(case, folder / place)
    with pytest.raises(ProblemsFound) as caught:
        load_project(folder, thorough=case.parent.name == "templates" or case.stem.startswith("let_"))
    assert {problem.file for problem in caught.value.problems} == {place}
    return caught.value.problems


def golden(case: Path) -> Path:
    return case.with_name(case.name.split(".")[0] + ".txt")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name.split('.')[0]}")
def test_what_is_told(case: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    found = problems(case, tmp_path / "project")
    told = "\n\n".join(problem.render(language) for language in LANGUAGES for problem in found) + "\n"
    if request.config.getoption("--regenerate"):
        golden(case).write_text(told, encoding="utf-8")
    assert told == golden(case).read_text(encoding="utf-8")


def test_there_are_many_cases_and_no_golden_text_without_one() -> None:
    assert len(CASES) > 100
    assert {golden(case) for case in CASES} == set(BAD_FILES.glob("*/*.txt"))


JARGON = re.compile(r"[Ii]nput should|valid (string|integer|list|dict|boolean)|String should|pydantic|Error|Exception|None|True|False")


OURS = sorted(path for path in BAD_FILES.glob("*/*.txt") if path.parent.name != "templates")  # Jinja's own sentences are shown as they are


@pytest.mark.parametrize("path", OURS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_words_of_programmers_reach_the_user(path: Path) -> None:
    said = [line for line in path.read_text(encoding="utf-8").splitlines() if re.match(r"\S+: |\s+(hint|提示)", line)]
    assert said
    assert not [line for line in said if JARGON.search(line)]
