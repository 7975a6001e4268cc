"""A stand-in for MinIO's admin API (v3) in front of a real VersityGW.

MinIO's own server is not to be had as a pinned module (and is under the AGPL), so what is tried against this is our
reading of its API: paths, parameters, signatures, encrypted bodies, error codes. What the users may then do in the
buckets is real: each user, policy and service account is one of VersityGW's IAM service.
"""

from __future__ import annotations

import contextlib
import io
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from botocore.exceptions import ClientError
from minio.credentials.credentials import Credentials
from minio.crypto import decrypt, encrypt
from minio.signer import sign_v4_s3

from kozutumi_operator.organizations.storage_credential import StorageCredential

PREFIX: Final = "/minio/admin/v3/"


class AdminError(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass
class _User:
    enabled: bool = True
    policies: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)


class _Body(io.BytesIO):
    """What minio.crypto reads from: a response of urllib3."""

    def release_conn(self) -> None: ...


class MinioAdminServer:
    """`iam` is a boto3 client of VersityGW's IAM service, `root` the one credential that may call."""

    def __init__(self, iam: Any, root: StorageCredential, region: str) -> None:
        self._iam = iam
        self._root = root
        self._region = region
        self._users: dict[str, _User] = {}
        self._policies: dict[str, Any] = {"readwrite": {"Version": "2012-10-17", "Statement": [_ALL]}}
        self._lock = threading.Lock()

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> bytes:
        """Raises AdminError."""
        self._verify(method, target, headers, body)
        url = urlsplit(target)
        call = url.path.removeprefix(PREFIX)
        handler: Callable[[dict[str, str], bytes], Any] | None = _HANDLERS.get((method, call))
        if handler is None:
            raise AdminError(404, "XMinioAdminNotFound")
        with self._lock:
            result = handler(self, dict(parse_qsl(url.query)), body)  # type: ignore[call-arg, arg-type]  # an unbound method
        text = b"" if result is None else json.dumps(result).encode()
        return encrypt(text, self._secret) if call in _ENCRYPTED_ANSWERS else text

    @property
    def _secret(self) -> str:
        return self._root.secret_access_key.reveal()

    def _verify(self, method: str, target: str, headers: Any, body: bytes) -> None:
        date = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        names = ["Host", "User-Agent", "x-amz-date", "x-amz-content-sha256", "Content-Type"]
        signed = {name: headers[name] for name in (*names, *(["Content-Length"] if body else []))}
        expected = sign_v4_s3(
            method=method,
            url=urlsplit(f"https://{headers['Host']}{target}"),
            region=self._region,
            headers=signed,
            credentials=Credentials(self._root.access_key_id, self._secret),
            content_sha256=headers["x-amz-content-sha256"],
            date=date,
        )
        if expected["Authorization"] != headers.get("Authorization"):
            raise AdminError(403, "SignatureDoesNotMatch")

    def _opened(self, body: bytes) -> dict[str, Any]:
        opened: dict[str, Any] = json.loads(decrypt(_Body(body), self._secret))  # type: ignore[arg-type]  # reads alike
        return opened

    def _user(self, name: str) -> _User:
        if name not in self._users:
            raise AdminError(404, "XMinioAdminNoSuchUser")
        return self._users[name]

    def add_user(self, query: dict[str, str], body: bytes) -> None:
        assert len(self._opened(body)["secretKey"]) >= 8
        name = query["accessKey"]
        if name not in self._users:
            self._iam.create_user(UserName=name)
            self._users[name] = _User()

    def user_info(self, query: dict[str, str], _: bytes) -> Any:
        user = self._user(query["accessKey"])
        status = "enabled" if user.enabled else "disabled"
        return {"policyName": ",".join(user.policies), "status": status, "memberOf": user.groups}

    def set_user_status(self, query: dict[str, str], _: bytes) -> None:
        self._user(query["accessKey"]).enabled = query["status"] == "enabled"
        self._hand_on(query["accessKey"])

    def remove_user(self, query: dict[str, str], _: bytes) -> None:
        name = query["accessKey"]
        self._user(name).policies.clear()
        self._hand_on(name)
        for key in self._keys(name):
            self._iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        self._iam.delete_user(UserName=name)
        del self._users[name]

    def add_policy(self, query: dict[str, str], body: bytes) -> None:
        policy = json.loads(body)
        if not policy["Statement"]:
            raise AdminError(400, "XMinioMalformedIAMPolicy")
        self._policies[query["name"]] = policy
        for name, user in self._users.items():
            if query["name"] in user.policies:
                self._hand_on(name)

    def policy_info(self, query: dict[str, str], _: bytes) -> Any:
        if query["name"] not in self._policies:
            raise AdminError(404, "XMinioAdminNoSuchPolicy")
        return self._policies[query["name"]]

    def remove_policy(self, query: dict[str, str], _: bytes) -> None:
        if any(query["name"] in user.policies for user in self._users.values()):
            raise AdminError(400, "XMinioAdminPolicyInUse")
        if self._policies.pop(query["name"], None) is None:
            raise AdminError(404, "XMinioAdminNoSuchPolicy")

    def attach(self, _: dict[str, str], body: bytes) -> Any:
        return self._change_policies(body, attach=True)

    def detach(self, _: dict[str, str], body: bytes) -> Any:
        return self._change_policies(body, attach=False)

    def _change_policies(self, body: bytes, *, attach: bool) -> Any:
        asked = self._opened(body)
        user = self._user(asked["user"])
        if attach and not set(asked["policies"]) <= self._policies.keys():
            raise AdminError(404, "XMinioAdminNoSuchPolicy")
        rest = [each for each in user.policies if each not in asked["policies"]]
        changed = rest + (asked["policies"] if attach else [])
        if sorted(changed) == sorted(user.policies):
            raise AdminError(400, "XMinioAdminPolicyChangeAlreadyApplied")
        user.policies = changed
        self._hand_on(asked["user"])
        return {"policiesAttached" if attach else "policiesDetached": asked["policies"]}

    def update_group(self, _: dict[str, str], body: bytes) -> None:
        asked = json.loads(body)
        for name in asked.get("members") or ():
            groups = self._user(name).groups
            groups.remove(asked["group"]) if asked["isRemove"] else groups.append(asked["group"])

    def add_service_account(self, _: dict[str, str], body: bytes) -> Any:
        target = self._opened(body)["targetUser"]
        self._user(target)
        key = self._iam.create_access_key(UserName=target)["AccessKey"]
        return {"credentials": {"accessKey": key["AccessKeyId"], "secretKey": key["SecretAccessKey"]}}

    def list_service_accounts(self, query: dict[str, str], _: bytes) -> Any:
        self._user(query["user"])
        states = {"Active": "on", "Inactive": "off"}
        found = [(key["AccessKeyId"], states[key["Status"]]) for key in self._keys(query["user"])]
        return {"accounts": [{"accessKey": key, "accountStatus": state} for key, state in found] or None}

    def delete_service_account(self, query: dict[str, str], _: bytes) -> None:
        for name in self._users:
            if any(key["AccessKeyId"] == query["accessKey"] for key in self._keys(name)):
                self._iam.delete_access_key(UserName=name, AccessKeyId=query["accessKey"])
                return
        raise AdminError(404, "XMinioAdminServiceAccountNotFound")

    def _keys(self, user: str) -> list[dict[str, str]]:
        keys: list[dict[str, str]] = self._iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
        return keys

    def _hand_on(self, name: str) -> None:
        """What the user may do, as inline policies of VersityGW's user; it knows no action of MinIO's own."""
        user = self._users[name]
        wanted = user.policies if user.enabled else []
        for old in self._iam.list_user_policies(UserName=name)["PolicyNames"]:
            if old not in wanted:
                self._iam.delete_user_policy(UserName=name, PolicyName=old)
        for policy in wanted:
            statements = [each for each in self._policies[policy]["Statement"] if "admin:*" not in each["Action"]]
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            self._iam.put_user_policy(UserName=name, PolicyName=policy, PolicyDocument=document)


