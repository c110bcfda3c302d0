"""`tiendo rules explain` on the real database: the alert by its id and by KPI and unit, with what became of mails."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from typer.testing import CliRunner

from services.alerts import store
from services.alerts.alert import Alert
from services.alerts.ports import AlertChange, GroupChange, RowState
from services.alerts.rehearsal import Rehearsal
from services.cli.commands import app
from services.cli.made_up import PlanGiven, SeriesGiven, records
from services.cli.rules import readable
from services.runtime.mongo import Database
from tests.unit.catalog.folders import written

DAY = timedelta(days=1)
START = datetime(2023, 3, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written(tmp_path)
    return tmp_path


@pytest.fixture
async def database(mongo_uri: str, unique: Callable[[str], str]) -> AsyncIterator[Database]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_uri, tz_aware=True)
    database = client[f"{unique('explain').replace('-', '_')[:31]}_alerts"]
    await store.make_indexes(database)
    yield database
    await client.drop_database(database.name)
    await client.close()


async def happened(database: Database, folder: Path) -> Alert:
    """One commune falls behind; its owner's mail is refused by the relay."""
    catalog = readable(folder)
    plan = PlanGiven.model_validate({"baseline": 0, "value": 92, "deadline": "2023-12-14"})
    rehearsal = Rehearsal(catalog, START)
    for moment, record in records(SeriesGiven(kpi="signed", org="p.a", pace="1 0.85", plan=plan), DAY, catalog, START):
        await rehearsal.sees([record], moment)
    await rehearsal.until(START + 2 * DAY)
    (alert,) = rehearsal.alerts
    await store.MongoAlerts(database).save([AlertChange(alert)])
    await store.MongoGroups(database).save([GroupChange(group) for group in rehearsal.groups])
    mails, now = store.MongoMails(database), datetime.now(UTC)
    await mails.put(rehearsal.mails, now)
    (row,) = await mails.lease("one", now, now + DAY, 9)
    await mails.finish(row, RowState.DEAD, now, 550, "no such user")
    return alert


async def says(uri: str, database: Database, folder: Path, *asked: str) -> tuple[int, str]:
    """Exit code and what was printed."""
    environment = {
        "TIENDO_MONGO_URI": uri,
        "TIENDO_MONGO_DATABASE": database.name.removesuffix("_alerts"),
        "TIENDO_KAFKA_BOOTSTRAP": "127.0.0.1:9",
    }
    arguments = ["rules", "explain", *asked, "--catalog", str(folder)]
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=environment)
    return result.exit_code, result.output + (str(result.exception) if result.exit_code == 1 else "")


async def test_an_alert_is_explained_by_its_id_and_by_its_kpi_and_unit(
    mongo_uri: str, database: Database, folder: Path
) -> None:
    alert = await happened(database, folder)
    code, by_id = await says(mongo_uri, database, folder, alert.key.alert_id[:12])
    assert code == 0, by_id
    for words in (
        "“Văn bản ký số”, Xã A, 2023 · “Signed”, Xã A, 2023",
        "đang cảnh báo (FIRING): mức “cần theo dõi”, đợt 1, từ 02/03/2023 08:00",
        "02/03/2023 08:10: FIRST (lần báo đầu tiên) → Đầu mối <dau-moi@p.example>",
        "không gửi được (",
        "550 no such user",
        "the period is over, and with it the alert",
    ):
        assert words in by_id
    assert await says(mongo_uri, database, folder, "signed", "p.a") == (0, by_id)


async def test_what_is_not_known_says_what_to_write(mongo_uri: str, database: Database, folder: Path) -> None:
    code, said = await says(mongo_uri, database, folder, "abc")
    assert (code, "No alert has the id abc; name its KPI and its unit instead" in said) == (1, True)
    code, said = await says(mongo_uri, database, folder, "signed", "p.b")
    assert (code, "Nothing was judged yet of “signed” at “p.b”" in said) == (1, True)
