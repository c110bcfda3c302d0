"""The HTTP side over a read model in memory: filters, pages, ETags, errors, the door, the page, the headers."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient

from services.gateway import api, intake
from services.gateway.admission import Admission
from services.gateway.app import asked_by_name
from services.gateway.documents import Place
from services.gateway.keyring import Keyring
from services.gateway.live import Hub
from services.gateway.outbox import Outbox
from services.gateway.owners import Owners
from services.gateway.parts import Parts
from services.gateway.settings import GatewaySettings, Settings
from services.runtime.catalog.catalog import Catalog
from services.runtime.clock import DataClock
from services.runtime.errors import Transient
from services.runtime.health import Health
from services.runtime.kafka.producer import Outgoing
from services.runtime.telemetry import Telemetry
from tests.unit.gateway.fake_keys import FakeKeys
from tests.unit.gateway.fake_model import FakeModel
from tests.unit.gateway.fake_replies import FakeReplies
from tests.unit.gateway.judged_province import NOW, dak_nong
from tests.unit.gateway.owning import Away, ingest_examining, nobody, owners
from tests.unit.gateway.records import a_document, a_told, an_alert
from tests.unit.ingest.door import EDOC, data, figure

CATALOG = dak_nong()
COMMUNE = Place("commune", ("dak-nong.huyen-cu-jut", "dak-nong"))
FIGURE = {"province": "dak-nong", "kpi": "edoc-signed-share", "org_unit": "24611", "as_of": "2023-09-30", "value": 91}
EVENT = {"specversion": "1.0", "id": "1", "source": "urn:a", "type": intake.TYPE, "data": FIGURE}
STRUCTURED = {"content-type": "application/cloudevents+json"}


class FakeBroker:
    """Keeps what it acknowledged; `away` refuses."""

    def __init__(self) -> None:
        self.published: list[Outgoing] = []
        self.away = False

    async def publish(self, topic: str, records: Sequence[Outgoing]) -> None:
        if self.away:
            raise Transient("away")
        self.published += records


class Gateway:
    """An application over fakes."""

    def __init__(
        self,
        profile: str = "embedded",
        catalogs: dict[str, Catalog] | None = None,
        owners: Owners | None = None,
        **limits: float,
    ) -> None:
        self.keys, telemetry = FakeKeys(), Telemetry()
        given = {"max_body_bytes": 4_096, "max_streams": 1, **limits}
        gateway = GatewaySettings.model_validate(given)

        def in_force() -> dict[str, Catalog]:
            return {"dak-nong": CATALOG} if catalogs is None else catalogs

        self.model, self.broker, self.hub = FakeModel(), FakeBroker(), Hub()
        self.replies = FakeReplies()
        self.outbox = Outbox(self.broker, "statistics.reported.v1", 10_000_000)
        self.parts = Parts(
            settings=Settings.model_validate({"profile": profile, "gateway": gateway}),
            model=self.model,
            replies=self.replies,
            catalogs=in_force,
            hub=self.hub,
            admission=Admission(
                gateway,
                Keyring(self.keys, gateway.keys_fresh_s),
                in_force,
                lambda: self.parts.clock.now(),
                telemetry.counter("requests_refused", "", "code"),
                open_here=profile == "embedded",
            ),
            outbox=self.outbox,
            owners=nobody() if owners is None else owners,
            clock=DataClock(NOW),
            health=Health(),
            telemetry=telemetry,
        )

    @asynccontextmanager
    async def client(self, base: str = "http://127.0.0.1:8080") -> AsyncIterator[AsyncClient]:
        posting = asyncio.create_task(self.outbox.run())
        transport = ASGITransport(app=api.create(self.parts), raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url=base) as client:
            yield client
        posting.cancel()
        with suppress(asyncio.CancelledError):
            await posting


async def filled() -> Gateway:
    gateway = Gateway()
    await fill(gateway)
    return gateway


async def fill(gateway: Gateway) -> None:
    units = ("dak-nong.cu-jut.xa-dak-wil", "dak-nong.cu-jut.xa-ea-po", "dak-nong.cu-jut.xa-nam-dong")
    await gateway.model.put_progress([a_document(COMMUNE, org_unit=unit) for unit in units])
    await gateway.model.put_progress([a_document(Place("province", ()), org_unit="dak-nong")])
    await gateway.model.put_alerts([an_alert(COMMUNE)], [a_told()])


def units_of(page: Any) -> list[str]:
    return [one["org_unit"].rpartition(".")[2] for one in page["items"]]


async def test_pages_follow_one_another_without_gap_or_repeat() -> None:
    gateway = await filled()
    async with gateway.client() as client:
        first = (await client.get("/api/v1/progress?limit=3")).json()
        second = (await client.get("/api/v1/progress", params={"limit": 3, "cursor": first["next"]})).json()
    assert [*units_of(first), *units_of(second)] == ["xa-dak-wil", "xa-ea-po", "xa-nam-dong", "dak-nong"]
    assert second["next"] is None


async def test_filters_of_one_kind_widen_and_of_two_narrow() -> None:
    gateway = await filled()
    async with gateway.client() as client:
        level = await client.get("/api/v1/progress?level=commune&under=dak-nong.huyen-cu-jut&status=behind")
        two = await client.get("/api/v1/progress?org_unit=dak-nong&org_unit=dak-nong.cu-jut.xa-ea-po")
        none = await client.get("/api/v1/progress?kpi=dti-rank")
    assert len(level.json()["items"]) == 3
    assert units_of(two.json()) == ["xa-ea-po", "dak-nong"]
    assert none.json() == {"items": [], "next": None}


async def test_a_cursor_with_other_filters_is_refused_in_words() -> None:
    gateway = await filled()
    async with gateway.client() as client:
        cursor = (await client.get("/api/v1/progress?limit=1")).json()["next"]
        answer = await client.get("/api/v1/progress", params={"limit": 1, "cursor": cursor, "kpi": "dti-rank"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


async def test_reads_carry_etags() -> None:
    gateway = await filled()
    async with gateway.client() as client:
        first = await client.get("/api/v1/progress")
        again = await client.get("/api/v1/progress", headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        await gateway.model.put_progress([a_document(version=2)])
        changed = await client.get("/api/v1/progress", headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200


async def test_one_record_is_found_by_its_three_names() -> None:
    gateway = await filled()
    async with gateway.client() as client:
        found = await client.get("/api/v1/progress/edoc-signed-share/dak-nong.cu-jut.xa-ea-po/2023")
        missing = await client.get("/api/v1/progress/edoc-signed-share/dak-nong/1999")
    assert (found.json()["value"], found.json()["level"]) == (84.25, "commune")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_alerts_are_listed_and_explained_by_their_history() -> None:
    gateway = await filled()
    async with gateway.client() as client:
        (one,) = (await client.get("/api/v1/alerts?status=open&severity=behind")).json()["items"]
        detail = (await client.get(f"/api/v1/alerts/{one['alert_id']}")).json()
        closed = await client.get("/api/v1/alerts?status=closed")
    assert (one["status"], one["progress"]["gap"]) == ("open", -5.25)
    assert [told["seq"] for told in detail["transitions"]] == [1]
    assert "progress" not in detail["transitions"][0]
    assert closed.json()["items"] == []


@pytest.mark.parametrize(
    ("address", "code", "said"),
    [
        ("/api/v1/progress?colour=SECRET", "bad_parameter", "no parameter “colour”. It takes: cursor"),
        ("/api/v1/progress?Org-Unit=SECRET", "bad_parameter", "no parameter “Org-Unit”, did you mean “org_unit”?"),
        ("/api/v1/progress?x%20%3Cb%3EHIDDEN=1", "bad_parameter", "a parameter that this path does not know. It"),
        ("/api/v1/progress?status=lost", "bad_parameter", "moving_away"),
        ("/api/v1/progress?limit=0", "bad_parameter", "≥ 1"),
        ("/api/v1/progress?kpi=SECRET%20TEXT", "bad_parameter", "lower-case"),
        ("/api/v1/alerts/xyz", "bad_parameter", "alert_id"),
        ("/api/v1/catalog/org_unit?on=yesterday", "bad_parameter", "YYYY-MM-DD"),
        ("/api/v1/catalog/org_unit?on=-1e-103", "bad_parameter", "YYYY-MM-DD"),
        ("/api/v1/events?since=0.5", "bad_parameter", "instant with offset"),
        ("/api/v1/events?since=2023-09-30T09:00:00", "bad_parameter", "instant with offset"),
        ("/api/v1/stream?x=1", "bad_parameter", "after"),
    ],
)
async def test_wrong_parameters_are_answered_in_words_and_their_values_never_repeated(
    address: str, code: str, said: str
) -> None:
    async with Gateway().client() as client:
        answer = await client.get(address)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in problem["detail_en"]
    assert problem["errors"]
    assert not any(word in answer.text for word in ("SECRET", "HIDDEN", "yesterday", "lost"))


async def test_unknown_paths_and_methods_are_problems_too() -> None:
    async with Gateway().client() as client:
        path, method = await client.get("/api/v1/x"), await client.delete("/api/v1/progress")
    assert (path.status_code, path.json()["code"]) == (404, "not_found")
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")


async def test_a_publisher_learns_the_ids_from_the_catalog() -> None:
    async with Gateway().client() as client:
        kpis = (await client.get("/api/v1/catalog/kpi?limit=1000")).json()
        communes = (await client.get("/api/v1/catalog/org_unit?level=commune&under=dak-nong.huyen-cu-jut")).json()
        targets = (await client.get("/api/v1/catalog/target?kpi=edoc-signed-share")).json()
        gone = (await client.get("/api/v1/catalog/org_unit?on=2026-01-01")).json()
    assert len(kpis["items"]) == len(CATALOG.kpis)
    assert kpis["catalog_version"] == CATALOG.version
    assert len(communes["items"]) == 8
    assert {one["kpi"] for one in targets["items"]} == {"edoc-signed-share"}
    assert gone["items"] == []


async def test_the_catalog_pages_by_cursor() -> None:
    seen: list[str] = []
    async with Gateway().client() as client:
        parameters = {"limit": "40"}
        while True:
            page = (await client.get("/api/v1/catalog/org_unit", params=parameters)).json()
            seen += [one["id"] for one in page["items"]]
            if page["next"] is None:
                break
            parameters["cursor"] = page["next"]
    assert seen == sorted(unit.id for unit in CATALOG.units)


async def test_people_and_contacts_are_not_public() -> None:
    async with Gateway().client() as client:
        people = await client.get("/api/v1/catalog/person")
        publishers = await client.get("/api/v1/catalog/publisher?limit=1000")
    assert people.status_code == 404
    assert publishers.status_code == 200
    assert "@" not in publishers.text


async def test_without_a_catalog_everything_says_so() -> None:
    async with Gateway(catalogs={}).client() as client:
        answer, page = await client.get("/api/v1/catalog/kpi"), await client.get("/")
    assert (answer.status_code, answer.json()["code"]) == (503, "no_catalog")
    assert "Chưa có danh mục" in page.text


async def test_a_receipt_is_given_for_each_event_after_the_broker_has_it() -> None:
    gateway = Gateway()
    async with gateway.client() as client:
        answer = await client.post("/api/v1/statistics", content=json.dumps(EVENT), headers=STRUCTURED)
    assert answer.status_code == 202
    (receipt,) = answer.json()["receipts"]
    assert (receipt["source"], receipt["id"], len(receipt["observation_id"])) == ("urn:a", "1", 32)
    assert answer.json()["holds"] == "until_the_broker_stops"
    assert [one.key for one in gateway.broker.published] == [b"dak-nong/edoc-signed-share/24611"]


async def test_when_the_broker_is_away_nothing_is_called_accepted() -> None:
    gateway = Gateway()
    gateway.broker.away = True
    async with gateway.client() as client:
        answer = await client.post("/api/v1/statistics", content=json.dumps(EVENT), headers=STRUCTURED)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_a_dry_run_says_what_would_become_of_each_event_and_publishes_nothing() -> None:
    gateway = Gateway(owners=owners(Away(), ingest_examining()))
    sound = {"specversion": "1.0", "id": "1", "source": EDOC, "type": intake.TYPE, "data": data()}
    unsound = {**sound, "id": "2", "data": data(numerator=1013)}
    batch = {"content-type": "application/cloudevents-batch+json"}
    async with gateway.client() as client:
        answer = await client.post(
            "/api/v1/statistics?dry_run=true", content=json.dumps([sound, unsound]), headers=batch
        )
    said = answer.json()
    assert (answer.status_code, said["holds"], said["accepted"], said["refused"]) == (200, "not_published", 1, 1)
    assert [one["standing"] for one in said["receipts"]] == ["new", "new"]
    assert [[found["code"] for found in one["problems"]] for one in said["receipts"]] == [
        [],
        ["numerator_above_denominator"],
    ]
    assert not gateway.broker.published


async def test_an_event_that_stands_twice_in_a_dry_run_counts_once() -> None:
    gateway = Gateway(owners=owners(Away(), ingest_examining()))
    event = {"specversion": "1.0", "id": "1", "source": EDOC, "type": intake.TYPE, "data": data()}
    wrong = {**event, "id": "2", "data": data(numerator=1013)}
    batch = {"content-type": "application/cloudevents-batch+json"}
    async with gateway.client() as client:
        answer = await client.post(
            "/api/v1/statistics?dry_run=true", content=json.dumps([event, event, wrong, wrong]), headers=batch
        )
    assert (answer.json()["accepted"], answer.json()["refused"]) == (1, 1)
    assert [one["repeated"] for one in answer.json()["receipts"]] == [False, True, False, True]


async def test_a_dry_run_in_binary_mode_keeps_every_digit_of_the_figure() -> None:
    gateway = Gateway(owners=owners(Away(), ingest_examining()))
    headers = {"content-type": "application/json", "ce-specversion": "1.0", "ce-id": "1", "ce-source": EDOC}
    content = json.dumps(figure("revenue", value=1)).replace('"value": 1', '"value": 1234567890123.4567')
    async with gateway.client() as client:
        answer = await client.post(
            "/api/v1/statistics?dry_run=true", content=content, headers={**headers, "ce-type": intake.TYPE}
        )
    (receipt,) = answer.json()["receipts"]
    assert "1234567890123.4567" in receipt["problems"][0]["message_en"].replace(",", "")


async def test_without_ingest_a_dry_run_says_that_nothing_could_be_checked() -> None:
    async with Gateway().client() as client:
        answer = await client.post("/api/v1/statistics?dry_run=true", content=json.dumps(EVENT), headers=STRUCTURED)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_one_wrong_event_takes_the_whole_request_down() -> None:
    gateway = Gateway()
    batch = json.dumps([EVENT, {**EVENT, "data": {}}])
    headers = {"content-type": "application/cloudevents-batch+json"}
    async with gateway.client() as client:
        answer = await client.post("/api/v1/statistics", content=batch, headers=headers)
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} >= {"/1/data/kpi", "/1/data/province"}
    assert not gateway.broker.published


async def test_a_receipt_leads_to_what_becomes_of_its_event_and_a_repeated_one_says_so() -> None:
    gateway = Gateway()
    headers = {"content-type": "application/cloudevents-batch+json"}
    async with gateway.client() as client:
        answer = await client.post("/api/v1/statistics", content=json.dumps([EVENT, EVENT]), headers=headers)
    first, again = answer.json()["receipts"]
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert first["link"] == again["link"] == "/api/v1/events/dXJuOmEAMQ"
    assert (answer.json()["accepted"], len(gateway.broker.published)) == (1, 1)


async def test_a_short_request_is_answered_while_a_long_batch_is_read() -> None:
    gateway = Gateway(max_body_bytes=8_000_000)
    batch = json.dumps([{**EVENT, "id": str(number)} for number in range(5_000)])
    headers = {"content-type": "application/cloudevents-batch+json"}
    ended: list[str] = []

    async def post(client: AsyncClient, name: str, content: str, headers: dict[str, str]) -> None:
        answer = await client.post("/api/v1/statistics", content=content, headers=headers)
        assert answer.status_code == 202
        ended.append(name)

    async with gateway.client() as client, asyncio.TaskGroup() as group:
        group.create_task(post(client, "long", batch, headers))
        group.create_task(post(client, "short", json.dumps(EVENT), STRUCTURED))
    assert ended == ["short", "long"]
    assert len(gateway.broker.published) == 5_001


async def test_an_attribute_that_stands_twice_in_a_request_is_refused() -> None:
    gateway = Gateway()
    headers = [("ce-specversion", "1.0"), ("ce-source", "urn:a"), ("ce-type", intake.TYPE), ("ce-id", "1")]
    headers += [("content-type", "application/json"), ("ce-id", "2")]
    async with gateway.client() as client:
        answer = await client.post("/api/v1/statistics", content=json.dumps(FIGURE), headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message_en"] == "ce-id stands twice with two values: write it once."
    assert not gateway.broker.published


async def test_an_id_that_is_percent_encoded_is_the_one_that_was_meant() -> None:
    gateway = Gateway()
    headers = {"ce-specversion": "1.0", "ce-source": "urn:a", "ce-type": intake.TYPE, "ce-id": "x%C3%A3%2F1"}
    headers["content-type"] = "application/json"
    async with gateway.client() as client:
        answer = await client.post("/api/v1/statistics", content=json.dumps(FIGURE), headers=headers)
    assert answer.json()["receipts"][0]["id"] == "xã/1"
    assert ("ce_id", "xã/1".encode()) in gateway.broker.published[0].headers


async def test_bodies_have_a_limit_and_a_type() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1_000

    async with Gateway().client() as client:
        large = await client.post("/api/v1/statistics", content=b"x" * 5_000, headers=STRUCTURED)
        chunked = await client.post("/api/v1/statistics", content=endless(), headers=STRUCTURED)
        other = await client.post("/api/v1/statistics", content=b"x", headers={"content-type": "text/plain"})
        broken = await client.post("/api/v1/statistics", content=b"{", headers=STRUCTURED)
    assert [answer.status_code for answer in (large, chunked, other, broken)] == [413, 413, 415, 400]


async def test_the_page_shows_the_figures_and_remembers_the_language() -> None:
    gateway = await filled()
    async with gateway.client() as client:
        page = await client.get("/")
        english = await client.get("/?lang=en")
        again = await client.get("/")
    assert "1 trong 1 chỉ tiêu chậm so với kế hoạch" in page.text
    assert "84,3\u202f%" in page.text
    assert "1 of 1 target behind plan" in english.text
    assert "1 of 1 target behind plan" in again.text


async def test_an_old_or_odd_link_still_shows_the_page() -> None:
    gateway = await filled()
    async with gateway.client() as client:
        odd = "/?kpi=no-such&unit=%3Cscript%3E&status=zzz&period=%27&province=x&utm=1&lang=fr"
        page = await client.get(odd)
    assert page.status_code == 200
    assert "<script>" not in page.text


async def test_every_answer_has_a_strict_policy_and_no_page_has_inline_style_or_script() -> None:
    gateway = await filled()
    async with gateway.client() as client:
        page = await client.get("/?kpi=edoc-signed-share")
        script = await client.get("/static/live.js")
        missing = await client.get("/nothing")
    for answer in (page, script, missing):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    assert " style=" not in page.text
    assert "<style" not in page.text
    assert "onclick" not in page.text
    assert page.text.count("<script") == page.text.count("<script src=")


async def test_health_is_answered_beside_everything_else() -> None:
    async with Gateway().client() as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200
        assert b"tiendo_" in (await client.get("/metrics")).content


async def test_while_it_starts_only_health_answers() -> None:
    app = api.standing_in(Health(), Telemetry())
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://x") as client:
        assert (await client.get("/healthz")).status_code == 200
        answer = await client.get("/api/v1/progress")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@pytest.mark.parametrize(("profile", "names", "status"), [
    ("embedded", "", 421), ("embedded", "board.example", 200), ("production", "", 200), ("production", "other", 421),
])  # fmt: skip
async def test_a_gateway_of_a_trial_and_one_that_has_names_answers_to_no_others(
    profile: str, names: str, status: int
) -> None:
    gateway = Gateway()
    settings = Settings.model_validate({"profile": profile, "http": {"names": names}})
    app = asked_by_name(api.create(gateway.parts), settings)
    async with AsyncClient(transport=ASGITransport(app=app), base_url="https://board.example") as client:
        answer = await client.get("/healthz")
    assert answer.status_code == status
    if status == 421:
        assert answer.json()["code"] == "unknown_host"
        assert "TIENDO_HTTP_NAMES" in answer.json()["detail"]
