"""Simulated series, with what really happened at the deadline: the six shapes that the constants of the method were
chosen with, one with its target at a natural limit, and two that nobody looked at before.

Half of those that are no running totals are turned upside down, with a target of at most so much.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import exp, pi, sin
from random import Random

from services.metrics.landing.asked import Asked, Earlier, Goal, Point

FIRST = 738_000
"""The first day of the simulated period."""


@dataclass(frozen=True, slots=True)
class Case:
    """A question, and the value that stood at the deadline in the end."""

    shape: str
    asked: Asked
    outcome: float

    @property
    def met(self) -> bool:
        assert self.asked.goal is not None
        low, high = self.asked.goal.edges()
        return low <= self.outcome <= high


Path = list[float]
"""The value at the end of each step of a period."""


def linear(random: Random, steps: int) -> Path:
    """A steady climb, measured with an error each time."""
    start, rise, noise = random.uniform(20, 50), random.uniform(5, 40), random.uniform(0.2, 4)
    return [start + rise * (i + 1) / steps + random.gauss(0, noise) for i in range(steps)]


def cumulative(random: Random, steps: int) -> Path:
    """A running total of uneven amounts."""
    each, uneven = random.uniform(1, 30), random.uniform(0.1, 1.2)
    total, path = 0.0, []
    for _ in range(steps):
        total += max(0.0, each * (1 + random.gauss(0, uneven)))
        path.append(round(total, 1))
    return path


def saturating(random: Random, steps: int) -> Path:
    """Fast at first, then ever slower, towards a ceiling."""
    start, rise, bend = random.uniform(10, 50), random.uniform(10, 45), random.uniform(1, 4)
    noise = random.uniform(0.1, 1.5)
    return [start + rise * (1 - exp(-bend * (i + 1) / steps)) + random.gauss(0, noise) for i in range(steps)]


def seasonal(random: Random, steps: int) -> Path:
    """A running total whose amounts follow the time of year."""
    return _seasonal(random, steps, random.uniform(5, 30), random.uniform(0.3, 0.9), random.uniform(0, 1))


def _seasonal(random: Random, steps: int, each: float, swing: float, phase: float) -> Path:
    total, path = 0.0, []
    for i in range(steps):
        total += max(0.0, each * (1 + swing * sin(2 * pi * (i / steps + phase)) + random.gauss(0, 0.2)))
        path.append(round(total, 1))
    return path


def steps_up(random: Random, steps: int) -> Path:
    """Long flat, then a jump, now and then."""
    value, chance, size = random.uniform(10, 50), random.uniform(0.1, 0.5), random.uniform(1, 6)
    path = []
    for _ in range(steps):
        if random.random() < chance:
            value += size * random.uniform(0.5, 1.5)
        path.append(round(value, 1))
    return path


def stalled(random: Random, steps: int) -> Path:
    """A climb that stops at some time, which may be after the forecast was made."""
    start, rise, noise = random.uniform(10, 50), random.uniform(5, 40), random.uniform(0.1, 1)
    stop = random.randrange(steps // 4, 2 * steps)
    return [start + rise * (min(i, stop) + 1) / steps + random.gauss(0, noise) for i in range(steps)]


def to_the_limit(random: Random, steps: int) -> Path:
    """A climb towards all there is, which it reaches before the deadline, or just then, or would after it; steady, or
    ever slower."""
    start, end, noise = random.uniform(30, 60), random.uniform(85, 160), random.uniform(0.2, 2)
    bend = random.choice((0.01, random.uniform(0.5, 3)))
    return [
        start + (end - start) * (1 - exp(-bend * (i + 1) / steps)) / (1 - exp(-bend)) + random.gauss(0, noise)
        for i in range(steps)
    ]


def s_curve(random: Random, steps: int) -> Path:
    """Slow, fast, slow: how a new service spreads."""
    start, rise, middle = random.uniform(0, 30), random.uniform(20, 65), random.uniform(0.2, 1.0)
    steep, noise = random.uniform(5, 15), random.uniform(0.1, 1.5)
    return [
        start + rise / (1 + exp(-steep * ((i + 1) / steps - middle))) + random.gauss(0, noise) for i in range(steps)
    ]


def wandering(random: Random, steps: int) -> Path:
    """A drift with chance on top, each step from where the last one ended."""
    value, drift, chance = random.uniform(30, 70), random.uniform(-5, 20), random.uniform(1, 10)
    path = []
    for _ in range(steps):
        value += drift / steps + random.gauss(0, chance / steps**0.5)
        path.append(value)
    return path


Shapes = dict[str, Callable[[Random, int], Path]]

SHAPES: Shapes = {
    "linear": linear,
    "cumulative": cumulative,
    "saturating": saturating,
    "seasonal": seasonal,
    "steps": steps_up,
    "stalled": stalled,
}

AT_THE_LIMIT: Shapes = {"to_the_limit": to_the_limit}
"""With a target of all there is, 100 %, or upside down of nothing left."""

UNSEEN: Shapes = {"s_curve": s_curve, "wandering": wandering}

RHYTHMS = ((12, 30), (52, 7), (20, 91), (24, 15))
"""Steps of a period, and days in one: monthly, weekly, quarters of five years, half-monthly."""


def cases(seed: int, count: int, shapes: Shapes = SHAPES) -> Iterator[Case]:
    """As many cases, the shapes in turn.

    A target is set without a look at what followed: 0.6 to 1.3 times the way that the pace so far would lead to, or
    the limit itself.
    """
    random = Random(seed)
    names = list(shapes)
    for at in range(count):
        case = _case(random, names[at % len(names)], shapes)
        yield case if case.asked.cumulative or random.random() < 0.5 else upside_down(case)


def upside_down(case: Case) -> Case:
    """The same of a figure that should fall: 100 − value, and a target of at most so much."""
    asked, goal = case.asked, case.asked.goal
    assert goal is not None
    assert goal.value is not None
    return Case(
        case.shape,
        replace(
            asked,
            points=[(day, 100 - value) for day, value in asked.points],
            goal=Goal("<=", goal.deadline, value=100 - goal.value),
        ),
        100 - case.outcome,
    )


def _case(random: Random, shape: str, shapes: Shapes) -> Case:
    steps, days = random.choice(RHYTHMS)
    earlier: tuple[Earlier, ...] = ()
    if shape == "seasonal":
        each, swing, phase = random.uniform(5, 30), random.uniform(0.3, 0.9), random.uniform(0, 1)
        years = [_seasonal(random, steps, each * random.uniform(0.8, 1.3), swing, phase) for _ in range(3)]
        path = years[0]
        earlier = tuple(_before(year, n * steps * days, days) for n, year in enumerate(years) if n)
    else:
        path = shapes[shape](random, steps)
    known = random.randrange(max(6, (steps + 2) // 3 + 1), steps)
    totals = shape in ("cumulative", "seasonal")
    ratio = not totals
    if ratio:
        path = [min(100.0, max(0.0, value)) for value in path]
    points = _dated(path, FIRST, days)
    start = 0.0 if totals else path[0]
    way = (path[known - 1] - start) * steps / known
    goal = 100.0 if shape in AT_THE_LIMIT else start + way * random.uniform(0.6, 1.3)
    asked = Asked(
        kind="flow" if totals else "ratio",
        points=points[:known],
        goal=Goal(">=", points[-1][0], value=round(goal, 1)),
        first=FIRST,
        earlier=earlier,
        low=0.0,
        high=100.0 if ratio else None,
        cumulative=totals,
    )
    return Case(shape, asked, path[-1])


def _before(path: Path, back: int, days: int) -> Earlier:
    first, last = FIRST - back, FIRST - back + len(path) * days - 1
    return Earlier(first, last, _dated(path, first, days), last)


def _dated(path: Path, first: int, days: int) -> list[Point]:
    return [(first + (i + 1) * days - 1, value) for i, value in enumerate(path)]
