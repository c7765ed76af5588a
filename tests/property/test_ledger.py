"""Whatever is booked, nothing appears and nothing vanishes."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal, localcontext

from fakes.market import TRX, XRP
from hypothesis import given
from hypothesis import strategies as st

from kimp.domain.ledger import Account, Entry, deposit_entry, fill_entry, holdings, opening_entry, withdrawal_entry
from kimp.domain.market import Fill, Side
from kimp.domain.money import KRW, USDT, Asset
from kimp.domain.venues import PAIR, Venue

AMOUNTS = st.decimals(0, 10**10, places=8)
ASSETS = st.sampled_from([XRP, TRX, KRW, USDT])
VENUES = st.sampled_from(PAIR)
FILLS = st.builds(Fill, st.just("t1"), AMOUNTS, AMOUNTS, AMOUNTS, ASSETS)
ENTRIES = st.one_of(
    st.builds(
        fill_entry, st.just("o"), st.just("XRP-1"), VENUES, st.sampled_from([XRP, TRX]), st.sampled_from(Side), FILLS
    ),
    st.builds(withdrawal_entry, st.just("w"), st.just("XRP-1"), VENUES, ASSETS, AMOUNTS, AMOUNTS),
    st.builds(deposit_entry, st.just("w"), st.just("XRP-1"), VENUES, ASSETS, AMOUNTS),
    st.builds(opening_entry, VENUES, st.dictionaries(ASSETS, AMOUNTS)),
)


def sums(entries: Iterable[Entry]) -> dict[Asset, Decimal]:
    totals: Counter[Asset] = Counter()
    with localcontext(prec=60):
        for posting in (posting for entry in entries for posting in entry.postings):
            totals[posting.asset] += posting.amount  # type: ignore[assignment]  # a Counter of decimals
    return {asset: Decimal(total) for asset, total in totals.items()}


@given(ENTRIES)
def test_every_entry_sums_to_zero_in_each_asset(entry: Entry) -> None:
    assert not any(sums([entry]).values())


@given(ENTRIES)
def test_no_posting_is_of_nothing(entry: Entry) -> None:
    assert all(posting.amount for posting in entry.postings)


@given(st.lists(ENTRIES, max_size=20))
def test_holdings_are_what_all_other_accounts_gave(entries: list[Entry]) -> None:
    held: dict[Asset, Decimal] = {}
    given_: dict[Asset, Decimal] = {}
    with localcontext(prec=60):
        for (_, asset), change in holdings(entries).items():
            held[asset] = held.get(asset, Decimal(0)) + change
        for posting in (posting for entry in entries for posting in entry.postings):
            if posting.account in {Account.MARKET, Account.FEES, Account.EXTERNAL}:
                given_[posting.asset] = given_.get(posting.asset, Decimal(0)) - posting.amount
    assert {a: v for a, v in held.items() if v} == {a: v for a, v in given_.items() if v}


@given(VENUES, ASSETS, AMOUNTS, AMOUNTS)
def test_a_transfer_that_arrived_leaves_nothing_in_transit(
    venue: Venue, coin: Asset, arrives: Decimal, fee: Decimal
) -> None:
    out = withdrawal_entry("w", "XRP-1", venue, coin, arrives, fee)
    into = deposit_entry("w", "XRP-1", PAIR.other(venue), coin, arrives)
    assert Account.IN_TRANSIT not in {account for account, _ in holdings([out, into])}
