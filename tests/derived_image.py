"""An image like another but for a file: what a release of the operator that renders something else would be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from kozutumi_cluster import images, local_images, shell
from kozutumi_cluster.layout import cache_home

PACKAGES = "/opt/kozutumi/lib/python3.11/site-packages"


def operator_like(folder: Path, name: str, files: dict[str, str]) -> str:
    """Build, load and name an operator's image with `files` (path below site-packages → text) in place of its own."""
    target = next(each for each in images.TARGETS if each.name == "operator")
    built = f"localhost/kozutumi-operator:{images.content_hash(target)}"
    archive = cache_home() / "images" / f"operator-{images.content_hash(target)}.tar"
    reference = f"localhost/kozutumi-operator-{name}:test"
    # The packages were compiled beside their sources and are not compared with them: look elsewhere, find nothing.
    recipe = [f"FROM {built}", "ENV PYTHONPYCACHEPREFIX=/tmp/none"]
    for number, (path, text) in enumerate(files.items()):
        (folder / f"file-{number}").write_text(text, encoding="utf-8")
        recipe.append(f"COPY file-{number} {PACKAGES}/{path}")
    (folder / "Dockerfile").write_text("\n".join(recipe) + "\n", encoding="utf-8")
    for command in _commands(archive, built, reference, folder):
        shell.run(command, environment=images.buildah_environment({"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}))
    image = local_images.archive(reference, folder)
    subprocess.run([sys.executable, "-m", "kozutumi_cluster", "load", str(image)], check=True)  # noqa: S603 - fixed words
    return reference


def _commands(archive: Path, built: str, reference: str, folder: Path) -> list[list[str]]:
    return [
        ["buildah", "pull", "--quiet", f"docker-archive:{archive}:{built}"],
        ["buildah", "build", "--quiet", "--pull=never", "--tag", reference, str(folder)],
    ]
