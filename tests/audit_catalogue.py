"""What the source says about audit events: their types, and which functions come to append one."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

APP: Final = Path("tenant_app/kozutumi_app")
_TYPE: Final = re.compile(r"[a-z_]+\.[a-z_]+")
APPEND: Final = "append"


@cache
def trees() -> dict[str, ast.Module]:
    """Module name → syntax tree."""
    return {
        ".".join(path.relative_to("tenant_app").with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for path in APP.rglob("*.py")
    }


def types_in_code() -> tuple[set[str], set[str]]:
    """Types written out in calls of the use cases, and the patterns of those that are put together (`mail.{}`)."""
    whole, patterns = set[str](), set[str]()
    for name, tree in trees().items():
        if ".use_cases" not in name and not name.endswith(".web.refused_acts"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):  # kind = "approval.agreed" if … else "approval.refused"
                whole |= set(_constants(node.value))
        for call in _acting_calls(tree):
            for value in [*call.args, *(keyword.value for keyword in call.keywords)]:
                whole |= set(_constants(value))
            for keyword in call.keywords:
                if keyword.arg == "type" and isinstance(keyword.value, ast.JoinedStr):
                    patterns.add(_pattern(keyword.value))
    return whole, patterns


def _acting_calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Calls that can carry an event's type: not those of the logger, of SQLAlchemy or of the metrics."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _root(node.func) not in {"log", "sa", "structlog", "re"}:
            yield node


def _constants(value: ast.expr) -> Iterator[str]:
    """Strings of an event type's form in the value itself: a nested call speaks for itself."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and _TYPE.fullmatch(value.value):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _constants(value.body)
        yield from _constants(value.orelse)


def _pattern(value: ast.JoinedStr) -> str:
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in value.values)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""


@cache
def appending() -> frozenset[str]:
    """Functions (`module:name`) from which a call of audit.append can be reached, by the names that they call."""
    callers = defaultdict[str, set[str]](set)
    for module, tree in trees().items():
        imported = dict(_imports(module, tree))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for callee in _callees(function, module, imported):
                    callers[callee].add(f"{module}:{function.name}")
    reached, waiting = set[str](), [f"kozutumi_app.use_cases.audit:{APPEND}"]
    while waiting:
        for caller in callers[waiting.pop()] - reached:
            reached.add(caller)
            waiting.append(caller)
    return frozenset(reached)


def _imports(module: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Local name → `module` or `module:name`."""
    known = trees()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith("kozutumi_app"):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield alias.asname or alias.name, whole if whole in known else f"{node.module}:{alias.name}"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, f"{module}:{node.name}"


def _callees(function: ast.FunctionDef | ast.AsyncFunctionDef, module: str, imported: dict[str, str]) -> Iterator[str]:
    """Everything that is named in it counts, also what is handed on to be called (to_thread, partial)."""
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and ":" in imported.get(node.id, ""):
            yield imported[node.id]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            target = imported.get(node.value.id, "")
            if target and ":" not in target:
                yield f"{target}:{node.attr}"
            elif node.value.id in {"self", "cls"}:
                yield f"{module}:{node.attr}"
