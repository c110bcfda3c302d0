"""CSV as the programs of the field write it, and as nobody should."""

import codecs
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.runtime.sheets import columns
from services.runtime.sheets.cells import SheetRefused
from services.runtime.sheets.limits import Limits
from tests.unit.runtime.sheets.workbooks import FIGURE, HEADINGS, LINE, a_csv, codes, everything, figures, rows


def refused(body: bytes, limits: Limits | None = None) -> SheetRefused:
    with pytest.raises(SheetRefused) as found:
        everything(body, "csv", limits or Limits())
    assert found.value.vi != found.value.en
    return found.value


@pytest.mark.parametrize("by", [",", ";", "\t", "|"])
def test_the_separator_is_the_one_by_which_the_headings_are_understood(by: str) -> None:
    assert figures(a_csv(by=by), "csv") == [FIGURE]


def test_a_decimal_comma_needs_another_separator_and_is_read_with_it() -> None:
    body = a_csv((*LINE[:4], "913,5", "1.000,25"), by=";")
    (figure,) = figures(body, "csv")
    assert figure is not None
    assert (figure["numerator"], figure["denominator"]) == ("913.5", "1000.25")


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
def test_every_line_end_is_one(line_end: str) -> None:
    assert figures(a_csv().replace(b"\r\n", line_end.encode()), "csv") == [FIGURE]


def test_the_separator_that_excel_names_in_its_first_line_holds() -> None:
    (row,) = rows(b"sep=;\r\n" + a_csv(by=";"), "csv")
    assert (row.number, row.figure) == (3, FIGURE)


@pytest.mark.parametrize(
    "body",
    [
        codecs.BOM_UTF8 + a_csv(),
        a_csv(encoding="utf-16"),
        codecs.BOM_UTF16_BE + a_csv(encoding="utf-16-be"),
        a_csv(encoding="utf-16-le"),
        a_csv(encoding="utf-16-be"),
    ],
    ids=["UTF-8 with BOM", "UTF-16 LE", "UTF-16 BE", "UTF-16 LE without BOM", "UTF-16 BE without BOM"],
)
def test_unicode_is_read_with_and_without_a_byte_order_mark(body: bytes) -> None:
    assert figures(body, "csv") == [FIGURE]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("§¬n vÞ,TØnh §¾k N«ng\n".encode("latin-1"), "TCVN3"),
        ("Ñôn vò,Ñaék Noâng\n".encode("latin-1"), "VNI"),
        (b"\xd0\xa1n v\xb8,T\x9dnh \x06k N\xf4ng\n", "VISCII"),
        ("Đơn vị".encode("cp1258", errors="ignore") + b"\xd0\xf5n\n", "Windows-125"),
        (codecs.BOM_UTF32_LE + "Đơn vị".encode("utf-32-le"), "UTF-32"),
    ],
)
def test_an_encoding_from_before_unicode_is_refused_by_name_with_the_way_out(text: bytes, name: str) -> None:
    found = refused(text)
    assert found.code == "encoding"
    assert name in found.vi
    assert "CSV UTF-8" in found.vi


def test_unicode_text_that_was_typed_in_an_old_font_is_named() -> None:
    found = refused("§¬n vÞ,ChØ tiªu,Tö sè\nx,y,1\n".encode())
    assert (found.code, "TCVN3" in found.vi, "Unikey" in found.vi) == ("encoding", True, True)


def test_nul_bytes_are_no_text() -> None:
    assert refused(a_csv() + b"\0" * 9).code == "not_text"
    assert refused(a_csv(*[LINE] * 500).replace(b"1000", b"10\x000")).code == "not_text"


def test_decomposed_vietnamese_is_composed_in_headings_and_notes() -> None:
    decomposed = "Ghi chu\u0301", "Đa\u0306\u0301k La\u0300o"
    (figure,) = figures(a_csv((*LINE, decomposed[1]), headings=(*HEADINGS, decomposed[0])), "csv")
    assert figure is not None
    assert figure["note"] == "Đắk Lào"


def test_a_quoted_cell_may_hold_lines_and_separators_and_rows_keep_their_numbers() -> None:
    body = a_csv((*LINE, '"một,\r\nhai"'), LINE, headings=(*HEADINGS, "Ghi chú"))
    first, second = rows(body, "csv")
    assert first.figure is not None
    assert (first.number, first.figure["note"], second.number) == (2, "một,\r\nhai", 3)


def test_trailing_blanks_are_nothing() -> None:
    body = a_csv(headings=(*HEADINGS, "", "")).replace(b"1000", b"1000,,,  ,") + b"\r\n,,,,\r\n\r\n   \r\n"
    assert figures(body, "csv") == [FIGURE]


@pytest.mark.parametrize(
    "body", [a_csv() + b'\r\n"never closed', a_csv() + b'\r\n"a"b,c', a_csv() + b'\r\n"' + b"x" * 200_000]
)
def test_broken_quotes_are_refused_with_their_line(body: bytes) -> None:
    found = refused(body)
    assert (found.code, "Dòng" in found.vi) == ("csv", True)


