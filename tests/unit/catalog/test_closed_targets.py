"""What a new catalog does to targets of closed periods is said before it is applied, with the place and a remedy."""

from datetime import date
from typing import Any

from contracts.catalog import Target
from services.runtime.catalog.closed_targets import closed_targets
from services.runtime.catalog.problems import Located, Problem
from tests.unit.metrics.builders import a_catalog, a_target, day

CLOSED, OPEN = date(2023, 12, 29), date(2023, 12, 28)
BEFORE = a_catalog(a_target(value=80))


def said(*targets: Target, today: date = CLOSED, before: Any = BEFORE) -> list[Problem]:
    located = [Located(one, "targets.yaml", 7, {("value",): 9, ("valid_from",): 11}) for one in targets]
    return list(closed_targets(before, located, today))


def test_a_target_of_a_closed_period_that_is_changed_in_place_is_warned_about_with_the_remedy() -> None:
    (problem,) = said(a_target(value=55))
    assert (problem.file, problem.line, problem.severity) == ("targets.yaml", 9, "warning")
    vietnamese, english = problem.message.split(" · ")
    assert vietnamese == (
        "mục tiêu “t.p.a.1.2023” của kỳ đã khép ngày 29/12/2023 bị sửa tại chỗ: >= 80 → >= 55; kết quả đã công bố sẽ "
        "bị đánh giá lại. Hãy giữ nguyên bản này và viết phiên bản mới (version: 2, valid_from: …)"
    )
    assert english == (
        "“t.p.a.1.2023” of a period closed on 2023-12-29 is changed in place: >= 80 → >= 55; what was said would be "
        "judged again. Leave it as it is and write a new version (version: 2, valid_from: …)"
    )


def test_as_long_as_the_period_is_open_nothing_is_said() -> None:
    assert said(a_target(value=55), today=OPEN) == []
    assert said(today=OPEN) == []


def test_what_no_judgement_reads_may_be_changed() -> None:
    assert said(a_target(value=80, note="Ghi chú", legal_basis="Kế hoạch 12")) == []


def test_a_target_that_is_taken_away_and_a_version_that_reaches_back_are_said_too() -> None:
    (gone,) = said()
    assert (gone.file, "bị bỏ" in gone.message, "is gone" in gone.message) == ("catalog.yaml", True, True)
    former = a_target(value=80, valid_to=day("2023-07-01"))
    new = a_target(value=70, version=2, valid_from=day("2023-07-01"))
    (back,) = said(former, new)
    assert back.line == 11
    assert back.message.startswith("phiên bản 2 của “t.p.a.1.2023” đánh giá lại từ 01/07/2023 một kỳ đã khép")
    (ended,) = said(former)  # without a version after it, it is taken away from then on
    assert "bị sửa tại chỗ;" in ended.message


def test_a_new_target_of_another_period_or_of_a_new_kpi_is_none_of_it() -> None:
    assert said(a_target(value=80), a_target(value=90, period="2024"), a_target("p", 5)) == []
