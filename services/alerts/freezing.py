"""A decided mail as bytes: looks up names and addresses as they are now, composes, renders and builds. Pure but for
the templates, which it is given."""

from contracts.catalog import Kpi, Person, Publisher
from services.alerts.compose import Letter, compose
from services.alerts.compose_digest import LINES, MAX_HTML_BYTES, DigestLetter, compose_digest
from services.alerts.digest import Digest
from services.alerts.grouping import ENDINGS, Mail, Member, Reason
from services.alerts.message import Address, Envelope, build, header_value
from services.alerts.ports import Catalogs, Queued, Row
from services.alerts.render import Rendered, Renderer
from services.alerts.sending import Frozen, NotNow
from services.alerts.settings import MailSettings, SmtpSettings
from services.alerts.slots import days_of
from services.runtime.catalog import Catalog

STEWARD = "data-steward"
"""The role of those whom publishers answer, at the top of the province."""


class Letters:
    """Makes the bytes of mails under the settings of this installation."""

    def __init__(self, catalogs: Catalogs, renderer: Renderer, smtp: SmtpSettings, mail: MailSettings) -> None:
        self._catalogs = catalogs
        self._renderer = renderer
        self._smtp = smtp
        self._mail = mail

    def freeze(self, row: Row) -> Frozen:
        """The address to send to now, and the bytes: those of the first attempt, if there was one."""
        mail = row.mail
        catalog = self._catalogs.of(mail.province)
        address = self._address(mail, catalog)
        if row.raw is not None:
            return Frozen(address, row.raw)
        if catalog is None:
            raise NotNow(f"no catalog of {mail.province} yet")
        if isinstance(mail, Digest):
            publisher = catalog.publishers.get(mail.key.publisher)
            if publisher is None:
                raise NotNow(f"no publisher {mail.key.publisher} in the catalog of {mail.province} any more")
            return Frozen(address, self.digest_bytes(mail, catalog, publisher, address))
        kpi = catalog.kpis.get(mail.group.kpi)
        if kpi is None:
            raise NotNow(f"no catalog with {mail.group.kpi} of {mail.province} yet")
        return Frozen(address, self.bytes_of(mail, catalog, kpi, address))

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
        if mail.severity == "critical" and mail.reason not in (*ENDINGS, Reason.ACKNOWLEDGED):
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

    def digest_of(self, digest: Digest, catalog: Catalog, publisher: Publisher) -> tuple[DigestLetter, Rendered]:
        """What a letter to a publisher says: as much as clients show whole."""
        whom = self._steward(digest, catalog) or self._sender()
        contact = f"{whom.name} ({whom.email})" if whom.name else whom.email
        pilot = self._mail.pilot_to is not None
        days, base = days_of(catalog), self._mail.link
        for lines in LINES:
            letter = compose_digest(digest, publisher, catalog, days, base, pilot, contact, lines)
            rendered = self._renderer.render(letter)
            if len(rendered.html.encode()) <= MAX_HTML_BYTES:
                break
        return letter, rendered

    def digest_bytes(self, digest: Digest, catalog: Catalog, publisher: Publisher, address: str) -> bytes:
        """The whole letter. It may be called off, which is a word to whom an answer reaches."""
        pilot = self._mail.pilot_to is not None
        steward = self._steward(digest, catalog)
        reach = steward or self._sender()
        extra = [
            ("X-KPI-Reason", digest.reason.value),
            ("X-KPI-Publisher", digest.key.id),
            ("List-Unsubscribe", f"<mailto:{reach.email}?subject=unsubscribe>"),
        ]
        if pilot:
            extra.append(("X-KPI-Pilot-For", digest.email))
        letter, rendered = self.digest_of(digest, catalog, publisher)
        envelope = Envelope(
            sender=self._sender(),
            to=Address(address, digest.name),
            subject=letter.subject,
            date=digest.at.astimezone(catalog.zone),
            message_id=digest.message_id,
            list_id=f"digests.kpi.{digest.province}",
            reply_to=steward,
            extra=tuple(extra),
        )
        return build(envelope, rendered)

    def _sender(self) -> Address:
        return Address(self._smtp.sender, self._mail.sender_name)

    def _address(self, mail: Queued, catalog: Catalog | None) -> str:
        if self._mail.pilot_to is not None:
            return self._mail.pilot_to
        if isinstance(mail, Digest):
            publisher = catalog.publishers.get(mail.key.publisher) if catalog is not None else None
            return publisher.contact if publisher is not None else mail.email
        person = catalog.people.get(mail.recipient.person) if catalog is not None else None
        return person.email if person is not None else mail.recipient.email

    def _reply_to(self, mail: Mail, catalog: Catalog) -> Address | None:
        """The desk that answers for the figure; for its own mails the address of the settings."""
        owner = _desk(mail.lines[0].member, catalog)
        if owner is not None and owner.id != mail.recipient.person and self._mail.pilot_to is None:
            return Address(owner.email, owner.name)
        return Address(self._mail.reply_to) if self._mail.reply_to is not None else None

    def _steward(self, digest: Digest, catalog: Catalog) -> Address | None:
        """Who looks after the province's data; else the address of the settings."""
        for root in catalog.units.roots(digest.today) if self._mail.pilot_to is None else ():
            for person in catalog.people.holding(STEWARD, root, digest.today):
                return Address(person.email, person.name)
        return Address(self._mail.reply_to) if self._mail.reply_to is not None else None


def _desk(member: Member, catalog: Catalog) -> Person | None:
    on = member.at.astimezone(catalog.zone).date()
    return next((who for who in catalog.people.holding("owner", member.org_unit, on) if who.name == member.owner), None)
