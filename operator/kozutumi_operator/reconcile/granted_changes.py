"""Which pending changes of a manifest an active AccessGrant lets through, told to the organization's memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kozutumi_operator.grants.grant import AccessGrant
from kozutumi_operator.reconcile.memory import Memories


@dataclass(slots=True)
class GrantedChanges:
    """`changed(code)` looks at an organization again."""

    memories: Memories
    changed: Callable[[str], None]
    _given: dict[str, AccessGrant] = field(default_factory=dict)

    def give(self, grant: AccessGrant) -> None:
        self._given[grant.name] = grant
        self._tell(grant.organization)

    def withdraw(self, name: str) -> None:
        if (grant := self._given.pop(name, None)) is not None:
            self._tell(grant.organization)

    def _tell(self, code: str) -> None:
        named = {
            change: grant.name
            for grant in self._given.values()
            if grant.organization == code
            for change in grant.changes
        }
        memory = self.memories.of(code)
        if dict(memory.granted_changes) != named:
            memory.granted_changes = named
            self.changed(code)
