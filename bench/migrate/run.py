#!/usr/bin/env python3
"""Migration beside `cp -r` + `sync` on a generated 2 GB source of 32 segments x 128 dimensions, in one run.

    bench/migrate/run.py [--godwit build/src/godwit] [--rows 4000000] [--rounds 3] [--work DIR] [--json OUT.json]

Each round runs every case in turn, so that a noisy moment hits all; the best round of each counts. Cold: caches are dropped
first (root; else skipped). Each case ends when its bytes are on the disk: `sync -f` of the target counts for cp, and for godwit as
well, though it syncs by itself. Verification is always included for godwit. Prints MB/s, ratios to cp of the same temperature, and
godwit's peak memory. Exit code 1 when peak memory passes 256 MiB. Sources are made once, in --work (default
$XDG_CACHE_HOME/godwit-bench/migrate), which should lie on the disk to be measured.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from common import CACHE, size_of           # noqa: E402

ROOT = HERE.parent.parent
MEMORY_MAX = 256 << 20
DIM, SEGMENTS = 128, 32
TARGETS = {"migrate": 0.9, "migrate, 1 % deleted": 0.7}        # of cp's throughput, cold


def make_source(work, name, rows, deletes):
    source = work / f"{name}-{rows}"
    if not source.exists():
        part = work / f"{name}-{rows}.part"
        print(f"making {source} ...", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, ROOT / "tests" / "tools" / "make_installation.py", part, "--force", "--rows", str(rows), "--dim", str(DIM),
                        "--segments", str(SEGMENTS), "--deletes", str(deletes), "--no-wal", "--no-truth"], check=True)
        part.rename(source)
    return source


def drop_caches():
    """True when the next reads come from the disk."""
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
            f.write("3")
        return True
    except OSError:
        return False


def warm(folder):
    for base, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(base, name), "rb", buffering=0) as f:
                while f.read(1 << 20):
                    pass


def run_once(command, target, log):
    """(seconds until everything is on the disk, peak memory of the command in bytes)"""
    shutil.rmtree(target, ignore_errors=True)
    os.sync()
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=log, stderr=log)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench/migrate: {' '.join(map(str, command))} ends with {process.returncode}; see {log.name}")
    subprocess.run(["sync", "-f", target], check=True)
    return time.monotonic() - began, usage.ru_maxrss * 1024


def measure(cases, target, rounds, temperatures, log):
    """{(case, temperature): (best seconds, peak memory)}"""
    best = {}
    for _ in range(rounds):
        for temperature in temperatures:
            for name, (source, command) in cases.items():
                if temperature == "warm":
                    warm(source)
                elif not drop_caches():
                    continue
                seconds, memory = run_once(command, target, log)
                old = best.get((name, temperature), (float("inf"), 0))
                best[name, temperature] = (min(old[0], seconds), max(old[1], memory))
                shutil.rmtree(target)
    return best


def report(cases, best, temperatures):
    rows = []
    for temperature in temperatures:
        for name, (source, _) in cases.items():
            if (name, temperature) not in best:
                continue
            seconds, memory = best[name, temperature]
            base = best["cp -r + sync" if "deleted" not in name else "cp -r + sync, 1 % deleted", temperature][0]
            rows.append({"case": name, "temperature": temperature, "seconds": round(seconds, 3), "mb_per_s": round(size_of(source) / seconds / 1e6, 1),
                         "ratio_to_cp": round(base / seconds, 3), "peak_mib": round(memory / (1 << 20), 1),
                         "target_ratio": TARGETS.get(name) if temperature == "cold" else None})
    print(f"{'case':28} {'cache':5} {'seconds':>8} {'MB/s':>8} {'of cp':>7} {'target':>7} {'peak MiB':>9}")
    for r in rows:
        print(f"{r['case']:28} {r['temperature']:5} {r['seconds']:8.2f} {r['mb_per_s']:8.0f} {r['ratio_to_cp']:7.2f} "
              f"{'' if r['target_ratio'] is None else '>= ' + str(r['target_ratio']):>7} {r['peak_mib']:9.1f}")
    return rows


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--godwit", default=str(ROOT / "build" / "src" / "godwit"))
    a.add_argument("--rows", type=int, default=4_000_000)
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--work", type=Path, default=CACHE / "migrate")
    a.add_argument("--only", choices=("cold", "warm"), help="one temperature")
    a.add_argument("--json", help="write the numbers here as well")
    args = a.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    whole = make_source(args.work, "whole", args.rows, 0)
    deleted = make_source(args.work, "deleted", args.rows, 0.01)
    target = args.work / "target"
    cases = {
        "cp -r + sync": (whole, ["cp", "-r", whole, target]),
        "migrate": (whole, [args.godwit, "migrate", whole, "--to", target]),
        "migrate --link": (whole, [args.godwit, "migrate", whole, "--to", target, "--link"]),
        "cp -r + sync, 1 % deleted": (deleted, ["cp", "-r", deleted, target]),
        "migrate, 1 % deleted": (deleted, [args.godwit, "migrate", deleted, "--to", target]),
    }
    temperatures = [args.only] if args.only else ["cold", "warm"]
    with open(args.work / "log", "wb") as log:
        best = measure(cases, target, args.rounds, temperatures, log)
    rows = report(cases, best, temperatures)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(rows, f, indent=1)
    peak = max((memory for (name, _), (_, memory) in best.items() if name.startswith("migrate")), default=0)
    if peak > MEMORY_MAX:
        sys.exit(f"peak memory is {peak >> 20} MiB, at most {MEMORY_MAX >> 20} expected")


if __name__ == "__main__":
    main()
