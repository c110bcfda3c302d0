"""The store on MongoDB: the promises of the suite, and what only the database can show."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient, WriteConcern
from pymongo.errors import BulkWriteError

from services.alerts import store
from services.alerts.documents import NewerDocument
from services.alerts.ports import AlertChange
from services.runtime.mongo import Database
from tests.unit.alerts.builders import KEY
from tests.unit.alerts.store_suite import AlertsSuite, GroupsSuite, MailsSuite, TimesSuite, opened, two_mails


@pytest.fixture
async def database(mongo_uri: str, unique: Callable[[str], str]) -> AsyncIterator[Database]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_uri, tz_aware=True)
    name = unique("alerts")
    await store.make_indexes(client[name])
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


async def test_every_query_of_the_stages_has_an_index(database: Database) -> None:
    await store.MongoAlerts(database).save([AlertChange(*opened())])
    now = datetime.now(UTC) + timedelta(days=4000)
    queries: list[tuple[str, dict[str, Any]]] = [
        ("alerts", store.due_by("next_due_at", now)),
        ("alerts", {"events.written": {"$lt": now}}),
        ("groups", store.wait_over(now, now)),
        ("groups", {"outbox.written": {"$lt": now}}),
        ("notifications", {"state": {"$in": store.READY}, "not_before": {"$lte": now}}),
    ]
    for collection, query in queries:
        plan = await database[collection].find(query).explain()
        assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"]), (collection, query)
