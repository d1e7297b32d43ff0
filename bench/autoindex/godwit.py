"""Godwit's side, through its command line: import, the index, search at each level. Times are what `--stats --json` and the kernel tell."""
import json
import os
import shutil
import subprocess
import time

import common

FIRST_LEVEL, EXACT_LEVEL = 1, 10


class Godwit:
    def __init__(self, program, folder, spec, scratch):
        self.program, self.folder, self.metric, self.scratch = program, folder, spec.metric, scratch
        self.queries = folder / spec.queries
        self.database, self.answers = scratch / "database", scratch / "answers.npy"
        shutil.rmtree(self.database, ignore_errors=True)
        self.facts = {}

    def _run(self, *command):
        """(seconds of the processor, of the wall) of a command and its threads."""
        began = time.perf_counter()
        process = subprocess.Popen([str(part) for part in (*common.FIRST, self.program, *command)], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"bench/autoindex: {' '.join(map(str, command))} ends with {process.returncode}")
        return usage.ru_utime + usage.ru_stime, time.perf_counter() - began

    def has(self, command, option=None):
        done = subprocess.run([self.program, command, "--help"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        return done.returncode == 0 and (option is None or option in done.stdout)

    def build(self):
        """Import, the first answer, the index; what each took goes into `facts`."""
        later = ("--no-index",) if self.has("import", "--no-index") else ()
        cpu, wall = self._run("import", self.database, "bench", "--vectors", self.folder / "rows.npy", "--ids", self._ids(),
                              "--metric", self.metric, *later)
        first_cpu, first_wall = self._run("search", self.database, "bench", "--queries", self._one_query(), "--threads", 1,
                                          "--out", self.answers)
        self.facts = {"import_cpu_s": cpu, "import_wall_s": wall, "first_answer_s": wall + first_wall, "first_search_cpu_s": first_cpu,
                      "has_index": self.has("index", "--build") and self.has("search", "--level")}
        if not self.facts["has_index"]:
            return
        threads = ("--threads", "1") if self.has("index", "--threads") else ()
        cpu, wall = self._run("index", self.database, "bench", "--build", *threads)
        done = subprocess.run([self.program, "index", self.database, "bench", "--json"], check=True, stdout=subprocess.PIPE, text=True)
        segments = index_segments(done.stdout)
        self.facts["has_index"] = any(s.get("size") for s in segments)
        if not self.facts["has_index"]:
            return
        costs = build_costs(segments)
        self.facts.update(build_cpu_s=cpu, build_wall_s=wall, size=sum(s.get("size", 0) for s in segments),
                          plans=sorted({s.get("plan", "?") for s in segments}), has_floats=False,
                          lists_cpu_s=costs["lists"]["cpu_s"], graph_cpu_s=costs["graph"]["cpu_s"], files=self._index_files())
        self._time_to_answers()

    def _index_files(self):
        """Bytes of each kind of index file."""
        sizes = {}
        for path in self.database.glob("segments/*/*"):
            if path.suffix not in (".ids", ".vec", ".sum", ".dead", ".col", ".built"):
                sizes[path.suffix[1:]] = sizes.get(path.suffix[1:], 0) + path.stat().st_size
        return sizes

    def _time_to_answers(self):
        """Building once more, with all processors: from the start of the import to answers through the lists, and through all there is."""
        self._run("index", self.database, "bench", "--rebuild")
        done = subprocess.run([self.program, "index", self.database, "bench", "--json"], check=True, stdout=subprocess.PIPE, text=True)
        costs = build_costs(index_segments(done.stdout))
        lists = self.facts["import_wall_s"] + costs["lists"]["wall_s"]
        self.facts.update(lists_answer_s=lists, index_answer_s=lists + costs["graph"]["wall_s"])

    def _ids(self):
        """Row numbers, as the peers have them."""
        import numpy as np

        path = self.scratch / "ids.npy"
        np.save(path, np.arange(len(np.load(self.folder / "rows.npy", mmap_mode="r")), dtype=np.int64))
        return path

    def _one_query(self):
        import numpy as np

        path = self.scratch / "one.npy"
        np.save(path, np.load(self.queries)[:1])
        return path

    def settings(self):
        levels = range(FIRST_LEVEL, EXACT_LEVEL + 1) if self.facts["has_index"] else [None]
        return [{"level": level} for level in levels]

    def _command(self, setting):
        base = ["search", self.database, "bench", "--queries", self.queries, "-k", "10", "--threads", "1"]
        if setting["level"] is not None:
            base += ["--level", setting["level"]]
        if setting.get("share"):
            base += ["--only-ids", self.filter_file(setting["share"])]
        return base

    def filter_file(self, share):
        """Ids of that share of the rows, drawn at random, the same in every run."""
        import numpy as np

        path = self.scratch / f"filter-{share}.npy"
        if not path.exists():
            count = len(np.load(self.folder / "rows.npy", mmap_mode="r"))
            np.save(path, np.sort(np.random.default_rng(31).permutation(count)[:max(10, int(count * share))]).astype(np.int64))
        return path

    def search(self, setting, wants_ids):
        """(seconds of the processor, ids or None, all that --stats says)"""
        import numpy as np

        base = self._command(setting)
        stats = common.run_json([*common.FIRST, self.program, *base, "--stats", "--json"])
        if not wants_ids:
            return stats["cpu_s"], None, stats
        self._run(*base, "--out", self.answers)
        return stats["cpu_s"], np.load(self.answers).tolist(), stats


def build_costs(segments):
    """Seconds of the processor and of the wall for each plan, of all segments."""
    found = {plan: {"cpu_s": 0.0, "wall_s": 0.0} for plan in ("lists", "graph")}
    for segment in segments:
        for plan, sums in found.items():
            for key in sums:
                sums[key] += segment.get("build", {}).get(plan, {}).get(key, 0.0)
    return found


def index_segments(text):
    """The segments of what `godwit index --json` says: one document, or a line each."""
    try:
        whole = [json.loads(text)]
    except ValueError:
        whole = [json.loads(line) for line in text.splitlines() if line.strip()]
    found = []
    while whole:
        item = whole.pop()
        if isinstance(item, list):
            whole += item
        elif isinstance(item, dict):
            if "segment" in item:
                found.append(item)
            else:
                whole += [v for v in item.values() if isinstance(v, (list, dict))]
    return found
