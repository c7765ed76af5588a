"""Upbit's signature, nonces and rate groups."""

import hashlib
import json
import uuid
from typing import Any

import aiohttp
import ccxt
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from kimp.paper.config import PaperConfig, RateLimits
from kimp.paper.server import PaperExchange


def token(upbit: Any, payload: str = "", *, key: str = "paper-upbit-secret", **claims: str) -> str:
    content = {"access_key": "paper-upbit", "nonce": str(uuid.uuid4())} | claims
    if payload:
        content |= {"query_hash": hashlib.sha512(payload.encode()).hexdigest(), "query_hash_alg": "SHA512"}
    return f"Bearer {upbit.jwt(content, key.encode(), 'sha256')}"


async def ask(
    paper: PaperExchange, http: aiohttp.ClientSession, authorization: str, path: str = "accounts"
) -> tuple[int, str]:
    url = f"http://127.0.0.1:{paper.upbit_port}/v1/{path}"
    async with http.get(url, headers={"Authorization": authorization}) as response:
        answer = await response.json()
        return response.status, answer["error"]["name"] if isinstance(answer, dict) and "error" in answer else ""


async def test_wrong_secret_key_or_nothing(upbit: Any, paper: PaperExchange, http: aiohttp.ClientSession) -> None:
    assert await ask(paper, http, token(upbit)) == (200, "")
    assert await ask(paper, http, token(upbit, key="wrong")) == (401, "jwt_verification")
    assert await ask(paper, http, token(upbit, access_key="other")) == (401, "invalid_access_key")
    assert await ask(paper, http, "") == (401, "jwt_verification")
    assert await ask(paper, http, "Bearer not.a.token") == (401, "jwt_verification")
    upbit.secret = "wrong"  # so it shall be
    with pytest.raises(ccxt.AuthenticationError):
        await upbit.fetch_balance()


async def test_a_nonce_is_good_for_once(upbit: Any, paper: PaperExchange, http: aiohttp.ClientSession) -> None:
    used = token(upbit)
    assert await ask(paper, http, used) == (200, "")
    assert await ask(paper, http, used) == (401, "nonce_used")


async def test_query_hash_covers_the_parameters(upbit: Any, paper: PaperExchange, http: aiohttp.ClientSession) -> None:
    good = token(upbit, "market=KRW-XRP")
    assert await ask(paper, http, good, "orders/chance?market=KRW-XRP") == (200, "")
    assert await ask(paper, http, token(upbit), "orders/chance?market=KRW-XRP") == (401, "invalid_query_payload")
    other = token(upbit, "market=KRW-SOL")
    assert await ask(paper, http, other, "orders/chance?market=KRW-XRP") == (401, "invalid_query_payload")


async def test_body_is_hashed_in_the_order_and_the_digits_sent(
    upbit: Any, paper: PaperExchange, http: aiohttp.ClientSession
) -> None:
    url = f"http://127.0.0.1:{paper.upbit_port}/v1/orders/test"
    body = {"market": "KRW-XRP", "side": "bid", "ord_type": "price", "price": "10000"}
    straight = "&".join(f"{k}={v}" for k, v in body.items())
    swapped = "&".join(f"{k}={v}" for k, v in reversed(body.items()))
    for payload, status in ((straight, 201), (swapped, 401)):
        headers = {"Authorization": token(upbit, payload), "Content-Type": "application/json"}
        async with http.post(url, data=json.dumps(body), headers=headers) as response:
            assert response.status == status
    # ccxt writes a small float in two ways: the trap that amounts as strings avoid.
    with pytest.raises(ccxt.ExchangeError, match="invalid_query_payload"):
        await upbit.private_post_orders_test(
            {"market": "KRW-XRP", "side": "ask", "ord_type": "market", "volume": 0.00001}
        )


async def test_limits_429_then_418(config: PaperConfig) -> None:
    limited = config.model_copy(update={"limits": RateLimits(upbit_market=3)})
    async with PaperExchange(limited) as paper, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{paper.upbit_port}/v1/ticker?markets=KRW-XRP"
        seen = []
        for _ in range(60):
            async with http.get(url) as response:
                seen.append(response.status)
                remaining = response.headers["Remaining-Req"]
            if response.status == 418:
                break
        assert remaining == "group=ticker; min=180; sec=0"
        assert seen[0] == 200
        assert 429 in seen
        assert seen[-1] == 418


async def test_seam_sees_every_request(upbit: Any, paper: PaperExchange) -> None:
    class Lost:
        """The request is executed, the answer is not."""

        async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await handler(request)
            return web.Response(status=502) if request.method == "POST" else response

    await upbit.load_markets()
    paper.upbit_seam.hook = Lost()
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await upbit.create_order("XRP/KRW", "market", "sell", "100", None, {"clientOrderId": "lost"})
    assert (await upbit.private_get_order({"identifier": "lost"}))["state"] == "done"
