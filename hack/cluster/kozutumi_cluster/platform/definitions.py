"""Custom resource definitions of others that the operator writes objects of: the Gateway API and cert-manager.

They come from Go modules pinned by hash (extra/crds), as everything else of the cluster does. No controller for them
runs here but what a test brings: the API server checks what the operator writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from kozutumi_cluster import go_copies
from kozutumi_cluster.binaries import SOURCE

FOLDER: Final = SOURCE / "extra/crds"
_GATEWAY_API: Final = "config/crd/standard/gateway.networking.k8s.io_{}.yaml"
WANTED: Final[Mapping[str, tuple[str, ...]]] = {
    "sigs.k8s.io/gateway-api": tuple(
        _GATEWAY_API.format(plural)
        for plural in ("backendtlspolicies", "gatewayclasses", "gateways", "httproutes", "listenersets")
    ),
    "github.com/cert-manager/cert-manager": ("deploy/crds/cert-manager.io_certificates.yaml",),
}


def objects() -> list[dict[str, Any]]:
    """The CustomResourceDefinitions. Raises ClusterError where the modules cannot be had."""
    return _read(paths())


def gateway_api(*plurals: str) -> list[dict[str, Any]]:
    """Others of the Gateway API's, which a controller wants although the operator does not."""
    folder = go_copies.downloaded("sigs.k8s.io/gateway-api", FOLDER)
    return _read([folder / _GATEWAY_API.format(plural) for plural in plurals])


def paths() -> list[Path]:
    """Their files, downloaded where the module cache has none."""
    found = []
    for module, files in WANTED.items():
        folder = go_copies.downloaded(module, FOLDER)
        found += [folder / name for name in files]
    return found


def _read(files: list[Path]) -> list[dict[str, Any]]:
    return [each for path in files for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]
