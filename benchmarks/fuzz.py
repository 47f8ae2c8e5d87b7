"""Random and mutilated rules through parser, checker, compiler and database: only the project's own problems may come out.

    python benchmarks/fuzz.py                        # ten minutes
    python benchmarks/fuzz.py --minutes 60 --seed 7
    python benchmarks/fuzz.py --again fuzz-crashes/conditions-12.txt    # what was saved of a crash, once more

Targets: conditions of the shipped rules with a few characters changed; expressions made by the grammar, of any shape, and such as check;
what ``storewatch new rule`` makes of such conditions;
YAML files of the shipped project with characters changed; the same with keys and values moved, misspelt and replaced. What checks is
evaluated by DuckDB over a small world full of edge values. A crash is made small by Hypothesis and saved with its traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import hypothesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.drafting import Answers, draft
from engine.editing import yaml_files
from engine.errors import ProblemsFound, Text
from engine.language import ExpressionError, Scope, show, understand
from engine.matching.evaluate import Matcher
from engine.model import KindSchema
from engine.project import Project, load_project
from engine.ruletest.reading import check_tests
from engine.snapshots import Snapshots
from engine.yamlfile import load
from tests.editor.mutations import mutated
from tests.language.strategies import conditions, expressions
from tests.matching.folders import write_batch
from tests.matching.worlds import EDGES, NOW, SCHEMAS, make_world

ROOT = Path(__file__).resolve().parent.parent
CALM = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink])
Draw = Callable[[st.SearchStrategy[Any]], Any]
PROJECT = load_project(ROOT)
FILES = [(path, name) for path, name in yaml_files(ROOT)]
CONDITIONS = [(rule.kind, " ".join(rule.condition.split())) for rule in PROJECT.rules]
EXTREMES = [*"0 -1 0.000001 999999999999999999 1e9 100000000% 36500d 0s 48小时 '' now true '2026-02-30' [1] ９５％".split(), "'a' * 2"]
WORDS = "and or not in is missing between matches contains where of by no ( ) , . < <= == != > = + - * / % ' # : { } 订单 、 （ ，".split()


@dataclass
class Worlds:
    """Small snapshots of the shipped kinds and of the language tests' own, and what evaluates over them."""

    folder: Path
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        make_world(1, self.folder / "tests")
        random = Random(1)
        for schema in PROJECT.facts.schemas.values():
            for age in (timedelta(hours=1), timedelta(days=1), timedelta(days=8)):
                write_batch(self.folder / "shipped", schema, NOW - age, [_row(random, schema, number) for number in range(4)])
        self.renew()

    def renew(self) -> None:
        """Forget the compiled queries."""
        self.places = {
            "shipped": (Matcher(PROJECT.facts.schemas, PROJECT.facts.time_zone), Snapshots(self.folder / "shipped")),
            "tests": (Matcher(SCHEMAS, "Asia/Shanghai"), Snapshots(self.folder / "tests")),
        }

    def understand_and_run(self, text: str, kind: str, where: str) -> None:
        """An expression, through everything. EvaluationError passes: what checks must run."""
        kinds = PROJECT.facts.schemas if where == "shipped" else SCHEMAS
        with contextlib.suppress(ExpressionError):
            node = understand(text, Scope(kind, kinds, "Asia/Shanghai"), condition=True)
            self.counts["expressions"] += 1
            matcher, snapshots = self.places[where]
            matcher.values(kind, node, [tuple("1" for _ in kinds[kind].key)], snapshots, NOW)

    def run_rules(self, project: Project, only: str) -> None:
        """The rules of one file of a project."""
        matcher, snapshots = Matcher(project.facts.schemas, project.facts.time_zone), self.places["shipped"][1]
        rules = [rule for rule in project.rules if rule.defined_at.startswith(only)] if only.startswith("rules/") else []
        for name, result in matcher.evaluate(rules, snapshots, NOW).items():
            assert result.error is None, f"{name}: {result.error}"


