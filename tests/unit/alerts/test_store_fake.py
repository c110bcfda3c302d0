"""The fakes keep the promises of the store."""

import pytest

from tests.unit.alerts.fakes import FakeAlerts, FakeGroups, FakeMails, FakeTimes
from tests.unit.alerts.store_suite import AlertsSuite, GroupsSuite, MailsSuite, TimesSuite


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
