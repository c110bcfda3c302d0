"""Every reason for which a figure is refused, each by an example; and the honest figures that must not be."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.ingest.batch import Sound, Unsound
from tests.unit.ingest.door import (
    EDOC,
    NOON,
    PORTAL,
    a_catalog,
    an_event,
    an_examiner,
    codes,
    data,
    figure,
    observed,
    problems,
)


def test_a_sound_figure_passes() -> None:
    assert codes(data()) == []


def test_a_province_without_catalog_is_unknown_and_those_there_are_named() -> None:
    (found,) = problems(data(province="lam-dong"))
    assert found.code == "unknown_province"
    assert "dak-nong" in found.message_vi


def test_an_unknown_kpi_is_refused_together_with_what_else_is_wrong() -> None:
    assert codes(data(kpi="nothing", org_unit="nowhere"), source="urn:stranger") == [
        "not_your_figure",
        "unknown_org_unit",
        "unknown_kpi",
    ]


def test_an_unknown_unit_is_refused_with_the_value_that_stood_there() -> None:
    (found,) = problems(data(org_unit="dak-nong.xa-z"))
    assert (found.code, found.field, found.value) == ("unknown_org_unit", "org_unit", "dak-nong.xa-z")


def test_a_unit_of_another_time_is_told_from_an_unknown_one() -> None:
    (found,) = problems(data(org_unit="dak-nong.xa-moi"))
    assert found.code == "org_unit_not_valid_then"
    assert "2025-07-01" in found.message_en


def test_of_a_unit_that_has_ended_it_is_said_who_followed_it() -> None:
    after = datetime(2025, 9, 1, tzinfo=UTC)
    (found,) = problems(data(org_unit="dak-nong.xa-a", as_of="2025-08-31"), now=after, time=after)
    assert found.code == "org_unit_not_valid_then"
    assert "Tiếp nối là: dak-nong.xa-moi." in found.message_vi
    assert "It was followed by: dak-nong.xa-moi." in found.message_en
    (early,) = problems(data(org_unit="dak-nong.xa-moi"))
    assert "followed" not in early.message_en


def test_a_national_code_means_the_unit_of_the_figures_day() -> None:
    after = datetime(2025, 9, 1, tzinfo=UTC)
    assert observed(data(org_unit="24611"))["org_unit"] == "dak-nong.xa-a"
    late = data(org_unit="24611", as_of="2025-08-31")
    assert observed(late, now=after, time=after)["org_unit"] == "dak-nong.xa-moi"


def test_a_level_that_the_kpi_does_not_ask_is_the_wrong_one() -> None:
    (found,) = problems(data(org_unit="dak-nong.so-tttt"))
    assert found.code == "wrong_level"
    assert "commune" in found.message_vi


def test_a_source_that_nobody_registered_may_report_nothing() -> None:
    (found,) = problems(data(), source="urn:stranger")
    assert (found.code, found.field, found.value) == ("not_your_figure", "source", "urn:stranger")


@pytest.mark.parametrize(
    ("kpi", "unit", "allowed"),
    [
        ("terminals", "dak-nong.dak-mil", True),
        ("terminals", "dak-nong.xa-a", True),
        ("terminals", "dak-nong", False),
        ("speed", "dak-nong.xa-a", False),
    ],
)
def test_a_publisher_reports_its_own_kpis_and_units_and_those_below_them(kpi: str, unit: str, allowed: bool) -> None:
    assert codes(figure(kpi, org_unit=unit, value=3), source=PORTAL) == ([] if allowed else ["not_your_figure"])


@pytest.mark.parametrize(("given", "found"), [("percent", []), ("vnd", ["unit_of_measure"]), (None, [])])
def test_the_unit_of_measure_if_given_is_the_kpis(given: str | None, found: list[str]) -> None:
    assert codes(data(unit_of_measure=given)) == found


@pytest.mark.parametrize(
    ("period", "found"),
    [
        (None, []),
        ("2023", []),
        ("2023-Q3", ["bad_period"]),
        ("2021-2025", ["bad_period"]),
        ("2023-13", ["bad_period"]),
        ("soon", ["bad_period"]),
        ("2022", ["as_of_outside_period"]),
    ],
)
def test_a_period_if_given_is_the_accounting_period_around_as_of(period: str | None, found: list[str]) -> None:
    assert codes(data(period=period)) == found


@pytest.mark.parametrize(("day", "period"), [("2022-12-14", "2022"), ("2022-12-15", "2023")])
def test_the_administrative_year_turns_on_the_fifteenth_of_december(day: str, period: str) -> None:
    assert observed(data(as_of=day))["period"] == period


def test_a_figure_of_today_sent_today_is_welcome_though_the_day_has_begun_only_here() -> None:
    one_in_the_morning = datetime(2023, 9, 30, 18, tzinfo=UTC)  # 1 October, 01:00 in Đắk Nông
    assert codes(data(as_of="2023-10-01"), now=one_in_the_morning, time=one_in_the_morning) == []


def test_a_day_after_the_sending_is_a_forecast_sent_as_an_actual() -> None:
    assert codes(data(as_of="2023-10-01")) == ["forecast_as_actual"]
    assert codes(data(as_of="2023-10-01", status="preliminary")) == ["forecast_as_actual"]


def test_a_day_after_now_is_in_the_future() -> None:
    assert codes(data(as_of="2023-10-01"), time=NOON + timedelta(hours=20)) == ["future_as_of"]


def test_a_forecast_may_speak_of_the_future() -> None:
    assert codes(data(as_of="2023-12-14", status="forecast")) == []


@pytest.mark.parametrize(
    ("day", "code"), [("1923-09-30", "too_old"), ("9999-12-31", "future_as_of"), ("0001-01-01", "too_old")]
)
def test_a_year_that_nobody_means_is_refused_before_a_calendar_is_asked(day: str, code: str) -> None:
    assert codes(data(as_of=day, status="forecast")) == [code]


def test_an_event_from_the_future_is_refused_whatever_it_says() -> None:
    (found,) = problems(data(), time=NOON + timedelta(days=2))
    assert (found.code, found.field) == ("future_as_of", "time")


def test_a_clock_that_moves_with_the_data_is_moved_by_sound_events_and_never_by_hostile_ones() -> None:
    examiner = an_examiner(moving=True, lead=timedelta(days=400))
    hostile = an_event(data(as_of="2026-01-01"), id="hostile", time=datetime(2026, 1, 1, tzinfo=UTC), offset=0)
    refused = an_event(data(as_of="2023-11-01", kpi="nothing"), id="refused", time=NOON + timedelta(days=60), offset=1)
    early = an_event(data(as_of="2023-10-14"), id="early", time=NOON, offset=2)
    sound = an_event(data(as_of="2023-10-14"), id="sound", time=NOON + timedelta(days=14), offset=3)
    again = an_event(data(as_of="2023-10-13"), id="again", time=NOON + timedelta(days=13), offset=4)
    verdicts = examiner.examine([hostile, refused, early, sound, again], NOON)
    refusals = [one.problems[0].code for one in verdicts if isinstance(one, Unsound)]
    assert refusals == ["future_as_of", "unknown_kpi", "forecast_as_actual"]
    received = [one.entry.received_at for one in verdicts if isinstance(one, Sound)]
    assert received == [NOON + timedelta(days=14)] * 2


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"mode": "increment"}, []),
        ({"mode": "increment", "numerator": -3, "denominator": -1}, []),
        ({"mode": "increment", "numerator": 5, "denominator": 1}, []),
        ({"mode": "increment", "revision": 1, "retracts": False}, []),
        ({"mode": "increment", "revision": 2}, ["schema"]),
        ({"mode": "increment", "retracts": True}, ["schema"]),
        ({"mode": "increment", "denominator": None}, ["schema"]),
    ],
)
def test_increments_may_be_negative_and_are_neither_revised_nor_retracted(
    changes: dict[str, Any], found: list[str]
) -> None:
    assert codes(data(kpi="digitised-share", **changes)) == found


@pytest.mark.parametrize("kpi", ["signed-share", "terminals", "speed", "dti", "phones", "fibre", "open-data"])
def test_increments_are_refused_where_the_kpi_takes_none(kpi: str) -> None:
    found = codes(figure(kpi, mode="increment", value=1))
    assert found[0] == "schema"
    assert set(found) == {"schema"}


def test_a_retraction_needs_no_figure() -> None:
    assert codes(data(numerator=None, denominator=None, retracts=True, revision=2)) == []
    assert codes(data(numerator=None, denominator=None)) == ["schema"]


def test_several_problems_are_reported_together() -> None:
    wrong = data(as_of="2023-10-01", unit_of_measure="vnd", period="2022", numerator=-5, denominator=-9)
    assert codes(wrong) == [
        "forecast_as_actual",
        "as_of_outside_period",
        "unit_of_measure",
        "negative",
        "negative",
        "numerator_above_denominator",
    ]


def test_a_new_catalog_takes_the_place_of_the_old_one() -> None:
    catalogs = {"dak-nong": a_catalog(version="1-aaaaaaaaaaaa")}
    examiner = an_examiner(catalogs=catalogs)
    first = examiner.examine([an_event()], NOON)[0]
    catalogs["dak-nong"] = a_catalog(version="2-bbbbbbbbbbbb")
    second = examiner.examine([an_event()], NOON)[0]
    assert [one.entry.catalog_version for one in (first, second)] == ["1-aaaaaaaaaaaa", "2-bbbbbbbbbbbb"]  # type: ignore[union-attr]


def test_every_sentence_is_there_in_both_languages() -> None:
    wrong = data(org_unit="nowhere", kpi="nothing")
    for found in problems(wrong, source="urn:x"):
        assert found.message_vi
        assert found.message_en
        assert found.message_vi != found.message_en
    assert problems(wrong, source=EDOC)


def test_what_looks_like_an_unknown_name_is_asked_after() -> None:
    (kpi,) = problems(data(kpi="edoc-signed-shere"))
    assert kpi.message_vi.startswith("Không có chỉ tiêu “edoc-signed-shere” trong danh mục, có phải “signed-share”? ")
    assert ", did you mean “signed-share”? It has: " in kpi.message_en
