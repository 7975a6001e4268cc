"""The OpenAPI document of the public API, made of the routes themselves: `python -m kozutumi_app openapi`.

FastAPI describes parameters, bodies and answers; added here is what its routes declare through `api.documented`:
which refusals an operation has, one by one, and what a caller must bring.
"""

from __future__ import annotations

import json
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from kozutumi_app.errors import (
    BodyTooLarge,
    ClientNotAllowed,
    DatabaseUnavailable,
    IdempotencyConflict,
    IdempotencyKeyReused,
    InvalidInput,
    KeysOutOfDate,
    KozutumiError,
    RateLimited,
)
from kozutumi_app.web.api.callers import GUEST, RECIPIENT, SESSION, TOKEN
from kozutumi_app.web.api.documented import (
    CREDENTIALS,
    IDEMPOTENCY_KEY,
    REFUSALS,
    SCHEMES,
    Credential,
    Refusal,
    Told,
    told,
)
from kozutumi_app.web.middleware import MisdirectedError, SlowBodyError
from kozutumi_app.web.scopes import SCOPE, SECRET
from kozutumi_app.web.security import GUEST_COOKIE, RECIPIENT_COOKIE, SESSION_COOKIE

VERSION: Final = "1.0.0"
_Refusals = dict[str, tuple[str, dict[str, Any]]]  # status → name and answer, shared by operations that refuse alike
_ALWAYS: Final = (ClientNotAllowed, MisdirectedError, RateLimited, DatabaseUnavailable, KeysOutOfDate, KozutumiError)
_WITH_BODY: Final = (BodyTooLarge, SlowBodyError)
_REPEATED: Final = (IdempotencyConflict, IdempotencyKeyReused, InvalidInput)  # the last: a key that is none
_PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}
_SAFE: Final = frozenset({"get", "head", "options"})


def document(routers: Iterable[APIRouter]) -> dict[str, Any]:
    """Return the document of these routers' routes, in the order of their paths."""
    application = FastAPI(title="Kozutumi", version=VERSION, openapi_url=None)
    for router in routers:
        application.include_router(router)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Duplicate Operation ID")  # they get names of their own, see _operation_id
        made = get_openapi(
            title="Kozutumi", version=VERSION, description=_ABOUT, routes=application.routes, license_info=_LICENSE
        )
    credentials, shared = dict(_credentials(application)), dict[str, Any]()
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            operation["operationId"] = _operation_id(method, path)
            refusals = _complete(operation, method, path, credentials.get((path, method), ()))
            shared |= dict(refusals.values())
            operation["responses"] = _good(operation["responses"]) | {
                status: {"$ref": f"#/components/responses/{name}"} for status, (name, _) in refusals.items()
            }
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM_SCHEMA
    components["schemas"] = dict(sorted(schemas.items()))
    components["responses"] = dict(sorted(shared.items()))
    components["headers"] = _HEADERS
    components["securitySchemes"] = _SCHEMES
    made["paths"] = {path: dict(sorted(operations.items())) for path, operations in sorted(made["paths"].items())}
    return made


def serialize(made: Mapping[str, Any]) -> str:
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


def _operation_id(method: str, path: str) -> str:
    """`post_transfers_transfer_id_send`: stable as long as the address is, whatever the function is called."""
    words = re.findall(r"[a-z0-9]+", path.removeprefix("/api/v1"))
    return "_".join((method, *words))


def _credentials(application: FastAPI) -> Iterator[tuple[tuple[str, str], tuple[Credential, ...]]]:
    for route in iter_route_contexts(application.routes):
        dependant = getattr(route, "dependant", None)
        if isinstance(dependant, Dependant):
            asked = tuple(CREDENTIALS[call] for call in _calls(dependant) if call in CREDENTIALS)
            for method in route.methods or ():
                yield (route.path_format or "", method.lower()), asked


def _calls(dependant: Dependant) -> Iterator[Any]:
    for each in dependant.dependencies:
        yield each.call
        yield from _calls(each)


