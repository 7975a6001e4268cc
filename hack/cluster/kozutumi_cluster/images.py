"""Kozutumi's images: built from the one Dockerfile by Docker or buildah, cached by the content they are made of."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kozutumi_cluster import base_rootfs, kind, layout, shell
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.progress import Progress

ROOT = Path(__file__).resolve().parents[3]
_KEPT_ARCHIVES = 2
_ATTEMPTS = 3
_BUILD_SECONDS = 1800.0
# Only where packages are fetched from; never a switch that would weaken how they are verified.
_PIP_KEYS = ("index-url", "extra-index-url", "proxy", "default-timeout")


@dataclass(frozen=True)
class Target:
    """A target of the Dockerfile: the lock file and the source folders that end up in its image."""

    name: str
    requirements: str
    sources: tuple[str, ...]
    expected_seconds: float


_CONTRACT = "contract/kozutumi_contract"
_SCANNER = (_CONTRACT, "tenant_app/kozutumi_scanner")
TARGETS = (
    Target("operator", "operator", (_CONTRACT, "operator/kozutumi_operator"), 60),
    Target("app", "app", (_CONTRACT, "tenant_app/kozutumi_app"), 60),
    Target("scanner", "scanner", _SCANNER, 75),
    Target("mirror", "scanner", _SCANNER, 10),
)


@dataclass(frozen=True)
class ImageRef:
    """A built image: the name under which a node knows it, and the archive to load it from."""

    reference: str
    archive: Path


def build_all(progress: Progress) -> dict[str, ImageRef]:
    """Every target's image by target name; what the cache has is not built again. Raises ClusterError."""
    with _one_at_a_time():
        images = {target.name: _image(target) for target in TARGETS}
        missing = [target for target in TARGETS if not images[target.name].archive.exists()]
        base = base_rootfs.ensure(progress) if missing and not kind.docker_answers() else None
        for target in missing:
            with progress.step(f"Building the image “{target.name}”", expected_seconds=target.expected_seconds):
                images[target.name] = _build(target, base)
            _prune(target, images[target.name], with_buildah=base is not None)
        return images


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """A second build waits: it will find the first one's result. The kernel lets go of the lock of a killed run."""
    folder = layout.cache_home() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def content_hash(target: Target, root: Path = ROOT) -> str:
    """Changes whenever the image could: the recipe, the lock files, the packages of this target."""
    digest = hashlib.sha256()
    for part in (base_rootfs.key().encode(), _packaging(root / "pyproject.toml"), *_contents(target, root)):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:20]


def _contents(target: Target, root: Path) -> Iterable[bytes]:
    single = ["Dockerfile", f"requirements/{target.requirements}.txt", "requirements/build.txt"]
    files = [root / name for name in single]
    for source in target.sources:
        files += sorted(
            path for path in (root / source).rglob("*") if path.is_file() and "__pycache__" not in path.parts
        )
    for path in files:
        yield str(path.relative_to(root)).encode()
        yield path.read_bytes()


def _packaging(path: Path) -> bytes:
    """The part of pyproject.toml that shapes the wheel: the linters' settings must not rebuild an image."""
    settings = tomllib.loads(path.read_text(encoding="utf-8"))
    return repr((settings["build-system"], settings["project"]["version"], settings["tool"]["hatch"])).encode()


def _image(target: Target) -> ImageRef:
    tag = content_hash(target)
    archive = layout.cache_home() / "images" / f"{target.name}-{tag}.tar"
    return ImageRef(f"localhost/kozutumi-{target.name}:{tag}", archive)


def _build(target: Target, base: str | None) -> ImageRef:
    """Build and keep the archive. What was edited meanwhile would lie under a wrong hash: then it is built again."""
    for _ in range(_ATTEMPTS):
        image = _image(target)
        with tempfile.TemporaryDirectory(prefix="kozutumi-build-", dir=image.archive.parent) as folder:
            unfinished = Path(folder) / "image.tar"
            _run_build(target, image.reference, base, unfinished)
            if _image(target) == image:
                unfinished.replace(image.archive)
                return image
    raise ClusterError(
        f"The sources of the image “{target.name}” changed during each of {_ATTEMPTS} builds; run it again."
    )


def _run_build(target: Target, reference: str, base: str | None, archive: Path) -> None:
    pip = archive.with_name("pip.conf")
    pip.write_text(pip_configuration(shell.run([sys.executable, "-m", "pip", "config", "list"])), encoding="utf-8")
    environment = dict(os.environ)
    if base is None:
        commands = docker_commands(target, reference, pip, archive)
    else:
        commands = buildah_commands(target, reference, base, pip, archive)
        environment = buildah_environment(environment)
    for command in commands:
        shell.run(command, cwd=ROOT, environment=environment, timeout_seconds=_BUILD_SECONDS)


def buildah_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """`chroot` isolation works where a container runtime may not make new namespaces of its own."""
    if shutil.which("buildah") is None:
        raise ClusterError("No Docker daemon answers and buildah is not installed; install either of them.")
    return {**environment, "BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "overlay"}


def buildah_commands(target: Target, reference: str, base: str, pip: Path, archive: Path) -> list[list[str]]:
    build = ["buildah", "build", "--layers", "--quiet", "--build-arg", f"BASE_IMAGE={base}", "--target", target.name]
    # pip then trusts what this machine trusts, also behind a company's own certificate authority.
    trust = ["--volume", "/etc/ssl/certs:/etc/ssl/certs:ro"]
    secret = ["--secret", f"id=pip.conf,src={pip}"]
    return [
        [*build, *trust, *secret, "--tag", reference, "."],
        ["buildah", "push", "--quiet", reference, f"docker-archive:{archive}:{reference}"],
    ]


def docker_commands(target: Target, reference: str, pip: Path, archive: Path) -> list[list[str]]:
    secret = ["--secret", f"id=pip.conf,src={pip}"]
    return [
        ["docker", "buildx", "build", "--load", "--target", target.name, *secret, "--tag", reference, "."],
        ["docker", "save", "--output", str(archive), reference],
    ]


def pip_configuration(listed: str) -> str:
    """From `pip config list` to a configuration with where packages come from on this machine, and nothing else."""
    lines = ["[global]"]
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        if key in _PIP_KEYS and not any(known.startswith(f"{key} =") for known in lines):
            lines.append(f"{key} = {value.strip().strip(chr(39))}")
    return "\n".join(lines) + "\n"


def _prune(target: Target, newest: ImageRef, *, with_buildah: bool) -> None:
    """Keep the two archives made last: the older may still be what a cluster runs."""
    others = [path for path in newest.archive.parent.glob(f"{target.name}-*.tar") if path != newest.archive]
    for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT_ARCHIVES - 1 :]:
        path.unlink(missing_ok=True)
        if with_buildah:
            tag = path.stem.removeprefix(f"{target.name}-")
            # It may be gone already, or be the base of something else; the disk is all that is at stake.
            shell.succeeds(["buildah", "--storage-driver", "overlay", "rmi", f"localhost/kozutumi-{target.name}:{tag}"])
