"""Up the tree: sums and never means, direct figures and their parts, who is missing, rosters."""

from contracts.catalog import Kpi, Parent, Roster
from tests.unit.metrics.builders import UNITS, a_catalog, a_kpi, a_target, an_observation, day, local, unit
from tests.unit.metrics.engine import differences, run

NOW = local("2023-10-10")
STOCK = a_kpi(kind="stock")


def test_a_share_is_the_share_of_the_sums_and_not_the_mean_of_shares() -> None:
    """90 of 100 and 1 of 900: the mean of the percentages would be 45.06 %."""
    engine = run(
        a_catalog(),
        NOW,
        [
            an_observation("p.a.1", numerator=90, denominator=100),
            an_observation("p.b.1", numerator=1, denominator=900),
        ],
    )
    assert engine.record("p").value == 9.1
    assert (engine.record("p").numerator, engine.record("p").denominator) == (91, 1000)


def test_a_part_without_its_denominator_is_left_out_with_its_numerator() -> None:
    engine = run(
        a_catalog(), NOW, [an_observation("p.a.1", numerator=1, denominator=2), an_observation("p.a.2", numerator=50)]
    )
    assert engine.record("p.a").value == 50


def test_the_date_of_a_rolled_up_record_is_the_latest_of_its_parts() -> None:
    parts = [an_observation("p.a.1", "2023-08-31", value=1), an_observation("p.a.2", "2023-09-30", value=2)]
    engine = run(a_catalog(STOCK), NOW, parts)
    assert (engine.record("p.a").value, str(engine.record("p.a").as_of)) == (3, "2023-09-30")


def test_a_part_that_cannot_be_used_does_not_date_the_sum() -> None:
    figures = [an_observation("p.a.1", "2023-08-31", 1, 2), an_observation("p.a.2", "2023-09-30", 50)]
    engine = run(a_catalog(), NOW, figures)
    assert (engine.record("p.a").value, str(engine.record("p.a").as_of)) == (50, "2023-08-31")


def test_a_district_that_reports_a_share_of_nothing_says_so() -> None:
    engine = run(a_catalog(a_target("p.a")), NOW, [an_observation("p.a", numerator=0, denominator=0)])
    assert (engine.record("p.a").value, engine.codes("p.a")) == (None, ["zero_denominator"])


def test_stale_parts_count() -> None:
    parts = [an_observation("p.a.1", "2023-01-31", value=1), an_observation("p.a.2", "2023-09-30", value=2)]
    assert run(a_catalog(STOCK), NOW, parts).record("p.a").value == 3


def test_the_missing_are_named_at_any_depth_and_a_unit_that_reports_for_itself_has_no_completeness() -> None:
    engine = run(a_catalog(STOCK), NOW, [an_observation("p.a.1", value=1)])
    assert engine.record("p.a.1").completeness is None
    complete = engine.record("p").completeness
    assert complete is not None
    assert (complete.expected, complete.reported, complete.missing) == (4, 1, ("p.a.2", "p.b.1", "p.b.2"))


def test_reported_means_by_the_deadline() -> None:
    catalog = a_catalog(STOCK, a_target("p.a", 10, 0, deadline=day("2023-06-30")))
    late = [an_observation("p.a.1", "2023-06-30", value=1), an_observation("p.a.2", "2023-07-01", value=2)]
    complete = run(catalog, NOW, late).record("p.a").completeness
    assert complete is not None
    assert complete.missing == ("p.a.2",)


# direct or parts


def test_a_direct_figure_wins_over_the_sum_of_its_parts_for_its_level_and_above() -> None:
    """Reported 7,301, parts add up to 7,194."""
    engine = run(
        a_catalog(STOCK),
        NOW,
        [
            an_observation("p.a.1", value=7000),
            an_observation("p.a.2", value=194),
            an_observation("p.a", value=7301),
            an_observation("p.b.1", value=9),
        ],
    )
    district, province = engine.record("p.a"), engine.record("p")
    assert (district.value, province.value) == (7301, 7310)
    assert district.discrepancy is not None
    assert (district.discrepancy.reported, district.discrepancy.parts) == (7301, 7194)
    assert district.flags == ("parts_disagree",)
    assert (province.discrepancy, province.flags) == (None, ())


