"""A key ring that can't be used, or a codec server that lets in too many, is refused at start in one clear line."""

import base64
import json
from typing import Any

import pytest
from fakes.sealing import new_key, written

from kimp.bootstrap.temporal import history_codec, history_converter
from kimp.config import Settings, load
from kimp.domain.errors import BadConfig

ONE, TWO = written(new_key()), written(new_key())
JWKS = {"jwks_file": "keys.json", "issuer": "https://login", "audience": "temporal"}


@pytest.mark.parametrize(
    ("history", "words"),
    [
        ({"keys": {"k1": "short"}}, "key k1 is not 32 bytes in base64; `kimp codec new-key` prints one"),
        ({"keys": {"k1": base64.b64encode(b"x" * 16).decode()}}, "key k1 is not 32 bytes"),
        ({"keys": {"k1": ""}}, "key k1 is not 32 bytes"),
        ({"keys": {"k1": ONE + "!"}}, "key k1 is not 32 bytes"),
        ({"keys": {"K 1": ONE}}, "key id 'K 1': use a-z, 0-9, - and _"),
        ({"keys": {"k" * 33: ONE}}, "at most 32 of them"),
        ({"keys": {"k1": ONE, "k2": TWO}}, "active_key must say which of the keys encrypts: k1, k2"),
        ({"keys": {"k1": ONE}, "active_key": "k2"}, "active_key k2 is not among the keys: k1"),
        ({"active_key": "k1"}, "say nothing without keys"),
        ({"accept_plaintext_until": "2027-01-01T00:00:00+09:00"}, "say nothing without keys"),
        ({"keys": {"k1": ONE}, "accept_plaintext_until": "2027-01-01T00:00:00"}, "timezone"),
        ({"keys": {"k1": ONE}, "compress": True}, "history.compress: there is no such setting"),
    ],
)
def test_unusable_keys(monkeypatch: pytest.MonkeyPatch, history: dict[str, Any], words: str) -> None:
    monkeypatch.setenv("KIMP_HISTORY", json.dumps(history))
    with pytest.raises(BadConfig) as refusal:
        load()
    assert words in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
    assert ONE not in str(refusal.value)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({"allowed_origins": ["*"]}, "'*' is no origin; write scheme, host and port only"),
        ({"allowed_origins": ["https://*.example.com"]}, "is no origin"),
        ({"allowed_origins": ["https://ui.example.com/"]}, "is no origin"),
        ({"allowed_origins": ["null"]}, "is no origin"),
        ({"token": "short"}, "at least 16"),
        ({"jwks_file": "keys.json"}, "jwks_file needs issuer and audience"),
        ({**JWKS, "audience": ""}, "jwks_file needs issuer and audience"),
        ({"tls_cert": "cert.pem"}, "tls_cert and tls_key go together"),
    ],
)
def test_a_codec_server_that_lets_in_too_many(
    monkeypatch: pytest.MonkeyPatch, server: dict[str, Any], words: str
) -> None:
    monkeypatch.setenv("KIMP_CODEC_SERVER", json.dumps(server))
    with pytest.raises(BadConfig) as refusal:
        load()
    assert words in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_histories_are_plain_by_default() -> None:
    settings = load()
    assert not settings.history.encrypted
    assert history_codec(settings).ring is None


@pytest.mark.parametrize(
    "variables",
    [
        {"KIMP_HISTORY__KEYS__K1": ONE},
        {"KIMP_HISTORY__KEYS": json.dumps({"k1": ONE})},
        {"KIMP_HISTORY__KEYS__K1": ONE, "KIMP_HISTORY__KEYS__K2": TWO, "KIMP_HISTORY__ACTIVE_KEY": "k1"},
    ],
)
async def test_one_variable_turns_encryption_on(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = load()
    assert settings.history.active == "k1"
    converter = history_converter(settings)
    (payload,) = await converter.encode(["311.78"])
    assert payload.metadata["encryption-key-id"] == b"k1"
    assert await converter.decode([payload]) == ["311.78"]
    assert ONE not in settings.model_dump_json() + repr(settings)


def test_only_encrypted_cycles_are_discreet() -> None:
    assert not load().policy().discreet
    assert Settings.model_validate({"history": {"keys": {"k1": ONE}}}).policy().discreet


def test_the_namespace_is_that_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "elsewhere")
    assert history_codec(Settings.model_validate({"history": {"keys": {"k1": ONE}}})).namespace == "elsewhere"


def test_the_time_of_transition_has_a_zone() -> None:
    history = {"keys": {"k1": ONE}, "accept_plaintext_until": "2027-01-01T09:00:00+09:00"}
    settings = Settings.model_validate({"history": history})
    assert history_codec(settings).plaintext_until_ms == 1_798_761_600_000
