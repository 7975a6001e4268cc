from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from kozutumi_cluster import archives
from kozutumi_cluster.archives import Image


@pytest.fixture
def image(tmp_path: Path) -> Image:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    return Image(
        "localhost/tool:1",
        ("/bin/tool",),
        {"bin/tool": program},
        links={"bin/alias": "tool"},
        folders={"tmp": 0o1777},
    )


def test_the_layer_holds_program_link_and_folders_with_their_modes(image: Image) -> None:
    with tarfile.open(fileobj=io.BytesIO(archives.layer(image))) as tar:
        assert tar.getmember("bin/tool").mode == 0o755
        assert tar.getmember("bin/alias").linkname == "tool"
        assert tar.getmember("tmp").mode == 0o1777
        assert tar.getnames().index("bin") < tar.getnames().index("bin/tool")


def test_the_same_input_makes_the_same_layer(image: Image) -> None:
    assert archives.layer(image) == archives.layer(image)


def test_manifest_and_configuration_name_what_is_in_the_archive(image: Image, tmp_path: Path) -> None:
    target = tmp_path / "image.tar"
    archives.write(image, target)
    with tarfile.open(target) as tar:

        def read(name: str) -> bytes:
            stream = tar.extractfile(name)
            assert stream is not None
            return stream.read()

        [manifest] = json.loads(read("manifest.json"))
        configuration = json.loads(read(manifest["Config"]))
        digest = hashlib.sha256(read("layer.tar")).hexdigest()
    assert manifest["RepoTags"] == ["localhost/tool:1"]
    assert configuration["rootfs"]["diff_ids"] == [f"sha256:{digest}"]
    assert configuration["config"]["User"] == "65534:65534"
