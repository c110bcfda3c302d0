"""`stock`: a count at a moment; POS machines, public Wi-Fi points."""

from services.metrics.kinds.base import Amount


class Stock(Amount):
    """The last count. Increments of a stock are refused at the door, and count for nothing here."""

    name = "stock"
