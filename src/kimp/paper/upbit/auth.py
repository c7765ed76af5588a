"""Upbit's request signature: a JWT (HS256) with the SHA-512 of the parameters, and a nonce that is good for once.

docs.upbit.com: auth. The hash is made over the *unencoded* query string in the order that was sent; for a POST over
the JSON body's members in their order.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections import OrderedDict
from typing import Any
from urllib.parse import unquote

from kimp.paper.keys import ApiKeys, PaperKey, PaperRight
from kimp.paper.upbit.errors import UpbitError
from kimp.ports.clock import Clock

REMEMBERED_NONCES = 500_000


def form_of(body: bytes) -> list[tuple[str, str]]:
    """The members of a JSON object in order, numbers in the very digits that were sent."""
    try:
        members = json.loads(body, parse_float=str, parse_int=str) if body else {}
    except ValueError:
        raise UpbitError("validation_error", "the body is not JSON") from None
    if not isinstance(members, dict):
        raise UpbitError("validation_error", "the body is not a JSON object")
    pairs: list[tuple[str, str]] = []
    for name, value in members.items():
        if isinstance(value, list):
            pairs += [(f"{name}[]", _text(item)) for item in value]
        else:
            pairs.append((name, _text(value)))
    return pairs


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


class Authenticator:
    """Checks the `Authorization` header against the keys."""

    def __init__(self, keys: ApiKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._nonces: OrderedDict[str, None] = OrderedDict()

    def check(self, authorization: str, payload: str, right: PaperRight | None = None) -> str:
        """The access key. `payload`: the parameters as they were sent, unencoded; empty without parameters.

        Raises UpbitError `jwt_verification`, `invalid_access_key`, `expired_access_key`, `invalid_query_payload`,
        `nonce_used` or `out_of_scope`.
        """
        claims = self._claims(authorization)
        access = claims.get("access_key")
        if payload:
            digest = hashlib.sha512(payload.encode()).hexdigest()
            if claims.get("query_hash") != digest or claims.get("query_hash_alg", "SHA512") != "SHA512":
                raise UpbitError("invalid_query_payload")
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not nonce:
            raise UpbitError("jwt_verification")
        if nonce in self._nonces:
            raise UpbitError("nonce_used")
        self._nonces[nonce] = None
        if len(self._nonces) > REMEMBERED_NONCES:
            self._nonces.popitem(last=False)
        key = self._keys.get(access)
        if key is not None and right is not None and right not in key.rights:
            raise UpbitError("out_of_scope")
        return str(access)

    def _claims(self, authorization: str) -> dict[str, Any]:
        scheme, _, token = authorization.partition(" ")
        parts = token.split(".")
        if scheme != "Bearer" or len(parts) != 3:  # noqa: PLR2004 # header.payload.signature
            raise UpbitError("jwt_verification")
        try:
            header, claims = (json.loads(_decoded(part)) for part in parts[:2])
            signature = _decoded(parts[2])
        except (ValueError, binascii.Error):
            raise UpbitError("jwt_verification") from None
        if not isinstance(claims, dict) or not isinstance(header, dict) or header.get("alg") != "HS256":
            raise UpbitError("jwt_verification")
        key = self._known(claims.get("access_key"))
        secret = key.secret.get_secret_value().encode()
        expected = hmac.new(secret, f"{parts[0]}.{parts[1]}".encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(signature, expected):
            raise UpbitError("jwt_verification")
        return claims

    def _known(self, access: object) -> PaperKey:
        key = self._keys.get(access)
        if key is None:
            raise UpbitError("invalid_access_key")
        if self._clock.now_ms() >= self._keys.expires_ms(key):
            raise UpbitError("expired_access_key")
        return key


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def sent_payload(method: str, raw_query: str, body: bytes) -> str:
    """The string that the client had to hash."""
    if method == "POST":
        return "&".join(f"{name}={value}" for name, value in form_of(body))
    return unquote(raw_query)
