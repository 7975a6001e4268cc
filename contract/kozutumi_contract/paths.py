"""Where secrets are mounted, relative to `secrets_directory`. The operator mounts, the process reads."""

from typing import Final

KEYRING: Final = "keyring/keyring.json"
SESSION_KEY: Final = "session/key"  # 32 raw bytes
S3_ACCESS_KEY_ID: Final = "storage/access-key-id"
S3_SECRET_ACCESS_KEY: Final = "storage/secret-access-key"  # noqa: S105 - a path
PLATFORM_CA: Final = "ca/ca.crt"  # trusts S3, SMTP, the mirror, and the default public certificate

# Each folder holds tls.crt and tls.key; where a peer is verified also ca.crt (the CA of that peer).
PUBLIC_TLS: Final = "tls/public"  # app 8443
INTERNAL_TLS: Final = "tls/internal"  # app 9443: ca.crt is the client CA of the operator
METRICS_TLS: Final = "tls/metrics"  # app and scanner 9444: ca.crt is the client CA of monitoring
SCANNER_CLIENT_TLS: Final = "tls/scanner-client"  # app → scanner: ca.crt is the organization's server CA
EGRESS_CLIENT_TLS: Final = "tls/egress-client"  # app → egress proxy, where one is: ca.crt is the server CA
SCANNER_TLS: Final = "tls/scanner"  # scanner 3311: ca.crt is the client CA of the app

MIRROR_PUBLIC_KEY: Final = "ca/mirror.pub"  # PEM; verifies the signature mirror's manifest
MIRROR_TLS: Final = "tls/mirror"  # mirror 8443
MIRROR_SIGNING_KEY: Final = "mirror-signing-key/tls.key"  # mirror only: PEM, ECDSA P-256
