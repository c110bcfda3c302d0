"""What a doubt says: a code, a sentence in both languages, and the numbers that raised it."""

from typing import NamedTuple

from services.metrics.reasons import amount, in_english, in_vietnamese


class Doubt(NamedTuple):
    """As `contracts.statistics.Flag` has it."""

    code: str
    message_vi: str
    message_en: str
    evidence: dict[str, str]


def doubted(code: str, vi: str, en: str, **evidence: str) -> Doubt:
    """The sentences may name the evidence in braces; they have its numbers and days as people write them."""
    return Doubt(code, vi.format_map(in_vietnamese(evidence)), en.format_map(in_english(evidence)), evidence)


shown = amount
"""A scaled number in a sentence."""
