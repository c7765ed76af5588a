"""Coins on the way: checked on both sides, withdrawn at most once, followed by txid to the credit."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import deposits
from activities.addresses import agreed_address
from activities.identity import CLOCKS_DIFFER_MS, AmbiguousMatch, own_withdrawal
from activities.leaving import left_by_server_ms
from activities.orders import SEND_WITHIN_MS
from activities.pauses import pause
from activities.resets import WAS_RESET, may_not_begin
from kimp.contracts.transfers import (
    Address,
    DepositQuery,
    DepositReport,
    TransferRequest,
    TransferState,
    TransferTerms,
    WithdrawalIntent,
    WithdrawalReport,
)
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import KeyRefused, NotFound, NotSent, OutcomeUnknown, Postponed, Rejected, Unavailable
from kimp.domain.ids import Step, step_of
from kimp.domain.money import ZERO, Asset
from kimp.domain.reasons import ReasonKind
from kimp.domain.venues import Venue
from kimp.observability.crash_points import crash_point
from kimp.ports.clock import SteadyClock
from kimp.ports.exchange import Transfers
from kimp.ports.journal import Journal, SendPermit

Allowed = Mapping[tuple[Venue, Asset], Address]
"""Source venue and coin -> the only place they may be sent to."""

LOOK_AGAIN_S = 2.0
GIVE_UP_MS = 300_000
"""A withdrawal without an answer that no list shows after five minutes is a person's case; it is never sent again."""
SHOW_AFTER_MS = 20_000
STILL_UNKNOWN = "StillUnknown"
"""No answer so far: the workflow shows that it waits, and calls again."""
POLL_S = 1.0
TURNS = 60
"""Seconds that a withdrawal waits for its turn before the cycle shows that it waits."""
POLLS_PER_CALL = 60
"""Short transfers end inside one call; for longer ones the workflow shows that it waits, and calls again."""

UNDER_WAY = frozenset({TransferState.PENDING, TransferState.UNSEEN})

Report = TypeVar("Report", WithdrawalReport, DepositReport)

GIVEN_UP = "given up by a person"
"""What the journal says of a withdrawal that somebody declared not to have left."""


