"""A desk remembers what it admitted; nobody can tell that from its answers."""

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.batch import Read, Sound, Unsound
from tests.unit.ingest.door import EDOC, NOON, PORTAL, an_event, an_examiner, data

_SOUND = st.sampled_from(
    [
        {"kpi": "signed-share", "org_unit": "dak-nong.xa-a", "numerator": 1, "denominator": 8},
        {"kpi": "digitised-share", "org_unit": "dak-nong.xa-a", "numerator": 1, "denominator": 8},
        {"kpi": "revenue", "org_unit": "dak-nong.dak-mil", "value": 91.25},
        {"kpi": "terminals", "org_unit": "dak-nong.dak-mil", "value": 12},
    ]
)
LATER = NOON + timedelta(days=700)
"""After the reform, by which some codes came to mean other units."""

_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "org_unit": st.sampled_from(["24611", "dak-nong", "nowhere"]),
        "as_of": st.sampled_from(["2025-07-01", "2023-10-02"]),
        "mode": st.just("increment"),
        "revision": st.just(2),
        "retracts": st.just(True),
        "period": st.sampled_from(["2023", "2025"]),
        "status": st.just("forecast"),
        "unit_of_measure": st.sampled_from(["percent", "case"]),
        "numerator": st.just(9),
    },
)
_COMINGS = st.sampled_from(
    [
        (EDOC, NOON, NOON),
        (EDOC, LATER, LATER),
        (EDOC, NOON, LATER),
        (EDOC, LATER, NOON),
        (PORTAL, NOON, NOON),
        ("urn:stranger", NOON, NOON),
    ]
)


def _what_is_said(one: Read) -> tuple[Any, ...]:
    if isinstance(one, Sound):
        return one.entry, one.flags, one.message
    assert isinstance(one, Unsound), one
    return one.problems


@given(_SOUND, st.lists(st.tuples(st.booleans(), _CHANGES, _COMINGS), min_size=2, max_size=10))
def test_who_remembers_figures_answers_like_one_that_sees_each_for_the_first_time(
    sound: dict[str, Any], changes: list[tuple[bool, dict[str, Any], tuple[str, datetime, datetime]]]
) -> None:
    remembering = an_examiner()
    first = content = data(**{"numerator": None, "denominator": None, **sound})
    for afresh, change, (source, time, now) in [(True, {}, (EDOC, NOON, NOON)), *changes]:
        content = {**(first if afresh else content), **change}
        record = an_event(content, source=source, time=time)
        (known,), (fresh,) = remembering.examine([record], now), an_examiner().examine([record], now)
        assert _what_is_said(known) == _what_is_said(fresh)


DAY = timedelta(days=1)
INCREMENT = {"kpi": "digitised-share", "mode": "increment"}


@pytest.mark.parametrize(
    ("admitted", "then", "code"),
    [
        (({"as_of": "2023-10-01", "status": "forecast"}, NOON, NOON), ({"as_of": "2023-10-01"}, NOON, NOON), None),
        ((INCREMENT, NOON, NOON), ({**INCREMENT, "retracts": True}, NOON, NOON), "schema"),
        (({"as_of": "2023-10-01"}, NOON + DAY, NOON + DAY), ({"as_of": "2023-10-01"}, NOON + DAY, NOON), None),
        (({"as_of": "2023-10-01"}, NOON + DAY, NOON + DAY), ({"as_of": "2023-10-01"}, NOON, NOON + DAY), None),
        (({}, NOON, NOON), ({}, LATER, LATER + timedelta(days=60 * 365)), "too_old"),
    ],
)
def test_what_only_looks_like_an_admitted_figure_is_refused(
    admitted: tuple[dict[str, Any], datetime, datetime],
    then: tuple[dict[str, Any], datetime, datetime],
    code: str | None,
) -> None:
    remembering = an_examiner()
    (content, time, now), (second, later, at) = admitted, then
    assert isinstance(remembering.examine([an_event(data(**content), time=time)], now)[0], Sound)
    (refused,) = remembering.examine([an_event(data(**second), time=later)], at)
    assert isinstance(refused, Unsound)
    assert refused.problems[0].code in ((code,) if code else ("future_as_of", "forecast_as_actual"))


def test_a_code_that_came_to_mean_another_unit_means_it_from_that_day_on() -> None:
    remembering = an_examiner()
    units = []
    for day in ("2025-06-30", "2025-07-01", "2025-06-30"):
        (one,) = remembering.examine([an_event(data(org_unit="24611", as_of=day), time=LATER)], LATER)
        assert isinstance(one, Sound)
        units.append(orjson.loads(one.entry.payload)["org_unit"])
    assert units == ["dak-nong.xa-a", "dak-nong.xa-moi", "dak-nong.xa-a"]
