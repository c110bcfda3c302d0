"""The broker's access rules: who needs which, what is missing, what should not be there."""

import pytest

from contracts.catalog import Publisher
from contracts.topics import OWN_PREFIX, TOPICS, own_topic
from services.runtime.kafka.acls import SERVICES, Operation, Pattern, Resource, Rule, plan, wanted

PRINCIPALS = {service: f"tiendo-{service}" for service in SERVICES}
HOSPITALS = Publisher(
    id="hospitals",
    name_vi="Bệnh viện",
    sources=("urn:hospitals",),
    kpis=("*",),
    units=("*",),
    contact="a@b.example",
    principal="so-y-te",
)
BY_HTTP = HOSPITALS.model_copy(update={"id": "by-http", "principal": None})
OWN = own_topic("dak-nong", "hospitals").name
RULES = wanted(PRINCIPALS, [("dak-nong", HOSPITALS), ("dak-nong", BY_HTTP)])


def topic(principal: str, name: str, operation: Operation, pattern: Pattern = Pattern.LITERAL) -> Rule:
    return Rule(principal, Resource.TOPIC, name, pattern, operation)


def may(principal: str, operation: Operation) -> set[str]:
    """The topics on which the principal may do that."""
    return {
        rule.name
        for rule in RULES
        if (rule.principal, rule.resource, rule.operation) == (principal, Resource.TOPIC, operation)
    }


def test_a_service_reads_and_writes_what_the_registry_says_and_nothing_else() -> None:
    assert may("tiendo-ingest", Operation.READ) == {"statistics.reported.v1", OWN_PREFIX, "catalog.v1"}
    assert may("tiendo-ingest", Operation.WRITE) == {
        "observations.v1",
        "statistics.rejected.v1",
        "statistics.reported.v1.dlq",
    }
    assert may("tiendo-gateway", Operation.WRITE) == {"statistics.reported.v1"}
    assert "statistics.reported.v1" not in may("tiendo-gateway", Operation.READ)
    assert may("tiendo-alerts", Operation.WRITE) == {"alerts.v1"}
    assert "progress.v1" in may("tiendo-metrics", Operation.READ)


def test_each_topic_has_one_service_that_writes_it() -> None:
    for one in TOPICS:
        writers = {rule.principal for rule in RULES if rule.name == one.name and rule.operation == Operation.WRITE}
        assert len(writers) <= 1, one.name


def test_a_publisher_writes_to_its_own_topic_alone_and_reads_what_goes_back() -> None:
    assert may("so-y-te", Operation.WRITE) == {OWN}
    assert may("so-y-te", Operation.READ) == {"statistics.rejected.v1", "statistics.doubted.v1"}
    assert {rule.name for rule in RULES if rule.principal == "so-y-te" and rule.resource == Resource.GROUP} == {
        "so-y-te"
    }


def test_no_rule_of_a_publisher_begins_with_a_name_or_is_for_everybody() -> None:
    others = [rule for rule in RULES if rule.principal == "so-y-te"]
    assert all(rule.pattern == Pattern.LITERAL for rule in others)
    assert all(rule.name != "*" and rule.principal != "*" for rule in RULES)


def test_what_is_as_it_should_be_leaves_nothing_to_do() -> None:
    found = plan(RULES, RULES)
    assert (found.missing, found.surplus, found.wide) == ((), (), ())


@pytest.mark.parametrize(
    "rule",
    [
        topic("so-y-te", "statistics.reported.v1", Operation.WRITE),
        topic("left", own_topic("dak-nong", "left").name, Operation.WRITE),
        topic("*", OWN_PREFIX, Operation.ALL, Pattern.PREFIXED),
        topic("etl", "statistics.reported.v1", Operation.WRITE, Pattern.PREFIXED),
        topic("stranger", "statistics.reported.v1.dlq", Operation.READ),
        Rule("stranger", Resource.GROUP, "tiendo.ingest", Pattern.LITERAL, Operation.READ),
        min(RULES)._replace(host="10.0.0.1"),
    ],
)
def test_what_nobody_asked_for_on_what_is_ours_is_surplus(rule: Rule) -> None:
    found = plan(RULES, RULES | {rule})
    assert (found.missing, found.surplus, found.wide) == ((), (rule,), ())


@pytest.mark.parametrize(
    "rule",
    [
        topic("etl", "*", Operation.WRITE),
        topic("etl", "statistics.", Operation.ALL, Pattern.PREFIXED),
    ],
)
def test_what_is_about_more_than_ours_and_lets_others_write_is_said_and_not_removed(rule: Rule) -> None:
    found = plan(RULES, RULES | {rule})
    assert (found.missing, found.surplus, found.wide) == ((), (), (rule,))


@pytest.mark.parametrize(
    "rule",
    [topic("x", "their.topic", Operation.WRITE), topic("x", "*", Operation.READ), topic("x", "s", Operation.ALL)],
)
def test_other_rules_are_nobodys_business(rule: Rule) -> None:
    found = plan(RULES, RULES | {rule})
    assert (found.missing, found.surplus, found.wide) == ((), (), ())


def test_a_rule_is_a_line_that_a_shell_takes() -> None:
    one = topic("CN=so y te,O=x", OWN, Operation.WRITE)
    assert one.line("b:9092") == (
        "kafka-acls.sh --bootstrap-server b:9092 --add --allow-principal 'User:CN=so y te,O=x' --operation Write "
        f"--topic {OWN}"
    )
    prefixed = Rule("x", Resource.GROUP, "tiendo.x", Pattern.PREFIXED, Operation.READ, "10.0.0.1")
    assert prefixed.line("b:9092", remove=True) == (
        "kafka-acls.sh --bootstrap-server b:9092 --remove --force --allow-principal User:x --operation Read "
        "--group tiendo.x --resource-pattern-type prefixed --allow-host 10.0.0.1"
    )
