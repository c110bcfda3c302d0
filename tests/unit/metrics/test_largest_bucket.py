"""However much publishers say, a document of figures stays below the 16 MB that MongoDB takes.

A bucket is a month of about 100 units. How long one figure may be is what the door lets in.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import bson
import orjson
import pytest

from contracts.attributes import MAX_IDENTITY_BYTES
from contracts.catalog import Publisher, Roster
from contracts.observations import FlagCode
from contracts.statistics import MAX_EVENT_BYTES
from services.ingest.batch import Sound
from services.metrics import observations
from services.metrics.documents import figure_changes, series_of
from services.metrics.figures import Day, Figure
from services.metrics.series import Series
from services.metrics.state import UNITS_A_CHUNK, KpiState
from services.runtime.catalog import Catalog
from tests.unit.ingest.door import NOON, OBJECTS, a_kpi, a_unit, an_event, an_examiner, figure
from tests.unit.metrics.fakes import apply_changes

SOURCE = "urn:" + "s" * 496
"""As long as the catalog takes."""

LONGEST_ID = "\U0001f300" * (MAX_IDENTITY_BYTES // 4)

ROSTER = tuple(f"dak-nong.huyen-dak-song.thon-{n:011d}" for n in range(2_000))
"""As many as a figure may name, under names of forty letters."""

UNIT = "dak-nong." + "u" * 71
CATALOG = Catalog.of(
    (
        *OBJECTS,
        a_unit(UNIT, "commune", "dak-nong"),
        a_kpi("done", "coverage", rosters=(Roster(unit="dak-nong", members=ROSTER),)),
        Publisher(id="long", name_vi="dài", sources=(SOURCE,), kpis=("*",), units=("*",), contact="a@example.vn"),
    ),
    1,
    "1-0a1b2c3d4e5f",
)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MONTH = range(date(2023, 8, 1).toordinal(), date(2023, 9, 1).toordinal())


def longest(**fields: Any) -> Figure:
    """What metrics folds of the longest event with these fields, every flag raised."""
    event = an_event(figure("done", **{"as_of": "2023-08-31", **fields}), id=LONGEST_ID, source=SOURCE)
    examiner = replace(an_examiner(catalogs={"dak-nong": CATALOG}), max_bytes=MAX_EVENT_BYTES)
    (one,) = examiner.examine([event], NOON)
    assert isinstance(one, Sound), one
    payload = orjson.loads(one.entry.payload)
    payload["flags"] = [{"code": code} for code in FlagCode]
    found = observations.observation(payload, ZONE).figure
    assert found is not None
    return found


def stored(days: Sequence[tuple[str, Day]]) -> dict[str, Any]:
    """The document of a month of which every day is the same, by unit."""
    state = KpiState("dak-nong/done", 1)
    for unit, content in days:
        for day in MONTH:
            state.series(unit).put(day, content)
            state.figure_moved(unit, day)
    (change,) = figure_changes(state, "w" * 100)
    documents: dict[str, dict[str, Any]] = {}
    apply_changes(documents, [change])
    return documents[change.id]


@pytest.mark.slow
def test_the_largest_bucket_of_a_source_stays_well_below_what_mongodb_takes() -> None:
    nobody_named = [f"{n:02d}" + "x" * 78 for n in range(5)]
    said = longest(org_unit=UNIT, members=nobody_named, denominator=10**29, status="preliminary")
    foretold = longest(org_unit=UNIT, members=nobody_named, denominator=10**29, as_of="2023-12-31", status="forecast")
    rostered = longest(org_unit="dak-nong", members=list(ROSTER))
    assert (foretold.more, foretold.n, foretold.source_id) == (None, 5 * 10**9, "")
    everything = Day((said,), None, (foretold,), 0)
    units = [f"{UNIT[:-3]}{n:03d}" for n in range(UNITS_A_CHUNK - 1)]
    document = stored([(unit, everything) for unit in units] + [("dak-nong", Day((rostered,)))])
    assert 8_000_000 < len(bson.encode(document)) < 12_000_000
    assert len(series_of([document], Series)) == UNITS_A_CHUNK


def test_members_that_no_roster_names_are_counted_where_they_are_many_and_kept_where_they_are_few() -> None:
    few, many = [f"to-{n}" for n in range(20)], [f"to-{n}" for n in range(2_000)]
    assert longest(org_unit=UNIT, members=few, denominator=5_000).more == {"members": sorted(few)}
    counted = longest(org_unit=UNIT, members=many, denominator=5_000)
    assert (counted.more, counted.n) == (None, 2_000 * 10**9)
    assert longest(org_unit="dak-nong", members=list(ROSTER)).more == {"members": sorted(ROSTER)}


def test_an_id_that_an_older_release_took_is_not_kept_where_it_is_too_long() -> None:
    assert longest(org_unit=UNIT, numerator=1, denominator=2).source_id == LONGEST_ID
    payload = {
        "org_unit": UNIT,
        "as_of": "2023-08-31",
        "numerator": "1",
        "reported_at": "2023-09-30T05:00:00Z",
        "observation_id": "0" * 32,
        "source": "urn:s",
        "source_id": "\U0001f300" * 2_030,
        "raw": {"log": "l", "partition": 0, "offset": 1},
    }
    found = observations.observation(payload, ZONE).figure
    assert found is not None
    assert found.source_id == ""
