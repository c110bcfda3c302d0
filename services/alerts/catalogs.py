"""The catalogs in force, from the follower of `catalog.v1`."""

import asyncio
from collections.abc import Collection

from services.runtime.catalog import Catalog
from services.runtime.catalog.stream import CatalogFollower
from services.runtime.errors import Transient

_PATIENCE_S = 10.0


class FollowedCatalogs:
    """Asks the follower; a version that does not come is a reason to try again later."""

    def __init__(self, follower: CatalogFollower) -> None:
        self._follower = follower

    def of(self, province: str) -> Catalog | None:
        """The catalog in force, if there is one."""
        return self._follower.catalogs.get(province)

    def provinces(self) -> Collection[str]:
        """Those that have a catalog."""
        return self._follower.catalogs.keys()

    async def at_least(self, province: str, number: int) -> Catalog:
        """The catalog from this number on. Raises `Transient` when it does not come within some seconds."""
        catalog = self.of(province)
        if catalog is not None and catalog.number >= number:
            return catalog
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._follower.at_least(province, number)
        except TimeoutError:
            there = catalog.version if catalog is not None else "none"
            raise Transient(
                f"catalog {number} of {province} has not come (there is {there}); `tiendo catalog apply` publishes it"
            ) from None
