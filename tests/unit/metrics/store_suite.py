"""What metrics relies on in a store, for the fake and for MongoDB alike."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from services.metrics.documents import Change, Stored
from services.metrics.store import Begun, Store
from services.runtime.catalog.extracts import Part
from services.runtime.errors import Fenced

KEY = "p/k"


def change(id: str, rev: int, **sets: Any) -> Change:
    """A change of a document of KPI `p/k`; a path's steps are joined by two underscores."""
    paths = {name.replace("__", "."): value for name, value in sets.items()}
    name, period, chunk = id.rsplit("/", 2)
    once = {"kpi": name, "period": period, "chunk": int(chunk), "schema": 1}
    return Change(id, rev, {"rev": rev + 1, "writer": "test", **paths}, once)


async def stored(store: Store) -> Stored:
    return (await store.load([KEY]))[KEY]


async def taken(store: Store) -> Begun:
    """The KPI as a process `one` holds it, and a generation that it begins."""
    await store.create({KEY: 1})
    await store.take([KEY], "one")
    return await store.begin(KEY, "one")


class StoreSuite:
    """Subclass it with a fixture `store`."""

    async def test_a_kpi_that_was_never_touched_is_absent(self, store: Store) -> None:
        assert await store.load([KEY, "p/other"]) == {}

    async def test_the_number_of_chunks_stays_as_it_was_first_noted(self, store: Store) -> None:
        await store.create({KEY: 8})
        await store.create({KEY: 3, "p/other": 2})
        assert {key: one.chunks for key, one in (await store.load([KEY, "p/other"])).items()} == {KEY: 8, "p/other": 2}

    async def test_only_what_is_set_changes(self, store: Store) -> None:
        await store.create({KEY: 1})
        await store.write([change("p/k/2023-09/0", 0, units__a__01={"n": 1}, units__b__01={"n": 2})], [])
        await store.write([change("p/k/2023-09/0", 1, units__a__02={"n": 3})], [])
        (figures,) = (await stored(store)).figures
        assert figures["units"] == {"a": {"01": {"n": 1}, "02": {"n": 3}}, "b": {"01": {"n": 2}}}
        assert (figures["rev"], figures["kpi"], figures["schema"]) == (2, KEY, 1)

    async def test_what_is_stored_comes_back_as_it_was(self, store: Store) -> None:
        await store.create({KEY: 1})
        content = {"n": 2**62, "d": "12.5", "o": b"\x00\xff", "i": [1, None, "0.1", True], "v": {"deep": ["x"]}}
        await store.write([], [change("p/k/2023/0", 0, units__a=content)])
        (judgements,) = (await stored(store)).judgements
        assert judgements["units"]["a"] == content

    async def test_a_writer_that_read_another_version_is_fenced(self, store: Store) -> None:
        await store.create({KEY: 1})
        await store.write([change("p/k/2023-09/0", 0, units__a__01=1)], [])
        await store.write([change("p/k/2023-09/0", 1, units__a__01=2)], [])
        with pytest.raises(Fenced):
            await store.write([change("p/k/2023-09/0", 1, units__a__01=3)], [])
        (figures,) = (await stored(store)).figures
        assert figures["units"]["a"]["01"] == 2

    async def test_of_two_that_make_a_document_the_second_is_fenced(self, store: Store) -> None:
        await store.create({KEY: 1})
        await store.write([], [change("p/k/2023/0", 0, units__a=1)])
        with pytest.raises(Fenced):
            await store.write([], [change("p/k/2023/0", 0, units__a=2)])

    async def test_documents_that_fit_are_written_beside_one_that_does_not(self, store: Store) -> None:
        """Each document has its own version and watermark, so a repeat makes the rest whole."""
        await store.create({KEY: 1})
        await store.write([change("p/k/2023-09/0", 0, units__a__01=1)], [])
        with pytest.raises(Fenced):
            await store.write(
                [change("p/k/2023-09/0", 0, units__a__01=2), change("p/k/2023-10/0", 0, units__a__01=3)],
                [change("p/k/2023/0", 0, units__a=4)],
            )
        everything = await stored(store)
        assert len(everything.figures) == 2
        assert len(everything.judgements) == 1

    async def test_documents_with_a_day_that_has_come_are_due_and_those_that_owe_something(self, store: Store) -> None:
        await store.create({KEY: 1})
        await store.write(
            [],
            [
                change("p/k/2023/0", 0, next_due="2023-09-30", units__a=1),
                change("p/k/2023/1", 0, next_due="2023-10-01", units__a=1),
                change("p/k/2024/0", 0, next_due=None, units__a=1),
                change("p/k/2024/1", 0, next_due=None, owed=["a"], units__a=1),
                change("p/k/2024/2", 0, next_due=None, owed=[], units__a=1),
            ],
        )
        assert _sorted(await store.due([KEY, "p/other"], "2023-09-30")) == {KEY: [("2023", 0), ("2024", 1)]}
        assert await store.due(["p/other"], "2023-09-30") == {}

    async def test_only_what_belongs_to_the_generation_in_force_is_read(self, store: Store) -> None:
        begun = await taken(store)
        new = f"p/k#{begun.generation}"
        due = {"next_due": "2023-09-30"}
        await store.write([change("p/k/2023-09/0", 0, units__a__01=1)], [change("p/k/2023/0", 0, units__a=1, **due)])
        await store.write(
            [change(f"{new}/2023-09/0", 0, units__a__01=2)], [change(f"{new}/2024/0", 0, units__a=2, **due)]
        )
        before = await stored(store)
        assert (before.generation, before.figures[0]["units"], before.judgements[0]["period"]) == (
            0,
            {"a": {"01": 1}},
            "2023",
        )
        assert await store.due([KEY], "2023-09-30") == {KEY: [("2023", 0)]}
        await store.switch(KEY, begun)
        after = await stored(store)
        assert (after.generation, after.figures[0]["units"], after.judgements[0]["period"]) == (
            1,
            {"a": {"01": 2}},
            "2024",
        )
        assert await store.due([KEY], "2023-09-30") == {KEY: [("2024", 0)]}
        assert await store.in_force(KEY) == 1

    async def test_numbers_of_generations_rise_whether_or_not_one_comes_in_force(self, store: Store) -> None:
        assert (await taken(store)).generation == 1
        assert [(await store.begin(KEY, "one")).generation for _ in range(2)] == [2, 3]
        assert await store.in_force(KEY) == 0
        assert await store.in_force("p/never-touched") == 0

    async def test_whoever_lost_the_kpi_to_another_process_puts_nothing_in_force(self, store: Store) -> None:
        begun = await taken(store)
        await store.take([KEY], "heir")
        with pytest.raises(Fenced):
            await store.begin(KEY, "one")
        with pytest.raises(Fenced):
            await store.switch(KEY, begun)
        await store.take([KEY], "one")
        with pytest.raises(Fenced):  # nor does it help to take it back: the heir may have written meanwhile
            await store.switch(KEY, begun)
        assert await store.in_force(KEY) == 0
        await store.switch(KEY, await store.begin(KEY, "one"))

    async def test_whoever_takes_again_what_is_his_already_loses_nothing(self, store: Store) -> None:
        begun = await taken(store)
        await store.take([KEY], "one")
        await store.switch(KEY, begun)
        assert await store.in_force(KEY) == begun.generation

    async def test_a_generation_follows_only_the_one_that_was_in_force_when_it_began(self, store: Store) -> None:
        first = await taken(store)
        second = await store.begin(KEY, "one")
        await store.switch(KEY, second)
        with pytest.raises(Fenced):
            await store.switch(KEY, first)
        assert await store.in_force(KEY) == second.generation

    async def test_former_and_abandoned_generations_are_removed_and_nothing_else(self, store: Store) -> None:
        keys = [KEY, "p/k2", "p/k-other"]
        await store.create(dict.fromkeys(keys, 1))
        await store.take(keys, "one")
        begun = [await store.begin(KEY, "one") for _ in range(3)]
        names = [*keys, *(f"p/k#{one.generation}" for one in begun)]
        await store.write(
            [change(f"{name}/2023-09/0", 0, units__a__01=name) for name in names],
            [change(f"{name}/2023/0", 0, units__a=name) for name in names],
        )
        await store.remove(KEY, generation=3)
        await store.switch(KEY, begun[1])
        await store.remove(KEY)
        await store.remove(KEY, generation=2)
        left = await store.load(keys)
        said = {key: one.figures[0]["units"]["a"]["01"] for key, one in left.items()}
        assert said == {KEY: "p/k#2", "p/k2": "p/k2", "p/k-other": "p/k-other"}
        await store.switch(KEY, (await store.begin(KEY, "one"))._replace(generation=3))
        assert ((await stored(store)).figures, (await stored(store)).judgements) == ((), ())
        await store.switch(KEY, (await store.begin(KEY, "one"))._replace(generation=0))
        assert ((await stored(store)).figures, (await stored(store)).judgements) == ((), ())

    async def test_what_was_judged_is_remembered(self, store: Store) -> None:
        await store.create({KEY: 1})
        assert await store.judged([KEY]) == {}
        noted = {"catalog": "1-abc", "day": "2023-09-30", "marks": {"target": "abcdef"}}
        await store.mark_judged({KEY: noted, "p/never-touched": noted})
        assert await store.judged([KEY, "p/never-touched"]) == {KEY: noted}
        await store.mark_judged({})
        await store.mark_judged({KEY: {**noted, "day": "2023-10-01"}})
        assert await store.judged([KEY]) == {KEY: {**noted, "day": "2023-10-01"}}

    async def test_every_write_of_a_figure_is_seen_in_the_revision_of_its_kpi(self, store: Store) -> None:
        await store.create({KEY: 1})
        assert await store.revisions([KEY]) == {}
        await store.write([change("p/k/2023-09/0", 0, units__a__01=1)], [change("p/k/2023/0", 0, units__a=1)])
        assert await store.revisions([KEY, "p/other"]) == {KEY: "p/k@1"}
        await store.write([change("p/k/2023-09/0", 1, units__a__01=2), change("p/k/2023-10/0", 0, units__a__01=3)], [])
        assert await store.revisions([KEY]) == {KEY: "p/k@3"}

    async def test_figures_are_read_without_judgements(self, store: Store) -> None:
        await store.create({KEY: 1})
        await store.write([change("p/k/2023-09/0", 0, units__a__01=1)], [change("p/k/2023/0", 0, units__a=1)])
        found = await store.figures([KEY, "p/other"])
        assert list(found) == [KEY]
        assert [one["_id"] for one in found[KEY]] == ["p/k/2023-09/0"]

    async def test_what_a_kpi_was_derived_from_is_remembered(self, store: Store) -> None:
        await store.create({KEY: 1})
        assert await store.derivations([KEY]) == {}
        made_from = {"catalog": "1-abc", "marks": {"tree": "0f"}, "sources": [["a.b", "p/a.b@7"], ["c", ""]]}
        await store.note_derivation(KEY, made_from)
        await store.note_derivation("p/never-touched", made_from)
        assert await store.derivations([KEY, "p/never-touched"]) == {KEY: made_from}

    async def test_business_time_never_falls_back(self, store: Store) -> None:
        assert await store.business_time() is None
        later, earlier = datetime(2023, 9, 30, tzinfo=UTC), datetime(2023, 9, 1, tzinfo=UTC)
        await store.note_business_time(later)
        await store.note_business_time(earlier)
        assert await store.business_time() == later

    async def test_kpis_with_a_record_that_awaits_a_forecast_or_is_owed_are_found(self, store: Store) -> None:
        await store.create({KEY: 2, "p/other": 1})
        await store.write([], [change("p/k/2023/0", 0, awaits=False, owed=[])])
        assert await store.unforetold([KEY, "p/other"]) == []
        await store.write([], [change("p/k/2023/0", 1, awaits=True)])
        await store.write([], [change("p/k/2023/1", 0, awaits=True)])
        assert await store.unforetold([KEY, "p/other"]) == [KEY]
        assert await store.unforetold(["p/other"]) == []
        await store.write([], [change("p/k/2023/0", 2, awaits=False), change("p/k/2023/1", 1, awaits=False)])
        assert await store.unforetold([KEY]) == []
        await store.write([], [change("p/k/2023/1", 2, awaits=False, owed=["a"])])
        assert await store.unforetold([KEY]) == [KEY]

    async def test_of_forecasts_issued_the_last_of_each_time_is_kept(self, store: Store) -> None:
        await store.keep_issued([])
        await store.keep_issued([change("p/k/2023/0", 0, units__a={"2023-08-31": [1], "2023-09-30": [2]})])
        await store.keep_issued([change("p/k/2023/0", 0, **{"units__a__2023-09-30": [3], "units__b__2023-09-30": [4]})])
        await store.keep_issued([change("p/k/2023/0", 0, targets__a__0f=[{"id": "t"}, "2023-12-29"])])
        targets = {"0f": [{"id": "t"}, "2023-12-29"]}
        assert await store.issued("p/k/2023/0", "a") == {
            "units": {"2023-08-31": [1], "2023-09-30": [3]},
            "targets": targets,
        }
        assert await store.issued("p/k/2023/0", "b") == {"units": {"2023-09-30": [4]}}
        assert await store.issued("p/k/2023/0", "c") == await store.issued("p/k/2024/0", "a") == {}

    async def test_editions_are_kept_in_order_and_their_parts_once(self, store: Store) -> None:
        assert await store.editions([KEY]) == {}
        one, two = (
            {
                "since": datetime(2023, 1, n, tzinfo=UTC),
                "catalog": f"{n}-a",
                "marks": {"tree": "0f"},
                "parts": [f"{n}", "u"],
            }
            for n in (1, 2)
        )
        await store.keep_editions({KEY: (0, one)}, [Part("1", b"\x00one"), Part("u", b"units")])
        both = {KEY: (1, two), "p/other": (0, one)}
        await store.keep_editions(both, [Part("2", b"two"), Part("u", b"never written"), Part("1", b"nor this")])
        assert await store.editions([KEY, "p/none"]) == {KEY: [one, two]}
        assert await store.parts(["u", "2", "1"]) == [b"units", b"two", b"\x00one"]
        with pytest.raises(KeyError):
            await store.parts(["1", "missing"])

    async def test_of_two_that_keep_an_edition_behind_the_same_the_second_is_fenced(self, store: Store) -> None:
        edition = {"since": datetime(2023, 1, 1, tzinfo=UTC), "catalog": "1-a", "marks": {}, "parts": ["1"]}
        for known in (0, 1):
            await store.keep_editions({KEY: (known, edition)}, [Part("1", b"one")])
            with pytest.raises(Fenced):
                await store.keep_editions({KEY: (known, edition)}, [Part("1", b"one")])
        assert len((await store.editions([KEY]))[KEY]) == 2


def _sorted(due: dict[str, list[tuple[str, int]]]) -> dict[str, Sequence[tuple[str, int]]]:
    return {key: sorted(documents) for key, documents in due.items()}
