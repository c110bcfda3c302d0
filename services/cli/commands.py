"""The commands of `tiendo`. Each group of them is a module of its own; here they are only put together.

A mistake of the user ends in one sentence on standard error and exit code 2; a traceback is always our bug.
"""

import logging
import sys

import structlog
import typer

from services.cli import acl, catalog, dlq, embedded, keys, mail, rebuild, rules, send, topics, webhooks
from services.runtime.errors import DeliveryError, StartError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tiến Độ: which targets are falling behind, while there is still time.",
)
app.add_typer(catalog.app, name="catalog")
app.add_typer(keys.app, name="keys")
app.add_typer(dlq.app, name="dlq")
app.add_typer(mail.app, name="mail")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(rules.app, name="rules")
app.command("send")(send.send)
app.command("topics")(topics.make)
app.command("acl")(acl.acl)
app.command("rebuild")(rebuild.rebuild)
app.command("demo")(embedded.demo)
app.command("up")(embedded.up)
app.command("down")(embedded.down)


def run() -> None:
    """Do what the command line says."""
    # What the client library meets on the way to an answer is no news; what it raises reaches the user as a sentence.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.stderr))
    try:
        app()
    except (StartError, DeliveryError) as error:
        sys.stderr.write(f"tiendo: {error}\n")
        sys.exit(2)
