"""Mails and pages read one record alike: the same decimals, the same gap, the same words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.observations import FlagCode
from contracts.progress import Contribution, Contributions
from contracts.reading import GAPS, most_of, pulled_down, shown, side_of
from services.alerts.scene import gap_of, standing_of
from services.gateway.views.figures import Teller
from services.gateway.views.flags import FLAGS, flag
from services.gateway.views.numbers import Numbers
from services.gateway.views.words import LANGUAGES, Language, Words
from services.metrics.doubts import fell, jump, parts, repeated, shift, sources
from tests.unit.alerts.builders import KPI
from tests.unit.gateway.records import a_record, a_target

FIGURES = st.floats(-1e5, 1e5, allow_nan=False).map(lambda value: round(value, 4))
COUNTED = KPI.model_copy(update={"unit_of_measure": "product", "decimals": 1})


@given(FIGURES, FIGURES, st.sampled_from([">=", "<="]), st.sampled_from(LANGUAGES), st.sampled_from([KPI, COUNTED]))
def test_value_plan_and_gap_are_the_same_in_a_mail_and_on_a_page(
    value: float, planned: float, comparator: str, language: Language, kpi: object
) -> None:
    kpi = KPI if kpi is KPI else COUNTED
    record = a_record(
        value=value,
        planned=planned,
        gap=value - planned,
        unit_of_measure=kpi.unit_of_measure,
        target=a_target(comparator=comparator),
    )
    mail = standing_of(record, kpi, language)
    words = Words(language)
    page = Teller(words, Numbers(words)).say(record, kpi, "")
    assert mail is not None
    assert (_digits(mail.value), _digits(mail.line)) == (_digits(page.value), _digits(page.planned))
    short = planned - value if comparator == ">=" else value - planned
    if short > 0:
        assert _plain(gap_of(short, record, kpi, language)) == _plain(page.gap_words)


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign in "0123456789.,−")


def _plain(text: str) -> str:
    """With the page's short word for percentage points, and without the singular, which pages do not use."""
    text = text.replace("\u202f", " ").replace("\u00a0", " ").replace("percentage points", "pts")
    return text.replace("1.0 product ", "1.0 products ")


@pytest.mark.parametrize(
    ("gap", "comparator", "side"),
    [
        (-1, ">=", "short"),
        (1, ">=", "ahead"),
        (1, "<=", "over"),
        (-1, "<=", "under"),
        (1, "band", "off"),
        (0, "<=", "on"),
    ],
)
def test_each_side_of_a_line_has_its_word(gap: float, comparator: str, side: str) -> None:
    assert side_of(gap, comparator) == side
    assert side in GAPS


def test_a_gap_is_what_is_left_between_the_numbers_that_are_read() -> None:
    read = shown(99.44, 99.96, 1)
    assert (str(read.value), str(read.line), str(read.gap)) == ("99.4", "100.0", "-0.6")
    assert str(shown(87.36, 87.44, 1).gap) == "-0.08"


def test_as_few_units_as_make_up_most_of_the_gap_are_named() -> None:
    split = Contributions(units=71, top=_top(0.5, 0.25, 0.1, 0.1), rest_gap=-1, rest_share=0.05)
    assert most_of(split) == (("u0", "u1", "u2"), 0.85)
    assert most_of(None) == ((), 0.0)


def test_where_others_are_far_ahead_amounts_are_told_and_no_shares() -> None:
    """One of eleven makes 94 % of the gap, and so does the next, since the others are ahead."""
    split = Contributions(units=11, top=_top(0.94, 0.92, 0.3, 0.1), rest_gap=1.26, rest_share=-1.26)
    assert most_of(split) == ((), 0.0)
    down, rest = pulled_down(split)
    assert [one.org_unit for one in down] == ["u0", "u1", "u2"]
    assert round(rest, 9) == 1.16  # the whole gap of −1 is −2.16 and this
    assert pulled_down(Contributions(units=71, top=_top(0.5, 0.2), rest_gap=-0.3, rest_share=0.3)) == ((), 0.0)


def _top(*shares: float) -> tuple[Contribution, ...]:
    return tuple(Contribution(org_unit=f"u{at}", gap=-share, share=share) for at, share in enumerate(shares))


def test_every_doubt_has_words_in_both_languages() -> None:
    raised = {one.CODE for one in (fell, jump, parts, repeated, shift, sources)}
    assert set(FLAGS) == {code.value for code in FlagCode} | raised
    assert flag("jump", Words("vi")) != flag("jump", Words("en"))
    assert flag("of_a_newer_release", Words("vi")) == "of_a_newer_release"
