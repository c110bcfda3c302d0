"""Numbers as people read them: no rounding may turn a figure into its opposite."""

import pytest

from services.alerts.figures import number


@pytest.mark.parametrize(
    ("value", "said"),
    [(89.74, "89,7"), (89.96, "89,96"), (90.0, "90"), (90.04, "90,04"), (91.2, "91"), (0.004, "0,004"), (0.0, "0")],
)
def test_a_number_beside_a_bound_never_reads_as_the_bound(value: float, said: str) -> None:
    assert number(value, 0, "vi", unlike=(90.0,)) == said
