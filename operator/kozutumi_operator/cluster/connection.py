"""Credentials of the API server: the ServiceAccount in a pod, a kubeconfig outside."""

from __future__ import annotations

import ssl
from pathlib import Path

from kubernetes.aio import config
from kubernetes.aio.client import Configuration


class Connection:
    """Address, trust and the current token. The token is re-read as the kubelet rotates it."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.server = str(configuration.host).rstrip("/")
        self.context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        if configuration.cert_file:
            self.context.load_cert_chain(configuration.cert_file, configuration.key_file)

    async def authorization(self) -> str | None:
        """Value of the Authorization header, or None where a client certificate speaks."""
        return await self._configuration.get_api_key_with_prefix("BearerToken")


async def connect(kubeconfig: Path | None) -> Connection:
    """Raises ConfigException when there are no credentials, or FileNotFoundError for a CA that is missing."""
    configuration = Configuration()
    if kubeconfig is None:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        await config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=str(kubeconfig), client_configuration=configuration
        )
    return Connection(configuration)
