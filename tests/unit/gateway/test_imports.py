"""Figures in spreadsheets over HTTP: the dry run, the marked file, the apply, and the same file again."""

import asyncio
import csv
import io
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from httpx2 import AsyncClient, Response
from python_calamine import CalamineWorkbook

from contracts.doors import event_ref
from services.gateway.imports import ImportAnswer
from services.gateway.keys import Scope
from services.gateway.routes.imports import CSV, XLSX
from tests.unit.gateway.owning import Away, ingest_examining, nobody, owners
from tests.unit.gateway.test_routes import Gateway
from tests.unit.ingest.door import CATALOG, EDOC, NOON, Record, World
from tests.unit.runtime.sheets.workbooks import HEADINGS, LINE, a_csv, an_xlsx, part_of, repacked, rows

OTHER = (*LINE[:2], "24612", *LINE[3:])
TOO_MUCH = (*LINE[:4], "1013", "1000")
UNREADABLE = (*LINE[:2], "24612", LINE[3], "1.234", "n/a")


class Province:
    """The gateway of the small province, its ingest beside it."""

    def __init__(self, profile: str = "embedded", **limits: int) -> None:
        self.world = World()
        self.consumed = 0
        transport = ingest_examining(self.world)
        self.gateway = Gateway(profile, {"dak-nong": CATALOG}, owners(Away(), transport), **limits)

    async def post(
        self, body: bytes, accept: str = "*/*", media: str = CSV, key: str | None = None, **asked: Any
    ) -> Response:
        """`POST imports` of a file. Without a source of their own, figures are those of `EDOC`; `source=None`: none is
        named."""
        query = urlencode({name: text for name, text in {"source": EDOC, **asked}.items() if text is not None})
        headers = {"content-type": media, "accept": accept}
        shown = {} if key is None else {"authorization": f"Bearer {key}"}
        async with self.gateway.client() as client:
            return await client.post(f"/api/v1/imports?{query}", content=body, headers={**headers, **shown})

    async def tried(self, body: bytes, media: str = CSV, **asked: Any) -> ImportAnswer:
        """What a dry run says."""
        answer = await self.post(body, media=media, dry_run="true", **asked)
        assert answer.status_code == 200, answer.text
        assert not self.gateway.broker.published
        return ImportAnswer.model_validate_json(answer.content)

    async def consume(self) -> None:
        """Ingest reads what was published."""
        taken, self.gateway.broker.published = self.gateway.broker.published, []
        await self.world.handle(*[Record(one.value, one.headers, at) for at, one in enumerate(taken, self.consumed)])
        self.consumed += len(taken)


def states(answer: ImportAnswer) -> list[tuple[int, str]]:
    return [(row.row, row.state) for row in answer.listed]


@pytest.mark.parametrize(("media", "make"), [(CSV, a_csv), (XLSX, an_xlsx)])
async def test_a_dry_run_shows_every_cell_that_is_wrong_for_the_file_or_for_ingest(media: str, make: Any) -> None:
    answer = await Province().tried(make(LINE, (*TOO_MUCH[:2], "24612", *TOO_MUCH[3:]), UNREADABLE), media)
    assert (answer.rows, answer.sound, answer.wrong, answer.holds) == (3, 1, 2, "not_published")
    assert states(answer) == [(2, "sound"), (3, "wrong"), (4, "wrong")]
    _, refused, unreadable = answer.listed
    assert [(one.column, one.field, one.code) for one in refused.problems] == [
        ("E", "numerator", "numerator_above_denominator")
    ]
    assert [(one.column, one.code) for one in unreadable.problems] == [("E", "ambiguous_number"), ("F", "not_a_number")]
    assert all(one.message_vi and one.message_en for row in answer.listed for one in row.problems)
    assert unreadable.cells[4:] == ["1.234", "n/a"]
    assert "2 dòng sai" in answer.message_vi
    assert [(column.column, column.field) for column in answer.tables[0].columns][-1] == ("F", "denominator")


