"""The picture of a tuning: notifications a day as bars, precision and recall as lines, the rule as it is and what is suggested."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from engine.errors import Text
from engine.tune.choosing import Study
from engine.tune.trying import Trial

CHINESE = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "Microsoft YaHei", "PingFang SC", "SimHei")
BAR, CHOSEN, PRECISION, RECALL, INK, FAINT = "#9cc0ee", "#3b7dd8", "#d0564a", "#3a9d5d", "#39424e", "#9aa4b1"
WORDS = {
    "per_day": Text("notifications a day", "每天通知数"),
    "precision": Text("precision", "精确率"),
    "recall": Text("recall", "召回率"),
    "now": Text("now", "现在"),
    "suggested": Text("suggested", "建议"),
}
MOST_TICKS = 25
TURNED: Mapping[str, Any] = {"rotation": 45, "ha": "right"}


def picture(study: Study, language: str) -> bytes:
    """A PNG of 1800 x 900 pixels; the same input gives the same bytes. Where no Chinese font is installed, its words are English, and
    Chinese names are left out."""
    fonts = _fonts()
    said = language if len(fonts) > 1 else "en"
    figure = Figure(figsize=(9, 4.5), dpi=200)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.08, 0.19, 0.83, 0.66))
    _bars(axes, study, fonts, said)
    if any(trial.score for trial in study.trials):
        _lines(axes, study.trials, fonts, said)
    title = f"{study.rule}: {', '.join(study.names)}"
    heading = title if len(fonts) > 1 or title.isascii() else title.encode("ascii", "ignore").decode()
    figure.text(0.08, 0.93, heading, color=INK, fontfamily=list(fonts), fontsize=12, fontweight="bold", parse_math=False)
    out = io.BytesIO()
    canvas.print_png(out, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return out.getvalue()


def _bars(axes: Axes, study: Study, fonts: Sequence[str], language: str) -> None:
    now, trials, chosen = study.now, study.trials, study.suggestion.trial
    places = range(len(trials))
    axes.bar(places, [trial.per_day for trial in trials], color=[CHOSEN if trial is chosen else BAR for trial in trials], width=0.75)
    axes.axhline(now.per_day, color=INK, linewidth=1, dashes=(4, 3))
    about: dict[str, Any] = {"fontfamily": fonts, "fontsize": 9, "parse_math": False}
    level = f"{WORDS['now'].in_(language)} {now.per_day:.2f}"
    axes.text(-0.45, now.per_day, level, color=INK, va="bottom", **about)
    step = -(-len(trials) // MOST_TICKS) or 1
    shown = {*range(0, len(trials), step), *([trials.index(chosen)] if chosen else [])}
    names = [f"{trials[place].name}\n{WORDS['suggested'].in_(language) if trials[place] is chosen else ''}" for place in sorted(shown)]
    turned = sum(map(len, names)) > 110
    axes.set_xticks(sorted(shown), names, **about, **(TURNED if turned else {}))
    axes.set_ylabel(WORDS["per_day"].in_(language), color=INK, fontfamily=fonts, fontsize=10)
    axes.set_ylim(0, max([now.per_day, *(trial.per_day for trial in trials)]) * 1.15 or 1)
    axes.set_xlim(-0.6, len(trials) - 0.4)
    _plain(axes)


def _lines(axes: Axes, trials: Sequence[Trial], fonts: Sequence[str], language: str) -> None:
    right = axes.twinx()
    series = {
        "precision": (PRECISION, [trial.score.precision if trial.score else None for trial in trials]),
        "recall": (RECALL, [trial.score.recall if trial.score else None for trial in trials]),
    }
    for name, (colour, values) in series.items():
        known = [float("nan") if value is None else value for value in values]
        right.plot(range(len(trials)), known, "o-", color=colour, markersize=4, linewidth=2, label=WORDS[name].in_(language), clip_on=False)
    right.set_ylim(0, 1.02)
    right.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    right.legend(loc="lower right", bbox_to_anchor=(1, 1.01), ncols=2, frameon=False, prop={"family": list(fonts), "size": 9})
    _plain(right)


def _plain(axes: Axes) -> None:
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(colors=INK, length=0, labelsize=9)


def _fonts() -> list[str]:
    """The font for all, and behind it the first Chinese one that is installed."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *[name for name in CHINESE if name in installed][:1]]
