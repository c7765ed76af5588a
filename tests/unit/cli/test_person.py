"""By whom something was asked: the system's account, and beside it what the environment claims."""

import os
import pwd
import socket

import pytest

from kimp.cli.person import LONGEST, who
from kimp.contracts.operators import OperatorRequest

ACCOUNT = pwd.getpwuid(os.getuid()).pw_name


def test_the_environment_puts_no_name_in_the_place_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "the-boss")
    assert who() == f"{ACCOUNT}@{socket.gethostname()} as the-boss"[:LONGEST]


def test_the_account_alone_is_told_where_nothing_else_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", ACCOUNT)
    assert who() == f"{ACCOUNT}@{socket.gethostname()}"[:LONGEST]


def test_a_user_without_a_name_is_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_uid: int) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.setenv("LOGNAME", "x")
    assert who().startswith(f"{os.getuid()}@")


def test_a_long_claim_keeps_nobody_from_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "x" * 1000)
    assert OperatorRequest(by=who(), note="why").by.startswith(f"{ACCOUNT}@")