async def test_headings_that_nobody_understands_and_sheets_without_any_are_named() -> None:
    headings = (*HEADINGS, "Người nhập")
    answer = await Province().tried(a_csv((*LINE, "An"), headings=headings))
    assert answer.tables[0].unread == ["Người nhập"]
    book = an_xlsx(then=lambda book, _: book.add_worksheet("Hướng dẫn").write(0, 0, "x"))
    assert (await Province().tried(book, XLSX)).passed_over == ["Hướng dẫn"]


async def test_doubts_are_told_and_refuse_nothing() -> None:
    headings = (*HEADINGS, "Giá trị")
    answer = await Province().tried(a_csv((*LINE, "91.4"), headings=headings))
    assert (answer.sound, answer.flagged) == (1, 1)
    assert [flag.code for flag in answer.listed[0].flags] == ["parts_contradict_value"]


async def test_a_sound_file_is_published_and_every_figure_has_a_receipt() -> None:
    province = Province()
    answer = await province.post(a_csv(LINE, OTHER))
    said = ImportAnswer.model_validate_json(answer.content)
    assert (answer.status_code, said.holds, said.sound) == (202, "until_the_broker_stops", 2)
    assert [(one.row, one.id) for one in said.receipts] == [
        (row.number, row.id) for row in rows(a_csv(LINE, OTHER), "csv")
    ]
    published = province.gateway.broker.published
    assert [one.key for one in published] == [b"dak-nong/signed-share/24611", b"dak-nong/signed-share/24612"]
    assert dict(published[0].headers)["ce_source"] == EDOC.encode()
    await province.consume()
    assert sorted(province.world.ledger.entries) == sorted(one.observation_id for one in said.receipts)
    assert province.world.broker.rejections() == []


@pytest.mark.parametrize(("media", "again"), [(CSV, a_csv(LINE, OTHER, by=";")), (XLSX, an_xlsx(LINE, OTHER))])
async def test_the_same_figures_again_are_the_same_events_also_in_another_file(media: str, again: bytes) -> None:
    province = Province()
    await province.post(a_csv(LINE, OTHER))
    await province.consume()
    answer = await province.tried(again, media)
    assert (answer.sound, answer.same) == (2, 2)
    assert states(answer) == [(2, "same"), (3, "same")]
    assert (await province.post(again, media=media)).status_code == 202
    await province.consume()
    assert len(province.world.ledger.entries) == 2
    assert province.world.count("ingest_duplicates") == 2


async def test_a_corrected_figure_is_a_new_event_once_its_revision_says_so() -> None:
    province = Province()
    headings = (*HEADINGS, "Lần sửa")
    await province.post(a_csv())
    await province.consume()
    answer = await province.tried(a_csv((*LINE[:4], "914", "1000", "2"), headings=headings))
    assert states(answer) == [(2, "sound")]


async def test_one_wrong_row_keeps_the_whole_file_out_and_is_named_by_sheet_row_and_column() -> None:
    province = Province()
    answer = await province.post(an_xlsx(LINE, TOO_MUCH), media=XLSX)
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong_rows")
    assert answer.json()["errors"][0]["code"] == "contradicting_row"
    assert {(one["sheet"], one["row"]) for one in answer.json()["errors"]} == {("Số liệu", 2), ("Số liệu", 3)}
    assert not province.gateway.broker.published


async def test_the_sound_rows_are_published_where_that_is_asked() -> None:
    province = Province()
    answer = await province.post(a_csv(LINE, UNREADABLE), rows="good")
    said = ImportAnswer.model_validate_json(answer.content)
    assert (answer.status_code, said.sound, said.wrong) == (202, 1, 1)
    assert [one.row for one in said.receipts] == [2]
    assert len(province.gateway.broker.published) == 1


@pytest.mark.parametrize("rows", ["all", "good"])
async def test_without_a_sound_row_nothing_is_published(rows: str) -> None:
    answer = await Province().post(a_csv(UNREADABLE), rows=rows)
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong_rows")
    empty = await Province().post(a_csv((*LINE[:4], "", "")), rows=rows)
    assert (empty.status_code, empty.json()["code"]) == (422, "no_figures")


