"""plan(): order, gates, repair. Property tests play the API server on random starting points."""

from __future__ import annotations

import copy
import random as randomness
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_contract import keyring, labels
from kozutumi_contract.secret import Secret
from kozutumi_operator.errors import NamespaceConflict
from kozutumi_operator.manifests import names, secret
from kozutumi_operator.organizations import decide, desired
from kozutumi_operator.organizations.decide import Action, Apply, Delete, Strip, Wait
from kozutumi_operator.organizations.observed import Object, Observed, key_of, observe
from kozutumi_operator.organizations.reasons import Reason
from operator_builders import as_live, fields_of, fixed_materials, live, organization, settings

DESIRED = desired.render(organization(), settings(), fixed_materials())
KEY_RING = secret.render(organization(), keyring.SECRET_NAME, {keyring.SECRET_KEY: Secret(b"{}")})
COMPLETE = [*DESIRED, KEY_RING]


def named(kind: str, name: str, objects: list[Object] | None = None) -> Object:
    found = [each for each in objects or DESIRED if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found[0]


def changed(kind: str, name: str, change: dict[str, Any]) -> Observed:
    """The complete organization, after somebody else replaced top-level fields of one object."""
    objects = as_live(COMPLETE)
    edited = named(kind, name, objects)
    edited.update(change)
    for field in change:
        del edited["metadata"]["managedFields"][0]["fieldsV1"][f"f:{field}"]
    return observe(objects)


def kinds(actions: list[Action]) -> list[str]:
    return [each.object["kind"] for each in actions if isinstance(each, Apply)]


def test_nothing_to_do_where_all_is_as_desired() -> None:
    assert decide.plan(DESIRED, live(COMPLETE)) == []


def test_first_comes_the_namespace_alone() -> None:
    assert decide.plan(DESIRED, Observed()) == [Apply(DESIRED[0])]


def test_what_a_quota_counts_waits_until_it_is_counted() -> None:
    objects = as_live(COMPLETE[:9])
    named("ResourceQuota", names.QUOTA, objects)["status"] = {}
    actions = decide.plan(DESIRED, observe(objects))
    assert decide.COUNTED.isdisjoint(kinds(actions))
    assert any(isinstance(each, Wait) and each.reason is Reason.NAMESPACE_PENDING for each in actions)


def test_a_changed_quota_holds_back_what_the_old_limits_would_still_refuse() -> None:
    objects = as_live(COMPLETE[:9])
    quota = named("ResourceQuota", names.QUOTA, objects)
    quota["status"]["hard"] = quota["spec"]["hard"] | {"services.loadbalancers": "7"}
    assert decide.COUNTED.isdisjoint(kinds(decide.plan(DESIRED, observe(objects))))
    quota["status"]["hard"] = dict(quota["spec"]["hard"])
    assert not decide.COUNTED.isdisjoint(kinds(decide.plan(DESIRED, observe(objects))))


@pytest.mark.parametrize(
    ("missing", "reason"),
    [(keyring.SECRET_NAME, Reason.KEY_RING_PENDING), (names.STORAGE_CREDENTIAL, Reason.STORAGE_PENDING)],
)
def test_app_waits_for_what_it_mounts(missing: str, reason: Reason) -> None:
    objects = [each for each in COMPLETE if each["metadata"]["name"] not in (missing, names.APP)]
    wanted = [each for each in DESIRED if each["metadata"]["name"] != missing]
    actions = decide.plan(wanted, live(objects))
    assert "Deployment" not in kinds(actions)
    assert any(isinstance(each, Wait) and each.reason is reason for each in actions)


def test_unlabelled_namespace_is_never_adopted() -> None:
    foreign: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kz-acme", "uid": "x"}}
    with pytest.raises(NamespaceConflict, match="not made by Kozutumi"):
        decide.plan(DESIRED, observe([foreign]))


def test_namespace_of_an_earlier_organization_is_never_adopted() -> None:
    objects = as_live(COMPLETE)
    objects[0]["metadata"]["annotations"] = {"kozutumi.com/organization-uid": "earlier"}
    with pytest.raises(NamespaceConflict, match="earlier organization"):
        decide.plan(DESIRED, observe(objects))


def test_terminating_namespace_is_waited_for() -> None:
    objects = as_live(COMPLETE)
    objects[0]["metadata"]["deletionTimestamp"] = "2026-11-24T00:00:00Z"
    assert [type(each) for each in decide.plan(DESIRED, observe(objects))] == [Wait]


def test_foreign_policy_is_deleted_and_pods_stay_untouched_meanwhile() -> None:
    opening = copy.deepcopy(named("NetworkPolicy", "default-deny"))
    opening["metadata"] = {"name": "open", "namespace": "kz-acme"}
    drifted = copy.deepcopy(COMPLETE)
    named("Deployment", names.APP, drifted)["spec"]["replicas"] = 5
    actions = decide.plan(DESIRED, live([*drifted, opening]))
    assert [each.key.name for each in actions if isinstance(each, Delete)] == ["open"]
    assert "Deployment" not in kinds(actions)


@pytest.mark.parametrize("kind", sorted(decide.NEVER_FOREIGN - {"Ingress", "HTTPRoute"}))
def test_what_only_opens_goes_whoever_made_it(kind: str) -> None:
    stranger = copy.deepcopy(next(each for each in DESIRED if each["kind"] == kind))
    stranger["metadata"] = {"name": "stranger", "namespace": "kz-acme"}
    actions = decide.plan(DESIRED, live([*COMPLETE, stranger]))
    assert [each.key.name for each in actions if isinstance(each, Delete)] == ["stranger"]


def test_the_binding_of_an_access_grant_is_left_to_the_grants() -> None:
    granted = copy.deepcopy(named("RoleBinding", names.ROLE_BINDING))
    granted["metadata"] |= {"name": "grant-1", "labels": {labels.ACCESS_GRANT: "1"}}
    assert decide.plan(DESIRED, live([*COMPLETE, granted])) == []


@pytest.mark.parametrize(("recorded", "told"), [((), ""), (("NetworkPolicy/app-egress",), "deleted")])
def test_what_the_inventory_lists_and_is_gone_was_deleted(recorded: tuple[str, ...], told: str) -> None:
    left = [each for each in COMPLETE if each["metadata"]["name"] != "app-egress"]
    actions = decide.plan(DESIRED, live(left), recorded)
    assert [(each.object["metadata"]["name"], each.drifted) for each in actions if isinstance(each, Apply)] == [
        ("app-egress", told)
    ]


def test_foreign_objects_without_our_label_stay() -> None:
    theirs: Object = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kube-root-ca.crt", "namespace": "kz-acme"},
    }
    assert decide.plan(DESIRED, live([*COMPLETE, theirs])) == []


