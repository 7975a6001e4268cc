"""An organization as a fuzzer needs it: people, tokens, transfers in every state and ids that lead deep, made anew on demand."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx
import sqlalchemy as sa

from builders import ADMINISTRATOR, PASSWORD, code, invitation_token, outbox, run_jobs
from kozutumi_app.adapters.database.schema import metadata, users
from kozutumi_app.domain.rate_limits import Allowance, Limit, RateLimiter
from kozutumi_app.domain.tokens import Scope
from kozutumi_app.services import Services
from kozutumi_app.use_cases import sessions
from kozutumi_app.web.security import BROWSER_COOKIE, RECIPIENT_COOKIE, SESSION_COOKIE

MEMBER: Final = "member@acme.test"
RECIPIENT: Final = "customer@outside.test"
CONTENT: Final = "見積もり\n".encode() * 40


class RareRefusals(RateLimiter):
    """Refuses one request in `every`, so that the answer is seen and the others come through."""

    def __init__(self, every: int = 211) -> None:
        super().__init__()
        self._every, self._count = every, 0

    def take(self, purpose: str, key: str, limit: Limit, now: datetime) -> Allowance:
        super().take(purpose, key, limit, now)
        self._count += 1
        return Allowance(limit.burst, 0, 1 if self._count % self._every == 0 else 0)


@dataclass
class Caller:
    """What goes along with a request of somebody."""

    name: str
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)


@dataclass
class Fuzzed:
    """`ids`: by the name of a path parameter, what exists."""

    services: Services
    http: httpx.Client
    callers: list[Caller] = field(default_factory=list)
    ids: dict[str, list[str]] = field(default_factory=dict)
    ca: str = ""

    def renew(self) -> None:
        """Undo what requests did to the people, and make fresh transfers, requests and tokens."""
        self._let_in_again()
        administrator, member = self._session(ADMINISTRATOR), self._session(MEMBER)
        self.callers = [administrator, administrator, member, member]
        self.callers += [self._token(administrator, *Scope), self._token(member, "transfers:write")]
        self.callers += [Caller("nobody"), Caller("forger", cookies=administrator.cookies)]
        self.ids = {}
        self._collect(administrator, member)

    def _let_in_again(self) -> None:
        with self.services.database.write() as tx:
            tx.execute(sa.update(users).values(disabled=False, failed_attempts=0, locked_until=None))
            tx.execute(sa.delete(users).where(users.c.role == "service"))  # each organization has a number of them
            for name in ("api_tokens", "policies", "group_members", "groups"):
                if name in metadata.tables:
                    tx.execute(sa.delete(metadata.tables[name]))
        self.services.failures.__init__()  # type: ignore[misc]  # forgets the wrong passwords, as a restart would

    def _session(self, email: str) -> Caller:
        with self.services.database.write() as tx:
            index = sessions.email_index(self.services, email)
            user_id = tx.execute(sa.select(users.c.id).where(users.c.email_index == index)).scalar_one()
            role = "admin" if email == ADMINISTRATOR else "member"
            tx.execute(sa.update(users).where(users.c.id == user_id).values(role=role))
            cookie = sessions.open_session(tx, self.services, user_id)
        found = sessions.find(self.services, cookie)
        assert found is not None
        return Caller(email, {"X-CSRF-Token": found.csrf}, {SESSION_COOKIE: cookie})

    def _token(self, caller: Caller, *scopes: str) -> Caller:
        made = self.ask(caller, "POST", "/api/v1/tokens", json={"name": "fuzzer", "scopes": list(scopes)}).json()
        return Caller(f"token of {caller.name}", {"Authorization": f"Bearer {made['token']}"})

    def ask(self, caller: Caller, method: str, path: str, **parts: Any) -> httpx.Response:
        headers = caller.headers | parts.pop("headers", {})
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in caller.cookies.items())
        answer = self.http.request(method, path, headers=headers, **parts)
        if answer.status_code == 429:
            answer = self.http.request(method, path, headers=headers, **parts)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def _collect(self, administrator: Caller, member: Caller) -> None:
        me = self.ask(member, "GET", "/api/v1/session").json()["user"]["id"]
        self._note("user_id", me)
        drafts = [self._transfer(member), self._transfer(administrator)]
        sent = [self._sent(member) for _ in range(2)]
        for transfer in (*drafts, *sent):
            self._note("transfer_id", transfer["id"])
            for recipient in transfer["recipients"]:
                self._note("recipient_id", recipient["recipient_id"])
            for file in transfer["files"]:
                self._note("file_id", file["id"])
        account = self.ask(administrator, "POST", "/api/v1/service-accounts", json={"name": "fuzzer"}).json()["id"]
        self._note("account_id", account)
        for owner, prefix in ((administrator, ""), (administrator, f"/service-accounts/{account}")):
            body = {"name": "spare", "scopes": ["transfers:read"]}
            self._note("token_id", self.ask(owner, "POST", f"/api/v1{prefix}/tokens", json=body).json()["id"])
        group = self.ask(administrator, "POST", "/api/v1/groups", json={"name": f"g{random.random()}"}).json()  # noqa: S311
        self._note("group_id", group["id"])
        self._request(member)
        self._recipient(sent[0])

    def _note(self, name: str, value: str) -> None:
        self.ids.setdefault(name, []).append(value)

    def _transfer(self, sender: Caller) -> dict[str, Any]:
        body = {"recipients": [{"email": RECIPIENT, "locale": "ja"}], "subject": "見積もり"}
        made: dict[str, Any] = self.ask(sender, "POST", "/api/v1/transfers", json=body).json()
        self._upload(sender, made["id"], CONTENT[: len(CONTENT) // 2])
        shown: dict[str, Any] = self.ask(sender, "GET", f"/api/v1/transfers/{made['id']}").json()
        return shown

    def _upload(self, sender: Caller, transfer_id: str, sent: bytes) -> str:
        pairs = {"transfer": transfer_id, "filename": "見積もり.txt", "filetype": "text/plain"}
        metadata_ = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())
        head = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(CONTENT)), "Upload-Metadata": metadata_}
        url = self.ask(sender, "POST", "/files/", headers=head).headers["Location"]
        head = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        self.ask(sender, "PATCH", url, headers=head, content=sent)
        return str(url)

    def _sent(self, sender: Caller) -> dict[str, Any]:
        body = {"recipients": [{"email": RECIPIENT, "locale": "ja"}], "subject": "見積もり"}
        made: dict[str, Any] = self.ask(sender, "POST", "/api/v1/transfers", json=body).json()
        self._upload(sender, made["id"], CONTENT)
        self.ask(sender, "POST", f"/api/v1/transfers/{made['id']}/send")
        self.settle()
        shown: dict[str, Any] = self.ask(sender, "GET", f"/api/v1/transfers/{made['id']}").json()
        assert shown["state"] == "Delivered", shown
        return shown

    def settle(self) -> None:
        """Run what waits: scans, mails."""
        run_due(self.services)

    def _request(self, member: Caller) -> None:
        body = {"email": "guest@outside.test", "subject": "図面", "expires_in": 86_400, "max_bytes": 2**20}
        self._note("request_id", self.ask(member, "POST", "/api/v1/requests", json=body).json()["id"])

    def _recipient(self, transfer: dict[str, Any]) -> None:
        """A proven recipient, and a link that nobody has opened."""
        link = transfer["recipients"][0]["link_id"]
        self._note("link_id", link)
        asked = self.ask(Caller("recipient"), "POST", f"/api/v1/r/{link}/code")
        self.settle()
        browser = {f"{BROWSER_COOKIE}-{link[:8]}": _cookie(asked, BROWSER_COOKIE)}
        mailed = code(outbox(self.services).last_to(RECIPIENT))
        proven = self.ask(
            Caller("recipient", cookies=browser), "POST", f"/api/v1/r/{link}/verify", json={"code": mailed}
        )
        cookies = browser | {f"{RECIPIENT_COOKIE}-{link[:8]}": _cookie(proven, RECIPIENT_COOKIE)}
        recipient = Caller("recipient", cookies=cookies)
        file_id = transfer["files"][0]["id"]
        opened = self.ask(recipient, "POST", f"/api/v1/r/{link}/files/{file_id}/download")
        cookies[f"__Host-download-{file_id[:8]}"] = _cookie(opened, "__Host-download")
        self.callers += [recipient, recipient]


def fuzzed(services: Services, http: httpx.Client) -> Fuzzed:
    """An administrator and a member, with everything that `renew` makes."""
    world = Fuzzed(services, http)
    administrator = world._session(ADMINISTRATOR)
    world.ask(administrator, "POST", "/api/v1/members", json={"email": MEMBER})
    run_due(services)
    token = invitation_token(outbox(services).last_to(MEMBER))
    body = {"name": "会員 花子", "password": PASSWORD}
    world.ask(Caller("invited"), "POST", f"/api/v1/invitations/{token}/accept", json=body)
    world.renew()
    return world


def run_due(services: Services) -> None:
    run_jobs(services, limit=1000)


def _cookie(answer: httpx.Response, name: str) -> str:
    found = [cookie.value for cookie in answer.cookies.jar if cookie.name.startswith(name)]
    assert found[-1] is not None
    return found[-1]
