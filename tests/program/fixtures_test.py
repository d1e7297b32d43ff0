#!/usr/bin/env python3
"""Runs the program over every fixture of tests/tools/fixtures.py.

    fixtures_test.py GODWIT [-k PART_OF_A_NAME]

A case a fixture: inspect names the peculiarity and changes nothing, migrate ends with the right exit code, verify agrees, every
partition holds exactly the expected rows, bit for bit, and so it is with --link and by way of a package; where a segment is damaged,
--skip-damaged brings the rest and exits 6.
Further cases are about our own folders: what lies beside them stays, and a killed migration goes on where it was.
Last line 'N passed, N failed, N skipped'. Needs Python 3.9+, nothing else.
"""
import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import milvus1x as m                                                                      # noqa: E402
from fixtures import FIXTURES, vecs                                                       # noqa: E402
from program import Suite, binary_argument, changed, expect, row_set, tree, wanted        # noqa: E402


def said(word, text):
    return any(w.lower() in text for w in ((word,) if isinstance(word, str) else word))


def hold(path):
    """Another process that holds a lock as a server does (reading the file here would release a lock of our own)."""
    code = "import fcntl, sys; f = open(sys.argv[1], 'r+b'); fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
    server = subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    server.stdout.readline()
    return server


def check_fixture(program, builder):
    folder = os.path.join(program.work, "fixture")
    os.makedirs(folder)
    e = builder(folder)
    server = hold(e.hold_lock) if e.hold_lock else None
    before, data = tree(folder), os.path.join(program.work, "data")
    try:
        report = program.ok("inspect", e.source, *e.options, codes=(0,) if e.code == (0,) else (0, 3, 6, 8))
        check_counts(program, e)
        moved = program.ok("migrate", e.source, "--to", data, *e.options, *e.migrate_options, codes=e.code)
        text = (report.out + report.err + moved.out + moved.err).lower()
        for word in e.words:
            expect(said(word, text), f"neither inspect nor migrate says {word!r}:\n{text[-1500:]}")
        for word in e.never:
            expect(not said(word, text), f"{word!r} was said without cause:\n{text[-1500:]}")
        if moved.code in (0, 6):
            check_rows(program, e, data, e.rows)
            check_other_ways(program, e)
        else:
            check_refusal(program, e, data)
    finally:
        if server:
            server.communicate()
    different = changed(before, tree(folder))
    expect(not different, f"the source was changed: {different[:5]}")


def check_counts(program, e):
    if e.counts:
        found = {c["name"]: c for c in program.json("inspect", e.source, *e.options, codes=(0, 3))["collections"]}
        for name, counts in e.counts.items():
            for key, number in counts.items():
                expect(found[name][key] == number, f"inspect: {key} of {name} is {found[name][key]}, expected {number}")


def check_rows(program, e, data, rows):
    program.ok("verify", e.source, "--against", data, *e.options, codes=(0, 6))
    for (collection, tag), want in rows.items():
        program.same_rows(data, collection, tag, row_set(want))
    for collection, tag in e.absent:
        program.absent(data, collection, tag)


def check_other_ways(program, e):
    """Linked instead of copied, and by way of a package: the same rows."""
    linked, package, data = (os.path.join(program.work, n) for n in ("linked", "package", "from-package"))
    program.ok("migrate", e.source, "--to", linked, "--link", *e.options, codes=e.code)
    check_rows(program, e, linked, e.rows)
    program.ok("package", e.source, "-o", package, *e.options, codes=e.code if e.package is not None else (3,))
    if e.package is None:
        return
    made = tree(package)
    program.ok("migrate", package, "--to", data, *e.package, codes=e.code)
    check_rows(program, replace(e, source=package, options=e.package), data, e.rows)
    expect(not changed(made, tree(package)), f"the package was changed: {changed(made, tree(package))[:5]}")


