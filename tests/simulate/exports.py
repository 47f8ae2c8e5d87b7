"""The export files read back with pandas alone, so that the truth is recomputed without any of the simulator's code."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pandas as pd

ZONE = "Asia/Shanghai"
ORDER_COLUMNS = {
    "tb": ("订单状态", "买家已付款，等待卖家发货", "订单付款时间 ", None),
    "jd": ("订单状态", "等待出库", "付款确认时间", None),
    "pd": ("订单状态", "待发货", "支付时间", "承诺发货时间"),
    "dy": ("订单状态", "待发货", "支付完成时间", "承诺发货时间"),
}


def manifest(folder: Path) -> pd.DataFrame:
    table = pd.read_csv(folder / "manifest.csv", dtype=str)
    return table.assign(as_of=pd.to_datetime(table["as_of"], utc=True), sheet=table["kind"].str.split("+").str[0])


def instants(folder: Path) -> pd.Series:
    return pd.to_datetime(pd.read_csv(folder / "instants.csv")["at"], utc=True)


def read(folder: Path, name: str) -> pd.DataFrame:
    """Every cell as text, empty for missing, headings as written."""
    path = folder / name
    if path.suffix == ".json":
        return pd.DataFrame(json.loads(path.read_text(encoding="utf-8")))
    if path.suffix == ".jsonl":
        return pd.DataFrame([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()])
    if path.suffix == ".xlsx":
        notes = 4 if path.stem.endswith("store") else 0
        return pd.read_excel(path, dtype=str, keep_default_na=False, skiprows=notes)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return pd.read_csv(path, dtype=str, keep_default_na=False, encoding=encoding)
        except UnicodeDecodeError:
            continue
    raise AssertionError(f"{name}: neither UTF-8 nor GB18030")


def orders(folder: Path, name: str, store: str) -> pd.DataFrame:
    """Columns paid (bool), paid_at and promised_at (UTC) of one order sheet."""
    status, paid, paid_at, promised = ORDER_COLUMNS[store[:2]]
    table = read(folder, name)
    none = pd.Series("", index=table.index)
    return pd.DataFrame(
        {
            "paid": table[status] == paid,
            "paid_at": times(table[paid_at]),
            "promised_at": times(table[promised] if promised else none),
        }
    )


def times(column: pd.Series) -> pd.Series:
    """Local wall-clock times, or Unix seconds, as UTC; NaT where there is none."""
    text = column.replace("", None)
    if text.dropna().str.fullmatch(r"\d{10}").all():
        return pd.to_datetime(pd.to_numeric(text), unit="s", utc=True)
    return pd.to_datetime(text).dt.tz_localize(ZONE).dt.tz_convert("UTC")


def number(column: pd.Series) -> pd.Series:
    """Cents (exact), from ``1,234.50``; NaN for ``-``."""
    return (pd.to_numeric(column.astype(str).str.replace(",", "").replace("-", None)) * 100).round()


def sick(folder: Path, sheet: str, now: pd.Timestamp) -> dict[str, set[str]]:
    """Keys for which each rule on ``sheet`` is true at ``now``, judged by the newest exports of that sheet."""
    table = manifest(folder)
    known = table[(table["sheet"] == sheet) & (table["as_of"] <= now)]
    newest = known[known["as_of"] == known.groupby("store")["as_of"].transform("max")]
    judge = {
        "store": _dsr_drop,
        "order": _unfulfilled_orders,
        "placement": _banner_expired,
        "ad_campaign": _ad_budget_exhausted,
        "product": _price_image_mismatch,
    }[sheet]
    return {judge.__name__.strip("_"): {key for row in newest.itertuples() for key in judge(folder, row, now)}}


def _dsr_drop(folder: Path, row: object, now: pd.Timestamp) -> set[str]:
    names = ["描述相符", "服务态度", "物流服务"]
    today = _ratings(folder, row.file)
    table = manifest(folder)
    week = table[(table["sheet"] == "store") & (table["as_of"] < row.as_of) & (table["as_of"] >= row.as_of - timedelta(days=7))]
    past = pd.concat([today[names] * 0, *(_ratings(folder, name)[names] for name in week["file"])])
    highest = past.groupby(level=0).max()
    low = (today[names] < 470).any(axis=1)
    fallen = (today[names] < highest.loc[today.index] - 5).any(axis=1)
    below = pd.concat([today[name] < today[f"行业{name}"] for name in names], axis=1).any(axis=1)
    return set(today.index[low | fallen | below])


def _ratings(folder: Path, name: str) -> pd.DataFrame:
    table = read(folder, name).set_index("店铺ID")
    return table.filter(regex="描述相符|服务态度|物流服务").apply(number)


def _unfulfilled_orders(folder: Path, row: object, now: pd.Timestamp) -> set[str]:
    table = orders(folder, row.file, row.store)
    old = (table["paid"] & (table["paid_at"] < now - timedelta(hours=48))).sum()
    late = (table["paid"] & (table["promised_at"] < now)).sum()
    return {row.store} if old >= 5 or late >= 1 else set()


def _banner_expired(folder: Path, row: object, now: pd.Timestamp) -> set[str]:
    table = read(folder, row.file)
    over = pd.to_datetime(table["结束时间"], utc=True) < now
    return set(table.loc[table["展示中"] & over & (table["位置类型"] != "公告"), "页面位编号"])


def _ad_budget_exhausted(folder: Path, row: object, now: pd.Timestamp) -> set[str]:
    table = read(folder, row.file)
    budget, spent = number(table["日预算"]), number(table["花费"])
    early = now.tz_convert(ZONE).hour < 20
    return set(table.loc[(table["投放中"] == "是") & (budget > 0) & (spent * 100 >= budget * 95) & early, "计划ID"])


def _price_image_mismatch(folder: Path, row: object, now: pd.Timestamp) -> set[str]:
    table = read(folder, row.file)
    gap = (number(table["图片价格"]) - number(table["预估最低到手价"])).abs()
    return set(table.loc[(table["商品状态"] == "出售中") & (gap > 1), "商品ID"])
