"""Bars, noise and void rounds are judged as the table says."""
import base64
import json
import os
import ssl
import tempfile
import unittest
import urllib.request
from pathlib import Path
from unittest import mock

from runner import identity, issuer, measure, report, scenarios, subjects
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

    def test_a_second_generator_is_of_the_run(self):
        both = result(500, 600, (500, 900))
        both["processes"]["beside"] = {"tick_ns": 300e6}
        self.assertEqual(measure.foreign_share(setting(), both), 0)

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

    def test_a_failure_of_the_load_beside_voids_the_round(self):
        subject = mock.Mock(headers=("Authorization: Bearer good",), url="http://127.0.0.1:1", model="bench")
        subject.pids.return_value = [7]
        used, started = setting(), []
        used.stub = mock.Mock()

        def begin(command, *_, **__):
            started.append([str(part) for part in command])
            return mock.Mock(pid=40 + len(started), **{"poll.return_value": 0})

        outcomes = [result(), result(failures=2)]
        with mock.patch.object(measure, "start", side_effect=begin), mock.patch.object(measure, "end_load", side_effect=outcomes), \
                mock.patch.object(measure.time, "sleep"):
            got = measure.run_beside(used, subject, measure.Load(32, rate=1000), measure.Load(64, headers=("Authorization: Bearer bad",)))
        self.assertEqual((got["failures"], got["beside"]["failures"]), (2, 2))
        other, mine = started
        self.assertIn("beside=41", mine)
        self.assertEqual(mine[mine.index("--rate") + 1], "1000")
        self.assertEqual([one for one in mine if "Bearer" in one], ["Authorization: Bearer good"])
        self.assertEqual([one for one in other if "Bearer" in one], ["Authorization: Bearer bad"])

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

    def test_token_beside_key(self):
        title = "CPU per request, token and roles, c=32"
        for cpu, verdict in ((11.5, "met"), (11.6, "missed")):
            row = {"wye": {"cpu_us": 10}, "wye_token": {"cpu_us": cpu}}
            self.assertEqual(self.verdicts({"identity_unary": row})[title], verdict)
            self.assertEqual(report.judge({"identity_unary": row})[0]["wye"], cpu)
        self.assertEqual(self.verdicts({"identity_unary": {}}), {})

    def test_junk(self):
        latency, fetches = "p99 of callers beside junk", "key fetches by junk in 5 minutes"
        for ratio, count, wanted in ((2, 1, ("met", "met")), (2.01, 1, ("missed", "met")), (1, 2, ("met", "missed"))):
            got = self.verdicts({"junk": {"wye_token": {"p99_ratio": ratio, "fetches": count, "fetches_in_5_minutes": count, "beside_p99_us": 1}}})
            self.assertEqual((got[latency], got[fetches]), wanted)

    def test_results_are_written(self):
        facts = report.machine_facts(setting())
        run = {"date": "today", "machine": facts, "quick": True, "rounds": 1, "seconds": 1, "notes": ["a note"], "stub": None,
               "rows": {}, "bars": report.judge({"syscalls": {"wye": {"c1": 6, "c32": 4}}})}
        with tempfile.TemporaryDirectory() as folder:
            text = report.write(run, Path(folder) / "results")
            self.assertIn("system calls per request, c=1", text)
            self.assertEqual(len(os.listdir(Path(folder) / "results")), 3)