def test_titles_above_and_column_numbers_below_the_headings_are_passed_over() -> None:
    body = "BÁO CÁO CHUYỂN ĐỔI SỐ\r\nTháng 9 năm 2023\r\n\r\n".encode() + a_csv(
        ("(1)", "(2)", "(3)", "(4)", "(5)", "(6)=(5)/(4)"), LINE
    )
    (row,) = rows(body, "csv")
    assert (row.number, row.figure) == (6, FIGURE)


def test_rows_without_a_figure_are_passed_over() -> None:
    body = a_csv(LINE, (*LINE[:4], "", "1000"), ("I. Chính quyền số", "", "", "", "", ""))
    assert figures(body, "csv") == [FIGURE]


def test_headings_may_be_english_bare_or_in_both_languages() -> None:
    for headings in (
        ("province", "kpi", "org_unit", "as_of", "numerator", "denominator"),
        ("TINH", "chi tieu", "ĐƠN VỊ", "ngay so lieu", "TỬ SỐ:", "Mẫu số (người)"),
        ("Tỉnh / Province", "Chỉ tiêu\n(KPI)", "Đơn vị | Unit", "Ngày số liệu / As of", "Tử số / Numerator", "Mẫu số"),
    ):
        quoted = [f'"{heading}"' for heading in headings]
        assert figures(a_csv(headings=quoted), "csv") == [FIGURE], headings


def test_the_unit_and_its_unit_of_measure_are_two_columns() -> None:
    body = a_csv((*LINE, "%", "Xã A"), headings=(*HEADINGS, "Đơn vị tính", "Tên đơn vị"))
    assert figures(body, "csv") == [{**FIGURE, "unit_of_measure": "percent"}]


def test_what_the_request_says_holds_for_every_row_that_says_nothing_itself() -> None:
    body = a_csv(("24611", "5"), ("24612", "6"), headings=("Đơn vị", "Giá trị"))
    given = {"province": "dak-nong", "kpi": "pos-terminals", "as_of": "2023-09-30", "period": "2023"}
    assert figures(body, "csv", given=given) == [
        {**given, "org_unit": "24611", "value": "5"},
        {**given, "org_unit": "24612", "value": "6"},
    ]


def test_a_missing_column_is_named_with_both_its_names() -> None:
    found = refused(a_csv(headings=("Tỉnh", "Chỉ tiêu", "Đơn vị", "Ngay bao cao", "Tử số", "Mẫu số")))
    assert found.code == "columns"
    assert "“Ngày số liệu” (as_of)" in found.vi


def test_two_columns_of_one_meaning_are_refused() -> None:
    found = refused(a_csv((*LINE, "5"), headings=(*HEADINGS, "Numerator")))
    assert (found.code, "“Tử số”, “Numerator”" in found.en) == ("columns", True)


def test_a_file_without_headings_is_told_the_columns() -> None:
    assert refused(b"1,2,3\r\n4,5,6\r\n").code == "no_table"
    assert refused(b"").code == "no_table"


def test_each_wrong_cell_is_marked_in_its_column() -> None:
    (row,) = rows(a_csv(("dak-nong", "signed-share", "", "30/02/2023", "1.234", "n/a")), "csv")
    assert [(mark.column, mark.field, mark.code) for mark in row.marks] == [
        (3, "as_of", "not_a_date"),
        (4, "numerator", "ambiguous_number"),
        (5, "denominator", "not_a_number"),
        (2, "org_unit", "missing"),
    ]
    assert row.figure is None
    assert all(mark.vi != mark.en for mark in row.marks)


def test_words_of_both_languages_are_understood() -> None:
    headings = (*HEADINGS, "Cách báo cáo", "Loại số liệu", "Lần sửa", "Rút số liệu")
    (figure,) = figures(a_csv((*LINE, "cộng thêm", "Sơ bộ", "2", "không"), headings=headings), "csv")
    assert figure is not None
    told = {"mode": "increment", "status": "preliminary", "revision": 2}
    assert {name: figure.get(name) for name in (*told, "retracts")} == {**told, "retracts": None}


def test_a_row_that_says_what_is_so_anyway_says_no_more_than_one_that_does_not() -> None:
    headings = (*HEADINGS, "Cách báo cáo", "Loại số liệu", "Lần sửa", "Rút số liệu")
    assert figures(a_csv((*LINE, "lũy kế", "thực hiện", "1", "không"), headings=headings), "csv") == [FIGURE]


def test_a_withdrawal_needs_no_figure() -> None:
    (figure,) = figures(a_csv((*LINE[:4], "", "", "có"), headings=(*HEADINGS, "Rút số liệu")), "csv")
    assert figure == {**{name: FIGURE[name] for name in ("province", "kpi", "org_unit", "as_of")}, "retracts": True}


