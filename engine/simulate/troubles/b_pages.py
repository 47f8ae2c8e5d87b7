"""Pages: banners, links, pictures, notices; and how products are presented."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal

from engine.model import Value
from engine.simulate.look import Look, Seen
from engine.simulate.rows import ASPECT
from engine.simulate.shop import Edit, Row
from engine.simulate.trouble import Columns, Plan, Site, Trouble, added, appears, changed, rows_where, stores_where, together, turns

NOW = timedelta(0)
ELSEWHERE = "https://item.example/item.htm?id=1"
HOUR = timedelta(hours=1)
REACHABLE = (403, 405, 429)  # refused to a robot, fine for a customer
SPARE, DELISTED, SHOWN = 4, 6, 7  # positions of products


def placement_row(site: Site, **columns: Value) -> Row:
    """A live banner on a campaign page, without a product."""
    placement_id = site.new_id("W")
    usual: dict[str, Value] = {
        "placement_id": placement_id,
        "store_id": site.shop.store_id,
        "page": "campaign",
        "kind": "banner",
        "title": "全场满300减40",
        "text_price": None,
        "product_id": None,
        "promotion_id": None,
        "starts_at": site.at(-1),
        "ends_at": site.end + timedelta(days=60),
        "live": True,
        "link": f"https://shop.example/{placement_id}",
        "link_status": 200,
        "image_url": f"https://img.example/{placement_id}.jpg",
        "image_ok": True,
        "image_price": None,
        "image_aspect": ASPECT,
        "slot_aspect": ASPECT,
    }
    return {**usual, **columns}


def taken_down(site: Site) -> Columns:
    return {"live": False}


def shown(columns: Callable[[Site], Columns], mended: Callable[[Site], Columns] = taken_down) -> Plan:
    """A banner more, taken down at noon."""
    return appears("placement", lambda site: placement_row(site, **columns(site)), mended)


def _place(number: int) -> Callable[[Site], str]:
    """What stays on the page: 1 navigation, 2 notice, 3 showcase, 4 and 5 banners."""
    return lambda site: f"W{site.shop.store_id}N{number}"


the_showcase = _place(3)


def _product(position: int, columns: Columns | Callable[[Row], Columns], *, stays: bool = False) -> Plan:
    return changed("product", lambda site: site.product(position).product_id, columns, stays=stays)


def _is_banner(row: Seen) -> bool:
    return row.yes("live") and row.text("kind") not in ("nav", "notice")


def banner_about_to_expire(row: Seen) -> bool:
    if not _is_banner(row) or not NOW <= row.until("ends_at") <= 24 * HOUR:
        return False
    place = [other for other in row.same("placement") if all(other.text(name) == row.text(name) for name in ("page", "kind"))]
    return max(other.when("ends_at") for other in place) <= row.when("ends_at")


def banner_not_started(row: Seen) -> bool:
    return row.yes("live") and row.until("starts_at") > NOW


def _unreachable(row: Seen) -> bool:
    if not row.has("link"):
        return False
    if not row.has("link_status"):
        return any(other.has("link_status") for other in row.same("placement"))
    return row.num("link_status") == 0 or (row.num("link_status") >= 400 and row.num("link_status") not in REACHABLE)


def banner_link_broken(row: Seen) -> bool:
    return row.yes("live") and row.text("kind") != "nav" and _unreachable(row)


def nav_broken(row: Seen) -> bool:
    return row.yes("live") and row.text("kind") == "nav" and (row.until("ends_at") < NOW or _unreachable(row))


def notice_expired(row: Seen) -> bool:
    return row.yes("live") and row.text("kind") == "notice" and row.until("ends_at") < NOW


def banner_wrong_target(row: Seen) -> bool:
    if not row.yes("live") or not row.has("product_id"):
        return False
    elsewhere = "item.htm?" in row.text("link") and row.text("product_id") not in row.text("link")
    return row.product() is None or elsewhere  # a product of another store is none of this store's


def delisted_still_promoted(row: Seen) -> bool:
    product = row.product()
    return row.yes("live") and product is not None and product.text("status") != "on_sale"


def showcase_gap(look: Look) -> bool:
    places = [row for row in look.rows("placement") if row.text("kind") == "showcase" and row.yes("live")]
    return any(product is None or product.text("status") != "on_sale" for product in [place.product() for place in places])


def image_broken(row: Seen) -> bool:
    if not row.yes("live") or not row.has("image_url"):
        return False
    stretched = row.has("image_aspect") and abs(row.num("image_aspect") / row.num("slot_aspect") - 1) > Decimal("0.05")
    return stretched or (row.has("image_ok") and not row.yes("image_ok"))


def wrong_category(row: Seen) -> bool:
    if row.text("status") != "on_sale":
        return False
    running = [one for one in row.same("promotion") if one.text("product_id") == row.key and one.text("state") == "活动中"]
    current = [one for one in running if one.until("starts_at") <= NOW <= one.until("ends_at")]
    undue = row.yes("discount_category") and row.num("final_price") >= row.num("price") and not current
    return undue or row.changes("category", timedelta(days=3)) > 0


def _on_sale_where(test: Callable[[Seen], bool]) -> Callable[[Look], list[str]]:
    return lambda look: [row.key for row in look.rows("product") if row.text("status") == "on_sale" and test(row)]


def _short(length: int, *, counted: bool) -> Callable[[Row], Columns]:
    return lambda row: {"title": str(row["title"])[:length], "title_length": length if counted else None}


def _link(**columns: Value) -> Plan:
    return changed("placement", _place(4), columns)


def _neighbour(site: Site) -> str:
    """A product of the store next door."""
    number = int(site.shop.store_id[2:])
    return f"68{number + 1 if number == 1 else number - 1:07}001"


def _notice(**ends: int) -> Plan:
    return lambda site: changed("placement", _place(2), {"ends_at": site.at(**ends)})(site)


def _gap(columns: Callable[[Site], Columns]) -> Plan:
    """A showcase with nothing to buy behind it; the alert is the store's."""

    def plan(site: Site) -> tuple[str, tuple[Edit, ...]]:
        row = placement_row(site, kind="showcase", **columns(site))
        return site.shop.store_id, (added("placement", row, site.at(), site.mended),)

    return plan


