"""``storewatch test``: do the rules do what their tests say?"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, fail, settings
from engine.errors import StorewatchError, Text, UsageError

if TYPE_CHECKING:
    from engine.project import Project
    from engine.ruletest.coverage import Clause, Coverage
    from engine.ruletest.model import RuleTest
    from engine.ruletest.running import Verdict


def register(app: typer.Typer) -> None:
    app.command("test")(test)


def test(
    context: typer.Context,
    run: Annotated[str, typer.Option("--run", help="Only tests whose file, rule or title matches this regular expression.")] = "",
    coverage: Annotated[bool, typer.Option("--coverage", help="Tell which clauses no test has seen true, or false.")] = False,
    coverage_under: Annotated[
        float | None, typer.Option("--coverage-under", help="Exit with 1 when the coverage is under this percentage.", min=0, max=100)
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write the results as JUnit XML to this file.")] = None,
) -> None:
    """Run the tests beside the rules (rules/*.test.yaml): rows over time in, expected alerts and messages out.

    Exit code 0: all passed. 1: a test failed, or the coverage is under the asked one. 2: a test file is wrong, or there is no test.
    """
    options = settings(context)
    try:
        passed = _test(options, run, coverage or coverage_under is not None, coverage_under or 0.0, junit)
    except StorewatchError as error:
        fail(options, error)
    raise typer.Exit(0 if passed else 1)


def _test(options: Settings, pattern: str, covered: bool, least: float, report: Path | None) -> bool:
    from engine.project import load_project  # heavy: not on the path of --help
    from engine.ruletest.coverage import Coverage, percentage
    from engine.ruletest.reading import load_tests

    project = load_project(options.project)
    tests = _chosen(load_tests(project), pattern)
    coverage = Coverage() if covered else None
    timed = []
    for verdict, seconds in _run(project, tests, coverage):
        timed.append((verdict, seconds))
        if not verdict.passed and options.format != "json":
            _tell(project, verdict, options)
    named = {test.rule for test in tests} | {name for name in project.infos if re.search(pattern, name)}
    clauses = _clauses(project, coverage, named if pattern else None) if coverage else None
    if report:
        _write_junit(report, project, timed, options)
    _summarise(options, project, timed, clauses)
    return all(verdict.passed for verdict, _ in timed) and percentage(clauses or ()) >= least


def _clauses(project: Project, coverage: Coverage, names: set[str] | None) -> tuple[Clause, ...]:
    """The clauses of the named rules (None: of all)."""
    rules = [rule for rule in project.rules if names is None or rule.name in names]
    incidents = [rule for rule in project.incidents if names is None or rule.name in names]
    return (*coverage.clauses(rules), *coverage.of_incidents(incidents))


def _chosen(tests: Sequence[RuleTest], pattern: str) -> list[RuleTest]:
    """The tests that ``--run`` asks for. Raises UsageError when there is none."""
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise UsageError(
            Text(f"--run {pattern}: not a regular expression: {error}", f"--run {pattern}：不是正则表达式：{error}"),
            Text("write part of a title or a rule's name", "写标题的一部分或规则名即可"),
        ) from None
    if not tests:
        hint = Text(
            "write them beside the rules, in rules/*.test.yaml (docs/rule-tests.md)",
            "请写在规则旁边的 rules/*.test.yaml 里（docs/rule-tests.md）",
        )
        raise UsageError(Text("there are no tests", "没有任何测试"), hint)
    found = [test for test in tests if any(wanted.search(text) for text in (test.file, test.rule, test.title))]
    if not found:
        hint = Text("without --run all tests run", "不加 --run 会运行全部测试")
        raise UsageError(Text(f"no test matches --run {pattern}", f"没有测试符合 --run {pattern}"), hint)
    return found


def _run(project: Project, tests: Sequence[RuleTest], coverage: Coverage | None) -> Iterator[tuple[Verdict, float]]:
    """Each test's verdict, and the seconds it took."""
    from engine.ruletest.running import Bench

    with tempfile.TemporaryDirectory(prefix="storewatch-test-") as folder, Bench(project, Path(folder), coverage=coverage) as bench:
        for each in tests:
            begun = time.perf_counter()
            yield bench.run(each), time.perf_counter() - begun


def _tell(project: Project, verdict: Verdict, options: Settings) -> None:
    from engine.ruletest.report import describe

    typer.echo(describe(verdict, project.facts.zone, options.language) + "\n")


def _write_junit(path: Path, project: Project, timed: Sequence[tuple[Verdict, float]], options: Settings) -> None:
    from engine.ruletest.report import junit

    try:
        path.write_bytes(junit(timed, project.facts.zone, options.language))
    except OSError as error:
        raise UsageError(
            Text(f"--junit {path}: cannot be written: {error.strerror}", f"--junit {path}：无法写入：{error.strerror}")
        ) from None


def _summarise(options: Settings, project: Project, timed: Sequence[tuple[Verdict, float]], clauses: Sequence[Clause] | None) -> None:
    from engine.ruletest.coverage import percentage
    from engine.ruletest.report import coverage_lines

    if options.format == "json":
        typer.echo(json.dumps(_plain(options, project, timed, clauses), ensure_ascii=False, indent=2))
        return
    failed = sum(not verdict.passed for verdict, _ in timed)
    seconds = sum(seconds for _, seconds in timed)
    if clauses is not None:
        for line in coverage_lines(clauses, options.language):
            typer.echo(line)
        share, count = percentage(clauses), len(clauses)
        typer.echo(Text(f"coverage {share:.1f}% of {count} clauses", f"覆盖率 {share:.1f}%，共 {count} 个子条件").in_(options.language))
    passed = len(timed) - failed
    options.say(Text(f"{passed} passed, {failed} failed, {seconds:.1f} s", f"通过 {passed}，失败 {failed}，用时 {seconds:.1f} 秒"))


def _plain(
    options: Settings, project: Project, timed: Sequence[tuple[Verdict, float]], clauses: Sequence[Clause] | None
) -> dict[str, object]:
    from engine.ruletest.coverage import percentage
    from engine.ruletest.report import describe

    tests = [
        {
            "file": verdict.test.file,
            "line": verdict.test.line,
            "test": verdict.test.title,
            "rule": verdict.test.rule,
            "passed": verdict.passed,
            "seconds": round(seconds, 3),
            "message": None if verdict.passed else describe(verdict, project.facts.zone, options.language),
        }
        for verdict, seconds in timed
    ]
    if clauses is None:
        return {"tests": tests}
    listed = [_plain_clause(clause) for clause in clauses]
    return {"tests": tests, "coverage": {"percent": round(percentage(clauses), 1), "clauses": listed}}


def _plain_clause(clause: Clause) -> dict[str, object]:
    seen = {"never_true": True in clause.never, "never_false": False in clause.never}
    return {"rule": clause.rule, "section": clause.section, "clause": clause.text, **seen}
