import re

import pytest

from services.gateway.views import svg
from services.gateway.views.svg import Way, gap_bar, way_of, x_of


def marks(picture: str, kind: str) -> list[str]:
    return re.findall(rf'class="{kind}"[^>]*', picture)


def test_a_figure_halfway_from_baseline_to_target_is_half_the_way() -> None:
    assert way_of(86, 89, 80, 92) == Way(0.5, 0.75)


def test_a_falling_kpi_runs_the_same_way() -> None:
    assert way_of(7, 6, 10, 4) == Way(0.5, 4 / 6)


def test_without_a_baseline_the_way_begins_at_nothing() -> None:
    assert way_of(50, 100, None, 100) == Way(0.5, 1.0)


def test_a_target_that_equals_its_baseline_is_seen_from_nothing() -> None:
    assert way_of(90, 100, 100, 100) == Way(0.9, 1.0)


def test_without_a_target_there_is_no_way_and_the_bar_says_nothing() -> None:
    assert way_of(50, None, None, None) is None
    assert 'class="nothing"' in gap_bar(None, "no_target", "x")


def test_what_is_missing_is_hatched_between_figure_and_plan() -> None:
    picture = gap_bar(Way(0.25, 0.75), "behind", "x")
    (short,) = marks(picture, "short")
    assert f'x="{x_of(0.25)}"' in short
    assert f'width="{round(x_of(0.75) - x_of(0.25), 1)}"' in short


def test_a_figure_ahead_of_plan_has_nothing_missing() -> None:
    assert not marks(gap_bar(Way(0.8, 0.75), "on_track", "x"), "short")


def test_a_figure_below_its_baseline_is_drawn_to_the_left_of_the_zero_line() -> None:
    (fill,) = marks(gap_bar(Way(-0.04, 0.5), "moving_away", "x"), "fill")
    assert f'x="{x_of(-0.04)}"' in fill
    assert x_of(-0.04) < x_of(0)


@pytest.mark.parametrize("share", [-3.0, 4.0])
def test_nothing_is_capped_in_silence(share: float) -> None:
    assert "beyond fill" in gap_bar(Way(share, 0.5), "achieved", "x")


def test_a_plan_beyond_the_frame_is_marked_too() -> None:
    assert "beyond plan" in gap_bar(Way(0.5, 2.0), "behind", "x")


def test_the_zero_line_and_the_plan_mark_are_there() -> None:
    picture = gap_bar(Way(0.5, 0.75), "behind", "x")
    assert len(marks(picture, "zero")) == len(marks(picture, "plan")) == len(marks(picture, "goal")) == 1


def test_no_figure_is_no_bar() -> None:
    picture = gap_bar(Way(None, None), "unknown", "x")
    assert not marks(picture, "fill")
    assert marks(picture, "nothing")


def test_labels_are_escaped() -> None:
    assert "<b>" not in gap_bar(None, "unknown", '"<b>')


def test_no_style_attribute_that_the_policy_would_refuse() -> None:
    assert "style=" not in gap_bar(Way(-3, 4), "behind", "x")


def test_the_strip_has_one_part_for_each_status_that_occurs() -> None:
    strip = svg.status_strip([svg.Share("behind", 1), svg.Share("missed", 0), svg.Share("on_track", 3)], "x")
    assert strip.count("<rect") == 2
