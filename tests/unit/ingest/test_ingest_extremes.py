"""Through the whole of the door, on the real catalog: extreme values are judged, and what passes can be folded.

Services never import one another. These tests hold the two ends of `observations.v1` against each other, so they do.
"""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import envelope
from contracts.observations import ObservationRecorded
from services.ingest import answers, batch
from services.ingest.batch import Dead, Examiner, Outcome, Sound
from services.ingest.desk import Desks
from services.metrics import observations
from services.metrics.exact import scaled
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.check import check_folder
from tests.unit.ingest.door import TYPE, Record, the_logs

FOLDER = Path(__file__).parents[3] / "deploy" / "catalogs" / "dak-nong"
NOW = datetime(2023, 9, 30, 5, tzinfo=UTC)
NUMBERS = ("numerator", "denominator", "value", "weight", "rank", "of", "revision")


@cache
def catalog() -> Catalog:
    return Catalog.of(check_folder(FOLDER).folder.items)


@cache
def sources() -> tuple[str, ...]:
    return tuple(source for publisher in catalog().publishers for source in publisher.sources)


def examiner(*, moving: bool = True) -> Examiner:
    return Examiner(Desks({"dak-nong": catalog()}, timedelta(days=400)), the_logs(), 64 * 1024, moving)


def a_record(text: str, *, source: str, time: str | None, timestamp: int, offset: int = 0) -> Record:
    headers: list[tuple[str, bytes | None]] = [
        *envelope.write(id=f"e-{offset}", source=source, type=TYPE, time=NOW),
    ]
    headers = [(name, value) for name, value in headers if name != "ce_time"]
    if time is not None:
        headers.append(("ce_time", time.encode()))
    return Record(text.encode("utf-8", "surrogatepass"), headers, offset, timestamp=timestamp)


def judged(*records: Record, moving: bool = True) -> Outcome:
    """What becomes of the records; fails on any fault of ours, and on whatever metrics could not read."""
    examined = examiner(moving=moving).examine(records, NOW)
    faults = [one.why for one in examined if isinstance(one, Dead) and one.why.error is not None]
    assert faults == []
    outcome = batch.settle(examined, batch.claims(examined), NOW, stamped=moving)
    for raw, refusal, seed in outcome.refusals:
        message = answers.rejection_message(refusal, raw, NOW, stamped=moving, seed=seed)
        json.loads(message.value)
    for one in examined:
        if isinstance(one, Sound):
            content = observations.parse(one.message.value)
            observations.observation(content, catalog().zone)
            for name in ("weight", "rank", "of"):
                assert content.get(name) is None or scaled(content[name]) >= 0
            ObservationRecorded.model_validate_json(one.message.value)
    return outcome


def a_figure(kpi: str, **fields: Any) -> dict[str, Any]:
    return {"province": "dak-nong", "kpi": kpi, "org_unit": "dak-nong", "as_of": "2023-09-30", **fields}


def of_kind(kind: str) -> str:
    return next(kpi.id for kpi in catalog().kpis.values() if kpi.kind == kind)


def allowed(kpi: str) -> str:
    """A source that may report the KPI for the province."""
    day = NOW.date()
    rights = catalog().publishers
    return next(
        source
        for publisher in rights
        if rights.may_report(publisher, kpi, "dak-nong", day)
        for source in publisher.sources
    )


def passed(content: dict[str, Any], kpi: str) -> Outcome:
    return judged(a_record(json.dumps(content), source=allowed(kpi), time=envelope.instant(NOW), timestamp=0))


def codes(outcome: Outcome) -> set[str]:
    return {problem.code for one in outcome.refusals for problem in one.refusal.problems}


@pytest.mark.parametrize("parts", [{"numerator": 17, "denominator": 19}, {"denominator": 19}, {}])
def test_a_share_that_was_computed_in_floats_is_published_with_nine_decimals(parts: dict[str, int]) -> None:
    kpi = of_kind("ratio")
    outcome = passed(a_figure(kpi, **parts, value=89.47368421052632), kpi)
    assert codes(outcome) == set()
    (message,) = outcome.observations
    assert json.loads(message.value)["value"] == "89.473684211"


def test_a_value_that_is_summed_keeps_to_the_decimals_of_its_kpi() -> None:
    kpi = of_kind("stock")
    assert codes(passed(a_figure(kpi, value=89.47368421052632), kpi)) == {"schema"}


def test_a_retraction_carries_no_numbers() -> None:
    kpi = of_kind("ratio")
    outcome = passed(a_figure(kpi, value="0.123456789012345678", rank=3, retracts=True, revision=2), kpi)
    (message,) = outcome.observations
    content = json.loads(message.value)
    assert content["retracts"] is True
    assert not {"numerator", "denominator", "value", "weight", "rank", "of"} & content.keys()


