"""`tiendo mail queue | requeue` on the real database: what the operator sees of dead mails, and does about them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from typer.testing import CliRunner

from services.alerts import store
from services.alerts.ports import RowState
from services.cli.mail import app
from tests.unit.alerts.store_suite import two_mails

SOON = timedelta(seconds=60)


class Operator:
    """Runs the command against one database."""

    def __init__(self, mongo_uri: str, name: str) -> None:
        self._environment = {
            "TIENDO_MONGO_URI": mongo_uri,
            "TIENDO_MONGO_DATABASE": name,
            "TIENDO_KAFKA_BOOTSTRAP": "127.0.0.1:9",
        }

    async def says(self, *arguments: str) -> tuple[int, str]:
        """Exit code and what was printed."""
        result = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=self._environment)
        return result.exit_code, result.output + (str(result.exception) if result.exit_code == 1 else "")


@pytest.fixture
async def mails(mongo_uri: str, operator: Operator, name: str) -> AsyncIterator[store.MongoMails]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_uri, tz_aware=True)
    database = client[f"{name}_alerts"]
    await store.make_indexes(database)
    yield store.MongoMails(database)
    await client.drop_database(database.name)
    await client.close()


@pytest.fixture
def name(unique: Callable[[str], str]) -> str:
    return unique("queue").replace("-", "_")[:31]


@pytest.fixture
def operator(mongo_uri: str, name: str) -> Operator:
    return Operator(mongo_uri, name)


async def test_a_dead_mail_is_named_with_what_the_relay_said_and_one_word_sends_it_again(
    mails: store.MongoMails, operator: Operator
) -> None:
    first, second = two_mails()
    now = datetime.now(UTC)
    await mails.put([first, second], now)
    for state, raw in ((RowState.DEAD, b"the mail"), (RowState.CANCELLED, None)):
        (row,) = await mails.lease("one", now, now + SOON, 9)
        if raw is not None:
            await mails.freeze(row, raw)
        await mails.finish(row, state, now, 550 if raw else None, "no such user")

    code, said = await operator.says("queue")
    assert code == 0, said
    for words in (first.row_id[:12], first.addressee, "FIRST", "dead", "550", "user"):
        assert words in said
    assert second.row_id[:12] not in said

    code, said = await operator.says("requeue", first.row_id[:12])
    assert (code, said) == (0, "2 thư trở lại hàng chờ · 2 back in the queue.\n")
    later = datetime.now(UTC)
    (row,) = await mails.lease("one", later, later + SOON, 9)
    assert (row.mail, row.raw) == (first, b"the mail")

    code, said = await operator.says("queue", "--state", "waiting", "--json")
    assert {one["id"]: one["state"] for one in json.loads(said)} == {first.row_id: "leased", second.row_id: "queued"}


async def test_what_cannot_be_meant_is_said_and_changes_nothing(mails: store.MongoMails, operator: Operator) -> None:
    assert await operator.says("queue") == (0, "Không có thư nào (dead) · No such mails (dead).\n")
    for arguments in (("requeue",), ("requeue", "abc", "--all")):
        code, said = await operator.says(*arguments)
        assert (code, "--all" in said) == (1, True)
    code, said = await operator.says("requeue", "abc")
    assert code == 1
    assert "Không có thư nào không gửi được mang mã abc" in said
    assert await operator.says("requeue", "--all") == (0, "0 thư trở lại hàng chờ · 0 back in the queue.\n")
