"""Who is let in: the holder of the token, and whoever the identity provider vouches for; nobody by a near miss."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.identity import AUDIENCE, ISSUER, IdentityProvider, publish
from pydantic import SecretStr

from kimp.adapters.codec_server.access import HOLDER, Access, Denied
from kimp.config.history import CodecServerSettings
from kimp.domain.errors import BadConfig

TOKEN = "a-token-that-is-long-enough"
PROVIDER, PROVIDER_OF_OTHERS = IdentityProvider(), IdentityProvider("b2")


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    return publish(tmp_path / "keys.json", PROVIDER)


@pytest.fixture
def access(jwks: Path) -> Access:
    return Access(CodecServerSettings(token=SecretStr(TOKEN), jwks_file=jwks, issuer=ISSUER, audience=AUDIENCE))


def test_the_holder_of_the_token_is_let_in(access: Access) -> None:
    assert access.who(f"Bearer {TOKEN}") == HOLDER
    assert access.who(f"bearer  {TOKEN} ") == HOLDER


@pytest.mark.parametrize("elliptic", [True, False])
def test_who_the_identity_provider_vouches_for_is_let_in_by_name(tmp_path: Path, *, elliptic: bool) -> None:
    provider = IdentityProvider(elliptic=elliptic)
    file = publish(tmp_path / "keys.json", PROVIDER_OF_OTHERS, provider)
    access = Access(CodecServerSettings(jwks_file=file, issuer=ISSUER, audience=AUDIENCE))
    assert access.who(f"Bearer {provider.token(sub='ann@example.com')}") == "ann@example.com"


def test_a_token_without_key_id_is_checked_with_the_only_key(tmp_path: Path) -> None:
    provider = IdentityProvider(None)
    file = publish(tmp_path / "keys.json", provider)
    access = Access(CodecServerSettings(jwks_file=file, issuer=ISSUER, audience=AUDIENCE))
    assert access.who(f"Bearer {provider.token()}") == "ann"


def _forged(algorithm: str, sign: Callable[[bytes], bytes]) -> str:
    """By hand: a library would not make it."""
    claims = {"sub": "eve", "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 60}
    signed = b".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": algorithm, "kid": "a1"}, claims))
    return b".".join([signed, _base64url(sign(signed))]).decode()


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _unsigned() -> str:
    return _forged("none", lambda _: b"")


def _signed_with_the_public_key_as_a_shared_secret() -> str:
    secret = json.dumps(PROVIDER.public_key()).encode()
    return _forged("HS256", lambda signed: hmac.digest(secret, signed, "sha256"))


@pytest.mark.parametrize(
    ("authorization", "words"),
    [
        (lambda: "", "a bearer token is needed"),
        (lambda: TOKEN, "a bearer token is needed"),
        (lambda: f"Basic {TOKEN}", "a bearer token is needed"),
        (lambda: "Bearer ", "does not hold: DecodeError"),
        (lambda: f"Bearer {TOKEN[:-1]}", "does not hold: DecodeError"),
        (lambda: f"Bearer {TOKEN}x", "does not hold: DecodeError"),
        (lambda: "Bearer ünïcödé-ünïcödé-ünïcödé", "signs that no token has"),
        (lambda: "Bearer \udcff\udcfe", "signs that no token has"),
        (lambda: f"Bearer {PROVIDER.token(exp=int(time.time()) - 60)}", "does not hold: ExpiredSignatureError"),
        (lambda: f"Bearer {PROVIDER.token(exp=None)}", "does not hold: MissingRequiredClaimError"),
        (lambda: f"Bearer {PROVIDER.token(sub=None)}", "does not hold: MissingRequiredClaimError"),
        (lambda: f"Bearer {PROVIDER.token(nbf=int(time.time()) + 600)}", "does not hold: ImmatureSignatureError"),
        (lambda: f"Bearer {PROVIDER.token(aud='another service')}", "does not hold: InvalidAudienceError"),
        (lambda: f"Bearer {PROVIDER.token(iss='https://elsewhere')}", "does not hold: InvalidIssuerError"),
        (lambda: f"Bearer {IdentityProvider().token()}", "does not hold: InvalidSignatureError"),
        (lambda: f"Bearer {IdentityProvider('b2').token()}", "a key that is not in codec_server.jwks_file"),
        (lambda: f"Bearer {_unsigned()}", "does not hold: InvalidAlgorithmError"),
        (lambda: f"Bearer {_signed_with_the_public_key_as_a_shared_secret()}", "does not hold: InvalidAlgorithmError"),
    ],
)
def test_everybody_else_is_denied_and_told_why(access: Access, authorization: Callable[[], str], words: str) -> None:
    presented = authorization()
    with pytest.raises(Denied) as denial:
        access.who(presented)
    assert words in str(denial.value)
    assert len(presented) < 8 or presented.split(" ")[-1] not in str(denial.value)


def test_without_an_identity_provider_only_the_token_counts() -> None:
    access = Access(CodecServerSettings(token=SecretStr(TOKEN)))
    assert access.who(f"Bearer {TOKEN}") == HOLDER
    with pytest.raises(Denied, match="this is not the token"):
        access.who(f"Bearer {PROVIDER.token()}")


def test_without_a_token_none_is_the_token(jwks: Path) -> None:
    access = Access(CodecServerSettings(jwks_file=jwks, issuer=ISSUER, audience=AUDIENCE))
    for presented in ("Bearer ", "Bearer None", f"Bearer {TOKEN}"):
        with pytest.raises(Denied):
            access.who(presented)


def test_a_server_that_would_let_nobody_in_does_not_start() -> None:
    with pytest.raises(BadConfig, match="lets nobody in"):
        Access(CodecServerSettings())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file or directory"),
        ("not json", "is no JSON Web Key Set"),
        ("[]", "is no JSON Web Key Set"),
        ("{}", "is no JSON Web Key Set"),
        ('{"keys": []}', "is no JSON Web Key Set"),
        ('{"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}]}', "only public keys belong there"),
    ],
)
def test_public_keys_that_cannot_be_used(tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(BadConfig) as refusal:
        Access(CodecServerSettings(jwks_file=file, issuer=ISSUER, audience=AUDIENCE))
    assert words in str(refusal.value)
    assert str(file) in str(refusal.value)
    assert "\n" not in str(refusal.value)
