#!/usr/bin/env python3
"""Filters beside numpy, in one run, on one core.

    bench/filter/run.py [--rows 1000000] [--rounds 5] [--build build] [--isa scalar|avx2|avx512] [--json OUT.json]

Makes a virtual environment and its data under $XDG_CACHE_HOME/godwit-bench (default ~/.cache), never in the tree. Each round
runs every case of both sides in turn; the best round of each counts, in seconds of processor time. Both must choose equally many rows. Sides:

    godwit   bench/filter/filter_bench: src/filter/ over mapped columns
    numpy    the same on arrays; text as fixed-size bytes; for JSON Python's json.loads and a comparison, row by row over a tenth of the rows
"""
import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from common import CACHE, enter_environment, machine, run_json          # noqa: E402

PACKAGES = ["numpy==2.4.6"]
COLORS = ["red", "blue", "green", "black", "white", "grey", "pink", "cyan", "lime", "navy"]
JSON_PART = 10
MANY = list(range(1, 600000, 37))


def write_texts(folder, name, texts):
    import numpy as np

    encoded = [t.encode() for t in texts]
    offsets = np.zeros(len(encoded) + 1, dtype=np.uint64)
    np.cumsum([len(t) for t in encoded], out=offsets[1:])
    offsets.tofile(folder / f"{name}.offsets")
    (folder / f"{name}.bytes").write_bytes(b"".join(encoded))


def make_data(rows):
    """The folder of the columns, and the same columns for numpy."""
    import numpy as np

    folder = CACHE / f"filter-{rows}"
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    columns = {"id": np.arange(rows, dtype=np.int64), "n": random.integers(0, 10, rows),
               "small": random.integers(0, 1000, rows).astype(np.int32), "price": random.random(rows) * 100}
    names = [f"item-{k:06}-{COLORS[i % 10]}" for i, k in enumerate(random.integers(0, 100000, rows))]
    metas = [f'{{"size":{s},"color":"{COLORS[c]}","note":"some text {i}"}}'
             for i, (s, c) in enumerate(zip(random.integers(0, 100, rows), random.integers(0, 10, rows)))]
    for name, kind in (("id", "i64"), ("n", "i64"), ("small", "i32"), ("price", "f64")):
        columns[name].tofile(folder / f"{name}.{kind}")
    write_texts(folder, "name", names)
    write_texts(folder, "meta", metas)
    return folder, {**columns, "name": np.array([n.encode() for n in names]), "meta": metas}


def json_case(test):
    return lambda c: [test(json.loads(t)) for t in c["meta"][:len(c["meta"]) // JSON_PART]]


def make_cases():
    """(expression, the same in numpy, whether numpy does a part of the rows)."""
    import numpy as np

    return [
        ("n < 5", lambda c: c["n"] < 5, False),
        ("small < 100", lambda c: c["small"] < 100, False),
        ("10 < price <= 50", lambda c: (c["price"] > 10) & (c["price"] <= 50), False),
        ("small in [1, 2, 3]", lambda c: np.isin(c["small"], [1, 2, 3]), False),
        (f"id in {MANY}", lambda c: np.isin(c["id"], MANY), False),
        ("n % 3 == 1", lambda c: c["n"] % 3 == 1, False),
        ("n < small", lambda c: c["n"] < c["small"], False),
        ("n == 1 or n == 3 or small < 5", lambda c: (c["n"] == 1) | (c["n"] == 3) | (c["small"] < 5), False),
        ('name == "item-000123-red"', lambda c: c["name"] == b"item-000123-red", False),
        ('name like "item-0001%"', lambda c: np.char.startswith(c["name"], b"item-0001"), False),
        ('name like "%999%"', lambda c: np.char.find(c["name"], b"999") >= 0, False),
        ('color == "red"', json_case(lambda j: j.get("color") == "red"), True),
        ('n < 5 and color == "red"', json_case(lambda j: j.get("color") == "red"), True),
        ("size < 50", json_case(lambda j: j.get("size") < 50), True),
    ]


def godwit_run(program, folder, expression, isa):
    return run_json([program, folder, expression, 3, *([isa] if isa else [])])


def numpy_run(columns, test):
    start = time.process_time()
    result = test(columns)
    return time.process_time() - start, int(sum(result)) if isinstance(result, list) else int(result.sum())


def measure(program, folder, columns, cases, options):
    best = {}
    for _ in range(options.rounds):
        for expression, test, is_part in cases:
            ours = godwit_run(program, folder, expression, options.isa)
            taken, selected = numpy_run(columns, test)
            taken *= JSON_PART if is_part else 1
            if not is_part and selected != ours["selected"]:
                raise SystemExit(f"{expression}: {ours['selected']} rows, numpy {selected}")
            old = best.get(expression, (1e300, 1e300, 0, ""))
            best[expression] = (min(old[0], ours["cpu_s"]), min(old[1], taken), ours["selected"], ours["isa"])
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--build", default="build")
    parser.add_argument("--isa", choices=("scalar", "avx2", "avx512"))
    parser.add_argument("--json", help="write the figures here")
    options = parser.parse_args()
    enter_environment("venv-filter", PACKAGES)
    subprocess.run(["ninja", "-C", options.build, "bench/filter/filter_bench"], check=True, stdout=subprocess.DEVNULL)
    program = Path(options.build) / "bench" / "filter" / "filter_bench"
    folder, columns = make_data(options.rows)
    results = []
    for expression, (ours, theirs, selected, isa) in measure(program, folder, columns, make_cases(), options).items():
        shown = expression if len(expression) < 40 else expression[:30] + " ...]"
        print(f"{shown:40} {isa:7} {selected:8} rows  {options.rows / ours * 1e-6:8.1f} M rows/s  "
              f"numpy {options.rows / theirs * 1e-6:7.1f}  ratio {theirs / ours:7.1f}")
        results.append({"filter": shown, "isa": isa, "selected": selected, "rows_per_s": options.rows / ours,
                        "numpy_rows_per_s": options.rows / theirs})
    if options.json:
        Path(options.json).write_text(json.dumps({"machine": machine(), "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
