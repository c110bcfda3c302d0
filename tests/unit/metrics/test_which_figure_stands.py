"""Which figure stands: the order of figures of one day, corrections, withdrawals, several sources, increments."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from contracts.observations import ObservationRecorded, observation_id
from services.metrics.figures import packed, unpacked
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_increment, an_observation, local
from tests.unit.metrics.engine import differences, run

NOW = local("2023-10-10")
MORNING, EVENING = datetime(2023, 9, 30, 1, tzinfo=UTC), datetime(2023, 9, 30, 9, tzinfo=UTC)


def value_of(*batch: ObservationRecorded) -> float | None:
    """The value that stands, the same in whatever order they come."""
    forwards = run(a_catalog(), NOW, batch)
    backwards = run(a_catalog(), NOW, *[[one] for one in reversed(batch)])
    assert differences(forwards, batch) == [] == differences(backwards, batch)
    assert forwards.record().value == backwards.record().value
    return forwards.record().value


def test_a_higher_revision_beats_a_later_report() -> None:
    corrected = an_observation(numerator=60, denominator=100, revision=2, reported_at=MORNING)
    later = an_observation(numerator=50, denominator=100, reported_at=EVENING)
    assert value_of(corrected, later) == 60


def test_an_actual_beats_a_preliminary_that_was_reported_later() -> None:
    actual = an_observation(numerator=60, denominator=100, reported_at=MORNING)
    preliminary = an_observation(numerator=50, denominator=100, status="preliminary", reported_at=EVENING)
    assert value_of(actual, preliminary) == 60


def test_a_preliminary_counts_until_something_beats_it() -> None:
    engine = run(a_catalog(), NOW, [an_observation(numerator=50, denominator=100, status="preliminary")])
    assert engine.record().value == 50
    assert "preliminary" in engine.codes()


def test_of_two_equal_figures_the_one_reported_later_stands() -> None:
    assert (
        value_of(
            an_observation(numerator=50, denominator=100, reported_at=EVENING),
            an_observation(numerator=60, denominator=100, reported_at=MORNING),
        )
        == 50
    )


def test_of_two_reported_at_one_moment_the_higher_id_stands() -> None:
    ids = sorted(["one", "two"], key=lambda name: observation_id("urn:test:system", name))
    low = an_observation(numerator=50, denominator=100, source_id=ids[0], reported_at=EVENING)
    high = an_observation(numerator=60, denominator=100, source_id=ids[1], reported_at=EVENING)
    assert value_of(high, low) == 60


def test_a_forecast_never_counts_as_an_actual() -> None:
    engine = run(a_catalog(a_target()), NOW, [an_observation(numerator=95, denominator=100, status="forecast")])
    assert engine.topic.records == []


def test_a_retraction_withdraws_its_day_and_the_day_before_stands_again() -> None:
    earlier = an_observation(as_of="2023-08-31", numerator=40, denominator=100)
    wrong = an_observation(numerator=90, denominator=100)
    gone = an_observation(retracts=True)
    assert value_of(earlier, wrong, gone) == 40


def test_a_retraction_withdraws_lower_revisions_and_not_higher_ones() -> None:
    low = an_observation(numerator=50, denominator=100, revision=1)
    withdrawn = an_observation(revision=2, retracts=True)
    assert value_of(low, withdrawn) is None
    assert value_of(low, withdrawn, an_observation(numerator=70, denominator=100, revision=3)) == 70


def test_a_retraction_concerns_its_own_source_only() -> None:
    other = an_observation(numerator=40, denominator=100, source="urn:other")
    mine = an_observation(numerator=50, denominator=100)
    assert value_of(other, mine, an_observation(retracts=True)) == 40


def test_a_record_stays_after_its_only_figure_was_withdrawn() -> None:
    engine = run(
        a_catalog(a_target()), NOW, [an_observation(numerator=9, denominator=10)], [an_observation(retracts=True)]
    )
    record = engine.record()
    assert (record.status, record.value, record.as_of, record.version) == ("unknown", None, None, 2)
    assert engine.codes() == ["no_figure", "figure_withdrawn"]


def test_sources_that_say_different_things_of_one_date_are_flagged_and_not_on_the_units_above() -> None:
    engine = run(
        a_catalog(),
        NOW,
        [
            an_observation(numerator=50, denominator=100, reported_at=EVENING),
            an_observation(numerator=51, denominator=100, source="urn:other", reported_at=MORNING),
        ],
    )
    assert engine.record().value == 50
    assert engine.record().flags == ("sources_disagree",)
    assert engine.record("p.a").flags == ()


def test_sources_that_agree_or_speak_of_different_dates_are_not_flagged() -> None:
    engine = run(
        a_catalog(),
        NOW,
        [
            an_observation(numerator=50, denominator=100),
            an_observation(numerator=50, denominator=100, source="urn:other"),
            an_observation(as_of="2023-08-31", numerator=1, denominator=100, source="urn:third"),
        ],
    )
    assert engine.record().flags == ()


def test_an_instant_belongs_to_its_local_date() -> None:
    """23:30 in UTC on 29 September is 06:30 of the 30th in Việt Nam."""
    engine = run(a_catalog(), NOW, [an_observation(as_of="2023-09-29T23:30:00+00:00", numerator=1, denominator=2)])
    assert str(engine.record().as_of) == "2023-09-30"


def test_flags_of_the_door_stand_beside_the_figure() -> None:
    engine = run(a_catalog(), NOW, [an_observation(numerator=1, denominator=2, flags=["truncated"])])
    assert engine.record().flags == ("truncated",)


# increments


def test_increments_add_up_and_may_be_negative() -> None:
    days = [("2023-09-01", 10, 20), ("2023-09-02", -3, 0), ("2023-09-02", 5, 10)]
    engine = run(a_catalog(), NOW, [an_increment(as_of=day, numerator=n, denominator=d) for day, n, d in days])
    record = engine.record()
    assert (record.numerator, record.denominator, record.value) == (12, 30, 40)
    assert (str(record.as_of), record.inputs_count, len(record.inputs)) == ("2023-09-02", 3, 3)


def test_an_absolute_figure_restarts_the_sum_and_increments_of_later_days_add_to_it() -> None:
    engine = run(
        a_catalog(),
        NOW,
        [
            an_increment(as_of="2023-09-01", numerator=10, denominator=10),
            an_observation(as_of="2023-09-05", numerator=100, denominator=200),
            an_increment(as_of="2023-09-05", numerator=7, denominator=7),
            an_increment(as_of="2023-09-06", numerator=50, denominator=100),
        ],
    )
    assert (engine.record().numerator, engine.record().denominator) == (150, 300)


def test_withdrawing_the_absolute_figure_brings_back_the_increments_before_it() -> None:
    engine = run(
        a_catalog(),
        NOW,
        [an_increment(as_of="2023-09-01", numerator=10, denominator=20)],
        [an_observation(as_of="2023-09-05", numerator=100, denominator=200)],
        [an_observation(as_of="2023-09-05", retracts=True)],
    )
    assert (engine.record().numerator, engine.record().denominator) == (10, 20)


def test_a_repeated_increment_is_folded_once() -> None:
    one = an_increment(numerator=10, denominator=20)
    engine = run(a_catalog(), NOW, [one], [one], [one])
    assert engine.record().numerator == 10
    assert {record.version for record in engine.topic.progress()} == {1}


def test_increments_of_another_log_are_not_taken_for_repeats() -> None:
    first = an_increment(numerator=10, denominator=20, offset=7)
    again = an_increment(numerator=10, denominator=20, offset=7)
    again = again.model_copy(update={"raw": again.raw.model_copy(update={"log": "a new one with . and $"})})
    engine = run(a_catalog(), NOW, [first], [again], [again])
    assert engine.record().numerator == 20


def test_a_sum_that_leaves_its_natural_range_is_kept_and_flagged() -> None:
    engine = run(a_catalog(), NOW, [an_increment(numerator=30, denominator=20)])
    assert engine.record().value == 150
    assert engine.record().flags == ("over_natural_range",)


def test_a_flow_starts_again_in_each_accounting_period_and_a_longer_target_adds_them_up() -> None:
    flow = a_kpi(kind="flow")
    catalog = a_catalog(flow, a_target("p.a.1", 100, None, period="2021-2025"), a_target("p.a.1", 50, None))
    engine = run(
        catalog,
        NOW,
        [
            an_observation(as_of="2022-12-14", value=30),
            an_increment(as_of="2022-12-15", value=5),
            an_increment(as_of="2023-09-30", value=6.5),
        ],
    )
    assert engine.record(period="2023").value == 11.5
    assert engine.record(period="2021-2025").value == 41.5
    assert engine.record(period="2021-2025").inputs_count == 3


def test_a_stock_of_a_longer_target_is_the_last_count() -> None:
    catalog = a_catalog(a_kpi(kind="stock"), a_target("p.a.1", 100, 10, period="2021-2025"))
    counts = [an_observation(as_of="2022-12-14", value=30), an_observation(as_of="2023-09-30", value=40)]
    assert run(catalog, NOW, counts).record(period="2021-2025").value == 40


def test_inputs_name_twenty_observations_at_most_sorted_and_count_them_all() -> None:
    many = [an_increment(as_of=f"2023-09-{day:02d}", numerator=1, denominator=1) for day in range(1, 31)]
    record = run(a_catalog(), NOW, many).record()
    assert record.inputs == tuple(sorted(one.observation_id for one in many)[:20])
    assert record.inputs_count == 30


def test_sums_of_decimals_are_exact() -> None:
    tenths = [an_increment(as_of="2023-09-01", value="0.1") for _ in range(30)]
    assert run(a_catalog(a_kpi(kind="flow", decimals=1)), NOW, tenths).record().value == 3


def test_14_and_15_december_are_of_different_administrative_years_and_of_one_civil_year() -> None:
    two = [an_observation(as_of=day, value=10) for day in ("2022-12-14", "2022-12-15")]
    administrative = run(a_catalog(a_kpi(kind="stock")), NOW, two).latest()
    assert {period for _, unit, period in administrative if unit == "p.a.1"} == {"2022", "2023"}
    civil = run(a_catalog(a_kpi(kind="stock", calendar="civil")), NOW, two).latest()
    assert {period for _, unit, period in civil if unit == "p.a.1"} == {"2022"}


def test_a_leap_day_is_a_day_like_any_other() -> None:
    catalog = a_catalog(a_kpi(kind="stock", calendar="civil"), a_target("p.a.1", 466, 100, period="2024"))
    record = run(catalog, local("2024-03-01"), [an_observation(as_of="2024-02-29", value=160)]).record(period="2024")
    # 1 January to 31 December 2024 are 365 days, 29 February is the 59th after the first
    assert (record.planned, record.status) == (100 + 366 * 59 / 365, "on_track")


@given(st.text(max_size=40) | st.uuids().map(str) | st.uuids().map(lambda one: str(one).upper()))
def test_the_name_of_an_event_comes_back_as_it_was(name: str) -> None:
    assert unpacked(packed(name)) == name


def test_a_uuid_is_kept_as_its_sixteen_bytes() -> None:
    assert packed("355a5707-24ca-406f-b48c-41887cf8111a") == bytes.fromhex("355a570724ca406fb48c41887cf8111a")
    assert packed("355a5707-24ca-406f-b48c-41887cf8111") == "355a5707-24ca-406f-b48c-41887cf8111"