def test_the_flag_needs_complete_parts_and_the_discrepancy_does_not() -> None:
    record = run(a_catalog(STOCK), NOW, [an_observation("p.a.1", value=7), an_observation("p.a", value=9)]).record(
        "p.a"
    )
    assert record.discrepancy is not None
    assert record.flags == ()


def test_there_is_no_discrepancy_between_equals() -> None:
    parts = [an_observation("p.a.1", numerator=1, denominator=2), an_observation("p.a", numerator=2, denominator=4)]
    assert run(a_catalog(), NOW, parts).record("p.a").discrepancy is None


def test_three_early_communes_cannot_collapse_a_direct_figure() -> None:
    engine = run(
        a_catalog(STOCK),
        NOW,
        [
            an_observation("p", "2023-06-30", value=1000),
            *[an_observation(one, "2023-07-31", value=10) for one in ("p.a.1", "p.a.2", "p.b.1")],
        ],
    )
    assert (engine.record("p").value, str(engine.record("p").as_of)) == (1000, "2023-06-30")


def test_one_report_in_january_cannot_freeze_the_live_sum() -> None:
    communes = [an_observation(one, "2023-07-31", value=10) for one in ("p.a.1", "p.a.2", "p.b.1", "p.b.2")]
    direct = an_observation("p", "2023-01-14", value=1000)
    engine = run(a_catalog(STOCK), NOW, [direct, *communes])
    assert (engine.record("p").value, str(engine.record("p").as_of)) == (40, "2023-07-31")
    assert "parts_newer" in engine.codes("p")
    assert engine.record("p").inputs == (direct.observation_id,)


def test_parts_of_the_same_day_are_not_newer() -> None:
    communes = [an_observation(one, value=10) for one in ("p.a.1", "p.a.2", "p.b.1", "p.b.2")]
    assert run(a_catalog(STOCK), NOW, [an_observation("p", value=41), *communes]).record("p").value == 41


def test_a_district_figure_counts_for_the_communes_below_it() -> None:
    parts = [
        an_observation("p.a", "2023-07-31", value=30),
        *[an_observation(one, value=10) for one in ("p.b.1", "p.b.2")],
    ]
    engine = run(a_catalog(STOCK), NOW, [an_observation("p", "2023-01-31", value=1000), *parts])
    assert engine.record("p").value == 50
    complete = engine.record("p").completeness
    assert complete is not None
    assert complete.missing == ("p.a.1", "p.a.2")  # silent all the same


def test_parts_without_a_denominator_do_not_make_them_complete() -> None:
    parts = [an_observation("p.a.1", numerator=1, denominator=1), an_observation("p.a.2", numerator=1)]
    direct = an_observation("p.a", "2023-06-30", numerator=40, denominator=50)
    engine = run(a_catalog(), NOW, [direct, *parts])
    assert engine.record("p.a").value == 80
    complete = engine.record("p.a").completeness
    assert complete is not None
    assert complete.missing == ()


def test_direct_or_parts_is_settled_within_each_accounting_period() -> None:
    flow = a_kpi(kind="flow")
    catalog = a_catalog(flow, a_target("p.a", 1000, None, period="2021-2025"))
    engine = run(
        catalog,
        NOW,
        [
            an_observation("p.a", "2022-12-14", value=100),
            an_observation("p.a.1", "2022-11-30", value=60),
            an_observation("p.a.1", "2023-05-31", value=7),
        ],
    )
    record = engine.record("p.a", "2021-2025")
    assert record.value == 107
    assert record.discrepancy is not None
    assert (record.discrepancy.reported, record.discrepancy.parts) == (107, 67)


# rosters


def coverage(*rosters: Roster, levels: tuple[str, ...] = ("province",)) -> Kpi:
    return a_kpi(kind="coverage", levels=levels, rosters=rosters)


def test_a_coverage_counts_against_its_roster() -> None:
    catalog = a_catalog(coverage(Roster(unit="p", size=27)), a_target("p", 100, 40))
    record = run(catalog, NOW, [an_observation("p", numerator=20)]).record("p")
    assert (record.numerator, record.denominator, record.value) == (20, 27, 2000 / 27)


def test_missing_members_are_named() -> None:
    catalog = a_catalog(coverage(Roster(unit="p", level="commune")))
    record = run(catalog, NOW, [an_observation("p", members=["p.a.1", "p.b.2"])]).record("p")
    assert (record.value, record.denominator) == (50, 4)
    assert record.completeness is not None
    assert record.completeness.missing_members == ("p.a.2", "p.b.1")


