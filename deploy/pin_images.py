"""Pins the images that docker-compose.yml and the Dockerfile name to what their registries serve today.

    python3 deploy/pin_images.py

A tag can be moved to other content by whoever may push it; `name:tag@sha256:...` is one content only. Run it on a
machine that reaches the registries, look at `git diff`, commit; and again after a tag was changed.
"""

import hashlib
import json
import re
import sys
from collections.abc import Callable, Mapping
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent
FILES = ("docker-compose.yml", "Dockerfile")
IMAGE = re.compile(
    r"(?P<key>^[ \t]*image:[ \t]+|^FROM[ \t]+|^#[ \t]*syntax=)"
    r"(?P<name>[a-z0-9][a-z0-9./_:-]*):(?P<tag>[\w.-]+)(?P<digest>@sha256:[0-9a-f]{64})?",
    re.MULTILINE,
)
OURS = "kimp"
"""Is built here, and lies in no registry."""
DOCKER_HUB = "registry-1.docker.io"
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
TIMEOUT_S = 20
LARGEST = 4 << 20

Get = Callable[[str, Mapping[str, str]], tuple[int, Mapping[str, str], bytes]]
"""URL and headers -> status, headers by their names in small letters, and body."""


class NotPinned(Exception):
    """In words for the person who ran this."""


def main() -> int:
    texts = {name: (ROOT / name).read_text() for name in FILES}
    try:
        digests = {
            image: digest_of(*image, get)
            for image in sorted({each for text in texts.values() for each in images(text)})
        }
    except (NotPinned, OSError, HTTPException, ValueError) as error:
        print(f"pin_images: nothing was changed: {error}", file=sys.stderr)
        return 1
    for name, text in texts.items():
        (ROOT / name).write_text(pinned(text, digests))
    for (name, tag), digest in digests.items():
        print(f"{name}:{tag} {digest}")
    return 0


def images(text: str) -> list[tuple[str, str]]:
    """Name and tag of each image that is pulled."""
    return [(found["name"], found["tag"]) for found in IMAGE.finditer(text) if found["name"] != OURS]


def pinned(text: str, digests: Mapping[tuple[str, str], str]) -> str:
    """With each image of `digests` at its digest, also where it had another one."""

    def pin(found: re.Match[str]) -> str:
        digest = digests.get((found["name"], found["tag"]))
        return found[0] if digest is None else f"{found['key']}{found['name']}:{found['tag']}@{digest}"

    return IMAGE.sub(pin, text)


def place(name: str) -> tuple[str, str]:
    """Registry and repository, as docker reads a name."""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first):
        return first, rest
    return DOCKER_HUB, name if slash else f"library/{name}"


def digest_of(name: str, tag: str, ask: Get) -> str:
    """Of the manifest's own bytes, for all platforms together where it is an index."""
    registry, repository = place(name)
    url = f"https://{registry}/v2/{repository}/manifests/{tag}"
    try:
        status, headers, body = ask(url, {"Accept": MANIFESTS})
        if status == 401:
            token = _token(headers.get("www-authenticate", ""), ask)
            status, headers, body = ask(url, {"Accept": MANIFESTS, "Authorization": f"Bearer {token}"})
    except OSError as error:
        raise NotPinned(f"{registry} can't be asked for {name}:{tag} ({getattr(error, 'reason', error)})") from None
    if status != 200:
        raise NotPinned(f"{registry} answers {status} for {name}:{tag}")
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if (told := headers.get("docker-content-digest", digest)) != digest:
        raise NotPinned(f"{registry} sent a manifest of {name}:{tag} that is {digest}, and calls it {told[:80]!r}")
    return digest


def _token(challenge: str, ask: Get) -> str:
    """What the registry's WWW-Authenticate header says to fetch: anybody gets one to pull what is public."""
    wanted = dict(CHALLENGE.findall(challenge))
    realm = wanted.pop("realm", "")
    if not realm.startswith("https://"):
        raise NotPinned(f"a registry wants a login that this program can't make: {challenge[:80]!r}")
    status, _, body = ask(f"{realm}?{urlencode(wanted)}", {})
    if status != 200:
        raise NotPinned(f"{realm} answers {status} and gives no token")
    given = json.loads(body)
    return str(given.get("token") or given.get("access_token"))


def get(url: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
    request = Request(url)
    for name, value in headers.items():
        # No second host, where a redirect may lead, gets the token.
        request.add_unredirected_header(name, value)
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:
            return answer.status, _lower(answer.headers), answer.read(LARGEST)
    except HTTPError as refused:
        return refused.code, _lower(refused.headers), b""


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


if __name__ == "__main__":
    sys.exit(main())