async def test_the_file_comes_back_with_what_ingest_says_marked_in_it() -> None:
    answer = await Province().post(
        a_csv(LINE, UNREADABLE), accept=CSV, dry_run="true", name="C:\\b\u202e\n/tháng 9.csv"
    )
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert answer.headers["content-type"].startswith(CSV)
    assert "filename*=UTF-8''th%C3%A1ng%209%20%28l%E1%BB%97i%29.csv" in answer.headers["content-disposition"]
    assert lines[0][-1] == "Lỗi / Problems"
    assert lines[1] == list(LINE)
    assert "1.234" in lines[2][-1]
    book = await Province().post(an_xlsx(LINE, (*OTHER[:4], "1013", "1000")), accept=XLSX, media=XLSX, dry_run="true")
    assert book.headers["content-type"] == XLSX
    again = await Province().tried(book.content, XLSX)
    assert states(again) == [(2, "sound"), (3, "wrong")]
    assert again.passed_over == ["Kết quả kiểm tra - Check"]


async def test_a_workbook_comes_back_with_what_is_doubtful_in_rows_that_are_accepted() -> None:
    province = Province()
    bodies = [an_xlsx(), an_xlsx((*LINE[:4], "950", "1000"))]
    for body in bodies:
        await province.post(body, media=XLSX)
        await province.consume()
    (outranked,) = [body for body in bodies if (await province.tried(body, XLSX)).outranked]
    book = await province.post(outranked, accept=XLSX, media=XLSX, dry_run="true")
    *_, line = CalamineWorkbook.from_object(io.BytesIO(book.content)).get_sheet_by_index(1).to_python()
    assert line[1:4] == [2, "", "Nghi vấn, vẫn nhận / Doubtful, accepted"]
    assert part_of(book.content, "xl/worksheets/sheet1.xml").count(b"tiendo:doubtful") == 1


async def test_what_every_row_shares_is_said_in_the_request() -> None:
    body = a_csv(("24611", "913", "1000"), headings=("Đơn vị", "Tử số", "Mẫu số"))
    answer = await Province().tried(body, kpi="signed-share", as_of="2023-09-30", period="2023")
    assert states(answer) == [(2, "sound")]


async def test_the_sign_of_decimals_may_be_said() -> None:
    body = a_csv((*LINE[:4], "0,913", "1.000"), by=";")
    assert states(await Province().tried(body)) == [(2, "wrong")]
    said = await Province().tried(body, decimal="comma")
    assert [one.code for one in said.listed[0].problems] != ["ambiguous_number"]


async def test_where_several_sources_publish_one_is_to_be_named() -> None:
    province = Province()
    async with province.gateway.client() as client:
        answer = await client.post("/api/v1/imports", content=a_csv(), headers={"content-type": CSV})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "source")
    strange = await province.tried(a_csv(), source="urn:stranger")
    assert [one.code for one in strange.listed[0].problems] == ["not_your_figure"]


@pytest.mark.parametrize(
    ("body", "media", "status", "code"),
    [
        (b"1,2\n3,4\n", CSV, 422, "no_table"),
        (b"PK nothing", XLSX, 422, "not_xlsx"),
        (repacked(an_xlsx(), {"xl/vbaProject.bin": b"x"}), XLSX, 422, "macros"),
        (b"{}", "application/json", 415, "media_type"),
        (b"x" * 5_300_000, CSV, 413, "too_large"),
    ],
)
async def test_a_file_that_is_not_read_is_refused_in_words(body: bytes, media: str, status: int, code: str) -> None:
    answer = await Province().post(body, media=media)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["detail"] != answer.json()["detail_en"]


async def test_a_file_over_which_we_stumble_is_not_called_too_large() -> None:
    answer = await Province(import_memory_bytes=2**63).post(a_csv())  # more than a process can be limited to
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "nhật ký" in answer.json()["detail"]


