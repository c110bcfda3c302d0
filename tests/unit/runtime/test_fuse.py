"""The fuse in front of the quarantine."""

from collections.abc import Sequence
from typing import cast

import pytest
from aiokafka import ConsumerRecord

from contracts.topics import STATISTICS_REPORTED
from services.runtime.errors import Blown
from services.runtime.kafka.dead_letters import DeadLetter, DeadLetterQueue
from services.runtime.kafka.fuse import OURS, UNREADABLE, Fuse
from services.runtime.kafka.producer import BatchProducer, Outgoing
from services.runtime.telemetry import Telemetry

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
    assert fuse.counting(["c"]).blown() == "199 dead letters among 1000 records, from several sources"


def test_counting_leaves_the_fuse_before_as_it_was() -> None:
    fuse = Fuse()
    fuse.counting(["a", "b", "c"] * 30)
    assert fuse.blown() is None


def test_a_long_row_in_the_middle_of_a_batch_blows_it() -> None:
    verdicts = [FINE] * 10 + ["a", "b", "c"] * 17 + [FINE] * 3_000
    assert Fuse().counting(verdicts).blown() == "51 dead letters in a row, from several sources"


def test_a_row_that_began_in_the_batch_before_blows_it() -> None:
    assert Fuse().counting(["a", "b"] * 13).counting(["c"] * 25 + [FINE]).blown() is not None


def test_a_large_share_early_in_a_long_batch_blows_it() -> None:
    verdicts = [FINE] * 500 + [*[FINE] * 6, "a", "b", "c"] * 40 + [FINE] * 3_000
    assert Fuse().counting(verdicts).blown() == "120 dead letters among 1000 records, from several sources"


def test_faults_of_ours_blow_it_whoever_sent_the_records() -> None:
    assert Fuse().counting([OURS] * 50).blown() is None
    assert Fuse().counting([FINE, *[OURS] * 51, FINE]).blown() == "51 dead letters in a row, through a fault of ours"


class Producer:
    """Takes everything."""

    def __init__(self) -> None:
        self.taken: list[Outgoing] = []

    async def publish(self, topic: str, records: Sequence[Outgoing]) -> None:
        assert topic == STATISTICS_REPORTED.dlq
        self.taken += records


def a_letter(offset: int, source: str | None) -> DeadLetter:
    record = ConsumerRecord("t", 0, offset, 1, 0, None, b"{", None, -1, 1, ())
    return DeadLetter(record, "log", "bad_json", "broken", source)


async def test_a_fuse_that_blows_quarantines_nothing_and_remembers_nothing_until_it_is_renewed() -> None:
    producer = Producer()
    queue = DeadLetterQueue(STATISTICS_REPORTED, "test", cast(BatchProducer, producer), Telemetry())
    await queue.put([a_letter(n, "a") for n in range(40)], queue.weigh(["a"] * 40))
    for _ in range(2):
        with pytest.raises(Blown, match="60 dead letters in a row, from several sources"):
            queue.weigh(["b"] * 20)
    assert len(producer.taken) == 40
    queue.renew(10)
    await queue.put([a_letter(n, "b") for n in range(20)], queue.weigh(["b"] * 20))
    assert len(producer.taken) == 60
    assert queue.weigh(["a"] * 40).recent.count("b") == 10


async def test_a_batch_in_hand_does_not_undo_a_fuse_that_is_put_in_meanwhile() -> None:
    producer = Producer()
    queue = DeadLetterQueue(STATISTICS_REPORTED, "test", cast(BatchProducer, producer), Telemetry())
    calm, bad = queue.weigh([FINE] * 3), queue.weigh(["a"] * 40)
    queue.renew(500)
    await queue.put([], calm)
    await queue.put([a_letter(n, "a") for n in range(40)], bad)
    assert (queue.allowance, len(producer.taken)) == (500, 40)
    await queue.put([], queue.weigh(["a", "b"] * 240))
    assert queue.allowance == 20


async def test_a_source_that_is_parked_in_time_spares_the_fuse() -> None:
    queue = DeadLetterQueue(STATISTICS_REPORTED, "test", cast(BatchProducer, Producer()), Telemetry())
    blames = ["b"] * 4 + ["a"] * 46 + ["b"] * 40
    assert queue.weigh(blames, dealt_with=[49]).recent.count("b") == 44
    with pytest.raises(Blown):
        queue.weigh(blames)


async def test_sources_that_go_bad_together_blow_the_fuse_before_each_would_be_parked_by_itself() -> None:
    queue = DeadLetterQueue(STATISTICS_REPORTED, "test", cast(BatchProducer, Producer()), Telemetry())
    with pytest.raises(Blown, match="98 dead letters in a row, from several sources"):
        queue.weigh(["a", "b"] * 60, dealt_with=[98, 99])


def test_two_sources_are_several() -> None:
    assert Fuse().counting(["a", "b"] * 25).blown() is None
    assert Fuse().counting([*["a", "b"] * 25, "a"]).blown() == "51 dead letters in a row, from several sources"


def test_what_has_no_readable_source_is_never_one_of_several() -> None:
    assert Fuse().counting([UNREADABLE] * 5_000).blown() is None
    assert Fuse().counting([UNREADABLE, "a"] * 26).blown() is None
    assert Fuse().counting([UNREADABLE, "a", "b"] * 20).blown() == "60 dead letters in a row, from several sources"


def test_a_stray_dead_letter_among_the_many_of_one_publisher_is_no_second_publisher() -> None:
    assert Fuse().counting([*["a"] * 46, *["b"] * 5]).blown() is None
    assert Fuse().counting([*["a"] * 46, *["b"] * 6]).blown() == "52 dead letters in a row, from several sources"


def test_a_source_that_is_dealt_with_by_itself_counts_no_more() -> None:
    fuse = Fuse().counting([*["a"] * 30, *["b"] * 20])
    assert fuse.counting(["b"]).blown() is not None
    assert fuse.without("a").counting(["b"] * 40).blown() is None


def test_an_allowance_lets_so_many_dead_letters_pass_and_no_good_record_uses_it_up() -> None:
    fuse = Fuse(allowance=100).counting([FINE, *["a", "b"] * 40])
    assert (fuse.allowance, fuse.recent) == (20, (FINE,))
    assert fuse.counting(["a", "b"] * 35).blown() is None
    assert fuse.counting(["a", "b"] * 36).blown() == "52 dead letters in a row, from several sources"


def test_sources_that_left_the_window_do_not_count_among_the_several() -> None:
    verdicts = ["b", "c", *[FINE] * 1_200, *[*[FINE] * 6, "a"] * 200]
    assert Fuse().counting(verdicts).blown() is None
