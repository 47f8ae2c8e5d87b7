"""Under which headings, in which format and how often each kind is exported.

Advertising has the headings of 万相台; kinds that no platform exports as we need them have the titles of ``facts.yaml``.
"""

from __future__ import annotations

from engine.simulate.cells import Layout, clock, constant, dashed, formula, grouped, moment, period, rate, raw, word, yes_no
from engine.simulate.headings import PAGES, PLACEMENT_KINDS, PLATFORM_NAMES, PRODUCT_STATUS
from engine.simulate.order_layouts import DOUYIN, JD, PDD, TAOBAO
from engine.simulate.plan import DAILY, ROUNDS

STORES = Layout(
    name="store",
    kinds=("store",),
    times=(DAILY,),
    suffix="xlsx",
    cells={
        "店铺ID": raw("store_id"),
        "店铺名称": raw("name"),
        "店铺状态": constant("营业中"),
        "平台": word("platform", PLATFORM_NAMES),
        "描述相符": raw("dsr_desc"),
        "服务态度": raw("dsr_service"),
        "物流服务": raw("dsr_logistics"),
        "行业描述相符": raw("industry_dsr_desc"),
        "行业服务态度": raw("industry_dsr_service"),
        "行业物流服务": raw("industry_dsr_logistics"),
        "访客数": raw("uv"),
        "浏览量": grouped("pv"),
        "支付转化率": rate("conversion"),
        "支付金额": grouped("sales"),
        "支付子订单数": raw("orders"),
        "客单价": dashed("avg_order_value"),
        "退款金额": grouped("refund_amount"),
        "退款率": rate("refund_rate"),
        "跳失率": rate("bounce_rate"),
        "48小时揽收及时率": rate("pickup_48h_rate"),
    },
    notes=("店铺日报（模拟数据）", "评分为当日早晨数值，流量与交易为前一日", "“-”表示无数据", "金额单位：元"),
)

PRODUCTS = Layout(
    name="product",
    kinds=("product",),
    times=(DAILY,),
    suffix="csv",
    cells={
        "店铺ID": raw("store_id"),
        "商品ID": raw("product_id"),
        "商品名称": raw("title"),
        "商家编码": raw("sku"),
        "类目": raw("category"),
        "商品状态": word("status", PRODUCT_STATUS),
        "一口价": grouped("price"),
        "预估最低到手价": grouped("final_price"),
        "成本价": raw("cost"),
        "图片价格": dashed("image_price"),
        "库存": grouped("stock"),
        "日销量": raw("daily_sales"),
        "商品访客数": raw("visitors"),
        "商品支付转化率": rate("conversion"),
    },
    encoding="gb18030",
)

PLACEMENTS = Layout(
    name="placement",
    kinds=("placement",),
    times=(DAILY,),
    suffix="json",
    cells={
        "页面位编号": raw("placement_id"),
        "店铺ID": raw("store_id"),
        "页面": word("page", PAGES),
        "位置类型": word("kind", PLACEMENT_KINDS),
        "标题": raw("title"),
        "文案价格": raw("text_price"),
        "商品ID": raw("product_id"),
        "活动ID": raw("promotion_id"),
        "开始时间": raw("starts_at"),
        "结束时间": raw("ends_at"),
        "展示中": raw("live"),
        "链接": raw("link"),
        "链接状态码": raw("link_status"),
    },
)

PROMOTIONS = Layout(
    name="promotion",
    kinds=("promotion",),
    times=(DAILY,),
    suffix="csv",
    cells={
        "活动ID": raw("promotion_id"),
        "店铺ID": raw("store_id"),
        "商品ID": raw("product_id"),
        "活动名称": raw("name"),
        "活动状态": raw("state"),
        "活动时间": period("starts_at", "ends_at"),
        "活动价": raw("promo_price"),
        "日常价": raw("regular_price"),
        "准备完成": yes_no("prepared"),
    },
)

REVIEWS = Layout(
    name="review",
    kinds=("review",),
    times=(DAILY,),
    suffix="jsonl",
    cells={
        "评价编号": raw("review_id"),
        "店铺ID": raw("store_id"),
        "商品ID": raw("product_id"),
        "评价类型": constant("评价"),
        "评分": raw("score"),
        "评价内容": raw("content"),
        "评价时间": clock("created_at"),
        "回复时间": clock("replied_at"),
    },
)

CAMPAIGNS = Layout(
    name="ad_campaign",
    kinds=("ad_campaign", "ad_account"),
    times=ROUNDS,
    suffix="csv",
    cells={
        "店铺ID": raw("store_id"),
        "推广账户ID": raw("account_id"),
        "推广渠道": raw("channel"),
        "账户余额": grouped("balance"),
        "是否欠费": yes_no("overdrawn"),
        "计划ID": raw("campaign_id"),
        "计划名字": raw("name"),
        "投放中": yes_no("enabled"),
        "日预算": grouped("daily_budget"),
        "展现量": grouped("impressions"),
        "点击量": grouped("clicks"),
        "花费": grouped("spent"),
        "点击率": rate("ctr"),
        "平均点击花费": dashed("cpc"),
        "总成交金额": grouped("revenue"),
        "总成交笔数": raw("orders"),
        "投入产出比": dashed("roi"),
        "引导访问量": raw("visits"),
    },
)

