"""The process that holds the engine: killed, hung, starved, orphaned, shared."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.correlation import Fact, Found, Program, Ref
from engine.correlation.scenes import Scene
from engine.correlation.worker import Worker
from tests.correlation.alerts import SCHEMA, alert, fact, rule, where

REPOSITORY = Path(__file__).parent.parent.parent
PAIR = rule(alert("x", "x"), alert("y", "y", where("sku", "!=", Ref("x", "sku"))))


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def pairs(count: int, store: str = "一店") -> list[Fact]:
    return [fact(name, f"{store}{name}{number}", sku=number, store=store) for number in range(count) for name in ("x", "y")]


def eventually(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """Ended, though nobody may have asked for its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def run_and_kill(worker: Worker, signal_: int, times: int, facts: list[Fact]) -> Found:
    """Run the pair while a thread kills the process so many times."""
    done = threading.Event()

    def kill() -> None:
        killed: set[int] = set()
        while len(killed) < times and not done.is_set():
            if worker.pid and worker.pid not in killed:
                time.sleep(0.15)
                os.kill(worker.pid, signal_)
                killed.add(worker.pid)
            time.sleep(0.005)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        return Program([PAIR], SCHEMA, worker).run(facts)
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_killed_once_it_answers_all_the_same(worker: Worker, signal_: int) -> None:
    found = run_and_kill(worker, signal_, 1, pairs(200))
    assert len(found.matches[0].bindings["x"]) == 200
    assert found.failures == ()


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGSEGV])
def test_killed_again_and_again_it_is_a_failure_and_the_next_run_is_well(worker: Worker, signal_: int) -> None:
    found = run_and_kill(worker, signal_, 2, pairs(300))
    assert [(failure.rule, failure.scope) for failure in found.failures] == [("a", ("一店",))]
    assert found.failures[0].text.en == f"the inference engine's process died (signal {signal_})"
    assert found.failures[0].text.zh == f"推理引擎的进程意外结束（signal {signal_}）"
    assert len(Program([PAIR], SCHEMA, worker).run(pairs(5)).matches[0].bindings["x"]) == 5


def test_killed_while_idle_it_is_started_anew(worker: Worker) -> None:
    program = Program([PAIR], SCHEMA, worker)
    program.run(pairs(3))
    first = worker.pid
    assert first
    os.kill(first, signal.SIGKILL)
    eventually(lambda: gone(first))
    assert program.run(pairs(3)).matches
    assert worker.pid != first


def test_a_run_that_is_interrupted_leaves_no_answer_for_the_next(worker: Worker) -> None:
    program = Program([PAIR], SCHEMA, worker)
    program.run(pairs(2))

    def interrupt() -> None:
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            program.run(pairs(300))
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)
    assert len(program.run(pairs(7)).matches[0].bindings["x"]) == 7


def test_a_process_that_never_lives_is_not_started_for_ever(worker: Worker) -> None:
    group, made = scenes(Program([PAIR], SCHEMA), dict, *[Deadly] * 300, dict)
    answers = worker.answer(group, made)
    assert len(answers[0].bindings) == 2  # type: ignore[union-attr]
    assert {str(answer) for answer in answers[1:]} == {"the inference engine's process died (signal 11)"}


class Hanging(dict[int, Any]):
    """Facts whose look ends never, in C, holding Python's lock."""

    def values(self) -> Any:
        return re.match(r"(a+)+$", "a" * 60 + "b")


class Deadly(dict[int, Any]):
    """Facts that end the process that looks at them."""

    def values(self) -> Any:
        os.kill(os.getpid(), signal.SIGSEGV)


def scenes(program: Program, *kinds: type[dict[int, Any]]) -> tuple[Any, list[Scene]]:
    unit = program._stages[0].whole
    group, selecting = unit.group, unit.selecting
    made = []
    for number, kind in enumerate(kinds):
        scene = Scene((str(number),))
        for one in pairs(2):
            values = {name: value for name, value in one.values.items() if value is not None}
            scene.add(group, selecting.mask("alert", values), values, one.id)
        scene.alikes = kind(scene.alikes)
        made.append(scene)
    return group, made


def test_only_the_scope_that_it_dies_of_fails(worker: Worker) -> None:
    group, made = scenes(Program([PAIR], SCHEMA), dict, Deadly, dict)
    answers = worker.answer(group, made)
    assert str(answers[1]) == "the inference engine's process died (signal 11)"
    assert [len(answer.bindings) for answer in (answers[0], answers[2])] == [2, 2]  # type: ignore[union-attr]


