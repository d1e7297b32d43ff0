#!/usr/bin/env python3
"""Random histories of an old server: inserts, deletes, flushes, merges, index builds, drops, restarts, kills; then the program.

    histories_test.py GODWIT [--seeds 25] [--first 1]

What must be found is known from the history (the played engine of tests/tools/milvus1x.py), not read back. One third is linked, one
third goes through a package. A failing case names its seed; `--first SEED --seeds 1 --keep` plays it again.
Last line 'N passed, N failed, N skipped'. Needs Python 3.9+, nothing else.
"""
import argparse
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import milvus1x as m                                                                      # noqa: E402
from program import Suite, binary_argument, changed, expect, row_set, tree, wanted        # noqa: E402

TAGS = ("p", "two words", "标签", "a-b", "a_b", " padded ", "P")


class History:
    """One random life of an installation."""

    def __init__(self, root, seed):
        self.rng = random.Random(seed)
        version = self.rng.choice(("0.9.1", "0.10.6", "1.0.0", "1.1.1"))
        self.inst = m.Installation(root, version, seed, leave_wal=self.rng.random() < 0.5, truth=False)
        self.collections, self.next_id, self.known = [], 1, {}
        self.auto = self.rng.random() < 0.3

    def create(self):
        metric = self.rng.choice(sorted(m.METRICS.values()))
        dim = self.rng.choice((8, 16, 64, 96)) if metric >= 3 else self.rng.choice((1, 2, 3, 8, 17))
        c = self.inst.collection(f"c{len(self.collections)}", dim, metric, flag=0)
        self.collections.append(c)
        self.known[c.table_id] = []

    def partition(self, c):
        tag = self.rng.choice(TAGS)
        if tag.strip() not in {p.tag for p in c.partitions if p.row["state"] == m.NORMAL}:
            self.inst.partition(c, tag)

    def tag(self, c):
        """A tag as a client may send it: sometimes untrimmed, sometimes `_default`."""
        tags = [p.tag for p in c.partitions if p.row["state"] == m.NORMAL]
        tag = self.rng.choice(tags + ["", "", "_default"])
        return f" {tag}\t" if tag and self.rng.random() < 0.2 else tag

    def insert(self, c):
        count, known = self.rng.choice((1, 1, 2, 5, 40)), self.known[c.table_id]
        ids = []
        for _ in range(count):
            again = known and self.rng.random() < 0.15
            ids.append(self.rng.choice(known) if again else self.next_id * self.rng.choice((1, -1, 10**15)))
            self.next_id += 1
        known += ids
        self.inst.insert(c, ids, m.random_vectors(self.rng, count, c.row["metric_type"], c.row["dimension"]), self.tag(c))

    def delete(self, c):
        known = self.known[c.table_id]
        ids = self.rng.sample(known, min(len(known), self.rng.choice((1, 2, 10)))) + ([4711] if self.rng.random() < 0.2 else [])
        tag = self.tag(c) if self.inst.version == "1.1.1" and self.rng.random() < 0.3 else ""
        if ids:
            self.inst.delete(c, ids, tag)

    def merge(self, c):
        for t in [c] + c.partitions:
            raw = [s for s in t.segments if s.row["file_type"] == m.RAW]
            if t.row["state"] == m.NORMAL and raw:
                self.inst.merge(t, self.rng.sample(raw, self.rng.randint(1, len(raw))))

    def index(self, c):
        for t in [c] + c.partitions:
            for s in t.segments:
                if s.row["file_type"] == m.RAW and t.row["state"] == m.NORMAL and self.rng.random() < 0.5:
                    self.inst.indexed(s, raw=self.rng.choice((m.BACKUP, m.BACKUP, m.TO_INDEX)))

    def drop(self, c):
        alive = [p for p in c.partitions if p.row["state"] == m.NORMAL]
        if alive and self.rng.random() < 0.7:
            self.inst.drop(self.rng.choice(alive))
        elif len([x for x in self.collections if x.row["state"] == m.NORMAL]) > 1:
            self.inst.drop(c)

    def restart(self, _):
        self.inst.flush()
        self.inst.next_wal_file()

    def live(self):
        self.create()
        for _ in range(self.rng.choice((5, 30, 80))):
            c = self.rng.choice([x for x in self.collections if x.row["state"] == m.NORMAL])
            step = self.rng.choices(("insert", "delete", "flush", "flush_all", "partition", "merge", "index", "drop", "restart", "create"),
                                    (40, 20, 14, 4, 8, 4, 3, 2, 2, 3))[0]
            if step == "create":
                self.create()
            elif step == "flush":
                self.inst.flush(c)
            elif step == "flush_all":
                self.inst.flush()
            else:
                getattr(self, step)(c)
        if self.rng.random() < 0.3:
            self.inst.flush()
        elif self.rng.random() < 0.5:
            c = self.collections[0]
            self.inst.log(m.DELETE, c.table_id, "", self.known[c.table_id], acknowledged=False)
        self.inst.close()
        return self.inst


def check(program, seed):
    inst = History(os.path.join(program.work, "milvus"), seed).live()
    before, data, source = tree(inst.root), os.path.join(program.work, "data"), inst.root
    if seed % 3 == 0:
        source = os.path.join(program.work, "package")
        program.ok("package", inst.root, "-o", source)
    program.ok("migrate", source, "--to", data, *(("--link",) if seed % 3 == 1 else ()))
    program.ok("verify", source, "--against", data)
    for c, targets in inst.visible():
        for t in targets:
            program.same_rows(data, c.table_id, t.tag, row_set(t.live))
    for t in inst.targets:
        if t.owner is None and t.row["state"] == m.DROPPED:
            program.absent(data, t.table_id)
    expect(not changed(before, tree(inst.root)), "the source was changed")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    binary_argument(a)
    a.add_argument("--seeds", type=int, default=25, help="how many histories (default: 25)")
    a.add_argument("--first", type=int, default=1, help="the first seed")
    a = a.parse_args()
    suite = Suite(a.binary, a.keep)
    for seed in range(a.first, a.first + a.seeds):
        if wanted(f"seed {seed}", a.only):
            suite.case(f"seed {seed}", lambda p, s=seed: check(p, s))
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
