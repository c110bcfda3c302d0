"""`tiendo rules test`: stories that hold pass, and each kind of difference is named."""

from fractions import Fraction
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from services.cli.commands import app
from services.cli.notation import MOST, NotASeries, series
from tests.unit.catalog.folders import written

EXAMPLES = sorted(Path("deploy/catalogs").glob("*/tests/*.yaml"))

STORY = """\
catalog: .
tests:
  - name: chậm một tuần
    start: 2023-03-01T08:00
    series:
      - {kpi: signed, org: p.a, plan: {baseline: 0, value: 92, deadline: 2023-12-14}, pace: "1 0.85x1 1"}
    alert_tests:
      - {at: P2D, expect: [{condition: FIRING, severity: watch, episode: 1}]}
      - {at: P3D, expect: []}
    mail_tests:
      - {at: [P1D, P1DT1H], to: dau-moi@p.example, reason: FIRST}
      - {at: [P3D, P3DT1H], to: owner, reason: ALL_RESOLVED}
"""


def play(folder: Path, story: str) -> Result:
    written(folder)
    (folder / "story.yaml").write_text(story, encoding="utf-8")
    return CliRunner().invoke(app, ["rules", "test", str(folder / "story.yaml")])


def test_the_stories_that_are_shipped_hold() -> None:
    assert EXAMPLES
    played = CliRunner().invoke(app, ["rules", "test", *map(str, EXAMPLES)])
    assert played.exit_code == 0, played.output
    assert "0 không đạt · 4 tests, 0 failed" in played.stdout


def test_a_story_that_holds_passes(tmp_path: Path) -> None:
    played = play(tmp_path, STORY)
    assert played.exit_code == 0, played.output
    assert "✓ story.yaml: chậm một tuần" in played.stdout


@pytest.mark.parametrize(
    ("written_as", "instead", "said"),
    [
        ("severity: watch", "severity: behind", "at P2D: an alert {condition: FIRING, episode: 1, severity: behind}"),
        ("{at: P3D, expect: []}", "{at: P1D, expect: []}", "at P1D: there is an alert {condition: FIRING, data: ok"),
        ("to: owner, reason", "to: chief, reason", "missing: a mail ALL_RESOLVED to chief within P3D – P3DT1H"),
        ("to: owner, reason", "to: chief, reason", "extra: a mail ALL_RESOLVED to dau-moi@p.example at P3DT10M (p.a)"),
        ("[P1D, P1DT1H]", "[P1D, P1DT5M]", "thiếu thư FIRST cho dau-moi@p.example trong khoảng P1D – P1DT5M"),
        ("[P1D, P1DT1H]", "[P1D, P1DT5M]", "extra: a mail FIRST to dau-moi@p.example at P1DT10M (p.a)"),
    ],
)
def test_a_story_that_does_not_hold_says_what_came_otherwise(
    tmp_path: Path, written_as: str, instead: str, said: str
) -> None:
    assert written_as in STORY
    played = play(tmp_path, STORY.replace(written_as, instead))
    assert played.exit_code == 1
    assert said in played.stderr
    assert "1 phép thử, 1 không đạt · 1 tests, 1 failed" in played.stderr


def test_of_a_test_with_a_mistake_only_the_mistake_is_said(tmp_path: Path) -> None:
    played = play(tmp_path, STORY.replace("reason: FIRST", "reason: FRIST"))
    assert [line.split(": ")[0] for line in played.stderr.splitlines()] == [f"{tmp_path}/story.yaml:11"]


def test_a_mail_that_nobody_expected_is_seen_also_after_the_last_figure(tmp_path: Path) -> None:
    behind = STORY.replace('"1 0.85x1 1"', '"1 1 0.85"').split("    alert_tests:")[0]
    played = play(tmp_path, behind)
    assert played.exit_code == 1
    assert "extra: a mail FIRST to dau-moi@p.example at P2DT10M (p.a)" in played.stderr


def test_other_mails_may_be_let_pass(tmp_path: Path) -> None:
    first, *_ = STORY.rpartition("      - {at: [P3D")
    assert play(tmp_path, first).exit_code == 1
    assert play(tmp_path, f"{first}    no_other_mails: false\n").exit_code == 0


def test_a_series_of_values_is_judged_by_the_target_of_the_catalog(tmp_path: Path) -> None:
    line = '{kpi: signed, org: p.a, plan: {baseline: 0, value: 92, deadline: 2023-12-14}, pace: "1 0.85x1 1"}'
    products = '{kpi: products, org: p.a, value: "30 8x1 40"}'
    assert line in STORY
    played = play(tmp_path, STORY.replace(line, products).replace("severity: watch", "severity: behind"))
    assert played.exit_code == 0, played.output


@pytest.mark.parametrize(
    ("written_as", "instead", "said"),
    [
        ("condition: FIRING", "condition: BURNING", "story.yaml:8: error:"),
        ("series:", "serie:", "story.yaml:5: error: không có khóa “tests.serie”; hãy viết “series”"),
        ("org: p.a", "org: p.aa", "there is no unit “p.aa”; write “p.a” instead"),
        ("kpi: signed", "kpi: sined", "there is no KPI “sined”; write “signed” instead"),
        ("0.85x1", "0,85x1", "“0,85x1” is no piece of a series; write it like 0.88"),
        ("plan: {baseline: 0, value: 92, deadline: 2023-12-14}, ", "", "the target “signed.communes” has no line"),
        ("start: 2023-03-01", "start: 2022-12-15", "on 2022-12-15 the plan has not left its baseline"),
        ('pace: "1', 'value: "1", pace: "1', "each series needs either “pace:” or “value:”"),
    ],
)
def test_a_story_that_cannot_be_played_is_refused_with_what_to_write(
    tmp_path: Path, written_as: str, instead: str, said: str
) -> None:
    assert written_as in STORY
    played = play(tmp_path, STORY.replace(written_as, instead, 1))
    assert played.exit_code == 1
    assert said in played.stderr


def test_the_log_of_the_caller_is_as_it_was(tmp_path: Path) -> None:
    before = structlog.get_config()
    assert play(tmp_path, STORY).exit_code == 0
    assert structlog.get_config() == before


def test_the_notation_is_that_of_promtool() -> None:
    assert series("1.0 0.88x3 _x2 0.96") == [1, *[Fraction("0.88")] * 4, None, None, Fraction("0.96")]
    assert series("1-0.05x2 -1+1x1 _") == [1, Fraction("0.95"), Fraction("0.9"), -1, 0, None]


@pytest.mark.parametrize("text", ["x3", "1x", "_+1x3", "1..2", "1e3", "1x-1", f"1x{MOST}", "1x99999999999999"])
def test_what_is_no_series_is_refused(text: str) -> None:
    with pytest.raises(NotASeries):
        series(text)


@given(st.integers(-500, 500), st.integers(-50, 50), st.integers(0, 40))
def test_a_rise_is_as_long_and_as_high_as_it_is_written(first: int, step: int, times: int) -> None:
    values = series(f"{first}{step:+d}x{times}")
    assert values == [first + step * number for number in range(times + 1)]
