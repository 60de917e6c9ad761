"""Bars, noise and void rounds are judged as the table says."""
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from runner import measure, report, scenarios
from runner.programs import BenchError


def setting(attempts=3):
    return measure.Setting(bench=Path("."), build=Path("."), folder=Path("."), nginx="nginx", gateway_core=0, load_core=1, rounds=1,
                           seconds=1, warmup=0, attempts=attempts, foreign_max=0.08)


def result(gateway_ms=0, load_ms=0, busy_ms=(0, 0), steal_ms=(0, 0), failures=0):
    processes = {"load": {"tick_ns": load_ms * 1e6}}
    if gateway_ms:
        processes["gateway"] = {"tick_ns": gateway_ms * 1e6}
    cores = {str(i): {"busy_ns": busy_ms[i] * 1e6, "steal_ns": steal_ms[i] * 1e6} for i in (0, 1)}
    return {"seconds": 1.0, "processes": processes, "cores": cores, "failures": failures, "first_failure": "status"}


class Foreign(unittest.TestCase):
    def test_the_worse_core_counts(self):
        self.assertAlmostEqual(measure.foreign_share(setting(), result(500, 900, (520, 990))), 0.09)
        self.assertAlmostEqual(measure.foreign_share(setting(), result(500, 900, (700, 900))), 0.2)

    def test_stolen_time_is_foreign(self):
        self.assertAlmostEqual(measure.foreign_share(setting(), result(500, 900, (500, 900), (0, 100))), 0.1)

    def test_the_direct_way_does_not_use_the_gateway_core(self):
        self.assertEqual(measure.foreign_share(setting(), result(0, 900, (900, 900))), 0)


class Rounds(unittest.TestCase):
    subject = mock.Mock()
    subject.name = "wye"

    def measure(self, results, attempts=3):
        used = setting(attempts)
        with mock.patch.object(measure, "run_load", side_effect=results) as run, mock.patch.object(measure.time, "sleep"):
            got = measure.measure(used, self.subject, None, "row")
        return got, run.call_count, used.notes

    @staticmethod
    def one(foreign, failures=0):
        return {"failures": failures, "foreign": foreign, "first_failure": "x"}

    def test_a_quiet_round_counts_at_once(self):
        got, calls, notes = self.measure([self.one(0.02)])
        self.assertEqual((got["noisy"], calls, notes), (False, 1, []))

    def test_noisy_and_void_rounds_are_repeated(self):
        got, calls, notes = self.measure([self.one(0.5), self.one(0.0, failures=1), self.one(0.01)])
        self.assertEqual((got["noisy"], calls, len(notes)), (False, 3, 1))

    def test_the_least_noisy_is_kept_and_marked(self):
        got, _, notes = self.measure([self.one(0.5), self.one(0.2), self.one(0.3)])
        self.assertEqual((got["noisy"], got["foreign"], len(notes)), (True, 0.2, 1))

    def test_a_busy_row_gives_up_repeating(self):
        used = setting(3)
        results = [self.one(0.5)] * 4
        with mock.patch.object(measure, "run_load", side_effect=results) as run, mock.patch.object(measure.time, "sleep"):
            measure.measure(used, self.subject, None, "row")
            measure.measure(used, self.subject, None, "row")
        self.assertEqual(run.call_count, 4)

    def test_only_void_rounds_are_an_error(self):
        with self.assertRaises(BenchError):
            self.measure([self.one(0, failures=1)] * 3)


class Bars(unittest.TestCase):
    @staticmethod
    def verdicts(rows):
        return {one["what"]: one["verdict"] for one in report.judge(rows)}

    def test_ratios_to_nginx(self):
        title = "CPU per request, 1 KB, c=32"
        for cpu, verdict in ((13.0, "met"), (13.1, "missed")):
            self.assertEqual(self.verdicts({"cpu_1k": {"nginx": {"cpu_us": 10}, "wye": {"cpu_us": cpu}}})[title], verdict)
        self.assertEqual(self.verdicts({"cpu_1k": {"nginx": {"cpu_us": 10}}})[title], "not run")
        self.assertEqual(self.verdicts({"cpu_1k": {"nginx": {"cpu_us": 10, "noisy": True}, "wye": {"cpu_us": 1}}})[title], "met, noisy")

    def test_absolute_bars(self):
        self.assertEqual(self.verdicts({"syscalls": {"wye": {"c1": 7.01, "c32": 5}}}),
                         {"system calls per request, c=1": "missed", "system calls per request, c=32": "met"})
        self.assertEqual(self.verdicts({"memory": {"wye": {"idle_mb": 31, "growth": 0.1}}}),
                         {"RSS, idle": "missed", "RSS, growth after the first tenth": "met"})

    def test_a_lost_chunk_misses(self):
        row = {"failures": 0, "expected_chunks": 64, "chunks": 63}
        self.assertEqual(list(self.verdicts({"streams_1024": {"wye": row}}).values()), ["missed"])

    def test_single_steps_are_judged_where_they_ran(self):
        steps = {"rs256_cold": {"median_ns": 11900}, "rs256_bare_evp_digest_verify_copied_context": {"median_ns": 10000}, "token_chars": 1300,
                 "junk_noise": {"median_ns": 500}, "junk_unknown_kid": {"median_ns": 10001}}
        row = scenarios.micro_row(steps)
        self.assertEqual((row["rs256_cold_us"], row["rs256_cold_ratio"], row["junk_us"]), (11.9, 1.19, 10.001))
        self.assertEqual(self.verdicts({"identity_micro": {"wye": row}}),
                         {"RS256-2048, first verification": "met", "verified token, from the cache": "not run",
                          "junk token refused (100,000 a second)": "missed", "authorisation, 10,000 grants": "not run"})

    def test_results_are_written(self):
        facts = report.machine_facts(setting())
        run = {"date": "today", "machine": facts, "quick": True, "rounds": 1, "seconds": 1, "notes": ["a note"], "stub": None,
               "rows": {}, "bars": report.judge({"syscalls": {"wye": {"c1": 6, "c32": 4}}})}
        with tempfile.TemporaryDirectory() as folder:
            text = report.write(run, Path(folder) / "results")
            self.assertIn("system calls per request, c=1", text)
            self.assertEqual(len(os.listdir(Path(folder) / "results")), 3)


if __name__ == "__main__":
    unittest.main()
