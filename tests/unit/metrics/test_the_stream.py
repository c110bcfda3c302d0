"""What a batch says and what it stores: heads, versions, redelivery, crashes, fencing, time and catalogs."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.observations import ObservationRecorded
from contracts.progress import ProgressJudged
from services.metrics.handlers import ObservationHandler
from services.metrics.memory import KPIS_AT_ONCE
from services.metrics.state import chunks_for
from services.runtime.errors import Fenced, Transient, Unprocessable
from tests.unit.metrics.builders import UNITS, a_catalog, a_kpi, a_target, an_increment, an_observation, local, unit
from tests.unit.metrics.engine import Engine, differences, record_of

NOW = local("2023-10-10")
CATALOG = a_catalog(a_target(), a_target("p", 92, 80))
SEPTEMBER = ["2023-09-01", "2023-09-08", "2023-09-15"]


def weekly(org_unit: str = "p.a.1") -> list[ObservationRecorded]:
    return [an_increment(org_unit, day, 9, 10) for day in SEPTEMBER]


def versions(engine: Engine, org_unit: str = "p.a.1") -> list[tuple[int, str]]:
    """Version and date of everything published of a record, in the order of publication."""
    return [
        (record.version, str(record.as_of))
        for record in engine.topic.progress()
        if (record.org_unit, record.period) == (org_unit, "2023")
    ]


async def test_every_payload_is_what_the_contract_promises() -> None:
    engine = Engine(CATALOG, NOW)
    await engine.take(*weekly(), an_observation("p.b", numerator=1, denominator=3))
    await engine.tick()
    for record, payload in zip(engine.topic.records, engine.topic.payloads(), strict=True):
        read = ProgressJudged.model_validate(payload, strict=False)
        assert {name for name in payload if name not in ProgressJudged.model_fields} == set()
        headers = dict(record.headers)
        assert record.key == f"p/k/{read.org_unit}/{read.period}".encode()
        assert headers["ce_id"] == record.key + f"@{read.version}".encode()
        assert headers["ce_type"] == b"vn.tiendo.progress.judged.v1"
        assert headers["ce_subject"] == record.key


async def test_one_record_goes_out_for_each_date_that_becomes_the_head_ancestors_included() -> None:
    engine = Engine(CATALOG, NOW)
    by_chance = [an_increment(as_of=day, numerator=9, denominator=10) for day in reversed(SEPTEMBER)]
    await engine.take(*by_chance)
    expected = [(number + 1, day) for number, day in enumerate(SEPTEMBER)]
    assert versions(engine) == expected == versions(engine, "p") == versions(engine, "p.a")
    values = [record.numerator for record in engine.topic.progress() if record.org_unit == "p"]
    assert values == [9, 18, 27]


async def test_updates_of_one_date_collapse_within_a_batch() -> None:
    engine = Engine(CATALOG, NOW)
    await engine.take(*[an_increment(numerator=1, denominator=1) for _ in range(10)])
    assert versions(engine) == [(1, "2023-09-30")]


async def test_late_figures_change_the_record_at_the_head_once() -> None:
    engine = Engine(CATALOG, NOW)
    await engine.take(an_increment(as_of="2023-09-30", numerator=9, denominator=10))
    await engine.take(*weekly())
    assert versions(engine) == [(1, "2023-09-30"), (2, "2023-09-30")]
    assert engine.record().numerator == 36


async def test_a_figure_that_changes_nothing_is_no_new_version() -> None:
    engine = Engine(CATALOG, NOW)
    await engine.take(an_observation(numerator=9, denominator=10, revision=2))
    await engine.take(an_observation(numerator=1, denominator=10, revision=1))
    assert {version for version, _ in versions(engine)} == {1}


async def test_the_previous_status_is_that_of_the_version_before() -> None:
    engine = Engine(CATALOG, NOW)
    await engine.take(an_observation(as_of="2023-09-01", numerator=81, denominator=100))
    await engine.take(an_observation(as_of="2023-09-30", numerator=92, denominator=100))
    assert (engine.record().previous_status, engine.record().status) == ("behind", "achieved")


# redelivery


async def test_a_repeat_says_of_a_former_head_what_a_later_figure_without_a_value_had_changed_of_it() -> None:
    """It becomes no head, but whoever sent it has reported."""
    engine = Engine(CATALOG, NOW)
    batch = [
        an_observation("p.a.1", "2023-09-01", 9, 10),
        an_observation("p.a.2", "2023-09-05", numerator=5),
        an_observation("p.a.1", "2023-09-15", 18, 20),
    ]
    await engine.take(*batch)
    first = list(engine.topic.records)
    heads = [one.completeness for one in engine.topic.progress() if one.org_unit == "p.a"]
    assert [one and one.reported for one in heads] == [2, 2]
    again = engine.restarted()
    await again.take(*batch)
    assert [record.value for record in again.topic.records[len(first) :]] == [record.value for record in first]


async def test_a_repeat_says_everything_again_under_the_same_versions() -> None:
    engine = Engine(CATALOG, NOW)
    batch = weekly()
    await engine.take(*batch)
    first = list(engine.topic.records)
    again = engine.restarted()
    await again.take(*batch)
    assert [record.value for record in again.topic.records[len(first) :]] == [record.value for record in first]


@pytest.mark.parametrize("cut", [1, 2, 3])
async def test_a_crash_between_write_and_publish_loses_no_head_however_the_batch_is_cut_afterwards(cut: int) -> None:
    engine = Engine(CATALOG, NOW)
    batch = weekly()
    engine.topic.fail = True
    with pytest.raises(Transient):
        await engine.take(*batch)
    again = engine.restarted()
    await again.take(*batch[:cut])
    await again.take(*batch[cut:], offset=cut)
    for org_unit in ("p.a.1", "p.a", "p"):
        assert again.as_of(org_unit) == SEPTEMBER
    assert again.record().numerator == 27


async def test_a_head_that_was_not_published_is_published_with_the_new_ones_that_follow_it() -> None:
    engine = Engine(CATALOG, NOW)
    old, new = weekly(), an_increment(as_of="2023-09-22", numerator=9, denominator=10)
    engine.topic.fail = True
    with pytest.raises(Transient):
        await engine.take(*old)
    engine.topic.fail = True
    with pytest.raises(Transient):  # and again, with something new in the batch
        await engine.restarted().take(*old, new)
    again = engine.restarted()
    await again.take(*old, new)
    assert again.as_of() == [*SEPTEMBER, "2023-09-22"] == again.as_of("p")


async def test_a_batch_that_follows_does_not_say_former_heads_again() -> None:
    engine = Engine(CATALOG, NOW)
    await engine.take(*weekly())
    late = [an_increment(org_unit, SEPTEMBER[0], 9, 10) for org_unit in ("p.a.1", "p.a.2")]
    said = [versions(engine, org_unit) for org_unit in ("p.a.1", "p")]
    await engine.take(*late, offset=3)
    head = (4, SEPTEMBER[-1])
    assert [versions(engine, org_unit) for org_unit in ("p.a.1", "p")] == [[*before, head] for before in said]
    again = engine.restarted()
    await again.take(*late, offset=3)
    assert versions(again, "p") == [*said[1], head, head]


async def test_a_batch_that_overlaps_one_that_was_never_published_says_its_heads() -> None:
    engine = Engine(CATALOG, NOW)
    await engine.take(*weekly())
    batch = [an_increment(as_of=day, numerator=9, denominator=10) for day in ("2023-09-22", "2023-09-26", "2023-09-29")]
    engine.topic.fail = True
    with pytest.raises(Transient):
        await engine.take(*batch, offset=3)
    again = engine.restarted()
    await again.take(*batch, offset=3)
    assert again.as_of("p") == [*SEPTEMBER, "2023-09-22", "2023-09-26", "2023-09-29"]


@pytest.mark.parametrize("half", ["figures", "judgements"])
async def test_a_write_that_was_half_lost_is_made_whole_by_the_repeat(half: str) -> None:
    engine = Engine(CATALOG, NOW)
    batch = weekly()
    setattr(engine.store, f"lose_{half}", True)
    with pytest.raises(Transient):
        await engine.take(*batch)
    again = engine.restarted()
    await again.take(*batch)
    assert again.record().numerator == 27
    assert again.as_of() == SEPTEMBER
    assert differences(again, batch) == [] or again.record("p").status  # the tick has not run


async def test_after_a_failure_the_same_process_goes_on_from_what_is_stored() -> None:
    engine = Engine(CATALOG, NOW)
    engine.store.lose_figures = True
    batch = weekly()
    with pytest.raises(Transient):
        await engine.take(*batch)
    await engine.handler.forget()
    await engine.take(*batch)
    assert engine.record().numerator == 27


# fencing


async def test_a_zombie_is_fenced_and_publishes_nothing() -> None:
    zombie = Engine(CATALOG, NOW)
    await zombie.take(an_increment(as_of="2023-09-01", numerator=1, denominator=1))
    heir = zombie.restarted()
    mine = an_increment(as_of="2023-09-02", numerator=1, denominator=1)
    await heir.take(mine)
    said = len(zombie.topic.records)
    with pytest.raises(Fenced):
        await zombie.take(mine)
    assert len(zombie.topic.records) == said
    await zombie.handler.forget()
    await zombie.take(mine)
    assert zombie.record().numerator == 2


async def test_two_that_make_the_same_document_cannot_both() -> None:
    one, other = Engine(CATALOG, NOW), None
    other = one.restarted()
    await other.take()
    await one.workshop.memory.hold([("p/k", None)])
    await other.workshop.memory.hold([("p/k", None)])
    await one.take(an_increment(numerator=1, denominator=1))
    with pytest.raises(Fenced):
        await other.take(an_increment(numerator=1, denominator=1))


# the trap of batches side by side


async def test_a_watermark_would_swallow_a_batch_that_was_overtaken() -> None:
    """Why ingest sends the next batch only after the last was acknowledged: the second batch arrives without the first,
    and when the first comes after all, its offsets lie below the watermark."""
    engine = Engine(CATALOG, NOW)
    first = an_increment(numerator=1, denominator=1, offset=1)
    second = an_increment(numerator=1, denominator=1, offset=2)
    await engine.take(second)
    await engine.take(first, second)
    assert engine.record().numerator == 1


# what is not for metrics to refuse


BROKEN = [b"", b"{", b"[]", b'{"province":"p"}', b'{"province":"p","kpi":"k","catalog_version":"1-a"}']


@pytest.mark.parametrize("value", BROKEN)
async def test_what_cannot_be_folded_stops_the_partition_and_names_the_record(value: bytes) -> None:
    engine = Engine(CATALOG, NOW)
    good = record_of(an_observation(numerator=1, denominator=2), 3, 77)
    bad = replace(good, value=value)
    with pytest.raises(Unprocessable, match=r"observations\.v1/3/77 is no"):
        await engine.handler.handle([bad])


async def test_numbers_and_structured_mode_are_read_as_well() -> None:
    engine = Engine(CATALOG, NOW)
    plain = record_of(an_observation(numerator=1, denominator=2))
    value = plain.value.replace(b'"numerator":"1"', b'"numerator":0.5')
    whole = b'{"specversion":"1.0","id":"i","source":"s","type":"vn.tiendo.observation.recorded.v1","data":%s}' % value
    structured = [("content-type", b"application/cloudevents+json")]
    await engine.handler.handle([replace(plain, value=whole, headers=structured)])
    assert engine.record().value == 25


async def test_a_kpi_that_the_catalog_no_longer_knows_keeps_its_figures_and_says_nothing() -> None:
    engine = Engine(a_catalog(a_kpi("other")), NOW)
    figure = an_observation(numerator=9, denominator=10)
    await engine.take(figure)
    assert engine.topic.records == []
    engine.catalogs.switch(a_catalog(number=2))
    await engine.tick()
    again = engine.restarted()
    await again.take(figure)
    assert again.record().value == 90


async def test_a_unit_that_the_catalog_no_longer_knows_keeps_its_figures() -> None:
    engine = Engine(a_catalog(units=UNITS[:-1]), NOW)
    await engine.take(an_observation("p.b.2", numerator=9, denominator=10), an_observation(numerator=1, denominator=2))
    assert {record.org_unit for record in engine.topic.progress()} == {"p.a.1", "p.a", "p"}


async def test_a_batch_waits_for_the_catalog_that_it_was_accepted_under() -> None:
    engine = Engine(CATALOG, NOW)
    with pytest.raises(Transient, match="number 2"):
        await engine.take(an_observation(numerator=9, denominator=10, catalog_version="2-abcdefabcdef"))
    assert engine.store.writes == 0


# time and catalogs


async def test_a_record_exists_from_the_moment_its_target_applies() -> None:
    catalog = a_catalog(a_target(), a_target(period="2024", baseline=None))
    engine = Engine(catalog, local("2023-12-01"))
    await engine.tick()
    assert set(engine.latest()) == {("k", "p.a.1", "2023")}
    assert engine.codes() == ["no_figure"]
    await engine.tick(local("2023-12-14"))
    assert set(engine.latest()) == {("k", "p.a.1", "2023")}
    await engine.tick(local("2023-12-15"))
    assert set(engine.latest()) == {("k", "p.a.1", "2023"), ("k", "p.a.1", "2024")}


async def test_a_day_judges_only_what_it_changes() -> None:
    engine = Engine(CATALOG, NOW)
    await engine.take(an_observation(numerator=90, denominator=100))
    await engine.tick()
    writes, said = engine.store.writes, len(engine.topic.records)
    for days in range(1, 11):
        await engine.tick(NOW + timedelta(days=days))
    assert (engine.store.writes, len(engine.topic.records)) == (writes, said)
    await engine.tick(local("2023-10-21"))  # October's figures were due on the 20th: the units above say who is late
    assert [record.org_unit for record in engine.topic.progress()[said:]] == ["p", "p.a"]
    writes, said = engine.store.writes, len(engine.topic.records)
    for days in range(12, 40):
        await engine.tick(NOW + timedelta(days=days))
    assert (engine.store.writes, len(engine.topic.records)) == (writes, said)
    await engine.tick(local("2023-12-01"))  # two months after 30 September, which is 30 November, it is stale
    assert engine.record().status == "unknown"
    await engine.tick(local("2023-12-29"))  # fifteen days after the deadline
    assert (engine.record().previous_status, engine.record().status) == ("unknown", "missed")


async def test_time_moves_records_that_a_restarted_process_never_touched() -> None:
    engine = Engine(CATALOG, NOW)
    await engine.take(an_observation(numerator=90, denominator=100))
    await engine.tick()
    again = engine.restarted()
    await again.tick(local("2024-02-01"))
    assert again.record().status == "missed"


async def test_what_a_tick_wrote_and_could_not_publish_is_published_by_the_next() -> None:
    engine = Engine(CATALOG, NOW)
    engine.topic.fail = True
    with pytest.raises(Transient):
        await engine.tick()
    assert engine.topic.records == []
    again = engine.restarted()
    await again.tick()
    assert {(unit_id, period) for _, unit_id, period in again.latest()} == {("p.a.1", "2023"), ("p", "2023")}
    assert {record.version for record in again.topic.progress()} == {1}
    said = len(again.topic.records)
    await again.restarted().tick()
    assert len(again.topic.records) == said


async def test_a_new_target_judges_its_records_anew_and_only_those() -> None:
    engine = Engine(CATALOG, NOW)
    await engine.take(an_observation(numerator=90, denominator=100))
    await engine.tick()
    before = engine.latest()
    engine.catalogs.switch(a_catalog(a_target(value=89), a_target("p", 92, 80), number=2))
    await engine.tick()
    after = engine.latest()
    assert after["k", "p.a.1", "2023"].status == "achieved"
    assert after["k", "p.a.1", "2023"].catalog_version.startswith("2-")
    assert after["k", "p", "2023"] == before["k", "p", "2023"]


async def test_partitions_of_others_are_left_alone() -> None:
    engine = Engine(CATALOG, NOW)
    engine.delivery.assigned = frozenset()
    await engine.tick()
    assert engine.topic.records == []


async def test_units_are_spread_over_chunks_and_never_move() -> None:
    assert [chunks_for(number) for number in (0, 1, 80, 149, 800)] == [1, 1, 1, 1, 8]
    many = (unit("p", "province"), *[unit(f"p.{number}", "commune", "p") for number in range(300)])
    engine = Engine(a_catalog(units=many), NOW)
    await engine.take(*[an_observation(f"p.{number}", numerator=1, denominator=2) for number in range(300)])
    assert len(engine.store.stored_figures) == 3
    grown = a_catalog(units=(*many, *[unit(f"p.x{number}", "commune", "p") for number in range(500)]), number=2)
    engine.catalogs.switch(grown)
    again = Engine(grown, NOW, engine.store, engine.topic)
    await again.take(an_observation("p.7", numerator=2, denominator=2, revision=2))
    assert len(again.store.stored_figures) == 3
    assert again.record("p.7").value == 100


async def test_memory_is_bounded_by_figures_and_the_least_recently_used_kpis_are_read_again() -> None:
    engine = Engine(a_catalog(*[a_kpi(f"k{number}") for number in range(5)]), NOW, figures_in_memory=8)
    for _ in range(2):
        for number in range(5):
            await engine.take(an_increment(kpi=f"k{number}", numerator=1, denominator=2))
    assert len(engine.workshop.memory) == 2  # each with a figure and the records of three units
    assert [engine.record(kpi=f"k{number}").numerator for number in range(5)] == [2] * 5


async def test_a_batch_over_more_kpis_than_are_held_at_once_is_worked_on_in_shares() -> None:
    names = [f"k{number}" for number in range(2 * KPIS_AT_ONCE + 1)]
    engine = Engine(a_catalog(*[a_kpi(name) for name in names]), NOW, figures_in_memory=8)
    for _ in range(2):
        await engine.take(*[an_increment(kpi=name, numerator=1, denominator=2) for name in names])
    assert len(engine.workshop.memory) <= KPIS_AT_ONCE
    assert [engine.record(kpi=name).numerator for name in names] == [2] * len(names)


def test_the_handler_is_what_a_delivery_expects() -> None:
    assert asyncio.iscoroutinefunction(ObservationHandler.handle)
    assert asyncio.iscoroutinefunction(ObservationHandler.forget)
