"""`sources_disagree`: two sources say different things about one unit and day."""

from services.metrics.doubts.doubt import Doubt
from services.metrics.figures import Day, Figure

CODE = "sources_disagree"


def doubt(day: Day, figure: Figure) -> Doubt | None:
    """Whether another source says something else than this figure; the first of them by name is shown."""
    for other in day.figures:
        if other.source != figure.source and not other.retracts and other.content != figure.content:
            return Doubt(
                CODE,
                "Nguồn khác báo cáo số liệu khác cho cùng đơn vị và ngày.",
                "Another source reports a different figure for the same unit and day.",
                {"source": other.source, "observation_id": other.id.hex()},
            )
    return None
