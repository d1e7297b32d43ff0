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
        process = subprocess.Popen([str(part) for part in (self.program, *command)], stdout=subprocess.DEVNULL)
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
        self.facts.update(build_cpu_s=cpu, build_wall_s=wall, size=sum(s.get("size", 0) for s in segments),
                          plans=sorted({s.get("plan", "?") for s in segments}), has_floats=False,
                          index_answer_s=self.facts["import_wall_s"] + wall)

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

    def search(self, setting, wants_ids):
        """(seconds of the processor, ids or None, all that --stats says)"""
        import numpy as np

        base = ["search", self.database, "bench", "--queries", self.queries, "-k", "10", "--threads", "1"]
        if setting["level"] is not None:
            base += ["--level", setting["level"]]
        stats = common.run_json([self.program, *base, "--stats", "--json"])
        if not wants_ids:
            return stats["cpu_s"], None, stats
        self._run(*base, "--out", self.answers)
        return stats["cpu_s"], np.load(self.answers).tolist(), stats


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
