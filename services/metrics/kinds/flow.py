"""`flow`: a running total that starts again from zero in each accounting period; products put on e-commerce floors."""

from services.metrics.kinds.base import Amount


class Flow(Amount):
    """Cumulative to date, or increments. A longer target adds its accounting periods up."""

    name = "flow"
    sums_periods = True
    increments = True
    from_zero = True