def _row(random: Random, schema: KindSchema, number: int) -> Mapping[str, object]:
    row = {name: random.choice([None, *(column.values or EDGES[column.type])]) for name, column in schema.columns.items()}
    keys = dict.fromkeys((*schema.key, *schema.references), str(number))
    return {**row, **keys, "store_id": str(number) if "store_id" in schema.key else "1"}


@st.composite
def disturbed(draw: Draw, text: str) -> str:
    """``text`` with one to four pieces taken away, put in, doubled or replaced."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        to = min(len(text), at + draw(st.integers(0, 12)))
        piece = draw(
            st.one_of(st.just(""), st.sampled_from(WORDS), st.sampled_from(EXTREMES), st.just(text[at:to] * 2), st.text(max_size=3))
        )
        text = text[:at] + draw(st.sampled_from([piece, f" {piece} "])) + text[to:]
    return text


# Targets: each draws a case, notes it in ``case``, and tries it.


def try_conditions(draw: Draw, case: dict[str, str], worlds: Worlds) -> None:
    kind, text = draw(st.sampled_from(CONDITIONS))
    run_expression(case | {"kind": kind, "where": "shipped", "text": draw(disturbed(text))}, case, worlds)


def try_grammar(draw: Draw, case: dict[str, str], worlds: Worlds) -> None:
    kind = draw(st.sampled_from(["store", "order", "product", "refund", "traffic"]))
    made = draw(st.one_of(expressions(), conditions(kind, SCHEMAS), conditions(kind, SCHEMAS, 4)))
    run_expression({"kind": kind, "where": "tests", "text": show(made)}, case, worlds)


def try_new_rule(draw: Draw, case: dict[str, str], worlds: Worlds) -> None:
    kind = draw(st.sampled_from(["store", "order", "product", "ad_campaign", "traffic", "placement"]))
    hold = draw(st.sampled_from(["", "2d"]))
    run_new_rule({"new rule": hold, "kind": kind, "text": show(draw(conditions(kind, PROJECT.facts.schemas)))}, case, worlds)


def try_yaml_text(draw: Draw, case: dict[str, str], worlds: Worlds) -> None:
    path, _ = draw(st.sampled_from(FILES))
    text = path.read_text(encoding="utf-8")
    start = draw(st.integers(0, max(0, len(text) - 400)))
    changed = text[:start] + draw(disturbed(text[start : start + 400])) + text[start + 400 :]
    run_file({"file": path.relative_to(ROOT).as_posix(), "text": changed}, case, worlds)


def try_yaml_structure(draw: Draw, case: dict[str, str], worlds: Worlds) -> None:
    path, _ = draw(st.sampled_from(FILES))
    changed = yaml.safe_dump(draw(mutated(load(path).data)), allow_unicode=True, sort_keys=False)
    run_file({"file": path.relative_to(ROOT).as_posix(), "text": changed}, case, worlds)


def run_expression(found: dict[str, str], case: dict[str, str], worlds: Worlds) -> None:
    case.clear()
    case.update(found)
    worlds.understand_and_run(found["text"], found["kind"], found["where"])


def run_new_rule(found: dict[str, str], case: dict[str, str], worlds: Worlds) -> None:
    """What ``storewatch new rule`` makes of a condition that checks: its tests pass, or there are none."""
    case.clear()
    case.update(found)
    answers = Answers(
        "made_up", Text("Made up", "编的"), found["kind"], found["text"], found["new rule"], "info", "", "", "rules/made_up.yaml"
    )
    with contextlib.suppress(ProblemsFound):
        made = draft(PROJECT, answers, "zh")
        assert all(verdict.passed for verdict in made.verdicts)
        worlds.counts["new rules"] += 1


def run_file(found: dict[str, str], case: dict[str, str], worlds: Worlds) -> None:
    """The shipped project with one file changed: checked, its tests read, the file's rules evaluated."""
    case.clear()
    case.update(found)
    folder = worlds.folder / "project"
    if not folder.exists():
        folder.mkdir()
        for path, _ in FILES:
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    changed = folder / found["file"]
    before = changed.read_bytes()
    changed.write_text(found["text"], encoding="utf-8", errors="surrogatepass")
    try:
        project = load_project(folder)
        if found["file"].endswith(".test.yaml"):
            worlds.counts["files"] += not check_tests(project)
        else:
            worlds.counts["files"] += 1
            worlds.run_rules(project, found["file"])
    except ProblemsFound as error:
        for problem in error.problems:
            problem.render("zh"), problem.render("en")
    finally:
        changed.write_bytes(before)


