#!/usr/bin/env python3
"""Exact search beside Faiss IndexFlat and the machine's memory bandwidth, in one run.

    bench/exact/run.py [--rows 1000000] [--dim 128] [--rounds 5] [--build build]
                       [--godwit build/src/godwit] [--clock wall|cpu] [--json OUT.json]

Makes a virtual environment and its data under $XDG_CACHE_HOME/godwit-bench (default ~/.cache), never
in the tree. Each round runs every case of every side in turn, so that a noisy moment hits all; the
best round of each counts. `--clock cpu` is for a machine that is busy with other things: one thread
only, seconds of processor time. With --godwit the answers are compared too. Sides:

    kernel   bench/exact/kernel_bench: src/kernel/ over a mapped .npy file
    godwit   with --godwit: `godwit search` on an imported collection, time as --stats tells it
    faiss    IndexFlatL2 and IndexFlatIP of faiss-cpu, with the BLAS kernel that it chooses by itself
"""
import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from common import CACHE, enter_environment, run_json                   # noqa: E402

PACKAGES = ["faiss-cpu==1.15.1", "numpy==2.4.6", "threadpoolctl==3.6.0"]
QUERIES = 100
SINGLE_QUERIES = 20
K = 10


def make_data(rows, dim):
    """Normally distributed vectors; returns the paths of rows, queries, and each single query."""
    import numpy as np

    folder = CACHE / f"exact-{rows}-{dim}"
    folder.mkdir(parents=True, exist_ok=True)
    paths = {"rows": folder / "rows.npy", "batch": folder / "batch.npy", "single": folder / "single.npy"}
    random = np.random.default_rng(1)
    if not paths["single"].exists():
        np.save(paths["rows"], random.standard_normal((rows, dim), dtype=np.float32))
        queries = random.standard_normal((QUERIES, dim), dtype=np.float32)
        np.save(paths["batch"], queries)
        np.save(paths["single"], queries[:SINGLE_QUERIES])
    return folder, paths


class KernelSide:
    name = "kernel"

    def __init__(self, build, paths, clock):
        self.clock = clock
        self.program = Path(build) / "bench" / "exact" / "kernel_bench"
        self.paths = paths

    def qps(self, metric, batch, threads):
        queries = self.paths["single" if batch == 1 else "batch"]
        command = [self.program, self.paths["rows"], queries, metric, K, batch, threads, 1]
        stats = run_json(command)
        return stats["queries"] / stats[f"{self.clock}_s"]


class GodwitSide:
    name = "godwit"

    def __init__(self, program, folder, paths, clock):
        import numpy as np

        self.clock = clock
        self.program = program
        self.answers = folder / "answers.npy"
        self.database = folder / "database"
        self.batch = paths["batch"]
        self.singles = []
        for index, query in enumerate(np.load(paths["single"])):
            self.singles.append(folder / f"single-{index}.npy")
            np.save(self.singles[-1], query[None, :])
        for metric in ("L2", "IP"):
            if not (self.database / f"imported-{metric}").exists():
                command = [program, "import", self.database, f"bench_{metric}", "--vectors",
                           paths["rows"], "--metric", metric]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                (self.database / f"imported-{metric}").touch()

    def qps(self, metric, batch, threads):
        files = self.singles if batch == 1 else [self.batch]
        count = 0
        taken = 0.0
        for path in files:
            command = [self.program, "search", self.database, f"bench_{metric}", "--queries", path,
                       "-k", K, "--threads", threads, "--stats", "--json"]
            stats = run_json(command)
            count += stats["queries"]
            taken += stats[f"{self.clock}_s"]
        return count / taken

    def ids(self, metric):
        import numpy as np

        subprocess.run([self.program, "search", self.database, f"bench_{metric}", "--queries",
                        self.batch, "-k", str(K), "--out", self.answers], check=True,
                       stdout=subprocess.DEVNULL)
        return np.load(self.answers)


