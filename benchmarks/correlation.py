"""Incident rules over alerts: speed, soak, and the comparison with trying all combinations, at length.

    python benchmarks/correlation.py                         # 50,000 alerts in 20,000 stores, seven incident rules
    python benchmarks/correlation.py --differential 20000    # so many random programs against tests/correlation/naive.py
    python benchmarks/correlation.py --soak 100000           # so many sessions; memory of both processes
    python benchmarks/correlation.py --reload 1000           # so many changed rule sets, one after another

The rules are the incidents at the end of the catalogue. ``docs/performance.md`` and ``docs/decisions/0003`` have full runs.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.correlation import Comparison, Constant, Derived, Fact, FieldType, Found, Pattern, Program, Ref, Rule, Test
from engine.correlation.plan import Group
from engine.correlation.scenes import Answer, Scene
from engine.correlation.serving import Shelf
from engine.correlation.worker import Worker
from tests.correlation.random_programs import SCHEMA, Maker, difference

ALERT = dict.fromkeys(("store_id", "name", "severity", "area", "promotion_id", "product_id"), FieldType.TEXT)
STORE = ("store_id",)
NAMES = (
    "ad_budget_exhausted ad_account_arrears traffic_drop promotion_ended delisted_still_promoted showcase_gap banner_link_broken "
    "promo_price_not_restored promo_image_not_replaced banner_expired agent_offline slow_response inquiry_conversion_drop "
    "unfulfilled_orders pickup_stalled refund_rate_rising paid_but_no_stock banner_price_mismatch price_image_mismatch price_below_floor"
).split()
DULL = [f"rule_{number}" for number in range(42)]  # alerts that no incident asks for


def alert(binding: str, *names: str, count: int = 1, same: Ref | None = None) -> Pattern:
    """An alert of one name, or of a severity for want of names."""
    test = Test("name", Comparison.EQUAL, Constant(names[0])) if names else Test("severity", Comparison.EQUAL, Constant("critical"))
    joins = (Test(same.field, Comparison.EQUAL, same),) if same else ()
    return Pattern(binding, ("alert",), (test, *joins), count, "" if names else "area")


def incident(name: str, *all_: Pattern, any_: Sequence[Pattern] = (), none: Sequence[Pattern] = ()) -> Rule:
    return Rule(name, STORE, all_, tuple(any_), tuple(none), (Derived(f"incident:{name}", {}),))


RULES = (
    incident(
        "ads_stopped_traffic_fell",
        alert("uv", "traffic_drop"),
        any_=[alert("ad", "ad_budget_exhausted"), alert("arrears", "ad_account_arrears")],
        none=[alert("promo", "promotion_ended")],
    ),
    incident(
        "delisting_broke_page",
        alert("delisted", "delisted_still_promoted"),
        any_=[alert("gap", "showcase_gap"), alert("link", "banner_link_broken", same=Ref("delisted", "product_id"))],
    ),
    incident(
        "promotion_cleanup_failed",
        alert("price", "promo_price_not_restored"),
        alert("image", "promo_image_not_replaced", same=Ref("price", "promotion_id")),
        alert("banner", "banner_expired", same=Ref("price", "promotion_id")),
    ),
    incident(
        "service_outage",
        alert("offline", "agent_offline"),
        any_=[alert("slow", "slow_response"), alert("inquiries", "inquiry_conversion_drop")],
    ),
    incident(
        "fulfilment_breakdown",
        any_=[alert("stock", "paid_but_no_stock", count=3), alert("orders", "unfulfilled_orders")],
        none=[alert("pickup", "pickup_stalled")],
    ),
    incident(
        "price_incident",
        alert("floor", "price_below_floor"),
        any_=[alert("banner", "banner_price_mismatch"), alert("image", "price_image_mismatch")],
    ),
    incident("store_at_risk", alert("critical", count=3)),
    Rule("chain_in_trouble", (), (Pattern("stores", ("incident:store_at_risk",), (), 3, "store_id"),)),
)
KINDS = {"alert": ALERT} | {f"incident:{rule.name}": {"store_id": FieldType.TEXT} for rule in RULES}


def alerts(count: int, stores: int, names: Sequence[str], seed: int = 1) -> list[Fact]:
    draw = random.Random(seed)
    return [Fact(f"{number:08x}", "alert", alert_values(draw, stores, names)) for number in range(count)]


def paired(stores: int) -> list[Fact]:
    """Two alerts for every store that make an incident."""
    names = ("price_below_floor", "banner_price_mismatch")
    values = [{"store_id": f"store-{store}", "name": name, "severity": "warning", "area": "B"} for store in range(stores) for name in names]
    return [Fact(f"{number}", "alert", one) for number, one in enumerate(values)]


def alert_values(draw: random.Random, stores: int, names: Sequence[str]) -> dict[str, str]:
    dull = names is DULL
    return {
        "store_id": f"store-{draw.randrange(stores)}",
        "name": draw.choice(names),
        "severity": draw.choice(("info", "warning") if dull else ("info", "warning", "critical")),
        "area": draw.choice("ABCDE"),
        "promotion_id": f"p{draw.randrange(5)}",
        "product_id": f"g{draw.randrange(5)}",
    }


def timed(program: Program, facts: Sequence[Fact], repeat: int) -> tuple[float, float, Found]:
    """Seconds of the first run and of the median one."""
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        found = program.run(facts)
        times.append(time.perf_counter() - began)
    return times[0], statistics.median(times), found


def speed(repeat: int) -> None:
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores; median of {repeat} runs (first run)")
    cases = {
        "50,000 alerts in 20,000 stores, 20 of 62 names interesting": alerts(50_000, 20_000, [*NAMES, *DULL]),
        "50,000 alerts in 20,000 stores, every name interesting": alerts(50_000, 20_000, NAMES),
        "50,000 alerts in 20,000 stores, an incident in each": paired(20_000) + alerts(10_000, 20_000, DULL),
        "50,000 alerts in 200 stores, every name interesting": alerts(50_000, 200, NAMES),
        "50,000 alerts in 20,000 stores, none interesting": alerts(50_000, 20_000, DULL),
        "no alerts": [],
    }
    for name, facts in cases.items():
        worker = Counting()
        first, median, found = timed(Program(RULES, KINDS, worker), facts, repeat)
        _, inside, _ = timed(Program(RULES, KINDS, InProcess()), facts, repeat)
        process = "" if worker.pid else ", no process started"
        print(
            f"{name}: {median:.3f} s ({first:.3f} s; engine in the same process {inside:.3f} s), "
            f"{worker.sessions // repeat:,} sessions, {len(found.matches):,} matches, {len(found.failures)} failures{process}"
        )
        worker.close()


class Counting(Worker):
    """Counts the sessions that it is asked for."""

    sessions = 0

    def answer(self, group: Group, scenes: Sequence[Scene]) -> list[Answer]:
        self.sessions += len(scenes)
        return super().answer(group, scenes)


class InProcess(Worker):
    """The engine in this process, to compare with."""

    def __init__(self) -> None:
        super().__init__()
        self.shelf = Shelf()

    def answer(self, group: Group, scenes: Sequence[Scene]) -> list[Answer]:
        return [self.shelf.answer(group, scene) for scene in scenes]


def memory(pid: int | None = None) -> float:
    """Resident megabytes of a process."""
    with open(f"/proc/{pid or os.getpid()}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def soak(sessions: int) -> None:
    worker = Counting()
    program = Program(RULES, KINDS, worker)
    began, seed, told = time.perf_counter(), 0, 0
    while worker.sessions < sessions:
        program.run(alerts(5_000, 500, NAMES, seed))
        seed += 1
        if worker.sessions >= told + sessions // 20:
            told = worker.sessions
            took = time.perf_counter() - began
            print(f"{told:>9,} sessions, {took:6.1f} s: worker {memory(worker.pid):.1f} MB, this process {memory():.1f} MB", flush=True)
    worker.close()


def changed(number: int) -> Iterator[Rule]:
    """The incidents, with one constant of each changed and a rule more."""
    yield from RULES
    yield incident(f"extra_{number}", alert("a", NAMES[number % len(NAMES)]), alert("b", f"new_{number}", same=Ref("a", "product_id")))


def reload(times: int) -> None:
    worker = Worker()
    facts = alerts(50, 5, NAMES)
    for number in range(times):
        schema = KINDS | {f"incident:extra_{number}": {"store_id": FieldType.TEXT}}
        Program(tuple(changed(number)), schema, worker).run(facts)
        if (number + 1) % max(1, times // 10) == 0:
            print(f"{number + 1:>7,} rule sets: worker {memory(worker.pid):.1f} MB, this process {memory():.1f} MB")
    worker.close()


def differential(cases: int, first: int) -> bool:
    began, wrong = time.perf_counter(), 0
    for seed in range(first, first + cases):
        case = Maker(seed).case()
        found = difference(case, Program(case.rules, SCHEMA))
        if found:
            wrong += 1
            print(f"seed {seed}: {found}\n{case}")
    print(f"{cases:,} programs from seed {first}: {wrong} differences, {time.perf_counter() - began:.0f} s")
    return not wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--differential", type=int, metavar="N")
    parser.add_argument("--first-seed", type=int, default=1_000_000)
    parser.add_argument("--soak", type=int, metavar="SESSIONS")
    parser.add_argument("--reload", type=int, metavar="N")
    options = parser.parse_args()
    if options.soak:
        soak(options.soak)
    elif options.reload:
        reload(options.reload)
    elif options.differential:
        sys.exit(0 if differential(options.differential, options.first_seed) else 1)
    else:
        speed(options.repeat)


if __name__ == "__main__":
    main()
