"""Sheets with every column that any rule reads: those of the platforms with what their reports hold beside, and the orders of all stores
as a company's own order system (ERP) lists them."""

from __future__ import annotations

from dataclasses import replace

from engine.simulate.cells import Layout, buyer, clock, dashed, formula, grouped, rate, raw, word, yes_no
from engine.simulate.layouts import (
    CAMPAIGNS,
    COMPLAINTS,
    KEYWORDS,
    PLACEMENTS,
    PRODUCTS,
    PROMOTIONS,
    REFUNDS,
    REVIEWS,
    RIVALS,
    SHIFTS,
    STORES,
    TRAFFIC,
    VIOLATIONS,
)
from engine.simulate.plan import ROUNDS

ERP_STATUS = {"unpaid": "待付款", "paid": "待发货", "shipped": "已发货", "signed": "已签收", "closed": "已取消"}

ERP_ORDERS = Layout(
    name="order",
    kinds=("order",),
    times=ROUNDS,
    suffix="csv",
    cells={
        "订单编号": formula("order_id"),
        "店铺ID": raw("store_id"),
        "店铺名称": raw("store_name"),
        "商品ID": raw("product_id"),
        "商品名称": raw("product_title"),
        "商家编码": raw("sku"),
        "数量": raw("quantity"),
        "订单状态": word("status", ERP_STATUS),
        "下单时间": clock("created_at"),
        "付款时间": clock("paid_at"),
        "承诺发货时间": clock("promised_ship_at"),
        "发货时间": clock("shipped_at"),
        "揽收时间": clock("picked_up_at"),
        "承诺送达时间": clock("promised_sign_at"),
        "签收时间": clock("signed_at"),
        "实付金额": raw("amount"),
        "异常信息": raw("abnormal"),
        "订单备注": raw("remark"),
        "快递单号": raw("tracking_no"),
        "买家昵称": buyer("测试买家{}"),
    },
)

WIDE_LAYOUTS = (
    replace(
        STORES,
        cells={
            **STORES.cells,
            "销售目标": grouped("sales_target"),
            "复购率": rate("repurchase_rate"),
            "毛利率": rate("gross_margin"),
            "营销费用": grouped("marketing_cost"),
            "未读通知数": raw("notices_unread"),
        },
    ),
    replace(
        PRODUCTS,
        cells={
            **PRODUCTS.cells,
            "最低限价": dashed("floor_price"),
            "折扣类目": yes_no("discount_category"),
            "有效订单量": raw("orders"),
            "问题订单率": rate("problem_order_rate"),
            "24小时编辑次数": raw("edits_24h"),
            "标题字数": dashed("title_length"),
            "缺少SKU图数": raw("sku_images_missing"),
            "图片正常": yes_no("image_ok"),
        },
    ),
    replace(
        PLACEMENTS,
        cells={
            **PLACEMENTS.cells,
            "图片链接": raw("image_url"),
            "图片正常": raw("image_ok"),
            "图片价格": raw("image_price"),
            "图片宽高比": raw("image_aspect"),
            "位置宽高比": raw("slot_aspect"),
        },
    ),
    replace(PROMOTIONS, cells={**PROMOTIONS.cells, "报名截止时间": clock("signup_ends_at")}),
    replace(REVIEWS, cells={**REVIEWS.cells, "评价类型": word("kind", {"review": "评价", "question": "问大家"})}),
    TRAFFIC,
    VIOLATIONS,
    RIVALS,
    KEYWORDS,
    ERP_ORDERS,
    CAMPAIGNS,
    REFUNDS,
    COMPLAINTS,
    SHIFTS,
)
