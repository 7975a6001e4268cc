"""The virus scanner: clamd, its updates, and the agent that answers the app."""

from __future__ import annotations

from typing import Any, Final

from kozutumi_contract import labels, paths, settings
from kozutumi_operator.manifests import deployment, names, pod
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings

PROGRAM: Final = ("python", "-m", "kozutumi_scanner")
CHECK: Final = ("python", "-m", "kozutumi_scanner.check")
SCAN_MEMORY: Final = "1Gi"
SCAN_DISK: Final = "4Gi"
SIGNATURES: Final = "signatures"
RUN: Final = "run"
SCAN: Final = "scan"


def render(organization: Organization, platform: PlatformSettings, *, asleep: bool = False) -> Object:
    """`asleep`: no pod, as nothing waits for it (organizations.sleeping)."""
    configured = settings.ScannerSettings(service_code=organization.name, mirror_url=platform.mirror_url)
    spec: dict[str, Any] = {
        "terminationGracePeriodSeconds": 30,
        "containers": [
            _clamd(organization, platform, configured),
            _freshclam(platform, configured),
            _agent(platform, configured),
        ],
        "volumes": _volumes(organization),
    }
    template = pod.template(organization, names.SCANNER, spec, {})
    return deployment.frame(organization, names.SCANNER, template, asleep=asleep)


def _clamd(
    organization: Organization, platform: PlatformSettings, configured: settings.ScannerSettings
) -> dict[str, Any]:
    return pod.container(
        "clamd",
        platform.image_scanner,
        organization.scanner_resources,
        command=(*PROGRAM, "clamd"),
        environment=settings.to_environment(configured),
        mounts=[*_shared(configured, write_signatures=True), pod.mount(SCAN, configured.temporary_directory)],
    )


def _freshclam(platform: PlatformSettings, configured: settings.ScannerSettings) -> dict[str, Any]:
    return pod.container(
        "freshclam",
        platform.image_scanner,
        pod.FRESHCLAM,
        command=(*PROGRAM, "freshclam"),
        environment=settings.to_environment(configured),
        mounts=[*_shared(configured, write_signatures=True), _trust(configured)],
    )


def _agent(platform: PlatformSettings, configured: settings.ScannerSettings) -> dict[str, Any]:
    root = configured.secrets_directory
    container = pod.container(
        "agent",
        platform.image_scanner,
        pod.AGENT,
        command=(*PROGRAM, "agent"),
        environment=settings.to_environment(configured),
        mounts=[
            *_shared(configured, write_signatures=False),
            _trust(configured),
            pod.mount(names.SCANNER_TLS, f"{root}/{paths.SCANNER_TLS}", read_only=True),
            pod.mount(names.SCANNER_METRICS_TLS, f"{root}/{paths.METRICS_TLS}", read_only=True),
        ],
    )
    ports = {"scan": labels.SCANNER_PORT, "metrics": labels.METRICS_PORT}
    container["ports"] = [{"name": name, "containerPort": number, "protocol": "TCP"} for name, number in ports.items()]
    container["startupProbe"] = pod.exec_probe((*CHECK, "live"), period=pod.START_PERIOD, failures=60)
    container["readinessProbe"] = pod.exec_probe((*CHECK, "ready"), period=pod.READY_PERIOD, failures=2)
    container["livenessProbe"] = pod.exec_probe((*CHECK, "live"), period=pod.LIVE_PERIOD, failures=2)
    return container


def _shared(configured: settings.ScannerSettings, *, write_signatures: bool) -> list[dict[str, Any]]:
    return [
        pod.mount(SIGNATURES, configured.database_directory, read_only=not write_signatures),
        pod.mount(RUN, configured.run_directory),
    ]


def _trust(configured: settings.ScannerSettings) -> dict[str, Any]:
    folder = paths.PLATFORM_CA.rpartition("/")[0]
    return pod.mount(names.PLATFORM_CA, f"{configured.secrets_directory}/{folder}", read_only=True)


def _volumes(organization: Organization) -> list[dict[str, Any]]:
    """What clamd scans it spools in the clear: in memory, or on a disk the platform declares encrypted."""
    on_disk = {"name": SCAN, "emptyDir": {"sizeLimit": SCAN_DISK}}
    return [
        {"name": SIGNATURES, "emptyDir": {"sizeLimit": "2Gi"}},
        pod.memory_volume(RUN, "16Mi"),
        on_disk if organization.temporary_storage == "Disk" else pod.memory_volume(SCAN, SCAN_MEMORY),
        pod.config_volume(names.PLATFORM_CA),
        pod.secret_volume(names.SCANNER_TLS),
        pod.secret_volume(names.SCANNER_METRICS_TLS),
    ]