class FaissSide:
    name = "faiss"

    def __init__(self, paths, clock):
        import faiss
        import numpy as np

        self.now = time.process_time if clock == "cpu" else time.perf_counter
        self.faiss = faiss
        rows = np.load(paths["rows"])
        self.queries = {1: np.load(paths["single"]), QUERIES: np.load(paths["batch"])}
        self.indexes = {"L2": faiss.IndexFlatL2(rows.shape[1]), "IP": faiss.IndexFlatIP(rows.shape[1])}
        for index in self.indexes.values():
            index.add(rows)

    def qps(self, metric, batch, threads):
        self.faiss.omp_set_num_threads(threads)
        queries = self.queries[batch]
        start = self.now()
        for first in range(0, len(queries), batch):
            self.indexes[metric].search(queries[first:first + batch], K)
        return len(queries) / (self.now() - start)


    def ids(self, metric):
        return self.indexes[metric].search(self.queries[QUERIES], K)[1]


def compare_answers(godwit, faiss):
    """Godwit counts imported rows from its own first id; only the differences between ids matter."""
    for metric in ("L2", "IP"):
        ours, theirs = godwit.ids(metric), faiss.ids(metric)
        first = (ours - theirs)[0, 0]
        same = sum(len(set(a - first) & set(b)) for a, b in zip(ours, theirs)) / theirs.size
        print(f"{metric}: {100 * same:.2f} % of the ids are those of faiss")
        if same < 0.999:
            raise SystemExit("the answers differ by more than ties explain")


def measure(sides, bandwidth_program, rounds, clock):
    cases = [(metric, batch, threads) for metric in ("L2", "IP") for batch in (1, QUERIES)
             for threads in ((1,) if clock == "cpu" else (1, 2))]
    best = {}
    bandwidth = {1: 0.0, 2: 0.0}
    for _ in range(rounds):
        read = run_json([bandwidth_program, 512, 3, clock])
        for threads in bandwidth:
            bandwidth[threads] = max(bandwidth[threads], read[f"threads_{threads}_gb_per_s"])
        for case in cases:
            for side in sides:
                qps = side.qps(*case)
                best[side.name, case] = max(best.get((side.name, case), 0.0), qps)
    return cases, best, bandwidth


def report(options, sides, cases, best, bandwidth):
    size = options.rows * options.dim * 4 * 1e-9
    results = []
    print(f"{options.rows} x {options.dim} float32, k = {K}; memory reads "
          f"{bandwidth[1]:.1f} GB/s by one thread, {bandwidth[2]:.1f} by two")
    for case in cases:
        metric, batch, threads = case
        for side in sides:
            qps = best[side.name, case]
            row = {"side": side.name, "metric": metric, "batch": batch, "threads": threads, "qps": qps,
                   "times_faiss": qps / best["faiss", case]}
            line = (f"{metric:3} batch {batch:3} threads {threads}  {side.name:7} {qps:8.1f} queries/s"
                    f"  {row['times_faiss']:5.2f} x faiss")
            if batch == 1:
                row["of_bandwidth"] = qps * size / bandwidth[threads]
                line += f"  {qps * size:5.1f} GB/s = {100 * row['of_bandwidth']:.0f} % of memory"
            results.append(row)
            print(line)
    if options.json:
        Path(options.json).write_text(json.dumps({"bandwidth_gb_per_s": bandwidth, "results": results},
                                                 indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--build", default="build")
    parser.add_argument("--godwit", help="also run this program's `search`")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--json", help="write the figures here")
    options = parser.parse_args()
    enter_environment("venv", PACKAGES)
    import threadpoolctl

    subprocess.run(["ninja", "-C", options.build, "bench/exact/kernel_bench", "bench/exact/bandwidth"],
                   check=True, stdout=subprocess.DEVNULL)
    folder, paths = make_data(options.rows, options.dim)
    sides = [KernelSide(options.build, paths, options.clock)]
    if options.godwit:
        sides.append(GodwitSide(options.godwit, folder, paths, options.clock))
    sides.append(FaissSide(paths, options.clock))
    if options.godwit:
        compare_answers(sides[1], sides[2])
    blas = [pool.get("architecture") for pool in threadpoolctl.threadpool_info()]
    print("faiss-cpu", sides[-1].faiss.__version__, "BLAS kernels:", blas)
    bandwidth_program = Path(options.build) / "bench" / "exact" / "bandwidth"
    report(options, sides, *measure(sides, bandwidth_program, options.rounds, options.clock))


if __name__ == "__main__":
    main()
