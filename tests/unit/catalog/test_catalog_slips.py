"""Slips of people who write catalogs in editors and spreadsheets: each is answered with file, line, what is wrong and
what to write, in both languages and without a parser's words."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from services.runtime.catalog.check import check_folder
from services.runtime.catalog.problems import Problem
from tests.unit.catalog.folders import GOOD, english, written

TARGETS, KPIS, UNITS, LINKS = "targets.yaml", "kpis.yaml", "org-units.csv", "successions.csv"
SHARES = "period: 2023\n    plan: {curve: seasonal, shares: [0,0,50,0,0,0,0,0,0,0,50]}"
AS_ITS_OWN = "name_en: Signed"

SLIPS = [
    # what a parser stumbles over
    (KPIS, "levels: [commune, province]", "levels: [commune, province", "9: the “[” opened on this line is not closed"),
    (KPIS, AS_ITS_OWN, 'name_en: "Signed', "5: the quote opened on this line is not closed; write the second one"),
    (KPIS, "    kind: ratio", "\tkind: ratio", "3: the line is indented with a tab; write spaces instead"),
    (KPIS, "    kind: ratio", "   kind: ratio", "3: the line is not indented like the others of its entry (line 2)"),
    (KPIS, "    kind: ratio", "      kind: ratio", "3: the line is not indented like the others of its entry"),
    (KPIS, "kind: ratio", "kind ratio", "3: colon and space are missing between key and value; write “kind: ratio”"),
    (KPIS, "kind: ratio", "kind:ratio", "3: colon and space are missing between key and value; write “kind: ratio”"),
    (
        KPIS,
        "kind: ratio",
        "kind： ratio",
        "3: a wide colon “：” (U+FF1A) stands for the plain one; type it anew: kind: r",
    ),
    (TARGETS, "    value: 92", "\u00a0\u00a0\u00a0\u00a0value: 92", "5: a special space (U+00A0) stands for the plain"),
    (KPIS, AS_ITS_OWN, "name_en: Signed: all", '5: the value has a colon; put it into quotes: name_en: "Signed: all"'),
    (
        KPIS,
        AS_ITS_OWN,
        "name_en: %Signed",
        '5: the value begins with a sign that means something else in YAML; put it into quotes: name_en: "%Signed"',
    ),
    ("publishers.yaml", 'kpis: ["*"]', "kpis: [*]", 'put it into quotes: kpis: ["*"]'),
    (TARGETS, "value: 92", "value: 92\n    comparator: >=", 'put it into quotes: comparator: ">="'),
    (KPIS, AS_ITS_OWN, 'name_en: "Signed\\D"', "5: a “\\” in double quotes means something else"),
    (
        TARGETS,
        "targets:\n  - id",
        "targets:\n    id",
        "8: “- ” begins an entry, and the one on line 1 does not begin so",
    ),
    (KPIS, "  - id: fibre", "---\n  - id: fibre", "12: “---” begins a second document, and a file holds one"),
    (TARGETS, "value: 92", "value: 9\x072", "5: an invisible control character stands here (U+0007)"),
    (TARGETS, "value: 92", "value: 92\n    value: 93", "6: “value” stands twice in one entry (first on line 5)"),
    # numbers, days and the like as people write them
    (TARGETS, "value: 92", "value: 92,5", "5: “value” cannot be “92,5”; write 92.5"),
    (TARGETS, "value: 92", "value: 92%", "5: “value” cannot be “92%”; write 92"),
    (TARGETS, "value: 200", "value: 1.200.000", "16: “value” cannot be “1.200.000”; write 1200000"),
    (TARGETS, "value: 92", "value: chín hai", "“value” cannot be “chín hai”; write digits with a point"),
    (TARGETS, "value: 92\n    base", "value:\n    base", "2: the target has no value; write “value: …”"),
    ("rules.yaml", "fire: 0.90", "fire: 90%", "5: “ladder.fire” cannot be “90%”; write 0.9"),
    (LINKS, "whole,,", 'part,"0,5",', "2: “weight” cannot be “0,5”; write 0.5"),
    (TARGETS, "on: 2022-12-15", "on: 15/12/2022", "6: “baseline.on” cannot be “15/12/2022”; write 2022-12-15"),
    (TARGETS, "on: 2022-12-15", "on: 2022-02-30", "6: “baseline.on” cannot be “2022-02-30”: there is no such day"),
    (UNITS, "2025-07-01", "01/07/2025", "6: “valid_to” cannot be “01/07/2025”; write 2025-07-01"),
    (KPIS, "cadence: week", "simulated: có", "8: “simulated” cannot be “có”; write true or false"),
    (KPIS, "cadence: week", "decimals: 12", "8: “decimals” cannot be “12”; write a number of at most 9"),
    (KPIS, "cadence: week", "stale_after: 30 ngày", "8: “stale_after” cannot be “30 ngày”; write P30D"),
    (
        "calendars.yaml",
        "month_starts_on: 15",
        "working_hours: [{start: 7h30, end: 11:30}]",
        "6: “working_hours.start” cannot be “7h30”; write 07:30",
    ),
    ("people.yaml", "posts:", "digest_hours: [7h]\n    posts:", "5: “digest_hours” cannot be “7h”; write 7"),
    (
        TARGETS,
        "period: 2023",
        SHARES,
        "8: “plan.shares” has 11 numbers and needs 12, one for each month; write 12 that",
    ),
    (
        TARGETS,
        "period: 2023",
        'period: "2023-13"',
        "7: “2023-13” is not in the calendar: months go from 01 to 12; write",
    ),
    (
        TARGETS,
        "period: 2023",
        "period: 2025-2021",
        "7: “2025-2021” is no span of years: the second must be later than the first; write “2021-2025”",
    ),
    (TARGETS, "period: 2023", "period: 12/2023", "7: “12/2023” is not a period; write “2023-12”"),
    (TARGETS, "period: 2023", "period: Quý 3/2023", "7: “Quý 3/2023” is not a period; write “2023-Q3”"),
    (TARGETS, "period: 2023", "period: 2023-W60", "7: “2023-W60” is not in the calendar: 2023 has no such week"),
    (TARGETS, "period: 2023", "period: 2023-06-31", "7: “2023-06-31” is not in the calendar: there is no such day"),
    # ids and shapes
    (
        TARGETS,
        "unit: p\n",
        "unit: 067\n",
        "4: there is no unit “067”; “067” is an external id of “p”, write “p” instead",
    ),
    (
        TARGETS,
        "id: signed.p",
        "id: Ký số P",
        "2: “id” cannot be “Ký số P”; write at most 80 small letters without accents, digits, “.”, “-” and “_”",
    ),
    (TARGETS, "unit: p\n", "unit: [p, p.a]\n", "4: “unit” cannot be “[p, p.a]”; write one value here, and no list"),
    (
        TARGETS,
        "{value: 80, on: 2022-12-15}",
        "80",
        "6: “baseline” cannot be “80”: it takes keys with values; write {value: …}",
    ),
    (
        TARGETS,
        "period: 2023",
        "period: 2023\n    plan: linear",
        "8: “plan” cannot be “linear”: it takes keys with values; write {curve: …}",
    ),
    (
        TARGETS,
        "period: 2023",
        "period: 2023\n    plan: {curve: seasnal}",
        "8: “plan.curve” cannot be “seasnal”; write “seasonal” instead",
    ),
    (
        KPIS,
        "unit_of_measure: product",
        "unit_of_measure: sản phẩm",
        "25: “unit_of_measure” cannot be “sản phẩm”; write it without spaces",
    ),
    (TARGETS, "targets:\n", "target:\n", "1: unknown key “target”; write “targets:” instead"),
    (TARGETS, "targets:\n", "", "1: the file must begin with the line “targets:”; write it above this"),
    (KPIS, "kind: ratio", "kind: ratio\n    zzz: 1", "4: unknown key “zzz”; take it out"),
    (KPIS, "kind: ratio", "kind:", "3: “kind” is empty; write a value, or take the line out"),
    (
        UNITS,
        "id,name,level,parent,valid_from,valid_to,external_ids",
        "id;name;level;parent",
        "2: the columns are separated by “;”; save the file with commas",
    ),
    (
        UNITS,
        "id,name,level,parent,valid_from,valid_to,external_ids\n",
        "",
        "2: the first line must name the columns; write id,name",
    ),
    (UNITS, "valid_from,valid_to", "valid_from,valid_from", "2: the column “valid_from” stands twice"),
    (UNITS, "Tỉnh P", '"Tỉnh P', "3: the quote opened on this line is not closed on it"),
    (UNITS, "p.a,Xã A", "p.a,", "5: the cell “name” is empty; fill it in"),
    (
        UNITS,
        "commune,p.d,,,24611",
        "commune,p.d[2020-01-01..,,,24611",
        "5: “parent” cannot be “p.d[2020-01-01..”; write unit[2020-01-01..2023-07-01]",
    ),
    (UNITS, "Tỉnh P", "Tá»‰nh P", "3: Vietnamese letters are mangled (“á»”)"),
    (
        LINKS,
        "p.b,p.c,whole,,2025-07-01",
        "p.b,p.c,whole,,2025-07-01\np.c,p.b,whole,,2025-07-01",
        "3: “p.c” and “p.b” follow each other on the same day 2025-07-01 (line 2); keep the line that",
    ),
]

PARSERS_WORDS = re.compile(
    r"Input should|Tuple should|validation|block (end|mapping|sequence)|any token|expected '|scalar|Datetimes|constr"
)


def the_problem(folder: Path, place: str, said: str) -> Problem:
    """The error that says so. What else is said must say it to people, too."""
    found = check_folder(folder).errors
    assert not [str(one) for one in found if PARSERS_WORDS.search(str(one))]
    meant = [one for one in found if english(one).startswith(place) and said in english(one)]
    assert meant, [english(one) for one in found]
    return meant[0]


@pytest.mark.parametrize(("file", "old", "new", "said"), [pytest.param(*one, id=one[-1][:60]) for one in SLIPS])
def test_a_slip_is_answered_with_its_place_and_the_remedy(
    tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    assert old in GOOD[file]
    (written(tmp_path) / file).write_text(GOOD[file].replace(old, new, 1), encoding="utf-8")
    the_problem(tmp_path, f"{file}:", said)


def test_slips_are_said_in_both_languages(tmp_path: Path) -> None:
    (written(tmp_path) / TARGETS).write_text(GOOD[TARGETS].replace("period: 2023", SHARES, 1), encoding="utf-8")
    assert str(the_problem(tmp_path, "targets.yaml:8: ", "needs 12")) == (
        "targets.yaml:8: “plan.shares” có 11 số, cần đúng 12 số, mỗi tháng một số; hãy viết đủ 12 số có tổng là 100, "
        "số 0 cho tháng không có phần nào · “plan.shares” has 11 numbers and needs 12, one for each month; write 12 "
        "that make 100, 0 for a month that brings nothing"
    )


FILES: list[tuple[str, Callable[[str], bytes], str]] = [
    (TARGETS, lambda text: b"", "targets.yaml: the file is empty; write “targets: []” for none"),
    (TARGETS, lambda text: b"# later\n", "targets.yaml: the file is empty; write “targets: []” for none"),
    ("catalog.yaml", lambda text: b"", "catalog.yaml: the file must hold “key: value” lines; write at least “id: …”"),
    (UNITS, lambda text: b"", "org-units.csv: the file is empty; begin it with id,name,"),
    (UNITS, lambda text: b"id,name,level\n", "org-units.csv: there is no unit; write at least one line"),
    (
        UNITS,
        lambda text: b"PK\x03\x04\x14\x00\xff",
        "org-units.csv: this is a workbook or an archive and no text; save",
    ),
    (UNITS, lambda text: b"id,name\n" + b"x" * 200_000, "org-units.csv: it cannot be read as a table"),
    (TARGETS, lambda text: text.encode("utf-16"), "targets.yaml: a character is not UTF-8; save the file as UTF-8"),
    (
        UNITS,
        lambda text: text.replace("ã", "a").encode("cp1258", "ignore") + b"\xe3",
        "org-units.csv:8: a character is",
    ),
    (TARGETS, lambda text: b"targets: " + b"[" * 5_000, "targets.yaml: brackets within brackets go too deep"),
    (
        TARGETS,
        lambda text: text.encode() + b"\0",
        "targets.yaml:33: an invisible control character stands here (U+0000)",
    ),
]


@pytest.mark.parametrize(("file", "made", "said"), [pytest.param(*one, id=one[-1][:60]) for one in FILES])
def test_a_file_that_is_no_catalog_file_is_said_to_be_none(
    tmp_path: Path, file: str, made: Callable[[str], bytes], said: str
) -> None:
    (written(tmp_path) / file).write_bytes(made(GOOD[file]))
    assert [english(one) for one in check_folder(tmp_path).errors if english(one).startswith(said)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_files_from_a_windows_editor_are_read_like_any_other(tmp_path: Path, end: bytes) -> None:
    for file, text in GOOD.items():
        (tmp_path / file).write_bytes(b"\xef\xbb\xbf" + text.encode().replace(b"\n", end))
    checked = check_folder(tmp_path)
    assert (checked.errors, checked.warnings) == ((), ())


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (TARGETS, "target.yaml"),
        ("people.yaml", "People.yaml"),
        ("rules.yaml", "rules.yml"),
        (LINKS, "succession.csv"),
        (UNITS, "org_units.csv"),
        ("catalog.yaml", "catalogue.yaml"),
    ],
)
def test_a_file_whose_name_is_misspelt_is_one_error(tmp_path: Path, right: str, wrong: str) -> None:
    (written(tmp_path) / right).rename(tmp_path / wrong)
    assert [english(one) for one in check_folder(tmp_path).errors] == [
        f"{wrong}: a file of this name is not read, and {right} is missing; rename the file to {right}"
    ]


def test_a_second_file_of_a_kind_is_said_not_to_be_read(tmp_path: Path) -> None:
    (written(tmp_path) / "targets-2024.yaml").write_text("targets: []\n", encoding="utf-8")
    checked = check_folder(tmp_path)
    assert checked.errors == ()
    assert [english(one) for one in checked.warnings] == [
        "targets-2024.yaml: warning: the file is not read; put what it says into the file of its kind, or move it out "
        "of the folder"
    ]