_ALL: Final = {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}
_ENCRYPTED_ANSWERS: Final = {
    "add-service-account",
    "list-service-accounts",
    "idp/builtin/policy/attach",
    "idp/builtin/policy/detach",
}
_HANDLERS: Final[dict[tuple[str, str], Any]] = {
    ("PUT", "add-user"): MinioAdminServer.add_user,
    ("GET", "user-info"): MinioAdminServer.user_info,
    ("PUT", "set-user-status"): MinioAdminServer.set_user_status,
    ("DELETE", "remove-user"): MinioAdminServer.remove_user,
    ("PUT", "add-canned-policy"): MinioAdminServer.add_policy,
    ("GET", "info-canned-policy"): MinioAdminServer.policy_info,
    ("DELETE", "remove-canned-policy"): MinioAdminServer.remove_policy,
    ("POST", "idp/builtin/policy/attach"): MinioAdminServer.attach,
    ("POST", "idp/builtin/policy/detach"): MinioAdminServer.detach,
    ("PUT", "update-group-members"): MinioAdminServer.update_group,
    ("PUT", "add-service-account"): MinioAdminServer.add_service_account,
    ("GET", "list-service-accounts"): MinioAdminServer.list_service_accounts,
    ("DELETE", "delete-service-account"): MinioAdminServer.delete_service_account,
}


@contextlib.contextmanager
def serving(admin: MinioAdminServer, pair: Path) -> Iterator[int]:
    """Over TLS on loopback; the port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                status, content = 200, admin.answer(self.command, self.path, self.headers, body)
            except AdminError as error:
                status, content = error.status, json.dumps({"Code": error.code}).encode()
            except ClientError as error:
                status, content = 500, json.dumps({"Code": str(error)}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair / "tls.crt", pair / "tls.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
