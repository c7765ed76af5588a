"""A server that speaks as much of Vault's HTTP API as kimp needs: AppRole login, KV version 2, giving a token back."""

import json
import secrets
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ROLE_ID, SECRET_ID = "role-of-kimp", "secret-id-of-kimp"


class FakeVault:
    """`secrets` holds what it keeps, by mount and path; `trouble` makes it fail."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.secrets: dict[tuple[str, str], dict[str, Any]] = {}
        self.secret_id = SECRET_ID
        self.trouble: str | None = None
        """`sealed`, `denied`, `slow` or `garbage`; None: all is well."""
        self.tokens: set[str] = set()
        self.logins = 0
        self.namespaces: list[str | None] = []
        self.ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.address = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator["FakeVault"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def answer(self, method: str, path: str, token: str | None, body: Any) -> tuple[int, Any]:
        """Status and JSON, as Vault gives them."""
        if self.trouble == "sealed":
            return 503, {"errors": ["Vault is sealed"]}
        if path == "/v1/auth/approle/login" and method in {"POST", "PUT"}:
            return self._log_in(body)
        if token not in self.tokens:
            return 403, {"errors": ["permission denied"]}
        if path == "/v1/auth/token/revoke-self":
            self.tokens.discard(str(token))
            return 204, None
        return self._read(path)

    def _read(self, path: str) -> tuple[int, Any]:
        if self.trouble == "denied":
            return 403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
        mount, data, name = path.removeprefix("/v1/").partition("/data/")
        found = self.secrets.get((mount, name)) if data else None
        if found is None:
            return 404, {"errors": []}
        return 200, {"data": {"data": found, "metadata": {"version": 1}}, "lease_duration": 0}

    def _log_in(self, body: Any) -> tuple[int, Any]:
        if (body.get("role_id"), body.get("secret_id")) != (ROLE_ID, self.secret_id):
            return 400, {"errors": ["invalid role or secret ID"]}
        token = f"hvs.{secrets.token_hex(12)}"
        self.tokens.add(token)
        self.logins += 1
        return 200, {"auth": {"client_token": token, "lease_duration": 60, "renewable": True}}


def _handler(vault: FakeVault) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_all(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            vault.namespaces.append(self.headers.get("X-Vault-Namespace"))
            if vault.trouble == "slow":
                vault.ended.wait(60)
            status, content = vault.answer(self.command, self.path, self.headers.get("X-Vault-Token"), body)
            text = b"" if content is None else json.dumps(content).encode()
            if vault.trouble == "garbage":
                status, text = 200, b"<html>welcome</html>"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = handle_all  # noqa: N815 - the names that the base class looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's signature
            """Quiet."""

    return Handler
