"""Images at their digests: which are found, what the registry is asked, what is written."""

import hashlib
import json
from collections.abc import Mapping

import pytest
from architecture.project import ROOT

from deploy.pin_images import FILES, NotPinned, digest_of, images, pinned, place

MANIFEST = b'{"schemaVersion":2}'
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
OLD = f"sha256:{'0' * 64}"
LOGIN = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/redis:pull"'
Answer = tuple[int, Mapping[str, str], bytes]


class Registry:
    """Wants a token first."""

    def __init__(self, *, challenge: str = LOGIN, digest: str = DIGEST, status: int = 200) -> None:
        self.challenge, self.digest, self.status = challenge, digest, status
        self.asked: list[str] = []

    def __call__(self, url: str, headers: Mapping[str, str]) -> Answer:
        self.asked.append(url)
        if "/token?" in url:
            return 200, {}, json.dumps({"token": "t0"}).encode()
        if headers.get("Authorization") != "Bearer t0":
            return 401, {"www-authenticate": self.challenge}, b""
        return self.status, {"docker-content-digest": self.digest}, MANIFEST


def unreachable(url: str, headers: Mapping[str, str]) -> Answer:
    raise OSError("Name or service not known")


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("redis", ("registry-1.docker.io", "library/redis")),
        ("grafana/loki", ("registry-1.docker.io", "grafana/loki")),
        ("ghcr.io/astral-sh/uv", ("ghcr.io", "astral-sh/uv")),
        ("10.0.0.5:5000/mysql", ("10.0.0.5:5000", "mysql")),
    ],
)
def test_a_name_says_its_registry(name: str, at: tuple[str, str]) -> None:
    assert place(name) == at


def test_every_image_that_is_pulled_is_found_and_no_other() -> None:
    found = {name for file in FILES for name, _ in images((ROOT / file).read_text())}
    assert {
        "mysql",
        "redis",
        "postgres",
        "temporalio/server",
        "grafana/grafana",
        "python",
        "ghcr.io/astral-sh/uv",
    } <= found
    assert "kimp" not in found
    compose = (ROOT / FILES[0]).read_text()
    named = [line.split()[1] for line in compose.splitlines() if line.strip().startswith("image:")]
    assert len(images(compose)) == len([image for image in named if not image.startswith("kimp:")])


def test_the_digest_comes_by_the_token_that_the_registry_names() -> None:
    registry = Registry()
    assert digest_of("redis", "7.2.11", registry) == DIGEST
    manifest = "https://registry-1.docker.io/v2/library/redis/manifests/7.2.11"
    token = "https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Alibrary%2Fredis%3Apull"
    assert registry.asked == [manifest, token, manifest]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (unreachable, "registry-1.docker.io can't be asked for redis:7 \\(Name or service not known\\)"),
        (Registry(status=404), "answers 404 for redis:7"),
        (Registry(digest=OLD), "calls it 'sha256:000"),
        (Registry(challenge='Basic realm="x"'), "wants a login"),
        (Registry(challenge='Bearer realm="file:///etc/passwd"'), "wants a login"),
    ],
)
def test_without_a_digest_to_believe_nothing_is_pinned(ask: Registry, words: str) -> None:
    with pytest.raises(NotPinned, match=words):
        digest_of("redis", "7", ask)


def test_each_image_is_written_with_its_digest_and_the_rest_stays() -> None:
    before = f"# syntax=docker/dockerfile:1\nFROM python:3.11-slim AS build\nFROM redis:7@{OLD}\n  image: kimp:0.1.0\n"
    digests = {("docker/dockerfile", "1"): DIGEST, ("python", "3.11-slim"): DIGEST, ("redis", "7"): DIGEST}
    after = pinned(before, digests)
    assert after == (
        f"# syntax=docker/dockerfile:1@{DIGEST}\nFROM python:3.11-slim@{DIGEST} AS build\n"
        f"FROM redis:7@{DIGEST}\n  image: kimp:0.1.0\n"
    )
    assert pinned(after, digests) == after, "again changes nothing"
