from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kozutumi_contract.secret import Secret
from kozutumi_operator.manifests import names, service
from kozutumi_operator.organizations import certificates, desired, materials
from kozutumi_operator.organizations.materials import Materials, PlatformAuthority
from kozutumi_operator.organizations.observed import Observed
from kozutumi_operator.organizations.storage_credential import StorageCredential, StorageRecord
from operator_builders import live, organization, settings

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PLATFORM_CA = certificates.authority("platform", now=NOW)
AUTHORITY = PlatformAuthority(
    certificate=PLATFORM_CA.certificate.decode(),
    private_key=Secret(PLATFORM_CA.private_key.reveal().decode()),
    mirror_public_key="mirror key\n",
)
CREDENTIAL = StorageRecord(credential=StorageCredential("id", Secret("secret")))


def prepared(
    observed: Observed, *, now: datetime = NOW, credential: StorageRecord | None = CREDENTIAL, host: str = ""
) -> Materials:
    manifest = organization(endpoint={"hosts": [host] if host else []})
    return materials.prepare(
        manifest,
        settings(),
        AUTHORITY,
        observed,
        credential,
        node_port=None,
        now=now,
        random=lambda count: b"r" * count,
    )


def stored(made: Materials, *without: str) -> Observed:
    objects = desired.render(organization(), settings(), made)
    return live(each for each in objects if each["metadata"]["name"] not in without)


FIRST = prepared(Observed())


def differing(after: Materials) -> set[str]:
    return {
        name for name in FIRST.secrets.keys() | after.secrets.keys() if _revealed(FIRST, name) != _revealed(after, name)
    }


def _revealed(made: Materials, name: str) -> dict[str, bytes]:
    return {entry: value.reveal() for entry, value in made.secrets.get(name, {}).items()}


def test_nothing_due_means_nothing_new() -> None:
    assert differing(prepared(stored(FIRST))) == set()


def test_a_lost_leaf_alone_is_made_anew() -> None:
    assert differing(prepared(stored(FIRST, names.SCANNER_TLS))) == {names.SCANNER_TLS}


def test_a_lost_authority_renews_all_that_it_signed_and_nothing_else() -> None:
    kept = {names.SESSION_KEY, names.STORAGE_CREDENTIAL, names.APP_PUBLIC_TLS}
    assert differing(prepared(stored(FIRST, names.INTERNAL_CA))) == FIRST.secrets.keys() - kept


def test_two_thirds_into_their_life_all_leaves_are_renewed_under_the_same_authorities() -> None:
    after = differing(prepared(stored(FIRST), now=NOW + timedelta(days=21)))
    assert after == {names.APP_PUBLIC_TLS, *materials.LEAVES}


def test_another_host_needs_another_public_certificate() -> None:
    assert differing(prepared(stored(FIRST), host="files.example.com")) == {names.APP_PUBLIC_TLS}


def test_a_lost_session_key_is_made_anew() -> None:
    made = prepared(stored(FIRST, names.SESSION_KEY))
    assert len(made.secrets[names.SESSION_KEY]["key"].reveal()) == materials.SESSION_KEY_BYTES


def test_credential_stays_as_it_is_while_storage_cannot_be_asked() -> None:
    assert differing(prepared(stored(FIRST), credential=None)) == set()
    assert names.STORAGE_CREDENTIAL not in prepared(Observed(), credential=None).secrets


@pytest.mark.parametrize("name", sorted(materials.LEAVES))
def test_each_port_trusts_the_client_authority_of_its_one_peer(name: str) -> None:
    leaf = materials.LEAVES[name]
    entries = FIRST.secrets[name]
    assert entries[names.TRUST].reveal() == FIRST.secrets[names.INTERNAL_CA][f"{leaf.trust}.crt"].reveal()


def test_no_two_ports_of_different_callers_trust_the_same_authority() -> None:
    trust = {leaf.trust for leaf in materials.LEAVES.values() if leaf.service}
    assert trust == set(materials.AUTHORITIES) - {materials.SERVER_CA}


def test_private_keys_of_authorities_are_in_one_secret_that_nothing_mounts() -> None:
    keys = [value.reveal() for entry, value in FIRST.secrets[names.INTERNAL_CA].items() if entry.endswith(".key")]
    others = [
        value.reveal() for name, held in FIRST.secrets.items() if name != names.INTERNAL_CA for value in held.values()
    ]
    assert not set(keys) & set(others)
    deployments = [each for each in desired.render(organization(), settings(), FIRST) if each["kind"] == "Deployment"]
    assert names.INTERNAL_CA not in str(deployments)


def test_live_node_port_is_taken_where_none_is_recorded() -> None:
    assert materials.allotted_node_port(live([service.render_public(organization(), settings(), 31000)])) == 31000
    assert materials.allotted_node_port(live([service.render_public(organization(), settings(), None)])) is None
