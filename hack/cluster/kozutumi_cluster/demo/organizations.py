"""The two organizations of the demo and of the end-to-end tests."""

from __future__ import annotations

from typing import Any

from kozutumi_cluster.demo.kubectl import Kubectl

GIBIBYTE = 2**30


def manifest(code: str, ja: str, en: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kozutumi.com/v1alpha1",
        "kind": "Organization",
        "metadata": {"name": code},
        "spec": {
            "serviceCode": code,
            "displayName": {"ja": ja, "en": en},
            "administrators": [{"email": f"admin@{code}.example"}],
            "endpoint": {"type": "NodePort"},
            "residency": {"region": "jp-dev-1"},
            "quota": {"storage": "4Gi", "users": 50, "maxFileSize": "1Gi"},
            **spec,
        },
    }


AOI = manifest("aoi-law", "葵法律事務所", "Aoi Law Office")
KAEDE = manifest("kaede-bank", "楓銀行", "Kaede Bank")


def wait_ready(kubectl: Kubectl, code: str, *, seconds: int = 300) -> dict[str, Any]:
    """Wait with `kubectl wait`, as an SRE would, and give the Organization."""
    words = ("wait", "--for=condition=Ready", f"organization/{code}", f"--timeout={seconds}s")
    kubectl(*words, timeout=seconds + 30)
    organization: dict[str, Any] = kubectl.json("get", "organization", code)
    return organization
