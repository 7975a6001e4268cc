"""The development mirror's signatures (ClamAV's extended format: name, file type, offset, hexadecimal pattern).

EICAR is not listed: the mirror publishes it always. These mark made-up strings, for tests of what a seed adds.
"""

from __future__ import annotations

from typing import Any, Final

from kozutumi_cluster.platform import names

MARKERS: Final = {
    "Kozutumi.Test.Lantern": b"KOZUTUMI-DEVELOPMENT-MARKER-LANTERN-7f3a",
    "Kozutumi.Test.Harbour": b"KOZUTUMI-DEVELOPMENT-MARKER-HARBOUR-c218",
    "Kozutumi.Test.Persimmon": "開発用の目印・柿・e90d".encode(),
}
CONFIG_MAP: Final = "signature-seed"


def config_map() -> dict[str, Any]:
    lines = "".join(f"{name}:0:*:{marker.hex()}\n" for name, marker in MARKERS.items())
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_MAP, "namespace": names.SYSTEM, "labels": {names.PART_OF: "kozutumi"}},
        "data": {"development.ndb": lines},
    }
