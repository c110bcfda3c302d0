"""The figures once more, recomputed the plainest way that there is: to hold the real thing to it."""

from tests.model.recompute import ModelRecord, ModelScore, recompute
from tests.model.viewing import viewed

__all__ = ["ModelRecord", "ModelScore", "recompute", "viewed"]