def test_members_are_a_list_in_one_cell() -> None:
    (figure,) = figures(a_csv((*LINE[:4], "24611; 24612"), headings=(*HEADINGS[:4], "Members")), "csv")
    assert figure is not None
    assert figure["members"] == ["24611", "24612"]


def test_a_percentage_is_a_value_in_percent_and_no_count() -> None:
    headings = (*HEADINGS[:4], "Giá trị", "Đơn vị tính")
    assert figures(a_csv((*LINE[:4], '"91,3%"', ""), headings=headings), "csv") == [
        {**{name: FIGURE[name] for name in ("province", "kpi", "org_unit", "as_of")},
         "value": "91.3", "unit_of_measure": "percent"}
    ]  # fmt: skip
    assert codes(a_csv((*LINE[:4], "91.3%", "văn bản"), headings=headings), "csv") == [["percent"]]
    assert codes(a_csv((*LINE[:4], "91.3%", "1000")), "csv") == [["percent"]]


def test_the_same_row_twice_is_marked_once_and_two_figures_for_one_day_are_marked_both() -> None:
    other = (*LINE[:4], "914", "1000")
    assert codes(a_csv(LINE, LINE), "csv") == [[], ["repeated_row"]]
    assert codes(a_csv(LINE, other), "csv") == [["contradicting_row"], ["contradicting_row"]]


def test_increments_of_one_day_may_differ_and_a_revision_may_follow() -> None:
    headings = (*HEADINGS, "mode", "revision")
    steps = [(*LINE, "increment", "1"), (*LINE[:4], "5", "1000", "increment", "1")]
    revised = [(*LINE, "absolute", "1"), (*LINE[:4], "5", "1000", "absolute", "2")]
    assert codes(a_csv(*steps, headings=headings), "csv") == [[], []]
    assert codes(a_csv(*revised, headings=headings), "csv") == [[], []]


def test_the_same_figure_is_the_same_event_however_it_is_written() -> None:
    ids = [
        rows(body, "csv")[0].id
        for body in (
            a_csv(),
            a_csv((*LINE[:3], "2023-09-30", "913.0", "1 000"), by=";", encoding="utf-16"),
            a_csv((*LINE, "một ghi chú", "1"), headings=(*HEADINGS, "Ghi chú", "Lần sửa")),
        )
    ]
    other = rows(a_csv((*LINE[:4], "914", "1000")), "csv")[0].id
    assert len(set(ids)) == 1
    assert ids[0] != other
    assert ids[0] is not None
    assert ids[0].startswith("import-")
    assert len(ids[0]) == len("import-") + 32


def test_limits_are_said_in_words() -> None:
    assert refused(a_csv(), Limits(file_bytes=10)).code == "too_large"
    assert refused(a_csv(*[LINE] * 5), Limits(rows=3)).code == "too_large"
    assert refused(a_csv((*LINE, *"x" * 200)), Limits()).code == "too_large"
    assert codes(a_csv((*LINE, "x" * 2_001), headings=(*HEADINGS, "Ghi chú")), "csv") == [["too_long"]]


def test_invisible_characters_are_marked() -> None:
    assert codes(a_csv((*LINE[:2], "246\x1b11", *LINE[3:])), "csv") == [["control_characters"]]


def test_the_apostrophe_that_guards_a_cell_is_taken_away_again() -> None:
    (figure,) = figures(a_csv((*LINE[:4], "'-913", "1000", "'=1+1"), headings=(*HEADINGS, "Ghi chú")), "csv")
    assert figure is not None
    assert (figure["numerator"], figure["note"]) == ("-913", "=1+1")


@given(st.binary(max_size=400))
@example(b"\xff\xfe\x00\xd8")
@example(b'"\r\n"')
def test_any_bytes_are_read_or_refused_in_words(body: bytes) -> None:
    for whole in (body, a_csv() + b"\r\n" + body):
        with suppress(SheetRefused):
            everything(whole, "csv")


@given(st.lists(st.lists(st.text(max_size=20), min_size=6, max_size=7), max_size=6), st.sampled_from([",", ";", "\t"]))
def test_any_cells_are_figures_or_marked(lines: list[list[str]], by: str) -> None:
    try:
        found = rows(a_csv(*(tuple(line) for line in lines), by=by, encoding="utf-8") if lines else a_csv(by=by), "csv")
    except (SheetRefused, UnicodeEncodeError):
        return
    assert all((row.figure is None) == bool(row.marks) for row in found)


def test_every_heading_is_documented_for_publishers() -> None:
    page = (Path(__file__).parents[4] / "docs" / "for-publishers.md").read_text(encoding="utf-8")
    for field, names in columns.HEADINGS.items():
        assert f"| {names[0]} | `{field}` | {', '.join(names[1:])} |" in page, field


def test_every_heading_names_one_field_only() -> None:
    for field, names in columns.HEADINGS.items():
        assert {columns.field_of(name) for name in (*names, field)} == {field}
        assert not any(columns.ignored(name) for name in names)
