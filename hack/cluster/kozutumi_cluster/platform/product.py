"""From `install/` as it is shipped to what this cluster gets: image tags, addresses, and restarts on new certificates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from kozutumi_cluster.platform import fleet, names, pods
from kozutumi_contract import labels

SETTINGS: Final = "kozutumi-platform"
_SETTINGS_HASH: Final = f"{labels.GROUP}/settings-hash"
_FIRST: Final = ("CustomResourceDefinition", "Namespace")


def settings(
    images: Mapping[str, str], node_address: str, *, service_address: str, pod_range: str, service_range: str
) -> dict[str, str]:
    """The operator's ConfigMap: every address of the development platform (fields of PlatformSettings)."""
    s3 = names.host(names.S3, names.STORAGE)
    values = {
        "IMAGE_APP": images["app"],
        "IMAGE_SCANNER": images["scanner"],
        "IMAGE_PROBE": images["operator"],
        "IMAGE_EGRESS_PROXY": images["smokescreen"],
        "DOMAIN": names.DOMAIN,
        "S3_ENDPOINT": f"https://{s3}:{names.S3_PORT}",
        "S3_PORT": str(names.S3_PORT),
        "S3_REGION": names.REGION,
        "ALLOWED_REGIONS": names.REGION,
        "IAM_ENDPOINT": f"https://{s3}:{names.IAM_PORT}",
        "IAM_PORT": str(names.IAM_PORT),
        "STORAGE_SELECTOR": f"namespace={names.STORAGE},{names.NAME}={names.S3}",
        "SMTP_HOST": names.host(names.SMTP, names.MAIL),
        "SMTP_PORT": str(names.SMTP_PORT),
        "SMTP_TLS": "starttls",
        "SMTP_SELECTOR": f"namespace={names.MAIL},{names.NAME}={names.MAILPIT}",
        "MAIL_FROM": names.MAIL_FROM,
        "BOUNCE_ADDRESS": names.BOUNCE_ADDRESS,
        "MIRROR_URL": f"https://{names.host(names.MIRROR, names.SYSTEM)}:{names.MIRROR_PORT}",
        "MONITORING_NAMESPACE": names.MONITORING,
        "STORAGE_INTERVAL": "30",  # so that tests see a repair within seconds
        "ETCD_BACKUP_DAYS": "0",  # nobody backs the development cluster up
        # Nothing runs there but what a test puts there to play the gateway.
        "GATEWAY": f"{names.GATEWAY}/public",
        "GATEWAY_SELECTOR": f"namespace={names.GATEWAY}",
        "GATEWAY_CIDRS": pod_range,
        "POD_CIDR": pod_range,
        "SERVICE_CIDR": service_range,
        "NODE_CIDRS": f"{node_address}/32",
        "API_SERVER_ADDRESSES": f"{node_address},{service_address}",
        **fleet.SETTINGS,
    }
    return {f"KOZUTUMI_{key}": value for key, value in values.items()}


def adapt(
    shipped: list[dict[str, Any]], images: Mapping[str, str], configuration: dict[str, str], serials: Mapping[str, str]
) -> list[dict[str, Any]]:
    """`serials`: Deployment → serial number of the certificate it serves with."""
    return [_adapt(document, images, configuration, serials) for document in shipped]


def in_order(documents: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What others need to exist first, and the rest."""
    return (
        [document for document in documents if document["kind"] in _FIRST],
        [document for document in documents if document["kind"] not in _FIRST],
    )


def _adapt(
    document: dict[str, Any], images: Mapping[str, str], configuration: dict[str, str], serials: Mapping[str, str]
) -> dict[str, Any]:
    kind, name = document["kind"], document["metadata"]["name"]
    if (kind, name) == ("ConfigMap", SETTINGS):
        return {**document, "data": {**(document.get("data") or {}), **configuration}}
    if kind != "Deployment":
        return document
    template = document["spec"]["template"]
    annotations = {**template["metadata"].get("annotations", {})}
    if name in serials:
        annotations[pods.TLS_SERIAL] = serials[name]
    pod = {**template["spec"]}
    if f'"{SETTINGS}"' in json.dumps(pod):
        # A process reads its environment once: new settings need a new pod.
        annotations[_SETTINGS_HASH] = hashlib.sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()
    for group in ("initContainers", "containers"):
        if group in pod:
            pod[group] = [{**entry, "image": _image(entry["image"], images)} for entry in pod[group]]
    adapted = {**template, "metadata": {**template["metadata"], "annotations": annotations}, "spec": pod}
    return {**document, "spec": {**document["spec"], "template": adapted}}


def _image(shipped: str, images: Mapping[str, str]) -> str:
    """`install/` names images as `kozutumi-<target>`, with or without a registry and a tag."""
    target = shipped.rpartition("/")[2].partition(":")[0].removeprefix("kozutumi-")
    return images.get(target, shipped)
