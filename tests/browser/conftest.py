"""Chromium of the distribution, and the app it looks at: on loopback, or in the cluster with KOZUTUMI_BROWSER=cluster."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

import browser_world
from browser_world import PATIENCE_SECONDS, World
from people_in_browsers import Household

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if os.environ.get("KOZUTUMI_BROWSER") == "cluster":
        yield importlib.import_module("browser_cluster").cluster_world()  # needs a running cluster to be of any use
        return
    with browser_world.loopback(tmp_path_factory.mktemp("app")) as running:
        yield running


@pytest.fixture(scope="session")
def chromium(world: World) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[*FLAGS, *world.chromium_arguments],
            timeout=PATIENCE_SECONDS * 1000,
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def household(world: World, chromium: Browser) -> Household:
    """People with accounts, made once through the pages themselves."""
    return Household(world, chromium)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
