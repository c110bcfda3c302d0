"""What a doubt says: a code, a sentence in both languages, and the numbers that raised it."""

from typing import NamedTuple

from services.metrics.reasons import amount


class Doubt(NamedTuple):
    """As `contracts.statistics.Flag` has it."""

    code: str
    message_vi: str
    message_en: str
    evidence: dict[str, str]


def doubted(code: str, vi: str, en: str, **evidence: str) -> Doubt:
    """The sentences may name the evidence in braces; numbers in Vietnamese ones get a decimal comma."""
    local = {name: text.replace(".", ",") for name, text in evidence.items()}
    return Doubt(code, vi.format_map(local), en.format_map(evidence), evidence)


shown = amount
"""A scaled number in a sentence."""
