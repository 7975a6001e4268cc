"""What the manifest asks for reaches the app."""

from __future__ import annotations

from typing import Any

import pytest

from kozutumi_operator.manifests import deployment_app
from operator_builders import organization, settings

URL = "https://acme.example"


@pytest.mark.parametrize(
    ("spec", "field", "value"),
    [
        ({}, "monthly_transfer", 0),
        ({"quota": {"monthlyTransfer": "1Ti"}}, "monthly_transfer", 2**40),
        ({"transfer": {"recipientAuthentication": "Account"}}, "recipient_authentication", "Account"),
        ({}, "approval", "Never"),
        ({"transfer": {"approval": "External"}}, "approval", "External"),
        ({"transfer": {"holdFor": "5m"}}, "hold_for", 300),
        ({"transfer": {"unscannable": "AdministratorRelease"}}, "unscannable", "AdministratorRelease"),
        ({"audit": {"retention": "9000h"}}, "audit_retention", 9000 * 3600),
        ({"transfer": {"maxDownloads": 3}}, "max_downloads", 3),
    ],
)
def test_settings_follow_the_manifest(spec: dict[str, Any], field: str, value: object) -> None:
    assert getattr(deployment_app.app_settings(organization(**spec), settings(), URL), field) == value
