"""The samples of `tiendo mail preview` say nothing that a real mail could not say."""

import pytest

from services.alerts.samples import SCENES, sample, stage_for
from tests.unit.alerts.builders import a_catalog


@pytest.mark.parametrize("kind", SCENES)
def test_at_the_deadline_of_a_sample_the_plan_has_reached_the_target(kind: str) -> None:
    mail = sample(stage_for(a_catalog(), None, None), kind, "kpi.example")
    for line in mail.lines:
        record = line.member.record
        assert record.target is not None
        assert record.target.value is not None
        assert record.planned is not None
        if record.as_of == record.target.deadline:
            assert record.planned == record.target.value
            assert record.needed is None
        else:
            assert record.planned < record.target.value
    expected = {"escalated": "ESCALATED", "reminded": "REPEAT", "worsened": "WORSENED", "opened": "FIRST"}
    assert mail.reason == expected.get(kind, mail.reason)
    at_deadline = any(line.member.record.needed is None for line in mail.lines)
    assert at_deadline == (kind == "period-missed")
