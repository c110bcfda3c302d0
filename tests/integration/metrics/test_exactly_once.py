"""The whole engine as processes, and all that can befall them: at the end records and state equal the recomputation.

Each test sends more on the same topics, so that each has all that was sent before behind it.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.catalog import Kpi
from contracts.topics import OBSERVATIONS
from deploy.embedded.stack import Stack
from services.runtime.kafka.producer import partition_of
from services.runtime.kafka.topics import make_topics
from tests.integration.metrics.replicas import (
    PARTITIONS,
    Ingest,
    Progress,
    Replicas,
    content_of,
    figures_folded,
    figures_stored,
    judgements_stored,
    set_offsets,
    settings,
    until_all_is_said,
    until_committed,
)
from tests.stacks import a_stack
from tests.unit.metrics.long_series import KPIS, NOW, OBJECTS

SEED = 20
ROUNDS = [pytest.param(1, id="once"), pytest.param(6, id="long", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with a_stack(tmp_path_factory.mktemp("exactly-once"), "p", OBJECTS, NOW) as running:
        yield running


@pytest.fixture(scope="module")
def ingest(stack: Stack) -> Ingest:
    sys.stdout.write(f"seed {SEED}\n")
    return Ingest(stack, SEED)


@pytest.fixture(scope="module")
async def progress(stack: Stack) -> AsyncIterator[Progress]:
    async with Progress.of(stack) as reading:
        yield reading


@pytest.fixture
async def replicas(stack: Stack) -> AsyncIterator[Replicas]:
    """Small batches, so that there is a batch in hand most of the time."""
    started = Replicas(stack, TIENDO_KAFKA_MAX_RECORDS="200")
    yield started
    await started.stop()


async def _all_is_well(stack: Stack, ingest: Ingest, progress: Progress) -> None:
    await progress.until_it_equals_the_model(ingest.sent)
    await until_committed(stack, ingest.ends)
    assert figures_stored(stack) == await figures_folded(ingest.sent)
    seen: dict[tuple[bytes, int], object] = {}
    versions: dict[bytes, set[int]] = {}
    for record in progress.records:
        content = content_of(record.value)
        versions.setdefault(record.key, set()).add(content["version"])
        seen[record.key, content["version"]] = content
    for key, latest in progress.latest.items():
        name = f"p/{key[0]}/{key[1]}/{key[2]}".encode()
        assert max(versions[name]) == latest.version
        assert content_of(progress.bytes[key]) == seen[name, latest.version], "the newest version said two things"


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_kill_9_and_scaling_from_one_to_three_to_one_under_load_change_nothing(
    stack: Stack, ingest: Ingest, progress: Progress, replicas: Replicas, rounds: int
) -> None:
    chance = random.Random(SEED)
    figures = ingest.figures(3_000 * rounds)
    sending = asyncio.create_task(ingest.send(figures, every_s=0.2))
    replicas.start(0)
    for _ in range(rounds):
        for number in (1, 2):
            await asyncio.sleep(chance.uniform(1, 3))
            replicas.start(number)
        for _ in range(3):
            await asyncio.sleep(chance.uniform(0.5, 2))
            victim = chance.choice([0, 1, 2])
            replicas.kill(victim)
            await asyncio.sleep(chance.uniform(0, 0.5))
            replicas.start(victim)
        await replicas.stop(1, 2)
    await sending
    await _all_is_well(stack, ingest, progress)


@pytest.mark.slow
@pytest.mark.parametrize("rounds", ROUNDS)
async def test_a_process_that_wakes_up_after_another_has_taken_over_is_fenced_and_harms_nothing(
    stack: Stack, ingest: Ingest, progress: Progress, replicas: Replicas, rounds: int
) -> None:
    """It is paused in the middle of batches until one of them was in hand, which is known from its being fenced."""
    fenced, chance = 0.0, random.Random(SEED)
    replicas.start(0)
    for _ in range(20 * rounds):
        await ingest.send(ingest.figures(50))
        await until_committed(stack, ingest.ends)  # so the first has the partitions, and none is to move any more
        sending = asyncio.create_task(ingest.send(ingest.figures(3_000)))
        await asyncio.sleep(chance.uniform(0.2, 0.8))
        replicas.pause(0)
        await sending
        replicas.start(1)
        await until_committed(stack, ingest.ends)
        replicas.wake(0)
        await asyncio.sleep(0.5)
        await replicas.stop(1)
        await replicas.ready(0)
        fenced += await replicas.counted("tiendo_fenced_total", 0)
        if fenced >= rounds:
            break
    assert fenced >= rounds
    await _all_is_well(stack, ingest, progress)


async def test_everything_from_offset_0_again_leaves_state_and_records_identical_byte_for_byte(
    stack: Stack, ingest: Ingest, progress: Progress, replicas: Replicas
) -> None:
    await ingest.send(ingest.figures(500))
    replicas.start()
    await _all_is_well(stack, ingest, progress)
    await until_all_is_said(stack)
    while await progress.read():
        pass
    await replicas.stop()
    figures, judgements = figures_stored(stack), judgements_stored(stack)
    said, latest = len(progress.records), dict(progress.latest)
    await set_offsets(stack, dict.fromkeys(PARTITIONS, 0))
    replicas.start()
    await until_committed(stack, ingest.ends)
    await progress.until(lambda: len(progress.records) > said)
    await until_all_is_said(stack)
    while await progress.read():
        pass
    assert (figures_stored(stack), judgements_stored(stack)) == (figures, judgements)
    assert progress.latest == latest
    await _all_is_well(stack, ingest, progress)


@pytest.mark.slow
async def test_of_a_batch_whose_first_partition_fails_the_second_goes_on_and_the_first_is_made_good_later(
    stack: Stack, ingest: Ingest, progress: Progress, replicas: Replicas
) -> None:
    first, second = sorted(KPIS, key=_partition)[:: len(KPIS) - 1]
    assert _partition(first) != _partition(second)
    stopped = TopicPartition(OBSERVATIONS.name, _partition(first))
    replicas.start()
    await _all_is_well(stack, ingest, progress)
    await replicas.stop()
    before = list(ingest.sent)
    end = ingest.ends.get(stopped, 0)
    await ingest.send_garbage(first)
    of_first, of_second = ingest.figures(60, [first]), ingest.figures(60, [second])
    await ingest.send([one for pair in zip(of_first, of_second, strict=False) for one in pair])
    counted = [one for one in ingest.sent if one.kpi != first.id or one in before]
    replicas.start()
    await until_committed(stack, {at: end for at, end in ingest.ends.items() if at != stopped})
    await progress.until_it_equals_the_model(counted)
    assert await replicas.counted("tiendo_halted_partitions") == 1
    await replicas.stop()
    await set_offsets(stack, {stopped: end + 1})
    replicas.start()
    await _all_is_well(stack, ingest, progress)


@pytest.mark.slow
async def test_raw_offsets_of_a_topic_that_was_made_anew_are_not_taken_for_old_ones(
    stack: Stack, ingest: Ingest, progress: Progress, replicas: Replicas
) -> None:
    """The log of the statistics has another identity and begins at 0 again."""
    ingest.raw_log = "another log"
    replicas.start()
    await ingest.send(ingest.figures(500))
    await _all_is_well(stack, ingest, progress)


@pytest.mark.slow
async def test_a_topic_of_observations_that_was_made_anew_is_read_from_its_beginning(
    stack: Stack, ingest: Ingest, progress: Progress, replicas: Replicas
) -> None:
    """Nothing of what was counted is lost, what ingest sends again of it is not counted twice, and the new is."""
    replicas.start()
    await ingest.send(ingest.figures(200))
    await _all_is_well(stack, ingest, progress)
    await replicas.stop()
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.bootstrap)
    await admin.start()
    await admin.delete_topics([OBSERVATIONS.name])
    await admin.close()
    await make_topics(settings(stack), [OBSERVATIONS])
    await set_offsets(stack, dict.fromkeys(PARTITIONS, 0))
    ingest.ends.clear()
    again = ingest.sent[-100:]
    await ingest.send([*again, *ingest.figures(200)])
    replicas.start()
    await _all_is_well(stack, ingest, progress)


def _partition(kpi: Kpi) -> int:
    return partition_of(f"p/{kpi.id}".encode(), OBSERVATIONS.partitions)
