"""Options that all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("storewatch", deadline=None)  # no test asserts a time: other work on the machine would make it fail
settings.load_profile("storewatch")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="write golden files anew instead of comparing with them")
