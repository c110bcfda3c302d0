import re
import string
from pathlib import Path

import pytest

import services.gateway
from services.gateway.views.numbers import MINUS, NARROW, SPACE, Measure, Numbers
from services.gateway.views.words import ENGLISH, Words, language_of

VI, EN = Numbers(Words("vi")), Numbers(Words("en"))
PERCENT, PRODUCTS = Measure("percent", 1), Measure("product", 0)


def test_vietnamese_has_a_decimal_comma_and_dots_for_thousands() -> None:
    assert VI.plain(21695.5) == "21.695,5"
    assert EN.plain(21695.5) == "21,695.5"


def test_percentages_keep_their_decimals_and_amounts_do_not() -> None:
    assert VI.value(80, PERCENT) == f"80,0{NARROW}%"
    assert VI.value(1717, PRODUCTS) == f"1.717{SPACE}sản phẩm"


def test_differences_of_percentages_are_points() -> None:
    assert VI.distance(-18.4, PERCENT) == f"18,4{SPACE}điểm %"
    assert EN.distance(-18.4, PERCENT) == f"18.4{SPACE}pts"


def test_signs_are_typographic_and_nothing_has_none() -> None:
    assert VI.signed(-9.94, PERCENT) == f"{MINUS}9,9"
    assert VI.signed(0.3, PERCENT) == "+0,3"
    assert VI.signed(-0.04, PERCENT) == "0,0"
    assert VI.plain(-0.0004) == "0"


def test_halves_are_rounded_as_on_paper() -> None:
    assert VI.plain(5.25) == "5,3"
    assert VI.plain(-5.25) == f"{MINUS}5,3"
    assert VI.plain(12) == "12"
    assert VI.plain(1e21) == "1.000.000.000.000.000.000.000"


def test_no_figure_is_a_dash_and_never_nothing() -> None:
    assert VI.value(None, PERCENT) == "–"


def test_an_unknown_unit_of_measure_is_shown_as_the_catalog_writes_it() -> None:
    assert VI.value(3, Measure("km_cable", 0)) == f"3{SPACE}km cable"


def test_places_between_ranks_are_counted_and_ranks_themselves_are_not() -> None:
    rank = Measure("rank", 0)
    assert (VI.value(12, rank), VI.distance(-3, rank)) == ("12", f"3{SPACE}bậc")
    assert (EN.distance(1, rank), EN.distance(3, rank)) == (f"1{SPACE}place", f"3{SPACE}places")


def test_columns_have_short_words() -> None:
    assert VI.value(91.2, Measure("per_100_inhabitants", 1)) == f"91,2{NARROW}/100 dân"
    assert EN.distance(12, Measure("VND_billion", 0)) == f"12{SPACE}bn VND"


def test_english_chooses_its_form_by_the_count() -> None:
    assert Words("en")("{count} ngày", 1) == "1 day"
    assert Words("en")("{count} ngày", 2) == "2 days"
    assert Words("vi")("{count} ngày", 2) == "2 ngày"


@pytest.mark.parametrize(
    ("asked", "remembered", "language"),
    [("en", "vi", "en"), (None, "en", "en"), (None, None, "vi"), ("xx", "en", "en"), ("xx", "yy", "vi")],
)
def test_the_address_goes_before_the_cookie(asked: str | None, remembered: str | None, language: str) -> None:
    assert language_of(asked, remembered) == language


def test_every_sentence_of_templates_and_views_is_in_the_english_catalogue() -> None:
    folder = Path(services.gateway.__file__).parent
    used = set()
    for template in (folder / "web" / "templates").glob("*.html"):
        used |= set(re.findall(r'\b_\("([^"]+)"', template.read_text(encoding="utf-8")))
    for module in (folder / "views").glob("*.py"):
        used |= set(re.findall(r'words\(\s*"([^"]+)"', module.read_text(encoding="utf-8")))
    assert len(used) > 50
    assert used <= set(ENGLISH)


def test_both_languages_fill_the_same_blanks() -> None:
    def blanks(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for vietnamese, english in ENGLISH.items():
        for form in (english,) if isinstance(english, str) else english:
            assert blanks(form) == blanks(vietnamese), vietnamese
