"""When which rules are evaluated: ``schedules.yaml`` (:mod:`.model`), the instants that it means (:mod:`.instants`), and the rules
(:mod:`.selecting`)."""

from pathlib import Path

from engine.schedules.instants import Timetable
from engine.schedules.model import Ping, Schedule, Schedules
from engine.schedules.selecting import Known, check_schedules, selected
from engine.yamlfile import load

__all__ = ["Known", "Ping", "Schedule", "Schedules", "Timetable", "load_schedules", "selected"]


def load_schedules(path: Path, name: str, known: Known) -> Schedules:
    """Read and check the file. Raises :class:`ProblemsFound`."""
    document = load(path, name)
    found = document.validate(Schedules)
    check_schedules(document, found, known)
    return found
