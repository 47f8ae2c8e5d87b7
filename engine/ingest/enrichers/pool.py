"""Worker processes that examine pictures, one for each core: a decoder that crashes, hangs or leaks takes a worker along, not storewatch.

A picture that a worker died of, or took too long for, is tried once more by itself; if that fails too it gets the reason, and the others
go on.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from typing import TypeVar

from engine.ingest.enrichers.examining import Examined, Task, examine, failed
from engine.ingest.enrichers.reasons import Reason

SLOW, STARTING = 120.0, 300.0  # seconds
MEMORY = 6 << 30  # bytes of address space of a worker
LIFE = 500  # pictures until a worker is replaced
Work = Callable[[Task], Examined]
Item = TypeVar("Item")


def cores() -> int:
    """The cores that this process may use, or what ``STOREWATCH_WORKERS`` says."""
    asked = os.environ.get("STOREWATCH_WORKERS", "")
    return max(1, int(asked) if asked.isdecimal() else len(os.sched_getaffinity(0)))


def examine_all(tasks: Iterable[Task], work: Work = examine, workers: int = 0, slow: float = SLOW) -> Iterator[Examined]:
    """What ``work`` finds for each task, in the order in which they are done. ``tasks`` are taken as they are needed: a few at a time are
    in memory. Stopping to ask for more ends the workers."""
    crew = _Crew(work, workers or cores(), slow)
    try:
        yield from crew.examined(iter(tasks))
    finally:
        crew.end()


class _Crew:
    """The workers, and what they have in hand."""

    def __init__(self, work: Work, workers: int, slow: float) -> None:
        self.work, self.workers, self.slow = work, workers, slow
        self.pool: ProcessPoolExecutor | None = None
        self.doing: dict[Future[Examined], tuple[Task, float]] = {}

    def examined(self, tasks: Iterator[Task]) -> Iterator[Examined]:
        ready = True
        while ready or self.doing:
            while ready and len(self.doing) < self.workers + 1:
                task = next(tasks, None)
                ready = task is not None
                if task is not None:
                    self._give(task)
            if self.doing:
                yield from self._next()

    def _give(self, task: Task) -> None:
        try:
            future = self._open().submit(self.work, task)
        except BrokenProcessPool:  # it died of what it has in hand, which is told when that is asked for
            future = Future()
            future.set_exception(BrokenProcessPool())
        self.doing[future] = task, time.monotonic()

    def _open(self) -> ProcessPoolExecutor:
        if self.pool is None:
            self.pool = _pool(self.workers)
        return self.pool

    def _next(self) -> Iterator[Examined]:
        """What is done; after a death or a long wait, what became of everything that was in hand."""
        oldest = min(began for _, began in self.doing.values())
        done, _ = wait(self.doing, timeout=max(0.1, oldest + 2 * self.slow - time.monotonic()), return_when=FIRST_COMPLETED)
        if not done or any(isinstance(future.exception(), BrokenProcessPool) for future in done):
            suspects = [task for future, (task, _) in self.doing.items() if not _is_answer(future)]
            answers = [future.result() for future in self.doing if _is_answer(future)]
            self.end()
            yield from answers
            yield from (self._alone(task) for task in suspects)
            return
        for future in done:
            task, _ = self.doing.pop(future)
            yield failed(task, Reason.CRASHED) if future.exception() else future.result()

    def _alone(self, task: Task) -> Examined:
        pool = _pool(1)
        try:
            pool.submit(callable, self.work).result(timeout=STARTING)  # starting is not part of the picture's time
            return pool.submit(self.work, task).result(timeout=self.slow)
        except TimeoutError:
            return failed(task, Reason.TOO_SLOW)
        except Exception:  # noqa: BLE001 - whatever a decoder made of it, it is this picture's failure
            return failed(task, Reason.CRASHED)
        finally:
            _end(pool)

    def end(self) -> None:
        self.doing.clear()
        if self.pool is not None:
            _end(self.pool)
            self.pool = None


def _is_answer(future: Future[Examined]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, get_context("spawn"), _begin, (os.getpid(),), max_tasks_per_child=LIFE)


def _end(pool: ProcessPoolExecutor) -> None:
    """End the workers now, whatever they are at."""
    workers = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        with suppress(OSError, ValueError, AttributeError):
            worker.kill()
            worker.join(5)


def _begin(parent: int) -> None:
    """A worker's first act: Ctrl-C is its parent's business, memory is bounded, and without its parent it ends."""
    import resource

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
