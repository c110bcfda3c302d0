"""What becomes of the events of a file, or would become of them: asked of a gateway.

To ask costs a publisher as much of its allowance as to send, so each event is asked for once, when it is likely to be
there: the events of a part are, once its last one is.
"""

import time
from collections.abc import Sequence
from contextlib import suppress

from contracts.fates import EventState
from services.cli import sending
from services.cli.destinations import Gateway
from services.cli.send_words import Bar
from services.cli.sending import Contents, Outcome, Ready, Remark, Said
from services.runtime.errors import StartError, Transient

ASKED_AT_ONCE = 500
"""Events in one question: more are examined one part after the other, and may take longer than a gateway waits."""

TRACED = 50
"""Events of which nothing was heard, and that are asked for one by one."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0

_FOLDED_WITHIN_S = 5.0

_TURNED_AWAY = frozenset({EventState.REFUSED, EventState.QUARANTINED, EventState.PARKED})
_ACCEPTED = frozenset({EventState.ACCEPTED, EventState.ACCEPTED_WITH_DOUBTS, EventState.REFUSED_SINCE})


def tried(gateway: Gateway, contents: Contents, bar: Bar) -> Outcome:
    """What would become of the events if they were sent."""
    outcome = Outcome()
    bar.begin("checks", 0, len(contents.ready))
    done = 0
    for part in sending.chunks(contents.ready, most=ASKED_AT_ONCE):
        for one, doubts in _examined(gateway, part, outcome):
            outcome.accepted += 1
            outcome.flagged += (Remark(one.place, why) for why in doubts)
        done += len(part)
        bar.done(done)
    return outcome


def followed(gateway: Gateway, contents: Contents, turned_away: dict[int, Said], wait_s: float, bar: Bar) -> Outcome:
    """What became of the events, as far as it is known when `wait_s` is over."""
    outcome = Outcome(refused=[Remark(contents.ready[at].place, why) for at, why in sorted(turned_away.items())])
    sent = [one for at, one in enumerate(contents.ready) if at not in turned_away]
    parts = [*sending.chunks(sent, most=ASKED_AT_ONCE)]
    gateway.waits_at_most(wait_s)
    deadline = time.monotonic() + wait_s
    try:
        _wait(gateway, parts, deadline, outcome, bar)
    except Transient as error:  # what was sent is acknowledged, whether or not anybody can say more of it
        bar.tell(str(error))
    _trace(gateway, [one for part in parts for one in part], outcome)
    _doubts(gateway, sent, outcome, deadline)
    return outcome


def _wait(gateway: Gateway, parts: list[Sequence[Ready]], deadline: float, outcome: Outcome, bar: Bar) -> None:
    """Count what becomes of these, and leave those of which nothing is known. At `deadline` all are asked for."""
    total, pause = sum(map(len, parts)), _FIRST_PAUSE_S
    bar.begin("checked", 0, total)
    while parts:
        over, heard = time.monotonic() >= deadline, False
        for at, part in enumerate(parts):
            if over or _is_there(gateway, part[-1]):
                parts[at] = [one for one, _ in _examined(gateway, part, outcome)]
                heard = True
                bar.done(total - sum(map(len, parts)))
        parts[:] = [part for part in parts if part]
        if over or not parts:
            return
        pause = _FIRST_PAUSE_S if heard else pause
        time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def _is_there(gateway: Gateway, one: Ready) -> bool:
    """Whether it is known what became of the event."""
    ((standing, problems, _),) = gateway.examined([one.event])
    return bool(problems) or standing == "same"


def _examined(gateway: Gateway, part: Sequence[Ready], outcome: Outcome) -> list[tuple[Ready, list[Said]]]:
    """Count what is known of these. Returns those that are not accepted, though nothing but doubts is against them."""
    unknown: list[tuple[Ready, list[Said]]] = []
    for one, (standing, problems, doubts) in zip(part, gateway.examined([one.event for one in part]), strict=True):
        if problems:
            outcome.refused += (Remark(one.place, why) for why in problems)
            continue
        if standing == "same":
            outcome.accepted += 1
            outcome.same += 1
            outcome.flagged += (Remark(one.place, why) for why in doubts)
        else:
            unknown.append((one, doubts))
    return unknown


def _trace(gateway: Gateway, late: Sequence[Ready], outcome: Outcome) -> None:
    """What the gateway knows of events that are late: they may be turned away for what they are not to blame for."""
    asked = 0
    with suppress(Transient):
        for one in late[:TRACED]:
            told = gateway.fate(one.event)
            asked += 1
            if told is not None and told[0] in _TURNED_AWAY:
                outcome.refused.append(Remark(one.place, told[1]))
            elif told is not None and told[0] in _ACCEPTED:
                outcome.accepted += 1
            else:
                outcome.waiting.append(one)
    outcome.waiting += late[asked:]


def _doubts(gateway: Gateway, sent: Sequence[Ready], outcome: Outcome, deadline: float) -> None:
    """Flag those that other figures made doubtful after they were accepted, as far as that is known by then."""
    if not outcome.accepted:
        return
    elsewhere = {one.place for one in outcome.refused} | {one.place for one in outcome.waiting}
    accepted = [one for one in sent if one.place not in elsewhere]
    with suppress(Transient, StartError):  # that they are accepted holds all the same
        _fold(gateway, accepted[-1], min(deadline, time.monotonic() + _FOLDED_WITHIN_S))
        flagged = {one.place for one in outcome.flagged}
        places = {(one.event.source, one.event.id): one.place for one in accepted if one.place not in flagged}
        for source in dict.fromkeys(source for source, _ in places):
            for id, why in gateway.doubtful(source):
                if place := places.pop((source, id), None):
                    outcome.flagged.append(Remark(place, why))


def _fold(gateway: Gateway, last: Ready, deadline: float) -> None:
    """Wait until the last of the figures is judged, and a moment for what is said of it to arrive."""
    while time.monotonic() + _FIRST_PAUSE_S < deadline:
        settled = not gateway.is_under_way(last.event)
        time.sleep(_FIRST_PAUSE_S)
        if settled:
            return
