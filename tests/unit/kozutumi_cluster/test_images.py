from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from kozutumi_cluster import images
from kozutumi_cluster.images import ROOT, TARGETS, ImageRef, Target

OPERATOR = next(target for target in TARGETS if target.name == "operator")
APP = next(target for target in TARGETS if target.name == "app")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with the files that the images are made of."""
    for name in ("Dockerfile", "pyproject.toml", "requirements"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    for target in TARGETS:
        for source_name in target.sources:
            (tmp_path / source_name).mkdir(parents=True, exist_ok=True)
            (tmp_path / source_name / "module.py").write_text("VALUE = 1\n", encoding="utf-8")
    return tmp_path


def changed(project: Path, path: str) -> set[str]:
    """Names of the targets whose content hash follows a change of `path`."""
    before = {target.name: images.content_hash(target, project) for target in TARGETS}
    (project / path).write_text((project / path).read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    return {target.name for target in TARGETS if images.content_hash(target, project) != before[target.name]}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Dockerfile", {"operator", "app", "scanner", "mirror"}),
        ("contract/kozutumi_contract/module.py", {"operator", "app", "scanner", "mirror"}),
        ("requirements/build.txt", {"operator", "app", "scanner", "mirror"}),
        ("requirements/app.txt", {"app"}),
        ("requirements/dev.txt", set()),
        ("operator/kozutumi_operator/module.py", {"operator"}),
        ("tenant_app/kozutumi_app/module.py", {"app"}),
        ("tenant_app/kozutumi_scanner/module.py", {"scanner", "mirror"}),
    ],
)
def test_only_the_images_that_hold_a_file_are_built_again_for_it(project: Path, path: str, expected: set[str]) -> None:
    assert changed(project, path) == expected


def test_a_linters_setting_or_compiled_code_builds_nothing_again(project: Path) -> None:
    before = images.content_hash(APP, project)
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("line-length = 120", "line-length = 100"))
    cache = project / "tenant_app/kozutumi_app/__pycache__"
    cache.mkdir()
    (cache / "module.cpython-311.pyc").write_bytes(b"compiled")
    assert images.content_hash(APP, project) == before


def test_a_renamed_file_is_another_image(project: Path) -> None:
    before = images.content_hash(APP, project)
    module = project / "tenant_app/kozutumi_app/module.py"
    module.rename(module.with_name("other.py"))
    assert images.content_hash(APP, project) != before


def test_what_was_edited_during_its_build_is_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = iter(["old", "new", "new", "new"])
    builds: list[str] = []

    def current(target: Target) -> ImageRef:
        tag = next(tags)
        return ImageRef(f"localhost/{target.name}:{tag}", tmp_path / f"{tag}.tar")

    def run(_target: Target, reference: str, _base: str | None, archive: Path) -> None:
        builds.append(reference)
        archive.write_bytes(reference.encode())

    monkeypatch.setattr(images, "_image", current)
    monkeypatch.setattr(images, "_run_build", run)
    assert images._build(APP, "base").reference == "localhost/app:new"
    assert builds == ["localhost/app:old", "localhost/app:new"]
    assert [path.name for path in tmp_path.iterdir()] == ["new.tar"]


def test_buildah_builds_one_target_on_our_base_and_writes_the_name_into_the_archive() -> None:
    build, push = images.buildah_commands(OPERATOR, "localhost/o:1", "localhost/base:1", Path("/p"), Path("/o.tar"))
    assert build[build.index("--target") + 1] == "operator"
    assert build[build.index("--build-arg") + 1] == "BASE_IMAGE=localhost/base:1"
    assert build[build.index("--secret") + 1] == "id=pip.conf,src=/p"
    assert push[-2:] == ["localhost/o:1", "docker-archive:/o.tar:localhost/o:1"]


def test_docker_builds_on_the_dockerfiles_own_base() -> None:
    build, save = images.docker_commands(OPERATOR, "localhost/o:1", Path("/p"), Path("/o.tar"))
    assert "--build-arg" not in build
    assert build[build.index("--target") + 1] == "operator"
    assert save == ["docker", "save", "--output", "/o.tar", "localhost/o:1"]


def test_pips_configuration_says_where_packages_are_and_never_weakens_their_verification() -> None:
    listed = """:env:.index-url='https://packages.example/simple'
global.index-url='https://other.example/simple'
global.trusted-host='packages.example'
global.cert='/somewhere/ca.pem'
install.proxy='http://proxy.example:3128'"""
    assert images.pip_configuration(listed) == (
        "[global]\nindex-url = https://packages.example/simple\nproxy = http://proxy.example:3128\n"
    )


DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def stage(name: str) -> str:
    """The instructions of one stage of the Dockerfile."""
    found = re.search(rf"^FROM \S+ AS {name}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, flags=re.MULTILINE | re.DOTALL)
    assert found, f"the Dockerfile has no stage {name}"
    return found.group(1)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_an_image_holds_the_packages_of_its_target_and_runs_as_nobody(target: Target) -> None:
    inherited = stage("scanner") if target.name == "mirror" else ""
    text = inherited + stage(target.name)
    copied = set(re.findall(r"^COPY --from=wheel /wheel/(kozutumi_\w+) ", text, flags=re.MULTILINE))
    assert copied == {source.rpartition("/")[2] for source in target.sources}
    assert f"COPY --from={target.requirements}-dependencies " in text
    assert "USER 65532:65532" in text


def test_every_package_is_installed_by_its_hash_and_without_a_compiler() -> None:
    installs = re.findall(r"pip install .*", DOCKERFILE)
    assert len(installs) == 4
    assert all("--require-hashes" in line and "--only-binary :all:" in line for line in installs)
    assert not re.search(r"build-essential|gcc|python3-dev", DOCKERFILE)
