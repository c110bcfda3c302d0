"""A decided mail as bytes: looks up names and addresses as they are now, composes, renders and builds. Pure but for
the templates, which it is given."""

from contracts.catalog import Kpi, Person
from services.alerts.compose import Letter, compose
from services.alerts.grouping import ENDINGS, Mail, Member
from services.alerts.message import Address, Envelope, build, header_value
from services.alerts.ports import Catalogs, Row
from services.alerts.render import Renderer
from services.alerts.sending import Frozen, NotNow
from services.alerts.settings import MailSettings, SmtpSettings
from services.runtime.catalog import Catalog


class Letters:
    """Makes the bytes of mails under the settings of this installation."""

    def __init__(self, catalogs: Catalogs, renderer: Renderer, smtp: SmtpSettings, mail: MailSettings) -> None:
        self._catalogs = catalogs
        self._renderer = renderer
        self._smtp = smtp
        self._mail = mail

    def freeze(self, row: Row) -> Frozen:
        """The address to send to now, and the bytes: those of the first attempt, if there was one."""
        catalog = self._catalogs.of(row.mail.group.province)
        address = self._address(row.mail, catalog)
        if row.raw is not None:
            return Frozen(address, row.raw)
        kpi = catalog.kpis.get(row.mail.group.kpi) if catalog is not None else None
        if catalog is None or kpi is None:
            raise NotNow(f"no catalog with {row.mail.group.kpi} of {row.mail.group.province} yet")
        return Frozen(address, self.bytes_of(row.mail, catalog, kpi, address))

    def letter_of(self, mail: Mail, catalog: Catalog, kpi: Kpi) -> Letter:
        """What the mail says; its contact is whom an answer reaches."""
        whom = self._reply_to(mail, catalog) or self._sender()
        contact = f"{whom.name} ({whom.email})" if whom.name else whom.email
        return compose(mail, catalog, kpi, self._mail.link, self._mail.pilot_to is not None, contact)

    def bytes_of(self, mail: Mail, catalog: Catalog, kpi: Kpi, address: str) -> bytes:
        """The whole mail."""
        pilot = self._mail.pilot_to is not None
        letter = self.letter_of(mail, catalog, kpi)
        recipient = mail.recipient
        extra = [
            ("X-KPI-Alert", header_value([line.member.alert_id for line in mail.lines])),
            ("X-KPI-Reason", mail.reason.value),
            ("X-KPI-Severity", mail.severity.value),
            ("X-KPI", f"{mail.group.province}/{mail.group.kpi}/{mail.group.period}"),
        ]
        if mail.severity == "critical" and mail.reason not in ENDINGS:
            extra.append(("Importance", "high"))
        if pilot:
            extra.append(("X-KPI-Pilot-For", recipient.email))
        envelope = Envelope(
            sender=self._sender(),
            to=Address(address, recipient.name),
            subject=letter.subject,
            date=mail.at.astimezone(catalog.zone),
            message_id=mail.message_id,
            list_id=f"alerts.kpi.{mail.group.province}",
            reply_to=self._reply_to(mail, catalog),
            root=mail.root,
            last=mail.last,
            extra=tuple(extra),
        )
        return build(envelope, self._renderer.render(letter))

    def _sender(self) -> Address:
        return Address(self._smtp.sender, self._mail.sender_name)

    def _address(self, mail: Mail, catalog: Catalog | None) -> str:
        if self._mail.pilot_to is not None:
            return self._mail.pilot_to
        person = catalog.people.get(mail.recipient.person) if catalog is not None else None
        return person.email if person is not None else mail.recipient.email

    def _reply_to(self, mail: Mail, catalog: Catalog) -> Address | None:
        """The desk that answers for the figure; for its own mails the address of the settings."""
        owner = _desk(mail.lines[0].member, catalog)
        if owner is not None and owner.id != mail.recipient.person and self._mail.pilot_to is None:
            return Address(owner.email, owner.name)
        return Address(self._mail.reply_to) if self._mail.reply_to is not None else None


def _desk(member: Member, catalog: Catalog) -> Person | None:
    on = member.at.astimezone(catalog.zone).date()
    return next((who for who in catalog.people.holding("owner", member.org_unit, on) if who.name == member.owner), None)
