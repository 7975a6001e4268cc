"""What arrives is what was sent, byte by byte and by name, whole, in ranges and as one archive; and counts as told."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import zipfile
from pathlib import Path
from urllib.parse import unquote

import httpx
import sqlalchemy as sa

import people_world as people
import upload_world as world
from builders import run_jobs
from delivery_world import content_of, events, open_archive, sent
from kozutumi_app.adapters.database.schema import files, recipients, transfers
from kozutumi_app.crypto.segments import CHUNK_BYTES
from kozutumi_app.use_cases.upload_receiving import SEGMENT_BYTES

SIZES = [
    0,
    1,
    CHUNK_BYTES - 1,
    CHUNK_BYTES,
    CHUNK_BYTES + 1,
    SEGMENT_BYTES - 1,
    SEGMENT_BYTES,
    SEGMENT_BYTES + 1,
]
NAMES = [
    ("か\u3099くせい.txt", "がくせい.txt"),  # NFD, as macOS has it
    ("تقرير نهائي.pdf", "تقرير نهائي.pdf"),
    ("invoice\u202efdp.exe", "invoicefdp.exe"),
    ("あ" * 83 + "い.pdf", "あ" * 83 + ".pdf"),  # 256 bytes
    ("あ" * 83 + "xy.pdf", "あ" * 83 + "xy.pdf"),  # 255 bytes
    ("../../etc/passwd", "passwd"),
    ("C:\\temp\\見積.xlsx", "見積.xlsx"),
    ("CON.txt", "_CON.txt"),
    ("lpt1", "_lpt1"),
    ("👩‍👩‍👧 家族.png", "👩‍👩‍👧 家族.png"),
    ('"; filename=x.html', "_; filename=x.html"),
]


def spans(size: int, count: int) -> list[tuple[int, int]]:
    """Random ranges [start, end), and those at the edges of chunks and segments."""
    chosen = random.Random(size + count)  # noqa: S311 - the same each time
    edges = [edge for edge in (0, 1, CHUNK_BYTES, SEGMENT_BYTES, size) if edge <= size]
    picks = [sorted((chosen.randint(0, size), chosen.randint(0, size))) for _ in range(count)]
    near = [(max(edge - 3, 0), min(edge + 3, size)) for edge in edges]
    return [(start, end) for start, end in [*picks, *near] if start < end]


async def test_files_of_any_size_arrive_whole_and_in_any_range(tmp_path: Path) -> None:
    contents = {f"{size}.bin": content_of(size) for size in SIZES}
    services, _, ids = await sent(tmp_path, contents)
    http, link = await world.recipient(services)
    for file_id, content in zip(ids, contents.values(), strict=True):
        await read_whole_and_in_ranges(http, (await world.open_download(http, link, file_id)).json()["url"], content)
    assert events(services).count("download.completed") == len(SIZES)


async def read_whole_and_in_ranges(http: httpx.AsyncClient, url: str, content: bytes) -> None:
    size = len(content)
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    whole = await http.get(url)
    assert (whole.status_code, whole.headers["Content-Length"]) == (200, str(size))
    assert whole.content == content
    assert whole.headers["Repr-Digest"] == whole.headers["Content-Digest"] == f"sha-256=:{digest}:"
    for start, end in spans(size, 6 if size < SEGMENT_BYTES - 1 else 1):
        part = await http.get(url, headers={"Range": f"bytes={start}-{end - 1}", "If-Range": whole.headers["ETag"]})
        assert (part.status_code, part.content == content[start:end]) == (206, True)
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        assert part.headers["Repr-Digest"] == f"sha-256=:{digest}:"
        assert "Content-Digest" not in part.headers


async def test_files_of_all_sizes_arrive_as_one_archive_and_in_any_range_of_it(tmp_path: Path) -> None:
    contents = {f"{size} バイト.bin": content_of(size) for size in (0, 1, CHUNK_BYTES + 1, SEGMENT_BYTES + 1)}
    services, _, _ = await sent(tmp_path, contents, subject="図面 / 一式")
    http, link = await world.recipient(services)
    opened = await open_archive(http, link)
    assert opened.status_code == 201, opened.text
    url = opened.json()["url"]
    whole = await http.get(url)
    assert whole.headers["Content-Type"] == "application/zip"
    assert int(whole.headers["Content-Length"]) == len(whole.content)
    assert unquote(whole.headers["Content-Disposition"].rpartition("''")[2]) == "図面 _ 一式.zip"
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == contents
    assert events(services).count("download.completed") == len(contents)
    for start, end in spans(len(whole.content), 3):
        part = await http.get(url, headers={"Range": f"bytes={start}-{end - 1}", "If-Range": whole.headers["ETag"]})
        assert (part.status_code, part.content == whole.content[start:end]) == (206, True)


async def test_names_arrive_in_header_archive_and_page(tmp_path: Path) -> None:
    services, _, ids = await sent(tmp_path, {name: b"x" for name, _ in NAMES})
    http, link = await world.recipient(services)
    listed = (await http.get(f"/api/v1/r/{link}/files")).json()["files"]
    assert [file["name"] for file in listed] == [name for _, name in NAMES]
    page = (await http.get(f"/r/{link}/files", headers={"Accept": "text/html"})).text
    for file_id, (_, name) in zip(ids, NAMES, strict=True):
        url = (await world.open_download(http, link, file_id)).json()["url"]
        header = (await http.head(url)).headers["Content-Disposition"]
        assert header.isascii()
        assert header.startswith('attachment; filename="')
        assert header.count('"') == 2
        assert unquote(header.rpartition("filename*=UTF-8''")[2]) == name
        assert name.replace("&", "&amp;") in page
    archive = await http.get((await open_archive(http, link)).json()["url"])
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        assert opened.namelist() == [name for _, name in NAMES]


async def test_recall_ends_an_archive_and_nothing_more_is_read(tmp_path: Path) -> None:
    services, sender, _ = await sent(tmp_path, {"a": b"a", "b": b"b"})
    http, link = await world.recipient(services)
    url = (await open_archive(http, link)).json()["url"]
    assert (await sender.browser.post(f"/transfers/{sender.transfer_id}/recall")).status_code == 200
    assert (await http.get(url)).json()["code"] == "transfer_over"
    assert (await http.head(url)).status_code == 410
    assert events(services).count("download.refused") == 2


CONDITIONS: list[tuple[str, dict[str, str], int]] = [
    ("GET", {"If-Match": "{etag}"}, 200),
    ("GET", {"If-Match": '"other"'}, 412),
    ("GET", {"If-None-Match": "{etag}"}, 304),
    ("GET", {"If-None-Match": '"other"'}, 200),
    ("HEAD", {"If-None-Match": "{etag}"}, 304),
    ("HEAD", {"Range": "bytes=0-1"}, 200),
    ("HEAD", {"Range": "bytes=99-"}, 200),
    ("GET", {"Range": "bytes=0-1,2-3"}, 206),
    ("GET", {"Range": "bytes=0-1,4-5"}, 200),
    ("GET", {"Range": "bytes=99-"}, 416),
    ("GET", {"Range": "bytes=99-", "If-Range": '"other"'}, 200),
]


async def test_conditions_and_ranges_are_answered_as_rfc_9110_says(tmp_path: Path) -> None:
    services, _, (file_id,) = await sent(tmp_path, {"a": b"0123456789"})
    http, link = await world.recipient(services)
    url = (await world.open_download(http, link, file_id)).json()["url"]
    etag = (await http.head(url)).headers["ETag"]
    for method, headers, status in CONDITIONS:
        asked = {name: value.replace("{etag}", etag) for name, value in headers.items()}
        answer = await http.request(method, url, headers=asked)
        assert answer.status_code == status, (method, headers)
        if status == 416:
            assert answer.headers["Content-Range"] == "bytes */10"
        if method == "HEAD" and status == 200:
            assert (answer.content, answer.headers["Content-Length"]) == (b"", "10")


async def test_a_file_without_crc_is_read_once_more_before_it_goes_into_an_archive(tmp_path: Path) -> None:
    services, _, (first, _) = await sent(tmp_path, {"a": b"a", "b": b"b"})
    with services.database.write() as tx:
        tx.execute(sa.update(files).where(files.c.id == first).values(crc32_sealed=None, sha256_sealed=None))
    http, link = await world.recipient(services)
    answer = await open_archive(http, link)
    assert (answer.status_code, answer.json()["code"]) == (409, "archive_not_ready")
    assert answer.headers["Retry-After"]
    run_jobs(services)
    archive = await http.get((await open_archive(http, link)).json()["url"])
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        assert opened.testzip() is None
    listed = (await http.get(f"/api/v1/r/{link}/files")).json()["files"]
    assert listed[0]["sha256"] == hashlib.sha256(b"a").hexdigest()


async def test_who_asked_for_files_reads_the_answer_and_nobody_else_does(tmp_path: Path) -> None:
    services, sender, (file_id,) = await sent(tmp_path, {"a": b"answer"})
    path = f"/transfers/{sender.transfer_id}/files/{file_id}/download"
    assert (await sender.browser.post(path)).status_code == 404  # one's own transfer is not an answer
    with services.database.write() as tx:
        tx.execute(sa.update(transfers).values(request_id="request"))
    other = await people.member(services, sender.administrator, "other@acme.test")
    assert (await other.post(path)).status_code == 404
    opened = await sender.browser.post(path)
    assert opened.status_code == 201, opened.text
    assert (await sender.browser.http.get(opened.json()["url"])).content == b"answer"
    together = await sender.browser.post(f"/transfers/{sender.transfer_id}/archive")
    archive = await sender.browser.http.get(together.json()["url"])
    assert zipfile.ZipFile(io.BytesIO(archive.content)).read("a") == b"answer"
    assert events(services).count("download.completed") == 2
    with services.database.write() as tx:
        assert tx.execute(sa.select(recipients.c.downloads_used)).scalar_one() == 0
        tx.execute(sa.text("UPDATE users SET disabled = 1"))
    assert (await sender.browser.http.get(opened.json()["url"])).status_code == 404
