"""The cluster's programs, built from pinned Go modules and cached by content."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kozutumi_cluster import go_copies, layout, shell
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.go_copies import Instead
from kozutumi_cluster.progress import Progress, Step

SOURCE = Path(__file__).resolve().parent.parent
_KUBERNETES = "v1.36.3"
_VERSION = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Module:
    """A Go module of this folder and what is built from it: name of the binary → package.

    `on_demand`: not built with the others, but where it is asked for by name.
    """

    name: str
    folder: Path
    packages: dict[str, str]
    ldflags: str
    expected_seconds: float
    tags: str = ""
    instead: Instead | None = None
    on_demand: bool = False


def _kubernetes_ldflags() -> str:
    stamped = {
        "gitVersion": _KUBERNETES,
        "gitMajor": "1",
        "gitMinor": "36",
        "gitTreeState": "clean",
        "gitCommit": "unknown",
    }
    return " ".join(["-s -w", *(f"-X {_VERSION}.{key}={value}" for key, value in stamped.items())])


MODULES = {
    module.name: module
    for module in (
        Module(
            name="cluster",
            folder=SOURCE,
            packages={
                "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
                "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
                "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
                "kubelet": "k8s.io/kubernetes/cmd/kubelet",
                "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
                "kubectl": "k8s.io/kubernetes/cmd/kubectl",
                "coredns": "./cmd/coredns",
                "containerd": "github.com/containerd/containerd/v2/cmd/containerd",
                "containerd-shim-runc-v2": "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
                "ctr": "github.com/containerd/containerd/v2/cmd/ctr",
                "kube-router": "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",
                "versitygw": "github.com/versity/versitygw/cmd/versitygw",
                "etcd": "go.etcd.io/etcd/server/v3",
            },
            ldflags=_kubernetes_ldflags(),
            expected_seconds=672,
        ),
        Module(
            name="local-path-provisioner",
            folder=SOURCE / "extra/local-path-provisioner",
            packages={"local-path-provisioner": "github.com/rancher/local-path-provisioner"},
            ldflags="-s -w",
            expected_seconds=75,
        ),
        Module(
            name="mailpit",
            folder=SOURCE / "extra/mailpit",
            packages={"mailpit": "github.com/axllent/mailpit"},
            ldflags="-s -w",
            expected_seconds=39,
        ),
        Module(
            name="smokescreen",
            folder=SOURCE / "extra/smokescreen",
            packages={"smokescreen": "github.com/stripe/smokescreen"},
            ldflags="-s -w",
            expected_seconds=20,
        ),
        # Their go.mod repeats the cluster's versions where it can: what both need is then compiled once.
        Module(
            name="helm",
            folder=SOURCE / "extra/helm",
            packages={"helm": "helm.sh/helm/v4/cmd/helm"},
            ldflags="-s -w",
            expected_seconds=31,
        ),
        Module(
            name="promtool",
            folder=SOURCE / "extra/promtool",
            packages={"promtool": "github.com/prometheus/prometheus/cmd/promtool"},
            ldflags="-s -w",
            expected_seconds=91,
            tags="remove_all_sd",  # without the clouds' service discoveries, whose clients are most of its weight
        ),
        Module(
            name="traefik",
            folder=SOURCE / "extra/traefik",
            packages={"traefik": "github.com/traefik/traefik/v3/cmd/traefik"},
            ldflags="-s -w -X github.com/traefik/traefik/v3/pkg/version.Version=3.7.13",
            expected_seconds=400,
            instead=Instead("github.com/go-acme/lego/v5", "providers/dns/zz_gen_dns_providers.go", "lego/dns.go"),
            on_demand=True,
        ),
    )
}


def cache_key(module: Module, go_version: str) -> str:
    """Changes whenever a binary could: pinned modules, our own sources, packages, linker flags, compiler."""
    digest = hashlib.sha256()
    sources = [module.folder / "go.mod", module.folder / "go.sum", *sorted((module.folder / "cmd").rglob("*.go"))]
    if module.instead is not None:
        sources += sorted(path for path in module.folder.rglob("*") if path.is_file() and path not in sources)
    parts: Iterable[bytes] = [
        go_version.encode(),
        module.ldflags.encode(),
        repr(sorted(module.packages.items())).encode(),
        *([module.tags.encode()] if module.tags else []),
        *(path.read_bytes() for path in sources),
    ]
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:32]


def go_version() -> str:
    """The compiler that the pinned modules get. Go ≥ 1.21 fetches the one that go.mod asks for by itself."""
    if shutil.which("go") is None:
        message = "Go is not installed: install Go 1.21 or newer (https://go.dev/dl) and run this again."
        raise ClusterError(message)
    return shell.run(["go", "env", "GOVERSION", "GOARCH"], cwd=SOURCE).strip().replace("\n", " ")


def _cached(module: Module, version: str) -> Path:
    return layout.cache_home() / "binaries" / cache_key(module, version)


def _paths(module: Module, folder: Path) -> dict[str, Path] | None:
    paths = {name: folder / name for name in module.packages}
    return paths if all(path.is_file() for path in paths.values()) else None


def installed(name: str) -> dict[str, Path] | None:
    """The binaries of a module where they are already in the cache."""
    module = MODULES[name]
    return _paths(module, _cached(module, go_version()))


def ensure(name: str, progress: Progress | None = None) -> dict[str, Path]:
    """Paths of the module's binaries by name, built first where the cache has none.

    Raises ClusterError with the compiler's last lines when the build fails.
    """
    module = MODULES[name]
    folder = _cached(module, go_version())
    if (paths := _paths(module, folder)) is not None:
        return paths
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its final place, so that the rename stays within one file system and is atomic.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        if progress is None:
            _build(module, Path(temporary), None)
        else:
            title = f"Building {len(module.packages)} programs of the Go module “{name}”"
            with progress.step(title, expected_seconds=module.expected_seconds) as step:
                _build(module, Path(temporary), step)
        Path(temporary).chmod(0o755)
        _move(Path(temporary), folder)
    return {name: folder / name for name in module.packages}


def _move(built: Path, folder: Path) -> None:
    """Another run may have finished the same build meanwhile; either result is as good."""
    ready = built.with_name(f"{built.name}.ready")
    built.rename(ready)
    built.mkdir()
    try:
        ready.rename(folder)
    except OSError:
        shutil.rmtree(ready)


def build_commands(module: Module, output: Path, modfile: Path | None = None) -> list[list[str]]:
    """One `go build` for all packages whose last word names the binary, so that links run side by side."""
    options = [*(["-tags", module.tags] if module.tags else []), *(["-modfile", str(modfile)] if modfile else [])]
    base = ["go", "build", "-v", "-trimpath", *options, "-ldflags", module.ldflags, "-o"]
    together = [package for name, package in module.packages.items() if package.rpartition("/")[2] == name]
    apart = [(name, package) for name, package in module.packages.items() if package not in together]
    return [
        [*base, f"{output}/", *together],
        *([*base, str(output / name), package] for name, package in apart),
    ]


def _build(module: Module, output: Path, step: Step | None) -> None:
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": ""}
    with tempfile.TemporaryDirectory(prefix="kozutumi-go-") as place:
        modfile = go_copies.modfile(module.folder, module.instead, Path(place)) if module.instead else None
        for command in build_commands(module, output, modfile):
            _run_build(command, module, environment, step)


def _run_build(command: list[str], module: Module, environment: dict[str, str], step: Step | None) -> None:
    said: list[str] = []
    with subprocess.Popen(  # noqa: S603 - the command is built above
        command, cwd=module.folder, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        for count, line in enumerate(process.stderr or (), start=1):
            said = [*said[-14:], line]
            if step is not None:
                step.detail = f"{count} packages compiled, now {line.strip()}"
    if process.returncode:
        message = f"Building the Go module “{module.name}” failed: {''.join(said)}"
        raise ClusterError(message)
    if step is not None:
        step.detail = ""
