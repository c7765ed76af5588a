"""An identity provider: a key pair, the file of public keys that it publishes, and access tokens."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ISSUER, AUDIENCE = "https://login.example.com", "temporal"


class IdentityProvider:
    def __init__(self, key_id: str | None = "a1", *, elliptic: bool = True) -> None:
        self.key_id = key_id
        self.algorithm = "ES256" if elliptic else "RS256"
        self._key = ec.generate_private_key(ec.SECP256R1()) if elliptic else rsa.generate_private_key(65537, 2048)

    def public_key(self) -> dict[str, Any]:
        algorithms = jwt.get_algorithm_by_name(self.algorithm)
        described: dict[str, Any] = json.loads(algorithms.to_jwk(self._key.public_key()))
        return described if self.key_id is None else described | {"kid": self.key_id, "alg": self.algorithm}

    def token(self, **changed: Any) -> str:
        """Good for an hour unless told otherwise; a claim that is None is left out."""
        claims = {"sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 3600} | changed
        headers = None if self.key_id is None else {"kid": self.key_id}
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(present, self._key, algorithm=self.algorithm, headers=headers)


def publish(file: Path, *providers: IdentityProvider) -> Path:
    file.write_text(json.dumps({"keys": [provider.public_key() for provider in providers]}))
    return file
