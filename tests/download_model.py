"""Downloads as their recipients know them: what was opened and what came. Counted without asking the app how it counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crash_reader import Answer

LIFETIME = timedelta(hours=12)
COPIES, EXTRA = 3, 2**20  # bytes that one session may send: so many whole copies, and some
MARK = 7  # first bytes of a file by which it is recognized inside an archive; each file's are its own

Span = tuple[int, int]


def union(*spans: Span) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


@dataclass
class Opened:
    """`cookie` is empty where the app was killed before it could say whether the download is open."""

    transfer_id: str
    link: str
    contents: dict[str, bytes]  # of one file, or of all as an archive
    archive: bool
    until: datetime
    cookie: str = ""
    url: str = ""
    came: set[Span] = field(default_factory=set)
    noted: set[Span] = field(default_factory=set)  # of answers that came to their end
    received: int = 0
    charged: int = 0  # at most
    used: set[str] = field(default_factory=set)  # files of which something came
    doubtful: set[str] = field(default_factory=set)  # files of which something was sent that may not have come

    @property
    def content(self) -> bytes:
        (content,) = self.contents.values()
        return content

    @property
    def size(self) -> int:
        return sum(map(len, self.contents.values()))

    @property
    def is_complete(self) -> bool:
        return self._covers(self.noted)

    @property
    def may_be_complete(self) -> bool:
        return self._covers(self.came) or bool(self.doubtful)

    @property
    def has_room(self) -> bool:
        """Whether it surely may send everything once more, be it an archive with its own bytes."""
        return 2 * (self.charged + self.size) < EXTRA

    def is_live(self, now: datetime) -> bool:
        return now < self.until

    def take(self, answer: Answer, start: int, end: int) -> None:
        """Keep account of an answer to a request for [start, end)."""
        got = len(answer.content) if answer.is_content else 0
        self.received += got
        self.charged += got if answer.whole else end - start
        if got or (answer.is_content and answer.whole):
            self.came.add((start, start + got))
        if answer.is_content and answer.whole:
            self.noted.add((start, start + got))
        self._use(answer)

    def _use(self, answer: Answer) -> None:
        for file_id, content in self.contents.items():
            if answer.is_content and (answer.whole or self._is_among(content, answer.content)):
                self.used.add(file_id)
            elif answer.is_content or not answer.status:
                self.doubtful.add(file_id)

    def _is_among(self, content: bytes, came: bytes) -> bool:
        return bool(came) and (not self.archive or (len(content) >= MARK and content[:MARK] in came))

    def _covers(self, spans: set[Span]) -> bool:
        """An archive is longer than what is in it: one that came whole does."""
        return any(start == 0 and end >= self.size for start, end in union(*spans))


class Downloads:
    """All that recipients of one organization opened."""

    def __init__(self) -> None:
        self.opened: list[Opened] = []
        self.continued = 0
        self.perhaps_continued = 0

    def known(self) -> list[Opened]:
        return [one for one in self.opened if one.cookie]

    def of(self, link: str, file_id: str) -> list[Opened]:
        return [one for one in self.opened if one.link == link and file_id in one.contents]

    def surely(self, link: str, file_id: str, now: datetime) -> int:
        """How many downloads count at least: those that gave something, and those that still may."""
        return sum(file_id in one.used or one.is_live(now) for one in self.of(link, file_id) if one.cookie)

    def perhaps(self, link: str, file_id: str, now: datetime) -> int:
        """How many count at most. What was open for its time and gave nothing does not."""
        return sum(file_id in one.used | one.doubtful or one.is_live(now) for one in self.of(link, file_id))

    def grants(self) -> set[tuple[str, str, str]]:
        """Transfer, link and file of all that was ever opened."""
        return {(one.transfer_id, one.link, file_id) for one in self.opened for file_id in one.contents}
