"""The whole way of people, over HTTP: invite, accept, sign in, draft, send, code, files, recall."""

from __future__ import annotations

import json
from pathlib import Path

import people_world as world
from builders import ADMINISTRATOR, PASSWORD, client, make_services, outbox, run_jobs
from kozutumi_app.web.security import SESSION_COOKIE


async def test_from_invitation_to_files(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    operator = client(services, "internal")
    answer = await operator.post("/internal/v1/administrators", json={"emails": [ADMINISTRATOR]})
    assert (answer.status_code, answer.json()) == (202, {"invited": 1})
    run_jobs(services)
    token = world.invitation_token(outbox(services).last_to(ADMINISTRATOR))
    http = client(services)
    accepted = await http.post(f"/api/v1/invitations/{token}/accept", json={"name": "太郎", "password": PASSWORD})
    assert accepted.status_code == 200, accepted.text
    again = client(services)
    signed_in = await again.post("/api/v1/session", json={"email": ADMINISTRATOR.upper(), "password": PASSWORD})
    assert signed_in.status_code == 200, signed_in.text
    cookie = signed_in.headers["set-cookie"]
    assert "__Host-session=" in cookie
    assert all(flag in cookie for flag in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"))
    admin = await world.signed_in(services, again.cookies[SESSION_COOKIE])
    sender = await world.member(services, admin, "member@acme.test")
    transfer_id, link = await world.delivered(services, sender)

    outside = client(services)
    before = (await outside.get(f"/api/v1/r/{link}")).json()
    assert set(before) == {"locale", "expires_at", "authentication"}
    assert (await outside.get(f"/api/v1/r/{link}/files")).json()["code"] == "recipient_not_proven"
    code = await world.ask_for_code(services, outside, link)
    proven = await outside.post(f"/api/v1/r/{link}/verify", json={"code": code})
    assert proven.status_code == 200, proven.text
    shown = (await outside.get(f"/api/v1/r/{link}/files")).json()
    assert shown["files"][0]["name"] == "秘密.txt"
    assert shown["subject"] == "資料"

    recalled = await sender.post(f"/transfers/{transfer_id}/recall")
    assert recalled.json()["recipients"][0]["extent"] == "none"
    assert (await outside.get(f"/api/v1/r/{link}/files")).json()["code"] == "transfer_over"
    assert not [key for key in services.blobs.list("") if key.endswith("/key")]
    verified = await admin.get("/audit/verification")
    assert verified.json()["intact"] is True
    events = [json.loads(line) for line in (await admin.get("/audit/export")).text.splitlines()[1:-1]]
    types = [event["type"] for event in events]
    for expected in ("invitation.accepted", "session.opened", "transfer.delivered", "recipient.proven", "mail.code"):
        assert expected in types
