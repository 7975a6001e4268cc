from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kozutumi_cluster import binaries
from kozutumi_cluster.binaries import Module
from kozutumi_cluster.go_copies import Instead


@pytest.fixture
def module(tmp_path: Path) -> Module:
    (tmp_path / "go.mod").write_text("module example\n")
    (tmp_path / "go.sum").write_text("sum\n")
    (tmp_path / "cmd").mkdir()
    (tmp_path / "cmd/main.go").write_text("package main\n")
    return Module("example", tmp_path, {"tool": "./cmd/tool", "etcd": "go.etcd.io/etcd/server/v3"}, "-s -w", 1)


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "cmd/main.go"])
def test_the_key_changes_with_every_source(module: Module, file: str) -> None:
    before = binaries.cache_key(module, "go1.26.8")
    (module.folder / file).write_text("changed\n")
    assert binaries.cache_key(module, "go1.26.8") != before


def test_the_key_changes_with_compiler_flags_and_packages(module: Module) -> None:
    keys = {
        binaries.cache_key(module, "go1.26.8"),
        binaries.cache_key(module, "go1.26.9"),
        binaries.cache_key(replace(module, ldflags="-s"), "go1.26.8"),
        binaries.cache_key(replace(module, packages={"tool": "./cmd/tool"}), "go1.26.8"),
        binaries.cache_key(replace(module, tags="netgo"), "go1.26.8"),
    }
    assert len(keys) == 5


def test_content_cannot_move_from_one_file_to_the_next_without_a_new_key(module: Module) -> None:
    before = binaries.cache_key(module, "go1.26.8")
    (module.folder / "go.mod").write_text("module example\nsum")
    (module.folder / "go.sum").write_text("\n")
    assert binaries.cache_key(module, "go1.26.8") != before


def test_only_a_package_with_another_last_word_is_built_apart(module: Module) -> None:
    together, apart = binaries.build_commands(module, Path("/out"))
    assert together[-2:] == ["/out/", "./cmd/tool"]
    assert apart[-2:] == ["/out/etcd", "go.etcd.io/etcd/server/v3"]


def test_build_tags_reach_the_compiler(module: Module) -> None:
    for command in binaries.build_commands(replace(module, tags="remove_all_sd"), Path("/out")):
        assert command[command.index("-tags") + 1] == "remove_all_sd"


def test_a_file_of_ours_in_another_module_is_a_source_too(module: Module) -> None:
    (module.folder / "ours.go").write_text("package theirs\n")
    changed = replace(module, instead=Instead("example.com/theirs", "theirs.go", "ours.go"))
    before = binaries.cache_key(changed, "go1.26.8")
    (module.folder / "ours.go").write_text("package theirs // otherwise\n")
    assert binaries.cache_key(changed, "go1.26.8") != before


def test_another_go_mod_reaches_the_compiler(module: Module) -> None:
    for command in binaries.build_commands(module, Path("/out"), Path("/copy/go.mod")):
        assert command[command.index("-modfile") + 1] == "/copy/go.mod"


@pytest.mark.parametrize(
    "name", ["cluster", "local-path-provisioner", "mailpit", "smokescreen", "helm", "promtool", "traefik"]
)
def test_each_module_is_pinned_in_the_repository(name: str) -> None:
    module = binaries.MODULES[name]
    assert (module.folder / "go.mod").is_file()
    assert (module.folder / "go.sum").is_file()


def test_the_cluster_module_has_all_thirteen_programs() -> None:
    assert len(binaries.MODULES["cluster"].packages) == 13


def test_only_what_a_slow_test_asks_for_is_left_out_of_the_builds_for_all() -> None:
    assert [each.name for each in binaries.MODULES.values() if each.on_demand] == ["traefik"]
