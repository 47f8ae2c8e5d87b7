"""Which variant to take, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import Text
from engine.tune.trying import Trial

LEAST_BEND = 0.15
"""How far, as a part of its height, a curve must be from a straight line to have a bend."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``trial`` is None where nothing speaks for any."""

    trial: Trial | None
    why: Text


@dataclass(frozen=True, slots=True)
class Study:
    """All that was tried of one rule: the ``names`` that were varied, the rule as it is (``now``), the variants, what is suggested."""

    rule: str
    names: tuple[str, ...]
    now: Trial
    trials: tuple[Trial, ...]
    suggestion: Suggestion

    def assignment(self, trial: Trial) -> dict[str, str]:
        """The variant's value of each name."""
        return dict(zip(self.names, trial.values, strict=True))


def suggest(now: Trial, trials: Sequence[Trial], at_most: float | None = None, *, ordered: bool = True) -> Suggestion:
    """The variant to take, of those with at most so many notifications a day.

    Where something is known: the best balance of precision and recall (F1), then fewest
    notifications, unless the rule is as good as it is. Else, with ``at_most``, the one that
    tells most; else the bend of the curve (the point farthest from the straight line between its ends, as Satopää et al. 2011 find
    it), where ``trials`` are ``ordered`` and have one.
    """
    fitting = [trial for trial in trials if at_most is None or trial.per_day <= at_most]
    if not fitting:
        fewest = min(trials, key=lambda trial: trial.per_day)
        text = f"{fewest.per_day:.2f}"
        return Suggestion(
            None,
            Text(f"all tell more than asked; {fewest.name} tells least: {text} a day", f"全部超过上限；{fewest.name} 最少：每天 {text}"),
        )
    if any(trial.score and trial.score.useful for trial in trials):
        return _best(now, fitting)
    if at_most is not None:
        most = max(fitting, key=lambda trial: (trial.per_day, trial.alerts))
        why = Text(
            f"it tells most of those with at most {at_most:g} notifications a day ({most.per_day:.2f}); no alert is labelled",
            f"在每天不超过 {at_most:g} 条通知的取值里，它报得最多（{most.per_day:.2f}）；这段时间没有标注",
        )
        return Suggestion(most, why)
    bend = _bend(trials) if ordered else None
    if bend is None:
        return Suggestion(None, _nothing())
    why = Text(
        f"the curve bends here ({bend.per_day:.2f} a day): to one side each step tells much more. Labels would tell what is useful",
        f"曲线在这里拐弯：再往一侧每一步都会多报很多（这里每天 {bend.per_day:.2f}）。有标注才能知道哪些有用",
    )
    return Suggestion(bend, why)


def _best(now: Trial, trials: Sequence[Trial]) -> Suggestion:
    most = max(trials, key=_worth)
    if most.score is None or not most.score.f1:
        return Suggestion(None, Text("none of them tells anything that is known to be useful", "没有一个取值报出已知有用的问题"))
    equals = [trial for trial in trials if _worth(trial) == _worth(most)]
    before = _balance(now)
    if _worth(now) >= _worth(most):
        return Suggestion(None, Text(f"nothing is better than now ({before.en})", f"没有比现在更好的（现在：{before.zh}）"))
    best = equals[len(equals) // 2]  # of a plateau the middle: the farthest from where it falls
    here = _balance(best)
    return Suggestion(best, Text(f"best balance: {here.en}; now: {before.en}", f"最平衡：{here.zh}；现在：{before.zh}"))


def _worth(trial: Trial) -> tuple[float, int]:
    return (round(trial.score.f1, 9) if trial.score else 0.0, -trial.notifications)


def _balance(trial: Trial) -> Text:
    if trial.score is None:
        return Text("-", "-")
    precision, recall = percent(trial.score.precision), percent(trial.score.recall)
    return Text(
        f"precision {precision}, recall {recall}, {trial.per_day:.2f} notifications a day",
        f"精确率 {precision}，召回率 {recall}，每天 {trial.per_day:.2f} 条通知",
    )


def percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _bend(trials: Sequence[Trial]) -> Trial | None:
    counts = [trial.per_day for trial in trials]
    height = max(counts) - min(counts) if counts else 0.0
    if len(counts) < 3 or not height:
        return None
    straight = [counts[0] + (counts[-1] - counts[0]) * place / (len(counts) - 1) for place in range(len(counts))]
    away = [(line - count) / height for line, count in zip(straight, counts, strict=True)]
    place = max(range(len(counts)), key=lambda each: away[each])
    return trials[place] if away[place] >= LEAST_BEND else None


def _nothing() -> Text:
    return Text(
        "nothing speaks for any of them: label alerts (storewatch label), give --labels, or say --at-most",
        "没有依据选择：请标注告警（storewatch label）、用 --labels 给出清单，或用 --at-most 给出上限",
    )
