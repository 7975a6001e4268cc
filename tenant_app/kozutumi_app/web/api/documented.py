"""What a route answers, declared once beside it: `docs/openapi.json` is made of it, and tokens are judged by it.

    @router.post("/transfers/{transfer_id}/send", **answers(NotFound, TransferClosed, scope=Scope.TRANSFERS_WRITE))
    def send(...) -> TransferState: ...

The return annotation is the answer's model. Listed are the refusals of the use case alone: those of the caller
(callers.py), of the input and of the whole port are added by themselves. `scope` None: no token may do this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import KozutumiError
from kozutumi_app.web.scopes import SCOPE, SECRET

REFUSALS: Final = "x-kozutumi-refusals"
SCHEMES: Final = "x-kozutumi-schemes"
IDEMPOTENCY_KEY: Final[dict[str, Any]] = {"minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"}
"""Of the text, as `idempotency.digest_of` takes it."""

Refusal = type[KozutumiError]
F = TypeVar("F", bound=Callable[..., Any])


class Shown(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(from_attributes=True)


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is no JSON, or has headers a client needs; `headers` by name with what they mean."""

    media_type: str | None = None
    description: str = "Successful Response"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Told:
    """A refusal as the document tells it."""

    status: int
    code: str
    title: str


@dataclass(frozen=True, slots=True)
class Credential:
    """What a dependency asks of a caller: `schemes` of the OpenAPI document, and how it refuses."""

    refusals: tuple[Refusal, ...]
    schemes: tuple[str, ...] = ()


CREDENTIALS: Final[dict[Callable[..., Any], Credential]] = {}


def answers(
    *refusals: Refusal | Told,
    status: int = 200,
    scope: Scope | None = None,
    raw: Raw | None = None,
    also: Mapping[int, Raw] = MappingProxyType({}),
    schemes: tuple[str, ...] = (),
    shown_once: str | None = None,
    **operation: Any,
) -> dict[str, Any]:
    """Keyword arguments of a route's decorator.

    `raw`: an answer that is no model; `also`: further good answers by status, such as 206.
    `shown_once`: the field of the answer that is shown once, and not again to a repeated Idempotency-Key.
    `schemes`: what a caller may bring where no dependency says it; `operation`: further keys of the OpenAPI operation.
    """
    declared = operation | {
        REFUSALS: [asdict(told(refusal)) for refusal in refusals],
        SCOPE: scope,
        SCHEMES: schemes,
        SECRET: shown_once,
    }
    route: dict[str, Any] = {"status_code": status, "openapi_extra": declared}
    route["responses"] = {number: _documented(each) for number, each in also.items()}
    if raw is not None:
        route["responses"][status] = _documented(raw)
        route |= {"response_model": None, "response_class": Response}
    return route


def asks(*schemes: str, refusals: tuple[Refusal, ...]) -> Callable[[F], F]:
    """Declare a dependency's credentials; every route that has the dependency documents them."""

    def declare(dependency: F) -> F:
        CREDENTIALS[dependency] = Credential(refusals, schemes)
        return dependency

    return declare


def told(refusal: Refusal | Told) -> Told:
    return refusal if isinstance(refusal, Told) else Told(refusal.status, refusal.code, refusal.title)


def _documented(raw: Raw) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": raw.description}
    if raw.media_type is not None:
        answer["content"] = {raw.media_type: {"schema": {"type": "string", "format": "binary"}}}
    if raw.headers:
        answer["headers"] = {
            name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in raw.headers
        }
    return answer
