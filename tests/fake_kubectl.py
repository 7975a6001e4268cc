"""kubectl before an API server of plain dictionaries: enough of `get`, `patch`, `create`, `delete`, `logs` for the plug-in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kozutumi_cli.kubectl.client import Answer, Kubectl

Object = dict[str, Any]


@dataclass
class FakeApi:
    """`objects`: by kind as kubectl names it (plural, group optional). `forbidden`: verbs and kinds, `get pods`."""

    objects: dict[str, list[Object]] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    logs: dict[str, str] = field(default_factory=dict)
    user: str = "hanako@provider.example"
    said: list[tuple[str, ...]] = field(default_factory=list)
    sent: list[Object] = field(default_factory=list)

    def kubectl(self) -> Kubectl:
        return Kubectl((), self.run)

    def run(self, words: Sequence[str], stdin: str | None) -> Answer:
        self.said.append(tuple(words))
        verb, *rest = words
        if verb == "auth":
            return _ok({"status": {"userInfo": {"username": self.user}}})
        if verb == "logs":
            return self._logs(rest[2])
        if verb == "create":
            self.sent.append(json.loads(stdin or ""))
            return Answer(0, f"accessgrant.kozutumi.com/{self.sent[-1]['metadata']['generateName']}x7k2p\n", "")
        kind = rest[0].partition(".")[0]
        if f"{verb} {kind}" in self.forbidden:
            return _refused("Forbidden", f'{kind} is forbidden: User "{self.user}" cannot {verb} resource "{kind}"')
        if kind in self.absent:
            return Answer(1, "", f'error: the server doesn\'t have a resource type "{kind}"')
        return self._act(verb, kind, rest[1:])

    def _act(self, verb: str, kind: str, words: Sequence[str]) -> Answer:
        named = words[0] if words and not words[0].startswith("-") else ""
        namespace = words[words.index("-n") + 1] if "-n" in words else ""
        found = [each for each in self.objects.get(kind, []) if each["metadata"].get("namespace", "") == namespace]
        if not named:
            return _ok({"items": found})
        for each in found:
            if each["metadata"]["name"] == named:
                if verb == "patch":
                    self.sent.append(json.loads(words[words.index("-p") + 1]))
                return _ok(each)
        return _refused("NotFound", f'{kind}.kozutumi.com "{named}" not found')

    def _logs(self, pod: str) -> Answer:
        if pod in self.logs:
            return Answer(0, self.logs[pod], "")
        return _refused("Forbidden", f'pods "{pod}" is forbidden: cannot get resource "pods/log"')


def _ok(value: Any) -> Answer:
    return Answer(0, json.dumps(value), "")


def _refused(reason: str, text: str) -> Answer:
    return Answer(1, "", f"Error from server ({reason}): {text}\n")
