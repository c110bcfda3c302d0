"""The store on MongoDB: the promises of the suite, and what only the database can show."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient, WriteConcern
from pymongo.errors import BulkWriteError

from services.alerts import publisher_store, store
from services.alerts.audit_store import MongoBooks
from services.alerts.documents import NewerDocument
from services.alerts.ports import AlertChange, Kept
from services.alerts.recollecting import told_of
from services.alerts.reminding import Watched
from services.runtime.mongo import Database
from tests.unit.alerts.audit_suite import AuditSuite, Shelf
from tests.unit.alerts.builders import KEY
from tests.unit.alerts.letters import KEY as LETTERS
from tests.unit.alerts.letters import a_note
from tests.unit.alerts.store_suite import (
    AlertsSuite,
    CorrespondencesSuite,
    GroupsSuite,
    MailsSuite,
    NotesSuite,
    SightingsSuite,
    TimesSuite,
    opened,
    two_mails,
)


@pytest.fixture
async def database(mongo_uri: str, unique: Callable[[str], str]) -> AsyncIterator[Database]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_uri, tz_aware=True)
    name = unique("alerts")
    await store.make_indexes(client[name])
    await publisher_store.make_indexes(client[name])
    yield client[name]
    await client.drop_database(name)
    await client.close()


class TestMongoAlerts(AlertsSuite):
    @pytest.fixture
    def alerts(self, database: Database) -> store.MongoAlerts:
        return store.MongoAlerts(database)


class TestMongoGroups(GroupsSuite):
    @pytest.fixture
    def groups(self, database: Database) -> store.MongoGroups:
        return store.MongoGroups(database)


class TestMongoMails(MailsSuite):
    @pytest.fixture
    def mails(self, database: Database) -> store.MongoMails:
        return store.MongoMails(database)


class TestMongoTimes(TimesSuite):
    @pytest.fixture
    def times(self, database: Database) -> store.MongoTimes:
        return store.MongoTimes(database)


class TestMongoNotes(NotesSuite):
    @pytest.fixture
    def notes(self, database: Database) -> publisher_store.MongoNotes:
        return publisher_store.MongoNotes(database, timedelta(days=30))


class TestMongoCorrespondences(CorrespondencesSuite):
    @pytest.fixture
    def correspondences(self, database: Database) -> publisher_store.MongoCorrespondences:
        return publisher_store.MongoCorrespondences(database)


class TestMongoSightings(SightingsSuite):
    @pytest.fixture
    def sightings(self, database: Database) -> publisher_store.MongoSightings:
        return publisher_store.MongoSightings(database)


class TestAuditOfMongo(AuditSuite):
    @pytest.fixture
    def shelf(self, database: Database) -> Shelf:
        alerts, groups, mails = store.MongoAlerts(database), store.MongoGroups(database), store.MongoMails(database)
        return Shelf(alerts, groups, mails, MongoBooks(database))


async def test_what_another_worker_left_lying_is_swept(database: Database) -> None:
    alerts = store.MongoAlerts(database)
    alert, effects = opened()
    await alerts.save([AlertChange(alert, effects)])
    past = datetime.now(UTC) - 2 * store.LEFT_LYING
    await database["alerts"].update_one({"_id": KEY.alert_id}, {"$set": {"events.0.written": past}})
    (pending,) = await alerts.pending(None, 9)
    assert pending.transitions == effects


async def test_a_document_of_a_newer_release_is_refused(database: Database) -> None:
    alerts = store.MongoAlerts(database)
    alert, _ = opened()
    await alerts.save([AlertChange(alert)])
    await database["alerts"].update_one({"_id": KEY.alert_id}, {"$set": {"schema": 99}})
    with pytest.raises(NewerDocument, match="newer release"):
        await alerts.load([KEY.alert_id])


async def test_a_queued_mail_that_the_majority_did_not_take_is_an_error(database: Database) -> None:
    mails = store.MongoMails(database.with_options(write_concern=WriteConcern(w=2, wtimeout=100)))
    with pytest.raises(BulkWriteError):
        await mails.put([two_mails()[0]], datetime.now(UTC))


async def test_notes_are_forgotten_a_while_after_they_were_folded_in(database: Database) -> None:
    notes = publisher_store.MongoNotes(database, timedelta(days=30))
    await notes.put([Kept(LETTERS, a_note(1)), Kept(LETTERS, a_note(2))])
    until = datetime.now(UTC) + timedelta(days=7)
    await notes.folded(["log/0/1"], until)
    folded, waits = await database["notes"].find().sort("_id").to_list()
    assert abs(folded["forget_at"] - until) < timedelta(seconds=1)
    assert "note" not in folded
    assert waits["forget_at"] > until
    indexes = await database["notes"].index_information()
    assert indexes["forget_at_1"]["expireAfterSeconds"] == 0


async def test_since_when_figures_are_looked_at_is_settled_once(database: Database) -> None:
    sightings, first = publisher_store.MongoSightings(database), Watched(date(2023, 9, 1), whole=False)
    assert await sightings.watched(first) == first
    assert await sightings.watched(Watched(date(2023, 10, 1), whole=True)) == first
    assert await sightings.newest("dak-nong") == {}


async def test_every_query_of_the_stages_has_an_index(database: Database) -> None:
    await store.MongoAlerts(database).save([AlertChange(*opened())])
    now = datetime.now(UTC) + timedelta(days=4000)
    queries: list[tuple[str, dict[str, Any]]] = [
        ("alerts", store.due_by("next_due_at", now)),
        ("alerts", {"events.written": {"$lt": now}}),
        ("groups", store.wait_over(now, now)),
        ("groups", {"outbox.written": {"$lt": now}}),
        ("groups", told_of(KEY)),
        ("notes", {"whose": LETTERS.id, **publisher_store.waiting(now)}),
        ("notes", publisher_store.mendable({"$gt": ""}, {"$gt": ""})),
        ("notes", publisher_store.mendable({"$in": ["a"]}, {"$in": ["b"]})),
        ("correspondences", {"outbox.written": {"$lt": now}}),
        ("sightings", publisher_store.stands_in("dak-nong")),
        ("notifications", {"state": {"$in": store.READY}, "not_before": {"$lte": now}}),
    ]
    for collection, query in queries:
        plan = await database[collection].find(query).explain()
        assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"]), (collection, query)
