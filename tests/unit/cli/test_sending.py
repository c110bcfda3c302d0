"""A file of figures as events: the same id from every kind of file, parts that a request takes, and going on."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from services.cli import sending
from services.cli.send_words import is_yes
from services.cli.sending import Contents, Ready, Resume, Said
from services.gateway.intake import Reported
from services.runtime.sheets import child
from services.runtime.sheets.reading import Asked
from tests.unit.runtime.sheets.workbooks import HEADINGS, LIMITS, LINE, a_csv, an_xlsx

SOURCE = "urn:tiendo:source:dak-nong:edoc"
DATA = {
    "province": "dak-nong",
    "kpi": "signed-share",
    "org_unit": "24611",
    "as_of": "2023-09-30",
    "numerator": 913,
    "denominator": 1000,
}
EVENT = {"specversion": "1.0", "id": "a", "source": SOURCE, "type": "vn.tiendo.statistic.reported.v1", "data": DATA}


def of_csv(body: bytes) -> Contents:
    return sending.of_sheets(asyncio.run(child.read(body, Asked("csv"), LIMITS)), SOURCE)


def of_lines(*lines: Any, source: str | None = SOURCE) -> Contents:
    body = b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines)
    return sending.of_lines(body, source)


def ids(contents: Contents) -> list[str]:
    return [one.event.id for one in contents.ready]


def wrong(contents: Contents) -> list[tuple[str, str]]:
    return [(", ".join(filter(None, (one.place, one.within))), one.why.en) for one in contents.wrong]


def test_a_row_and_a_line_of_the_same_content_are_the_same_event() -> None:
    in_a_csv = ids(of_csv(a_csv()))
    in_an_xlsx = asyncio.run(child.read(an_xlsx(), Asked("xlsx"), LIMITS))
    written_otherwise = {**DATA, "numerator": "913.0", "revision": 1, "mode": "absolute", "note": None}
    assert len(in_a_csv) == 1
    assert ids(sending.of_sheets(in_an_xlsx, SOURCE)) == in_a_csv
    assert ids(of_lines(DATA)) == in_a_csv
    assert ids(of_lines(written_otherwise)) == in_a_csv
    assert ids(of_lines({**DATA, "numerator": 914})) != in_a_csv


def test_every_field_of_the_identity_has_one_writing() -> None:
    headings = (*HEADINGS[:4], "Thứ hạng", "Trên tổng số", "Hoàn thành", "Ngày hoàn thành", "Thành viên đã hoàn thành")
    row = (*LINE[:4], "3", "71", "có", "29/09/2023", "24611;24612")
    line = {name: DATA[name] for name in ("province", "kpi", "org_unit", "as_of")}
    line |= {"rank": 3, "of": 71, "done": True, "done_on": "2023-09-29", "members": ["24611", "24612"]}
    assert ids(of_csv(a_csv(row, headings=headings))) == ids(of_lines(line)) != []


def test_a_whole_event_is_sent_as_it_came_and_data_without_one_as_a_row_with_the_same_content() -> None:
    (ready,) = of_lines(json.dumps(DATA).replace("913", "913.10").encode()).ready
    assert json.loads(ready.event.value)["data"] == {**DATA, "numerator": "913.1", "denominator": "1000"}
    assert ready.event.key == "dak-nong/signed-share/24611"
    as_it_came = json.dumps(EVENT).replace("913", "913.10").encode()
    (whole,) = of_lines(as_it_came).ready
    assert whole.event.value == as_it_came
    assert (whole.event.source, whole.event.id) == (SOURCE, "a")


def test_what_is_wrong_is_named_by_row_and_the_rest_is_ready() -> None:
    contents = of_csv(a_csv(LINE, (*LINE[:2], "24612", LINE[3], "1.234", "1000"), (*LINE[:2], "24613", *LINE[3:])))
    assert len(contents.ready) == 2
    assert [place for place, _ in wrong(contents)] == ["row 3, column E"]
    assert "1.234" in contents.wrong[0].why.en


@pytest.mark.parametrize("answer", ["y\n", "Yes\n", "c\n", "có\n", "co\u0301\n"])
def test_a_plain_yes_in_either_language_sends_the_sound_rows(answer: str) -> None:
    assert is_yes(answer)


@pytest.mark.parametrize("answer", ["\n", "", "n\n", "không\n", "yy\n"])
def test_any_other_answer_sends_nothing(answer: str) -> None:
    assert not is_yes(answer)


def test_lines_that_are_no_events_are_named_with_their_number() -> None:
    contents = of_lines(b"\xef\xbb\xbf" + json.dumps(DATA).encode(), b"", b"{", b"[]", {**DATA, "rank": 0})
    assert [place for place, _ in wrong(contents)] == ["line 3", "line 4", "line 5, data/rank"]
    assert len(contents.ready) == 1


def test_an_id_that_stands_twice_is_one_event_or_a_mistake() -> None:
    same = {**EVENT, "data": dict(reversed(DATA.items()))}
    contents = of_lines(EVENT, same, {**EVENT, "data": {**DATA, "numerator": 1}})
    assert (ids(contents), contents.repeated) == (["a"], 1)
    assert [place for place, _ in wrong(contents)] == ["line 3"]
    assert "line 1" in contents.wrong[0].why.en
    long = b'{"province":"dak-nong","n":%s}'
    assert of_lines(long % (b"1." + b"1" * 40), long % (b"1." + b"1" * 40 + b"2")).repeated == 0


def test_data_without_a_source_are_not_sent_under_any() -> None:
    contents = of_lines(EVENT, DATA, source=None)
    assert ids(contents) == ["a"]
    assert "--source" in contents.wrong[0].why.en
    assert sending.names_its_sources(b"\n" + json.dumps(EVENT).encode())
    assert not sending.names_its_sources(json.dumps(DATA).encode())


def ready(count: int, size: int = 10) -> list[Ready]:
    return [Ready(f"row {at}", Reported("s", str(at), "k", b"x" * size, [])) for at in range(count)]


def test_parts_have_two_thousand_events_or_four_megabytes_and_begin_where_they_should() -> None:
    assert [len(part) for part in sending.chunks(ready(4_801))] == [2_000, 2_000, 801]
    assert [part[0].event.id for part in sending.chunks(ready(4_801), 2_000)] == ["2000", "4000"]
    assert [len(part) for part in sending.chunks(ready(50, 262_144))] == [15, 15, 15, 5]
    assert list(sending.chunks(ready(3), 3)) == []


def test_an_ended_try_goes_on_and_a_finished_one_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "tháng 9.csv"
    first = Resume.of(file, b"content", ("http://here", None), 2_000)
    assert first.reached(500, {7: Said("sai", "wrong")})
    assert first.reached(1_000, {})
    again = Resume.of(file, b"content", ("http://here", None), 2_000)
    assert (again.acknowledged, again.turned_away) == (1_000, {7: Said("sai", "wrong")})
    assert Resume.of(file, b"other content", ("http://here", None), 2_000).acknowledged == 0
    assert Resume.of(file, b"content", ("http://there", None), 2_000).acknowledged == 0
    again.forget()
    assert again.acknowledged == 0
    again.done()
    assert list(tmp_path.iterdir()) == []


def test_a_torn_note_of_progress_begins_anew_and_a_missing_folder_keeps_none(tmp_path: Path) -> None:
    note = Resume.of(tmp_path / "a.csv", b"", (), 9)
    note.path.write_bytes(b'{"acknowledged": 5')
    assert Resume.of(tmp_path / "a.csv", b"", (), 9).acknowledged == 0
    assert not Resume.of(tmp_path / "nowhere" / "a.csv", b"", (), 9).reached(1, {})


@pytest.mark.parametrize(
    "told",
    [
        b'{"acknowledged":11,"turned_away":{}}',
        b'{"acknowledged":-3,"turned_away":{}}',
        b'{"acknowledged":true,"turned_away":{}}',
        b'{"acknowledged":1e300,"turned_away":{}}',
        b'{"acknowledged":2.0,"turned_away":{}}',
        b'{"acknowledged":null,"turned_away":{}}',
        b'{"acknowledged":1,"turned_away":[]}',
        b'{"acknowledged":2,"turned_away":{"77":["x","y"]}}',
        b'{"acknowledged":2,"turned_away":{"-1":["x","y"]}}',
        b'{"acknowledged":2,"turned_away":{"1":[1,2]}}',
        b'{"acknowledged":2}',
        b"[]",
    ],
)
def test_a_note_that_does_not_fit_the_file_is_none(tmp_path: Path, told: bytes) -> None:
    note = Resume.of(tmp_path / "a.jsonl", b"", (), 10)
    assert note.reached(10, {3: Said("sai", "wrong")})
    assert Resume.of(tmp_path / "a.jsonl", b"", (), 10).acknowledged == 10
    note.path.write_bytes(told)
    again = Resume.of(tmp_path / "a.jsonl", b"", (), 10)
    assert (again.acknowledged, again.turned_away) == (0, {})


def test_a_note_that_others_may_have_written_or_that_is_a_link_is_none(tmp_path: Path) -> None:
    note = Resume.of(tmp_path / "a.jsonl", b"", (), 10)
    assert note.reached(5, {})
    note.path.chmod(0o666)
    assert Resume.of(tmp_path / "a.jsonl", b"", (), 10).acknowledged == 0
    note.path.chmod(0o600)
    elsewhere = note.path.rename(tmp_path / "elsewhere")
    note.path.symlink_to(elsewhere)
    assert Resume.of(tmp_path / "a.jsonl", b"", (), 10).acknowledged == 0


def test_a_note_is_written_through_no_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("precious", encoding="utf-8")
    note = Resume.of(tmp_path / "a.jsonl", b"", (), 10)
    note.path.with_name(note.path.name + ".new").symlink_to(victim)
    note.path.symlink_to(victim)
    assert note.reached(5, {})
    assert victim.read_text(encoding="utf-8") == "precious"
    assert Resume.of(tmp_path / "a.jsonl", b"", (), 10).acknowledged == 5
