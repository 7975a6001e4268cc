"""What the operator, the app and the scanner must agree on.

Pure: no network, no clock of its own. Only `tls` reads files, those that the operator mounts.
"""
