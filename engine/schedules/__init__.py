"""When which rules are evaluated: ``schedules.yaml`` (:mod:`.model`) and the instants that it means (:mod:`.instants`)."""

from engine.schedules.instants import Timetable
from engine.schedules.model import Schedule, Schedules, load_schedules

__all__ = ["Schedule", "Schedules", "Timetable", "load_schedules"]