TROUBLES: Mapping[str, Trouble] = {
    "banner_about_to_expire": Trouble(
        "placement",
        0,
        turns(
            ("ends in exactly a day", shown(lambda site: {"ends_at": site.at(1, 9, 30)})),
            ("focus picture that ends tonight", shown(lambda site: {"ends_at": site.at(0, 23, 59, 59), "kind": "kv"})),
            ("ends this afternoon", shown(lambda site: {"ends_at": site.at(0, 17), "page": "detail", "kind": "kv"})),
        ),
        rows_where("placement", banner_about_to_expire),
    ),
    "banner_not_started": Trouble(
        "placement",
        2,
        turns(
            ("starts a second after the round", shown(lambda site: {"starts_at": site.at(0, 9, 30, 1)})),
            ("starts in five days", shown(lambda site: {"starts_at": site.at(5)})),
            ("navigation that starts in four days", shown(lambda site: {"starts_at": site.at(4), "kind": "nav", "image_url": None})),
        ),
        rows_where("placement", banner_not_started),
    ),
    "banner_link_broken": Trouble(
        "placement",
        3,
        turns(("404", _link(link_status=404)), ("no answer", _link(link_status=0)), ("not checked", _link(link_status=None))),
        rows_where("placement", banner_link_broken),
    ),
    "banner_wrong_target": Trouble(
        "placement",
        3,
        turns(
            ("a product that is not there", shown(lambda site: {"product_id": "690000000404"})),
            ("a product of the store next door", shown(lambda site: {"product_id": _neighbour(site)})),
            ("a link to another product", shown(lambda site: {"product_id": site.product(0).product_id, "link": ELSEWHERE})),
        ),
        rows_where("placement", banner_wrong_target),
        reads=("product",),
    ),
    "delisted_still_promoted": Trouble(
        "placement",
        3,
        turns(
            ("banner for a delisted product", shown(lambda site: {"product_id": site.product(DELISTED).product_id})),
            ("focus picture for a delisted product", shown(lambda site: {"product_id": site.product(DELISTED).product_id, "kind": "kv"})),
            ("the showcase's product is sold out", together(changed("placement", the_showcase, {}), _product(0, {"status": "sold_out"}))),
        ),
        rows_where("placement", delisted_still_promoted),
        reads=("product",),
    ),
    "showcase_gap": Trouble(
        "store",
        3,
        turns(
            ("showcase without a product", _gap(lambda site: {})),
            ("showcase of a delisted product", _gap(lambda site: {"product_id": site.product(DELISTED).product_id})),
            ("showcase of a product that is not there", _gap(lambda site: {"product_id": "690000000405"})),
        ),
        stores_where(showcase_gap),
        reads=("placement", "product"),
    ),
    "image_broken": Trouble(
        "placement",
        3,
        turns(
            ("does not open", shown(lambda site: {"image_ok": False})),
            ("5.2 % too wide", shown(lambda site: {"image_aspect": Decimal("2.472")})),
            ("squeezed, not judged otherwise", shown(lambda site: {"image_aspect": Decimal("1.78"), "image_ok": None})),
        ),
        rows_where("placement", image_broken),
    ),
    "product_image_broken": Trouble(
        "product",
        3,
        turns(("picture does not open", _product(SHOWN, {"image_ok": False})), ("another product", _product(SPARE, {"image_ok": False}))),
        _on_sale_where(lambda row: row.has("image_ok") and not row.yes("image_ok")),
    ),
    "notice_expired": Trouble(
        "placement",
        3,
        turns(
            ("over since a second before the round", _notice(hour=9, minute=29, second=59)),
            ("over since midnight", _notice()),
            ("over for a month", _notice(day=-30)),
        ),
        rows_where("placement", notice_expired),
    ),
    "nav_broken": Trouble(
        "placement",
        3,
        turns(
            ("over since midnight", lambda site: changed("placement", _place(1), {"ends_at": site.at()})(site)),
            ("404", changed("placement", _place(1), {"link_status": 404})),
            ("not checked", changed("placement", _place(1), {"link_status": None})),
        ),
        rows_where("placement", nav_broken),
    ),
    "wrong_category": Trouble(
        "product",
        2,
        turns(
            ("moved to another category", _product(SHOWN, {"category": "其他"}, stays=True)),
            ("in the discount category without a discount", _product(SPARE, {"discount_category": True})),
            ("moved to another category, another product", _product(SPARE, {"category": "未分类"}, stays=True)),
        ),
        rows_where("product", wrong_category),
        reads=("promotion",),
    ),
    "edited_too_often": Trouble(
        "product",
        1,
        turns(("three edits", _product(SHOWN, {"edits_24h": 3})), ("nine edits", _product(SPARE, {"edits_24h": 9}))),
        _on_sale_where(lambda row: row.num("edits_24h") > 2),
    ),
    "title_short": Trouble(
        "product",
        4,
        turns(
            ("24 characters", _product(SHOWN, _short(24, counted=True))),
            ("24 characters, not counted by the platform", _product(SHOWN, _short(24, counted=False))),
            ("nine characters", _product(SHOWN, _short(9, counted=True))),
        ),
        _on_sale_where(lambda row: (row.num("title_length") if row.has("title_length") else len(row.text("title"))) < 25),
    ),
    "sku_image_missing": Trouble(
        "product",
        4,
        turns(("one missing", _product(SHOWN, {"sku_images_missing": 1})), ("five missing", _product(SPARE, {"sku_images_missing": 5}))),
        _on_sale_where(lambda row: row.num("sku_images_missing") > 0),
    ),
}
