"""What a doubt says: a code, a sentence in both languages, and the numbers that raised it."""

from typing import NamedTuple

from services.metrics.days import in_vietnam
from services.metrics.reasons import amount


class Doubt(NamedTuple):
    """As `contracts.statistics.Flag` has it."""

    code: str
    message_vi: str
    message_en: str
    evidence: dict[str, str]


def doubted(code: str, vi: str, en: str, **evidence: str) -> Doubt:
    """The sentences may name the evidence in braces; Vietnamese ones have a decimal comma, and days as people write
    them."""
    local = {name: in_vietnam(text.replace(".", ",")) for name, text in evidence.items()}
    return Doubt(code, vi.format_map(local), en.format_map(evidence), evidence)


shown = amount
"""A scaled number in a sentence."""