@pytest.mark.parametrize(
    ("as_of", "code"), [("0001-01-01T00:00:00+14:00", "too_old"), ("9999-12-31T23:59:59-14:00", "future_as_of")]
)
def test_an_instant_beyond_the_calendar_is_refused_in_words(as_of: str, code: str) -> None:
    kpi = of_kind("ratio")
    outcome = passed(a_figure(kpi, numerator=1, denominator=2, as_of=as_of), kpi)
    assert codes(outcome) == {code}
    assert "check the year" in outcome.refusals[0].refusal.problems[0].message_en


@pytest.mark.parametrize("name", ["rank", "of"])
@pytest.mark.parametrize("size", ["18446744073709551616", "1e30", "1e3000000", "9" * 4_000, '"' + "9" * 100 + '"'])
def test_a_place_beyond_all_ranking_is_too_large(name: str, size: str) -> None:
    text = json.dumps(a_figure("dti", rank=1, of=63)).replace(
        f'"{name}": {1 if name == "rank" else 63}', f'"{name}": {size}'
    )
    outcome = judged(a_record(text, source=sources()[0], time=None, timestamp=0))
    assert codes(outcome) == {"too_large", "unknown_kpi"}


@pytest.mark.parametrize("value", ["1e29", "9" * 30, "1e-29", "0E-999999999", "0E+999999999", "-1e29"])
@pytest.mark.parametrize("kind", ["rate", "level", "stock", "flow", "ratio", "coverage"])
def test_huge_and_tiny_numbers_are_judged(kind: str, value: str) -> None:
    kpi = of_kind(kind)
    passed(a_figure(kpi, value=value), kpi)
    passed(a_figure(kpi, numerator=value, denominator="1e-29", value=value), kpi)
    passed(a_figure(kpi, numerator=1, denominator=value, value=value), kpi)
    passed(a_figure(kpi, value=value, mode="increment"), kpi)


def test_a_time_of_kafka_at_the_end_of_the_calendar_is_judged() -> None:
    kpi = of_kind("ratio")
    text = json.dumps(a_figure(kpi, numerator=1, denominator=2))
    last = int(datetime(9999, 12, 31, 23, 59, tzinfo=UTC).timestamp() * 1000)
    judged(a_record(text, source=allowed(kpi), time=None, timestamp=last))
    judged(a_record(text, source=allowed(kpi), time="0001-01-01T00:00:00Z", timestamp=0))


@pytest.mark.parametrize("depth", [200, 300, 800, *range(900, 1_000, 3)])
def test_a_note_of_any_depth_is_judged(depth: int) -> None:
    deep = "[" * depth + "1.5" + "]" * depth
    text = json.dumps(a_figure("dti", rank=1, note="?")).replace('"?"', deep)
    judged(a_record(text, source=sources()[0], time=None, timestamp=0))


NUMERALS = st.one_of(
    st.integers(-(10**32), 10**32).map(str),
    st.integers(0, 100).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(0, 100, places=12).map(str),
    st.sampled_from(
        ["0", "-0.0", "0E-99999", "1e29", "1e-29", "1e400", "1e-400", "9" * 31, "0." + "3" * 29, "1e99999"]
    ),
    st.builds("{}e{}".format, st.integers(-999, 999), st.integers(-400, 400)),
)
DAYS = st.one_of(
    st.just('"2023-09-30"'),
    st.builds(
        '"{}T{}{}"'.format,
        st.sampled_from(["0001-01-01", "9999-12-31", "2023-09-30", "1973-01-01", "2073-01-01", "2022-12-14"]),
        st.sampled_from(["00:00:00", "23:59:59", "23:59:59.999999"]),
        st.sampled_from(["Z", "+14:00", "-14:00", "+23:59", "-23:59", "+00:00:01", ""]),
    ),
    st.dates().map(lambda day: f'"{day}"'),
)
TEXTS = st.one_of(st.just(""), st.text(max_size=12), st.sampled_from(["x" * 2_001, "\x1b[31m", "null"])).map(json.dumps)
DEEP = st.integers(1, 990).map(lambda depth: "[" * depth + "]" * depth)
ANY = st.one_of(NUMERALS, NUMERALS.map(json.dumps), TEXTS, DEEP, st.sampled_from(["null", "true", "{}", '["a", "a"]']))


