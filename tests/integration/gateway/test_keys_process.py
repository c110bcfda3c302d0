"""Keys as publishers and operators meet them: `tiendo keys` and a gateway in production, as processes."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from services.gateway import intake
from tests.integration.gateway.processes import ROOT, Running, a_gateway, environment, prepare, ready, until
from tests.servers import KafkaServer, MongoServer
from tests.unit.gateway.judged_province import dak_nong

PUBLISHER = next(one for one in dak_nong().publishers if "edoc-signed-share" in one.kpis)
FIGURE = {"province": "dak-nong", "kpi": "edoc-signed-share", "org_unit": "24611", "as_of": "2023-09-30", "value": 91}
EVENT = {"specversion": "1.0", "id": "1", "source": PUBLISHER.sources[0], "type": intake.TYPE, "data": FIGURE}
FRESH_S = 1.0


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Operator:
    """Somebody who runs `tiendo` against the servers of the run."""

    given: Mapping[str, str]

    async def keys(self, *words: str, **changes: str) -> Said:
        """Run `tiendo keys …`."""
        command = [sys.executable, "-m", "services.cli", "keys", *words]
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=ROOT, env={**self.given, **changes}, capture_output=True, text=True, timeout=60
        )
        assert "Traceback" not in done.stderr
        return Said(done.returncode, done.stdout, done.stderr)

    async def make(self, *words: str) -> str:
        """A new key of the publisher."""
        said = await self.keys("create", PUBLISHER.id, *words)
        assert said.code == 0, said.err
        return said.out.strip()


@pytest.fixture
async def operator(kafka_server: KafkaServer, mongo_server: MongoServer, unique: Callable[[str], str]) -> Operator:
    await prepare(kafka_server)
    return Operator(environment(kafka_server, mongo_server, unique("k").replace("-", "_"), 0))


Answer = tuple[int, str, Mapping[str, str]]


def posted(gateway: Running, key: str | None, event: Any = EVENT, query: str = "") -> Answer:
    """Status, code and headers of the answer."""
    batch = "-batch" if isinstance(event, list) else ""
    headers = {"content-type": f"application/cloudevents{batch}+json"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    url = f"{gateway.url}/api/v1/statistics{query}"
    request = urllib.request.Request(url, json.dumps(event).encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, "", dict(answer.headers.items())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())["code"], dict(error.headers.items())


async def send(gateway: Running, key: str | None, event: Any = EVENT, query: str = "") -> tuple[int, str]:
    return (await asyncio.to_thread(posted, gateway, key, event, query))[:2]


async def test_two_keys_open_while_one_replaces_the_other_and_a_third_is_not_made(
    operator: Operator, kafka_server: KafkaServer, mongo_server: MongoServer, tmp_path: Path
) -> None:
    database = operator.given["TIENDO_MONGO_DATABASE"]
    production = {"TIENDO_PROFILE": "production", "TIENDO_GATEWAY_KEYS_FRESH_S": str(FRESH_S)}
    async with a_gateway(kafka_server, mongo_server, database, tmp_path, **production) as gateway:
        await ready(gateway)
        old = await operator.make("--name", "phòng một cửa")
        old_id = old.split("_")[1]
        assert await send(gateway, None) == (401, "no_key")
        assert await send(gateway, None, query="?dry_run=true") == (401, "no_key")
        # Let in; ingest, which would say what becomes of the event, does not run here.
        assert await send(gateway, old, query="?dry_run=true") == (503, "unavailable")
        assert await send(gateway, old) == (202, "")

        rotated = await operator.keys("rotate", old_id, "--overlap-days", "3")
        new = rotated.out.strip()
        assert f"the old key {old_id} holds until" in rotated.err
        assert await send(gateway, old) == await send(gateway, new) == (202, "")
        third = await operator.keys("create", PUBLISHER.id)
        assert (third.code, third.out) == (2, "")
        assert "has 2 keys that hold" in third.err
        assert old_id in third.err

        assert (await operator.keys("revoke", old_id)).code == 0
        revoked = time.monotonic()
        await until(lambda: posted(gateway, old)[:2] == (401, "revoked_key"), 10)
        assert time.monotonic() - revoked < FRESH_S + 2.0
        assert await send(gateway, new) == (202, "")

        reader = await operator.make("--scope", "events:read")
        assert await send(gateway, reader) == (403, "missing_scope")
        reader_id = reader.split("_")[1]
        refused = (await operator.keys("rotate", reader_id)).err
        assert "has 2 keys that hold" in refused
        assert [new.split("_")[1] in refused, reader_id in refused, "--replace" in refused] == [True] * 3
        at_once = await operator.keys("rotate", reader_id, "--overlap-days", "0")
        assert f"{reader_id} is revoked" in at_once.err
        assert await send(gateway, at_once.out.strip()) == (403, "missing_scope")
        assert await send(gateway, new, {**EVENT, "source": "urn:somebody:else"}) == (403, "not_your_source")
        assert await send(gateway, new[:-2] + "AA") == (401, "bad_key")
        assert await send(gateway, "tdk_garbled") == (401, "bad_key")

        async def used() -> list[Any]:
            return [one["last_used"] for one in json.loads((await operator.keys("list", "--all", "--json")).out)]

        async with asyncio.timeout(10):
            while None in await used():  # noqa: ASYNC110 - the gateway writes it
                await asyncio.sleep(0.2)
        listed = await operator.keys("list")
        assert "phòng một cửa" in listed.out
        assert old_id not in listed.out
        assert gateway.stop() == 0
        nobody_wrote_down(
            [old, new, reader, at_once.out.strip()], gateway.log.read_text(), stored(mongo_server, database)
        )


async def test_a_person_has_keys_of_their_own_which_publish_nothing(
    operator: Operator, kafka_server: KafkaServer, mongo_server: MongoServer, tmp_path: Path
) -> None:
    database = operator.given["TIENDO_MONGO_DATABASE"]
    async with a_gateway(kafka_server, mongo_server, database, tmp_path, TIENDO_PROFILE="production") as gateway:
        await ready(gateway)
        made = await operator.keys("create", "--person", "manager.dak-nong", "--name", "điện thoại")
        assert made.code == 0, made.err
        assert "of manager.dak-nong (dak-nong) for alerts:act" in made.err
        key = made.out.strip()
        assert await send(gateway, key) == (403, "not_a_publisher")

        for words, why in (
            (("create",), "Say whose key it is"),
            (("create", PUBLISHER.id, "--person", "manager.dak-nong"), "Say whose key it is"),
            (("create", "--person", "manager.dak-non"), "Did you mean manager.dak-nong"),
            (("create", PUBLISHER.id, "--scope", "alerts:act"), "A publisher's key is not for alerts:act"),
            (("create", "--person", "manager.dak-nong", "--scope", "events:read"), "not for events:read"),
        ):
            refused = await operator.keys(*words)
            assert (refused.code, refused.out) == (2, "")
            assert why in refused.err

        rotated = await operator.keys("rotate", key.split("_")[1])
        assert "of manager.dak-nong (dak-nong) for alerts:act" in rotated.err
        listed = json.loads((await operator.keys("list", "--person", "manager.dak-nong", "--json")).out)
        assert [(one["person"], one["publisher"], one["scopes"]) for one in listed] == [
            ("manager.dak-nong", None, ["alerts:act"])
        ] * 2
        shown = await operator.keys("list")
        assert "dak-nong/manager.dak-nong" in shown.out
        assert (await operator.keys("revoke", key.split("_")[1])).code == 0
        assert gateway.stop() == 0
        nobody_wrote_down([key, rotated.out.strip()], gateway.log.read_text(), stored(mongo_server, database))


def nobody_wrote_down(texts: list[str], *where: str) -> None:
    """The secrets stand nowhere there, whole or in part."""
    for text in texts:
        secret = text.split("_", 2)[2]
        for place in where:
            assert place
            assert secret[:12] not in place
            assert secret[-12:] not in place


def stored(server: MongoServer, database: str) -> str:
    """Everything in the gateway's database, as text."""
    with MongoClient[dict[str, Any]](server.uri) as client:
        found = client[f"{database}_gateway"]
        return str([document for name in found.list_collection_names() for document in found[name].find()])


