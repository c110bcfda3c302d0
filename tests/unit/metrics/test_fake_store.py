"""The fake keeps the promises of the real store."""

import pytest

from services.metrics.store import Store
from tests.unit.metrics.fakes import FakeStore
from tests.unit.metrics.store_suite import StoreSuite


class TestFakeStore(StoreSuite):
    @pytest.fixture
    def store(self) -> Store:
        return FakeStore()
