"""By which a handler tells a batch that was not unpacked (`unpacking`) from whatever else it cannot read."""

HEADER = "tiendo_packed"
"""The header of a record that stands for such a batch. It says why; the value is the batch as it came."""