@pytest.mark.parametrize(
    "asked", [{"rows": "some"}, {"decimal": "x"}, {"kpi": "../x"}, {"as_of": "30/09/2023"}, {"other": "1"}]
)
async def test_a_wrong_parameter_is_named(asked: dict[str, str]) -> None:
    answer = await Province().post(a_csv(), **asked)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


async def test_without_ingest_or_broker_nothing_is_called_accepted() -> None:
    gateway = Gateway(catalogs={"dak-nong": CATALOG}, owners=nobody())
    async with gateway.client() as client:
        answer = await client.post(f"/api/v1/imports?source={EDOC}", content=a_csv(), headers={"content-type": CSV})
    assert answer.status_code == 503
    province = Province()
    province.gateway.broker.away = True
    assert (await province.post(a_csv())).status_code == 503


async def test_more_files_than_are_read_at_once_are_told_to_come_again() -> None:
    province = Province()
    province.gateway.parts.settings.gateway.max_imports = 1
    query = f"/api/v1/imports?dry_run=true&source={EDOC}"
    async with province.gateway.client() as client:
        answers = await _both(client, query)
    assert sorted(answer.status_code for answer in answers) == [200, 503]
    assert next(answer for answer in answers if answer.status_code == 503).headers["retry-after"] == "5"


async def _both(client: AsyncClient, query: str) -> list[Response]:
    headers = {"content-type": CSV}
    return list(await asyncio.gather(*(client.post(query, content=a_csv(), headers=headers) for _ in range(2))))


