"""What a subject may do, as the API server says, in a form that can be reviewed and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from kozutumi_cluster.demo.kubectl import Kubectl

REVIEW = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}


def groups_of(user: str) -> list[str]:
    """The groups that a user of this name is in once authenticated."""
    if user.startswith("system:serviceaccount:"):
        namespace = user.split(":")[2]
        return ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    return ["system:authenticated"]


def rules(kubectl: Kubectl, user: str, namespace: str) -> list[str]:
    """`kubectl auth can-i --list --as`, one line a resource, sorted."""
    acting = (f"--as={user}", *(f"--as-group={group}" for group in groups_of(user)))
    review = {**REVIEW, "spec": {"namespace": namespace}}
    answer = json.loads(
        kubectl("create", "--validate=false", "-f", "-", "-o", "json", *acting, stdin=json.dumps(review))
    )
    status = answer["status"]
    assert not status.get("incomplete"), status
    found: dict[str, set[str]] = {}
    for rule in status["resourceRules"]:
        for what in _resources(rule):
            found.setdefault(what, set()).update(rule["verbs"])
    for rule in status["nonResourceRules"]:
        for url in rule["nonResourceURLs"]:
            found.setdefault(url, set()).update(rule["verbs"])
    return [f"{what}: {','.join(sorted(verbs))}" for what, verbs in sorted(found.items())]


def _resources(rule: dict[str, Any]) -> Iterator[str]:
    named = f" [{','.join(sorted(rule['resourceNames']))}]" if rule.get("resourceNames") else ""
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            yield f"{resource}.{group}{named}" if group else f"{resource}{named}"


def as_text(matrices: dict[str, list[str]]) -> str:
    """What holds in every namespace once, then what each adds."""
    common = set.intersection(*(set(lines) for lines in matrices.values()))
    told = {"everywhere": sorted(common)}
    told |= {f"in {place}": [line for line in lines if line not in common] for place, lines in matrices.items()}
    return yaml.safe_dump(told, sort_keys=False, width=200)


@contextmanager
def with_token(kubectl: Kubectl, folder: Path, account: str, namespace: str) -> Iterator[Kubectl]:
    """kubectl with a real token of a ServiceAccount, and no other credential."""
    token = kubectl("create", "token", account, "-n", namespace, "--duration=1h").strip()
    view = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    view["users"] = [{"name": "subject", "user": {"token": token}}]
    for context in view["contexts"]:
        context["context"]["user"] = "subject"
    path = folder / f"{account}.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(json.dumps(view))
    try:
        yield Kubectl(kubectl.binary, path)
    finally:
        path.unlink()
