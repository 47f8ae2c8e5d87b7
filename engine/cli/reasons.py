"""Why something was not told, or not yet, and what people did, in words. Apart from :mod:`engine.cli.words`, which loads nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import Text
from engine.routing import Hold, Suppression
from engine.state import Act

SUPPRESSIONS: Mapping[Suppression, Text] = {
    Suppression.STILL_PENDING: Text(
        "true, but not yet for as long as the rule asks (`for`)", "条件成立，但还没有达到规则要求的时长（for）"
    ),
    Suppression.NEVER_FIRED: Text("it ended before it had lasted as long as the rule asks", "在达到规则要求的时长之前就结束了"),
    Suppression.KEPT_FIRING: Text("not true now, but `keep_firing_for` still holds it", "条件此刻不成立，keep_firing_for 仍在保持"),
    Suppression.SEVERITY_FELL: Text("it became less severe; the next reminder will say so", "严重程度下降；下次提醒时会说明"),
    Suppression.EXPLAINED: Text("it is told in the message of the incident that it is part of", "它已并入事件，由事件的消息一起通知"),
    Suppression.NO_RECIPIENT: Text("the receiver reaches nobody: the owner has no contact", "没有收件人：负责人没有联系方式"),
    Suppression.OVER_BEFORE_TOLD: Text("it was over before it could be told", "还没到可以通知的时候就已结束"),
    Suppression.JOINED: Text("told together with an earlier change that still waited", "与之前仍在等待的变化合并通知"),
    Suppression.OVERTAKEN: Text("it still waited when the alert ended; the end is told", "等待通知时告警已结束，改为通知结束"),
    Suppression.RELAPSED: Text("the end still waited when it fired again; that is told", "等待通知恢复时再次报警，改为通知再次报警"),
    Suppression.REROUTED: Text(
        "it still waited when its labels or channels.yaml changed; the routes that take it now tell it",
        "等待通知时标签或 channels.yaml 有变，改由现在匹配的路由通知",
    ),
}
ACTS: Mapping[Act, Text] = {
    Act.ACKNOWLEDGED: Text("acknowledged by ", "确认："),
    Act.TAKEN_BACK: Text("acknowledgement taken back by ", "撤销确认："),
    Act.RESOLVED: Text("closed by ", "手动关闭："),
}
HOLDS: Mapping[Hold, Text] = {
    Hold.GROUP_WAIT: Text("the new group waits for what may join it (group_wait)", "新的一组先等等看还有没有（group_wait）"),
    Hold.SILENCED: Text("it is silenced (storewatch silence list)", "已设静默（storewatch silence list）"),
    Hold.DIGEST: Text("it is collected for the next digest", "汇总到下一封定时摘要"),
    Hold.MUTED: Text(
        "its route is muted (mute_time_intervals, active_time_intervals)",
        "路由处于静默时段（mute_time_intervals、active_time_intervals）",
    ),
}
