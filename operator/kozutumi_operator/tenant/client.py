"""Client of an app's internal API (port 9443, mTLS)."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, cast

import aiohttp
import orjson

from kozutumi_contract.labels import INTERNAL_PORT
from kozutumi_operator.errors import TenantUnavailable
from kozutumi_operator.manifests import names
from kozutumi_operator.organizations import facts
from kozutumi_operator.organizations.facts import TenantStatus

ChangeOutcome = Literal["pending", "withdrawn", "granted"]
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10, sock_connect=3)
_LARGEST_ANSWER: Final = 64 * 1024  # what a tenant sends is not trusted to be small


def context(entries: Mapping[str, bytes]) -> ssl.SSLContext:
    """TLS 1.3 with the operator's pair of Secret `operator-client-tls`, trusting that organization's CA alone.

    Python loads a pair from files only; an anonymous one in memory keeps the key off every disk.
    """
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    result.minimum_version = ssl.TLSVersion.TLSv1_3
    result.load_verify_locations(cadata=entries[names.TRUST].decode("ascii"))
    descriptor = os.memfd_create("operator-client-tls", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, entries[names.CERTIFICATE] + b"\n" + entries[names.PRIVATE_KEY])
        result.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    return result


class Tenant:
    """One organization's app. Every error is TenantUnavailable."""

    def __init__(self, session: aiohttp.ClientSession, service_code: str, tls: ssl.SSLContext) -> None:
        self._session = session
        self._base = f"https://{names.service_host(names.APP, service_code)}:{INTERNAL_PORT}/internal/v1"
        self._tls = tls

    async def status(self, pulled: int | None = None) -> TenantStatus:
        """`pulled`: the audit event that was last the head; the app tells what hash it has now."""
        answer = await self._call("GET", "status" if pulled is None else f"status?audit_sequence={pulled}")
        try:
            return facts.tenant_status(answer)
        except (ValueError, KeyError, TypeError) as error:
            raise TenantUnavailable(
                "the app's status has an unexpected form; compare the app's and the operator's versions"
            ) from error

    async def invite(self, emails: Sequence[str]) -> int:
        """Ask the app to invite its first administrators; how many it mailed."""
        return int((await self._call("POST", "administrators", {"emails": list(emails)})).get("invited", 0))

    async def audit(
        self, type_: str, object_id: str, details: Mapping[str, str], *, outcome: str = "ok", key: str | None = None
    ) -> None:
        """Write what the operator did into the organization's audit log. With `key` (at most 96 characters) once only.

        `type_` is `noun.verb`, such as `grant.opened`; `object_id` names no person, `details` may.
        """
        body = {"type": type_, "object_id": object_id, "outcome": outcome, "details": dict(details), "key": key}
        await self._call("POST", "audit", body)

    async def note_head(self, sequence: int, digest: str) -> bool:
        """Tell the app of a head that was pulled from it once; whether its audit log holds it. If not, it says so itself."""
        return bool((await self._call("POST", "audit/heads", {"sequence": sequence, "hash": digest})).get("known"))

    async def change(
        self, change_id: str, field: str, summary: str, *, outcome: ChangeOutcome = "pending", by: str = ""
    ) -> str:
        """Tell the organization of a change that needs its agreement; its state, such as "pending" or "confirmed"."""
        body = {"id": change_id, "kind": field, "summary": summary, "outcome": outcome, "by": by}
        return str((await self._call("POST", "changes", body)).get("state", ""))

    async def announcements(self) -> dict[str, str]:
        """The announcements that the app has: name → digest."""
        found = (await self._call("GET", "announcements")).get("announcements")
        return {str(name): str(digest) for name, digest in found.items()} if isinstance(found, dict) else {}

    async def announce(self, document: Mapping[str, Any]) -> None:
        """Have the app show this announcement, in place of an earlier one of its id."""
        await self._call("POST", "announcements", dict(document))

    async def withdraw(self, name: str) -> None:
        await self._call("DELETE", f"announcements/{name}")

    async def drain(self) -> bool:
        """No new uploads or downloads from now on; whether none is running any more."""
        return bool((await self._call("POST", "drain", {})).get("drained"))

    async def report(self, message: bytes) -> str | None:
        """Bring a report of mail that did not arrive (RFC 3464); state of the mail that it names, None for none of theirs."""
        state = (await self._send("POST", "bounces", message, "message/rfc822")).get("state")
        return None if state is None else str(state)

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return await self._send(method, path, None if body is None else orjson.dumps(body), "application/json")

    async def _send(self, method: str, path: str, data: bytes | None, kind: str) -> dict[str, Any]:
        headers = {"Content-Type": kind}
        try:
            async with self._session.request(
                method, f"{self._base}/{path}", data=data, headers=headers, ssl=self._tls, timeout=_TIMEOUT
            ) as response:
                content = await _read(response.content)
                status = response.status
            answer = orjson.loads(content) if status < 300 else None
        except (aiohttp.ClientError, TimeoutError, OSError, orjson.JSONDecodeError) as error:
            raise TenantUnavailable(
                f"the app does not answer {method} {path} ({type(error).__name__}); look at its pod's log"
            ) from error
        if not isinstance(answer, dict):
            raise TenantUnavailable(f"the app answers {method} {path} with {status}; look at its pod's log")
        return cast("dict[str, Any]", answer)


async def _read(stream: aiohttp.StreamReader) -> bytes:
    content = bytearray()
    async for chunk in stream.iter_chunked(16 * 1024):
        content += chunk
        if len(content) > _LARGEST_ANSWER:
            raise TenantUnavailable(f"the app's answer is larger than {_LARGEST_ANSWER} bytes; look at its pod's log")
    return bytes(content)
