"""What a process does with its keys: refuses wrong ones, warns of old ones, and takes new ones while it runs."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes.telemetry import Telemetry, telemetry
from fakes.vault import ROLE_ID, SECRET_ID, FakeVault
from pydantic import SecretStr

from kimp.adapters.clock import SystemClock
from kimp.bootstrap import doctor
from kimp.bootstrap.parts import open_keys, open_trusted_venues, open_venue
from kimp.config import Settings, load
from kimp.domain.errors import BadConfig, KeyRefused
from kimp.domain.keys import Right
from kimp.domain.venues import PAIR, Venue
from kimp.operations.keys import KeyInUse, KeyKeeper, VenueKey, kept
from kimp.paper import keys as paper_keys
from kimp.paper.config import PaperConfig, SyntheticMarket
from kimp.paper.faults.kinds import FaultKind
from kimp.paper.faults.plan import FaultPlan
from kimp.paper.keys import PaperKey
from kimp.paper.server import PaperExchange

READ, TRADE, WITHDRAW = Right.READ, Right.TRADE, Right.WITHDRAW
SECOND = {"access_key": "second", "secret_key": "second-secret"}
WITHIN_S = 20


@dataclass
class Scene:
    """A paper exchange, a Vault, and a process's settings in the environment."""

    paper: PaperExchange
    vault: FakeVault
    figures: Telemetry = field(default_factory=telemetry)

    def keys(self, venue: Venue = Venue.UPBIT) -> paper_keys.ApiKeys:
        return self.paper.world.keys[venue]

    def grant(self, *rights: Right, venue: Venue = Venue.UPBIT, **facts: Any) -> None:
        """The second key."""
        granted = frozenset(paper_keys.PaperRight(right) for right in rights)
        self.keys(venue).add(
            PaperKey(access=SecretStr("second"), secret=SecretStr("second-secret"), rights=granted, **facts)
        )

    def write(self, **tables: Any) -> None:
        """What Vault holds from now on."""
        self.vault.secrets["secret", "kimp/test"] = tables or {"upbit__allow_excess_rights": "true"}

    def keeper(self, settings: Settings, held: list[VenueKey]) -> KeyKeeper:
        def open_with(settings: Settings, key: KeyInUse) -> Any:
            return open_venue(settings, key.venue, key)

        return KeyKeeper(settings, held, SystemClock(), open_with)


