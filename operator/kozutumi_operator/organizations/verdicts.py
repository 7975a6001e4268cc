"""One function per condition: from facts to status, reason and the next action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from kozutumi_contract import keyring
from kozutumi_operator import errors
from kozutumi_operator.manifests import names, secret
from kozutumi_operator.organizations import certificates, clocks, endpoint, public_certificate, residency
from kozutumi_operator.organizations.decide import ISOLATION, Apply, Delete, Strip, Wait
from kozutumi_operator.organizations.facts import Facts, TenantStatus
from kozutumi_operator.organizations.materials import LEAVES
from kozutumi_operator.organizations.reasons import ConditionType, Reason

Status = Literal["True", "False", "Unknown"]
NO_ACTION: Final = "no action needed"


@dataclass(frozen=True, slots=True)
class Verdict:
    status: Status
    reason: Reason
    message: str


def namespace(facts: Facts, _now: datetime) -> Verdict:
    if isinstance(facts.failure, errors.NamespaceConflict):
        return Verdict("False", Reason.NAMESPACE_CONFLICT, str(facts.failure))
    live = facts.observed.get("Namespace", facts.organization.namespace)
    if live is None:
        return Verdict("False", Reason.NAMESPACE_PENDING, f"The namespace is being made; {NO_ACTION}.")
    if live["metadata"].get("deletionTimestamp"):
        message = "The namespace is being deleted; if it hangs, see its conditions with kubectl describe namespace."
        return Verdict("False", Reason.NAMESPACE_TERMINATING, message)
    pending = sorted({kind for action in facts.remaining if (kind := _kind(action)) in ISOLATION})
    if pending or any(each.reason is Reason.NAMESPACE_PENDING for each in _waits(facts)):
        what = ", ".join(pending) or "the quota"
        return Verdict("False", Reason.NAMESPACE_PENDING, f"Being put in place: {what}; {NO_ACTION}.")
    return Verdict("True", Reason.NAMESPACE_APPLIED, "Namespace, quota and network policies are as specified.")


def storage(facts: Facts, _now: datetime) -> Verdict:
    if facts.storage_failure is not None:
        return Verdict("False", facts.storage_failure.reason, str(facts.storage_failure))
    if facts.storage is None:
        return Verdict("False", Reason.STORAGE_PENDING, f"Buckets and IAM user are being made; {NO_ACTION}.")
    if not facts.storage.ready:
        return Verdict("False", Reason.STORAGE_PENDING, facts.storage.message)
    if facts.tenant is not None and not facts.tenant.storage.ok:
        message = f"The app cannot use its bucket ({facts.tenant.storage.message}); see that the object store is up."
        return Verdict("False", Reason.STORAGE_UNAVAILABLE, message)
    return Verdict("True", Reason.BUCKETS_READY, facts.storage.message)


def keys(facts: Facts, _now: datetime) -> Verdict:
    if isinstance(facts.failure, errors.KeyRingLost):
        return Verdict("False", Reason.KEY_RING_LOST, str(facts.failure))
    if facts.observed.get("Secret", keyring.SECRET_NAME) is None:
        return Verdict("False", Reason.KEY_RING_PENDING, f"The key ring is being made; {NO_ACTION}.")
    return Verdict("True", Reason.KEY_RING_PRESENT, "The key ring is present and its keys are recorded.")


def certificate(facts: Facts, now: datetime) -> Verdict:
    if facts.certificate_fault is not None:
        return Verdict("False", facts.certificate_fault.reason, facts.certificate_fault.message)
    for name in _pairs(facts):
        live = facts.observed.get("Secret", name)
        expiry = certificates.expires(secret.entries(live).get(names.CERTIFICATE, b"")) if live else None
        if expiry is None:
            return Verdict("False", Reason.CERTIFICATES_PENDING, f"Secret {name} is being made; {NO_ACTION}.")
        if expiry <= now:
            message = f"The certificate in Secret {name} has expired; see the operator's log for why it is not renewed."
            return Verdict("False", Reason.CERTIFICATE_EXPIRED, message)
    return _public_certificate(facts, now)


def _pairs(facts: Facts) -> list[str]:
    """The shared certificate of a Gateway is not ours to judge."""
    served = endpoint.served_secret(facts.organization)
    shown = facts.observed.get("Secret", names.APP_PUBLIC_TLS) is not None
    return [served, *([names.APP_PUBLIC_TLS] if shown and served != names.APP_PUBLIC_TLS else []), *LEAVES]


def _public_certificate(facts: Facts, now: datetime) -> Verdict:
    organization = facts.organization
    end = public_certificate.expiring(organization, facts.observed, now)
    if end is None:
        return Verdict("True", Reason.CERTIFICATES_VALID, "All certificates are valid and are renewed by themselves.")
    what = f"Secret {organization.tls_secret}" if organization.tls_secret is not None else "its issuer"
    message = f"The public certificate ends on {end:%Y-%m-%d %H:%M} UTC and has not been replaced; see to {what}."
    return Verdict("True", Reason.CERTIFICATE_EXPIRING, message)


def isolation(facts: Facts, _now: datetime) -> Verdict:
    result = facts.isolation
    if result is not None and result.open_cells:
        message = (
            f"Open on the wire although denied: {_some(result.open_cells)}. "
            "See that the cluster's network plugin enforces NetworkPolicy."
        )
        return Verdict("False", Reason.POLICY_NOT_ENFORCED, message)
    if result is not None and result.blocked_cells:
        message = (
            f"Blocked although allowed: {_some(result.blocked_cells)}. "
            "See that the target is up and that the platform's selectors and ports are right."
        )
        return Verdict("False", Reason.ALLOWED_PATH_BLOCKED, message)
    if facts.isolation_failure is not None:
        message = f"The probe could not run: {facts.isolation_failure}"
        return Verdict("Unknown", Reason.PROBE_FAILED, message)
    if result is None:
        return Verdict("Unknown", Reason.PROBE_PENDING, f"The network matrix has not been probed yet; {NO_ACTION}.")
    return Verdict("True", Reason.MATRIX_ENFORCED, "Every probed cell of the network matrix behaves as specified.")


def scanner(facts: Facts, _now: datetime) -> Verdict:
    tenant = facts.tenant
    if facts.organization.suspend:
        return _suspended()
    if tenant is None:
        return Verdict("Unknown", Reason.SCANNER_STARTING, "The app has not reported its scanner yet; see AppReady.")
    if facts.scanner_rests == "Asleep":
        message = f"No file waits, so the scanner is stopped (spec.scanner.scaleToZeroAfter); {NO_ACTION}."
        return Verdict("True", Reason.SLEEPING, message)
    if facts.scanner_rests == "Waking":
        message = f"A file waits, so the scanner is being started; files wait for it. Usually a minute; {NO_ACTION}."
        return Verdict("True", Reason.WAKING, message)
    return _scanner_trouble(facts, tenant) or Verdict(
        "True", Reason.SELF_TEST_PASSED, "The scanner finds the test virus with current signatures."
    )


def _scanner_trouble(facts: Facts, tenant: TenantStatus) -> Verdict | None:
    """What is wrong with the scanner, or None. Signatures come first: somebody can act on them."""
    if tenant.signature_version is None and tenant.self_test:
        message = "The age of the virus signatures is unknown; see that the signature mirror is up and fed."
        return Verdict("False", Reason.SIGNATURES_MISSING, message)
    age = tenant.signature_age
    if age is not None and age > facts.organization.maximum_signature_age:
        message = (
            "Virus signatures are older than spec.scanner.maximumSignatureAge, so nothing is delivered; "
            "see that the signature mirror is up and fed."
        )
        return Verdict("False", Reason.SIGNATURES_STALE, message)
    if not tenant.scanner.ok and not _available(facts, names.SCANNER):
        message = f"The scanner is starting; if it stays so, run {_look(facts)}."
        return Verdict("False", Reason.SCANNER_STARTING, message)
    if not tenant.scanner.ok or not tenant.self_test or age is None:
        detail = tenant.scanner.message or "its self-test has not passed"
        message = f"The scanner does not work ({detail}); files wait. If it stays so, run {_look(facts)}."
        return Verdict("False", Reason.SCANNER_UNAVAILABLE, message)
    return None


def app(facts: Facts, _now: datetime) -> Verdict:
    if facts.organization.suspend:
        return _suspended()
    if facts.tenant is not None:
        return _report(facts.tenant) or _endpoint(facts)
    waiting = next((each for each in _waits(facts) if each.reason is Reason.ENDPOINT_PENDING), None)
    if waiting is not None:
        return Verdict("False", Reason.ENDPOINT_PENDING, waiting.message)
    if facts.tenant_failure is not None and _available(facts, names.APP):
        message = f"The app does not answer: {facts.tenant_failure} Run {_look(facts)}."
        return Verdict("False", Reason.APP_UNAVAILABLE, message)
    return Verdict("False", Reason.APP_STARTING, f"The app is starting; if it stays so, run {_look(facts)}.")


def _report(tenant: TenantStatus) -> Verdict | None:
    if not tenant.database.ok:
        message = f"The app cannot use its database ({tenant.database.message}); see that its volume is healthy."
        return Verdict("False", Reason.DATABASE_UNAVAILABLE, message)
    if not tenant.mail.ok:
        message = f"The app cannot send mail ({tenant.mail.message}); mail waits. See that the mail relay is up."
        return Verdict("False", Reason.MAIL_UNAVAILABLE, message)
    return None


def _endpoint(facts: Facts) -> Verdict:
    if missing := endpoint.waiting(facts.organization, facts.observed):
        return Verdict("False", Reason.ENDPOINT_PENDING, missing)
    return Verdict("True", Reason.APP_ANSWERS, "The app answers, and its database and mail work.")


def data_resident(facts: Facts, _now: datetime) -> Verdict:
    return Verdict(*residency.judge(facts))


def clock_in_sync(facts: Facts, _now: datetime) -> Verdict:
    return Verdict(*clocks.judge(facts.clocks))


def _look(facts: Facts) -> str:
    return f"kubectl -n {facts.organization.namespace} get pods"


BUILT: Final[Mapping[ConditionType, Callable[[Facts, datetime], Verdict]]] = {
    ConditionType.NAMESPACE_READY: namespace,
    ConditionType.STORAGE_READY: storage,
    ConditionType.KEYS_READY: keys,
    ConditionType.CERTIFICATE_READY: certificate,
    ConditionType.NETWORK_ISOLATED: isolation,
    ConditionType.SCANNER_READY: scanner,
    ConditionType.APP_READY: app,
    ConditionType.DATA_RESIDENT: data_resident,
    ConditionType.CLOCK_IN_SYNC: clock_in_sync,
}


def _suspended() -> Verdict:
    return Verdict("False", Reason.SUSPENDED, "spec.suspend is true; set it to false to start the organization.")


def _kind(action: object) -> str:
    if isinstance(action, Apply):
        return str(action.object["kind"])
    return action.key.kind if isinstance(action, Strip | Delete) else ""


def _waits(facts: Facts) -> list[Wait]:
    return [action for action in facts.remaining if isinstance(action, Wait)]


def _available(facts: Facts, deployment: str) -> bool:
    live = facts.observed.get("Deployment", deployment) or {}
    return bool(live.get("status", {}).get("availableReplicas"))


def _some(cells: tuple[str, ...]) -> str:
    shown = ", ".join(cells[:3])
    return f"{shown} and {len(cells) - 3} more" if len(cells) > 3 else shown
