"""Charts: geometry within the drawing, unknown values never drawn, the numbers beside the picture."""

from __future__ import annotations

from django.template.loader import render_to_string
from hypothesis import example, given
from hypothesis import strategies as st

from portal.kit.charts import HEIGHT, LEFT, WIDTH, Series, bar_chart, line_chart

VALUES = st.lists(st.none() | st.floats(0, 100), min_size=1, max_size=40)


@given(VALUES)
def test_every_known_value_is_one_point_inside_the_drawing(values: list[float | None]) -> None:
    chart = line_chart("t", [str(i) for i in range(len(values))], [Series("s", values)])
    points = [tuple(map(float, p.split(","))) for line in chart.lines for piece in line.pieces for p in piece.split()]
    assert len(points) == sum(value is not None for value in values)
    assert all(LEFT <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


@example([5e-324])
@given(st.lists(st.none() | st.floats(0, 1e6), min_size=1, max_size=12))
def test_bars_stand_on_one_line_and_grow_with_their_value(values: list[float | None]) -> None:
    chart = bar_chart("t", [str(i) for i in range(len(values))], [Series("s", values)])
    assert len(chart.bars) == sum(value is not None for value in values)
    assert len({round(bar.y + bar.height, 1) for bar in chart.bars}) <= 1
    heights = [bar.height for bar in chart.bars]
    known = [value for value in values if value is not None]
    assert sorted(heights) == [height for _, height in sorted(zip(known, heights, strict=True))]


def test_a_value_without_neighbours_is_a_dot_and_the_others_are_lines() -> None:
    chart = line_chart("t", ["a", "b", "c", "d"], [Series("s", [50, None, 60, 70])])
    html = render_to_string("components/chart.html", {"chart": chart, "id": "c"})
    assert (html.count("<circle"), html.count("<polyline")) == (1, 1)


def test_a_missing_value_breaks_the_line() -> None:
    chart = line_chart("t", ["a", "b", "c", "d"], [Series("s", [50, None, 60, 70])])
    assert [len(piece.split()) for piece in chart.lines[0].pieces] == [1, 2]


def test_an_empty_period_says_so() -> None:
    chart = line_chart("t", ["a", "b"], [Series("Success", [None, None])])
    assert chart.summary == "Success: no data."
    assert chart.keys == [(1, "Success", None)]


def test_a_chart_without_labels_is_only_a_grid() -> None:
    chart = bar_chart("t", [], [Series("s", [])])
    assert (chart.bars, chart.ticks, len(chart.grid)) == ((), (), 3)


def test_the_table_holds_the_same_numbers() -> None:
    chart = line_chart("t", ["a", "b"], [Series("s", [1, None]), Series("u", [3, 4])])
    assert chart.table == [("a", [1, 3]), ("b", [None, 4])]
