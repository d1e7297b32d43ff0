#!/usr/bin/env python3
"""Checks the program against installations that real Milvus engines wrote, row by row and bit by bit.

    check_golden.py GODWIT [SET.tar.xz ...]        default: every set beside this file

A set is tried in several ways, one case each:
  direct    inspect, migrate, verify, unload of every partition; what was dropped is not there; verify notices a flipped bit
  package   package, then the set is moved away, and the same from the package alone
  mysql     sets whose metadata is a MySQL dump: as direct, with the metadata in a private MariaDB, by URL and by DSN
After each way the set is as it was: names, bytes, modes and times. Needs Python 3.9+; the mysql way needs mariadb-server.
Prints a line a case and, last, 'N passed, N failed, N skipped'.
"""
import argparse
import glob
import json
import os
import re
import shutil
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import mariadb                                                                            # noqa: E402
from program import Skip, Suite, binary_argument, changed, expect, flip_bit, pairs, read, tree, wanted   # noqa: E402


class Golden:
    """A set unpacked into a scratch folder: `top`, and its truth beside it."""

    def __init__(self, archive, work):
        with tarfile.open(archive) as t:
            t.extractall(work)
        self.top = next(p for p in glob.glob(os.path.join(work, "*")) if os.path.isdir(os.path.join(p, "db")))
        self.truth_folder = os.path.join(work, "truth")
        shutil.move(os.path.join(self.top, "truth"), self.truth_folder)
        with open(os.path.join(self.truth_folder, "truth.json"), encoding="utf-8") as f:
            self.truth = json.load(f)
        self.mysql = self.truth["backend"] == "mysql"
        self.before = tree(self.top)

    def partitions(self):
        """(collection, partition, row width, binary?, ids, vectors) of everything that must be found."""
        for c in self.truth["collections"]:
            binary = c["metric_number"] >= 3
            width = c["dim"] // 8 if binary else 4 * c["dim"]
            for p in c["partitions"]:
                stem = os.path.join(self.truth_folder, p["files"])
                ids, vectors = read(stem + ".ids"), read(stem + ".vec")
                if os.path.exists(stem + ".lost_ids"):
                    ids, vectors = self.with_lost(ids, vectors, read(stem + ".lost_ids"), width)
                yield c, p, width, binary, ids, vectors

    def with_lost(self, ids, vectors, lost, width):
        """Rows that the old server forgets at its next start, though one record of its log still holds them."""
        for path in glob.glob(os.path.join(self.top, "wal", "*.wal")) if lost else ():
            data = read(path)
            if lost in data:
                at = data.index(lost) + len(lost)
                return ids + lost, vectors + data[at:at + len(lost) // 8 * width]
        expect(not lost, "the log does not hold the rows that the truth calls lost")
        return ids, vectors

    def absent(self):
        """(collection, tag) pairs that must not be found: made up, dropped, or folders that are no collections."""
        real = {c["name"]: {p["tag"] for p in c["partitions"]} for c in self.truth["collections"]}
        folders = os.path.join(self.top, "db", "tables")
        names = {"never_existed"} | set(os.listdir(folders) if os.path.isdir(folders) else ())
        tags = {(name, "never existed") for name in real}
        for step in self.truth["steps"]:
            if found := re.match(r"create (\w+) dim=", step):
                names.add(found[1])
            if found := re.fullmatch(r"drop partition (\w+) '(.*)'", step):
                tags.add((found[1], found[2]))
        return sorted({(n, "_default") for n in names - real.keys()} | {(c, t) for c, t in tags if t not in real.get(c, ())})

    def unchanged(self):
        different = changed(self.before, tree(self.top))
        expect(not different, f"the source was changed: {different[:5]}")


def check_rows(program, golden, data):
    for c, p, width, binary, ids, vectors in golden.partitions():
        program.same_rows(data, c["name"], p["tag"], pairs(ids, vectors, width), width if ids else None, binary if ids else None)
    for c in golden.truth["collections"]:
        r = program.ok("count", data, c["name"])
        expect(str(c["live_rows"] + lost_rows(golden, c)) in re.findall(r"\d+", r.out.replace(",", "")), f"{r.line} says {r.out.strip()!r}, expected {c['live_rows']}")
    for collection, tag in golden.absent():
        program.absent(data, collection, tag)


def lost_rows(golden, c):
    return sum(os.path.getsize(p) // 8 for q in c["partitions"] for p in glob.glob(glob.escape(os.path.join(golden.truth_folder, q["files"])) + ".lost_ids"))


def check_damage(program, golden, source, data, more):
    sample, sample_width = b"", 0
    for _, _, width, _, _, vectors in golden.partitions():
        if width >= 16 and len(vectors) > len(sample):                     # a shorter vector could be met by chance
            sample, sample_width = vectors, width
    if sample:
        expect(flip_bit(data, sample, sample_width), "no file of the target has a vector in clear, so a damaged one cannot be tried")
        r = program.run("verify", source, "--against", data, *more)
        expect(r.code > 0, "verify did not notice a flipped bit of a vector in the target\n" + program.log[-1])


def check_inspect(program, golden, source, more):
    """What inspect says is what the truth says."""
    report = program.json("inspect", source, *more)
    found = {c["name"]: c for c in report["collections"]}
    expect(sorted(found) == sorted(c["name"] for c in golden.truth["collections"]), f"inspect names {sorted(found)}")
    for c in golden.truth["collections"]:
        have = found[c["name"]]
        expect(have["dimension"] == c["dim"] and have["metric"] == c["metric"], f"inspect: {c['name']} is {have['metric']} {have['dimension']}")
        expect(have["auto_ids"] == (c["flag"] == 1), f"inspect: {c['name']} has auto_ids {have['auto_ids']}")
        expect(have["rows"] == c["live_rows"] + lost_rows(golden, c), f"inspect: {c['name']} has {have['rows']} rows, expected {c['live_rows']}")
        expect(json.loads(have["index_params"]) == c["index_params"], f"inspect: {c['name']} has index_params {have['index_params']}")
        tags = {p["tag"]: p for p in have["partitions"]}
        expect(sorted(tags) == sorted(p["tag"] for p in c["partitions"]), f"inspect: {c['name']} has partitions {sorted(tags)}")
        for p in c["partitions"]:
            stem = os.path.join(golden.truth_folder, p["files"])
            rows = p["ids_count"] + (os.path.getsize(stem + ".lost_ids") // 8 if os.path.exists(stem + ".lost_ids") else 0)
            expect(tags[p["tag"]]["rows"] == rows, f"inspect: {c['name']} / {p['tag']!r} has {tags[p['tag']]['rows']} rows, expected {rows}")


def way(program, golden, source, more=()):
    data = os.path.join(program.work, "data")
    check_inspect(program, golden, source, more)
    program.ok("migrate", source, "--to", data, *more, codes=(0, 6))
    program.ok("verify", source, "--against", data, *more)
    check_rows(program, golden, data)
    check_damage(program, golden, source, data, more)


def direct(program, archive, _):
    golden = Golden(archive, program.work)
    if golden.mysql:
        raise Skip("its metadata is in MySQL")
    way(program, golden, golden.top)
    golden.unchanged()


def package(program, archive, server):
    golden = Golden(archive, program.work)
    more = mysql_arguments(golden, server, "uri") if golden.mysql else ()
    folder, away = os.path.join(program.work, "migration_data"), os.path.join(program.work, "away")
    program.ok("package", golden.top, "-o", folder, *more)
    golden.unchanged()
    os.rename(golden.top, away)
    golden.top, made = away, tree(folder)
    way(program, golden, folder)
    expect(not changed(made, tree(folder)), "the package was changed")


def mysql_arguments(golden, server, form):
    if server is None:
        raise Skip("needs mariadb-server")
    server.load(os.path.join(golden.top, "milvus_meta.sql"), "milvus")
    return "--meta", getattr(server, form)("milvus")


def mysql(form):
    def run(program, archive, server):
        golden = Golden(archive, program.work)
        way(program, golden, golden.top, mysql_arguments(golden, server, form))
        golden.unchanged()
    return run


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    binary_argument(a)
    a.add_argument("archives", nargs="*", help="sets (default: all beside this file)")
    a = a.parse_args()
    archives = a.archives or sorted(glob.glob(os.path.join(HERE, "*.tar.xz")))
    suite = Suite(a.binary, a.keep)
    cases = []
    for archive in archives:
        name = os.path.basename(archive).replace(".tar.xz", "")
        ways = [("mysql-url", mysql("uri")), ("mysql-dsn", mysql("dsn"))] if "mysql" in name else [("direct", direct)]
        cases += [(f"{name} {w}", f, archive) for w, f in ways + [("package", package)] if wanted(f"{name} {w}", a.only)]
    server = None
    if mariadb.available() and any("mysql" in name for name, _, _ in cases):
        server = mariadb.MariaDB().__enter__()
    try:
        for name, function, archive in cases:
            suite.case(name, lambda p, f=function, s=archive: f(p, os.path.abspath(s), server))
    finally:
        if server:
            server.__exit__()
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
