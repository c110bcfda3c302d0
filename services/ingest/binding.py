"""Whose word a record is, where the broker says who wrote it: on the topic of one publisher only that one can write.

Pure. What stands on such a topic under a source that is not its publisher's is refused, and its publisher answers for
it: nobody else is told, counted against or parked for what another wrote under their name.
"""

from dataclasses import dataclass

from contracts.catalog import Publisher
from contracts.statistics import Problem, RejectionCode
from contracts.topics import TopicOwner
from services.ingest.wording import listed, problem


@dataclass(frozen=True, slots=True)
class Binding:
    """What the catalog says of the publisher whose topic it is."""

    topic: str
    owner: TopicOwner
    sources: frozenset[str]
    answers: str
    """The source under which it is told what it wrote under no source of its own."""

    @staticmethod
    def of(topic: str, owner: TopicOwner, publisher: Publisher | None) -> "Binding":
        """`publisher`: None if the catalog does not know the owner."""
        if publisher is None:
            return Binding(topic, owner, frozenset(), f"urn:tiendo:topic:{topic}")
        return Binding(topic, owner, frozenset(publisher.sources), publisher.sources[0])

    def answering(self, source: str | None) -> str:
        """The source that answers for what came under this one."""
        return source if source is not None and source in self.sources else self.answers

    def not_theirs(self, source: str) -> Problem:
        """The refusal of what came under another source."""
        if not self.sources:
            return problem(
                RejectionCode.NOT_YOUR_FIGURE,
                "source",
                f"Kênh {self.topic} không thuộc nơi gửi nào trong danh mục của “{self.owner.province}”: đề nghị đơn vị "
                f"vận hành đăng ký “{self.owner.publisher}” trong publishers.yaml.",
                f"The topic {self.topic} belongs to no publisher in the catalog of “{self.owner.province}”: ask the "
                f"operator to register “{self.owner.publisher}” in publishers.yaml.",
                source,
            )
        own, owner = listed(sorted(self.sources)), self.owner.publisher
        return problem(
            RejectionCode.NOT_YOUR_FIGURE,
            "source",
            f"Nguồn “{source}” không phải của “{owner}”, là nơi gửi duy nhất được dùng kênh {self.topic}: "
            f"ghi ce_source là một trong: {own}.",
            f"The source “{source}” is not one of “{owner}”, to whom alone the topic {self.topic} belongs: "
            f"write as ce_source one of: {own}.",
            source,
        )

    def elsewhere(self, province: str) -> Problem | None:
        """The refusal of a figure of another province; None if it is of the topic's."""
        if province == self.owner.province:
            return None
        return problem(
            RejectionCode.NOT_YOUR_FIGURE,
            "province",
            f"Kênh {self.topic} chỉ nhận số liệu của “{self.owner.province}”: số liệu của tỉnh khác gửi qua kênh do "
            "tỉnh đó cấp.",
            f"The topic {self.topic} takes figures of “{self.owner.province}” only: send those of another province to "
            "the topic that you have there.",
            province,
        )
