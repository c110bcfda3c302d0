"""The auditor, on the fakes."""

import pytest

from tests.unit.alerts.audit_suite import AuditSuite, Shelf
from tests.unit.alerts.fakes import FakeAlerts, FakeBooks, FakeGroups, FakeMails


class TestAuditOfTheFakes(AuditSuite):
    @pytest.fixture
    def shelf(self) -> Shelf:
        alerts, groups, mails = FakeAlerts(), FakeGroups(), FakeMails()
        return Shelf(alerts, groups, mails, FakeBooks(alerts, groups, mails))
