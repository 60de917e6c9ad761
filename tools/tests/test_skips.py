"""What the runners say of skipped tests is found, with its reason."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from dev import skips

GTEST = """[ RUN      ] Allocations.OfAChunk
src/edge/gateway/allocation_test.cpp:160: Skipped
frames are not recycled here

[  SKIPPED ] Allocations.OfAChunk (0 ms)
[ RUN      ] Allocations.AreSeen
[       OK ] Allocations.AreSeen (0 ms)
[ RUN      ] Other.Bare
src/a_test.cpp:1: Skipped

[  SKIPPED ] Other.Bare (0 ms)
[  PASSED  ] 1 test.
[  SKIPPED ] 2 tests, listed below:
[  SKIPPED ] Allocations.OfAChunk
[  SKIPPED ] Other.Bare
"""
CTEST = f"""Start testing: now
----------------------------------------------------------
1/2 Testing: foundation/base
1/2 Test: foundation/base
Output:
----------------------------------------------------------
[ RUN      ] A.B
[       OK ] A.B (0 ms)
<end of output>
Test Passed.
2/2 Testing: edge/gateway
2/2 Test: edge/gateway
Output:
----------------------------------------------------------
{GTEST}<end of output>
Test Passed.
"""


class Skips(unittest.TestCase):
    def test_gtest(self):
        self.assertEqual(skips.of_gtest(GTEST), [("Allocations.OfAChunk", "frames are not recycled here"), ("Other.Bare", "no reason given")])
        self.assertEqual(skips.of_gtest("[ RUN      ] A.B\n[       OK ] A.B (0 ms)\n"), [])

    def test_ctest_names_the_program(self):
        self.assertEqual(skips.of_ctest(CTEST)[0], ("edge/gateway Allocations.OfAChunk", "frames are not recycled here"))
        self.assertEqual(len(skips.of_ctest(CTEST)), 2)

    def test_pytest(self):
        text = "..s\n=== short test summary info ===\nSKIPPED [1] tests/e2e/test_a.py:12: needs a thing\n3 passed, 1 skipped in 0.1s\n"
        self.assertEqual(skips.of_pytest(text), [("tests/e2e/test_a.py:12", "needs a thing")])

    def test_node(self):
        self.assertEqual(skips.of_node("ok 1 - it works\nok 2 - left out # SKIP no server\n"), [("left out", "no server")])
        self.assertEqual(skips.of_node("✔ it works (1ms)\n﹣ left out (0.1ms) # no server\n"), [("left out", "no server")])

    def test_unittest_itself(self):
        """Against the real runner."""
        case = "import unittest\nclass T(unittest.TestCase):\n  def test_x(self):\n    self.skipTest('because')\n  def test_y(self):\n    pass\n"
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "test_it.py").write_text(case)
            said = subprocess.run([sys.executable, "-B", "-m", "unittest", "discover", "-v", "-s", folder], capture_output=True, text=True)
        self.assertEqual(skips.of_unittest(said.stdout + said.stderr), [("test_x", "because")])


if __name__ == "__main__":
    unittest.main()
