"""The median of scaled numbers, exactly."""


def median(numbers: list[int]) -> int:
    """The middle one, or the mean of the two in the middle, rounded down."""
    ordered = sorted(numbers)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) // 2
