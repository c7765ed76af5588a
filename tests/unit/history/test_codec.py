"""What is sealed opens again, with any key of the ring, and only as it was sealed, where it was sealed for."""

from collections.abc import Callable

import pytest
from fakes.sealing import codec, new_key, payload
from temporalio.api.common.v1 import Payload
from temporalio.converter import ActivitySerializationContext, WorkflowSerializationContext

from kimp.adapters.temporal.codec import KEY_ID, NONCE_BYTES, WORKFLOW_ID, is_sealed, key_id_of
from kimp.adapters.temporal.converter import Unreadable, data_converter

OLD, NEW = new_key(), new_key()
PLAIN = payload()


def test_what_is_sealed_opens_as_it_was() -> None:
    sealed = codec({"k1": OLD}).seal(PLAIN)
    assert codec({"k1": OLD}).open(sealed) == PLAIN


def test_only_key_id_and_workflow_are_readable() -> None:
    sealed = codec({"k1": OLD}).seal(PLAIN)
    assert dict(sealed.metadata) == {
        "encoding": b"binary/encrypted",
        "encryption-key-id": b"k1",
        "workflow-id": b"cycle-XRP-1",
    }
    assert b"311.78" not in sealed.SerializeToString()
    assert b"json/plain" not in sealed.SerializeToString()


def test_the_payload_that_is_sealed_is_not_touched() -> None:
    plain = payload()
    codec({"k1": OLD}).seal(plain)
    assert plain == PLAIN


def test_the_same_payload_never_looks_the_same_twice() -> None:
    one = codec({"k1": OLD})
    nonces = {one.seal(PLAIN).data[:NONCE_BYTES] for _ in range(10_000)}
    assert len(nonces) == 10_000


def test_after_a_rotation_the_new_key_seals_and_the_old_one_still_opens() -> None:
    before = codec({"k1": OLD}).seal(PLAIN)
    rotated = codec({"k1": OLD, "k2": NEW}, active="k2")
    after = rotated.seal(PLAIN)
    assert key_id_of(after) == "k2"
    assert rotated.open(before) == rotated.open(after) == PLAIN


def test_a_process_that_has_the_new_key_but_does_not_use_it_yet_reads_both() -> None:
    waiting = codec({"k1": OLD, "k2": NEW}, active="k1")
    assert key_id_of(waiting.seal(PLAIN)) == "k1"
    assert waiting.open(codec({"k1": OLD, "k2": NEW}, active="k2").seal(PLAIN)) == PLAIN


def test_a_key_that_was_taken_off_too_early_is_named() -> None:
    sealed = codec({"k1": OLD}).seal(PLAIN)
    with pytest.raises(Unreadable) as loss:
        codec({"k2": NEW}, active="k2").open(sealed)
    assert str(loss.value) == (
        'a payload of the history is encrypted with key "k1", and history.keys has only k2:'
        " put that key back, nothing else can read this"
    )


def test_without_any_key_a_sealed_payload_says_what_is_missing() -> None:
    with pytest.raises(Unreadable, match=r'encrypted with key "k1", and no key is configured here: set history.keys'):
        codec(None).open(codec({"k1": OLD}).seal(PLAIN))


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _with(sealed: Payload, **changed: bytes) -> Payload:
    names = {"key_id": KEY_ID, "workflow_id": WORKFLOW_ID}
    metadata = dict(sealed.metadata) | {names[name]: value for name, value in changed.items() if name in names}
    return Payload(metadata=metadata, data=changed.get("data", sealed.data))


@pytest.mark.parametrize(
    "tamper",
    [
        lambda sealed: _with(sealed, data=_flip(sealed.data, 0)),
        lambda sealed: _with(sealed, data=_flip(sealed.data, NONCE_BYTES)),
        lambda sealed: _with(sealed, data=_flip(sealed.data, len(sealed.data) - 1)),
        lambda sealed: _with(sealed, data=sealed.data[:-1]),
        lambda sealed: _with(sealed, data=sealed.data[:NONCE_BYTES]),
        lambda sealed: _with(sealed, data=sealed.data[:5]),
        lambda sealed: _with(sealed, data=b""),
        lambda sealed: _with(sealed, key_id=b"k2"),
    ],
    ids=["nonce", "ciphertext", "tag", "cut by one", "nothing but a nonce", "half a nonce", "empty", "other key's id"],
)
def test_what_was_altered_does_not_open(tamper: Callable[[Payload], Payload]) -> None:
    one = codec({"k1": OLD, "k2": NEW})
    with pytest.raises(Unreadable, match=r"not what was encrypted with key .* in namespace kimp"):
        one.open(tamper(one.seal(PLAIN)))


def test_the_same_key_under_another_id_does_not_open_it() -> None:
    """The id is authenticated, not only used to find the key."""
    one = codec({"k1": OLD, "k2": OLD})
    with pytest.raises(Unreadable, match="it was altered"):
        one.open(_with(one.seal(PLAIN), key_id=b"k2"))


