"""What is written down of an organization's end: its inventory first, each thing found gone, the certificate last.

All of it is one ConfigMap in kozutumi-system. Its being there retires the service code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from kozutumi_contract import keyring, labels
from kozutumi_operator.errors import KeyRingLost
from kozutumi_operator.manifests import names, secret
from kozutumi_operator.organizations import key_ids, moments, status
from kozutumi_operator.organizations.disposal import Remains
from kozutumi_operator.organizations.observed import Object, Observed
from kozutumi_operator.organizations.spec import Organization

CERTIFICATE: Final = "disposal.json"
INVENTORY: Final = "inventory.json"
PROGRESS: Final = "progress.json"
# The API server compacts what etcd remembers of deleted objects every five minutes; an hour is on the safe side.
_COMPACTED: Final = timedelta(hours=1)
_UNNAMED: Final = "Kubernetes does not keep who deletes an object; the API server's audit log does"
_NAMED: Final = "annotation kozutumi.com/deletion-requested-by, in which admission lets users name only themselves"


@dataclass(frozen=True, slots=True)
class Kept:
    """A bucket that outlives the organization. `until`: when its last lock ends; None where that is not known."""

    bucket: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Stored:
    """Names of what is in the object store; None for what is not."""

    content_bucket: str | None
    archive_bucket: str | None
    user: str | None


def record_name(service_code: str) -> str:
    return f"disposal-{service_code}"


def config_map(organization: Organization, data: Mapping[str, str], annotations: Mapping[str, str]) -> Object:
    """The record as it stands; what is in `data` and `annotations` is all that this applier owns of it."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": record_name(organization.name),
            "namespace": labels.SYSTEM_NAMESPACE,
            "labels": labels.object_labels(organization.name, "disposal"),
            "annotations": {labels.ORGANIZATION_UID: organization.uid, **annotations},
        },
        "data": dict(data),
    }


def inventory(
    organization: Organization, observed: Observed, recorded: Mapping[str, Any], stored: Stored
) -> dict[str, Any]:
    """Everything there is now. `recorded` is the resource's status. Names and ids only, no secret."""
    namespace = observed.get("Namespace", organization.namespace)
    return {
        "displayName": {"ja": organization.display_name_ja, "en": organization.display_name_en},
        "region": organization.region,
        "namespace": {"name": organization.namespace, "uid": _uid(namespace)},
        "keyRing": {
            "name": f"Secret {organization.namespace}/{keyring.SECRET_NAME}",
            "uid": _uid(observed.get("Secret", keyring.SECRET_NAME)),
            "keyIds": _key_ids(observed, recorded),
        },
        "contentBucket": stored.content_bucket,
        "archiveBucket": stored.archive_bucket,
        "storageUser": {"name": stored.user, "accessKeyIds": _access_keys(observed)},
        "volumes": claimed(observed),
        "assets": list(recorded.get("inventory") or ()),
    }


def claimed(observed: Observed) -> list[dict[str, Any]]:
    """Claims and their volumes; the volume is None while a claim waits for one."""
    return [
        {
            "claim": claim["metadata"]["name"],
            "uid": claim["metadata"]["uid"],
            "volume": (claim.get("spec") or {}).get("volumeName"),
        }
        for claim in observed.of_kind("PersistentVolumeClaim")
    ]


def found_gone(remains: Remains) -> list[str]:
    """Names of what is no longer there, in the order of its destruction."""
    things = {
        "KeyRing": remains.key_ring,
        "Pods": remains.pods,
        "ContentObjects": remains.pods or remains.content_objects,  # while a pod runs it could still write one
        "ContentBucket": remains.content_bucket,
        "StorageUser": remains.storage_user,
        "Namespace": remains.namespace,
        "Volumes": remains.namespace or remains.volume,
    }
    return [thing for thing, left in things.items() if left is False]


def parsed(record: Object | None, entry: str) -> dict[str, Any]:
    """One JSON entry of the record; {} where it is not there yet."""
    text = ((record or {}).get("data") or {}).get(entry)
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def volumes(record: Object | None) -> list[str]:
    """Names of the PersistentVolumes that the inventory lists."""
    return [each["volume"] for each in parsed(record, INVENTORY).get("volumes", ()) if each["volume"]]


