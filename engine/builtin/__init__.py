"""Rules that need no file: what storewatch tells of the data that it gets (:mod:`.data`) and of itself (:mod:`.own`)."""

from engine.builtin.data import STALE_DATA, TOO_MANY_ALERTS, judge_amounts, judge_staleness
from engine.builtin.facts import Backlog, BadReload, Daemon, Disk, Failing, Jump, Operations
from engine.builtin.own import (
    CLOCK_JUMPED,
    DELIVERY_FAILING,
    DISK_NEARLY_FULL,
    EVALUATION_FAILING,
    OWN,
    RELOAD_FAILED,
    judge_operations,
)

BUILT_IN = {rule.name: rule for rule in (STALE_DATA, TOO_MANY_ALERTS, *OWN)}

__all__ = [
    "BUILT_IN",
    "CLOCK_JUMPED",
    "DELIVERY_FAILING",
    "DISK_NEARLY_FULL",
    "EVALUATION_FAILING",
    "OWN",
    "RELOAD_FAILED",
    "STALE_DATA",
    "TOO_MANY_ALERTS",
    "Backlog",
    "BadReload",
    "Daemon",
    "Disk",
    "Failing",
    "Jump",
    "Operations",
    "judge_amounts",
    "judge_operations",
    "judge_staleness",
]
