"""Topics of single publishers: whose word a record is there, and who answers for it."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from contracts.catalog import CatalogObject, Publisher
from contracts.topics import STATISTICS_REPORTED, own_topic, owner_of
from services.ingest.desk import Desks
from services.runtime.catalog import Catalog
from tests.unit.ingest.door import (
    CATALOG,
    EDOC,
    LOG,
    OBJECTS,
    PORTAL,
    TOPIC,
    Record,
    World,
    an_event,
    an_examiner,
    data,
    figure,
)

OWN = own_topic("dak-nong", "portal").name
EDOCS = own_topic("dak-nong", "edoc").name


def over(topic: str, content: Any = None, **event: Any) -> Record:
    return replace(an_event(content, **event), topic=topic)


def of_portal(topic: str = OWN, value: int = 3, **event: Any) -> Record:
    return over(topic, figure("terminals", org_unit="24611", value=value), **{"source": PORTAL, **event})


def rubbish(topic: str, source: str | None, offset: int) -> Record:
    one = over(topic, source=source or PORTAL, offset=offset, id=f"bad-{offset}")
    headers = [header for header in one.headers if header[0] != "ce_source" or source is not None]
    return replace(one, value=b"{broken", headers=headers)


def told(world: World) -> list[tuple[str, str | None, list[str]]]:
    """Who was told, of which event, under which codes."""
    return [(one["source"], one["id"], [p["code"] for p in one["problems"]]) for one in world.broker.rejections()]


@pytest.mark.parametrize(("province", "publisher"), [("dak-nong", "portal"), ("p-1_a", "so-y-te.2"), ("p", "a.b.c")])
def test_the_name_of_a_topic_says_whose_it_is(province: str, publisher: str) -> None:
    topic = own_topic(province, publisher)
    assert owner_of(topic.name) == (province, publisher)
    assert (topic.partitions, topic.retention) == (STATISTICS_REPORTED.partitions, STATISTICS_REPORTED.retention)


@pytest.mark.parametrize("name", [TOPIC, TOPIC + ".dlq", TOPIC + ".from", TOPIC + ".from.p", TOPIC + ".from.P.a", "x"])
def test_other_topics_are_nobodys(name: str) -> None:
    assert owner_of(name) is None


def test_a_province_with_a_dot_in_its_id_has_no_such_topics() -> None:
    with pytest.raises(ValueError, match="no topic"):
        own_topic("a.b", "c")


async def test_what_a_publisher_says_on_its_own_topic_is_taken_and_names_that_topic() -> None:
    world = World()
    await world.handle(of_portal(offset=7, partition=3))
    (seen,) = world.broker.observations()
    assert seen["raw"] == {"log": f"log of {OWN}", "topic": OWN, "partition": 3, "offset": 7}
    assert told(world) == []


async def test_a_source_of_another_is_refused_on_it_and_its_writer_is_told() -> None:
    world = World()
    await world.handle(over(OWN, source=EDOC), of_portal(id="e-2", offset=1))
    assert [seen["source_id"] for seen in world.broker.observations()] == ["e-2"]
    assert [entry.source_id for entry in world.ledger.entries.values()] == ["e-2"]
    (refusal,) = world.broker.rejections()
    assert told(world) == [(PORTAL, "e-1", ["not_your_figure"])]
    assert refusal["problems"][0]["value"] == EDOC
    assert PORTAL in refusal["problems"][0]["message_vi"]
    assert refusal["raw"] == {"log": f"log of {OWN}", "topic": OWN, "partition": 0, "offset": 0}


@pytest.mark.parametrize("numerator", [913, 914])
async def test_it_neither_touches_nor_learns_what_was_accepted_under_that_identity(numerator: int) -> None:
    world = World()
    await world.handle(an_event())
    await world.handle(over(OWN, data(numerator=numerator), source=EDOC, offset=4))
    assert told(world) == [(PORTAL, "e-1", ["not_your_figure"])]
    assert world.ledger.reuses == {}
    assert len(world.broker.observations()) == 1


async def test_an_unregistered_source_is_refused_on_it_and_its_writer_is_told() -> None:
    world = World()
    await world.handle(over(OWN, source="urn:new"))
    assert told(world) == [(PORTAL, "e-1", ["not_your_figure"])]


async def test_what_was_accepted_stays_so_when_its_source_went_to_another() -> None:
    first = World()
    await first.handle(of_portal())
    publishers = {"edoc": (EDOC, PORTAL), "portal": ("urn:portal:new",)}
    moved = [
        one.model_copy(update={"sources": publishers[one.id]}) if isinstance(one, Publisher) else one for one in OBJECTS
    ]
    world = World(ledger=first.ledger, examiner=an_examiner(moving=True, catalogs={"dak-nong": Catalog.of(moved)}))
    await world.handle(of_portal(), of_portal(id="e-2", offset=1))
    assert [seen["source_id"] for seen in world.broker.observations()] == ["e-1"]
    assert told(world) == [("urn:portal:new", "e-2", ["not_your_figure"])]


async def test_the_same_event_over_two_topics_is_one() -> None:
    world = World()
    await world.handle(of_portal(), of_portal(TOPIC))
    await world.handle(of_portal(TOPIC, offset=1))
    assert len(world.broker.observations()) == 1
    assert world.count("ingest_duplicates") == 2


async def test_records_at_the_same_offset_of_two_topics_are_told_apart() -> None:
    world = World()
    await world.handle(of_portal(TOPIC, offset=5))
    await world.handle(of_portal(value=4, offset=5))
    assert told(world) == [(PORTAL, "e-1", ["identity_reused"])]
    (evidence,) = world.ledger.reuses
    assert evidence == (f"log of {OWN}", OWN, 0, 5)


async def test_figures_of_another_province_are_refused_on_it() -> None:
    world = World(examiner=an_examiner(moving=True, catalogs={"dak-nong": CATALOG, "lam-dong": CATALOG}))
    await world.handle(of_portal(own_topic("lam-dong", "portal").name))
    (refusal,) = world.broker.rejections()
    assert [(p["code"], p["field"], p["value"]) for p in refusal["problems"]] == [
        ("not_your_figure", "province", "dak-nong")
    ]


async def test_on_the_topic_of_somebody_whom_the_catalog_does_not_know_nothing_is_taken() -> None:
    world, topic = World(), own_topic("dak-nong", "gone").name
    await world.handle(of_portal(topic), of_portal(own_topic("gone", "portal").name, offset=1))
    assert world.broker.observations() == []
    assert [(source, codes) for source, _, codes in told(world)] == [
        (f"urn:tiendo:topic:{topic}", ["not_your_figure"]),
        ("urn:tiendo:topic:statistics.reported.v1.from.gone.portal", ["not_your_figure"]),
    ]


@pytest.mark.parametrize("source", [EDOC, "urn:invented", None])
async def test_rubbish_parks_whoever_wrote_it_whatever_source_it_names(source: str | None) -> None:
    world = World()
    await world.handle(*[rubbish(OWN, source, offset) for offset in range(50)])
    assert set(world.parkings.sources) == {PORTAL}
    assert {letter.source for letter in world.broker.letters} == {PORTAL}
    assert set(world.broker.blames) == {PORTAL}
    await world.handle(an_event(id="e-2"), over(EDOCS, id="e-3", offset=1), of_portal(id="e-4", offset=50))
    assert [seen["source_id"] for seen in world.broker.observations()] == ["e-2", "e-3"]


async def test_dead_letters_say_from_which_log_they_came() -> None:
    world = World()
    await world.handle(rubbish(OWN, PORTAL, 0), rubbish(TOPIC, EDOC, 0))
    assert [(letter.record.topic, letter.log) for letter in world.broker.letters] == [
        (OWN, f"log of {OWN}"),
        (TOPIC, LOG),
    ]


def test_a_binding_follows_the_catalog() -> None:
    catalogs = {"dak-nong": CATALOG}
    desks = Desks(catalogs, an_examiner().desks._lead)
    before = desks.bound(OWN)
    assert before is not None
    assert before.sources == {PORTAL}
    assert desks.bound(TOPIC) is None
    objects: list[CatalogObject] = [one for one in OBJECTS if not (isinstance(one, Publisher) and one.id == "portal")]
    catalogs["dak-nong"] = Catalog.of(objects)
    after = desks.bound(OWN)
    assert after is not None
    assert after.sources == frozenset()


async def test_observations_of_two_topics_have_no_coordinates_in_common() -> None:
    world = World()
    await world.handle(*[of_portal(topic, id=topic) for topic in (OWN, TOPIC)], over(EDOCS, id="x"))
    places = [orjson.loads(entry.payload)["raw"] for entry in world.ledger.entries.values()]
    assert len({(one["log"], one["partition"], one["offset"]) for one in places}) == 3
