"""``storewatch run``: one round."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, clock, fail, open_state, settings
from engine.errors import StateError, StorewatchError, Text, UsageError
from engine.model import Severity
from engine.model import State as AlertState

if TYPE_CHECKING:
    from engine.outbox import DeliveryReport, Waiting
    from engine.state import State

MANUAL = "manual"
LONGEST_WAIT = 600  # seconds, for the round of another process
SLACK = timedelta(minutes=5)  # clocks of two machines differ a little


def register(app: typer.Typer) -> None:
    app.command("run")(run)


def run(
    context: typer.Context,
    at: Annotated[
        str, typer.Option(help="Instant to evaluate (project time zone): 2026-11-20T09:30, or a day for its end. Default: now.")
    ] = "",
    rule: Annotated[list[str] | None, typer.Option("--rule", help="Only this rule; may be given several times.")] = None,
    rules: Annotated[list[str] | None, typer.Option("--rules", hidden=True)] = None,
    send: Annotated[bool, typer.Option(help="Send what is due after the evaluation.")] = True,
    fail_on: Annotated[str, typer.Option(help="Exit with 1 when an alert of this severity or above is firing.")] = "",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also a table of what each rule judged.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Evaluate and send even for an instant in the future.")] = False,
) -> None:
    """Evaluate the rules once, note what changed, and send the messages.

    Running again for the same instant evaluates nothing, and only sends what still waits and may be told now.

    Exit code 0: all is well. 1: --fail-on. 2: the command line or a file of the project is wrong. 3: an evaluation or a delivery
    failed, now or before, so that messages wait.

    With --format json: one object with at, claimed (false: this instant was evaluated before), rules (rule, judged, matched, unknown,
    error), changes (rule, key, store_id, change, reason, severity ...), missing (kinds that never came, the stores, null for all, and
    the rules that are unknown for it), held (how many changes wait to be told, and until when), sent (null with --no-send), dead,
    waiting (queued, failed, next_attempt_at, sending, lease_until), failures and template_faults. Messages of console channels then go
    to standard error.
    """
    options = settings(context)
    try:
        threshold = severity_of(fail_on) if fail_on else None
        asked = list(dict.fromkeys([*(rule or []), *(rules or [])]))
        raise typer.Exit(_run(options, at, asked, send, force, threshold, verbose))
    except StorewatchError as error:
        fail(options, error)


def severity_of(name: str) -> Severity:
    """What ``--fail-on`` names. Raises :class:`UsageError`."""
    if name not in [severity.value for severity in Severity]:
        raise UsageError(Text(f"--fail-on {name}: use info, warning or critical", f"--fail-on {name}：可用 info、warning、critical"))
    return Severity(name)


def _run(options: Settings, at: str, rules: list[str], send: bool, force: bool, threshold: Severity | None, verbose: bool) -> int:
    instant = _instant(options, at, may_be_future=force or not send)
    from engine.project import load_project  # heavy modules load only when they are needed: a wrong command line is told at once

    project = load_project(options.project)
    selected = project.select(rules)
    from engine.actions import limits
    from engine.cli.delivering import deliver_due
    from engine.cli.telling import Sent, tell
    from engine.matching.evaluate import Matcher
    from engine.outbox import waiting
    from engine.pipeline import never_came, run_dispatch, run_round
    from engine.snapshots import Snapshots
    from engine.state import turn

    matcher, snapshots = Matcher(project.facts.schemas, project.facts.time_zone), Snapshots(project.snapshots)
    schedule = f"{MANUAL}:{','.join(sorted(rules))}" if rules else MANUAL
    with open_state(options.project) as state:
        with turn(state, _patience(options)) as ours:
            if not ours:
                raise _busy()
            done = run_round(project, matcher, snapshots, state, instant, schedule=schedule, rules=selected, clock=clock)
            if not done.claimed:
                run_dispatch(project, matcher, snapshots, state, instant, clock=clock)
        waits = state.held()
        report = deliver_due(project, state, sys.stderr if options.format == "json" else sys.stdout) if send else None
        left = waiting(state, limits(project.channels), clock())
        firing = _firing(state, threshold)
    missing = tuple(never_came(selected, snapshots, project.facts.schemas, instant))
    tell(options, project, done, Sent(report, left, waits, missing), verbose=verbose)
    return 3 if done.failed or _not_sent(report, left) else int(firing)


def _patience(options: Settings) -> Callable[[], bool]:
    """Whether to wait still longer for the round of another process; says once that it waits."""
    began = time.monotonic()
    told = False

    def goes_on() -> bool:
        nonlocal told
        waited = time.monotonic() - began
        if waited > 1 and not told:
            told = True
            options.say(Text("another storewatch is evaluating; waiting for it ...", "另一个 storewatch 正在检查，等它完成……"))
        return waited < LONGEST_WAIT

    return goes_on


def _busy() -> StateError:
    minutes = LONGEST_WAIT // 60
    return StateError(
        Text(f"another storewatch has been evaluating for {minutes} minutes", f"另一个 storewatch 已经检查了 {minutes} 分钟"),
        Text("look whether it hangs, then run this again; nothing was evaluated", "请看看它是否卡住，然后重新运行；本次没有检查"),
    )


def _instant(options: Settings, at: str, *, may_be_future: bool) -> datetime:
    """The instant to evaluate. A day is its end, today is now. Raises :class:`UsageError` for one that has not come yet."""
    from engine.facts_file import facts_path, load_facts

    now = clock().replace(microsecond=0)
    path = facts_path(options.project)
    if not at:
        return now
    from engine.ingest import parse_instant

    instant = parse_instant(at, load_facts(path, path.name))
    if ":" not in at and now < instant <= now + timedelta(days=1):
        return now
    if instant > now + SLACK and not may_be_future:
        text = Text(f"--at {at} lies in the future", f"--at {at} 是将来的时刻")
        hint = Text(
            "add --no-send to see what would be found, or --force to send messages about it", "只看结果请加 --no-send；确要发送请加 --force"
        )
        raise UsageError(text, hint)
    return instant


def _firing(state: State, threshold: Severity | None) -> bool:
    """Whether an alert of this severity or above is firing."""
    alerts = state.alerts().values() if threshold else ()
    return any(alert.state is AlertState.FIRING and threshold and alert.severity.rank >= threshold.rank for alert in alerts)


def _not_sent(report: DeliveryReport | None, left: Waiting) -> bool:
    """Whether a delivery failed, in this run or in an earlier one whose messages still wait."""
    return report is not None and bool(report.dead or left.failed)