@pytest.fixture
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("KIMP_", "VAULT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def vault() -> Iterator[FakeVault]:
    with FakeVault().running() as vault:
        yield vault


@pytest.fixture
async def scene(clean: None, vault: FakeVault, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    config = PaperConfig(upbit_port=0, binance_port=0, admin_port=0, market=SyntheticMarket(ticks_per_second=0))
    async with PaperExchange(config) as paper:
        for name, value in {
            "KIMP_UPBIT__REST_URL": f"http://127.0.0.1:{paper.upbit_port}",
            "KIMP_BINANCE__REST_URL": f"http://127.0.0.1:{paper.binance_port}",
            "KIMP_CONFIG__REFRESH_S": "1",
            "KIMP_VAULT_ADDR": vault.address,
            "KIMP_VAULT_PATH": "kimp/test",
            "KIMP_VAULT_ROLE_ID": ROLE_ID,
            "KIMP_VAULT_SECRET_ID": SECRET_ID,
        }.items():
            monkeypatch.setenv(name, value)
        scene = Scene(paper, vault)
        scene.write()
        yield scene


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def start(scene: Scene, *rights: Right, venue: Venue = Venue.UPBIT) -> None:
    """As a service starts: raises what ends it."""
    settings = load()
    held = open_keys(settings, venue, rights)
    try:
        await scene.keeper(settings, held).start()
    finally:
        for one in held:
            await one.exchange.close()


async def eventually(question: Any) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await question():  # noqa: ASYNC110 - what it asks for happens elsewhere
            await asyncio.sleep(0.05)


# At the start


@pytest.mark.parametrize("venue", list(PAIR))
async def test_the_one_key_for_everything_is_good_for_all_on_the_paper_exchange(scene: Scene, venue: Venue) -> None:
    for rights in ((READ,), (TRADE,), (WITHDRAW,), (TRADE, WITHDRAW)):
        await start(scene, *rights, venue=venue)


@pytest.mark.parametrize("venue", list(PAIR))
@pytest.mark.parametrize(
    ("right", "granted", "words"),
    [
        (READ, (READ, TRADE), "read key may also trade, which it is not for"),
        (TRADE, (READ, TRADE, WITHDRAW), "trade key may also withdraw, which it is not for"),
        (WITHDRAW, (READ, TRADE, WITHDRAW), "withdraw key may also trade, which it is not for"),
        (TRADE, (READ,), "trade key may not trade; make one that may"),
        (WITHDRAW, (READ, TRADE), "withdraw key may not withdraw; make one that may"),
    ],
)
async def test_a_key_with_more_or_fewer_rights_is_refused(
    scene: Scene, venue: Venue, right: Right, granted: tuple[Right, ...], words: str
) -> None:
    scene.grant(*granted, venue=venue)
    scene.write(**{venue: {"keys": {right.value: SECOND}}})
    with pytest.raises(BadConfig, match=f"the {venue} {words}"):
        await start(scene, right, venue=venue)


async def test_more_rights_may_be_allowed_but_never_fewer(scene: Scene) -> None:
    scene.grant(READ, TRADE, WITHDRAW)
    scene.write(upbit={"keys": {"trade": SECOND}, "allow_excess_rights": True})
    await start(scene, TRADE)
    scene.grant(READ, WITHDRAW)
    with pytest.raises(BadConfig, match="may not trade"):
        await start(scene, TRADE)


async def test_the_one_key_for_everything_may_be_forbidden(scene: Scene) -> None:
    scene.write(upbit={"allow_excess_rights": False})
    with pytest.raises(BadConfig, match="the upbit read key may also trade and withdraw"):
        await start(scene, READ)


async def test_rights_that_kimp_never_needs_are_too_many(scene: Scene) -> None:
    scene.grant(READ, TRADE, venue=Venue.BINANCE, futures=True)
    scene.write(binance={"keys": {"trade": SECOND}})
    with pytest.raises(BadConfig, match="the binance trade key may also enableFutures"):
        await start(scene, TRADE, venue=Venue.BINANCE)


async def test_each_process_uses_its_own_key(scene: Scene) -> None:
    """A worker of both queues holds two keys, and one exchange each."""
    scene.grant(READ, TRADE)
    scene.keys().add(
        PaperKey(
            access=SecretStr("third"),
            secret=SecretStr("third-secret"),
            rights=frozenset({paper_keys.PaperRight.READ, paper_keys.PaperRight.WITHDRAW}),
        )
    )
    third = {"access_key": "third", "secret_key": "third-secret"}
    scene.write(upbit={"keys": {"trade": SECOND, "withdraw": third}})
    async with open_trusted_venues(load(), [TRADE, WITHDRAW]) as venues:
        assert venues[TRADE][Venue.UPBIT] is not venues[WITHDRAW][Venue.UPBIT]
        assert venues[TRADE][Venue.BINANCE] is venues[WITHDRAW][Venue.BINANCE]
        await venues[TRADE][Venue.UPBIT].balances()
        await venues[WITHDRAW][Venue.UPBIT].balances()
    used = {entry["key"] for entry in scene.paper.world.journal.tail(5_000, "request") if entry["venue"] == "upbit"}
    assert used == {"second", "third"}


async def test_an_unknown_key_is_one_clear_line(scene: Scene) -> None:
    scene.write(upbit={"keys": {"trade": SECOND}})
    with pytest.raises(BadConfig, match=r"the upbit trade key is refused; mend upbit.keys.trade") as error:
        await start(scene, TRADE)
    assert "second-secret" not in str(error.value)


async def test_a_venue_that_is_away_keeps_nobody_from_starting_and_is_asked_again(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.grant(READ, TRADE, WITHDRAW)
    scene.write(upbit={"keys": {"trade": SECOND}})
    scene.paper.world.faults.injector.set(
        FaultPlan.model_validate({"rules": [{"kind": FaultKind.HTTP_503, "rate": 1, "venue": "upbit"}]})
    )
    settings = load()

    async def serve() -> None:
        async with open_trusted_venues(settings, [TRADE]):
            assert "it is not known yet what the upbit trade key may do" in caplog.text
            scene.paper.world.faults.injector.set(FaultPlan())
            await asyncio.sleep(WITHIN_S)

    with pytest.raises(BadConfig, match="may also withdraw"):
        await serve()


# Age


async def test_a_key_that_expires_soon_is_told_of_and_measured(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.grant(READ, TRADE, expires=datetime.now(UTC) + timedelta(days=9, hours=1))
    scene.write(upbit={"keys": {"trade": SECOND}})
    await start(scene, TRADE)
    assert "the upbit trade key expires in 9 days" in caplog.text
    assert scene.figures.total("kimp.key.expiry", venue="upbit", right="trade") == 9


async def test_a_key_with_time_left_is_only_measured(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    await start(scene, TRADE)
    assert "expires" not in caplog.text
    assert scene.figures.total("kimp.key.expiry", venue="upbit", right="trade") > 300


async def test_the_doctor_looks_at_every_key(scene: Scene) -> None:
    scene.grant(READ, TRADE, expires=datetime.now(UTC) + timedelta(days=9, hours=1))
    scene.write(upbit={"keys": {"trade": SECOND}})
    reported = await doctor.venue_keys_serve(load(), Venue.UPBIT)
    assert "read+withdraw: read, trade, withdraw; good for 36" in reported
    assert "trade: read, trade; expires in 9 days" in reported


async def test_the_doctor_finds_a_key_that_no_process_would_run_with(scene: Scene) -> None:
    scene.grant(READ, WITHDRAW)
    scene.write(binance={"keys": {"trade": SECOND}}, upbit={"keys": {"trade": SECOND}})
    with pytest.raises(BadConfig, match="the upbit trade key may not trade"):
        await doctor.venue_keys_serve(load(), Venue.UPBIT)
    with pytest.raises(KeyRefused):
        await doctor.venue_keys_serve(load(), Venue.BINANCE)


async def test_the_doctor_waits_a_shared_limit_out(scene: Scene) -> None:
    scene.paper.world.faults.injector.set(too_many_requests(scripted={"times": 2}))
    reported = await doctor.venue_keys_serve(load(), Venue.UPBIT)
    assert "read+trade+withdraw: read, trade, withdraw" in reported


async def test_the_doctor_calls_no_key_bad_that_it_could_not_ask_about(scene: Scene) -> None:
    scene.paper.world.faults.injector.set(too_many_requests(rules={"rate": 1}))
    found = {finding.part: finding async for finding in doctor.run_doctor(load())}
    assert found["upbit keys"].state == "warning"
    assert found["upbit keys"].detail == "could not ask: upbit: too many requests [too_many_requests]"
    assert found["binance keys"].state == "ok"
    assert list(found)[-5:] == ["upbit", "binance", "upbit keys", "binance keys", "ledger"]


async def test_the_doctor_waits_for_no_part_for_ever(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporal's port takes connections and says nothing."""
    held = asyncio.Event()

    async def silence(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.close()

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    first, *_ = [finding async for finding in doctor.run_doctor(load(), within_s=1)]
    held.set()
    server.close()
    assert (first.part, first.state, first.detail) == ("temporal", "failed", "no answer within 1 s")


def too_many_requests(**when: dict[str, Any]) -> FaultPlan:
    fault = {"kind": FaultKind.RATE_LIMIT, "venue": "upbit"}
    return FaultPlan.model_validate({name: [fault | more] for name, more in when.items()})


# Rotation


async def test_a_key_that_changes_in_vault_is_used_from_the_next_request_on(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """And what was begun with the first one goes on."""
    caplog.set_level(logging.INFO)
    first = {"access_key": "paper-upbit", "secret_key": "paper-upbit-secret"}
    scene.write(upbit=first)
    async with open_trusted_venues(load(), [TRADE]) as venues:
        upbit = venues[TRADE][Venue.UPBIT]
        await upbit.balances()
        scene.grant(READ, TRADE)
        scene.write(upbit=SECOND)

        async def changed() -> bool:
            return "the upbit trade key was changed" in caplog.text

        await eventually(changed)
        scene.keys().revoke("paper-upbit")
        await upbit.balances()
    last = scene.paper.world.journal.tail(1, "request")
    assert last[0]["key"] == "second"
    assert "second-secret" not in caplog.text


async def test_a_vault_that_is_away_at_a_rotation_changes_nothing(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings = load()
    held = open_keys(settings, Venue.UPBIT, [TRADE])
    async with kept(scene.keeper(settings, held)):
        scene.vault.trouble = "sealed"

        before = scene.figures.total("kimp.config.refresh_failures")

        async def failed_twice() -> bool:
            return scene.figures.total("kimp.config.refresh_failures") >= before + 2

        await eventually(failed_twice)
        assert caplog.text.count("could not be read again") == 1
        assert f"vault at {scene.vault.address}: is sealed" in caplog.text
        await held[0].exchange.balances()
        scene.vault.trouble = None

        async def back() -> bool:
            return "can be read again" in caplog.text

        await eventually(back)
    await held[0].exchange.close()


@pytest.mark.parametrize(
    ("granted", "words"), [((READ, TRADE, WITHDRAW), "may also withdraw"), ((READ,), "may not trade"), ((), "invalid")]
)
async def test_a_new_key_that_is_wrong_is_not_taken(
    scene: Scene, caplog: pytest.LogCaptureFixture, granted: tuple[Right, ...], words: str
) -> None:
    scene.write(upbit={"access_key": "paper-upbit", "secret_key": "paper-upbit-secret"})
    async with open_trusted_venues(load(), [TRADE]) as venues:
        if granted:
            scene.grant(*granted)
        scene.write(upbit={"keys": {"trade": SECOND}})

        async def reported() -> bool:
            return words in caplog.text

        await eventually(reported)
        await venues[TRADE][Venue.UPBIT].balances()
    assert "the old one stays in use" in caplog.text


async def test_a_revoked_key_ends_in_a_refusal_not_in_a_crash(scene: Scene) -> None:
    async with open_trusted_venues(load(), [TRADE]) as venues:
        scene.keys().revoke("paper-upbit")
        with pytest.raises(KeyRefused):
            await venues[TRADE][Venue.UPBIT].balances()
