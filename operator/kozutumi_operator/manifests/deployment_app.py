"""The transfer app."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from kozutumi_contract import labels, paths, settings
from kozutumi_contract.keyring import SECRET_NAME as KEY_RING
from kozutumi_operator.manifests import deployment, egress_proxy, names, pod
from kozutumi_operator.organizations import endpoint, fronts
from kozutumi_operator.organizations.materials import Materials
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings

PROGRAM: Final = ("python", "-m", "kozutumi_app")
CHECK: Final = ("python", "-m", "kozutumi_app.check")
LEAVE_SECONDS: Final = 5
# A change to this needs a restart; certificates, the key ring and the storage credential are read again while running.
RESTART_ON: Final = (names.SESSION_KEY,)
SECRETS: Final = {
    KEY_RING: paths.KEYRING,
    names.SESSION_KEY: paths.SESSION_KEY,
    names.STORAGE_CREDENTIAL: paths.S3_ACCESS_KEY_ID,
    names.APP_INTERNAL_TLS: f"{paths.INTERNAL_TLS}/tls.crt",
    names.APP_METRICS_TLS: f"{paths.METRICS_TLS}/tls.crt",
    names.APP_SCANNER_CLIENT_TLS: f"{paths.SCANNER_CLIENT_TLS}/tls.crt",
}


def render(organization: Organization, platform: PlatformSettings, materials: Materials) -> Object | None:
    """None until the node port is allotted: mails must carry the address people can open."""
    url = endpoint.url(organization, platform, materials.node_port)
    if not url:
        return None
    configured = app_settings(organization, platform, url)
    spec: dict[str, Any] = {
        "terminationGracePeriodSeconds": 60,
        "initContainers": [_migrate(organization, platform, configured)],
        "containers": [_app(organization, platform, configured)],
        "volumes": _volumes(organization),
    }
    if egress_proxy.hosts(organization):
        folder = f"{configured.secrets_directory}/{paths.EGRESS_CLIENT_TLS}"
        spec["volumes"].append(pod.secret_volume(names.APP_EGRESS_CLIENT_TLS))
        spec["containers"][0]["volumeMounts"].append(pod.mount(names.APP_EGRESS_CLIENT_TLS, folder, read_only=True))
    annotations = {names.CONFIGURATION_HASH: _configuration_hash(materials)}
    return deployment.frame(organization, names.APP, pod.template(organization, names.APP, spec, annotations))


def app_settings(organization: Organization, platform: PlatformSettings, url: str) -> settings.AppSettings:
    scanner = names.service_host(names.SCANNER, organization.name)
    fronted = fronts.stands_before(organization)  # without a gateway the NetworkPolicy alone limits the clients
    return settings.AppSettings(
        service_code=organization.name,
        display_name_ja=organization.display_name_ja,
        display_name_en=organization.display_name_en,
        public_url=url,
        hosts=endpoint.hosts(organization, platform),
        allowed_clients=organization.allowed_cidrs if fronted else (),
        excluded_clients=platform.cluster_ranges() if fronted else (),
        trusted_gateways=fronts.addresses(organization, platform),
        s3_endpoint=platform.s3_endpoint,
        s3_region=platform.s3_region,
        content_bucket=labels.content_bucket(platform.bucket_prefix, organization.name),
        archive_bucket=labels.archive_bucket(platform.bucket_prefix, organization.name),
        scanner_url=f"https://{scanner}:{labels.SCANNER_PORT}",
        smtp_host=platform.smtp_host,
        smtp_port=platform.smtp_port,
        smtp_tls=platform.smtp_tls,
        mail_from=platform.mail_from,
        bounce_address=platform.bounce_address,
        quota_storage=organization.quota_storage,
        quota_users=organization.quota_users,
        max_file_size=organization.max_file_size,
        default_expiry=organization.default_expiry,
        max_expiry=organization.max_expiry,
        max_downloads=organization.max_downloads,
        maximum_signature_age=organization.maximum_signature_age,
        scanner_sleeps_after=organization.scale_to_zero_after or 0,
        allowed_domains=organization.allowed_domains,
        blocked_domains=organization.blocked_domains,
        audit_retention=organization.audit_retention,
        monthly_transfer=organization.monthly_transfer or 0,
        recipient_authentication=organization.recipient_authentication,
        approval=organization.approval,
        hold_for=organization.hold_for,
        unscannable=organization.unscannable,
        legal_hold=1 if organization.legal_hold else 0,
    )


def _app(organization: Organization, platform: PlatformSettings, configured: settings.AppSettings) -> dict[str, Any]:
    container = pod.container(
        names.APP,
        platform.image_app,
        organization.app_resources,
        command=PROGRAM,
        environment=settings.to_environment(configured),
        mounts=_mounts(organization, configured),
    )
    ports = {"public": labels.APP_PORT, "internal": labels.INTERNAL_PORT, "metrics": labels.METRICS_PORT}
    container["ports"] = [{"name": name, "containerPort": number, "protocol": "TCP"} for name, number in ports.items()]
    container["startupProbe"] = pod.exec_probe((*CHECK, "ready"), period=pod.START_PERIOD, failures=60)
    container["readinessProbe"] = pod.exec_probe((*CHECK, "ready"), period=pod.READY_PERIOD, failures=2)
    container["livenessProbe"] = pod.exec_probe((*CHECK, "live"), period=pod.LIVE_PERIOD, failures=2)
    # Serves on until no node sends it new connections any more; the signal to stop comes after.
    container["lifecycle"] = {"preStop": {"sleep": {"seconds": LEAVE_SECONDS}}}
    return container


def _migrate(
    organization: Organization, platform: PlatformSettings, configured: settings.AppSettings
) -> dict[str, Any]:
    return pod.container(
        "migrate",
        platform.image_app,
        organization.app_resources,
        command=(*PROGRAM, "migrate"),
        environment=settings.to_environment(configured),
        mounts=_mounts(organization, configured),
    )


def _mounts(organization: Organization, configured: settings.AppSettings) -> list[dict[str, Any]]:
    root = configured.secrets_directory
    secrets = [
        pod.mount(secret, f"{root}/{path.rpartition('/')[0]}", read_only=True)
        for secret, path in _secrets(organization).items()
    ]
    return [
        pod.mount(names.VOLUME, configured.data_directory),
        pod.mount("tmp", "/tmp"),  # noqa: S108 - a volume in memory of the pod's own
        pod.mount(names.PLATFORM_CA, f"{root}/{paths.PLATFORM_CA.rpartition('/')[0]}", read_only=True),
        *secrets,
    ]


def _secrets(organization: Organization) -> dict[str, str]:
    return SECRETS | {endpoint.served_secret(organization): f"{paths.PUBLIC_TLS}/tls.crt"}


def _volumes(organization: Organization) -> list[dict[str, Any]]:
    return [
        {"name": names.VOLUME, "persistentVolumeClaim": {"claimName": names.VOLUME}},
        pod.memory_volume("tmp", "32Mi"),
        pod.config_volume(names.PLATFORM_CA),
        *(pod.secret_volume(secret) for secret in _secrets(organization)),
    ]


def _configuration_hash(materials: Materials) -> str:
    digest = hashlib.sha256()
    for secret in RESTART_ON:
        for entry, value in sorted(materials.secrets.get(secret, {}).items()):
            for part in (secret.encode(), entry.encode(), value.reveal()):
                digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]
