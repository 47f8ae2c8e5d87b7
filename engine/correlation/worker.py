"""The inference engine at arm's length: in a process of its own, so that its death is one failed answer.

The process is started by the first task, serves all that follow, and is started anew after it died. docs/decisions/0004 has the figures.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, cast

from engine.correlation.limits import MEMORY, OUT_OF_MEMORY, SECONDS
from engine.correlation.plan import Group
from engine.correlation.scenes import Answer, Scene, Task
from engine.errors import CorrelationError, Text

MOST_DEATHS = 5
TIMED_OUT = 1  # as faulthandler ends a process
ROOT = Path(__file__).parent.parent.parent


class WorkerDied(CorrelationError):
    """The process is gone and the task unanswered. ``gave_up``: it ended by itself, as it would again."""

    def __init__(self, text: Text, *, gave_up: bool = False) -> None:
        super().__init__(text)
        self.gave_up = gave_up


class _Process:
    """One life of it."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
        command = [sys.executable, "-P", "-m", "engine.correlation.serving"]
        try:
            self._popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path})  # noqa: S603
        except OSError as error:
            raise CorrelationError(Text(f"the inference engine cannot be started: {error}", f"无法启动推理引擎：{error}")) from error
        self._questions, self._answers = cast(IO[bytes], self._popen.stdin), cast(IO[bytes], self._popen.stdout)
        self._parent = os.getpid()
        self._asked = False
        self.pid = self._popen.pid

    @property
    def usable(self) -> bool:
        """Not while it owes an answer, because somebody was interrupted, nor after a fork: one would read another's answer."""
        return not self._asked and self._parent == os.getpid() and self._popen.poll() is None

    def ask(self, task: Task) -> list[Answer]:
        began = time.monotonic()
        self._asked = True
        try:
            pickle.dump(task, self._questions, pickle.HIGHEST_PROTOCOL)
            self._questions.flush()
            answers = cast(list[Answer], pickle.load(self._answers))  # noqa: S301 — from the process we started
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            code = self.end()
            raise _death(code, task.seconds, time.monotonic() - began) from error
        self._asked = False
        return answers

    def end(self) -> int:
        """Its exit code, negative when a signal ended it. Nothing happens when it belongs to the process that this one was forked from."""
        if self._parent != os.getpid():
            return 0
        with contextlib.suppress(OSError):
            self._questions.close()
        try:
            code = self._popen.wait(timeout=1)  # it ends when its input does
        except subprocess.TimeoutExpired:
            self._popen.kill()
            code = self._popen.wait()
        self._answers.close()
        return code


def _death(code: int, limit: float, took: float) -> WorkerDied:
    if code == TIMED_OUT and took >= limit:
        return WorkerDied(Text(f"it took longer than {limit:g} seconds", f"用时超过 {limit:g} 秒"), gave_up=True)
    if code == OUT_OF_MEMORY:
        en = f"its facts combine in too many ways: more than {MEMORY >> 30} GB of memory"
        return WorkerDied(Text(en, f"事实的组合太多，所需内存超过 {MEMORY >> 30} GB"), gave_up=True)
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return WorkerDied(Text(f"the inference engine's process died ({how})", f"推理引擎的进程意外结束（{how}）"))


class Worker:
    """Threads may share it; they take turns. A scene that takes longer than ``seconds`` ends the process."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._process: _Process | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Of the process, if one was started."""
        return self._process.pid if self._process else None

    def answer(self, group: Group, scenes: Sequence[Scene]) -> list[Answer]:
        """What each scene comes to. When the process dies, each is tried again alone, and only those of which it dies again fail (when it
        has died five times, all that are left).

        Raises :class:`~engine.errors.CorrelationError` when no process can be started.
        """
        with self._lock:
            try:
                return self._ask(group, scenes)
            except WorkerDied as death:
                if death.gave_up and len(scenes) == 1:
                    return [death.text]
                return list(self._one_by_one(group, scenes))

    def _one_by_one(self, group: Group, scenes: Sequence[Scene]) -> Iterator[Answer]:
        deaths: list[WorkerDied] = []
        for scene in scenes:
            if len(deaths) < MOST_DEATHS:
                try:
                    yield self._ask(group, [scene])[0]
                    continue
                except WorkerDied as death:
                    deaths.append(death)
            yield deaths[-1].text

    def _ask(self, group: Group, scenes: Sequence[Scene]) -> list[Answer]:
        if not self._process or not self._process.usable:
            if self._process:
                self._process.end()
            self._process = _Process()
        return self._process.ask(Task(group, scenes, self.seconds))

    def close(self) -> None:
        """End the process, even while a thread waits for its answer. The next task starts another."""
        process, self._process = self._process, None
        if process:
            process.end()


SHARED = Worker()
atexit.register(SHARED.close)
