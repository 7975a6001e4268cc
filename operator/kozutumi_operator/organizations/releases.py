"""A release: the images, and the platform's settings that end up in pods, under one id. Pure.

Each organization is on a release of its own, so that a change can reach the fleet in waves (`waves`).
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kozutumi_contract import labels
from kozutumi_operator import platform as settings
from kozutumi_operator.organizations import desired, spec
from kozutumi_operator.organizations.materials import Materials
from kozutumi_operator.organizations.observed import Object, Observed
from kozutumi_operator.platform import PlatformSettings

# What an organization on an earlier release is still rendered with, and what a rollback brings back: what its pods are
# told, with what their policies let them reach for it. Everything else (the cluster's own addresses, the operator's
# names) holds for everybody at once; where it shows in pods, these wait for their wave all the same (see `stamped`).
CARRIED: Final = (
    "image_app",
    "image_scanner",
    "domain",
    "s3_endpoint",
    "s3_region",
    "s3_port",
    "storage_selector",
    "bucket_prefix",
    "smtp_host",
    "smtp_port",
    "smtp_tls",
    "smtp_selector",
    "mail_from",
    "bounce_address",
    "mirror_url",
    "mirror_port",
    "mirror_selector",
)
_REFERENCE_PORT: Final = 30000


@dataclass(frozen=True, slots=True)
class Release:
    """`texts`: field of PlatformSettings → its text. `rendering`: what this operator makes of fixed settings."""

    texts: Mapping[str, str]
    rendering: str

    @property
    def id(self) -> str:
        """12 hexadecimal digits of a SHA-256; names one release on Deployments and in the fleet's record."""
        said = json.dumps([sorted(self.texts.items()), self.rendering], ensure_ascii=False)
        return hashlib.sha256(said.encode()).hexdigest()[:12]


def of(platform: PlatformSettings) -> Release:
    """What this operator would roll out with these settings."""
    texts = {name: settings.text_of(getattr(platform, name)) for name in CARRIED}
    return Release(texts, rendering(platform))


def apply(release: Release, platform: PlatformSettings) -> PlatformSettings:
    """The platform as an organization on `release` sees it."""
    return settings.replaced(platform, {name: text for name, text in release.texts.items() if name in CARRIED})


def rendering(platform: PlatformSettings) -> str:
    """A fingerprint of the pods that this very program renders for one reference organization.

    Another operator may render other pods of the same settings; that, too, must not reach everybody at once.
    The carried settings are replaced by fixed ones, so that it tells of the program alone.
    """
    neutral = settings.replaced(platform, dict.fromkeys(("image_app", "image_scanner", "mail_from", "domain"), "x"))
    neutral = settings.replaced(neutral, {"bounce_address": "x"})
    neutral = settings.replaced(neutral, dict.fromkeys(("s3_endpoint", "mirror_url"), "https://x"))
    neutral = settings.replaced(neutral, {"s3_region": neutral.regions()[0], "smtp_host": "x", "smtp_port": "1"})
    neutral = settings.replaced(neutral, {"smtp_tls": "starttls", "bucket_prefix": "x"})
    wanted = {"serviceCode": "reference", "residency": {"region": neutral.regions()[0]}}
    body = {"metadata": {"name": "reference", "uid": "reference"}, "spec": wanted}
    made = desired.render(
        spec.parse(body),
        neutral,
        Materials(secrets={}, platform_ca="", mirror_public_key="", node_port=_REFERENCE_PORT),
    )
    templates = [each["spec"]["template"] for each in made if each["kind"] == "Deployment"]
    return hashlib.sha256(json.dumps(templates, sort_keys=True).encode()).hexdigest()[:12]


def stamped(objects: Sequence[Object], release: Release, observed: Observed, own_rendering: str) -> list[Object]:
    """`objects` with the release on each Deployment.

    A Deployment that is on this release already, as an earlier operator rendered it, keeps its pods as they are:
    they change when the organization's wave comes.
    """
    return [_stamped(each, release, observed, own_rendering) for each in objects]


def _stamped(wanted: Object, release: Release, observed: Observed, own_rendering: str) -> Object:
    if wanted["kind"] != "Deployment":
        return wanted
    result = copy.deepcopy(wanted)
    result["metadata"].setdefault("annotations", {})[labels.RELEASE] = release.id
    live = observed.get("Deployment", wanted["metadata"]["name"])
    if live is not None and recorded(live) == release.id and release.rendering != own_rendering:
        result["spec"]["template"] = copy.deepcopy(live["spec"]["template"])
    return result


def recorded(deployment: Object) -> str:
    """The release that a Deployment says it is on; "" before it was ever told."""
    return str((deployment["metadata"].get("annotations") or {}).get(labels.RELEASE, ""))


def to_json(release: Release) -> dict[str, Any]:
    return {"settings": dict(release.texts), "rendering": release.rendering}


def from_json(document: Mapping[str, Any]) -> Release:
    return Release(dict(document["settings"]), str(document["rendering"]))


def deployed(observed: Observed) -> tuple[str, bool]:
    """The release that every Deployment is on ("" where they differ), and whether its rollout is complete.

    Complete: the controller has seen it, every pod is new and available, and no old one is left.
    """
    found = list(observed.of_kind("Deployment"))
    releases = {recorded(each) for each in found}
    release = releases.pop() if len(releases) == 1 else ""
    return release, bool(found) and all(_complete(each) for each in found)


def _complete(deployment: Object) -> bool:
    status, wanted = deployment.get("status") or {}, deployment["spec"].get("replicas", 1)
    counts = [status.get(key) or 0 for key in ("replicas", "updatedReplicas", "availableReplicas")]
    seen = (status.get("observedGeneration") or 0) >= (deployment["metadata"].get("generation") or 0)
    return seen and all(count == wanted for count in counts)


def stuck(observed: Observed) -> bool:
    """Whether Kubernetes has given up on a rollout (ProgressDeadlineExceeded)."""
    return any(
        condition.get("type") == "Progressing" and condition.get("status") == "False"
        for each in observed.of_kind("Deployment")
        for condition in (each.get("status") or {}).get("conditions") or ()
    )
