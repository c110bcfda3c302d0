"""`composite`: points that other KPIs bring, by rule; a province's own ranking of its communes."""

from services.metrics.kinds.derived import Derived


class Composite(Derived):
    """Scored for each unit of its levels, and ranked among those of one level; of nobody else."""

    name = "composite"
    ranked = True