def told(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_outside_a_trial_an_import_needs_a_key_that_is_good_for_it() -> None:
    province = Province("production")
    keys = province.gateway.keys
    assert told(await province.post(a_csv())) == (401, "no_key")
    assert told(await province.post(a_csv(), dry_run="true")) == (401, "no_key")
    reader = keys.give("edoc", Scope.STATISTICS_WRITE)
    assert told(await province.post(a_csv(), key=reader)) == (403, "missing_scope")
    stranger = keys.give("portal", Scope.IMPORTS_WRITE)
    assert told(await province.post(a_csv(), key=stranger)) == (403, "not_your_source")
    assert not province.gateway.broker.published
    own = keys.give("edoc", Scope.IMPORTS_WRITE)
    answer = await province.post(a_csv(), key=own, source=None)
    assert answer.status_code == 202
    assert answer.json()["source"] == EDOC
    assert answer.headers["ratelimit"].startswith('"requests";')
    (receipt,) = answer.json()["receipts"]
    assert receipt["link"] == f"/api/v1/events/{event_ref(EDOC, receipt['id'])}"


async def test_each_row_of_a_file_is_an_event_of_the_key() -> None:
    province = Province("production", events_per_minute=2)
    key = province.gateway.keys.give("edoc")
    assert (await province.post(a_csv(LINE, OTHER), key=key)).status_code == 202
    assert told(await province.post(a_csv(), key=key)) == (429, "too_many_events")


async def test_a_long_file_is_told_in_part_and_counted_whole() -> None:
    lines = [(*LINE[:2], f"nowhere-{number}", *LINE[3:]) for number in range(1_300)]
    answer = await Province().tried(a_csv(*lines))
    assert (answer.rows, answer.wrong, len(answer.listed), answer.not_listed) == (1_300, 1_300, 1_000, 300)


async def test_events_are_of_the_moment_of_the_import() -> None:
    province = Province()
    await province.post(a_csv())
    (record,) = province.gateway.broker.published
    assert (
        dict(record.headers)["ce_time"]
        == province.gateway.parts.clock.now().isoformat().replace("+00:00", "Z").encode()
    )
    assert json.loads(record.value or b"")["as_of"] == "2023-09-30"
    assert NOON.year == 2023


async def test_a_key_says_which_province_its_figures_are_of_where_there_are_several() -> None:
    province = Province("production")
    catalogs = {"dak-nong": CATALOG, "lam-dong": CATALOG}
    transport = ingest_examining(province.world)
    province.gateway = Gateway("production", catalogs, owners(Away(), transport))
    key = province.gateway.keys.give("edoc", Scope.IMPORTS_WRITE)
    answer = await province.post(a_csv(LINE[1:], headings=HEADINGS[1:]), key=key, source=None)
    assert answer.status_code == 202, answer.text


async def test_a_row_that_goes_back_to_a_former_figure_says_that_another_stands() -> None:
    """The same file again is the same events; only a revision makes a figure count anew."""
    province = Province()
    fifty, sixty = ((*LINE[:4], number, "1000") for number in ("500", "600"))
    for line in (fifty, sixty):
        assert (await province.post(a_csv(line))).status_code == 202
        await province.consume()
    tried = [await province.tried(a_csv(line)) for line in (fifty, sixty)]
    assert sorted((one.sound, one.same, one.outranked) for one in tried) == [(1, 1, 0), (1, 1, 1)]
    told = next(one for one in tried if one.outranked)
    (row,) = told.listed
    assert (row.state, [flag.code for flag in row.flags]) == ("same", ["another_figure_stands"])
    assert "revision" in told.message_vi
    line = fifty if told is tried[0] else sixty
    applied = (await province.post(a_csv(line))).json()
    assert (applied["outranked"], "another figure stands" in applied["message_en"]) == (1, True)
    province.gateway.broker.published.clear()
    headings = (*HEADINGS, "Lần sửa")
    assert (await province.tried(a_csv((*line, "2"), headings=headings))).outranked == 0


async def test_a_note_added_to_a_row_that_was_accepted_refuses_nothing_and_is_told() -> None:
    province = Province()
    headings = (*HEADINGS, "Ghi chú")
    await province.post(a_csv(LINE, OTHER))
    await province.consume()
    again = a_csv((*LINE, "theo báo cáo 12/BC"), (*OTHER, ""), headings=headings)
    answer = await province.tried(again)
    assert (answer.wrong, answer.same, answer.remarks_stay) == (0, 2, 1)
    assert [flag.code for flag in answer.listed[0].flags] == ["remark_stays"]
    assert "giữ nguyên ghi chú" in answer.message_vi
    applied = await province.post(again)
    assert (applied.status_code, applied.json()["remarks_stay"]) == (202, 1)
    await province.consume()
    assert (len(province.world.ledger.entries), province.world.broker.rejections()) == (2, [])
    assert (province.world.count("ingest_duplicates"), province.world.count("ingest_identity_reused")) == (2, 0)
    corrected = a_csv((*LINE, "theo báo cáo 12/BC", "2"), headings=(*headings, "Lần sửa"))
    assert states(await province.tried(corrected)) == [(2, "sound")]


async def test_a_row_that_takes_the_place_of_another_figure_says_so_before_it_is_sent() -> None:
    province = Province()
    await province.post(a_csv())
    await province.consume()
    told = []
    for numerator in range(900, 910):  # of figures of one moment the id decides
        answer = await province.tried(a_csv((*LINE[:4], str(numerator), "1000")))
        told += [(answer.replacing + answer.outranked, flag.code) for flag in answer.listed[0].flags]
        assert "của cùng đơn vị, ngày và lần sửa" in answer.message_vi or answer.outranked
    assert {code for _, code in told} == {"another_figure_stands", "replaces_another_figure"}
    assert {count for count, _ in told} == {1}


async def test_all_that_is_wrong_with_a_row_is_told_in_one_round() -> None:
    line = (LINE[0], LINE[1], "nowhere", LINE[3], "1.234", "1000")
    (row,) = (await Province().tried(a_csv(line))).listed
    assert [(one.column, one.code) for one in row.problems] == [("E", "ambiguous_number"), ("C", "unknown_org_unit")]


async def test_what_is_wrong_with_the_source_is_said_once_for_the_file() -> None:
    answer = await Province().tried(a_csv(LINE, OTHER), source="urn:nobody")
    assert (answer.wrong, [row.state for row in answer.listed]) == (2, ["wrong", "wrong"])
    assert [one.code for row in answer.listed for one in row.problems] == ["not_your_figure", "source"]
