"""What every store of this service promises: one suite for the fakes and for MongoDB."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from services.alerts.acknowledging import Acknowledge
from services.alerts.alert import Alert, Transition
from services.alerts.digest import Correspondence, Digest, PublisherKey, write
from services.alerts.digest import take_in as take_in_notes
from services.alerts.grouping import Group, Mail, flush, keys_of, take_in
from services.alerts.notes import NoteKind
from services.alerts.ports import (
    AlertChange,
    Alerts,
    CorrespondenceChange,
    Correspondences,
    GroupChange,
    Groups,
    Kept,
    Listed,
    Mails,
    Notes,
    Row,
    RowState,
    Sighting,
    Sightings,
    Times,
    Waiting,
)
from tests.unit.alerts.builders import KEY, NOW, Story
from tests.unit.alerts.climb import Climb
from tests.unit.alerts.letters import KEY as LETTERS
from tests.unit.alerts.letters import MONDAY, PUBLISHER, SLOT, a_letter, a_note, an_awaited

SOON = timedelta(seconds=60)
REAL = NOW + timedelta(days=1000)
"""Real time, far from business time."""


def opened(unit: str = "huyen-a.xa-tan-phu") -> tuple[Alert, tuple[Transition, ...]]:
    """A firing alert at revision 0, and its opening."""
    story = Story(key=KEY._replace(org_unit=unit)).sees(0.7)
    return replace(story.alert, rev=0), story.last.effects


def two_mails() -> tuple[Mail, Mail]:
    """The first two mails of one group: it fires, and it is over."""
    story = Story().sees(0.7, 0.97)
    group: Group | None = None
    mails = []
    for decision in story.decisions:
        (effect,) = decision.effects
        key, who = next(iter(keys_of(effect).values()))
        group, mail = flush(take_in(group or Group(key, who), effect), NOW, "kpi.example", "Xã Tân Phú – Ký số")
        assert mail is not None
        mails.append(mail)
    return mails[0], mails[1]


class AlertsSuite:
    """Promises of `Alerts`."""

    async def test_what_is_saved_is_loaded_with_the_next_revision(self, alerts: Alerts) -> None:
        alert, effects = opened()
        assert await alerts.save([AlertChange(alert, effects)])
        stored = await alerts.load([alert.key.alert_id, "0" * 32])
        assert stored == {alert.key.alert_id: replace(alert, rev=1)}

    async def test_an_alert_in_the_middle_of_its_climb_is_loaded_as_it_was(self, alerts: Alerts) -> None:
        climb = Climb().sees().after(3)
        climb.takes(Acknowledge("c1", "owner.tan-phu", "đang xử lý", None, climb.now))
        alert = replace(climb.alert, rev=0)
        effects = tuple(effect for decision in climb.decisions for effect in decision.effects)
        assert await alerts.save([AlertChange(alert, effects)])
        assert (await alerts.load([alert.key.alert_id]))[alert.key.alert_id] == replace(alert, rev=1)
        (pending,) = await alerts.pending([alert.key.alert_id], 9)
        assert tuple(pending.transitions) == effects

    async def test_a_write_at_another_revision_changes_nothing_and_says_so(self, alerts: Alerts) -> None:
        alert, effects = opened()
        assert await alerts.save([AlertChange(alert, effects)])
        assert not await alerts.save([AlertChange(replace(alert, episode=9), effects)])
        assert not await alerts.save([AlertChange(replace(alert, episode=9, rev=7))])
        stored = await alerts.load([alert.key.alert_id])
        assert stored[alert.key.alert_id].episode == 1
        assert len((await alerts.pending([alert.key.alert_id], 9))[0].transitions) == 1

    async def test_of_several_only_the_overtaken_one_is_refused(self, alerts: Alerts) -> None:
        one, other = opened()[0], opened("huyen-a.xa-quang-hoa")[0]
        assert await alerts.save([AlertChange(one)])
        assert not await alerts.save([AlertChange(one), AlertChange(other)])
        assert set(await alerts.load([one.key.alert_id, other.key.alert_id])) == {
            one.key.alert_id,
            other.key.alert_id,
        }

    async def test_the_outbox_keeps_order_and_forgets_what_was_relayed(self, alerts: Alerts) -> None:
        story = Story().sees(0.88, 0.7, 0.97)
        for decision, rev in zip(story.decisions, range(3), strict=True):
            assert await alerts.save([AlertChange(replace(decision.alert, rev=rev), decision.effects)])
        one = KEY.alert_id
        (pending,) = await alerts.pending([one], 9)
        assert [transition.wire.seq for transition in pending.transitions] == [1, 2, 3]
        assert pending.transitions[0] == story.decisions[0].effects[0]
        await alerts.relayed({one: 2})
        (pending,) = await alerts.pending([one], 9)
        assert [transition.wire.seq for transition in pending.transitions] == [3]
        await alerts.relayed({one: 3})
        assert await alerts.pending([one], 9) == []
        assert await alerts.pending(None, 9) == []

    async def test_fresh_entries_are_not_swept(self, alerts: Alerts) -> None:
        alert, effects = opened()
        await alerts.save([AlertChange(alert, effects)])
        assert await alerts.pending(None, 9) == []

    async def test_timers_are_found_when_due(self, alerts: Alerts) -> None:
        assert await alerts.next_due() is None
        alert, _ = opened()
        assert alert.next_due_at is not None
        await alerts.save([AlertChange(alert)])
        assert await alerts.next_due() == alert.next_due_at
        here = [KEY.province]
        assert await alerts.due(alert.next_due_at - timedelta(seconds=1), here, 9) == []
        assert await alerts.due(alert.next_due_at, here, 9) == [replace(alert, rev=1)]

    async def test_what_is_watched_is_found_page_by_page(self, alerts: Alerts) -> None:
        alert, _ = opened()
        keys = [KEY._replace(period=str(year)) for year in (2021, 2022, 2023)]
        over = replace(alert, key=KEY._replace(period="2020"), next_due_at=None)
        elsewhere = replace(alert, key=KEY._replace(province="elsewhere"))
        await alerts.save([AlertChange(one) for one in (over, elsewhere, *(replace(alert, key=key) for key in keys))])
        ids = sorted(key.alert_id for key in keys)
        first = await alerts.watching(KEY.province, "", 2)
        assert [one.key.alert_id for one in first] == ids[:2]
        assert [one.key.alert_id for one in await alerts.watching(KEY.province, ids[1], 2)] == ids[2:]
        assert await alerts.watching(KEY.province, ids[2], 2) == []

    async def test_a_province_that_is_not_asked_for_does_not_use_up_the_limit(self, alerts: Alerts) -> None:
        alert, _ = opened()
        assert alert.next_due_at is not None
        blind = [replace(alert, key=KEY._replace(province="elsewhere", period=str(year))) for year in (2020, 2021)]
        later = replace(alert, next_due_at=alert.next_due_at + SOON)
        assert await alerts.save([AlertChange(one) for one in (*blind, later)])
        assert await alerts.due(alert.next_due_at + SOON, [KEY.province], 2) == [replace(later, rev=1)]


class GroupsSuite:
    """Promises of `Groups`."""

    async def test_a_group_comes_back_as_it_was_written(self, groups: Groups) -> None:
        group = self._group()
        assert await groups.save([GroupChange(group)])
        assert await groups.load([group.key.group_id]) == {group.key.group_id: replace(group, rev=1)}
        assert not await groups.save([GroupChange(group)])

    async def test_a_flush_is_found_when_due(self, groups: Groups) -> None:
        group = self._group()
        assert await groups.next_due() is None
        await groups.save([GroupChange(group)])
        due = group.next_flush_at
        assert due is not None
        assert await groups.next_due() == due
        assert await groups.due(due - timedelta(seconds=1), REAL, 9) == []
        assert await groups.due(due, REAL, 9) == [replace(group, rev=1)]

    async def test_a_flush_is_due_as_well_when_so_much_real_time_has_passed(self, groups: Groups) -> None:
        group = self._group()
        await groups.save([GroupChange(group)])
        assert group.flush_by == REAL + timedelta(minutes=10)
        assert await groups.due(NOW, group.flush_by - timedelta(seconds=1), 9) == []
        assert await groups.due(NOW, group.flush_by, 9) == [replace(group, rev=1)]

    async def test_the_decided_mail_waits_in_the_outbox_until_it_is_queued(self, groups: Groups) -> None:
        group = self._group()
        after, mail = flush(group, NOW, "kpi.example", "Xã Tân Phú – Ký số")
        assert mail is not None
        assert await groups.save([GroupChange(after, mail)])
        assert await groups.pending([group.key.group_id], 9) == [mail]
        assert await groups.pending(None, 9) == []
        await groups.relayed({group.key.group_id: mail.seq})
        assert await groups.pending([group.key.group_id], 9) == []

    @staticmethod
    def _group() -> Group:
        _, (effect,) = opened()
        key, who = next(iter(keys_of(effect).values()))
        return take_in(Group(key, who), effect, REAL)


class TimesSuite:
    """Promises of `Times`."""

    async def test_the_latest_time_is_kept(self, times: Times) -> None:
        assert await times.reached() is None
        await times.keep(NOW)
        await times.keep(NOW - SOON)
        assert await times.reached() == NOW
        await times.keep(NOW + SOON)
        assert await times.reached() == NOW + SOON


class NotesSuite:
    """Promises of `Notes`."""

    async def test_a_note_is_kept_once_and_read_in_the_order_in_which_it_was_said(self, notes: Notes) -> None:
        late, early = a_note(1, at=NOW + SOON), a_note(2, at=NOW)
        await notes.put([Kept(LETTERS, late), Kept(LETTERS, early)])
        await notes.put([Kept(LETTERS, early), Kept(LETTERS, a_note(3, at=NOW + 2 * SOON))])
        assert await notes.first(LETTERS, NOW + SOON, 9) == [early, late]
        assert await notes.first(LETTERS, NOW + SOON, 1) == [early]
        assert await notes.first(LETTERS, NOW - SOON, 9) == []

    async def test_each_publisher_has_its_own(self, notes: Notes) -> None:
        other = PublisherKey("dak-nong", "other")
        await notes.put([Kept(LETTERS, a_note(1, at=NOW)), Kept(other, a_note(2, at=NOW + SOON))])
        assert await notes.whose(NOW - SOON) == frozenset()
        assert await notes.whose(NOW) == {LETTERS}
        assert await notes.whose(NOW + SOON) == {LETTERS, other}
        assert [note.id for note in await notes.first(other, NOW + SOON, 9)] == ["log/0/2"]

    async def test_what_is_folded_in_is_not_read_again_though_it_is_delivered_again(self, notes: Notes) -> None:
        one, other = a_note(1, at=NOW), a_note(2, at=NOW)
        await notes.put([Kept(LETTERS, one), Kept(LETTERS, other)])
        for _ in range(2):
            await notes.folded([one.id, "unknown"], datetime.now(UTC) + 1000 * SOON)
        await notes.put([Kept(LETTERS, one)])
        assert await notes.first(LETTERS, NOW, 9) == [other]
        await notes.folded([other.id], datetime.now(UTC) + 1000 * SOON)
        assert await notes.whose(NOW) == frozenset()

    async def test_refusals_are_found_by_what_would_mend_them_until_they_are_folded_in(self, notes: Notes) -> None:
        assert not await notes.any_refused()
        await notes.put([Kept(LETTERS, a_note(1, at=NOW))])
        assert not await notes.any_refused()
        await notes.put(
            [Kept(LETTERS, a_note(2, at=NOW), "i2", "c2"), Kept(LETTERS, a_note(3, at=NOW), cell="c3")],
        )
        await notes.put([Kept(LETTERS, a_note(4, at=NOW), "i4", "c2")])
        assert await notes.any_refused()
        found = await notes.refused({"i2", "i9"}, {"c3"})
        assert sorted(found, key=lambda one: one.note) == [
            Waiting("log/0/2", LETTERS, NOW, "i2", "c2"),
            Waiting("log/0/3", LETTERS, NOW, None, "c3"),
        ]
        assert {one.note for one in await notes.refused(set(), {"c2"})} == {"log/0/2", "log/0/4"}
        await notes.folded(["log/0/2", "log/0/3"], datetime.now(UTC) + 1000 * SOON)
        assert {one.note for one in await notes.refused({"i2"}, {"c2", "c3"})} == {"log/0/4"}
        await notes.folded(["log/0/4"], datetime.now(UTC) + 1000 * SOON)
        assert not await notes.any_refused()


class CorrespondencesSuite:
    """Promises of `Correspondences`."""

    async def test_a_correspondence_comes_back_as_it_was_written(self, correspondences: Correspondences) -> None:
        owed, digest = self._written()
        assert await correspondences.save(CorrespondenceChange(owed, digest))
        assert await correspondences.load([LETTERS, PublisherKey("dak-nong", "other")]) == {LETTERS: owed.saved()}

    async def test_who_was_overtaken_writes_nothing(self, correspondences: Correspondences) -> None:
        owed, digest = self._written()
        assert await correspondences.save(CorrespondenceChange(Correspondence(LETTERS)))
        assert not await correspondences.save(CorrespondenceChange(owed, digest))
        assert await correspondences.pending([LETTERS]) == []
        assert await correspondences.save(CorrespondenceChange(owed.saved(), digest))
        assert await correspondences.pending([LETTERS]) == [digest]

    async def test_a_decided_letter_waits_until_it_is_queued(self, correspondences: Correspondences) -> None:
        owed, digest = self._written()
        assert await correspondences.save(CorrespondenceChange(owed, digest))
        assert await correspondences.pending(None) == []
        assert await correspondences.pending([PublisherKey("dak-nong", "other")]) == []
        for _ in range(2):
            await correspondences.relayed([digest])
        assert await correspondences.pending([LETTERS]) == []
        assert (await correspondences.load([LETTERS]))[LETTERS].on_its_way == digest.row_id

    @staticmethod
    def _written() -> tuple[Correspondence, Digest]:
        owed = take_in_notes(Correspondence(LETTERS), [a_note(1), a_note(2, NoteKind.DOUBTED)])
        late = an_awaited(overdue=True)
        after, digest = write(owed, PUBLISHER, (late,), SLOT, NOW, MONDAY, MONDAY, "kpi.example")
        assert digest is not None
        return after, digest


class SightingsSuite:
    """Promises of `Sightings`."""

    async def test_the_newest_day_is_kept(self, sightings: Sightings) -> None:
        one, other = ("p", "kpi", "a", "2023"), ("p", "kpi", "b", "2023")
        await sightings.keep([Sighting(*one, date(2023, 9, 9), 1), Sighting(*other, date(2023, 10, 1), 4)])
        await sightings.keep(
            [
                Sighting(*one, date(2023, 10, 2), 2),
                Sighting(*other, date(2023, 9, 30), 3),
                Sighting("q", "kpi", "a", "2023", date(2024, 1, 1), 1),
                Sighting("p", "kpi", "a", "2022", date(2022, 12, 14), 9),
            ]
        )
        assert await sightings.newest("p") == {"kpi": {"a": date(2023, 10, 2), "b": date(2023, 10, 1)}}
        assert await sightings.newest("nowhere") == {}

    async def test_what_was_withdrawn_is_seen_no_more_and_an_older_version_does_not_bring_it_back(
        self, sightings: Sightings
    ) -> None:
        one, before = ("p", "kpi", "a", "2023"), ("p", "kpi", "a", "2022")
        await sightings.keep([Sighting(*one, date(2023, 2, 1), 1), Sighting(*before, date(2022, 12, 1), 1)])
        await sightings.keep([Sighting(*one, date(2023, 1, 15), 2)])
        assert await sightings.newest("p") == {"kpi": {"a": date(2023, 1, 15)}}
        await sightings.keep([Sighting(*one, None, 3), Sighting("p", "kpi", "b", "2023", None, 1)])
        await sightings.keep([Sighting(*one, date(2023, 1, 15), 2)])
        assert await sightings.newest("p") == {"kpi": {"a": date(2022, 12, 1)}}
        await sightings.keep([Sighting(*before, None, 2)])
        assert await sightings.newest("p") == {}


class MailsSuite:
    """Promises of `Mails`."""

    async def test_a_mail_is_queued_once_however_often_it_is_put(self, mails: Mails) -> None:
        first, _ = two_mails()
        await mails.put([first], NOW)
        await mails.put([first, first], NOW)
        assert await mails.waiting() == (1, NOW)
        row = await self._lease(mails)
        assert (row.mail, row.attempts, row.raw, row.before) == (first, 0, None, None)

    async def test_a_leased_mail_is_nobody_elses(self, mails: Mails) -> None:
        await mails.put([two_mails()[0]], NOW)
        await self._lease(mails)
        assert await mails.lease("other", NOW, NOW + SOON, 9) == []

    async def test_the_next_mail_of_a_group_waits_for_the_one_before(self, mails: Mails) -> None:
        first, second = two_mails()
        await mails.put([second], NOW)
        assert await mails.lease("one", NOW, NOW + SOON, 9) == []
        await mails.put([first], NOW)
        row = await self._lease(mails)
        assert row.mail == first
        assert await mails.lease("one", NOW, NOW + SOON, 9) == []
        assert await mails.later(row, RowState.FAILED_RETRY, NOW + SOON, 451, "later")
        assert await mails.lease("one", NOW, NOW + SOON, 9) == []
        row = await self._lease(mails, NOW + SOON)
        assert (row.mail, row.attempts) == (first, 1)
        assert await mails.finish(row, RowState.SENT, NOW, 250, "ok")
        row = await self._lease(mails, NOW + SOON)
        assert (row.mail, row.before) == (second, RowState.SENT)
        assert await mails.was_told(row)

    async def test_after_a_dead_beginning_the_end_knows_it(self, mails: Mails) -> None:
        first, second = two_mails()
        await mails.put([first, second], NOW)
        assert await mails.finish(await self._lease(mails), RowState.DEAD, NOW, 550, "unknown")
        row = await self._lease(mails)
        assert (row.mail, row.before) == (second, RowState.DEAD)
        assert not await mails.was_told(row)

    async def test_frozen_bytes_stay(self, mails: Mails) -> None:
        await mails.put([two_mails()[0]], NOW)
        row = await self._lease(mails)
        assert await mails.freeze(row, b"the mail")
        assert await mails.later(row, RowState.QUEUED, NOW, None, "the relay is away")
        row = await self._lease(mails)
        assert (row.raw, row.attempts, row.resends) == (b"the mail", 0, 0)

    async def test_a_lease_that_ran_out_comes_back_and_the_old_holder_is_fenced(self, mails: Mails) -> None:
        await mails.put([two_mails()[0]], NOW)
        old = await self._lease(mails)
        new = await self._lease(mails, NOW + SOON + SOON)
        assert (new.mail, new.resends) == (old.mail, 0)
        assert not await mails.freeze(old, b"late")
        assert not await mails.finish(old, RowState.SENT, NOW, 250, "late")
        assert not await mails.renew(old, NOW + SOON)
        assert await mails.finish(new, RowState.SENT, NOW, 250, "ok")

    async def test_a_renewed_lease_holds_longer(self, mails: Mails) -> None:
        await mails.put([two_mails()[0]], NOW)
        row = await self._lease(mails)
        assert await mails.renew(row, NOW + 5 * SOON)
        assert await mails.lease("other", NOW + 2 * SOON, NOW + 3 * SOON, 9) == []

    async def test_what_may_have_been_sent_counts_as_a_resend(self, mails: Mails) -> None:
        await mails.put([two_mails()[0]], NOW)
        row = await self._lease(mails)
        await mails.freeze(row, b"the mail")
        row = await self._lease(mails, NOW + SOON + SOON)
        assert (row.resends, row.raw) == (1, b"the mail")
        assert await mails.later(row, RowState.UNKNOWN, NOW, None, "dropped")
        assert (await self._lease(mails, NOW + SOON + SOON)).resends == 2

    async def test_a_letter_to_a_publisher_is_queued_like_any_mail(self, mails: Mails) -> None:
        letter = a_letter([a_note(1)], [an_awaited(overdue=False)])
        await mails.put([letter], NOW)
        await mails.put([letter, two_mails()[0]], NOW)
        rows = await mails.lease("one", NOW, NOW + SOON, 9)
        (row,) = [row for row in rows if row.mail == letter]
        assert await mails.states([letter.row_id, "unknown"]) == {letter.row_id: RowState.LEASED}
        assert await mails.finish(row, RowState.UNCONFIRMED, NOW, None, "nobody knows")
        assert await mails.states([letter.row_id]) == {letter.row_id: RowState.UNCONFIRMED}
        assert [row.mail for row in await mails.lease("other", NOW + 9 * SOON, NOW + 10 * SOON, 9)] == [two_mails()[0]]

    async def test_what_has_ended_well_before_anything_of_it_was_tried_came_and_went(self, mails: Mails) -> None:
        first, second = two_mails()
        await mails.put([first], NOW)
        row = await self._lease(mails)
        assert not await mails.came_and_went(row)
        await mails.put([second], NOW)
        assert await mails.came_and_went(row)
        await mails.freeze(row, b"the mail")
        assert not await mails.came_and_went(row)

    async def test_what_is_dead_is_listed_and_goes_back_with_the_end_that_was_cancelled_for_its_sake(
        self, mails: Mails
    ) -> None:
        first, second = two_mails()
        await mails.put([first, second], NOW)
        row = await self._lease(mails)
        assert await mails.freeze(row, b"the mail")
        assert await mails.finish(row, RowState.DEAD, NOW, 550, "unknown user")
        assert await mails.finish(await self._lease(mails), RowState.CANCELLED, NOW, None, "never told")
        (dead,) = await mails.listed([RowState.DEAD], 9)
        assert dead == Listed(first.row_id, first.addressee, "FIRST", RowState.DEAD, NOW, 0, "550 unknown user")
        assert len(await mails.listed([RowState.DEAD, RowState.CANCELLED], 9)) == 2
        assert await mails.requeue(["another"], NOW + SOON) == 0
        assert await mails.requeue([first.row_id], NOW + SOON) == 2
        assert await mails.requeue(None, NOW + SOON) == 0
        row = await self._lease(mails, NOW + SOON)
        assert (row.mail, row.raw, row.attempts, row.queued_at) == (first, b"the mail", 0, NOW + SOON)
        assert await mails.finish(row, RowState.SENT, NOW, 250, "ok")
        assert (await self._lease(mails, NOW + SOON)).mail == second

    async def test_a_dead_letter_to_a_publisher_stays_dead(self, mails: Mails) -> None:
        letter = a_letter([a_note(1)])
        await mails.put([letter], NOW)
        assert await mails.finish(await self._lease(mails), RowState.DEAD, NOW, 550, "unknown user")
        assert await mails.requeue(None, NOW) == 0

    async def test_nothing_waits_once_all_is_done(self, mails: Mails) -> None:
        assert await mails.waiting() == (0, None)
        first, _ = two_mails()
        await mails.put([first], NOW)
        await mails.finish(await self._lease(mails), RowState.SENT, NOW, 250, "ok")
        assert await mails.waiting() == (0, None)

    @staticmethod
    async def _lease(mails: Mails, now: datetime = NOW) -> Row:
        (row,) = await mails.lease("one", now, now + SOON, 9)
        return row
