"""Upbit's refusals. Names and status: docs.upbit.com, REST API guide and the pages of the single calls."""

from typing import Any

NOT_PERMITTED = "market_not_permitted"
"""The real name is not published; this one is on no list, so nobody can have counted on it."""
MESSAGES = {
    NOT_PERMITTED: "해당 계정은 이 마켓에서 거래할 수 없습니다.",
    "create_bid_error": "주문 요청 정보가 올바르지 않습니다.",
    "create_ask_error": "주문 요청 정보가 올바르지 않습니다.",
    "insufficient_funds_bid": "매수 가능 잔고가 부족합니다.",
    "insufficient_funds_ask": "매도 가능 잔고가 부족합니다.",
    "under_min_total_bid": "주문 요청 금액이 최소주문금액 미만입니다.",
    "under_min_total_ask": "주문 요청 금액이 최소주문금액 미만입니다.",
    "over_krw_funds_bid": "최대 주문 금액을 초과하였습니다.",
    "invalid_price_bid": "주문가격 단위를 잘못 입력하셨습니다.",
    "invalid_price_ask": "주문가격 단위를 잘못 입력하셨습니다.",
    "duplicated_identifier": "이미 사용된 identifier 입니다.",
    "order_not_found": "주문을 찾지 못했습니다.",
    "withdraw_not_found": "출금 정보를 찾지 못했습니다.",
    "deposit_not_found": "입금 정보를 찾지 못했습니다.",
    "coin_address_not_found": "입금 주소를 찾지 못했습니다.",
    "withdraw_address_not_registered": "허용되지 않은 출금 주소입니다.",
    "withdraw_insufficient_balance": "출금 가능 잔고가 부족합니다.",
    "withdraw_minimum_not_met": "최소 출금 금액 미만입니다.",
    "wallet_not_working": "현재 입출금이 중단된 자산입니다.",
    "open_api_withdraw_locked": "출금 기능이 잠겨 있습니다.",
    "invalid_query_payload": "Jwt의 query를 검증하는데 실패하였습니다.",
    "jwt_verification": "Jwt 토큰 검증에 실패했습니다.",
    "invalid_access_key": "잘못된 엑세스 키입니다.",
    "expired_access_key": "만료된 엑세스 키입니다.",
    "market_offline": "점검 중입니다.",
    "out_of_scope": "권한이 부족합니다.",
    "nonce_used": "이미 사용된 nonce 입니다.",
    "too_many_requests": "요청 수 제한을 초과했습니다.",
}
STATUS = {
    "invalid_query_payload": 401,
    "jwt_verification": 401,
    "invalid_access_key": 401,
    "expired_access_key": 401,
    "market_offline": 403,
    "nonce_used": 401,
    "out_of_scope": 401,
    "open_api_withdraw_locked": 403,
    "order_not_found": 404,
    "withdraw_not_found": 404,
    "deposit_not_found": 404,
    "coin_address_not_found": 404,
    "market_not_found": 404,
    "too_many_requests": 429,
}


class UpbitError(Exception):
    """Answered as `{"error": {"name": .., "message": ..}}`; 400 unless the table says otherwise."""

    def __init__(self, name: str, message: str | None = None, *, status: int | None = None) -> None:
        super().__init__(name)
        self.name = name
        self.status = status or STATUS.get(name, 400)
        self._message = message or MESSAGES.get(name, name)

    def body(self) -> dict[str, Any]:
        return {"error": {"name": self.name, "message": self._message}}


def invalid(field: str) -> UpbitError:
    """A parameter that is missing or has no valid value."""
    return UpbitError("validation_error", f"{field} is missing, {field} does not have a valid value")
