"""The trend picture and its words: gaps, odd series, steadiness, no memory kept."""

from __future__ import annotations

import gc
import io
import math
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.errors import Text
from engine.model import Trend, Type
from engine.pictures import HEIGHT, WIDTH, trend_png
from engine.trendline import trend_words
from engine.wording import Writer
from tests.rendering.messages import TRENDS, trend

ZH = Writer("zh", ZoneInfo("Asia/Shanghai"))
EN = Writer("en", ZoneInfo("Asia/Shanghai"))


def pixels(values: Sequence[float | None], threshold: float | None = None) -> np.ndarray:
    png = trend_png(trend("x", "x", values), ZH, threshold)
    assert png is not None
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")).astype(int)


def blue_columns(image: np.ndarray) -> np.ndarray:
    """For each column of the drawing area, whether the line's colour is in it."""
    blue = (abs(image[:, :, 0] - 0x3B) < 40) & (abs(image[:, :, 2] - 0xD8) < 40) & (image[:, :, 3] > 200)
    return np.asarray(blue.any(axis=0))


@pytest.mark.parametrize("values", [(), (1.0,), (None, None, 3.0), (None,) * 5, (math.nan, 1.0), (math.inf, 1.0), (1e300, 1.0)])
def test_fewer_than_two_values_make_no_picture(values: tuple[float | None, ...]) -> None:
    series = trend("x", "x", values)
    assert trend_png(series, ZH) is None
    assert trend_words(series, ZH) == ""


def test_the_picture_has_twice_the_pixels_and_a_clear_ground() -> None:
    image = pixels((1, 2, 3))
    assert image.shape == (HEIGHT * 2, WIDTH * 2, 4)
    assert image[0, 0, 3] == 0


def test_a_gap_stays_a_gap() -> None:
    whole, gap = blue_columns(pixels((5, 5, 5, 5, 5, 5, 5))), blue_columns(pixels((5, 5, 5, None, None, 5, 5)))
    middle = slice(int(WIDTH * 2 * 0.77 * 0.4), int(WIDTH * 2 * 0.77 * 0.6))
    assert whole[middle].all()
    assert not gap[middle].any()


def test_a_lonely_point_between_gaps_is_seen() -> None:
    assert blue_columns(pixels((5, None, 5, None, 5))).sum() > 20


def test_a_threshold_is_drawn_even_outside_the_values() -> None:
    def red(image: np.ndarray) -> int:
        return int(((image[:, :, 0] > 180) & (image[:, :, 1] < 120) & (image[:, :, 3] > 200)).sum())

    assert red(pixels((4.8, 4.7))) == 0
    assert red(pixels((4.8, 4.7), threshold=4.5)) > 200


@pytest.mark.parametrize("values", [(5, 5), (0, 0, 0), (-3, -3), (1e-9, 2e-9), (999_999_999_999.0, 1.0), (0, 0.0), (-5, 5)])
def test_flat_tiny_and_huge_series_are_drawn(values: tuple[float, ...]) -> None:
    assert blue_columns(pixels(values)).any()


def test_two_points_of_one_instant_are_drawn() -> None:
    series = trend("x", "x", (1.0, 2.0))
    assert trend_png(replace(series, points=(*series.points, (series.points[0][0], 3.0))), ZH)


def test_points_in_any_order_make_the_same_picture() -> None:
    series = TRENDS["dsr_drop"]
    assert trend_png(replace(series, points=series.points[::-1]), ZH) == trend_png(series, ZH)


def test_the_same_series_gives_the_same_bytes() -> None:
    assert trend_png(TRENDS["dsr_drop"], ZH) == trend_png(TRENDS["dsr_drop"], ZH)


def test_labels_of_any_script_make_no_difference() -> None:
    """Words stand beside the picture, never inside: no missing glyphs, no mathematics in ``$``."""
    series = TRENDS["ad_budget_exhausted"]
    odd = replace(series, label=Text.same("$\\frac{漢}$ 😀"))
    assert trend_png(odd, ZH) == trend_png(series, ZH)
    assert trend_png(replace(series, unit="$漢$"), ZH)
    assert trend_png(replace(series, unit="$a_b$"), ZH)


@pytest.mark.parametrize("type_", Type)
def test_every_type_is_drawn(type_: Type) -> None:
    assert trend_png(trend("x", "x", (1.5, 0, 3), type_), ZH)


@given(st.lists(st.none() | st.floats(), max_size=12))
@settings(max_examples=25, deadline=None)
def test_any_series_is_drawn_or_refused(values: list[float | None]) -> None:
    series = trend("x", "x", values)
    png = trend_png(series, EN)
    assert (png is None) == (trend_words(series, EN) == "")


def test_memory_does_not_grow() -> None:
    def draw(times: int) -> None:
        for _ in range(times):
            trend_png(TRENDS["dsr_drop"], ZH)
        gc.collect()

    draw(3)
    tracemalloc.start()
    try:
        draw(2)
        before = tracemalloc.get_traced_memory()[0]
        draw(12)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 12 * 10_000, f"{grown} bytes more after 12 pictures"


def test_words() -> None:
    assert trend_words(TRENDS["dsr_drop"], ZH) == "14 天内从 4.82 分 降到 4.66 分"
    assert trend_words(TRENDS["dsr_drop"], EN) == "fell from 4.82 to 4.66 in 14 days"
    assert trend_words(TRENDS["refund_rate_rising"], ZH) == "5 天内从 4.1% 升到 7.12%"
    assert trend_words(TRENDS["ad_budget_exhausted"], EN) == "rose from ¥640.50 to ¥980.00 in 7 days"
    assert trend_words(trend("x", "x", (3, 5, 3)), EN) == "steady at 3 over 2 days"


def test_words_span_only_what_is_known() -> None:
    assert trend_words(trend("x", "x", (None, 3, 4, None, None)), EN) == "rose from 3 to 4 in 1 day"


def test_hours_of_one_day_are_no_trend() -> None:
    """The morning's value beside the evening before: two points are of one day where midnight ends it."""
    midnight = datetime(2026, 11, 20, tzinfo=ZH.zone)

    def series(*hours: float) -> Trend:
        return Trend(Text.same("x"), tuple((midnight + timedelta(hours=hour), 4.85) for hour in hours))

    assert trend_words(series(9, 18, 24), ZH) == ""
    assert trend_png(series(9, 18, 24), ZH) is None
    assert trend_words(series(0, 9.05), ZH) == "1 天内保持在 4.85"
    assert trend_words(series(9, 33), EN) == "steady at 4.85 over 1 day"
