"""The API server through the user's own kubectl: its kubeconfig, context, login plug-ins and rights, and no others."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from kozutumi_cli.errors import KubectlError, NotFoundError

Object = dict[str, Any]
# A page of a large fleet is big; a dead API server must still be told soon.
TIMEOUT_SECONDS: Final = 60.0
_PARALLEL: Final = 4
_SERVER: Final = "Error from server "


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    out: str
    err: str


Run = Callable[[Sequence[str], str | None], Answer]


@dataclass(frozen=True, slots=True)
class Kubectl:
    """`flags` go in front of every command: --kubeconfig, --context, --as. `run` starts kubectl."""

    flags: tuple[str, ...]
    run: Run

    def __call__(self, *words: str, stdin: str | None = None) -> str:
        """Standard output. Raises NotFoundError or KubectlError with the API server's own words."""
        answer = self.run([*self.flags, *words], stdin)
        if answer.status:
            raise _error(answer.err, words)
        return answer.out

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "-o", "json"))

    def organization(self, code: str) -> Object:
        found: Object = self.json("get", "organizations.kozutumi.com", code)
        return found

    def organizations(self) -> list[Object]:
        found: list[Object] = self.json("get", "organizations.kozutumi.com")["items"]
        return sorted(found, key=lambda each: str(each["metadata"]["name"]))

    def listed(self, kinds: Iterable[str], *words: str) -> tuple[list[Object], list[str]]:
        """Objects of each kind, and the kinds that may not be read here or that this cluster does not have."""
        names = list(kinds)
        with ThreadPoolExecutor(_PARALLEL) as pool:
            answers = list(
                pool.map(lambda kind: self.run([*self.flags, "get", kind, *words, "-o", "json"], None), names)
            )
        found, refused = [], []
        for kind, answer in zip(names, answers, strict=True):
            if answer.status == 0:
                found += json.loads(answer.out)["items"]
            elif _is_refusal(answer.err):
                refused.append(kind)
            else:
                raise _error(answer.err, ("get", kind))
        return found, refused

    def user(self) -> str:
        """Who the API server says you are."""
        name: str = self.json("auth", "whoami")["status"]["userInfo"]["username"]
        return name


def of_this_machine(flags: tuple[str, ...]) -> Kubectl:
    """Raises KubectlError where there is no kubectl."""
    program = shutil.which("kubectl")
    if program is None:
        raise KubectlError("kubectl is not on PATH; install it (https://kubernetes.io/docs/tasks/tools).")
    return Kubectl(flags, lambda words, stdin: _run(program, words, stdin))


def _run(program: str, words: Sequence[str], stdin: str | None) -> Answer:
    try:
        done = subprocess.run(  # noqa: S603 - kubectl of the user's own PATH; no shell is involved
            [program, *words], input=stdin, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise KubectlError(f"kubectl did not answer within {TIMEOUT_SECONDS:g} s; is the API server there?") from None
    return Answer(done.returncode, done.stdout, done.stderr)


def _is_refusal(said: str) -> bool:
    return "(Forbidden)" in said or "the server doesn't have a resource type" in said


def _error(said: str, words: Sequence[str]) -> KubectlError | NotFoundError:
    text = said.strip().removeprefix("error: ") or "kubectl failed and said nothing"
    if "(NotFound)" in text:
        return NotFoundError(f"{_after_reason(text)}; `kubectl kozutumi status` lists the organizations")
    if "the server doesn't have a resource type" in text:
        return KubectlError("this cluster has no Kozutumi: its resource types are not installed")
    if "(Forbidden)" in text:
        return KubectlError(f"you may not {words[0]} here: {_after_reason(text)}")
    return KubectlError(_after_reason(text))


def _after_reason(text: str) -> str:
    """Without kubectl's `Error from server (Reason): ` in front."""
    return text.partition("): ")[2] if text.startswith(_SERVER) and "): " in text else text
