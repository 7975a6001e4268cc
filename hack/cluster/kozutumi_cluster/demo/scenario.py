"""`demo`: the main job, step by step, each step printed with what it proves."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.panel import Panel

from kozutumi_cluster.demo import environment, isolation, organizations, people, transfers
from kozutumi_cluster.demo.inbox import Inbox
from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_cluster.demo.public import Endpoint, Public
from kozutumi_cluster.demo.transfers import Outgoing
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.layout import Layout

MEBIBYTE = 2**20
RECIPIENT = "suzuki@partner.example"
EICAR_HALVES = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}", "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*")


@dataclass
class Demo:
    console: Console
    layout: Layout
    kubectl: Kubectl
    inbox: Inbox
    ca: Path
    passwords: people.Passwords
    step: int = 0

    def proves(self, title: str, proof: str) -> None:
        self.step += 1
        self.console.print(f"[bold cyan]{self.step:2}. {title}[/]\n    [green]✓[/] {proof}")

    def run(self) -> None:
        first, second = organizations.AOI["metadata"]["name"], organizations.KAEDE["metadata"]["name"]
        self._organizations()
        endpoint = environment.endpoint(self.kubectl, self.layout, first, self.ca)
        with self._member(endpoint, first) as member, tempfile.TemporaryDirectory() as folder:
            self._transfer(endpoint, member, Path(folder))
            self._infected(member, Path(folder))
            self._next_door(member, first, second)
        self._audit(endpoint, first)
        self._farewell(endpoint, first)

    def _organizations(self) -> None:
        manifests = (organizations.AOI, organizations.KAEDE)
        for manifest in manifests:
            self.kubectl.apply(manifest)
        for manifest in manifests:
            code = manifest["metadata"]["name"]
            with self.console.status(f"waiting for {code} to be Ready"):
                status = organizations.wait_ready(self.kubectl, code)["status"]
            probed = status["isolation"]
            self.proves(
                f"Organization {code} is Ready at {status['url']}",
                f"its namespace is {status['namespace']}; on the wire {probed['allowed']} allowed paths answer "
                f"and {probed['denied']} denied ones do not",
            )

    def _member(self, endpoint: Endpoint, code: str) -> Public:
        administrator = people.ensure_administrator(endpoint, self.inbox, self.passwords, f"admin@{code}.example")
        self.proves(
            "The administrator signed in", "invited by mail by the operator; nobody else ever knew the password"
        )
        with administrator:
            email = f"member@{code}.example"
            member = people.ensure_member(endpoint, self.inbox, self.passwords, administrator, email, "佐藤 一郎")
        self.proves("A member signed in", "invited by the administrator, by mail")
        return member

    def _transfer(self, endpoint: Endpoint, member: Public, folder: Path) -> None:
        source = folder / "契約書.bin"
        source.write_bytes(os.urandom(32 * MEBIBYTE))
        digest = hashlib.sha256(source.read_bytes()).hexdigest()
        before = len([m for m in self.inbox.messages(RECIPIENT) if "/r/" in m.text])
        offsets: list[int] = []
        outgoing = Outgoing(source, source.name, cuts=(11 * MEBIBYTE, 23 * MEBIBYTE))
        transfer = transfers.send(member, RECIPIENT, [outgoing], report=offsets.append)
        self.proves(
            "32 MiB sent by a resumable upload", f"cut twice; the server had kept {offsets[0]} and {offsets[1]} bytes"
        )
        with self.console.status("scanning"):
            transfers.wait_state(member, transfer, "Delivered")
        self.proves("Delivered", "only after the scanner of this organization said clean about the stored segments")
        with transfers.receive(endpoint, self.inbox, RECIPIENT, after=before) as recipient:
            self.proves("The recipient has no account", "a mailed one-time code proved the address")
            file = recipient.files()[0]
            received = recipient.download(file["id"], cut_after=9 * MEBIBYTE)
        if received != digest:
            raise ClusterError(f"The file arrived changed: sent {digest}, received {received}.")
        self.proves(f"“{file['name']}” arrived", f"cut once and resumed by Range; SHA-256 {received} on both sides")

    def _infected(self, member: Public, folder: Path) -> None:
        source = folder / "invoice.com"
        source.write_text("".join(EICAR_HALVES))
        transfer = transfers.send_bad(member, RECIPIENT, Outgoing(source, source.name))
        with self.console.status("scanning"):
            transfers.wait_file_state(member, transfer, "Infected")
        self.proves(
            "A virus was stopped", "the EICAR test file is Infected; it was not delivered and nobody was mailed"
        )

    def _next_door(self, member: Public, first: str, second: str) -> None:
        refused = isolation.refused_from(self.kubectl, second, first)
        self.proves(f"From {second}, everything of {first} is refused", ", ".join(refused))
        other = environment.endpoint(self.kubectl, self.layout, second, self.ca)
        with other.open() as stranger:
            stranger.cookies.update(member.cookies)
            answer = stranger.request("GET", "/api/v1/session").status_code
        if answer != 401:
            raise ClusterError(f"A session of {first} was answered {answer} by {second}.")
        self.proves(f"A session of {first} is worthless at {second}", f"answered {answer}")

    def _audit(self, endpoint: Endpoint, code: str) -> None:
        with people.signed_in(
            endpoint, f"admin@{code}.example", self.passwords.known[f"admin@{code}.example"]
        ) as admin:
            verified = admin.json("GET", "/api/v1/audit/verification")
        if not verified["intact"]:
            raise ClusterError(f"The audit chain breaks at event {verified['first_broken']}.")
        self.proves("Every step is in the audit log", f"{verified['events']} events, the hash chain is intact")

    def _farewell(self, endpoint: Endpoint, code: str) -> None:
        lines = [
            f"Organization: {endpoint.url}   (sign in: admin@{code}.example or member@{code}.example)",
            f"Passwords:    {environment.passwords_file(self.layout)}",
            f"Mail inbox:   {environment.inbox_url(self.kubectl, self.layout)}",
            f"Trust:        {self.ca}",
            f"Names:        add to /etc/hosts: {endpoint.address} {endpoint.url.split('//')[1].split(':')[0]}",
            f"kubectl:      export KUBECONFIG={self.layout.kubeconfig}; kubectl get org",
        ]
        self.console.print(Panel("\n".join(lines), title="Try it", expand=False))
