"""Whatever the door, two events under one id say the same to all of them or to none."""

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts import strict_json
from contracts.envelope import BATCH, STRUCTURED
from services.cli import sending
from services.gateway import intake
from services.ingest import batch
from services.runtime.sameness import digest_of
from tests.unit.ingest.door import EDOC, NOON, TYPE, Record, an_examiner
from tests.unit.runtime.sheets.workbooks import a_csv, an_xlsx, rows

ABOUT = {"province": "dak-nong", "kpi": "revenue", "org_unit": "dak-nong.xa-a", "as_of": "2023-09-30"}
VALUES = st.sampled_from(
    [
        *("913", "913.0", "9.13e2", "91300e-2", '"913"', '"913.0"', "914", "913.5", "913.50", "9135e-1", "0", "-0.0"),
        *("18446744073709551615", "18446744073709551616", "1.8446744073709551616e19", "9" * 30, "1e29", "0e-9999999"),
    ]
)
REST = st.sampled_from(
    [
        *("", ', "note": "a"', ', "note": "\\u0061"', ', "note": "b"', ', "note": null', ', "mode": "absolute"'),
        *(', "x": true', ', "x": 1', ', "x": 1.0', ', "x": {"a": 1, "b": [2.50]}', ', "x": {"b": [2.5], "a": 1.0}'),
    ]
)


def an_event(value: str, rest: str, backwards: bool) -> bytes:
    fields = [f'"{name}": "{text}"' for name, text in ABOUT.items()]
    said = ", ".join([*(reversed(fields) if backwards else fields), f'"value": {value}']) + rest
    head = f'"specversion": "1.0", "id": "e-1", "source": "{EDOC}", "type": "{TYPE}", "time": "2023-09-30T05:00:00Z"'
    return f'{{{head}, "data": {{{said}}}}}'.encode()


EVENTS = st.builds(an_event, VALUES, REST, st.booleans())


def in_a_request(one: bytes, other: bytes) -> bool:
    reading = intake.read({"content-type": BATCH}, b"[" + one + b"," + other + b"]", 2)
    if reading.errors:
        assert [error.code for error in reading.errors] == ["identity_reused"]
        return False
    return [event.repeated for event in reading.reported] == [False, True]


def in_a_file(one: bytes, other: bytes) -> bool:
    contents = sending.of_lines(one + b"\n" + other, None)
    assert (len(contents.ready), contents.repeated + len(contents.wrong)) == (1, 1)
    return contents.repeated == 1


def in_the_ledger(one: bytes, other: bytes) -> bool:
    headers = [("content-type", STRUCTURED.encode())]
    examined = an_examiner().examine([Record(one, headers, 1), Record(other, headers, 2)], NOON)
    tally = batch.settle(examined, batch.claims(examined), NOON, stamped=False).tally
    assert (tally.accepted, tally.duplicates + tally.identity_reused) == (1, 1)
    return tally.duplicates == 1


@given(EVENTS, EVENTS)
@example(an_event("5", "", False), an_event("5.0", "", True))
@example(an_event("1e29", "", False), an_event("1" + "0" * 29, "", False))
def test_all_doors_agree_on_whether_two_events_say_the_same(one: bytes, other: bytes) -> None:
    assert in_a_request(one, other) == in_a_file(one, other) == in_the_ledger(one, other)
    assert in_a_request(one, one)


FORMS: tuple[Literal["NFC"], Literal["NFD"]] = ("NFC", "NFD")
HEADINGS = ("Tỉnh", "Chỉ tiêu", "Đơn vị", "Ngày số liệu", "Giá trị", "Cách báo cáo")


def bare(text: str) -> tuple[str, Any]:
    """The id and the data of a JSON line that has none."""
    (one,) = sending.of_lines(text.encode(), EDOC).ready
    return one.event.id, strict_json.loads(one.event.value)["data"]


@pytest.mark.parametrize("day", ["2023-09-30", "2023-09-30T16:00:00Z", "2023-09-30T23:00:00+07:00"])
@pytest.mark.parametrize("number", ["913", "913.5", "913.50", "0", "123456789012345.25"])
def test_a_figure_without_an_id_is_one_event_with_one_content_wherever_it_stands(day: str, number: str) -> None:
    cells = ("dak-nong", "revenue", "dak-nong.xa-a", day, number)
    in_tables = [
        *rows(a_csv((*cells, ""), headings=HEADINGS), "csv"),
        *rows(a_csv((*cells, "absolute"), headings=HEADINGS), "csv"),
        *rows(an_xlsx((*cells, "lũy kế"), headings=HEADINGS), "xlsx"),
    ]
    lines = [
        f'{{"province": "dak-nong", "kpi": "revenue", "org_unit": "dak-nong.xa-a", "as_of": "{day}", "value": {value}}}'
        for value in (
            number,
            f'"{number}"',
            f"{number}e0",
            f'{number}, "mode": "absolute", "note": null, "revision": 1',
        )
    ]
    said = [*((row.id, row.figure) for row in in_tables), *map(bare, lines)]
    assert len(said) == 7
    assert len({id for id, _ in said}) == 1
    assert len({digest_of(data) for _, data in said}) == 1


def test_a_note_is_the_same_composed_and_decomposed() -> None:
    lines = (json.dumps({**ABOUT, "value": 1, "note": unicodedata.normalize(form, "xã Đắk Lao")}) for form in FORMS)
    contents = sending.of_lines("\n".join(lines).encode(), EDOC)
    assert (len(contents.ready), contents.repeated, contents.wrong) == (1, 1, [])


def test_two_writings_of_an_instant_are_one_day_of_one_figure() -> None:
    line = '{"province": "dak-nong", "kpi": "revenue", "org_unit": "dak-nong.xa-a", "as_of": "%s", "value": 1}'
    moments = ("2023-09-30T16:00:00Z", "2023-09-30t16:00:00z", "2023-09-30T16:00:00+00:00", "2023-09-30T23:00:00+07:00")
    contents = sending.of_lines("\n".join(line % moment for moment in moments).encode(), EDOC)
    assert (len(contents.ready), contents.repeated, contents.wrong) == (1, 3, [])
    assert datetime.fromisoformat(bare(line % moments[3])[1]["as_of"]) == datetime(2023, 9, 30, 16, tzinfo=UTC)


@pytest.mark.parametrize("more", [{"note": "lần hai"}, {"evidence": "urn:b"}, {"unit_of_measure": "VND_million"}])
def test_lines_without_ids_that_differ_in_what_is_no_figure_are_named_as_the_same_figure(more: dict[str, str]) -> None:
    line = {**ABOUT, "value": 5, "mode": "increment"}
    contents = sending.of_lines("\n".join(map(json.dumps, (line, {**line, **more}, line))).encode(), EDOC)
    assert (len(contents.ready), contents.repeated) == (1, 1)
    ((place, why, _),) = contents.wrong
    assert place == "line 2"
    assert why.en.startswith("The same figure as line 1;")
    assert why.vi.startswith("Cùng số liệu với line 1,")
    assert "id" not in why.en.split()


@pytest.mark.parametrize(("name", "number"), [("rank", "9" * 4_000), ("of", "18446744073709551616")])
def test_a_line_without_an_id_may_hold_an_integer_beyond_64_bits(name: str, number: str) -> None:
    line = json.dumps({**ABOUT, "value": 1, name: "?"}).replace('"?"', number)
    assert bare(line)[1][name] == int(number)


def test_an_absurd_zero_is_a_zero() -> None:
    assert bare(json.dumps({**ABOUT, "value": "?"}).replace('"?"', "0e-999999999"))[1]["value"] == "0"