@st.composite
def payloads(draw: st.DrawFn) -> str:
    """The text of a figure of the real catalog: mostly fields that belong to its kind, with values that hardly do."""
    kpi = draw(st.sampled_from(sorted(catalog().kpis)))
    unit = draw(st.sampled_from(["dak-nong", "67", *sorted(u.id for u in catalog().units)[:8], ""]))
    fields = {"province": '"dak-nong"', "kpi": json.dumps(kpi), "org_unit": json.dumps(unit)}
    fields["as_of"] = draw(st.just('"2023-09-30"') | DAYS)
    numeral = NUMERALS | NUMERALS.map(json.dumps)
    ways: list[dict[str, st.SearchStrategy[str]]] = [
        {"value": numeral},
        {"numerator": numeral, "denominator": numeral},
        {"numerator": numeral, "denominator": numeral, "value": numeral},
        {"numerator": st.just("17"), "denominator": st.just("19"), "value": numeral},
        {"value": numeral, "weight": numeral},
        {"rank": numeral, "of": numeral},
        {"done": st.just("true"), "done_on": DAYS},
        {"members": st.just('["67"]'), "value": numeral},
        {name: ANY for name in draw(st.sets(st.sampled_from([*NUMBERS, "done", "done_on", "members"]), max_size=3))},
    ]
    for name, strategy in draw(st.sampled_from(ways)).items():
        fields[name] = draw(strategy)
    for name in draw(
        st.sets(st.sampled_from(["mode", "status", "retracts", "note", "evidence", "period"]), max_size=2)
    ):
        usual = {"mode": '"increment"', "status": '"forecast"', "retracts": "true", "period": '"2023"'}
        fields[name] = draw(st.just(usual.get(name, '"."')) | ANY)
    return "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"


TIMES = st.sampled_from(
    [None, envelope.instant(NOW), "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", ""]
)
STAMPS = st.sampled_from([-1, 0, int(NOW.timestamp() * 1000), 253_402_300_799_000, 10**18])


@given(st.lists(st.tuples(payloads(), st.data(), TIMES | st.just(None), STAMPS), min_size=1, max_size=3), st.booleans())
def test_nothing_but_verdicts_comes_out_and_what_passes_can_be_folded(
    said: list[tuple[str, st.DataObject, str | None, int]], moving: bool
) -> None:
    records = []
    for offset, (text, choice, time, timestamp) in enumerate(said):
        source = choice.draw(st.sampled_from([*sources(), "urn:example:invented"]))
        records.append(a_record(text, source=source, time=time, timestamp=timestamp, offset=offset))
    outcome = judged(*records, moving=moving)
    assert len(outcome.observations) + len(outcome.refusals) + len(outcome.dead) >= len(records)


SMALL = st.integers(0, 60).map(str)
LONG = st.floats(0, 100).map(repr) | st.decimals(0, 100, places=20).map(str) | st.sampled_from(["1e-29", "0E-99999"])
WAYS: dict[str, list[dict[str, st.SearchStrategy[str]]]] = {
    "ratio": [{"numerator": SMALL, "denominator": st.just("60"), "value": LONG}, {"value": SMALL}],
    "coverage": [{"numerator": st.just("1"), "value": SMALL}, {"members": st.just('["67"]'), "value": LONG}],
    "rate": [{"value": st.sampled_from(["1e29", "0E-99999", "7"])}, {"numerator": SMALL, "denominator": SMALL}],
    "level": [{"value": SMALL, "weight": st.sampled_from(["1e29", "0.000000001", "9"])}],
    "rank": [{"rank": SMALL, "of": st.integers(60, 10**20).map(str)}],
    "milestone": [{"done": st.just("true"), "done_on": DAYS}],
}


@cache
def reported(kind: str) -> tuple[tuple[str, str], ...]:
    """KPIs of the kind that the province itself reports, each with a source that may."""
    kpis = [kpi for kpi in catalog().kpis.values() if kpi.kind == kind and "province" in kpi.levels]
    return tuple((kpi.id, allowed(kpi.id)) for kpi in kpis)


@given(st.data(), st.booleans())
def test_figures_that_are_nearly_sound_can_be_folded_if_they_pass(choice: st.DataObject, retracts: bool) -> None:
    kinds = [kpi.kind for kpi in catalog().kpis.values() if kpi.kind not in ("growth", "composite")]
    kind = choice.draw(st.sampled_from(sorted({kind for kind in kinds if reported(kind)})))
    kpi, source = choice.draw(st.sampled_from(reported(kind)))
    way = choice.draw(st.sampled_from(WAYS.get(kind, [{"value": SMALL | st.sampled_from(["1e29", "0E-99999"])}])))
    fields = {name: choice.draw(strategy) for name, strategy in way.items()}
    if retracts:
        fields |= {"retracts": "true", "revision": "2", "value": choice.draw(NUMERALS)}
    text = json.dumps(a_figure(kpi))[:-1] + "".join(f', "{name}": {value}' for name, value in fields.items()) + "}"
    judged(a_record(text, source=source, time=envelope.instant(NOW), timestamp=0))
