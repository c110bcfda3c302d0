"""What rules did, in numbers."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from contracts.alerts import CloseReason
from services.alerts.tally import Cell, Ended, EpisodeTold, Happened, MailTold, Tally, Weekly, tally

FIRST = datetime(2023, 1, 2, tzinfo=UTC)
LAST = FIRST + timedelta(days=28)
WEEKLY = {"k": timedelta(days=7)}


def cell(unit: str = "a") -> Cell:
    return Cell("k", unit, "2023")


def episode(number: int, begins: int, ends: int | None = None, unit: str = "a", **fields: object) -> EpisodeTold:
    """From one day to another."""
    closed = None if ends is None else FIRST + timedelta(days=ends)
    why = fields.get("why", CloseReason.RECOVERED if closed is not None else None)
    opened = FIRST + timedelta(days=begins)
    return EpisodeTold(f"alert {unit}", number, "r", cell(unit), opened, closed, why)  # type: ignore[arg-type]


def counted(*episodes: EpisodeTold, ended: dict[Cell, Ended] | None = None, mails: tuple[MailTold, ...] = ()) -> Tally:
    return tally(Happened(list(episodes), list(mails), ended or {}), FIRST, LAST, WEEKLY)


def test_episodes_are_counted_with_their_median_length() -> None:
    found = counted(episode(1, 0, 2), episode(1, 1, 11, unit="b"), episode(2, 20, 24), episode(1, 5, unit="c"))
    assert (found.episodes, found.still_open, found.median_days) == (4, 1, 4.0)
    assert found.noisiest == [("a", 2), ("b", 1), ("c", 1)]


def test_an_episode_that_comes_back_within_three_reports_is_a_flap() -> None:
    assert counted(episode(1, 0, 2), episode(2, 2 + 21, 27)).flaps == 1
    assert counted(episode(1, 0, 2), episode(2, 2 + 22, 27)).flaps == 0
    assert counted(episode(1, 0, 2, why=CloseReason.TARGET_REVISED), episode(2, 3, 27)).flaps == 0


def test_what_began_before_the_first_day_is_known_and_not_counted() -> None:
    found = counted(episode(1, -9, -3), episode(2, 1, 4))
    assert (found.episodes, found.flaps) == (1, 1)


def test_a_missed_target_was_warned_of_as_many_days_as_its_first_episode_came_before_its_deadline() -> None:
    due = date(2023, 1, 20)
    missed, met = Ended(met=False, deadline=due), Ended(met=True, deadline=due)
    later = Ended(met=False, deadline=date(2023, 6, 30))
    ended = {cell("a"): missed, cell("b"): missed, cell("c"): met, cell("d"): missed, cell("e"): later, cell("f"): met}
    found = counted(
        episode(1, 0, 2), episode(2, 10), episode(1, 8, unit="b"), episode(1, 3, 5, unit="c"), episode(1, 20, unit="e"),
        ended=ended,
    )  # fmt: skip
    assert (found.warned, found.unwarned, found.met_after_all) == (2, 1, 1)
    assert found.lead_days == 14.0  # 18 days of a, 10 of b


def test_mails_are_counted_by_recipient_and_week() -> None:
    def mail(day: float, person: str) -> MailTold:
        return MailTold(FIRST + timedelta(days=day), person, "k", "FIRST")

    found = counted(mails=(mail(0, "x"), mail(1, "x"), mail(8, "x"), mail(6, "y"), mail(-1, "y"), mail(29, "y")))
    assert found.mails == 4
    assert dict(found.recipients) == {"x": Weekly(3, Fraction(3, 4), 2), "y": Weekly(1, Fraction(1, 4), 1)}
    assert list(found.recipients) == ["x", "y"]


def test_nothing_is_no_median() -> None:
    found = counted()
    assert (found.median_days, found.lead_days, found.mails) == (None, None, 0)
