"""How much of a spreadsheet is read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond any of these a file is refused in words."""

    file_bytes: int = 5_242_880
    entries: int = 200
    """Files in the archive that an XLSX is."""
    unpacked_bytes: int = 52_428_800
    ratio: int = 100
    """How many times larger than packed a part may be, once it is larger than `ratio_from`."""
    ratio_from: int = 1_048_576
    rows: int = 100_000
    columns: int = 100
    marks: int = 40_000
    """Told in full; rows that are wrong after so many are only counted."""
    answer_bytes: int = 67_108_864
    """What the process that reads may say of a file, or return as one."""
    seconds: float = 30.0
    memory_bytes: int = 268_435_456
    """Address space of the process that reads, the interpreter itself included."""
