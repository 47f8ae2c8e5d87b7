"""A simulated month of live operation, verified: `storewatch verify` must find no difference.

    python benchmarks/verify.py [--days 30] [--seed 1] [--state postgresql+psycopg://...]

Thirty days in steps of a quarter of an hour on a clock of its own: evaluations of two schedules, dispatches, deliveries, exports (one in
four comes seven hours late), silences, acknowledgements, ends by hand, a reload every four days and a restart every five. The small
project of ``tests/replay`` has every kind of route. Exits with 1 where the replay differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.replay.verifying import verify
from tests.replay.conftest import START, small_project
from tests.replay.live import Live

A_DAY = 96
WORDS = ("dsr_desc < 4.7 ", "dsr_desc < 4.65 ")


def lived(folder: Path, url: str, days: int, seed: int) -> Live:
    live = Live(small_project(folder), url, START, Random(seed))
    for number in range(1, days * A_DAY + 1):
        live.step()
        if number % (4 * A_DAY) == 0:
            turn = number // (4 * A_DAY) % 2
            live.edit(WORDS[1 - turn], WORDS[turn])
        if number % (5 * A_DAY) == 0:
            live.restart()
    return live


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--state", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        began = time.process_time()
        live = lived(folder / "shop", options.state or f"sqlite:///{folder / 'state.db'}", options.days, options.seed)
        lasted = time.process_time() - began
        began = time.process_time()
        found = verify(live.folder, live.state, START, folder / "work")
        took = time.process_time() - began
        live.state.close()
    print(
        f"{options.days} days: {found.evaluations} evaluations and dispatches, {found.transitions} changes, {found.notifications} messages"
    )
    print(f"lived in {lasted:.0f} s of a processor, verified in {took:.0f} s; {len(found.differences)} difference(s)")
    for each in found.differences[:5]:
        print(each)
    return 1 if found.differences else 0


if __name__ == "__main__":
    sys.exit(main())