async def test_where_two_keys_hold_the_one_that_is_named_gives_way_to_a_third(operator: Operator) -> None:
    old = (await operator.make("--name", "phòng một cửa")).split("_")[1]
    lost = (await operator.keys("rotate", old)).out.split("_")[1]
    refused = await operator.keys("rotate", old)
    assert (refused.code, refused.out) == (2, "")
    for said in (
        f"{old}  “phòng một cửa”, made ",
        f"{lost}  “phòng một cửa”, made ",
        "never used",
        "--replace OTHER",
    ):
        assert said in refused.err
    made = await operator.keys("rotate", old, "--replace", lost)
    assert (made.code, f"{lost} is revoked" in made.err, f"the old key {old} holds until" in made.err) == (
        0,
        True,
        True,
    )
    standing = {one["id"]: one["standing"] for one in json.loads((await operator.keys("list", "--all", "--json")).out)}
    assert standing == {old: "valid", lost: "revoked", made.out.split("_")[1]: "valid"}
    assert "There is no key 'nonsense'" in (await operator.keys("rotate", old, "--replace", "nonsense")).err


async def test_whoever_is_refused_while_sending_much_still_reads_why(
    operator: Operator, kafka_server: KafkaServer, mongo_server: MongoServer, tmp_path: Path
) -> None:
    database = operator.given["TIENDO_MONGO_DATABASE"]
    batch = [{**EVENT, "id": "x" * 1_000}] * 5_000
    async with a_gateway(kafka_server, mongo_server, database, tmp_path, TIENDO_PROFILE="production") as gateway:
        await ready(gateway)
        for _ in range(5):
            assert await send(gateway, None, batch) == (401, "no_key")


