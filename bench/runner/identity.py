"""The rows about callers with an access token: what it costs to sign in so, and what junk costs the others."""
import itertools
import math
import time
from contextlib import contextmanager
from statistics import median

from .measure import Load, measure, run_beside

VALID_RATE = 1000         # requests a second of the callers whose latency is judged
VALID_LOAD_MAX = 0.6      # of the closed-loop rate: more valid calls than that would only show that the gateway is full
JUNK_CONNECTIONS = 64
REFETCH_SECONDS = 300     # an unknown kid may cause one fetch in this time
REFUSED = ("--expect-status", 401, "--expect", "invalid_api_key")


@contextmanager
def running(subject):
    subject.start()
    try:
        yield subject
    finally:
        subject.stop()


def named(subjects, name):
    return next((subject for subject in subjects if subject.name == name), None)


def identity_unary(setting, subjects, cpu_row):
    """The unary figure by API key and by access token with a Role, in alternating rounds."""
    key, token = named(subjects, "wye"), named(subjects, "wye_token")
    if not key or not token:
        return {}
    with running(token):
        return cpu_row(setting, [key, token], Load(32, 1024), "identity CPU 1 KB c=32")


def in_place_rate(junk_rate, valid_per_second):
    """Valid calls that stand for the junk: as many, unless the gateway could not answer that many beside those that are judged."""
    return min(junk_rate, max(1, int(valid_per_second * VALID_LOAD_MAX) - VALID_RATE))


def junk(setting, subjects):
    """What callers with a good token notice of half the junk that the gateway can refuse, beside as many good calls."""
    subject = named(subjects, "wye_token")
    if not subject:
        return {}
    with running(subject):
        return {"wye_token": junk_row(setting, subject)}


def junk_row(setting, subject):
    seeds = itertools.count(1)  # no nonce comes twice

    def load(connections, rate=0, headers=None, longer=0, extra=()):
        seconds = setting.seconds + longer if longer else 0
        return Load(connections, rate=rate, headers=headers, seconds=seconds, extra=(*extra, "--seed", next(seeds)))

    bad = subject.junk_headers()
    valid_full = measure(setting, subject, load(32), "junk: valid calls, closed loop")
    fetched, begin = subject.issuer.fetched(), time.monotonic()
    junk_full = measure(setting, subject, load(JUNK_CONNECTIONS, headers=bad, extra=REFUSED), "junk: junk, closed loop")
    junk_rate = int(junk_full["per_second"] / 2)
    in_place = in_place_rate(junk_rate, valid_full["per_second"])
    rounds = {"in_place": [], "beside": []}
    for number in range(setting.rounds):
        for name in ("in_place", "beside") if number % 2 == 0 else ("beside", "in_place"):
            def pair(setting, subject, mine, name=name):
                other = (load(JUNK_CONNECTIONS, junk_rate, bad, 1, REFUSED) if name == "beside" else load(JUNK_CONNECTIONS, in_place, longer=1))
                return run_beside(setting, subject, mine, other)
            rounds[name].append(measure(setting, subject, load(32, VALID_RATE), f"junk: valid calls, {name}", pair))
    seconds, fetches = time.monotonic() - begin, subject.issuer.fetched() - fetched
    return {
        "valid_per_second": VALID_RATE, "valid_closed_loop_per_second": valid_full["per_second"],
        "junk_saturating_per_second": junk_full["per_second"], "junk_saturating_core_busy": busy(junk_full),
        "junk_per_second": junk_rate, "in_place_per_second": in_place,
        **figures(rounds),
        "fetches": fetches, "seconds": seconds, "fetches_in_5_minutes": fetches / math.ceil(seconds / REFETCH_SECONDS),
        "noisy": any(one["noisy"] for one in [junk_full, *rounds["in_place"], *rounds["beside"]]),
    }


def busy(result):
    return result["processes"]["gateway"]["run_ns"] / 1e9 / result["seconds"]


def figures(rounds):
    """Medians of both kinds of rounds, and what the other generator reached in them."""
    row = {}
    for name, results in rounds.items():
        row[f"{name}_p50_us"] = median(one["latency_us"]["p50"] for one in results)
        row[f"{name}_p99_us"] = median(one["latency_us"]["p99"] for one in results)
        row[f"{name}_rounds_p99_us"] = [round(one["latency_us"]["p99"]) for one in results]
        row[f"{name}_reached_per_second"] = median(one["beside"]["per_second"] for one in results)
        row[f"{name}_core_busy"] = median(busy(one) for one in results)
        row[f"{name}_foreign"] = [round(one["foreign"], 3) for one in results]
    row["p99_ratio"] = row["beside_p99_us"] / row["in_place_p99_us"]
    return row