def _complete(operation: dict[str, Any], method: str, path: str, asked: tuple[Credential, ...]) -> _Refusals:
    """Put in what the caller must bring; returns the refusals by status."""
    scope = operation.pop(SCOPE, None)
    operation.pop(SECRET, None)
    declared = [Told(**each) for each in operation.pop(REFUSALS, ())]
    schemes = [*operation.pop(SCHEMES, ()), *(scheme for credential in asked for scheme in credential.schemes)]
    refusals: set[Refusal] = {*_ALWAYS, *(refusal for credential in asked for refusal in credential.refusals)}
    if operation.get("parameters") or operation.get("requestBody"):
        refusals.add(InvalidInput)
    if method not in _SAFE:
        refusals.update(_WITH_BODY)
    if method == "post" and SESSION in schemes and path.startswith("/api/"):
        refusals.update(_REPEATED)
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    operation["security"] = _security(schemes, scope)
    return _by_status({*declared, *map(told, refusals)})


def _security(schemes: list[str], scope: str | None) -> list[dict[str, list[str]]]:
    """What a caller must bring, one of them; a token only where a scope reaches."""
    wanted: list[dict[str, list[str]]] = []
    for scheme in dict.fromkeys(schemes):
        if scheme != TOKEN:
            wanted.append({scheme: []})
        elif scope is not None:
            wanted.append({TOKEN: [str(scope)]})
    return wanted


def _good(found: Mapping[str, Any]) -> dict[str, Any]:
    good = {status: answer for status, answer in found.items() if int(status) < HTTPStatus.BAD_REQUEST}
    for answer in good.values():
        answer.setdefault("headers", {}).update(_LIMIT_HEADERS)
    return good


def _by_status(refusals: Iterable[Told]) -> _Refusals:
    titles: dict[int, dict[str, str]] = defaultdict(dict)
    for refusal in sorted(refusals):
        titles[refusal.status][refusal.code] = refusal.title
    return {
        str(status): (".".join((str(status), *by_code)), _refused(status, by_code))
        for status, by_code in titles.items()
    }


def _refused(status: int, titles: Mapping[str, str]) -> dict[str, Any]:
    narrowed = {"properties": {"code": {"enum": list(titles)}, "status": {"const": status}}}
    answer: dict[str, Any] = {
        "description": "\n".join(f"- `{code}`: {title}" for code, title in titles.items()),
        "content": {"application/problem+json": {"schema": {"allOf": [_PROBLEM, narrowed]}}},
    }
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        answer["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return answer


_ABOUT: Final = (
    "Every refusal is a problem (RFC 9457) whose `code` is listed with the operation. A program brings a token "
    "(`Authorization: Bearer …`) whose scopes reach the operation; a browser its session's cookie and, to change "
    "something, the header X-CSRF-Token. Lists are cut into pages: `next`, where not null, is the `after` of the "
    "following one. A POST with an Idempotency-Key is done once, and answered alike for 24 hours."
)
_LICENSE: Final = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
_PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457. `code` and `title` are for programs, `detail` is for people, in their language.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "retry_after": {"type": "integer", "minimum": 1, "description": "Seconds; as in Retry-After."},
    },
}
_HEADERS: Final[dict[str, Any]] = {
    "RateLimit": {
        "description": "What is left for this caller and in how many seconds all is there again.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {"description": "Requests per seconds for each caller.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
}
_LIMIT_HEADERS: Final = {name: {"$ref": f"#/components/headers/{name}"} for name in ("RateLimit", "RateLimit-Policy")}
_IDEMPOTENCY_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Drawn anew by the client for each thing to be done, sent again with each repetition.",
    "schema": {"type": "string", **IDEMPOTENCY_KEY},
}
_SCHEMES: Final[dict[str, Any]] = {
    SESSION: {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
    RECIPIENT: {
        "type": "apiKey",
        "in": "cookie",
        "name": RECIPIENT_COOKIE,
        "description": "Set by /verify; its name ends in the first eight characters of the link.",
    },
    GUEST: {
        "type": "apiKey",
        "in": "cookie",
        "name": GUEST_COOKIE,
        "description": "Set by /q/{link_id}/verify; its name ends in the first eight characters of the link.",
    },
    TOKEN: {"type": "http", "scheme": "bearer"},
    "uploadToken": {"type": "apiKey", "in": "header", "name": "Upload-Token"},
}
