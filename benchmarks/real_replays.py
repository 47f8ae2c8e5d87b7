"""Replays of real history: Olist around Black Friday 2017, cosmetics on Tmall around Double 11 of 2016.

    python benchmarks/real_replays.py FOLDER [--data ../shared/data] [--from 2017-11-01 --to 2017-12-31]

Makes two projects in FOLDER from ``docs/examples`` and prints what ``storewatch dry-run`` says of them. The tables of Olist tell what was
known long afterwards; each day's exports are the purchases of the 45 days before it, and the rule asks what was so at that time.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from engine.cli.init import copy_starter
from engine.facts_file import load_facts
from engine.ingest import Options, ingest

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 11, 21, tzinfo=UTC)
LOOKED_BACK = timedelta(days=45)
CHANNELS = """
channels: {screen: {type: console}}
contacts: {service: {email: [service@shop.example]}, data: {email: [data@shop.example]}}
receivers: {all: [{channel: screen}]}
route: {receiver: all, group_by: [alert], repeat_interval: 30d}
"""
PEAK = """
# How busy the day was: sellers of whom three or more items were bought within it.
- alert: busy_day
  title: {zh: 一天卖出很多, en: Many items in a day}
  facts: store
  when: count(order where age(purchase.created_at) between 0h and 24h) >= 3
  severity: info
  owner: service
  show: {件数 / Items: count(order where age(purchase.created_at) between 0h and 24h)}
"""


def make_project(folder: Path, example: str, zone: str) -> Path:
    """The example as a project of its own, evaluated at the end of every day."""
    copy_starter(folder)
    source = ROOT / "docs" / "examples" / example
    shutil.move(folder / "facts.yaml", folder / "shipped.yaml")
    text = (source / "facts.yaml").read_text(encoding="utf-8").replace("../../../facts.yaml", "shipped.yaml")
    (folder / "facts.yaml").write_text(text, encoding="utf-8")
    shutil.rmtree(folder / "rules")
    (folder / "rules").mkdir()
    shutil.copy(source / "rules.yaml", folder / "rules")
    (folder / "channels.yaml").write_text(CHANNELS, encoding="utf-8")
    (folder / "schedules.yaml").write_text(f"schedules: {{daily: {{cron: '0 0 * * *', time_zone: {zone}}}}}\n", encoding="utf-8")
    return folder


def make_olist(folder: Path, data: Path, first: date, last: date) -> None:
    make_project(folder, "olist", "America/Sao_Paulo")
    (folder / "rules" / "peak.yaml").write_text(PEAK, encoding="utf-8")
    facts = load_facts(folder / "facts.yaml")
    orders = pd.read_csv(data / "olist_orders.csv", dtype=str)
    items = pd.read_csv(data / "olist_order_items.csv", dtype=str)
    bought = pd.to_datetime(orders.order_purchase_timestamp)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    for day in days:
        end = datetime.combine(day + timedelta(days=1), time())
        known = orders[(bought < end) & (bought >= end - LOOKED_BACK)]
        as_of = end.replace(tzinfo=ZoneInfo("America/Sao_Paulo")).astimezone(UTC)
        for table, kinds, store in ((known, ("purchase",), "olist"), (items[items.order_id.isin(known.order_id)], ("order", "store"), "")):
            path = folder / "export.csv"
            table.to_csv(path, index=False)
            ingest(path, facts, folder / "snapshots", Options(now=NOW, as_of=as_of, kinds=kinds, store=store, all_stores=True))


def make_double11(folder: Path, data: Path) -> None:
    make_project(folder, "double11", "Asia/Shanghai")
    ingest(data / "tmall_double11_cosmetics.csv", load_facts(folder / "facts.yaml"), folder / "snapshots", Options(now=NOW))


def dry_run(folder: Path, first: date, last: date) -> None:
    words = ["-C", str(folder), "--lang", "en", "dry-run", "--from", f"{first}", "--to", f"{last}", "--csv", str(folder / "csv")]
    subprocess.run([Path(sys.executable).with_name("storewatch"), *words], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date(2017, 11, 1))
    parser.add_argument("--to", dest="last", type=date.fromisoformat, default=date(2017, 12, 31))
    options = parser.parse_args()
    if not (options.folder / "double11").exists():
        make_double11(options.folder / "double11", options.data)
    dry_run(options.folder / "double11", date(2016, 11, 5), date(2016, 11, 14))
    if not (options.folder / "olist").exists():
        make_olist(options.folder / "olist", options.data, options.first, options.last)
    dry_run(options.folder / "olist", options.first, options.last)


if __name__ == "__main__":
    main()
