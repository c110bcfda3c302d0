"""Acting on alerts over HTTP: who may, what becomes of it, what a repeat does, and that reading changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.gateway import api
from tests.unit.alerts.builders import NOW
from tests.unit.gateway.acting import ABOVE, ALERT, MANAGER, OWNER, PATH, STRANGER, Office
from tests.unit.gateway.owning import nobody

NOTE = "Đã đôn đốc  các thôn;\ngửi bổ sung trong tuần."


async def behind() -> Office:
    """An alert is open."""
    office = Office()
    await office.sees(0.7)
    return office


async def test_the_owner_takes_it_up_and_everybody_reads_who_and_the_note() -> None:
    office = await behind()
    answer = await office.post("acknowledge", office.key(OWNER), {"note": NOTE, "until": "2023-09-20"})
    assert answer.status_code == 200, answer.text
    taken = {
        "by": OWNER,
        "at": "2023-09-04T01:00:00Z",
        "until": "2023-09-20T17:00:00Z",  # the end of the day in Vietnam
        "note": "Đã đôn đốc các thôn; gửi bổ sung trong tuần.",
    }
    assert answer.json() == {"alert_id": ALERT, "repeated": False, "taken_up": taken}
    assert answer.headers["cache-control"] == "no-store"
    found = await office.get()
    assert (found["handling"], found["taken_up"], found["status"]) == ("acked", taken, "open")
    assert [one["type"] for one in found["transitions"]] == ["opened", "acknowledged"]
    assert found["transitions"][1]["taken_up"] == taken


async def test_without_a_body_it_ends_by_severity() -> None:
    office = await behind()
    answer = await office.post("acknowledge", office.key(MANAGER))
    assert answer.json()["taken_up"]["until"] == (NOW + timedelta(days=7)).isoformat().replace("+00:00", "Z")


async def test_the_same_command_again_is_taken_once_and_is_another_for_somebody_else() -> None:
    office = await behind()
    owner = office.key(OWNER)
    first, again = [await office.post("acknowledge", owner, {"command_id": "c-1", "note": "một"}) for _ in range(2)]
    assert (first.json()["repeated"], again.json()["repeated"]) == (False, True)
    assert again.json()["taken_up"] == first.json()["taken_up"]
    assert len((await office.get())["transitions"]) == 2
    other = await office.post("acknowledge", office.key(ABOVE), {"command_id": "c-1"})
    assert (other.json()["repeated"], other.json()["taken_up"]["by"]) == (False, ABOVE)


async def test_who_is_not_of_the_unit_or_above_it_is_told_why_not() -> None:
    office = await behind()
    answer = await office.post("acknowledge", office.key(STRANGER), {"note": NOTE})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_unit")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await office.get())["handling"] == "unacked"


async def test_what_is_said_stands_in_the_history_and_changes_nothing_else() -> None:
    office = await behind()
    await office.post("acknowledge", office.key(OWNER), {"note": "đang làm"})
    before = await office.get()
    body = {"note": " Số của thôn 3 \n chưa có ", "command_id": "c"}
    answers = [await office.post("comment", office.key(ABOVE), body) for _ in range(2)]
    assert [(one.status_code, one.json()["repeated"]) for one in answers] == [(200, False), (200, True)]
    assert answers[0].json()["taken_up"] == before["taken_up"]
    found = await office.get()
    assert [one["type"] for one in found["transitions"]] == ["opened", "acknowledged", "commented"]
    assert found["transitions"][2]["remark"] == {"by": ABOVE, "note": "Số của thôn 3 chưa có"}
    for name in ("status", "handling", "taken_up", "severity", "opened_at"):
        assert found[name] == before[name], name
    await office.sees(0.4, version=2)
    assert (await office.get())["remark"] is None


async def test_who_heads_the_unit_closes_it_and_says_why_and_who_answers_for_it_may_not() -> None:
    office = await behind()
    owner, head = office.key(OWNER), office.key(MANAGER)
    refused = await office.post("close", owner, {"note": "xong"})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_role")
    assert (await office.post("close", head)).json()["errors"][0]["pointer"] == "/note"
    assert (await office.get())["status"] == "open"
    answers = [await office.post("close", head, {"note": "Số nguồn sai", "command_id": "c"}) for _ in range(2)]
    assert [(one.status_code, one.json()["repeated"]) for one in answers] == [(200, False), (200, True)]
    found = await office.get()
    assert (found["status"], found["close_reason"]) == ("closed", "manual")
    assert found["remark"] == {"by": MANAGER, "note": "Số nguồn sai"}
    assert (await office.post("close", head, {"note": "x"})).json()["code"] == "not_open"
    assert (await office.post("comment", head, {"note": "x"})).json()["code"] == "not_open"


async def test_an_account_is_asked_for_by_who_heads_and_given_by_who_answers() -> None:
    office = await behind()
    owner, above = office.key(OWNER), office.key(ABOVE)
    assert (await office.post("ask-account", owner, {"due": "2023-09-10"})).json()["code"] == "not_your_role"
    assert (await office.post("account", owner, {"note": "x"})).json()["code"] == "not_asked"
    assert (await office.post("ask-account", above, {"note": "Vì sao?"})).json()["errors"][0]["pointer"] == "/due"
    early = await office.post("ask-account", above, {"due": "2023-09-01"})
    assert (early.json()["code"], early.json()["errors"][0]["pointer"]) == ("ends_too_soon", "/due")
    assert (await office.get())["account"] is None

    body = {"note": "Vì sao chậm?", "due": "2023-09-10", "command_id": "c"}
    answers = [await office.post("ask-account", above, body) for _ in range(2)]
    assert [(one.status_code, one.json()["repeated"]) for one in answers] == [(200, False), (200, True)]
    asked = {"asked_by": ABOVE, "asked_at": "2023-09-04T01:00:00Z", "due": "2023-09-10T17:00:00Z"}
    found = await office.get()
    assert found["account"] == {
        **asked, "question": "Vì sao chậm?", "given_by": None, "given_at": None, "answer": None,
    }  # fmt: skip
    said = await office.get(f"{PATH}/explain")
    assert "account asked by: Chủ tịch UBND huyện" in str(said)
    assert (await office.post("account", owner, {"note": "Thiếu chữ ký số"})).status_code == 200
    found = await office.get()
    assert (found["account"]["given_by"], found["account"]["answer"]) == (OWNER, "Thiếu chữ ký số")
    assert [one["type"] for one in found["transitions"]] == ["opened", "account_asked", "account_given"]
    assert found["handling"] == "unacked"


async def test_a_note_is_one_line_of_what_can_be_printed() -> None:
    office = await behind()
    await office.post("comment", office.key(OWNER), {"note": "a\0b\r\n\u202ec\u2028Bcc: d\te\u0302"})
    assert (await office.get())["remark"]["note"] == "a b c Bcc: d ê"


async def test_a_waiver_has_an_end_that_is_ahead_and_until_then_no_figure_opens_it() -> None:
    office = await behind()
    head = office.key(MANAGER)
    past = await office.post("close", head, {"note": "x", "until": "2023-09-01"})
    assert (past.json()["code"], past.json()["errors"][0]["pointer"]) == ("ends_too_soon", "/until")
    assert (await office.post("close", head, {"note": "Bão lũ", "until": "2023-09-30"})).status_code == 200
    assert (await office.get())["waived_until"] == "2023-09-30T17:00:00Z"
    await office.sees(0.4, version=2)
    assert (await office.get())["status"] == "closed"
    assert "opens again" in str(await office.get(f"{PATH}/explain"))


@pytest.mark.parametrize("body", [{}, {"note": " "}, {"note": "x", "until": "2023-09-20"}])
async def test_nothing_said_is_no_comment(body: dict[str, str]) -> None:
    office = await behind()
    answer = await office.post("comment", office.key(OWNER), body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_body")
    assert (await office.post("comment", office.key(STRANGER), {"note": "x"})).json()["code"] == "not_your_unit"
    assert len((await office.get())["transitions"]) == 1


@pytest.mark.parametrize("profile", ["production", "embedded"])
async def test_without_a_key_nobody_acts_not_even_at_the_machine_of_a_trial(profile: str) -> None:
    office = Office(profile)
    await office.sees(0.7)
    answer = await office.post("acknowledge", None)
    assert (answer.status_code, answer.json()["code"]) == (401, "no_key")
    publisher = office.gateway.keys.give("edoc")
    assert (await office.post("acknowledge", publisher)).json()["code"] == "not_a_person"
    assert (await office.get())["handling"] == "unacked"


async def test_what_there_is_not_and_what_is_over() -> None:
    office = Office()
    key = office.key(OWNER)
    assert (await office.post("acknowledge", key)).status_code == 404
    await office.sees(0.7)
    await office.sees(1.0, version=2)
    for _ in range(2):  # what was refused is refused again, and taken for nothing else
        answer = await office.post("acknowledge", key, {"command_id": "late"})
        assert (answer.status_code, answer.json()["code"]) == (409, "not_open")
    await office.sees(0.7, version=3)
    assert (await office.post("acknowledge", key, {"command_id": "late"})).json()["repeated"] is False


@pytest.mark.parametrize("until", ["2023-09-04T01:00:00Z", "2023-09-03"])
async def test_an_end_that_is_not_ahead_is_refused_with_its_place(until: str) -> None:
    office = await behind()
    answer = await office.post("acknowledge", office.key(OWNER), {"until": until})
    assert (answer.status_code, answer.json()["code"]) == (422, "ends_too_soon")
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/until"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"until": "tomorrow"}, "/until"),
        ({"until": 1_700_000_000}, "/until"),
        ({"until": "2023-09-20T10:00:00"}, "/until"),
        ({"note": "x" * 1_001}, "/note"),
        ({"note": 7}, "/note"),
        ({"command_id": "a b"}, "/command_id"),
        ({"by": "manager.huyen-a"}, ""),
        ([1], ""),
    ],
)
async def test_a_wrong_field_is_named(body: object, pointer: str) -> None:
    office = await behind()
    answer = await office.post("acknowledge", office.key(OWNER), body)
    assert answer.status_code == 422, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert (await office.get())["handling"] == "unacked"


async def test_a_form_of_a_page_of_elsewhere_does_nothing_even_with_a_key() -> None:
    office = await behind()
    shown = {"authorization": f"Bearer {office.key(OWNER)}"}
    async with office.gateway.client() as client:
        form = await client.post(f"{PATH}/acknowledge", data={"note": "x"}, headers=shown)
        text = await client.post(f"{PATH}/acknowledge", content=b"{}", headers={**shown, "content-type": "text/plain"})
        garbled = await client.post(
            f"{PATH}/acknowledge", content=b"{", headers={**shown, "content-type": "application/json"}
        )
    assert [one.status_code for one in (form, text, garbled)] == [415, 415, 400]
    await office.told()
    assert (await office.get())["handling"] == "unacked"


async def test_reading_changes_nothing_whatever_is_read() -> None:
    office = await behind()
    before = (dict(office.alerts.world.alerts.documents), len(office.alerts.world.producer.published))
    headers = {"authorization": f"Bearer {office.key(OWNER)}"}
    async with office.gateway.client() as client:
        for what in ("", "/explain", "/acknowledge", "/comment", "/close", "/account", "/ask-account"):
            for method in ("GET", "HEAD", "OPTIONS"):
                await client.request(method, PATH + what, headers=headers, params={"note": "x"} if what else {})
    await office.told()
    assert (office.alerts.world.alerts.documents, len(office.alerts.world.producer.published)) == before


async def test_while_alerts_is_away_nothing_is_taken_for_done() -> None:
    office = await behind()
    office.gateway.parts = replace(office.gateway.parts, owners=nobody())
    answer = await office.post("acknowledge", office.key(OWNER))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "alerts" in answer.json()["detail_en"]
    assert (await office.get())["handling"] == "unacked"


async def test_why_it_is_so_is_asked_of_alerts() -> None:
    office = await behind()
    await office.post("acknowledge", office.key(MANAGER), {"note": "đang làm"})
    said = await office.get(f"{PATH}/explain")
    titles = [one["title"]["en"] for one in said["chapters"]]
    assert titles[0] == "State"
    assert "What comes next" in titles
    assert "đang làm" in str(said)
    missing = await office.get(f"/api/v1/alerts/{'0' * 32}/explain")
    assert missing["status"] == 404


async def test_who_is_told_again_and_when_time_is_up_it_is_nobodys_any_more() -> None:
    office = await behind()
    until = datetime(2023, 9, 6, tzinfo=UTC)
    await office.post("acknowledge", office.key(OWNER), {"until": until.isoformat()})
    await office.alerts.until(until + timedelta(minutes=1))
    await office.told()
    found = await office.get()
    assert (found["handling"], found["taken_up"]) == ("unacked", None)


def test_no_other_origin_is_ever_let_in() -> None:
    assert not any(name.startswith("access-control") for name in api.HEADERS)
