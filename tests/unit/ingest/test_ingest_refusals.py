"""Which refusals came only too early."""

from datetime import timedelta

import orjson
import pytest

from services.ingest import refusals
from services.ingest.normalise import Raw
from services.ingest.refusals import EARLY, Refused
from services.runtime.kafka.producer import AnyRecord, Verbatim
from tests.unit.ingest.door import EDOC, LOG, NOON, TOPIC, Record, World, an_event, data, figure


async def refused(*records: Record) -> list[Refused | None]:
    """What is read of the rejections that the door publishes for these."""
    world = World()
    await world.handle(*records)
    return [refusals.read(one.headers, one.value, TOPIC) for one in world.broker.on("statistics.rejected.v1")]


async def test_a_refusal_says_of_which_record_it_speaks() -> None:
    (one,) = await refused(an_event(figure("later", value=1), id="a/b", offset=7, partition=3))
    assert one == Refused(EDOC, "a/b", Raw(LOG, TOPIC, 3, 7), frozenset({"unknown_kpi"}), NOON)


async def test_it_came_early_if_nothing_but_the_catalog_stood_against_it() -> None:
    events = [figure("later", value=1), data(org_unit="nowhere"), data(province="elsewhere"), data(numerator=1013)]
    found = await refused(*(an_event(content, id=f"e-{n}", offset=n) for n, content in enumerate(events)))
    assert [refusals.early(one, EARLY) for one in found if one is not None] == [True, True, True, False]
    both = Refused(EDOC, "e", Raw(LOG, TOPIC, 0, 0), frozenset({"unknown_org_unit", "negative"}), NOON)
    assert not refusals.early(both, EARLY)
    assert refusals.early(both, EARLY | {"negative"})


async def test_what_tells_of_no_event_is_passed_over() -> None:
    rubbish = an_event()
    rubbish.value, rubbish.headers = b"{", [("ce_source", EDOC.encode())]
    assert await refused(rubbish) == [None]
    world = World()
    for n in range(60):
        record = an_event(offset=n)
        record.value = b"{"
        await world.handle(record)
    parked = world.broker.on("statistics.rejected.v1")[-1]
    assert refusals.read(parked.headers, parked.value, TOPIC) is None


async def as_older_releases_wrote_it(record: Record) -> AnyRecord:
    """The refusal of a record: its coordinates stood in the id only."""
    world = World()
    await world.handle(record)
    (one,) = world.broker.on("statistics.rejected.v1")
    said = orjson.loads(one.value or b"")
    del said["raw"]
    return Verbatim(one.key, orjson.dumps(said), [*one.headers])


async def test_what_older_releases_refused_came_over_the_one_topic_that_there_was() -> None:
    one = await as_older_releases_wrote_it(an_event(figure("later", value=1), offset=7, partition=3))
    found = refusals.read(one.headers, one.value, TOPIC)
    assert found is not None
    assert found.raw == Raw(LOG, TOPIC, 3, 7)


@pytest.mark.parametrize("ce_id", [b"", b"log/x/1", b"only", b"log/1"])
async def test_an_id_without_coordinates_is_passed_over(ce_id: bytes) -> None:
    one = await as_older_releases_wrote_it(an_event(figure("later", value=1)))
    headers = [(name, ce_id if name == "ce_id" else text) for name, text in one.headers]
    assert refusals.read(headers, one.value, TOPIC) is None
    assert refusals.read(one.headers, b"{", TOPIC) is None
    assert refusals.read(one.headers, None, TOPIC) is None


def test_of_each_event_the_refusal_that_came_last_counts() -> None:
    first = Refused(EDOC, "a", Raw(LOG, TOPIC, 0, 5), frozenset({"unknown_kpi"}), NOON)
    later = first._replace(raw=Raw(LOG, TOPIC, 0, 9), codes=frozenset({"negative"}))
    other = first._replace(id="b", at=NOON - timedelta(days=1))
    assert refusals.latest([later, first, other, first]) == [other, later]
    tomorrow = first._replace(raw=Raw(LOG, TOPIC, 0, 1), at=NOON + timedelta(days=1))
    assert refusals.latest([tomorrow, later]) == [tomorrow]
