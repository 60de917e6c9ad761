"""The documentation, for pytest: one test for each quoted block and each hand-written reference page."""
import atexit

import pytest
import run_docs

CASES, PLACE = run_docs.cases()
atexit.register(PLACE.end)


@pytest.mark.parametrize("test", [pytest.param(test, id=name) for name, test in CASES])
def test_block(test):
    test()
