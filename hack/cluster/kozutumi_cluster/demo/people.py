"""Inviting, accepting and signing in, by the mails that the platform really sent."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from kozutumi_cluster.demo.inbox import Inbox
from kozutumi_cluster.demo.public import Endpoint, Public


@dataclass
class Passwords:
    """Random passwords of the demo's people, kept in one file (mode 0600) beside the cluster's other secrets."""

    path: Path
    known: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Passwords:
        return cls(path, json.loads(path.read_text()) if path.exists() else {})

    def keep(self, email: str, password: str) -> None:
        self.known[email] = password
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self.known, file)


def accept(endpoint: Endpoint, inbox: Inbox, passwords: Passwords, email: str, name: str) -> None:
    """Follow the newest invitation mailed to `email`. The password is kept only once the platform has taken it."""
    link = inbox.wait(email, containing=f"{endpoint.url.rstrip('/')}/invitations/").link("/invitations/")
    password = secrets.token_urlsafe(18)
    with endpoint.open() as client:
        client.accept_invitation(link.rsplit("/", 1)[1], name, password)
    passwords.keep(email, password)


def signed_in(endpoint: Endpoint, email: str, password: str) -> Public:
    client = endpoint.open()
    client.sign_in(email, password)
    return client


def ensure_administrator(endpoint: Endpoint, inbox: Inbox, passwords: Passwords, email: str) -> Public:
    """The bootstrap administrator, accepted on the first run and signed in on each."""
    if email not in passwords.known:
        accept(endpoint, inbox, passwords, email, "管理 花子")
    return signed_in(endpoint, email, passwords.known[email])


def ensure_member(
    endpoint: Endpoint, inbox: Inbox, passwords: Passwords, administrator: Public, email: str, name: str
) -> Public:
    """A member invited by `administrator` on the first run and signed in on each."""
    if email not in passwords.known:
        administrator.json("POST", "/api/v1/members", {"email": email, "role": "member"}, expect=201)
        accept(endpoint, inbox, passwords, email, name)
    return signed_in(endpoint, email, passwords.known[email])
