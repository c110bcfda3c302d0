"""Hundreds of figures of every kind, batch by batch: what is kept from one batch to the next must not grow old."""

import random

import pytest

from contracts.observations import ObservationRecorded
from tests.model import recompute
from tests.unit.metrics.engine import Engine, different
from tests.unit.metrics.long_series import NOW, LongSeries, catalog


@pytest.mark.parametrize("seed", range(20, 23))
async def test_many_batches_equal_the_model_and_all_of_them_again_change_no_record(
    seed: int,
) -> None:
    chance = random.Random(seed)
    figures = LongSeries(seed).figures(1_000)
    engine = Engine(catalog(), NOW)
    await _feed(engine, figures, chance)
    assert different(recompute(catalog(), figures, NOW), engine.latest()) == []
    said = engine.latest()
    again = engine.restarted()
    await _feed(again, figures, chance)
    assert again.latest() == said


async def _feed(engine: Engine, figures: list[ObservationRecorded], chance: random.Random) -> None:
    begin = 0
    while begin < len(figures):
        end = begin + chance.choice([1, 20, 200])
        await engine.take(*figures[begin:end], offset=begin)
        if chance.random() < 0.3:
            await engine.tick()
            await engine.forecast()
        begin = end
    await engine.tick()
    await engine.forecast()
