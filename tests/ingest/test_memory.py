"""Memory is bounded: a file many times as large takes hardly more of it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from tests.ingest.conftest import Shop

CHILD = textwrap.dedent("""
    import resource, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from engine.facts_file import load_facts
    from engine.ingest import Options, ingest

    source, facts, folder = sys.argv[1:]
    report = ingest(source, load_facts(Path(facts)), Path(folder), Options(now=datetime(2026, 11, 21, tzinfo=UTC), kinds=("order",)))
    print(report.kinds[0].stored, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
""")
ROOT = Path(__file__).parents[2]


def megabytes_for(shop: Shop, rows: int) -> tuple[int, int]:
    """(size of the file, memory at its peak) in MB."""
    path = shop.folder / f"{rows}.csv"
    rest = "备注" * 110
    with path.open("w", encoding="utf-8") as file:
        file.write("订单编号,店铺Id,订单付款时间,买家实际支付金额,订单备注,卖家留言\n")
        for n in range(rows):
            file.write(f"{10**18 + n},s{n % 50},2026-11-{n % 20 + 1:02} 10:00:{n % 60:02},{n}.5,备注{n},{rest}\n")
    command = [sys.executable, "-c", CHILD, str(path), str(ROOT / "facts.yaml"), str(shop.snapshots)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=True)
    stored, peak = map(int, done.stdout.split())
    assert stored == rows
    return path.stat().st_size >> 20, peak


def test_a_file_ten_times_as_large_takes_hardly_more_memory(shop: Shop) -> None:
    small_file, small_peak = megabytes_for(shop, 20_000)
    large_file, large_peak = megabytes_for(shop, 200_000)
    assert large_file - small_file > 120
    assert large_peak - small_peak < 60, f"{small_file} MB took {small_peak} MB, {large_file} MB took {large_peak} MB"