def document(
    organization: Organization,
    body: Object,
    record: Object,
    kept: Kept | None,
    *,
    now: datetime,
    etcd_backup_days: int,
    operator: str,
) -> dict[str, Any]:
    """What is signed. `body` is the Organization as the API server has it."""
    existed, gone = parsed(record, INVENTORY), parsed(record, PROGRESS)
    return {
        "serviceCode": organization.name,
        "organizationUid": organization.uid,
        "requested": {
            "at": organization.deletion_timestamp,
            "by": organization.annotations.get(labels.DELETION_REQUESTED_BY),
            "evidence": _NAMED if labels.DELETION_REQUESTED_BY in organization.annotations else _UNNAMED,
            "confirmedWith": _confirmations(body),
        },
        "completed": moments.rfc3339(now),
        "operator": operator,
        "existed": existed,
        "destroyed": _destroyed(existed, gone, kept, moments.rfc3339(now)),
        "kept": [*_archive(kept), _etcd(now, etcd_backup_days)],
    }


def _destroyed(
    existed: Mapping[str, Any], gone: Mapping[str, str], kept: Kept | None, now: str
) -> list[dict[str, Any]]:
    """`at` is when it was found gone, which is never before it was."""
    ring, user, bucket, namespace = (existed[each] for each in ("keyRing", "storageUser", "contentBucket", "namespace"))
    things: list[tuple[str, str | None, dict[str, Any]]] = [
        ("KeyRing", ring["name"] if ring["keyIds"] else None, {"keyIds": ring["keyIds"]}),
        ("Pods", namespace["uid"] and f"every pod of {namespace['name']}, which had the keys in memory", {}),
        ("ContentObjects", bucket and f"every object and unfinished upload of {bucket}", {}),
        ("ContentBucket", bucket, {}),
        ("StorageUser", user["name"], {"accessKeyIds": user["accessKeyIds"]}),
        ("Namespace", namespace["uid"] and namespace["name"], {"uid": namespace["uid"]}),
        *(("Volumes", each["volume"], {"claim": each["claim"]}) for each in existed["volumes"]),
        ("ArchiveBucket", existed["archiveBucket"] if kept is None else None, {}),
    ]
    return [{"what": what, "name": name, "at": gone.get(what, now), **more} for what, name, more in things if name]


def _archive(kept: Kept | None) -> list[dict[str, Any]]:
    if kept is None:
        return []
    why = "locked audit heads and backups; unreadable without the key ring, and the audit skeleton holds no user data"
    until = None if kept.until is None else moments.rfc3339(kept.until)
    return [{"what": "ArchiveBucket", "name": kept.bucket, "until": until, "why": why}]


def _etcd(now: datetime, days: int) -> dict[str, Any]:
    """Copies of the Secrets, sealed by the cluster's own encryption at rest, until the last backup of etcd is gone."""
    why = "earlier states of the cluster's own database, among them the key ring, encrypted at rest by the API server"
    until = None if days < 0 else moments.rfc3339(now + max(timedelta(days=days), _COMPACTED))
    return {"what": "EtcdCopies", "name": "backups and history of etcd", "until": until, "why": why}


def _confirmations(body: Object) -> list[dict[str, Any]]:
    """With which program, and when, the confirming annotation was written: all that the resource keeps of it."""
    field = f"f:{labels.CONFIRM_DELETION}"
    return [
        {"manager": each.get("manager"), "at": each.get("time")}
        for each in body["metadata"].get("managedFields") or ()
        if field in (each.get("fieldsV1") or {}).get("f:metadata", {}).get("f:annotations", {})
    ]


def _key_ids(observed: Observed, recorded: Mapping[str, Any]) -> list[str]:
    try:
        ring = key_ids.found(observed)
    except KeyRingLost:
        ring = None
    return list(status.recorded_key_ids(recorded) if ring is None else key_ids.of_ring(ring))


def _access_keys(observed: Observed) -> list[str]:
    """Ids of every access key on record, also of one that is being retired."""
    found = observed.get("Secret", names.STORAGE_CREDENTIAL)
    entries = secret.entries(found) if found else {}
    return sorted({value.decode() for name, value in entries.items() if name.endswith(names.ACCESS_KEY_ID)})


def _uid(thing: Object | None) -> str | None:
    return None if thing is None else str(thing["metadata"]["uid"])
