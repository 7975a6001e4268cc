"""The mail sink: Mailpit takes SMTP with STARTTLS only and shows what came in a page over TLS."""

from __future__ import annotations

from typing import Any, Final

from kozutumi_cluster.platform import names, pods

COMPONENT: Final = "mail"
TLS_SECRET: Final = "mailpit-tls"  # noqa: S105 - the name of an object
_TLS: Final = "/etc/mailpit/tls"


def objects(image: str, serial: str) -> list[dict[str, Any]]:
    inbox = pods.service(names.MAILPIT, names.MAIL, COMPONENT, names.MAILPIT, {"inbox": names.INBOX_PORT})
    # Local: the reader's own address reaches the policy, which lets in who is not of the cluster.
    inbox["spec"] |= {"type": "NodePort", "externalTrafficPolicy": "Local"}
    return [
        pods.deployment(names.MAILPIT, names.MAIL, COMPONENT, serial, _pod(image)),
        pods.service(names.SMTP, names.MAIL, COMPONENT, names.MAILPIT, {"smtp": names.SMTP_PORT}),
        inbox,
    ]


def _pod(image: str) -> dict[str, Any]:
    return {
        "containers": [
            pods.container(
                "mailpit",
                image,
                args=_arguments(),
                ports=[
                    {"name": "smtp", "containerPort": names.SMTP_PORT},
                    {"name": "inbox", "containerPort": names.INBOX_PORT},
                ],
                readinessProbe=pods.https_probe("/readyz", names.INBOX_PORT, period_seconds=2),
                resources=pods.resources("10m", "64Mi", "512Mi"),
                volumeMounts=[pods.mount("mail", "/tmp"), pods.mount("tls", _TLS, readOnly=True)],  # noqa: S108
            )
        ],
        # Mail rests in memory only: it holds what the at-rest search looks for.
        "volumes": [pods.memory_volume("mail", "256Mi"), pods.secret_volume("tls", TLS_SECRET)],
    }


def _arguments() -> list[str]:
    certificate, key = f"{_TLS}/tls.crt", f"{_TLS}/tls.key"
    return [
        f"--smtp=:{names.SMTP_PORT}",
        f"--smtp-tls-cert={certificate}",
        f"--smtp-tls-key={key}",
        "--smtp-require-starttls",
        "--smtp-disable-rdns",
        f"--listen=:{names.INBOX_PORT}",
        f"--ui-tls-cert={certificate}",
        f"--ui-tls-key={key}",
        "--disable-version-check",
        "--block-remote-css-and-fonts",
        "--max=5000",
        "--quiet",
    ]