def check_refusal(program, e, data):
    """Nothing half-made is visible afterwards; with --skip-damaged the sound rest comes over."""
    for collection, tag in e.skip_rows or {("c", "_default"): 0}:
        program.absent(data, collection, tag)
    if e.skip_rows is not None:
        program.ok("migrate", e.source, "--to", data, "--skip-damaged", *e.options, codes=(6,))
        program.ok("verify", e.source, "--against", data, "--skip-damaged", *e.options, codes=(6,))
        for (collection, tag), want in e.skip_rows.items():
            program.same_rows(data, collection, tag, row_set(want))


# ------------------------------------------------------------------------------------------------ our own folders

def small(program, name="milvus", count=300, segments=3):
    """A source with a few segments, deletes, a partition and pending rows."""
    with m.Installation(os.path.join(program.work, name), truth=False, seed=5) as inst:
        c = inst.collection("c", 16)
        p = c.partition("p q")
        for k in range(segments):
            ids = range(k * count, k * count + count)
            (p if k % 3 == 2 else c).segment(ids, m.random_vectors(inst.random, count, 1, 16), deleted=inst.random.sample(range(count), count // 10))
        inst.delete(c, [-5])
        inst.flush()
        inst.insert(c, [-1, -2], vecs([1, 2], 16))
        inst.delete(c, [0, 1, 2])
    return inst.root, {(c.table_id, t.tag): row_set(t.live) for _, ts in inst.visible() for t in ts}


def put(path, text="mine"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def f23_folder_migration_beside_the_output(program):
    """A folder `migration` inside the output folder survives package and migrate, whatever they answer."""
    source, want = small(program)
    out = os.path.join(program.work, "out")
    put(os.path.join(out, "migration", "meta.json"))
    put(os.path.join(out, "migration", "tables", "x", "1", "id.npy"))
    before = tree(os.path.join(out, "migration"))
    for args in (("package", source, "-o", out), ("migrate", source, "--to", out), ("migrate", source, "--to", out, "--restart")):
        program.run(*args)
        expect(not changed(before, tree(os.path.join(out, "migration"))), f"{args[0]} changed a folder that it did not make")
    data = os.path.join(out, "migration-new")
    program.ok("migrate", source, "--to", data)
    for (collection, tag), rows in want.items():
        program.same_rows(data, collection, tag, rows)
    expect(not changed(before, tree(os.path.join(out, "migration"))), "a neighbour was changed")


def f24_neighbours_with_the_same_beginning(program):
    """Names that begin like the target's are nobody's leftovers, not even with --restart."""
    source, want = small(program)
    out = os.path.join(program.work, "out")
    neighbours = [os.path.join(out, n) for n in ("migration-old", "migration_data", "migration.bak", "migration~")]
    for n in neighbours:
        put(os.path.join(n, "meta.json"))
    before = [tree(n) for n in neighbours]
    data = os.path.join(out, "migration")
    program.ok("migrate", source, "--to", data)
    program.run("migrate", source, "--to", data, "--restart")
    program.run("migrate", source, "--to", data, "--if-exists", "replace")
    program.run("package", source, "-o", os.path.join(out, "migrati"))
    for n, b in zip(neighbours, before):
        expect(not changed(b, tree(n)), f"{n} was changed")
    for (collection, tag), rows in want.items():
        program.same_rows(data, collection, tag, rows)


def f24b_package_does_not_eat_its_source(program):
    """The guides call the prepared folder migration_data: packaging beside or into the source must not harm it."""
    source, _ = small(program, "migration_data")
    before = tree(source)
    for out in (source, os.path.join(source, "db"), program.work):
        r = program.run("package", source, "-o", out)
        kept = {k: v for k, v in tree(source).items() if k in before and k not in (".", "db")}
        expect(not [k for k in kept if kept[k] != before[k]] and len(kept) == len([k for k in before if k not in (".", "db")]),
               f"{r.line} changed its source")


def f25_killed_and_resumed(program):
    """SIGKILL at many moments, then the same command: no hole, nothing twice, and the source is whole."""
    source, want = small(program, count=2000, segments=12)
    before, rng = tree(source), random.Random(3)
    started = time.monotonic()
    program.ok("migrate", source, "--to", os.path.join(program.work, "undisturbed"))
    whole = max(0.02, time.monotonic() - started)
    killed = 0
    for round_ in range(12):
        data = os.path.join(program.work, f"data{round_}")
        for _ in range(rng.randrange(1, 4)):
            process = subprocess.Popen([program.binary, "migrate", source, "--to", data], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(rng.uniform(0, whole))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed += 1
        finished = program.run("migrate", source, "--to", data)
        expect(finished.code in (0, 4), f"going on after a kill: exit code {finished.code}\n{finished.err[-1000:]}")   # 4: it had ended before
        program.ok("verify", source, "--against", data)
        for (collection, tag), rows in want.items():
            program.same_rows(data, collection, tag, rows)
        shutil.rmtree(data)
    expect(killed, "no process could be killed in time")
    expect(not changed(before, tree(source)), "the source was changed")


def nan_is_told_by_every_command(program):
    """Not only inspect: migrate and verify count such rows on the way, say so, and end well; deleted ones do not count."""
    for name, rows in (("f12_nan_live", 2), ("f12b_nan_deleted", 0)):
        folder, data = os.path.join(program.work, name), os.path.join(program.work, "data-" + name)
        os.makedirs(folder)
        source = FIXTURES[name](folder).source
        html = os.path.join(program.work, name + ".html")
        for args in (("migrate", source, "--to", data), ("verify", source, "--against", data)):
            out = program.ok(*args, "--report", html).out
            expect((f"warning: c: {rows} rows hold NaN or infinite components; kept bit for bit" in out) == (rows > 0), f"{args[0]}: {out}")
            with open(html, encoding="utf-8") as f:
                expect((f"{rows} rows hold NaN or infinite components" in f.read()) == (rows > 0), f"the page of {args[0]} does not tell")
            if args[0] == "migrate":
                shutil.rmtree(data)
            report = program.json(*args)
            expect([report["totals"]["non_finite_rows"], report["collections"][0]["non_finite_rows"],
                    report["collections"][0]["partitions"][0]["non_finite_rows"], report["verdict"]] == [rows, rows, rows, "equal"], f"{args[0]}: {report}")


ELSEWHERE = {"compaction-interrupted", "merge-interrupted", "dimension-cut", "sqlite-ignored", "tags-decoded",    # mysql_test.py
             "collection-name"}                                        # no SQLite row gets that far: it is refused when it is read


def every_finding_has_a_fixture(program):
    """Each code of docs/findings.md is brought about by a fixture, and none is missing there."""
    with open(os.path.join(HERE, "..", "..", "docs", "findings.md"), encoding="utf-8") as f:
        documented = set(re.findall(r"^\| `([a-z0-9-]+)`", f.read(), re.M))
    found = set()
    for name, builder in FIXTURES.items():
        folder = os.path.join(program.work, name)
        os.makedirs(folder)
        e = builder(folder)
        server = hold(e.hold_lock) if e.hold_lock else None
        r = program.run("inspect", e.source, "--json", *e.options)
        if server:
            server.communicate()
        if r.out:
            found |= {x["code"] for x in json.loads(r.out)["findings"]}
    expect(found <= documented, f"not documented: {sorted(found - documented)}")
    expect(documented <= found | ELSEWHERE, f"no fixture shows: {sorted(documented - found - ELSEWHERE)}")


OWN = [every_finding_has_a_fixture, nan_is_told_by_every_command, f23_folder_migration_beside_the_output, f24_neighbours_with_the_same_beginning, f24b_package_does_not_eat_its_source, f25_killed_and_resumed]


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    binary_argument(a)
    a = a.parse_args()
    suite = Suite(a.binary, a.keep)
    for name, builder in FIXTURES.items():
        if wanted(name, a.only):
            suite.case(name, lambda p, b=builder: check_fixture(p, b))
    for function in OWN:
        if wanted(function.__name__, a.only):
            suite.case(function.__name__, function)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
