"""One run shared by the tests: the default options in a temporary folder, the same that made ``samples/``."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.simulate.plan import Options
from engine.simulate.run import Summary, simulate


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    folder = tmp_path_factory.mktemp("run")
    return folder, simulate(folder, Options())


@pytest.fixture(scope="session")
def pictured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with pictures: the committed samples."""
    folder = tmp_path_factory.mktemp("pictured")
    simulate(folder, Options(pictures=True))
    return folder
