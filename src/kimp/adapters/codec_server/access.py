"""Who may have histories decrypted: the bearer of kimp's own token, or of one that the identity provider signed.

The Web UI passes on the access token of its login (`codec.passAccessToken`); the `temporal` CLI sends whatever
`--codec-auth` says.
"""

import hmac
from pathlib import Path
from typing import Any

import jwt

from kimp.config.history import CodecServerSettings
from kimp.domain.errors import BadConfig, KimpError

SCHEME = "bearer "
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a public key only: a shared secret has no place in a file of public keys."""
LEEWAY_S = 30
HOLDER = "holder of codec_server.token"
WITHOUT_KID = ""


class Denied(KimpError):
    """No token, or one that proves nothing; the text says which, and nothing of the token."""


class Access:
    """Raises BadConfig where nobody could ever be let in, or the public keys can't be used."""

    def __init__(self, settings: CodecServerSettings) -> None:
        if settings.token is None and settings.jwks_file is None:
            raise BadConfig(
                "the codec server lets nobody in: set codec_server.token,"
                " or codec_server.jwks_file with issuer and audience"
            )
        self._token = None if settings.token is None else settings.token.get_secret_value().encode()
        self._keys = {} if settings.jwks_file is None else _public_keys(settings.jwks_file)
        self._issuer, self._audience = settings.issuer, settings.audience

    def who(self, authorization: str) -> str:
        """The caller's name by its `Authorization` header. Raises Denied."""
        if authorization[: len(SCHEME)].lower() != SCHEME:
            raise Denied("an Authorization header with a bearer token is needed")
        token = authorization[len(SCHEME) :].strip()
        if not token.isascii():  # nor could it be encoded: what is no text stands in it as lone surrogates
            raise Denied("the token does not hold: it has signs that no token has")
        if self._token is not None and hmac.compare_digest(token.encode(), self._token):
            return HOLDER
        if not self._keys:
            raise Denied("this is not the token")
        return self._subject(token)

    def _subject(self, token: str) -> str:
        try:
            key = self._keys[jwt.get_unverified_header(token).get("kid", WITHOUT_KID)]
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except KeyError:
            raise Denied("the token is signed with a key that is not in codec_server.jwks_file") from None
        except jwt.PyJWTError as error:
            raise Denied(f"the token does not hold: {type(error).__name__}") from None
        return str(claims["sub"])


def _public_keys(file: Path) -> dict[str, jwt.PyJWK]:
    """By key id. A token without one is checked with the only key, if it is one."""
    try:
        keys = jwt.PyJWKSet.from_json(file.read_text(encoding="utf-8")).keys
    except OSError as error:
        raise BadConfig(f"codec_server.jwks_file {file} cannot be read: {error.strerror}") from None
    except (jwt.PyJWTError, ValueError, AttributeError, TypeError) as error:
        raise BadConfig(
            f"codec_server.jwks_file {file} is no JSON Web Key Set ({type(error).__name__});"
            " the identity provider publishes one, see jwks_uri in its .well-known/openid-configuration"
        ) from None
    if unfit := [key.algorithm_name for key in keys if key.algorithm_name not in ALGORITHMS]:
        raise BadConfig(f"codec_server.jwks_file {file} holds a key for {unfit[0]}; only public keys belong there")
    named = {key.key_id or WITHOUT_KID: key for key in keys}
    return named | ({WITHOUT_KID: keys[0]} if len(keys) == 1 else {})
