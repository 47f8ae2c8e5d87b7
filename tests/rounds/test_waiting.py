"""Messages that wait: what `run` and `why` say of them, and when they come."""

from __future__ import annotations

from pathlib import Path

from tests.rounds.conftest import Shop

STORES = "店铺Id,店铺名称,描述相符,服务态度,物流服务\n"
NIGHT = "time_intervals:\n  night:\n    - times: ['22:00..08:00']\nroute:\n  mute_time_intervals: [night]\n"


def rated(shop: Shop, rating: str, at: str) -> None:
    shop.ingest("store", f"{STORES}s1,一号店,{rating},4.80,4.80\n", at)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def at_night(shop: Shop) -> None:
    change(shop.folder / "channels.yaml", "route:\n", NIGHT)


def run(shop: Shop, at: str) -> str:
    return shop.do("run", "--rule", "dsr_drop", "--at", at).output


def test_what_came_at_night_is_told_in_the_morning_with_the_values_of_the_morning(shop: Shop) -> None:
    at_night(shop)
    rated(shop, "4.60", "2026-11-02T22:30")
    said = run(shop, "2026-11-02T23:00")
    assert not shop.inbox.mails and "1 change waiting to be told, the first until 2026-11-03 08:00" in said
    held = shop.json("why", "dsr_drop/s1")["held"]
    assert [(one["hold"], one["until"]) for one in held] == [("muted", "2026-11-03T00:00:00+00:00")]
    assert "waits until 2026-11-03 08:00: its route is muted" in shop.do("why", "dsr_drop/s1").output
    assert "等到 2026-11-03 08:00：路由处于静默时段" in shop.do("--lang", "zh", "why", "dsr_drop/s1").output
    rated(shop, "4.55", "2026-11-03T06:00")
    run(shop, "2026-11-03T07:00")
    assert not shop.inbox.mails
    run(shop, "2026-11-03T08:00")
    (mail,) = shop.inbox.about("dsr_drop")
    assert "4.55" in mail.as_string() or "4.55" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert shop.json("why", "dsr_drop/s1")["held"] == []


def test_what_was_over_by_the_morning_is_never_told_and_why_says_so(shop: Shop) -> None:
    at_night(shop)
    rated(shop, "4.60", "2026-11-02T22:30")
    run(shop, "2026-11-02T23:00")
    rated(shop, "4.90", "2026-11-03T06:00")
    run(shop, "2026-11-03T07:00")
    run(shop, "2026-11-03T09:00")
    assert not shop.inbox.mails
    story = shop.json("why", "dsr_drop/s1")
    assert [one["reason"] for one in story["suppressed"]] == ["over_before_told", "over_before_told"]
    assert "it was over before it could be told (route {})" in shop.do("why", "dsr_drop/s1").output


def test_running_the_same_instant_again_tells_what_may_be_told_now(shop: Shop) -> None:
    at_night(shop)
    rated(shop, "4.60", "2026-11-02T22:30")
    run(shop, "2026-11-02T23:00")
    change(shop.folder / "channels.yaml", "  mute_time_intervals: [night]\n", "")
    assert "evaluated before" in run(shop, "2026-11-02T23:00")
    assert len(shop.inbox.about("dsr_drop")) == 1
    run(shop, "2026-11-02T23:00")
    assert len(shop.inbox.about("dsr_drop")) == 1
