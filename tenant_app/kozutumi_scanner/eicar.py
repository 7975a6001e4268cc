"""The EICAR test file, put together at run time so that no scanner flags this source."""

from typing import Final

_HALVES: Final = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!$H+H*")


def test_file() -> bytes:
    """The 68 bytes that every scanner must detect (eicar.org)."""
    return "".join(_HALVES).encode("ascii")
