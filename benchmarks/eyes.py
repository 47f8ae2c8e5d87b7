"""How well prices are read from pictures, how fast, and in how much memory: made-up pictures whose truth is known.

    python benchmarks/eyes.py                          # 600 varied pictures: accuracy (seeds that were not used in development)
    python benchmarks/eyes.py --speed 60               # pictures of 800 x 800 a second, all cores
    python benchmarks/eyes.py --memory 10000           # small pictures one after another: memory of all processes as it goes

Development used the seeds 0 to 1299. The default ones (from 700,000) are for measuring only: whoever tunes on them must move on.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from engine.ingest.enrichers.examining import Examined, Task
from engine.ingest.enrichers.pool import cores, examine_all
from engine.ingest.enrichers.reasons import Reason
from engine.simulate.posters import Poster, poster

FIRST = 700_000


def tasks(first: int, count: int, size: tuple[int, int] | None, made: dict[str, Poster]) -> Iterator[Task]:
    for seed in range(first, first + count):
        one = poster(seed, size)
        made[str(seed)] = one
        yield Task(str(seed), one.data, one.truth.currency)


def accuracy(first: int, count: int) -> bool:
    made: dict[str, Poster] = {}
    began = time.perf_counter()
    results = {examined.subject: examined for examined in examine_all(tasks(first, count, None, made))}
    seconds = time.perf_counter() - began
    priced = [seed for seed, one in made.items() if one.truth.price is not None]
    others = [seed for seed in made if seed not in set(priced)]
    right = [seed for seed in priced if told(results[seed]) == made[seed].truth.price]
    wrong = [seed for seed in priced if told(results[seed]) not in (None, made[seed].truth.price)]
    false = [seed for seed in others if told(results[seed]) is not None]
    unread = len(priced) - len(right) - len(wrong)
    for seed in [*wrong, *false, *(seed for seed in priced if told(results[seed]) is None)]:
        reading, one = results[seed].reading, made[seed]
        print(f"  {seed} {one.layout}: painted {one.truth.price}, told {told(results[seed])}: {reading and (reading.reason, reading.text)}")
    print(f"{count} pictures of seeds {first} to {first + count - 1}: {len(priced)} with a price, {len(others)} without one")
    print(f"right {len(right)} ({len(right) / len(priced):.1%}), wrong {len(wrong)} ({len(wrong) / len(priced):.2%}), unreadable {unread}")
    print(f"without a price: {len(false)} got one ({len(false) / len(others):.2%})")
    print(dict(Counter(reason(results[seed]) for seed in others)))
    print(f"{count / seconds:.2f} pictures a second with {cores()} workers, making the pictures included")
    return len(right) >= 0.97 * len(priced) and len(wrong) <= 0.005 * len(priced) and len(false) <= 0.005 * len(others)


def told(examined: Examined) -> object:
    return examined.reading.price if examined.reading else None


def reason(examined: Examined) -> Reason | None:
    return examined.reading.reason if examined.reading else None


def speed(count: int) -> None:
    made: dict[str, Poster] = {}
    ready = list(tasks(FIRST, count, (800, 800), made))
    list(examine_all(ready[:2]))  # the files of the models are in memory
    before, began = os.times(), time.perf_counter()
    list(examine_all(ready))
    seconds = time.perf_counter() - began
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"{count} pictures of 800 x 800: {count / seconds:.2f} a second with {cores()} workers ({seconds:.0f} s, starting them included)")
    print(f"processor time {used / count:.2f} s a picture: {cores() * count / used:.2f} a second if no other process wanted the cores")
    print(f"load average {os.getloadavg()}")


def memory(count: int, side: int) -> None:
    made: dict[str, Poster] = {}
    print("pictures  parent MB  workers MB")
    for number, examined in enumerate(examine_all(tasks(FIRST, count, (side, side), made)), 1):
        made.pop(examined.subject)
        if number % max(1, count // 20) == 0:
            own, workers = resident(os.getpid()), sum(map(resident, children(os.getpid())))
            print(f"{number:8}  {own:9.0f}  {workers:10.0f}", flush=True)


def resident(process: int) -> float:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, IndexError):
        return 0.0


def children(process: int) -> list[int]:
    return [int(number) for task in Path(f"/proc/{process}/task").iterdir() for number in (task / "children").read_text().split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--first", type=int, default=FIRST, help="first seed")
    parser.add_argument("--speed", type=int, default=0)
    parser.add_argument("--memory", type=int, default=0)
    parser.add_argument("--side", type=int, default=240, help="of the pictures of --memory, in pixels")
    asked = parser.parse_args()
    if asked.speed:
        speed(asked.speed)
    elif asked.memory:
        memory(asked.memory, asked.side)
    elif not accuracy(asked.first, asked.count):
        raise SystemExit("the targets are missed")


if __name__ == "__main__":
    main()
