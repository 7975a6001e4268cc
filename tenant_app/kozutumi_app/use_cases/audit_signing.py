"""The organization's own key under which it signs sealed heads and exports (ECDSA P-256, FIPS 186-5).

It is random, lies in the database sealed under the ring's audit key, and goes with it at disposal; what it signed is
checked with the public key, which administrators, the operator's status and every export carry.
"""

from __future__ import annotations

import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import audit_keys
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit
from kozutumi_contract import signed_document


def key(tx: Connection, services: Services) -> ec.EllipticCurvePrivateKey:
    """The signing key; made, and told in the log, when it is first needed. Call inside `database.write()`."""
    row = tx.execute(sa.select(audit_keys).order_by(audit_keys.c.created_at.desc()).limit(1)).one_or_none()
    if row is None:
        return _make(tx, services)
    return signed_document.signer(services.columns.open_audit(_purpose(row.id), row.private_sealed).encode())


def public_key(tx: Connection) -> str | None:
    """In PEM; None before anything was signed."""
    query = sa.select(audit_keys.c.public_key).order_by(audit_keys.c.created_at.desc()).limit(1)
    return tx.execute(query).scalar_one_or_none()


def key_id(tx: Connection) -> str | None:
    query = sa.select(audit_keys.c.id).order_by(audit_keys.c.created_at.desc()).limit(1)
    return tx.execute(query).scalar_one_or_none()


def _make(tx: Connection, services: Services) -> ec.EllipticCurvePrivateKey:
    made = ec.generate_private_key(ec.SECP256R1())
    name = signed_document.key_id(made.public_key())
    private = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    values = {
        "id": name,
        "private_sealed": services.columns.seal_audit(_purpose(name), private.decode("ascii")),
        "public_key": public.decode("ascii"),
        "created_at": services.clock.now(),
    }
    tx.execute(sa.insert(audit_keys).values(values))
    audit.append(tx, services, type="audit.key_created", actor_id=audit.SYSTEM, object_id=name)
    return made


def _purpose(name: str) -> str:
    """No sequence number looks like this, so it stands for no event."""
    return f"signing key {name}"
