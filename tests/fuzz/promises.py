"""What every target holds refusals to."""


def in_words(vi: str, en: str) -> None:
    """It is said in both languages."""
    assert vi.strip()
    assert en.strip()