def test_key_ring_and_credential_are_never_surplus() -> None:
    actions = decide.plan(DESIRED, live(COMPLETE))
    assert not [each for each in actions if isinstance(each, Delete)]


def test_app_without_a_node_port_is_held_back_and_not_deleted() -> None:
    pending = desired.render(organization(), settings(), fixed_materials(node_port=None))
    actions = decide.plan(pending, live(COMPLETE))
    assert not [each for each in actions if isinstance(each, Delete)]
    assert any(isinstance(each, Wait) and each.reason is Reason.ENDPOINT_PENDING for each in actions)


@pytest.mark.parametrize(
    ("kind", "name", "change", "path"),
    [
        (
            "NetworkPolicy",
            "app-ingress",
            {"spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}},
            "spec",
        ),
        ("Secret", names.SESSION_KEY, {"data": {"key": "AAAA"}}, "data.key"),
        ("ServiceAccount", "app", {"automountServiceAccountToken": True}, "automountServiceAccountToken"),
        ("RoleBinding", names.ROLE_BINDING, {"subjects": []}, "subjects"),
        ("LimitRange", names.LIMITS, {"spec": {"limits": []}}, "spec.limits"),
    ],
)
def test_edited_object_is_applied_again(kind: str, name: str, change: dict[str, Any], path: str) -> None:
    assert Apply(named(kind, name), drifted=path) in decide.plan(DESIRED, changed(kind, name, change))


def test_our_own_change_is_applied_and_is_no_drift() -> None:
    newer = desired.render(organization(), settings(KOZUTUMI_IMAGE_APP="localhost/kozutumi-app:1"), fixed_materials())
    assert decide.plan(newer, live(COMPLETE)) == [Apply(named("Deployment", names.APP, newer))]


def test_one_list_item_changed_by_others_is_a_drift_and_its_sibling_is_not() -> None:
    objects = as_live(COMPLETE)
    deployment = named("Deployment", names.SCANNER, objects)
    pod = deployment["spec"]["template"]["spec"]
    owned: dict[str, Any] = {
        f'k:{{"name":"{each["name"]}"}}': {
            ".": {},
            "f:name": {},
            **({} if each["name"] == "agent" else {"f:image": {}}),
        }
        for each in pod["containers"]
    }
    for container in pod["containers"]:
        container["image"] = "localhost/other:1"
    fields = deployment["metadata"]["managedFields"][0]["fieldsV1"]
    fields["f:spec"]["f:template"]["f:spec"]["f:containers"] = owned
    (action,) = decide.plan(DESIRED, observe(objects))
    assert isinstance(action, Apply)
    assert "spec.template.spec.containers.agent.image" in action.drifted
    assert "clamd.image" not in action.drifted


def test_selector_widened_by_a_key_is_a_drift() -> None:
    policy = copy.deepcopy(named("NetworkPolicy", "app-egress"))
    policy["spec"]["podSelector"]["matchLabels"]["never"] = "matches"
    actions = decide.plan(DESIRED, changed("NetworkPolicy", "app-egress", {"spec": policy["spec"]}))
    assert kinds(actions) == ["NetworkPolicy"]


def test_additions_by_others_are_stripped_later_items_first() -> None:
    objects = as_live(COMPLETE)
    deployment = named("Deployment", names.APP, objects)
    pod = deployment["spec"]["template"]["spec"]
    pod["containers"] += [{"name": "spy", "image": "spy"}, {"name": "miner", "image": "miner"}]
    pod["hostNetwork"] = True
    added: dict[str, Any] = {f'k:{{"name":"{name}"}}': {".": {}, "f:image": {}} for name in ("spy", "miner")}
    fields = {"f:spec": {"f:template": {"f:spec": {"f:hostNetwork": {}, "f:containers": added}}}}
    # The name of a manager is whatever a client says it is.
    entry = {"manager": "kozutumi-operator", "operation": "Update", "fieldsV1": fields}
    deployment["metadata"]["managedFields"].append(entry)
    (strip,) = decide.plan(DESIRED, observe(objects))
    assert isinstance(strip, Strip)
    guard, *removals = strip.patch
    assert guard["value"] == deployment["metadata"]["resourceVersion"]
    assert [each["path"] for each in removals] == [
        "/spec/template/spec/hostNetwork",
        "/spec/template/spec/containers/2",
        "/spec/template/spec/containers/1",
    ]


@pytest.mark.parametrize(
    "spec",
    [
        {"clusterIP": "10.96.0.20", "internalTrafficPolicy": "Cluster"},
        {"sessionAffinity": "None", "ipFamilies": ["IPv4"]},
    ],
)
def test_what_the_api_server_fills_in_is_no_drift(spec: dict[str, Any]) -> None:
    objects = as_live(COMPLETE)
    service = named("Service", names.APP, objects)
    service["spec"] |= spec
    entry = {"manager": "kubectl-replace", "operation": "Update", "fieldsV1": {"f:spec": fields_of(spec)}}
    service["metadata"]["managedFields"].append(entry)
    assert decide.plan(DESIRED, observe(objects)) == []


def test_rollout_restart_by_an_sre_is_no_drift() -> None:
    objects = as_live(COMPLETE)
    deployment = named("Deployment", names.SCANNER, objects)
    annotations = {"kubectl.kubernetes.io/restartedAt": "now"}
    deployment["spec"]["template"]["metadata"]["annotations"] = annotations
    fields = {"f:spec": {"f:template": {"f:metadata": {"f:annotations": fields_of(annotations)}}}}
    entry = {"manager": "kubectl-rollout", "operation": "Update", "fieldsV1": fields}
    deployment["metadata"]["managedFields"].append(entry)
    assert decide.plan(DESIRED, observe(objects)) == []


def test_field_no_longer_rendered_is_applied_away() -> None:
    objects = as_live(COMPLETE)
    service = named("Service", names.APP, objects)
    service["spec"]["publishNotReadyAddresses"] = True
    service["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:publishNotReadyAddresses"] = {}
    assert decide.plan(DESIRED, observe(objects)) == [Apply(named("Service", names.APP))]


@hypothesis.settings(deadline=None)
@given(st.integers(min_value=0, max_value=2**32), st.floats(min_value=0, max_value=1))
def test_from_any_partial_state_it_converges_and_no_pod_precedes_its_policies(seed: int, share: float) -> None:
    chance = randomness.Random(seed)  # noqa: S311 - hypothesis' seed, so that a failure can be played again
    cluster = {key_of(each): each for each in as_live(COMPLETE) if chance.random() < share}
    for _ in range(8):
        actions = decide.plan(DESIRED, Observed(cluster))
        if not actions:
            break
        for action in actions:
            if isinstance(action, Apply):
                policies = {key.name for key in cluster if key.kind == "NetworkPolicy"}
                if action.object["kind"] == "Deployment":
                    assert policies == {each["metadata"]["name"] for each in DESIRED if each["kind"] == "NetworkPolicy"}
                cluster[key_of(action.object)] = as_live([action.object])[0]
            elif isinstance(action, Wait) and action.reason is Reason.KEY_RING_PENDING:
                cluster[key_of(KEY_RING)] = as_live([KEY_RING])[0]
    assert decide.plan(DESIRED, Observed(cluster)) == []
