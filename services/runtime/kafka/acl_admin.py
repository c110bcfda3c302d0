"""The broker's access rules, read and changed. aiokafka's admin client knows nothing of them, its protocol does."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, SecurityDisabled, for_code
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest
from aiokafka.protocol.api import Request

from services.runtime.errors import StartError, Transient
from services.runtime.kafka.acls import Rule
from services.runtime.settings import KafkaSettings

_ANY, _ALLOW = 1, 3
_USER = "User:"


class NoAuthorizer(StartError):
    """The broker lets everybody do everything."""


class Acls:
    """Raises `NoAuthorizer`, and `StartError` where the broker refuses."""

    def __init__(self, client: AIOKafkaClient) -> None:
        self._client = client

    async def standing(self) -> frozenset[Rule]:
        """Every rule that allows a user something."""
        answer = await self._ask(DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ALLOW))
        _check(answer.error_code, answer.error_message)
        return frozenset(
            Rule(principal.removeprefix(_USER), resource, name, pattern, operation, host)
            for resource, name, pattern, rules in answer.resources
            for principal, host, operation, _ in rules
            if principal.startswith(_USER)
        )

    async def add(self, rules: Iterable[Rule]) -> None:
        """Those that are there already stay as they are."""
        for rule in rules:
            answer = await self._ask(CreateAclsRequest(*_row(rule)))
            for code, message in answer.creation_responses:
                _check(code, message)

    async def remove(self, rules: Iterable[Rule]) -> None:
        """Those that are gone already are no mistake."""
        for rule in rules:
            answer = await self._ask(DeleteAclsRequest(*_row(rule)))
            for code, message, _ in answer.filter_responses:
                _check(code, message)

    async def _ask(self, request: Request[Any]) -> Any:
        return await self._client.send(self._client.get_random_node(), request)


@asynccontextmanager
async def connected(settings: KafkaSettings) -> AsyncIterator[Acls]:
    """Within it, a broker that does not answer is `Transient`."""
    client = AIOKafkaClient(**settings.connection())
    try:
        await client.bootstrap()
        yield Acls(client)
    except (KafkaError, OSError) as error:
        raise Transient(f"the Kafka broker does not answer ({str(error) or type(error).__name__})") from error
    finally:
        await client.close()


def _row(rule: Rule) -> tuple[int, str, int, str, str, int, int]:
    return (
        int(rule.resource),
        rule.name,
        int(rule.pattern),
        _USER + rule.principal,
        rule.host,
        int(rule.operation),
        _ALLOW,
    )


def _check(code: int, message: str | None) -> None:
    error = for_code(code)
    if error is SecurityDisabled:
        raise NoAuthorizer("The broker has no authorizer, so everybody may do everything: set authorizer.class.name.")
    if code:
        raise StartError(f"The broker refuses: {message or error.__name__}.")