@dataclass(frozen=True)
class TransferActivities:
    """Needs the right to withdraw on both venues."""

    venues: Mapping[Venue, Transfers]
    journal: Journal
    allowed: Allowed
    clock: SteadyClock
    polls: int = POLLS_PER_CALL

    @activity.defn
    async def prepare_transfer(self, request: TransferRequest) -> TransferTerms:
        """Both wallets as they are now, and an address that allow-list, source and destination agree on."""
        source, destination = self.venues[request.direction.source], self.venues[request.direction.destination]
        # At once, because one after the other their HTTP deadlines would not fit into this activity's.
        out, into, registered, deposit = await asyncio.gather(
            source.network(request.coin),
            destination.network(request.coin),
            source.registered_addresses(request.coin),
            destination.deposit_address(request.coin),
        )
        allowed = self.allowed.get((source.venue, request.coin))
        address = agreed_address(request, allowed, registered, deposit, out, into)
        return TransferTerms(out=out, into=into, address=address)

    @activity.defn
    async def withdraw(self, intent: WithdrawalIntent) -> WithdrawalReport:
        """Withdraw once. After a lost answer the venue's own list decides; it is never sent again."""
        expires_ms = self.clock.steady_ms() + left_by_server_ms(intent.expires_at_ms)
        step = step_of(intent.transfer_id)
        crash_point("withdraw-asked", step)
        if await may_not_begin(intent, self.journal):
            raise Postponed(WAS_RESET, venue=intent.direction.source)
        permit, asked_ms = await self._turn(intent)
        crash_point("withdraw-journalled", step)
        if permit.run_id != intent.run_id:
            raise KeyRefused(f"{intent.transfer_id} was used by run {permit.run_id}", venue=intent.direction.source)
        if permit.closed is not None:
            raise Postponed(permit.closed, venue=intent.direction.source)
        if permit.first:
            report = await self._send_once(intent, permit, expires_ms, asked_ms + SEND_WITHIN_MS)
            if report is not None:
                return report
        try:
            return await self._look_up(intent, permit)
        except Rejected as refusal:
            # Told as a refusal, it would make the workflow withdraw anew: only the withdrawal itself may be refused.
            raise ApplicationError(
                f"withdrawal {intent.transfer_id}: looking it up was refused ({refusal}); it is not sent again",
                refusal.kind,
                type=OutcomeUnknown.__name__,
                non_retryable=not isinstance(refusal, NotFound),
            ) from None

    async def _turn(self, intent: WithdrawalIntent) -> tuple[SendPermit, int]:
        """The journal's permit, once no other withdrawal of the coin is without an answer; when it was asked for."""
        for _ in range(TURNS):
            asked_ms = self.clock.steady_ms()
            permit = await self.journal.ask_withdrawal(intent)
            if permit is not None:
                return permit, asked_ms
            activity.heartbeat("another withdrawal of the coin has no answer yet")
            await pause(POLL_S)
        raise Postponed(
            f"another withdrawal of {intent.coin} has no answer yet",
            venue=intent.direction.source,
            kind=ReasonKind.WITHDRAWAL_UNKNOWN,
        )  # not journalled, so nothing to close

    async def _send_once(
        self, intent: WithdrawalIntent, permit: SendPermit, expires_ms: int, send_by_ms: int
    ) -> WithdrawalReport | None:
        """None if the answer proves nothing. Raises Rejected, and says so in the journal, if nothing left."""
        source = self.venues[intent.direction.source]
        step = step_of(intent.transfer_id)
        try:
            self._final_check(intent, permit, expires_ms)
            report = await source.withdraw(intent, send_by_ms=min(send_by_ms, expires_ms))
        except OutcomeUnknown as doubt:
            activity.logger.warning("withdrawal %s: %s; looking it up", intent.transfer_id, doubt)
            return None
        except (Rejected, Unavailable) as refusal:
            await self.journal.refuse_withdrawal(intent.transfer_id, str(refusal))
            passes = isinstance(refusal, Unavailable | NotSent)
            raise Postponed(str(refusal), venue=source.venue, kind=refusal.kind) if passes else refusal from None
        crash_point("withdraw-sent", step)
        if not await self.journal.claim_withdrawal(intent.transfer_id, source.venue, report.venue_id, likely=False):
            raise _nobody_knows(
                f"{source.venue} answered withdrawal {intent.transfer_id} with its id {report.venue_id}, and the"
                " journal has that for another transfer, or another id for this one; a person must look"
            )
        crash_point("withdraw-claimed", step)
        return report

    def _final_check(self, intent: WithdrawalIntent, permit: SendPermit, expires_ms: int) -> None:
        """Hours may lie between the preparation and this moment. Raises Postponed: the workflow prepares anew."""
        source = intent.direction.source
        if permit.halt >= HaltLevel.NOTHING_LEAVES:
            raise Postponed("the kill switch lets nothing leave", venue=source, kind=ReasonKind.KILL_SWITCH)
        if self.clock.steady_ms() > expires_ms:
            raise Postponed("wallets and addresses were looked at too long ago", venue=source, kind=ReasonKind.EXPIRED)
        allowed = self.allowed.get((source, intent.coin))
        if allowed is None or (allowed.address, allowed.tag) != (intent.address.address, intent.address.tag):
            text = f"the allow-list has another place for {intent.coin} by now"
            raise Postponed(text, venue=source, kind=ReasonKind.ADDRESS)

    @activity.defn
    async def give_up_withdrawal(self, intent: WithdrawalIntent) -> bool:
        """A person looked and says that nothing left: the coin's next withdrawal may be sent.

        False if the journal knows better, as the venue gave an id for it: then it is to be followed."""
        crash_point("give-up-asked", Step.SEND)
        await self.journal.refuse_withdrawal(intent.transfer_id, GIVEN_UP)
        crash_point("given-up", Step.SEND)
        return await self.journal.claimed_withdrawal(intent.transfer_id) is None

    async def _look_up(self, intent: WithdrawalIntent, permit: SendPermit) -> WithdrawalReport:
        source = self.venues[intent.direction.source]
        now_ms = self.clock.steady_ms()
        show_at_ms, give_up_at_ms = (
            now_ms + SHOW_AFTER_MS,
            now_ms + GIVE_UP_MS - (permit.now_ms - permit.first_asked_ms),
        )
        while True:
            activity.heartbeat("looking up")
            claim = await self.journal.claimed_withdrawal(intent.transfer_id)
            if claim is not None:
                report = await source.withdrawal(intent.coin, claim.venue_id)
                return report.model_copy(update={"likely": claim.likely})
            found = await self._listed(intent, permit.first_asked_ms)
            if found is not None:
                return found
            if self.clock.steady_ms() > give_up_at_ms:
                raise _nobody_knows(
                    f"withdrawal {intent.transfer_id}: no answer, and {source.venue} lists none like it;"
                    " a person must look before anything is sent again"
                )
            if self.clock.steady_ms() > show_at_ms:
                raise ApplicationError(
                    f"withdrawal {intent.transfer_id} has no answer; {source.venue}'s lists are searched for it",
                    ReasonKind.WITHDRAWAL_UNKNOWN,
                    type=STILL_UNKNOWN,
                    non_retryable=True,
                )
            await pause(LOOK_AGAIN_S)

    async def _listed(self, intent: WithdrawalIntent, asked_ms: int) -> WithdrawalReport | None:
        """What the venue lists as this one, and from now on is; None while it lists none like it."""
        source = self.venues[intent.direction.source]
        listed = await source.withdrawals_since(intent.coin, asked_ms - CLOCKS_DIFFER_MS, intent.transfer_id)
        ids = [one.report.venue_id for one in listed]
        others = await self.journal.claimed_by_others(intent.transfer_id, source.venue, ids)
        try:
            own = own_withdrawal(intent, [one for one in listed if one.report.venue_id not in others], asked_ms)
        except AmbiguousMatch as doubt:
            raise _nobody_knows(str(doubt)) from None
        if own is None:
            return None
        report = own.report.model_copy(update={"likely": not own.named})
        won = await self.journal.claim_withdrawal(
            intent.transfer_id, source.venue, report.venue_id, likely=report.likely
        )
        return report if won else None

    @activity.defn
    async def follow_withdrawal(self, intent: WithdrawalIntent) -> WithdrawalReport:
        """The withdrawal once it is final and has a txid, or as it is after a minute of asking."""
        source = self.venues[intent.direction.source]
        claim = await self.journal.claimed_withdrawal(intent.transfer_id)
        if claim is None:
            raise KeyRefused(f"withdrawal {intent.transfer_id} was never journalled", venue=source.venue)
        report = await self._poll(lambda: source.withdrawal(intent.coin, claim.venue_id), _can_be_followed)
        if claim.likely and report.state is TransferState.FAILED:
            raise _nobody_knows(
                f"{source.venue} did not send {claim.venue_id} ({report.detail}), which looks like withdrawal"
                f" {intent.transfer_id} and may be somebody else's; it is not sent again. Look at {source.venue}:"
                " compensate takes it for never sent"
            )
        crash_point("withdrawal-followed", step_of(intent.transfer_id))
        if report.state is TransferState.FAILED:
            await self.journal.fail_withdrawal(intent.transfer_id, f"not sent: {report.detail}")
        return report

    @activity.defn
    async def follow_deposit(self, query: DepositQuery) -> DepositReport:
        """The transfer's own deposit once it is free to use, or PENDING or UNSEEN after a minute of asking."""
        await self.journal.expect_deposit(query)
        report = await self._poll(lambda: self._own_deposit(query), _has_ended)
        crash_point("deposit-followed", query.direction)
        return report

    async def _own_deposit(self, query: DepositQuery) -> DepositReport:
        """Claimed once it is credited and not before: until then another one may turn out to fit better."""
        listed = await self.venues[query.direction.destination].deposits(query.coin, query.txid)
        found = None
        if listed:
            found = deposits.matching_deposit(query, listed, await self.journal.deposit_claims(query))
            # In this order: who tells a txid in between is among the claims.
            if found is None and not await self.journal.others_on_their_way(query):
                found = deposits.nearest_deposit(query, listed, await self.journal.deposit_claims(query))
        if found is not None and found.state is TransferState.DONE:
            won = await self.journal.claim_deposit(query.transfer_id, found.venue_id)
            found = found if won else None
        if found is None:
            others = " and ".join(f"{deposit.amount:f}" for deposit in listed)
            detail = f"not seen yet; {others} under its txid may be another transfer's" if listed else "not seen yet"
            return DepositReport(state=TransferState.UNSEEN, amount=ZERO, detail=detail)
        return DepositReport(state=found.state, amount=found.amount, detail=found.detail, venue_id=found.venue_id)

    async def _poll(self, read: Callable[[], Awaitable[Report]], enough: Callable[[Report], bool]) -> Report:
        for _ in range(self.polls - 1):
            activity.heartbeat("following")
            report = await read()
            if enough(report):
                return report
            await pause(POLL_S)
        return await read()


def _nobody_knows(why: str) -> ApplicationError:
    """Parks the cycle."""
    return ApplicationError(why, ReasonKind.WITHDRAWAL_UNKNOWN, type=OutcomeUnknown.__name__, non_retryable=True)


def _has_ended(report: WithdrawalReport | DepositReport) -> bool:
    return report.state not in UNDER_WAY


def _can_be_followed(report: WithdrawalReport) -> bool:
    """The venue may show the end a moment before it fills the txid in."""
    return _has_ended(report) and (report.state is not TransferState.DONE or report.txid is not None)
