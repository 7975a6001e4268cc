from __future__ import annotations

import json
from pathlib import Path

from kozutumi_cluster import kind, local_images
from kozutumi_cluster.layout import Layout

LAYOUT = Layout("t2", Path("/state/clusters"))
KIND = Path("/bin/kind")


def test_creating_a_cluster_names_it_and_writes_our_kubeconfig() -> None:
    command = kind.create_command(KIND, LAYOUT, Path("/config.json"))
    assert command[:3] == ["/bin/kind", "create", "cluster"]
    assert {"--name=t2", "--config=/config.json", f"--kubeconfig={LAYOUT.kubeconfig}"} <= set(command)


def test_deleting_and_loading_name_the_same_cluster() -> None:
    assert "--name=t2" in kind.delete_command(KIND, LAYOUT)
    assert kind.load_command(KIND, LAYOUT, Path("/a.tar"))[1:4] == ["load", "image-archive", "/a.tar"]


def test_kind_has_audit_log_and_encryption_where_the_node_driver_has_them() -> None:
    node = kind.node_config(LAYOUT)
    assert {mount["hostPath"] for mount in node["extraMounts"]} == {str(LAYOUT.audit_log.parent), str(LAYOUT.config)}
    arguments = json.loads(node["kubeadmConfigPatches"][0])["apiServer"]["extraArgs"]
    assert set(arguments) == {"audit-log-path", "audit-policy-file", "encryption-provider-config"}


def test_kind_is_installed_in_a_pinned_version() -> None:
    assert kind.install_command()[-1] == f"sigs.k8s.io/kind@{kind.VERSION}"


def test_an_archive_on_disk_is_loaded_as_it_is(tmp_path: Path) -> None:
    given = tmp_path / "image.tar"
    given.touch()
    assert local_images.archive(str(given), tmp_path / "unused") == given


def test_a_local_image_keeps_its_name_in_the_archive() -> None:
    buildah, docker = local_images.export_commands("localhost/app:1", Path("/tmp/app.tar"))  # noqa: S108 - not opened
    assert buildah[-1] == "docker-archive:/tmp/app.tar:localhost/app:1"
    assert docker[-1] == "localhost/app:1"
