"""Settings of encrypted histories: the key ring, and the server that decrypts for people."""

import base64
import binascii
import re
from pathlib import Path

from pydantic import AwareDatetime, Field, SecretStr, field_validator, model_validator

from kimp.config.section import ApiKeyText, Section, all_hold

KEY_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
"""Small letters, because the name of an environment variable says nothing of their size."""
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d+)?")
KEY_BYTES = 32
"""AES-256."""


def _bytes_of(key: SecretStr) -> bytes:
    try:
        return base64.b64decode(key.get_secret_value(), validate=True)
    except (binascii.Error, ValueError):
        return b""


class HistorySettings(Section):
    """Encryption of what Temporal stores. No key: histories are plain."""

    keys: dict[str, SecretStr] = Field(default_factory=dict)
    """Key id -> 32 bytes in base64. All decrypt, `active_key` encrypts; an id is stored beside what it encrypted."""
    active_key: str | None = None
    """May be left out where there is one key only."""
    accept_plaintext_until: AwareDatetime | None = None
    """For the time after encryption was switched on: until then cycles that began without it are read too."""

    @field_validator("keys")
    @classmethod
    def _usable(cls, keys: dict[str, SecretStr]) -> dict[str, SecretStr]:
        all_hold(
            *(
                (bool(KEY_ID.fullmatch(name)), f"key id {name!r}: use a-z, 0-9, - and _, at most 32 of them")
                for name in keys
            ),
            *(
                (
                    len(_bytes_of(key)) == KEY_BYTES,
                    f"key {name} is not {KEY_BYTES} bytes in base64; `kimp codec new-key` prints one",
                )
                for name, key in keys.items()
            ),
        )
        return keys

    @model_validator(mode="after")
    def _one_is_active(self) -> "HistorySettings":
        if not self.keys and (self.active_key or self.accept_plaintext_until):
            raise ValueError("active_key and accept_plaintext_until say nothing without keys")
        if len(self.keys) > 1 and self.active_key is None:
            raise ValueError(f"active_key must say which of the keys encrypts: {', '.join(self.keys)}")
        if self.active_key is not None and self.active_key not in self.keys:
            raise ValueError(f"active_key {self.active_key} is not among the keys: {', '.join(self.keys)}")
        return self

    @property
    def encrypted(self) -> bool:
        return bool(self.keys)

    @property
    def active(self) -> str:
        """The id of the key that encrypts; only where there is one."""
        return self.active_key or next(iter(self.keys))

    def key_bytes(self) -> dict[str, bytes]:
        """The keys themselves: never print them."""
        return {name: _bytes_of(key) for name, key in self.keys.items()}


class CodecServerSettings(Section):
    """`kimp codec serve`: decrypts for the Temporal Web UI and the `temporal` CLI, for those who may read."""

    host: str = "127.0.0.1"
    """Where it listens."""
    port: int = Field(default=9810, ge=0, lt=65536)
    """0: any free one."""
    allowed_origins: tuple[str, ...] = ()
    """Web UIs that may call, each exactly as a browser names it: scheme, host, port; no path, no wildcard."""
    token: ApiKeyText | None = Field(default=None, min_length=16)
    """For `temporal --codec-auth "Bearer ..."`; whoever has it may read everything."""
    jwks_file: Path | None = None
    """Public keys of the identity provider whose access tokens the Web UI passes on."""
    issuer: str | None = None
    """Who must have made an access token."""
    audience: str | None = None
    """Whom an access token must be made for."""
    tls_cert: Path | None = None
    """Certificate chain, PEM."""
    tls_key: Path | None = None
    """The Web UI hands its token to https only; without these two a proxy must do the TLS."""

    @field_validator("allowed_origins")
    @classmethod
    def _exact(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        wrong = ", ".join(repr(origin) for origin in origins if not ORIGIN.fullmatch(origin))
        if wrong:
            raise ValueError(f"{wrong} is no origin; write scheme, host and port only: https://temporal.example.com")
        return origins

    @model_validator(mode="after")
    def _whole(self) -> "CodecServerSettings":
        all_hold(
            (
                self.jwks_file is None or bool(self.issuer and self.audience),
                "jwks_file needs issuer and audience: else a token made for anything would do",
            ),
            ((self.tls_cert is None) == (self.tls_key is None), "tls_cert and tls_key go together"),
        )
        return self