class Identity(unittest.TestCase):
    @staticmethod
    def round(p99, per_second, foreign=0.0):
        return {"latency_us": {"p50": 1, "p99": p99}, "per_second": per_second, "beside": {"per_second": per_second}, "seconds": 1.0,
                "processes": {"gateway": {"run_ns": 5e8}}, "failures": 0, "first_failure": "", "foreign": foreign}

    def test_valid_calls_in_place_of_junk_leave_the_gateway_room(self):
        self.assertEqual(identity.in_place_rate(5000, 40000), 5000)
        self.assertEqual(identity.in_place_rate(30000, 40000), 23000)
        self.assertEqual(identity.in_place_rate(30000, 100), 1)

    def test_a_row_of_junk(self):
        subject = mock.Mock()
        subject.junk_headers.return_value = ("Authorization: Bearer junk",)
        subject.issuer.fetched.side_effect = [1, 2]
        alone = [self.round(1, 40000), self.round(1, 60000)]
        pairs = [self.round(100, 1), self.round(150, 2, 0.5)]
        with mock.patch.object(measure, "run_load", side_effect=alone) as single, mock.patch.object(measure.time, "sleep"), \
                mock.patch.object(identity, "run_beside", side_effect=pairs) as pair:
            row = identity.junk_row(setting(1), subject)
        self.assertEqual((row["junk_saturating_per_second"], row["junk_per_second"], row["in_place_per_second"]), (60000, 30000, 23000))
        self.assertEqual((row["p99_ratio"], row["fetches"], row["fetches_in_5_minutes"], row["noisy"]), (1.5, 1, 1, True))
        loads = [call.args[2] for call in single.call_args_list] + [load for call in pair.call_args_list for load in call.args[2:]]
        seeds = [load.extra[-1] for load in loads]
        self.assertEqual(len(set(seeds)), len(seeds), "no nonce comes twice in the row")
        for load in loads:
            self.assertEqual("--expect-status" in load.extra, load.headers is not None)
        self.assertEqual([(call.args[3].rate, call.args[3].headers is None) for call in pair.call_args_list[:2]], [(23000, True), (30000, False)])
        text = "\n".join(report.identity_lines({"junk": {"wye_token": row}}))
        self.assertIn("60000 distinct tokens a second", text)

    def test_the_token_subject_has_rows_of_its_own(self):
        kinds = [kind(setting()) for kind in subjects.SUBJECTS.values()]
        self.assertEqual([one.name for one in scenarios.gateways(kinds)], ["nginx", "wye"])
        self.assertEqual(identity.junk(setting(), kinds[:3]), {})
        self.assertEqual(identity.identity_unary(setting(), kinds[2:3], None), {})

    def test_the_issuer_serves_what_its_tokens_need(self):
        with tempfile.TemporaryDirectory() as folder:
            served = issuer.Issuer(Path(folder) / "issuer")
            try:
                trust = ssl.create_default_context(cafile=str(served.ca_file))

                def get(url):
                    with urllib.request.urlopen(url, context=trust, timeout=5) as answer:
                        return json.load(answer)

                discovery = get(f"{served.url}/.well-known/openid-configuration")
                self.assertEqual(discovery["issuer"], served.url)
                keys = get(discovery["jwks_uri"])["keys"]
                self.assertEqual((served.fetched(), served.fetched("/.well-known/openid-configuration")), (1, 1))
                token, junk = served.token(), served.junk()
                self.check(served, keys, token, junk, Path(folder))
            finally:
                served.stop()

    def check(self, served, keys, token, junk, folder):
        self.assertTrue(issuer.TOKEN_CHARS - 4 <= len(token) <= issuer.TOKEN_CHARS + 4)
        head, claims, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
        self.assertEqual(json.loads(head)["kid"], keys[0]["kid"])
        (folder / "signature").write_bytes(signature)
        (folder / "public.pem").write_bytes(issuer.openssl("rsa", "-in", served.key, "-pubout"))
        signed = token.rpartition(".")[0].encode()
        verified = issuer.openssl("dgst", "-sha256", "-verify", folder / "public.pem", "-signature", folder / "signature", stdin=signed)
        self.assertIn(b"Verified OK", verified)
        junk_head, junk_claims, junk_signature = junk.split(".")
        for name in ("iss", "aud", "sub"):
            self.assertEqual(json.loads(base64.urlsafe_b64decode(junk_claims + "=="))[name], json.loads(claims)[name])
        self.assertNotEqual(json.loads(base64.urlsafe_b64decode(junk_head + "=="))["kid"], keys[0]["kid"])
        self.assertEqual((len(junk_signature), junk_signature.index(issuer.NONCE)), (issuer.SIGNATURE_CHARS, 0))


if __name__ == "__main__":
    unittest.main()
