"""The fakes keep the promises of the store."""

import pytest

from tests.unit.alerts.fakes import (
    FakeAlerts,
    FakeCorrespondences,
    FakeGroups,
    FakeMails,
    FakeNotes,
    FakeSightings,
    FakeTimes,
)
from tests.unit.alerts.store_suite import (
    AlertsSuite,
    CorrespondencesSuite,
    GroupsSuite,
    MailsSuite,
    NotesSuite,
    SightingsSuite,
    TimesSuite,
)


class TestFakeAlerts(AlertsSuite):
    @pytest.fixture
    def alerts(self) -> FakeAlerts:
        return FakeAlerts()


class TestFakeGroups(GroupsSuite):
    @pytest.fixture
    def groups(self) -> FakeGroups:
        return FakeGroups()


class TestFakeMails(MailsSuite):
    @pytest.fixture
    def mails(self) -> FakeMails:
        return FakeMails()


class TestFakeTimes(TimesSuite):
    @pytest.fixture
    def times(self) -> FakeTimes:
        return FakeTimes()


class TestFakeNotes(NotesSuite):
    @pytest.fixture
    def notes(self) -> FakeNotes:
        return FakeNotes()


class TestFakeCorrespondences(CorrespondencesSuite):
    @pytest.fixture
    def correspondences(self) -> FakeCorrespondences:
        return FakeCorrespondences()


class TestFakeSightings(SightingsSuite):
    @pytest.fixture
    def sightings(self) -> FakeSightings:
        return FakeSightings()
