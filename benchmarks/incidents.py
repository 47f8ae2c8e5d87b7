"""How many messages incident rules save: one simulated quarter with root causes planted, told with and without incident rules.

Both runs see the same snapshots at the same instants, by the product's own path, deliveries included (a message that was delivered is what
reminders count from). Ends with exit code 1 when the messages fall by less than 70 %, or a planted cause is not named in exactly one
first message.

    python benchmarks/incidents.py [--stores 50] [--days 90] [--causes 30]
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from engine.cli.init import copy_starter
from engine.model import Identity, Notification, Reason, State
from engine.outbox import deliver
from engine.pipeline import Round
from engine.project import Project, load_project
from engine.sending import Delivery, Outcome, Send
from engine.simulate.causes import CAUSES
from engine.simulate.plan import Options
from engine.simulate.playing import Player, steps
from engine.simulate.run import simulate
from engine.state import State as Database


class Accepting:
    """A channel that takes everything."""

    def session(self) -> AbstractContextManager[Send]:
        return nullcontext(self.send)

    @staticmethod
    def send(_: Notification) -> Outcome:
        return Outcome(Delivery.DELIVERED, "benchmark")


@dataclass
class Telling:
    """One run of the two: messages by what they are about, and the first messages of each incident."""

    player: Player
    project: Project
    messages: Counter[str] = field(default_factory=Counter)
    first: Counter[tuple[Identity, int]] = field(default_factory=Counter)
    began: dict[Identity, list[datetime]] = field(default_factory=dict)

    def note(self, done: Round) -> None:
        rules = {moved.alert.identity.fingerprint: moved for moved in done.transitions}
        for message in {each.id: each for each in done.notifications}.values():
            moved = [rules[name] for name in message.alerts if name in rules]
            self.messages[moved[0].alert.identity.rule if moved else "?"] += 1
            for each in moved:
                fresh = each.after is State.FIRING and each.reason in (Reason.FIRST, Reason.HELD_LONG_ENOUGH)
                if fresh and each.alert.members:
                    self.first[each.alert.identity, each.alert.episode] += 1
                    self.began.setdefault(each.alert.identity, []).append(done.at)


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="storewatch-incidents-") as folder, ExitStack() as stack:
        exports, project_folder = Path(folder) / "exports", Path(folder) / "project"
        each = -(-options.causes // len(CAUSES))
        simulate(exports, Options(options.stores, options.days, options.seed, incidents=0, causes=each))
        planned = steps(exports)
        copy_starter(project_folder)
        project = load_project(project_folder)
        tellings = [
            telling(stack, with_, Path(folder) / f"{number}.db") for number, with_ in enumerate((project, replace(project, incidents=())))
        ]
        took: Counter[str] = Counter()
        for number, step in enumerate(planned, 1):
            tellings[0].player.ingest(step)
            for name, one in zip(("with", "without"), tellings, strict=True):
                begun = time.perf_counter()
                done = one.player.evaluate(step)
                if done.failed:
                    raise SystemExit(f"{step.at}: {done.failed}")
                one.note(done)
                deliver(one.player.state, dict.fromkeys(one.project.channels.channels, Accepting()), lambda at=step.at: at, workers=1)  # type: ignore[misc]
                took[name] += time.perf_counter() - begun
            if number % 10 == 0:
                print(f"{number}/{len(planned)}", file=sys.stderr, flush=True)
        planted = list(read_causes(exports))
    return report(tellings, planted, took, len(planned))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Messages with and without incident rules.")
    parser.add_argument("--stores", type=int, default=50)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--causes", type=int, default=30, help="root causes planted, of all kinds together")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def telling(stack: ExitStack, project: Project, path: Path) -> Telling:
    state = stack.enter_context(Database.open(f"sqlite:///{path}"))
    return Telling(Player(project, state, lambda: datetime.now().astimezone(), "incidents"), project)


@dataclass(frozen=True, slots=True)
class Planted:
    """A planted cause: its incident, and when it is there."""

    identity: Identity
    starts_at: datetime
    ends_at: datetime | None

    def holds(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at <= self.ends_at)


def read_causes(folder: Path) -> Iterator[Planted]:
    with (folder / "causes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["note"]:
                end = datetime.fromisoformat(row["ends_at"]) if row["ends_at"] else None
                yield Planted(Identity(row["rule"], (row["key"],)), datetime.fromisoformat(row["starts_at"]), end)


def report(tellings: Sequence[Telling], planted: Sequence[Planted], took: Counter[str], evaluations: int) -> int:
    with_, without = tellings
    after, before = sum(with_.messages.values()), sum(without.messages.values())
    fall = 1 - after / before if before else 0
    named = [
        sum(1 for at in with_.began.get(one.identity, ()) if one.starts_at <= at and (one.ends_at is None or at <= one.ends_at))
        for one in planted
    ]
    for rule in sorted({*with_.messages, *without.messages}):
        print(f"{rule:32}{without.messages[rule]:8} → {with_.messages[rule]:6}")
    print(f"{evaluations} evaluations; without incident rules {took['without']:.0f} s, with them {took['with']:.0f} s")
    print(f"messages: {before} without incident rules, {after} with them: {fall:.1%} fewer")
    once, never = sum(count == 1 for count in named), sum(count == 0 for count in named)
    print(f"{len(planted)} causes planted, {once} named in exactly one first message, {never} in none")
    for one, count in zip(planted, named, strict=True):
        if count != 1:
            print(f"named {count} times: {one}", file=sys.stderr)
    return 0 if fall >= 0.7 and all(count == 1 for count in named) else 1


if __name__ == "__main__":
    sys.exit(main())