def test_a_silent_unit_keeps_its_whole_roster_in_the_denominator() -> None:
    kpi = coverage(*[Roster(unit=one, size=10) for one in ("p.a.1", "p.a.2", "p.b.1", "p.b.2")], levels=("commune",))
    record = run(a_catalog(kpi), NOW, [an_observation("p.a.1", numerator=10)]).record("p")
    assert (record.numerator, record.denominator, record.value) == (10, 40, 25)


def test_each_part_counts_by_the_roster_of_its_own_date() -> None:
    kpi = coverage(
        Roster(unit="p.a.1", size=10, valid_to=day("2023-06-01")),
        Roster(unit="p.a.1", size=20, valid_from=day("2023-06-01")),
        Roster(unit="p.a.2", size=10, valid_to=day("2023-06-01")),
        Roster(unit="p.a.2", size=30, valid_from=day("2023-06-01")),
        levels=("commune",),
    )
    parts = [an_observation("p.a.1", "2023-05-31", numerator=5), an_observation("p.a.2", "2023-06-30", numerator=15)]
    record = run(a_catalog(kpi), NOW, parts).record("p.a")
    assert (record.numerator, record.denominator) == (20, 40)


def test_the_silent_count_by_their_rosters_of_the_records_date_also_where_the_tree_changed_since() -> None:
    """A district's count without a roster has no value: it is of a later tree, and makes no later date."""
    kpi = coverage(
        Roster(unit="p.a.1", size=3),
        Roster(unit="p.a.2", size=5, valid_to=day("2023-06-01")),
        Roster(unit="p.a.2", size=8, valid_from=day("2023-06-01")),
        Roster(unit="p.b.1", size=10),
        levels=("commune", "district"),
    )
    moved = (
        Parent(unit="p.a", valid_to=day("2023-07-23")),
        Parent(unit="p.b", valid_from=day("2023-07-23")),
    )
    units = [unit(one.id, one.level, parents=moved) if one.id == "p.a.1" else one for one in UNITS]
    found = [
        an_observation("p.a.1", "2022-12-25", numerator=0),
        an_observation("p.b.1", "2022-12-20", numerator=1),
        an_observation("p.a", "2023-09-29", numerator=5),
    ]
    engine = run(a_catalog(kpi, units=units), NOW, found)
    record = engine.record("p")
    assert (str(record.as_of), record.numerator, record.denominator) == ("2022-12-25", 1, 18)
    assert differences(engine, found) == []


def test_a_coverage_without_a_roster_needs_a_denominator() -> None:
    engine = run(a_catalog(coverage()), NOW, [an_observation("p", numerator=20)])
    assert engine.record("p").value is None
    assert "no_roster" in engine.codes("p")
    assert run(a_catalog(coverage()), NOW, [an_observation("p", numerator=20, denominator=40)]).record("p").value == 50


# a tree that changes


def test_records_are_as_it_was_at_their_date_and_a_units_records_end_with_it() -> None:
    """Districts are abolished on 1 July; the communes go on under the province."""
    gone = day("2023-07-01")
    units = (
        unit("p", "province"),
        unit("p.a", "district", "p", valid_to=gone),
        *[
            unit(one, "commune", parents=(Parent(unit="p.a", valid_to=gone), Parent(unit="p", valid_from=gone)))
            for one in ("p.a.1", "p.a.2")
        ],
    )
    stream = [
        an_observation("p.a.1", "2023-06-30", value=1),
        an_observation("p.a.2", "2023-06-30", value=2),
        an_observation("p.a.1", "2023-07-31", value=10),
    ]
    engine = run(a_catalog(STOCK, units=units), NOW, stream)
    assert differences(engine, stream) == []
    assert (engine.record("p.a").value, str(engine.record("p.a").as_of)) == (3, "2023-06-30")
    assert (engine.record("p").value, str(engine.record("p").as_of)) == (12, "2023-07-31")


def test_units_of_other_levels_do_not_count() -> None:
    units = (*UNITS, unit("p.dept", "department", "p"))
    engine = run(a_catalog(STOCK, units=units), NOW, [an_observation("p.a.1", value=1)])
    complete = engine.record("p").completeness
    assert complete is not None
    assert complete.expected == 4
