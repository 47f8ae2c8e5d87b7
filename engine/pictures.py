"""The small trend picture of a message.

The picture holds figures and dates only, so that it needs no Chinese font and looks the same on every machine; the words stand
beside it in the message. Its background is clear and its colours are of middle lightness: it is readable on white and in dark mode.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from engine.model import Trend, Type
from engine.trendline import Series, series_of, typed
from engine.wording import Writer

WIDTH, HEIGHT = 560, 176  # CSS pixels; the PNG has twice as many
LINE, FAINT, INK, LIMIT = "#3b7dd8", "#9aa4b1", "#7d8896", "#d0564a"
FONT = FontProperties(family="DejaVu Sans", size=12)
SMALL: Mapping[str, Any] = MappingProxyType({"color": INK, "fontproperties": FONT, "annotation_clip": False, "parse_math": False})
BOLD = FontProperties(family="DejaVu Sans", size=13.5, weight="bold")


def trend_png(trend: Trend, writer: Writer, threshold: float | None = None) -> bytes | None:
    """A line of the values over time with its lowest, highest and last value, as PNG of 2 x (560 x 176) pixels.

    Gaps stay gaps. ``threshold`` draws a dashed line. The same input gives the same bytes. None when fewer than two days have a value.
    """
    series = series_of(trend, writer.zone)
    if series is None:
        return None
    figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=200)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.01, 0.19, 0.77, 0.7))
    _frame(axes, series, threshold)
    _draw(axes, series, threshold)
    _label(axes, series, trend, replace(writer, language="en"))
    _date_axis(axes, series, writer)
    out = io.BytesIO()
    canvas.print_png(out, metadata={"Software": None}, pil_kwargs={"compress_level": 9})  # type: ignore[no-untyped-call]
    return out.getvalue()


def _frame(axes: Axes, series: Series, threshold: float | None) -> None:
    axes.set_axis_off()
    axes.patch.set_alpha(0)
    axes.figure.patch.set_alpha(0)
    values = [series.values[index] for index in series.known] + ([threshold] if threshold is not None else [])
    low, high = min(values), max(values)
    margin = (high - low) * 0.25 or abs(high) * 0.1 or 1.0
    span = series.seconds[-1] - series.seconds[0] or 1.0
    axes.set_ylim(low - margin * 1.5, high + margin)
    axes.set_xlim(-span * 0.02, span * 1.02)


def _draw(axes: Axes, series: Series, threshold: float | None) -> None:
    axes.plot(series.seconds, series.values, color=LINE, linewidth=2.2, solid_capstyle="round", solid_joinstyle="round")
    floor = axes.get_ylim()[0]
    axes.fill_between(series.seconds, series.values, floor, color=LINE, alpha=0.12, linewidth=0)
    lonely = [index for index in series.known if not {index - 1, index + 1} & set(series.known)]
    axes.plot([series.seconds[i] for i in lonely], [series.values[i] for i in lonely], ".", color=LINE, markersize=4)
    last = series.known[-1]
    axes.plot([series.seconds[last]], [series.values[last]], "o", color=LINE, markersize=7, clip_on=False)
    axes.axhline(floor, color=FAINT, linewidth=0.8)
    if threshold is not None:
        axes.axhline(threshold, color=LIMIT, linewidth=1, dashes=(4, 3))


def _label(axes: Axes, series: Series, trend: Trend, writer: Writer) -> None:
    """Figures at the lowest and the highest point, and the last one, larger, at the right edge."""
    last = series.known[-1]
    low = min(series.known, key=lambda index: series.values[index])
    high = max(series.known, key=lambda index: series.values[index])
    axes.annotate(
        _figure(trend, series.values[last], writer),
        (series.seconds[last], series.values[last]),
        xytext=(10, 0),
        textcoords="offset points",
        va="center",
        color=LINE,
        fontproperties=BOLD,
        annotation_clip=False,
        parse_math=False,
    )
    for index, offset in ((low, -15), (high, 5)):
        if series.values[index] != series.values[last]:
            _small(axes, _figure(trend, series.values[index], writer), (series.seconds[index], series.values[index]), offset)


def _small(axes: Axes, text: str, at: tuple[float, float], offset: int) -> None:
    left, right = axes.get_xlim()
    place = (at[0] - left) / (right - left)
    side = "left" if place < 0.08 else "right" if place > 0.95 else "center"
    axes.annotate(text, at, xytext=(0, offset), textcoords="offset points", ha=side, **SMALL)


def _date_axis(axes: Axes, series: Series, writer: Writer) -> None:
    """The first, the middle and the last date under the line; hours when it covers less than two days."""
    end = series.seconds[-1]
    for place, side in ((0.0, "left"), (end / 2, "center"), (end, "right")):
        axes.annotate(
            _date(series.start + timedelta(seconds=place), writer, hours=end < 172_800),
            (place, axes.get_ylim()[0]),
            xytext=(0, -17),
            textcoords="offset points",
            ha=side,
            **SMALL,
        )


def _date(at: datetime, writer: Writer, hours: bool) -> str:
    local = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(writer.zone)
    if hours:
        return f"{local:%H:%M}"
    return f"{local.month}-{local.day}" if writer.language == "zh" else writer.date(local, local.year)


def _figure(trend: Trend, value: float, writer: Writer) -> str:
    """A value as the picture writes it: ASCII and currency signs, no unit."""
    return writer.value(typed(trend, value), trend.type, trend.unit if trend.type is Type.MONEY and trend.unit.isascii() else "")
