"""The auditor, over any store: each promise that is broken is named, and nothing that may still be kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.alerts.alert import Transition
from services.alerts.auditing import Books, Broken, Promise, audit
from services.alerts.grouping import Group, flush, keys_of, take_in
from services.alerts.ports import AlertChange, Alerts, GroupChange, Groups, Mails, RowState
from tests.unit.alerts.builders import KEY, NOW, Story

ALERT = KEY.alert_id


class Shelf:
    """The three stores of one alert's life, filled a stage at a time; any stage may be left out."""

    def __init__(self, alerts: Alerts, groups: Groups, mails: Mails, books: Books) -> None:
        self.alerts, self.groups, self.mails, self.books = alerts, groups, mails, books

    async def audited(self) -> list[Broken]:
        """What the auditor finds."""
        return await audit(self.books)

    async def decides(self, story: Story, *, relayed: bool = True) -> Sequence[Transition]:
        """The story's latest decision is stored, and out of the outbox."""
        (before,) = (await self.alerts.load([ALERT])).values() or (replace(story.alert, rev=0),)
        effects = story.last.effects
        assert await self.alerts.save([AlertChange(replace(story.alert, rev=before.rev), effects)])
        if relayed:
            await self.alerts.relayed({ALERT: effects[-1].wire.seq})
        return effects

    async def takes_in(self, effects: Sequence[Transition], now: datetime = NOW) -> None:
        """The groups of all recipients hear of it."""
        for effect in effects:
            keys = keys_of(effect)
            there = await self.groups.load(keys)
            groups = [there.get(id) or Group(key, who) for id, (key, who) in keys.items()]
            assert await self.groups.save([GroupChange(take_in(group, effect, now)) for group in groups])

    async def flushes(self, *, queued: bool = True) -> None:
        """Every group decides its mail."""
        while due := await self.groups.due(NOW + timedelta(days=99), NOW + timedelta(days=99), 10):
            assert await self.groups.save([GroupChange(*flush(one, NOW, "kpi.example", "Ký số")) for one in due])
        decided = await self.groups.pending([key for key, _ in self.keys], 10)
        if queued:
            await self.mails.put(decided, NOW)
        await self.groups.relayed({mail.group.group_id: mail.seq for mail in decided})

    async def sends(self, state: RowState = RowState.SENT) -> None:
        """Every mail comes to this end."""
        while rows := await self.mails.lease("worker", NOW, NOW + timedelta(minutes=1), 10):
            for row in rows:
                assert await self.mails.finish(row, state, NOW, 250, "ok")

    async def tells(self, story: Story) -> None:
        """All stages at once."""
        await self.takes_in(await self.decides(story))
        await self.flushes()
        await self.sends()

    @property
    def keys(self) -> list[tuple[str, str]]:
        """Group and person of everybody whom a story tells."""
        (opening,) = Story().sees(0.7).last.effects
        return [(id, who.person) for id, (_, who) in keys_of(opening).items()]

    def each(self, promise: Promise, **more: object) -> list[Broken]:
        """The promise, broken to everybody."""
        return [Broken(promise, group, who, **more) for group, who in sorted(self.keys)]  # type: ignore[arg-type]


class AuditSuite:
    """Over any store."""

    async def test_a_life_that_was_told_from_beginning_to_end_broke_none(self, shelf: Shelf) -> None:
        story = Story().sees(0.7)
        await shelf.tells(story)
        assert await shelf.audited() == []
        await shelf.tells(story.sees(0.97))
        assert await shelf.audited() == []
        await shelf.tells(story.sees(0.6))
        assert await shelf.audited() == []

    async def test_what_still_has_a_turn_to_take_is_not_broken_yet(self, shelf: Shelf) -> None:
        story = Story().sees(0.7)
        effects = await shelf.decides(story, relayed=False)
        assert await shelf.audited() == []
        await shelf.takes_in(effects)
        await shelf.alerts.relayed({ALERT: 1})
        assert await shelf.audited() == []
        await shelf.flushes()
        assert await shelf.audited() == []
        await shelf.sends()
        await shelf.takes_in(await shelf.decides(story.sees(0.97)))
        assert await shelf.audited() == []

    async def test_an_open_alert_of_which_nobody_was_told(self, shelf: Shelf) -> None:
        await shelf.decides(Story().sees(0.7))
        assert await shelf.audited() == shelf.each(Promise.BEGINNING, alert=ALERT, episode=1)

    async def test_an_end_that_was_told_to_nobody(self, shelf: Shelf) -> None:
        story = Story().sees(0.7)
        await shelf.tells(story)
        await shelf.decides(story.sees(0.97))
        assert await shelf.audited() == shelf.each(Promise.END, alert=ALERT, episode=1)

    async def test_an_end_whose_mail_was_cancelled_though_the_beginning_had_been_sent(self, shelf: Shelf) -> None:
        story = Story().sees(0.7)
        await shelf.tells(story)
        await shelf.takes_in(await shelf.decides(story.sees(0.97)))
        await shelf.flushes()
        await shelf.sends(RowState.CANCELLED)
        assert await shelf.audited() == shelf.each(Promise.END, alert=ALERT, episode=1)

    async def test_a_beginning_and_an_end_that_were_both_cancelled_are_nobodys_news(self, shelf: Shelf) -> None:
        story = Story().sees(0.7)
        await shelf.takes_in(await shelf.decides(story))
        await shelf.flushes()
        await shelf.takes_in(await shelf.decides(story.sees(0.97)))
        await shelf.flushes()
        await shelf.sends(RowState.CANCELLED)
        assert await shelf.audited() == []

    async def test_a_decided_mail_that_is_not_there(self, shelf: Shelf) -> None:
        await shelf.takes_in(await shelf.decides(Story().sees(0.7)))
        await shelf.flushes(queued=False)
        assert await shelf.audited() == shelf.each(Promise.UNQUEUED, seq=1)

    async def test_a_mail_that_was_given_up(self, shelf: Shelf) -> None:
        story = Story().sees(0.7)
        await shelf.takes_in(await shelf.decides(story))
        await shelf.flushes()
        await shelf.sends(RowState.DEAD)
        assert await shelf.audited() == shelf.each(Promise.UNDELIVERED, seq=1)

    async def test_a_mail_that_no_group_decided(self, shelf: Shelf) -> None:
        (effect,) = await shelf.decides(Story().sees(0.7), relayed=False)
        for key, who in keys_of(effect).values():
            _, mail = flush(take_in(Group(key, who), effect), NOW, "kpi.example", "Ký số")
            assert mail is not None
            await shelf.mails.put([mail], NOW)
        assert await shelf.audited() == shelf.each(Promise.UNDECIDED, seq=1)

    async def test_a_mail_of_an_alert_that_is_not_in_the_store(self, shelf: Shelf) -> None:
        await shelf.takes_in(Story().sees(0.7).last.effects)
        await shelf.flushes()
        await shelf.sends()
        found = await shelf.audited()
        assert [one.promise for one in found] == [*[Promise.END] * 2, *[Promise.UNDECIDED] * 2]
