"""Motor against its successor, PyMongo's async API, on the embedded mongod: `python -m tests.bench.bench_mongo_driver`.

The figures stand in docs/decisions/0001. Both drivers run the same operations in one process and one event loop, in
rounds whose order alternates; the median of the rounds is shown. The CPU is this process's, all its threads (Motor
works on a pool of them), not the server's.
"""

import argparse
import asyncio
import itertools
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient, InsertOne, UpdateOne

from deploy.embedded import database
from deploy.embedded.processes import Supervisor

BATCH = 1_000
FOUND = 100
CELLS = 20_000

Operation = Callable[[int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Driver:
    """A client of one driver, and how it opens a transaction, the one thing that the two write differently."""

    name: str
    client: Any
    two_writes_in_a_transaction: Callable[[Any, int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured. `per_second` counts documents in the bulk operations and calls in the others."""

    operation: str
    driver: str
    side_by_side: int
    per_second: float
    cpu_us: float


async def _motor_transaction(client: Any, number: int) -> None:
    async with await client.start_session() as session, session.start_transaction():
        await _two_writes(client, session, number)


async def _pymongo_transaction(client: Any, number: int) -> None:
    async with client.start_session() as session, await session.start_transaction():
        await _two_writes(client, session, number)


async def _two_writes(client: Any, session: Any, number: int) -> None:
    cells = client.bench.cells
    for key in (number % CELLS, (number + 1) % CELLS):
        await cells.update_one({"_id": f"t{key}"}, {"$set": {"n": number}}, upsert=True, session=session)


def operations(driver: Driver) -> dict[str, tuple[int, Operation]]:
    """Name → (documents that one call counts for, the call)."""
    db = driver.client.bench

    async def new_upserts(number: int) -> None:
        await db[f"new_{driver.name}"].bulk_write(
            [UpdateOne({"_id": f"{number}|{i}"}, {"$set": _figure(i)}, upsert=True) for i in range(BATCH)],
            ordered=False,
        )

    async def known_upserts(number: int) -> None:
        await db.cells.bulk_write(
            [
                UpdateOne({"_id": f"c{(number * BATCH + i) % CELLS}"}, {"$set": {"n": number}}, upsert=True)
                for i in range(BATCH)
            ],
            ordered=False,
        )

    async def inserts(_: int) -> None:
        await db[f"log_{driver.name}"].insert_many([_figure(i) for i in range(BATCH)], ordered=False)

    async def find_many(number: int) -> None:
        found = await db.cells.find({"group": number % (CELLS // FOUND)}).to_list(None)
        assert len(found) == FOUND

    async def find_one(number: int) -> None:
        assert await db.cells.find_one({"_id": f"c{number % CELLS}"}) is not None

    async def transaction(number: int) -> None:
        await driver.two_writes_in_a_transaction(driver.client, number * 2)

    async def upsert(number: int) -> None:
        await db.cells.update_one({"_id": f"u{number % CELLS}"}, {"$set": {"n": number}}, upsert=True)

    return {
        "bulk_write, 1,000 upserts, new keys": (BATCH, new_upserts),
        "bulk_write, 1,000 upserts, known keys": (BATCH, known_upserts),
        "insert_many, 1,000 documents": (BATCH, inserts),
        "find 100 documents by an index": (1, find_many),
        "find_one by _id": (1, find_one),
        "transaction of two writes": (1, transaction),
        "update_one with upsert": (1, upsert),
    }


def _figure(number: int) -> dict[str, Any]:
    return {"n": number, "kpi": "edoc-signed-share", "unit": f"commune-{number % 71}", "value": 91.3, "num": 913}


async def _measured(call: Operation, counts: int, workers: int, seconds: float, numbers: "itertools.count[int]") -> Any:
    done, began, cpu = 0, time.perf_counter(), time.process_time()
    end = began + seconds

    async def worker() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await call(next(numbers))
            done += counts

    await asyncio.gather(*(worker() for _ in range(workers)))
    return done / (time.perf_counter() - began), (time.process_time() - cpu) / done * 1e6


async def measure(uri: str, *, rounds: int, seconds: float) -> list[Row]:
    """All operations with both drivers, one call at a time and four side by side."""
    options: dict[str, Any] = {"w": "majority", "journal": True, "tz_aware": True}
    modern: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri, **options)
    past: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(uri, **options)
    drivers = [Driver("motor", past, _motor_transaction), Driver("pymongo", modern, _pymongo_transaction)]
    try:
        cells = modern.bench.cells
        await cells.create_index("group")
        await cells.bulk_write(
            [InsertOne({"_id": f"c{i}", "group": i % (CELLS // FOUND), **_figure(i)}) for i in range(CELLS)]
        )
        seen: dict[tuple[str, int, str], list[tuple[float, float]]] = {}
        numbers = itertools.count()
        for workers, turn, operation in itertools.product((1, 4), range(rounds), operations(drivers[0])):
            for driver in drivers if turn % 2 == 0 else reversed(drivers):
                counts, call = operations(driver)[operation]
                result = await _measured(call, counts, workers, seconds, numbers)
                seen.setdefault((operation, workers, driver.name), []).append(result)
        return [
            Row(operation, name, workers, statistics.median(r for r, _ in got), statistics.median(c for _, c in got))
            for (operation, workers, name), got in seen.items()
        ]
    finally:
        past.close()
        await modern.close()


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown: what each driver does a second, its CPU a unit, and the difference."""
    lines = [
        "| operation | side by side | Motor, /s (CPU µs) | PyMongo async, /s (CPU µs) | throughput | CPU |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    by_key = {(row.operation, row.side_by_side, row.driver): row for row in rows}
    for operation, workers in dict.fromkeys((row.operation, row.side_by_side) for row in rows):
        old, new = (by_key[operation, workers, name] for name in ("motor", "pymongo"))
        lines.append(
            f"| {operation} | {workers} | {old.per_second:,.0f} ({old.cpu_us:,.0f}) "
            f"| {new.per_second:,.0f} ({new.cpu_us:,.0f}) | {new.per_second / old.per_second - 1:+.0%} "
            f"| {new.cpu_us / old.cpu_us - 1:+.0%} |"
        )
    return "\n".join(lines)


def measured(rounds: int, seconds: float) -> list[Row]:
    """Starts a mongod of its own, measures, and ends it."""
    with tempfile.TemporaryDirectory() as folder, Supervisor(Path(folder) / "logs") as supervisor:
        server = database.start(supervisor, Path(folder) / "mongo")
        return asyncio.run(measure(server.uri, rounds=rounds, seconds=seconds))


def run() -> dict[str, dict[str, Any]]:
    """PyMongo's throughput for `make bench`, beside Motor's of the same run; shorter than the run of the record."""
    by_key = {(row.operation, row.side_by_side, row.driver): row for row in measured(rounds=3, seconds=0.4)}
    return {
        f"mongo driver: {operation}, {workers} side by side": {
            "value": round(row.per_second),
            "unit": "/s",
            "goal": None,
            "compared_with": f"Motor {by_key[operation, workers, 'motor'].per_second:,.0f}",
        }
        for (operation, workers, driver), row in by_key.items()
        if driver == "pymongo"
    }


def main() -> None:
    """Prints the table; `--json FILE` keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each measurement")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows = measured(asked.rounds, asked.seconds)
    sys.stdout.write(
        f"Motor {version('motor')}, PyMongo {version('pymongo')}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, median of {asked.rounds} rounds of {asked.seconds:g} s, w=majority, j=true\n\n"
        f"{table(rows)}\n"
    )
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
