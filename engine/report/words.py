"""The words of a report, in both languages. Those in :data:`PAGE` are the script's, by name."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import Text
from engine.model import State

STATES: Mapping[State, Text] = {
    State.PENDING: Text("pending", "等待确认"),
    State.FIRING: Text("firing", "报警"),
    State.RESOLVED: Text("resolved", "恢复"),
}
PAGE: Mapping[str, Text] = {
    "alerts": Text("alerts", "告警"),
    "notifications": Text("notifications", "通知"),
    "per_day": Text("notifications a day", "每天通知"),
    "busiest": Text("busiest day", "最忙的一天"),
    "new_alerts": Text("new alerts", "个新告警"),
    "stores": Text("stores", "店铺"),
    "unknown": Text("most rows unknown at once", "同时未知的行最多"),
    "failed": Text("evaluations that failed", "失败的检查"),
    "quiet": Text("Rules that never fired, but were unknown or failed", "没有告警、但有未知或失败的规则"),
    "sent_by_day": Text("Notifications per day", "每天的通知"),
    "alerts_by_day": Text("New alerts per day", "每天新增的告警"),
    "timeline": Text("Alerts of each store over time", "各店铺的告警时间线"),
    "rules": Text("Rules", "规则"),
    "list": Text("Alerts", "告警明细"),
    "search": Text("Search", "搜索"),
    "all_rules": Text("all rules", "全部规则"),
    "all_stores": Text("all stores", "全部店铺"),
    "all_severities": Text("all severities", "全部级别"),
    "of": Text("of", "/"),
    "more": Text("show more", "显示更多"),
    "clear": Text("clear filters", "清除筛选"),
    "typical": Text("typically over after", "一般持续"),
    "longest": Text("longest", "最长"),
    "flaps": Text("fired again within a day", "一天内反复"),
    "critical": Text("critical", "严重"),
    "warning": Text("warning", "警告"),
    "info": Text("notice", "提示"),
    "over": Text("over", "恢复"),
    "goes_on": Text("goes on", "仍在持续"),
    "values": Text("Values", "数值"),
    "evidence": Text("Rows", "相关数据"),
    "course": Text("What happened", "经过"),
    "messages": Text("Messages", "消息"),
    "no_messages": Text("nobody was told", "没有发出消息"),
    "in_incident": Text("told in the message of", "并入事件，由它通知："),
    "members": Text("made of", "包含"),
    "more_rows": Text("more rows", "行未列出"),
    "not_kept": Text(
        "This message is not in the file (--html-messages sets how many are).",
        "文件里没有保存这封消息（--html-messages 可以调整保存多少封）。",
    ),
    "loading": Text("…", "…"),
    "owner": Text("owner", "负责人"),
    "since_true": Text("true since", "条件成立于"),
    "nothing": Text("Nothing fired.", "没有任何告警。"),
    "no_match": Text("No alert fits the filters.", "没有符合筛选的告警。"),
    "interrupted": Text("Interrupted: this is what was replayed until then.", "回放被中断：以下是中断之前的结果。"),
    "evaluations": Text("evaluations", "次检查"),
    "day_filter": Text("on", "日期"),
    "project_wide": Text("(all stores)", "（不分店铺）"),
    "script": Text("This page needs JavaScript, which it brings along.", "此页面需要 JavaScript（已包含在文件中）。"),
    "old_browser": Text("This browser is too old to unpack the details.", "浏览器版本太旧，无法展开明细。"),
}
