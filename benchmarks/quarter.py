"""Recall and precision over a simulated quarter: 50 stores, 90 days, every rule's incident planted three times.

Exports are simulated, ingested as they would have come, and evaluated at every instant of the run by the product's own path (what
``storewatch ingest`` and ``storewatch run --no-send`` do: matching, lifecycle, routing, rendering, one commit an evaluation). Alerts
are then compared with the truth that the simulator read off the exports, without the engine. Ends with exit code 1 when an incident
was missed, or more than one alert in twenty was false.

    python benchmarks/quarter.py [--stores 50] [--days 90] [--incidents 3] [--causes 3] [--markdown]

With ``--incidents 0 --causes 0`` the stores are healthy, and nothing may fire.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from engine.builtin import BUILT_IN
from engine.cli.init import copy_starter
from engine.model import Transition
from engine.project import load_project
from engine.simulate.causes import CAUSES
from engine.simulate.incidents import Incident
from engine.simulate.plan import Options
from engine.simulate.playing import Player, Step, steps
from engine.simulate.run import simulate
from engine.simulate.scoring import RuleScore, Score, read_truth, score
from engine.simulate.troubles import TROUBLES
from engine.state import State

HEADINGS = ("rule", "planted", "found", "at the first evaluation", "consequences", "found", "false alarms")


@dataclass
class Times:
    """Seconds by what they were spent on, and the longest single one."""

    total: Counter[str] = field(default_factory=Counter)
    longest: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        took = time.perf_counter() - start
        self.total[what] += took
        self.longest[what] = max(took, self.longest.get(what, 0))


def main() -> int:
    options = arguments()
    times = Times()
    with tempfile.TemporaryDirectory(prefix="storewatch-quarter-") as folder:
        exports, project = Path(folder) / "exports", Path(folder) / "project"
        run = Options(options.stores, options.days, options.seed, incidents=options.incidents, rules=tuple(TROUBLES), causes=options.causes)
        with times.of("simulate"):
            written = simulate(exports, run)
        planned = steps(exports)
        files = sum(len(step.exports) for step in planned)
        print(f"{files} exports, {written.size / 1e6:.0f} MB, {len(planned)} evaluations", file=sys.stderr)
        transitions, rows, rules = play(project, planned, times)
        incidents = read_truth(exports, rules)
    instants = [step.at for step in planned]
    result = score(incidents, transitions, instants)
    planted = score([one for one in incidents if one.note], transitions, instants)
    wanted = {**dict.fromkeys(TROUBLES, options.incidents), **{cause: options.causes for cause in CAUSES if cause in rules}}
    print(table(list(lines(planted, result, wanted)), markdown=options.markdown))
    print(summary(planted.total, result.total, sum(wanted.values())))
    print(f"{files} exports ({written.size / 1e6:.0f} MB, {rows:,} rows), {len(planned)} evaluations of {len(TROUBLES) - 1} rules")
    for what, seconds in times.total.items():
        print(f"{what}: {seconds:.0f} s, longest {times.longest[what]:.1f} s")
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")
    tell_mistakes(result, incidents, transitions)
    return 0 if good(planted.total, result.total, sum(wanted.values())) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Recall and precision over a simulated quarter.")
    parser.add_argument("--stores", type=int, default=50)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--incidents", type=int, default=3, help="of every rule")
    parser.add_argument("--causes", type=int, default=3, help="of each kind: incidents that come together in one store")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", action="store_true")
    return parser.parse_args()


def play(folder: Path, planned: Sequence[Step], times: Times) -> tuple[list[Transition], int, set[str]]:
    """All transitions of the run in a fresh starter project, the rows stored, and the rules. A rule that fails ends the benchmark."""
    copy_starter(folder)
    project = load_project(folder)
    found: list[Transition] = []
    rows = 0
    with State.open(f"sqlite:///{folder / 'state.db'}") as state:
        player = Player(project, state, lambda: datetime.now(UTC), "quarter")
        for number, step in enumerate(planned, 1):
            with times.of("ingest (a step)"):
                rows += player.ingest(step)
            with times.of("evaluate (a step)"):
                done = player.evaluate(step)
            if done.failed:
                raise SystemExit(f"{step.at}: {done.failed}")
            found += done.transitions
            if number % 10 == 0:
                print(f"{number}/{len(planned)}: {sum(times.total.values()):.0f} s", file=sys.stderr, flush=True)
    return found, rows, {*project.infos, *BUILT_IN}


def lines(planted: Score, result: Score, wanted: Mapping[str, int]) -> Iterator[Sequence[object]]:
    """A line a rule: what was planted, and what followed from it (both are to be found); then what was not there."""
    by_rule, everything = ({one.rule: one for one in scored.rules} for scored in (planted, result))
    for rule in sorted(wanted.keys() | everything.keys()):
        none = RuleScore(rule, 0, 0, 0, 0, 0, 0)
        own, all_ = by_rule.get(rule, none), everything.get(rule, none)
        yield rule, wanted.get(rule, 0), own.found, own.at_once, all_.planted - own.planted, all_.found - own.found, all_.extra


def summary(planted: RuleScore, total: RuleScore, wanted: int) -> str:
    recall = planted.found / wanted if wanted else 1
    precision = total.found / (total.found + total.extra) if total.found + total.extra else 1
    return (
        f"recall {recall:.1%} ({planted.found} of {wanted} planted, {planted.at_once} at the first evaluation), "
        f"with consequences {total.found} of {total.planted} ({total.at_once} at the first evaluation); "
        f"precision {precision:.1%} ({total.extra} false alarms); {total.closed} of {total.ended} resolved in time"
    )


def good(planted: RuleScore, total: RuleScore, wanted: int) -> bool:
    return planted.found == wanted and total.found == total.planted and total.extra * 20 <= total.found + total.extra


def table(rows: Sequence[Sequence[object]], *, markdown: bool) -> str:
    if markdown:
        return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (HEADINGS, ["---", *["---:"] * 6], *rows))
    return "\n".join(f"{row[0]!s:30}" + "".join(f"{cell!s:>24}" for cell in row[1:]) for row in (HEADINGS, *rows))


def tell_mistakes(result: Score, incidents: Sequence[Incident], transitions: Sequence[Transition]) -> None:
    """For every rule that is not perfect, what was true and what was told, on standard error."""
    for rule in [one.rule for one in result.rules if one.found < one.planted or one.extra or one.closed < one.ended]:
        for incident in [one for one in incidents if one.rule == rule]:
            print("true", incident, file=sys.stderr)
        for change in [one for one in transitions if one.alert.identity.rule == rule and one.before is not one.after]:
            print("told", change.at, change.alert.identity.key, change.after, change.reason, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
