from datetime import UTC, datetime
from typing import Any

from contracts.explanations import Judged
from contracts.progress import Completeness, Status, Timeliness
from services.gateway.views.reading import Ground
from services.gateway.views.reporters import reporters
from services.gateway.views.words import Words
from tests.unit.gateway.judged_province import TODAY, dak_nong

GROUND = Ground(dak_nong(), datetime(2023, 10, 2, 1, 15, tzinfo=UTC))
COMMUNES = sorted(GROUND.catalog.units.of_level("commune", TODAY))


def judged(**given: Any) -> Judged:
    return Judged(as_of=TODAY, value=20, unit_of_measure="percent", status=Status.BEHIND, **given)


def test_whoever_is_silent_or_late_is_named_with_a_page_of_its_own() -> None:
    complete = Completeness(expected=71, reported=57, missing=tuple(COMMUNES[:14]))
    late = Timeliness(due=60, on_time=58, late=tuple(COMMUNES[20:22]))
    found = reporters(judged(completeness=complete, timeliness=late), "k", "2023", GROUND, Words("vi"))
    assert found is not None
    assert found.summary == ["Đã báo cáo: 57/71", "đúng hạn 58/60 lần"]
    missing, tardy = found.groups
    assert (missing.title, missing.open) == ("14 đơn vị chưa báo cáo", False)
    assert len(missing.named) == 14
    assert (tardy.title, tardy.open) == ("2 đơn vị báo cáo trễ", True)
    unit = GROUND.catalog.units.get(COMMUNES[20])
    assert unit is not None
    assert f"unit={unit.id}" in next(one.href for one in tardy.named if one.name == unit.name)


def test_whoever_reported_what_cannot_be_added_up_is_named() -> None:
    complete = Completeness(expected=71, reported=71, left_out=tuple(COMMUNES[:2]))
    found = reporters(judged(completeness=complete), "k", "2023", GROUND, Words("vi"))
    assert found is not None
    (left_out,) = found.groups
    assert (left_out.title, len(left_out.named)) == ("2 đơn vị có số liệu không cộng được", 2)
    one = reporters(
        judged(completeness=Completeness(expected=1, reported=1, left_out=(COMMUNES[0],))),
        "k",
        "2023",
        GROUND,
        Words("en"),
    )
    assert one is not None
    assert one.groups[0].title == "the figure of 1 unit cannot be added up"


def test_members_of_a_roster_are_named_whether_or_not_they_are_units() -> None:
    complete = Completeness(expected=1, reported=1, missing_members=(COMMUNES[0], "so-y-te"))
    found = reporters(judged(completeness=complete), "k", "2023", GROUND, Words("en"))
    assert found is not None
    (members,) = found.groups
    assert members.title == "2 members of the roster are not done yet"
    unit = GROUND.catalog.units.get(COMMUNES[0])
    assert unit is not None
    assert {one.name: one.href for one in members.named} == {unit.name_en: "", "so-y-te": ""}


def test_where_nobody_is_expected_nothing_is_said() -> None:
    assert reporters(judged(), "k", "2023", GROUND, Words("vi")) is None