def test_a_task_that_takes_too_long_is_ended_even_in_c() -> None:
    worker = Worker(seconds=1)
    group, made = scenes(Program([PAIR], SCHEMA), dict, Hanging)
    answers = worker.answer(group, made)
    worker.close()
    assert str(answers[1]) == "it took longer than 1 seconds"
    assert len(answers[0].bindings) == 2  # type: ignore[union-attr]


@pytest.mark.slow
def test_combinations_beyond_memory_fail_their_scope_only(worker: Worker) -> None:
    worker.seconds = 300
    three = rule(*PAIR.all, alert("z", "z", where("sku", "!=", Ref("x", "sku"))))
    facts = [fact(name, f"{name}{number}", sku=number) for name in "xyz" for number in range(2_000)]
    fine = [fact(name, f"fine {name}", sku=number, store="二店") for number, name in enumerate("xyz")]
    found = Program([three], SCHEMA, worker).run([*facts, *fine])
    assert [failure.scope for failure in found.failures] == [("一店",)]
    assert found.failures[0].text.en == "its facts combine in too many ways: more than 2 GB of memory"
    assert [match.scope for match in found.matches] == [("二店",)]


def script(body: str, *lines: str) -> subprocess.Popen[str]:
    """A process of its own that has a program and facts; `lines` of code run first."""
    code = f"""
import os, sys, threading, time
from engine.correlation import Program, Ref
from engine.correlation.worker import SHARED
from tests.correlation.alerts import SCHEMA, alert, fact, rule, where
from tests.correlation.test_worker import PAIR, pairs
{body}
"""
    return subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_no_orphan_when_the_parent_dies_idle() -> None:
    with script("Program([PAIR], SCHEMA).run(pairs(2)); print(SHARED.pid, flush=True); time.sleep(60)") as parent:
        pid = int(first_line(parent))
        assert not gone(pid)
        parent.kill()
    eventually(lambda: gone(pid))


def test_no_orphan_when_the_parent_dies_in_mid_run() -> None:
    body = """
def tell():
    while not SHARED.pid: time.sleep(0.01)
    time.sleep(0.3)
    print(SHARED.pid, flush=True)
threading.Thread(target=tell, daemon=True).start()
Program([PAIR], SCHEMA).run([one for store in range(20) for one in pairs(150, str(store))])
"""
    with script(body) as parent:
        pid = int(first_line(parent))
        assert not gone(pid)
        parent.kill()
    eventually(lambda: gone(pid))


def test_no_orphan_when_the_parent_ends_well() -> None:
    with script("Program([PAIR], SCHEMA).run(pairs(2)); print(SHARED.pid, flush=True)") as parent:
        pid = int(first_line(parent))
    assert parent.returncode == 0
    eventually(lambda: gone(pid))


def test_a_daemon_thread_in_mid_run_does_not_hold_up_the_end() -> None:
    body = """
threading.Thread(target=lambda: Program([PAIR], SCHEMA).run(pairs(1500)), daemon=True).start()
while not SHARED.pid: time.sleep(0.01)
time.sleep(0.3)
print(SHARED.pid, flush=True)
"""
    with script(body) as parent:
        pid = int(first_line(parent))
        eventually(lambda: parent.poll() == 0)
    eventually(lambda: gone(pid))


def test_it_serves_daemon_threads() -> None:
    body = """
def work():
    for _ in range(20):
        found = Program([PAIR], SCHEMA).run(pairs(4))
        counts.append(len(found.matches[0].bindings["x"]))
counts = []
threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(counts), set(counts))
"""
    with script(body) as process:
        assert first_line(process) == "80 {4}"


def test_a_fork_has_a_process_of_its_own() -> None:
    body = """
program = Program([PAIR], SCHEMA)
program.run(pairs(2)); before = SHARED.pid
child = os.fork()
for size in range(2, 40):
    found = program.run(pairs(size))
    assert len(found.matches[0].bindings["x"]) == size
if not child:
    assert SHARED.pid != before
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0 and SHARED.pid == before
print("well")
"""
    with script(body) as process:
        assert first_line(process) == "well"


def test_importing_correlation_does_not_load_the_engine() -> None:
    code = "import engine.correlation, sys; print(sorted(name for name in sys.modules if 'durable' in name))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_modules_of_the_working_folder_are_not_the_process_own(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('a file of the project was run')")
    code = "from tests.correlation.test_worker import *; print(len(Program([PAIR], SCHEMA).run(pairs(2)).matches))"
    start = f"import os, sys; sys.path.insert(0, {str(REPOSITORY)!r}); import json; os.chdir({str(tmp_path)!r}); {code}"
    done = subprocess.run([sys.executable, "-P", "-c", start], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
