"""`parts_disagree`: a figure reported for a unit is not what the complete figures of the units below add up to, as of
the same day."""

from services.metrics.doubts.doubt import Doubt, doubted

CODE = "parts_disagree"


def doubt(reported: float, parts: float) -> Doubt:
    """The discrepancy of a record, once its parts are complete and as of the same day."""
    return doubted(
        CODE,
        "Báo cáo {reported}, nhưng các đơn vị bên dưới cộng lại là {parts}.",
        "Reported {reported}, but the units below add up to {parts}.",
        reported=f"{reported:.10g}",
        parts=f"{parts:.10g}",
    )
