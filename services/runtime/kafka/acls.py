"""Who may do what on the broker: the least that the services and the publishers need. Pure.

It follows from the registry of topics and from the catalogs. On the topic over which the gateway publishes nobody else
may write; a publisher with a principal may write to its own topic, and read what goes back to publishers.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from contracts.catalog import Publisher
from contracts.topics import OWN_PREFIX, PROGRESS, STATISTICS_REPORTED, TOPICS, Topic, own_topic

SERVICES = ("ingest", "metrics", "alerts", "gateway")

GROUPS = "tiendo."
"""How the consumer groups of the services begin; the service's name follows."""

_PUBLISHERS = "publishers"


class Resource(IntEnum):
    """What a rule is about, as the Kafka protocol numbers it."""

    TOPIC = 2
    GROUP = 3


class Pattern(IntEnum):
    """How a rule names it."""

    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    """What a rule allows. Reading and writing bring `Describe` with them."""

    ALL = 2
    READ = 3
    WRITE = 4


class Rule(NamedTuple):
    """One thing that one principal may do. `operation` may be another number than those that we give away."""

    principal: str
    resource: int
    name: str
    pattern: int
    operation: int
    host: str = "*"

    def line(self, bootstrap: str, *, remove: bool = False) -> str:
        """The command that brings it about, or takes it back."""
        words = ["kafka-acls.sh", "--bootstrap-server", bootstrap, "--remove" if remove else "--add"]
        words += ["--force"] if remove else []
        words += [
            "--allow-principal",
            f"User:{self.principal}",
            "--operation",
            _OPERATIONS.get(self.operation, str(self.operation)),
        ]
        words += ["--topic" if self.resource == Resource.TOPIC else "--group", self.name]
        words += ["--resource-pattern-type", "prefixed"] if self.pattern == Pattern.PREFIXED else []
        words += ["--allow-host", self.host] if self.host != "*" else []
        return shlex.join(words)


_OPERATIONS = {
    Operation.ALL.value: "All",
    Operation.READ.value: "Read",
    Operation.WRITE.value: "Write",
    5: "Create",
    6: "Delete",
    7: "Alter",
    8: "Describe",
    9: "ClusterAction",
    10: "DescribeConfigs",
    11: "AlterConfigs",
    12: "IdempotentWrite",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do. `wide`: rules that let others write where only one may, and that are about more than our
    topics, so that they are not ours to remove."""

    missing: tuple[Rule, ...]
    surplus: tuple[Rule, ...]
    wide: tuple[Rule, ...]


def wanted(services: Mapping[str, str], publishers: Iterable[tuple[str, Publisher]]) -> frozenset[Rule]:
    """Every rule that there should be. `services`: the principal of each; `publishers`: with their provinces."""
    rules = {rule for service, principal in services.items() for rule in _of_service(service, principal)}
    for province, publisher in publishers:
        if publisher.principal is not None:
            rules.update(_of_publisher(own_topic(province, publisher.id), publisher.principal))
    return frozenset(rules)


def plan(wanted: frozenset[Rule], standing: frozenset[Rule]) -> Plan:
    """What is to be added, and what is to be removed."""
    others = standing - wanted
    return Plan(
        missing=tuple(sorted(wanted - standing)),
        surplus=tuple(sorted(rule for rule in others if _is_ours(rule))),
        wide=tuple(sorted(rule for rule in others if not _is_ours(rule) and _opens_a_topic(rule))),
    )


def _of_service(service: str, principal: str) -> Iterator[Rule]:
    yield Rule(principal, Resource.GROUP, GROUPS + service, Pattern.PREFIXED, Operation.READ)
    for topic in TOPICS:
        if service in topic.producers:
            yield _topic(principal, topic.name, Operation.WRITE)
        if service in topic.consumers:
            yield _topic(principal, topic.name, Operation.READ)
        if topic.dead_letters and service in topic.consumers:
            yield _topic(principal, topic.dlq, Operation.WRITE)
        if topic.dead_letters and service == "gateway":  # which tells publishers what became of their events
            yield _topic(principal, topic.dlq, Operation.READ)
    if service in STATISTICS_REPORTED.consumers:
        yield Rule(principal, Resource.TOPIC, OWN_PREFIX, Pattern.PREFIXED, Operation.READ)
    if service == "metrics":  # which looks up the versions that it published before it computes anew
        yield _topic(principal, PROGRESS.name, Operation.READ)


def _of_publisher(topic: Topic, principal: str) -> Iterator[Rule]:
    """Its consumer group is named like its principal."""
    yield _topic(principal, topic.name, Operation.WRITE)
    yield Rule(principal, Resource.GROUP, principal, Pattern.LITERAL, Operation.READ)
    for replies in TOPICS:
        if _PUBLISHERS in replies.consumers:
            yield _topic(principal, replies.name, Operation.READ)


def _topic(principal: str, name: str, operation: Operation) -> Rule:
    return Rule(principal, Resource.TOPIC, name, Pattern.LITERAL, operation)


_NAMES = frozenset(
    name for topic in TOPICS for name in ((topic.name, topic.dlq) if topic.dead_letters else (topic.name,))
)


def _is_ours(rule: Rule) -> bool:
    """Whether the rule is about nothing but our topics and groups."""
    if rule.resource == Resource.GROUP:
        return rule.name.startswith(GROUPS)
    if rule.resource != Resource.TOPIC:
        return False
    if rule.name.startswith(OWN_PREFIX):
        return True
    return rule.name in _NAMES


def _opens_a_topic(rule: Rule) -> bool:
    """Whether the rule, which is about more than ours, lets somebody write where figures come in."""
    if rule.resource != Resource.TOPIC or rule.operation not in (Operation.ALL, Operation.WRITE):
        return False
    return rule.name == "*" or (rule.pattern == Pattern.PREFIXED and OWN_PREFIX.startswith(rule.name))
