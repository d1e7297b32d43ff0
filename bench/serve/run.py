#!/usr/bin/env python3
"""`godwit serve` beside Milvus Lite and the embedded Milvus server: all in one run, interleaved, through one client (pymilvus).

    bench/serve/run.py [--quick] [--peers milvus-lite,milvus] [--rows N] [--rounds N] [--godwit build/src/godwit] [--json OUT.json]

The peers come from PyPI into private environments under $XDG_CACHE_HOME/godwit-bench (default ~/.cache). A peer that cannot be installed
or does not start is skipped by name. The embedded Milvus binds fixed ports (19530, 9091, ...) on every address: run this where they are
free, best in a network namespace (`unshare -rn sh -c 'ip link set lo up; exec bench/serve/run.py'`, once everything is installed).
Each side takes the same rows, then each round asks every side in turn; the best round counts. The client's threads share one interpreter,
so that the clock hides a part of what a fast server saves. See docs/benchmarks.md.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import common               # noqa: E402

CLIENT = ["pymilvus==3.0.2", "milvus-lite==3.2.2", "numpy==2.4.6"]
EMBEDDED = ["milvus==2.3.5", "setuptools<81"]
COLUMNS, K, BATCH, CLIENTS, WANTED = 128, 10, 2000, 16, 0.95
EFFORTS = (32, 64, 128, 256, 512)
SHARES = {"50": 5, "5": 50, "0.1": 2500}    # per cent that pass: n is below this; half the rows are red
NAME = "bench"
START_TIMEOUT_S = 60


def filter_of(share):
    return f'n{SHARES[share]} < 5 and color == "red"'


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Side:
    """A server in a session of its own."""

    def __init__(self, name, command, folder, port):
        self.name, self.command, self.folder, self.port, self.process, self.client = name, command, folder, port, None, None
        self.setting, self.figures = None, {}

    def start(self):
        """Seconds until the client is connected."""
        from pymilvus import MilvusClient

        begin = time.monotonic()
        with open(self.folder.parent / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen([*common.FIRST, *map(str, self.command)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with status {self.process.returncode}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                self.client = MilvusClient(uri=f"http://127.0.0.1:{self.port}", timeout=5)
                self.client.list_collections(timeout=5)
                return time.monotonic() - begin
            except Exception as error:      # whatever a client says to a server that is still starting
                if time.monotonic() - begin > START_TIMEOUT_S:
                    raise RuntimeError(f"{self.name} does not answer: {error}") from error
                time.sleep(0.005)

    def stop(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def _processes(self):
        for entry in Path("/proc").iterdir():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split() if entry.name.isdigit() else None
            except OSError:
                continue
            if fields and int(fields[3]) == self.process.pid:
                yield entry, fields

    def anonymous_mib(self):
        lines = [line for entry, _ in self._processes() for line in (entry / "status").read_text().splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024

    def better(self, key, value, less=False):
        old = self.figures.get(key)
        self.figures[key] = value if old is None else min(old, value) if less else max(old, value)

    def fill(self, rows):
        from pymilvus import DataType

        schema = self.client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("v", DataType.FLOAT_VECTOR, dim=COLUMNS)
        for below in SHARES.values():
            schema.add_field(f"n{below}", DataType.INT64)
        schema.add_field("color", DataType.VARCHAR, max_length=16)
        self.client.create_collection(NAME, schema=schema, consistency_level="Strong", timeout=60)
        begin = time.monotonic()
        for at in range(0, len(rows), BATCH):
            self.client.insert(NAME, rows[at:at + BATCH], timeout=600)
        self.figures["insert rows/s"] = len(rows) / (time.monotonic() - begin)
        begin = time.monotonic()
        self.client.flush(NAME, timeout=600)
        params = self.client.prepare_index_params()
        params.add_index("v", index_type="HNSW", metric_type="L2", params={"M": 16, "efConstruction": 200})
        self.client.create_index(NAME, params, timeout=3600)
        self.client.load_collection(NAME, timeout=600)
        self.figures["flush, index, load s"] = time.monotonic() - begin

    def search(self, query, words=""):
        found = self.client.search(NAME, [query], filter=words, limit=K, anns_field="v", search_params={"metric_type": "L2", "params": {"ef": self.setting}},
                                   output_fields=["id"], timeout=120)
        return [hit["id"] for hit in found[0]]

    def choose(self, queries, near):
        """The least effort that finds WANTED."""
        for self.setting in EFFORTS:
            right = sum(len(set(self.search(q)) & set(ids)) for q, ids in zip(queries, near))
            self.figures["recall"] = right / (K * len(queries))
            if self.figures["recall"] >= WANTED:
                return

    def timed(self, queries, words="", clients=1):
        """(queries/s, sorted seconds)"""
        def one(query):
            begin = time.monotonic()
            self.search(query, words)
            return time.monotonic() - begin

        begin = time.monotonic()
        with ThreadPoolExecutor(clients) as pool:
            taken = sorted(pool.map(one, queries))
        wall = time.monotonic() - begin
        return len(queries) / wall, taken

    def round(self, queries):
        rate, taken = self.timed(queries)
        self.better("search QPS, 1 client", rate)
        self.better("search p50 ms", 1e3 * taken[len(taken) // 2], True)
        self.better("search p99 ms", 1e3 * taken[len(taken) * 99 // 100], True)
        self.better(f"search QPS, {CLIENTS} clients", self.timed(queries, clients=CLIENTS)[0])
        for share in SHARES:
            self.better(f"filtered search QPS, {share} %", self.timed(queries[:max(10, len(queries) // 4)], filter_of(share))[0])
        begin = time.monotonic()
        count = self.client.query(NAME, filter=filter_of("5"), output_fields=["count(*)"], timeout=120)[0]["count(*)"]
        self.better("count(*) with a filter ms", 1e3 * (time.monotonic() - begin), True)
        self.figures["rows counted"] = count

    def restart(self, query):
        self.stop()
        begin = time.monotonic()
        self.start()
        self.client.load_collection(NAME, timeout=600)
        self.search(query)
        self.figures["start to first answer ms"] = 1e3 * (time.monotonic() - begin)
        time.sleep(2)
        self.figures["RssAnon after it MiB"] = self.anonymous_mib()


def make_rows(count, queries):
    """(rows for pymilvus, queries, ids of the true neighbours, rows that the 5 % filter passes)"""
    import numpy as np

    random = np.random.default_rng(7)
    centers = random.standard_normal((max(8, count // 200), COLUMNS), dtype=np.float32)
    vectors = centers[random.integers(0, len(centers), count + queries)] + 0.4 * random.standard_normal((count + queries, COLUMNS), dtype=np.float32)
    asked, vectors = vectors[count:], vectors[:count]
    numbers = {below: random.integers(0, below, count) for below in SHARES.values()}
    red = random.random(count) < 0.5
    rows = [{"id": i, "v": vectors[i], "color": "red" if red[i] else "blue", **{f"n{b}": int(n[i]) for b, n in numbers.items()}}
            for i in range(count)]
    squares = (vectors * vectors).sum(1)
    near = [np.argpartition(squares - 2 * vectors @ q, K)[:K].tolist() for q in asked]
    return rows, [q.tolist() for q in asked], near, int((red & (numbers[SHARES["5"]] < 5)).sum())


def embedded_command(folder):
    """The embedded Milvus, from an environment of its own."""
    home = common.CACHE / "serve-milvus-venv"
    stamp = home / "packages"
    if not stamp.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        subprocess.run([home / "bin" / "python", "-m", "pip", "install", "-q", *EMBEDDED], check=True)
        stamp.write_text("\n".join(EMBEDDED))
    return [home / "bin" / "milvus-server", "--data", folder]


def make_sides(options, scratch):
    for name in ["godwit", *options.peers]:
        folder, port = scratch / name, free_port()
        folder.mkdir()
        if name == "godwit":
            command = [options.godwit, "serve", folder, "--listen", f"127.0.0.1:{port}"]
        elif name == "milvus-lite":
            command = [Path(sys.executable).parent / "milvus-lite", "server", "--data-dir", folder, "--host", "127.0.0.1", "--port", port]
        else:
            port = 19530
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    print(f"SKIPPED {name}: port {port} is taken")
                    continue
            try:
                command = embedded_command(folder)
            except (subprocess.CalledProcessError, OSError) as error:
                print(f"SKIPPED {name}: {error}")
                continue
        yield Side(name, command, folder, port)


def guarded(sides, step):
    """Does a step with every side in turn; a side that fails is named and left out."""
    for side in list(sides):
        begin = time.monotonic()
        try:
            step(side)
        except Exception as error:          # a peer's client may raise anything
            print(f"{'FAILED' if side.figures else 'SKIPPED'} {side.name}: {error}", flush=True)
            side.stop()
            sides.remove(side)
        print(f"  {side.name}: {time.monotonic() - begin:.1f} s", file=sys.stderr, flush=True)


def report(sides):
    """A Markdown table; beside each peer's figure how many times better Godwit's is."""
    ours = next((s.figures for s in sides if s.name == "godwit"), {})
    print("\n| | " + " | ".join(s.name for s in sides) + " |\n|---|" + "---:|" * len(sides))
    for key in dict.fromkeys(k for s in sides for k in s.figures):
        cells = []
        for side in sides:
            value, mine = side.figures.get(key), ours.get(key)
            cell = "-" if value is None else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
            if side.name != "godwit" and value and mine and key not in ("recall", "rows counted"):
                cell += f" ({mine / value if '/s' in key or 'QPS' in key else value / mine:.2f} x)"
            cells.append(cell)
        print(f"| {key} | " + " | ".join(cells) + " |")
    print("\nIn brackets: how many times better Godwit's figure is (below 1: worse).")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20,000 rows, two rounds")
    parser.add_argument("--peers", type=lambda t: [p for p in t.split(",") if p], default=["milvus-lite", "milvus"])
    parser.add_argument("--rows", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--queries", type=int)
    parser.add_argument("--godwit", default="build/src/godwit")
    parser.add_argument("--json", help="write the figures here")
    options = parser.parse_args()
    common.enter_environment("serve-venv", CLIENT)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # so that the servers end, too
    count, rounds = options.rows or (20000 if options.quick else 100000), options.rounds or (2 if options.quick else 5)
    rows, queries, near, counted = make_rows(count, options.queries or (100 if options.quick else 500))
    scratch = Path(tempfile.mkdtemp(prefix="godwit-bench-serve-"))
    sides = []
    print(json.dumps(common.machine()), f"{count} rows x {COLUMNS}, {len(queries)} queries", flush=True)
    try:
        sides.extend(make_sides(options, scratch))
        guarded(sides, lambda s: s.start())
        guarded(sides, lambda s: s.fill(rows))
        guarded(sides, lambda s: s.choose(queries, near))
        for _ in range(rounds):
            guarded(sides, lambda s: s.round(queries))
        for side in sides:
            if side.figures.get("rows counted") != counted:
                print(f"WRONG {side.name}: counts {side.figures.get('rows counted')} rows instead of {counted}")
        guarded(sides, lambda s: s.restart(queries[0]))
        report(sides)
        if options.json:
            Path(options.json).write_text(json.dumps({"machine": common.machine(), "rows": count,
                                                      "sides": {s.name: s.figures for s in sides}}, indent=1), encoding="utf-8")
    finally:
        for side in sides:
            side.stop()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
