#!/usr/bin/env python3
"""Packages: killed and failing at every call that changes the disk, copied wrongly, and the guide's way of making them by hand.

    package_test.py GODWIT [-k PART_OF_A_NAME] [--keep]

Last line 'N passed, N failed, N skipped'. Needs Python 3.9+, nothing else; the fault points of a build with -Dfaults=true.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import milvus1x as m                                                                      # noqa: E402
from fixtures import FIXTURES, vecs                                                                 # noqa: E402
from program import Skip, Suite, binary_argument, changed, expect, read, row_set, tree, wanted  # noqa: E402


def make(program):
    """Collection c with two segments, deletes, a partition, rows in the log; an empty collection."""
    inst = m.Installation(os.path.join(program.work, "milvus"), truth=False)
    c = inst.collection("c", 2)
    inst.insert(c, [1, 2, 3], vecs([1, 2, 3]))
    inst.flush(c)
    inst.insert(c, [4, 5], vecs([4, 5]))
    inst.insert(c.partition("two words"), [6], vecs([6]))
    inst.delete(c, [2])
    inst.flush(c)
    inst.insert(c, [7], vecs([7]))
    inst.delete(c, [4])
    inst.collection("empty", 8, 3)
    inst.close()
    return inst


def content(folder):
    return {os.path.relpath(os.path.join(base, name), folder): read(os.path.join(base, name))
            for base, _, names in os.walk(folder) for name in names}


def summary(program, source):
    """What inspect tells of a source, but for where it is."""
    report = program.json("inspect", source)
    return [(c["name"], c["metric"], c["dimension"], [(p["tag"], p["rows"]) for p in c["partitions"]]) for c in report["collections"]]


def with_fault(program, fault, *args):
    return subprocess.run([program.binary, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                          env=dict(os.environ, GODWIT_FAULT=fault, TMPDIR=program.work))


def at_every_call(program, action):
    """The n-th call that changes the disk fails or kills, for all n: never a package that only looks whole, and the next run mends it."""
    inst = make(program)
    source, before = inst.root, tree(inst.root)
    whole, out = os.path.join(program.work, "whole"), os.path.join(program.work, "package")
    program.ok("package", source, "-o", whole)
    want, n, hits, misses = content(whole), -1, 0, 0
    while misses < 20:                                                     # some calls may fail without harm, such as removing a copy
        shutil.rmtree(out, ignore_errors=True)
        n += 1
        r = with_fault(program, f"any:{n}:{action}", "package", source, "-o", out)
        if r.returncode == 0:
            expect(content(out) == want, f"call {n}: success is said, but the package is not whole")
            misses += 1
            continue
        hits, misses = hits + 1, 0
        expect(r.returncode == -9 if action == "kill" else r.returncode in (1, 3, 5), f"call {n}: exit code {r.returncode}\n{r.stderr.decode()}")
        if os.path.exists(os.path.join(out, "manifest.json")):
            expect(content(out) == want, f"call {n}: a package with a manifest is not whole")
        else:
            expect(program.run("inspect", out).code in (2, 3), f"call {n}: half a package is accepted")
        program.ok("package", source, "-o", out)
        left = {k: v for k, v in content(out).items() if not k.endswith((".part", ".tmp"))}
        expect(left == want, f"call {n}: made again, it differs in {[k for k in want if left.get(k) != want[k]]}")
    if hits == 0:
        raise Skip("this program has no fault points")
    expect(hits > 50, f"only {hits} calls were tried")
    expect(not changed(before, tree(source)), "the source was changed")


def test_killed_at_every_call(program):
    at_every_call(program, "kill")


def test_disk_full_at_every_call(program):
    at_every_call(program, "enospc")


def vectors_below(folder):
    return [name for _, _, names in os.walk(folder) for name in names if name.endswith((".vec", ".ids"))]


def test_every_byte_counts(program):
    """A package that was copied wrongly: any file changed, cut or missing is found before a row is written."""
    inst = make(program)
    package = os.path.join(program.work, "package")
    program.ok("package", inst.root, "-o", package)
    for name, data in content(package).items():
        path = os.path.join(package, name)
        for bad in (data[:-1] + bytes([data[-1] ^ 1]), data[:-1], None):
            if bad is None:
                os.remove(path)
            else:
                with open(path, "wb") as f:
                    f.write(bad)
            target = os.path.join(program.work, "data")
            r = program.run("migrate", package, "--to", target)
            harmless = name == "manifest.json"                             # without it, this is a folder made by hand
            expect(r.code in ((0, 2, 3) if harmless else (2, 3)), f"{name} {'missing' if bad is None else 'changed'}: exit code {r.code}")
            expect(harmless or os.path.basename(name) in r.out + r.err, f"{name} is not named: {r.err}")
            expect(harmless or not vectors_below(target), f"{name}: refused only after rows were written: {vectors_below(target)}")
            shutil.rmtree(target, ignore_errors=True)
            with open(path, "wb") as f:
                f.write(data)
    program.ok("migrate", package, "--to", os.path.join(program.work, "data"))
    expect(vectors_below(os.path.join(program.work, "data")), "a database has no such files: the check above checks nothing")


def test_made_by_hand_as_the_guide_says(program):
    """export beside a copied tables/ (and wal/): the same as from the installation."""
    inst = make(program)
    prepared = os.path.join(program.work, "migration_data")
    program.ok("export", "-s", os.path.join(inst.root, "db", "meta.sqlite"), "-o", prepared)
    shutil.copytree(os.path.join(inst.root, "db", "tables"), os.path.join(prepared, "tables"))
    shutil.copytree(os.path.join(inst.root, "wal"), os.path.join(prepared, "wal"))
    expect(summary(program, prepared) == summary(program, inst.root), "inspect tells something else")
    data = os.path.join(program.work, "data")
    program.ok("migrate", prepared, "--to", data)
    for c, targets in inst.visible():
        for t in targets:
            program.same_rows(data, c.table_id, t.tag, row_set(t.live))


def test_the_state_of_the_log_goes_along(program):
    """Whether the server wrote its log stands in its configuration only: meta.json carries it, made by hand or not."""
    for name, on in (("wal_switched_on_although_never_flushed", True), ("wal_switched_off_old_files_stay", False)):
        folder = os.path.join(program.work, name)
        os.makedirs(folder)
        e = FIXTURES[name](folder)
        prepared, package, again = (os.path.join(folder, n) for n in ("migration_data", "package", "again"))
        program.ok("export", e.source, "-o", prepared)
        shutil.copytree(os.path.join(e.source, "db", "tables"), os.path.join(prepared, "tables"))
        shutil.copytree(os.path.join(e.source, "wal"), os.path.join(prepared, "wal"))
        program.ok("package", e.source, "-o", package)
        program.ok("package", package, "-o", again)
        for source in (prepared, package, again):
            expect(json.loads(read(os.path.join(source, "meta.json")))["log"] == ("on" if on else "off"), f"{source}: the state of the log is lost")
            expect(summary(program, source) == summary(program, e.source), f"{source}: inspect tells something else")
            data = os.path.join(source + "-rows")
            expect("log-probably-off" not in program.ok("migrate", source, "--to", data).err, f"{source}: the log is held")
            program.same_rows(data, "c", "_default", row_set(e.rows[("c", "_default")]))


def test_without_its_log_it_says_so(program):
    inst = make(program)
    prepared = os.path.join(program.work, "migration_data")
    program.ok("export", "-s", os.path.join(inst.root, "db", "meta.sqlite"), "-o", prepared)
    shutil.copytree(os.path.join(inst.root, "db", "tables"), os.path.join(prepared, "tables"))
    r = program.ok("inspect", prepared)
    expect("write-ahead log" in r.out + r.err, f"the missing log is not told: {r.out}")


def test_old_readers_find_every_segment(program):
    """As a reader of the old form sees meta.json: each segment's files are at tables/COLLECTION/SEGMENT."""
    inst = make(program)
    package = os.path.join(program.work, "package")
    program.ok("package", inst.root, "-o", package)
    meta = json.loads(read(os.path.join(package, "meta.json")))
    expect([c["collection"] for c in meta["collections"]] == ["c", "empty"], f"{meta}")
    expect(meta["rows"] == sum(c["rows"] for c in meta["collections"]), "the rows do not add up")
    for c in meta["collections"]:
        expect(c["rows"] == sum(s["rows"] for s in c["segments"]), f"the rows of {c['collection']} do not add up")
        for s in c["segments"]:
            folder = os.path.join(package, "tables", s["collection"], s["segment"])
            expect(os.path.exists(os.path.join(folder, s["segment"] + ".rv")), f"{folder} has no vectors")
    expect([p["tag"] for p in meta["collections"][0]["partitions"]] == ["two words"], "the partition is not listed")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    binary_argument(a)
    a = a.parse_args()
    suite = Suite(a.binary, a.keep)
    for name, function in sorted(globals().items()):
        if name.startswith("test_") and wanted(name, a.only):
            suite.case(name, function)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