LAYOUTS = (STORES, PRODUCTS, PLACEMENTS, PROMOTIONS, REVIEWS, TAOBAO, JD, PDD, DOUYIN, CAMPAIGNS)

REFUNDS = Layout(
    name="refund",
    kinds=("refund",),
    times=ROUNDS,
    suffix="csv",
    cells={
        "店铺ID": raw("store_id"),
        "退款编号": formula("refund_id"),
        "订单编号": formula("order_id"),
        "商品ID": raw("product_id"),
        "买家退款金额": raw("amount"),
        "买家退款原因": raw("reason"),
        "退款状态": word("status", {"open": "买家已经申请退款，等待卖家同意", "done": "退款成功"}),
        "退款的申请时间": clock("requested_at"),
        "超时时间": clock("auto_refund_at"),
    },
    encoding="gb18030",
)

COMPLAINTS = Layout(
    name="complaint",
    kinds=("complaint",),
    times=ROUNDS,
    suffix="csv",
    cells={
        "店铺ID": raw("store_id"),
        "投诉编号": raw("complaint_id"),
        "订单编号": formula("order_id"),
        "投诉类型": raw("kind"),
        "投诉状态": word("status", {"open": "待处理", "closed": "已完结"}),
        "投诉时间": clock("opened_at"),
        "处理截止时间": clock("due_at"),
    },
)

SHIFTS = Layout(
    name="shift",
    kinds=("shift",),
    times=ROUNDS,
    suffix="xlsx",
    cells={
        "店铺ID": raw("store_id"),
        "班次编号": raw("shift_id"),
        "客服": raw("agent"),
        "上班时间": moment("starts_at"),
        "下班时间": moment("ends_at"),
        "在线": yes_no("online"),
        "已交接": yes_no("handover_done"),
        "接待人数": raw("reception"),
        "平均响应时间": raw("response_seconds"),
        "3分钟回复率": rate("reply_rate_3min"),
        "询单转化率": rate("inquiry_conversion"),
        "客户满意率": rate("satisfaction"),
        "抽查聊天数": raw("checked_chats"),
    },
)

TRAFFIC = Layout(
    name="traffic",
    kinds=("traffic",),
    times=(DAILY,),
    suffix="xlsx",
    cells={
        "店铺ID": raw("store_id"),
        "来源名称": raw("source"),
        "访客数": grouped("uv"),
        "支付转化率": rate("conversion"),
        "支付金额": grouped("sales"),
    },
    notes=("流量来源（模拟数据）", "统计周期：前一日", "金额单位：元", "“-”表示无数据"),
)

VIOLATIONS = Layout(
    name="violation",
    kinds=("violation",),
    times=(DAILY,),
    suffix="csv",
    cells={
        "店铺ID": raw("store_id"),
        "违规编号": raw("violation_id"),
        "违规类型": raw("kind"),
        "违规扣分": raw("points"),
        "违规状态": word("status", {"open": "待处理", "closed": "已完结"}),
        "违规时间": clock("opened_at"),
        "申诉截止时间": clock("appeal_ends_at"),
    },
)

RIVALS = Layout(
    name="rival",
    kinds=("rival",),
    times=(DAILY,),
    suffix="jsonl",
    cells={
        "竞品ID": raw("rival_id"),
        "店铺ID": raw("store_id"),
        "本店商品ID": raw("product_id"),
        "竞品名称": raw("title"),
        "竞品价格": raw("price"),
        "主图指纹": raw("main_image_hash"),
        "促销文案": raw("promo_text"),
        "销量排名": raw("sales_rank"),
        "是否新品": yes_no("is_new"),
    },
)

KEYWORDS = Layout(
    name="ad_keyword",
    kinds=("ad_keyword",),
    times=(DAILY,),
    suffix="csv",
    cells={
        "店铺ID": raw("store_id"),
        "计划ID": raw("campaign_id"),
        "关键词ID": raw("keyword_id"),
        "关键词": raw("word"),
        "质量分": raw("quality_score"),
        "展现量": grouped("impressions"),
        "点击量": grouped("clicks"),
        "点击率": rate("ctr"),
        "平均点击花费": dashed("cpc"),
        "点击转化率": rate("conversion"),
        "平均排名": raw("rank"),
    },
)

MORE_LAYOUTS = (TRAFFIC, VIOLATIONS, RIVALS, KEYWORDS, REFUNDS, COMPLAINTS, SHIFTS)
