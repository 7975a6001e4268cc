"""The supervised programs of a node: one file for each group, each a pure function from a `Node` to `Component`s."""

from kozutumi_cluster.components.model import Component, Node
from kozutumi_cluster.components.registry import all_components, config_files

__all__ = ["Component", "Node", "all_components", "config_files"]
