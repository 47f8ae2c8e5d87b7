"""Rules over history: what would have been found, and who would have been told what (dry-run), and whether that is what was (verify)."""

from engine.replay.memory import Memory
from engine.replay.model import Appointment, Episode, Judged, Moment, Replay, Sent
from engine.replay.running import Progress, replay
from engine.replay.writing import Clerk

__all__ = ["Appointment", "Clerk", "Episode", "Judged", "Memory", "Moment", "Progress", "Replay", "Sent", "replay"]