Attempt = Callable[[Draw, dict[str, str], Worlds], None]
TARGETS: Mapping[str, tuple[Attempt, int]] = {
    "conditions": (try_conditions, 600),
    "grammar": (try_grammar, 400),
    "new rule": (try_new_rule, 20),
    "yaml text": (try_yaml_text, 40),
    "yaml structure": (try_yaml_structure, 40),
}
"""What is tried, and how many cases of it in one round."""


def round_of(name: str, attempt: Attempt, examples: int, seed: int, worlds: Worlds, crashes: Path) -> bool:
    """One target with one seed; whether it went well. What crashed is saved."""
    case: dict[str, str] = {}

    @hypothesis.seed(seed)
    @settings(CALM, max_examples=examples)
    @given(st.data())
    def trying(data: st.DataObject) -> None:
        worlds.counts[name] += 1
        attempt(data.draw, case, worlds)

    try:
        trying()
    except Exception:  # noqa: BLE001 - whatever comes out is what is looked for
        crashes.mkdir(exist_ok=True)
        path = crashes / f"{name.replace(' ', '-')}-{seed}.txt"
        path.write_text(yaml.safe_dump({**case, "traceback": traceback.format_exc()}, allow_unicode=True), encoding="utf-8")
        print(f"CRASH {name}, seed {seed}: {path}\n{traceback.format_exc(limit=-3)}", flush=True)
        return False
    return True


def run(minutes: float, seed: int, crashes: Path, scale: float) -> int:
    """Rounds of all targets, with ``scale`` times as many cases, until the time is over. Gives the number of crashes."""
    begun, failed, rounds = time.monotonic(), 0, 0
    until = begun + minutes * 60
    with tempfile.TemporaryDirectory(prefix="storewatch-fuzz-") as folder:
        worlds = Worlds(Path(folder))
        print(f"seed {seed}, {minutes:g} minutes", flush=True)
        while time.monotonic() < until:
            for name, (attempt, examples) in TARGETS.items():
                failed += not round_of(name, attempt, max(1, round(examples * scale)), seed + rounds, worlds, crashes)
            worlds.renew()
            rounds += 1
            told = ", ".join(f"{name} {count:,}" for name, count in worlds.counts.items())
            print(f"{time.monotonic() - begun:5.0f} s  round {rounds}: {told}; crashes {failed}", flush=True)
    print(f"seeds {seed} to {seed + rounds - 1}: {sum(worlds.counts[name] for name in TARGETS):,} cases, {failed} crashes")
    return failed


def again(path: Path) -> None:
    """What was saved of a crash, once more; raises what it raised."""
    saved = yaml.safe_load(path.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="storewatch-fuzz-") as folder:
        run = run_file if "file" in saved else run_new_rule if "new rule" in saved else run_expression
        run(saved, {}, Worlds(Path(folder)))
    print("nothing crashed")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crashes", type=Path, default=Path("fuzz-crashes"))
    parser.add_argument("--scale", type=float, default=1, help="so many times as many cases in a round")
    parser.add_argument("--again", type=Path, help="a file that was saved of a crash")
    options = parser.parse_args()
    if options.again:
        again(options.again)
        return
    sys.exit(1 if run(options.minutes, options.seed, options.crashes, options.scale) else 0)


if __name__ == "__main__":
    main()
