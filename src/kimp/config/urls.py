"""What a URL of a server may look like. No refusal tells any part of the URL, which may hold a password. Pure.

A password with one of the URL's own signs in it moves the rest of the URL: the host is then another, or a piece of the
password passes for the host and stands in messages. So such a URL is refused before any library reads it.
"""

import ipaddress
import re
from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl, urlsplit

ENCODE = "write such signs in user and password as %23 for #, %2F for /, %3F for ?, %40 for @, %3A for :, %25 for %"
SPLIT = re.compile(r"(?P<scheme>[a-z][a-z0-9+]*)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)
ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
REDIS_TLS = frozenset({"ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"})
REDIS_OPTIONS: Mapping[str, Collection[str]] = {"redis": (), "rediss": REDIS_TLS, "unix": ("db",)}
"""Scheme -> what may follow the `?`: others fail late, or make the library hand over what kimp does not read."""
REDIS_FORM = "write redis://user:password@host:6379/0, or rediss:// for TLS"


def redis_fault(url: str) -> str | None:
    """What is wrong with a URL of Redis, in words."""
    scheme = url.partition("://")[0]
    if scheme not in REDIS_OPTIONS or "://" not in url:
        return f"it is no Redis URL; {REDIS_FORM}"
    if scheme == "unix":
        return options_fault(url, REDIS_OPTIONS[scheme])
    fault = server_fault(url) or options_fault(url, REDIS_OPTIONS[scheme])
    if fault is None and not re.fullmatch(r"(/\d{0,4})?", urlsplit(url).path):
        return f"what follows the host is no number of a Redis database; {REDIS_FORM}"
    return fault


def server_fault(url: str) -> str | None:
    """What is wrong with `scheme://user:password@host:port/...`, in words."""
    parts = SPLIT.fullmatch(url)
    if parts is None:
        return "it is no URL of a server"
    if not url.isascii() or not url.isprintable() or re.search(r"[\s\"'`<>\\]", url):
        return f"it has a blank, a quote, an invisible or a foreign sign in it; {ENCODE}"
    user, _, place = parts["authority"].rpartition("@")
    if "[" in user or "]" in user:
        return f"a bracket in its user or password is not encoded; {ENCODE}, %5B for [, %5D for ]"
    if "@" in user or "@" in parts["rest"] or "#" in url or ESCAPE.search(user):
        return f"a password in it is not encoded; {ENCODE}"
    return _place_fault(place)


def _place_fault(place: str) -> str | None:
    host, port = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:]*)(.*)", place, re.DOTALL).groups()  # type: ignore[union-attr]
    if not host:
        return "it names no host"
    if not (_is_address(host[1:-1]) if host.startswith("[") else re.fullmatch(r"[A-Za-z0-9._-]+", host)):
        return "its host is none"
    if port and not (re.fullmatch(r":\d{1,5}", port) and 0 < int(port[1:]) < 65536):  # noqa: PLR2004 - TCP's
        return "its port is no number from 1 to 65535"
    return None


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def options_fault(url: str, allowed: Collection[str]) -> str | None:
    """What follows the `?`."""
    given = parse_qsl(url.partition("?")[2], keep_blank_values=True)
    known = [name for name, _ in given if name in allowed]
    if len(known) < len(given):
        # A name that is not known may be a piece of a password.
        return (
            f"it has options that kimp does not know; {' and '.join(sorted(allowed)) or 'none'} may follow the ?"
            f" ({ENCODE})"
        )
    return "an option stands in it twice" if len(set(known)) < len(known) else None
