"""The fuse in front of the quarantine."""

from services.runtime.kafka.dead_letters import Fuse

FINE = None


def test_single_bad_records_among_good_ones_never_blow_it() -> None:
    verdicts = [FINE] * 99 + ["a"]
    fuse = Fuse()
    for _ in range(50):
        fuse = fuse.counting(verdicts)
    assert fuse.blown() is None


def test_one_bad_publisher_never_blows_it_however_long_it_goes_on() -> None:
    assert Fuse().counting(["the same"] * 5_000).blown() is None


def test_many_in_a_row_from_several_sources_blow_it() -> None:
    assert Fuse().counting(["a", "b", "c"] * 17).blown() == "51 dead letters in a row, from several sources"


def test_a_good_record_ends_the_row() -> None:
    assert Fuse().counting([*["a", "b", "c"] * 16, FINE, *["a", "b", "c"] * 16]).blown() is None


def test_a_tenth_of_a_thousand_from_several_sources_blows_it() -> None:
    mixed = [FINE] * 8 + ["a", "b"]
    fuse = Fuse().counting(mixed * 99 + [FINE] * 9)
    assert fuse.blown() is None, "the window is not full yet"
    assert fuse.counting(["c"]).blown() == "199 dead letters among the last 1000 records, from several sources"


def test_counting_leaves_the_fuse_before_as_it_was() -> None:
    fuse = Fuse()
    fuse.counting(["a", "b", "c"] * 30)
    assert fuse.blown() is None
