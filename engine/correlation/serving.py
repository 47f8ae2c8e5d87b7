"""The process that holds the inference engine: reads tasks from its standard input, writes what it concludes to its standard output.

It ends when its input does, when its parent is gone, and by itself when a scene takes too long (even if the engine hangs in C) or too much
memory.
"""

from __future__ import annotations

import faulthandler
import math
import os
import pickle
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import BinaryIO

from engine.correlation.limits import MEMORY, OUT_OF_MEMORY
from engine.correlation.plan import Group
from engine.correlation.reasoning import reason
from engine.correlation.scenes import Answer, Scene, Task
from engine.correlation.selecting import Selecting
from engine.correlation.session import Rulesets
from engine.errors import CorrelationError

if sys.platform != "win32":
    import resource

LOADED_GROUPS = 16


@dataclass(slots=True)
class Shelf:
    """Groups that are loaded into the engine, by number; the one not used for longest is unloaded for a new one."""

    loaded: dict[int, tuple[Group, Rulesets, Selecting]] = field(default_factory=dict)

    def answer(self, group: Group, scene: Scene) -> Answer:
        try:
            return reason(*self._load(group), scene)
        except CorrelationError as error:
            self.unload(group.number)
            return error.text

    def _load(self, group: Group) -> tuple[Group, Rulesets, Selecting]:
        number = group.number
        self.loaded[number] = self.loaded.pop(number) if number in self.loaded else (group, Rulesets(group), Selecting(group.selectors))
        if len(self.loaded) > LOADED_GROUPS:
            self.unload(next(iter(self.loaded)))
        return self.loaded[number]

    def unload(self, number: int) -> None:
        self.loaded.pop(number)[1].close()


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    shelf, parent = Shelf(), os.getppid()
    with open(os.devnull, "w") as nowhere:
        while True:
            try:
                task: Task = pickle.load(source)  # noqa: S301 — from the process that started this one
            except EOFError:
                return
            answers, armed = [], -math.inf
            for scene in task.scenes:
                if os.getppid() != parent:
                    return
                if time.monotonic() > armed + 1:
                    faulthandler.dump_traceback_later(task.seconds, exit=True, file=nowhere)
                    armed = time.monotonic()
                answers.append(shelf.answer(task.group, scene))
            pickle.dump(answers, sink, pickle.HIGHEST_PROTOCOL)
            sink.flush()
            faulthandler.cancel_dump_traceback_later()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with os.fdopen(os.dup(1), "wb") as sink:
        os.dup2(2, 1)  # what anything prints must not get among the answers
        try:
            serve(sys.stdin.buffer, sink)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)


if __name__ == "__main__":
    main()