def test_another_key_under_the_same_id_does_not_open_it() -> None:
    with pytest.raises(Unreadable, match="or another key has this id"):
        codec({"k1": NEW}).open(codec({"k1": OLD}).seal(PLAIN))


def test_a_payload_of_another_namespace_does_not_open() -> None:
    sealed = codec({"k1": OLD}, namespace="kimp-test").seal(PLAIN)
    with pytest.raises(Unreadable, match="in namespace kimp: it was altered, or comes from elsewhere"):
        codec({"k1": OLD}).open(sealed)


def test_a_payload_of_another_cycle_does_not_open() -> None:
    sealed = codec({"k1": OLD}, workflow_id="cycle-XRP-2").seal(PLAIN)
    with pytest.raises(Unreadable, match='written for workflow "cycle-XRP-2", found in "cycle-XRP-1"'):
        codec({"k1": OLD}).open(sealed)


@pytest.mark.parametrize("reader", ["cycle-XRP-1", None], ids=["the cycle's own worker", "a codec server"])
def test_a_payload_that_is_given_out_for_another_cycles_does_not_open(reader: str | None) -> None:
    sealed = codec({"k1": OLD}, workflow_id="cycle-XRP-2").seal(PLAIN)
    with pytest.raises(Unreadable, match="it was altered"):
        codec({"k1": OLD}, workflow_id=reader).open(_with(sealed, workflow_id=b"cycle-XRP-1"))


def test_a_codec_server_knows_no_workflow_and_opens_all_of_its_namespace() -> None:
    sealed = codec({"k1": OLD}, workflow_id="cycle-XRP-2").seal(PLAIN)
    assert codec({"k1": OLD}, workflow_id=None).open(sealed) == PLAIN


@pytest.mark.parametrize(
    ("run", "opens"),
    [
        ("sweep-2026-11-25T04:00:00Z", True),
        ("sweep-2026-11-25T04:00:00Z-2", False),
        ("sweep-2", False),
        ("sweeper-2026-11-25T04:00:00Z", False),
    ],
)
def test_the_runs_of_a_schedule_read_what_was_written_for_the_schedule(run: str, *, opens: bool) -> None:
    """The server appends the time to the id that the input was encrypted for."""
    sealed = codec({"k1": OLD}, workflow_id="sweep").seal(PLAIN)
    one = codec({"k1": OLD}, workflow_id=run)
    if opens:
        assert one.open(sealed) == PLAIN
    else:
        with pytest.raises(Unreadable, match='written for workflow "sweep"'):
            one.open(sealed)


def test_what_belongs_to_no_workflow_opens_in_none() -> None:
    sealed = codec({"k1": OLD}, workflow_id=None).seal(PLAIN)
    with pytest.raises(Unreadable, match='written for workflow ""'):
        codec({"k1": OLD}).open(sealed)


def test_workflow_and_activity_are_one_place() -> None:
    base = codec({"k1": OLD}, workflow_id=None)
    activity = base.with_context(
        ActivitySerializationContext("kimp", "7", "withdraw", "kimp-transfers", "cycle-XRP-1", "ArbitrageCycle", False)  # noqa: FBT003 - the SDK's
    )
    assert base.with_context(WorkflowSerializationContext("kimp", "cycle-XRP-1")).open(activity.seal(PLAIN)) == PLAIN


def test_plaintext_is_refused() -> None:
    with pytest.raises(Unreadable, match=r"is not encrypted: written by a client without history.keys"):
        codec({"k1": OLD}).open(PLAIN)


def test_for_a_while_after_the_switch_plaintext_is_read() -> None:
    keys = {"k1": OLD}
    assert codec(keys, now_ms=999, plaintext_until_ms=1000).open(PLAIN) == PLAIN
    with pytest.raises(Unreadable, match=r"read only until history.accept_plaintext_until"):
        codec(keys, now_ms=1000, plaintext_until_ms=1000).open(PLAIN)


def test_even_then_nothing_new_is_written_in_plaintext() -> None:
    assert is_sealed(codec({"k1": OLD}, plaintext_until_ms=1000).seal(PLAIN))


def test_without_a_ring_payloads_pass_as_they_are() -> None:
    off = codec(None)
    assert off.open(off.seal(PLAIN)) == PLAIN == off.seal(PLAIN)


def test_no_key_is_in_any_text() -> None:
    one = codec({"k1": OLD})
    reported = repr(data_converter(one, encode_failures=True)) + repr(one) + str(vars(one.ring))
    assert OLD.hex() not in reported
    assert repr(OLD)[2:-1] not in reported


def test_what_a_stranger_wrote_into_a_payload_is_fit_for_a_log() -> None:
    long = Payload(metadata={"encoding": b"binary/encrypted", KEY_ID: b"k\n1\x1b" + b"x" * 500}, data=b"")
    with pytest.raises(Unreadable) as error:
        codec({"k1": OLD}, workflow_id=None).open(long)
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)
    assert len(str(error.value)) < 300