async def test_a_key_expires_by_itself(
    operator: Operator, kafka_server: KafkaServer, mongo_server: MongoServer, tmp_path: Path
) -> None:
    database = operator.given["TIENDO_MONGO_DATABASE"]
    async with a_gateway(kafka_server, mongo_server, database, tmp_path, TIENDO_PROFILE="production") as gateway:
        await ready(gateway)
        key = await operator.make("--days", "1")
        assert await send(gateway, key) == (202, "")
        with MongoClient[dict[str, Any]](mongo_server.uri) as client:
            keys = client[f"{database}_gateway"]["keys"]
            (document,) = keys.find()
            keys.update_one({}, {"$set": {"expires": document["created"]}})
        await until(lambda: posted(gateway, key)[:2] == (401, "expired_key"), 10)
        assert "expired" in (await operator.keys("list", "--all")).out
        assert (await operator.keys("rotate", key.split("_")[1])).code == 2


async def test_too_much_of_one_key_is_429_with_when_to_come_again_and_then_let_in(
    operator: Operator, kafka_server: KafkaServer, mongo_server: MongoServer, tmp_path: Path
) -> None:
    limits = {
        "TIENDO_PROFILE": "production",
        "TIENDO_GATEWAY_REQUESTS_PER_MINUTE": "60",
        "TIENDO_GATEWAY_EVENTS_PER_MINUTE": "600",
    }
    database = operator.given["TIENDO_MONGO_DATABASE"]
    async with a_gateway(kafka_server, mongo_server, database, tmp_path, **limits) as gateway:
        await ready(gateway)
        key = await operator.make()
        batch = [{**EVENT, "id": f"batch-{number}"} for number in range(595)]
        assert await send(gateway, key, batch) == (202, "")
        status, code, headers = await asyncio.to_thread(posted, gateway, key, batch)
        assert (status, code) == (429, "too_many_events")
        assert 55 <= int(headers["retry-after"]) <= 60
        assert headers["ratelimit-policy"] == '"requests";q=60;w=60, "events";q=600;w=60'

        def until_refused() -> Answer:
            while (answer := posted(gateway, key))[0] == 202:
                pass
            return answer

        status, code, headers = await asyncio.to_thread(until_refused)
        assert (status, code) == (429, "too_many_events")
        await asyncio.sleep(int(headers["retry-after"]))  # what the answer asks for
        assert await send(gateway, key) == (202, "")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("create", "nobody"), "has no publisher nobody"),
        (("create", PUBLISHER.id[:-1]), f"Did you mean {PUBLISHER.id}"),
        (("create", PUBLISHER.id, "--province", "atlantis"), "no catalog of atlantis; there are: "),
        (("create", PUBLISHER.id, "--name", "x" * 81), "at most 80 characters"),
        (("revoke", "000000000000"), "There is no key '000000000000'"),
        (("rotate", "nonsense"), "There is no key 'nonsense'"),
        (("revoke", "tdk_000000000000_" + "A" * 43), "Name the key by its id"),
    ],
)
async def test_a_mistake_ends_in_one_sentence(operator: Operator, words: tuple[str, ...], named: str) -> None:
    said = await operator.keys(*words)
    assert (said.code, said.out) == (2, "")
    assert named in said.err
    assert len(said.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [("TIENDO_KAFKA_BOOTSTRAP", "127.0.0.1:1"), ("TIENDO_MONGO_URI", "mongodb://127.0.0.1:1/?replicaSet=rs0")],
)
async def test_a_server_that_is_away_is_named(operator: Operator, variable: str, value: str) -> None:
    said = await operator.keys("create", PUBLISHER.id, **{variable: value, "TIENDO_START_TIMEOUT_S": "1"})
    assert (said.code, said.out) == (2, "")
    assert variable in said.err


async def test_without_keys_the_list_says_how_to_make_one(operator: Operator) -> None:
    said = await operator.keys("list")
    assert (said.code, said.out) == (0, "")
    assert "tiendo keys create" in said.err
    assert json.loads((await operator.keys("list", "--json")).out) == []


async def test_in_a_trial_this_machine_needs_no_key_and_one_that_is_shown_is_checked(
    operator: Operator, kafka_server: KafkaServer, mongo_server: MongoServer, tmp_path: Path
) -> None:
    async with a_gateway(kafka_server, mongo_server, operator.given["TIENDO_MONGO_DATABASE"], tmp_path) as gateway:
        await ready(gateway)
        assert await send(gateway, None, {**EVENT, "source": "urn:test:anybody"}) == (202, "")
        assert await send(gateway, "x") == (401, "bad_key")
        key = await operator.make()
        assert await send(gateway, key) == (202, "")
        assert await send(gateway, key, {**EVENT, "source": "urn:test:anybody"}) == (403, "not_your_source")
