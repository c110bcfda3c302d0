"""What operators watch in this service, each with its meaning and remedy."""

from services.runtime.telemetry import Telemetry


class Measures:
    """The service's own metrics, on the registry that `/metrics` shows."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.decisions = telemetry.counter(
            "alert_decisions", "Progress records and ticks, by the row of the transition table that applied.", "row"
        )
        self.transitions = telemetry.counter("alert_transitions", "Transitions published on alerts.v1.", "type")
        self.conflicts = telemetry.counter(
            "alert_write_conflicts", "Writes that another worker had overtaken, read and decided again.", "what"
        )
        self.org_gaps = telemetry.counter(
            "org_gaps", "Vacant posts met when somebody was to be told. Mend people.yaml; the log names them.", "role"
        )
        self.flushed = telemetry.counter("mails_decided", "Mails decided, by reason.", "reason")
        self.notifications = telemetry.counter(
            "notifications", "What became of mails. `dead` is never normal: the log says why.", "reason", "result"
        )
        self.strangers = telemetry.counter(
            "replies_without_publisher",
            "Refusals and doubts of events whose source no publisher has: nobody is written to. See publishers.yaml.",
        )
        self.odd_replies = telemetry.counter(
            "replies_unreadable",
            "Answers to publishers that are not what the contract says. Left out; the log says which.",
        )
        self.mended = telemetry.counter(
            "refusals_mended", "Refusals that no letter tells of, since their figures were accepted before it was due."
        )
        self.relay_away = telemetry.gauge(
            "mail_relay_away", "1 while the mail relay does not answer and the queue waits; nothing is lost meanwhile."
        )
        self.undelivered = telemetry.gauge("undelivered_mails", "Mails that wait to be sent.")
        self.oldest = telemetry.gauge(
            "oldest_undelivered_seconds", "Age of the oldest mail that waits. Above 900: look at the relay."
        )
        self.webhook_calls = telemetry.counter(
            "webhook_calls", "Calls of webhooks, by what came of them; `away` and `refused` are tried again.", "result"
        )
        self.webhooks_waiting = telemetry.gauge("webhook_calls_waiting", "Calls of webhooks that wait to be made.")
        self.webhooks_dead = telemetry.gauge(
            "webhook_calls_dead", "Calls that were given up. `tiendo webhooks` shows and repeats them."
        )
        self.broken_promises = telemetry.gauge(
            "broken_promises",
            "What the nightly auditor found broken towards recipients; 0 is right. `tiendo mail audit` names each.",
            "promise",
        )
        self.audited = telemetry.gauge("audited_timestamp_seconds", "When the auditor last went through everything.")
        self.relay_away.set(0)
