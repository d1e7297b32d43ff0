#!/usr/bin/env python3
"""Runs the program over the sample installation of examples/, as its README tells people to.

    sample_test.py GODWIT

The words of words.tsv are there, in their partitions, and no other; the vectors are those of the archive's own files; `king` finds
`queen`, who is only in the write-ahead log; deleted words are gone. Last line 'N passed, N failed, N skipped'.
"""
import argparse
import csv
import glob
import os
import re
import struct
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "..", "..", "examples")
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import milvus1x as m                                                                      # noqa: E402
from program import Suite, binary_argument, changed, expect, read, tree, wanted           # noqa: E402


def words():
    with open(os.path.join(EXAMPLES, "words.tsv"), encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f, delimiter="\t"))


def migrated(program):
    """(source, data, tree before)"""
    with tarfile.open(os.path.join(EXAMPLES, "milvus-words.tar.xz")) as t:
        t.extractall(program.work)
    source, data = os.path.join(program.work, "milvus"), os.path.join(program.work, "data")
    before = tree(source)
    program.ok("inspect", source)
    program.ok("migrate", source, "--to", data)
    program.ok("verify", source, "--against", data)
    expect(not changed(before, tree(source)), "the source was changed")
    return source, data


def written_vectors(source):
    """{id: row} of everything that the files and the log hold for `words`, alive or not."""
    out = {}
    for rv in glob.glob(os.path.join(source, "db", "tables", "*", "*", "*.rv")):
        if os.path.join("tables", "word_bits") in rv:
            continue
        ids, rows = m.decode_uid(read(rv[:-3] + ".uid")), m.decode_counted(read(rv))
        width = len(rows) // len(ids)
        out.update((i, rows[k * width:k * width + width]) for k, i in enumerate(ids))
    for path in glob.glob(os.path.join(source, "wal", "*.wal")):
        for _, _, _, name, _, ids, rows in m.decode_records(read(path)):
            if rows and name == b"words":
                width = len(rows) // len(ids)
                out.update((i, rows[k * width:k * width + width]) for k, i in enumerate(ids))
    return out


def nearest(program, data, collection, word_id, count):
    """Ids of the hits of `search --like`, best first."""
    out = program.ok("search", data, collection, "--like", str(word_id), "-k", str(count), "--json").out
    return [int(i) for i in re.findall(r'"id": ?"?(-?\d+)', out)]


def test_every_word(program):
    source, data = migrated(program)
    vectors = written_vectors(source)
    for tag in ("_default", "cities", "first names"):
        want = {int(w["id"]) for w in words() if w["partition"] == tag and w["state"] != "deleted"}
        code, found, width, kind = program.unload(data, "words", tag)
        expect((code, width, kind) == (0, 400, "<f4"), f"{tag}: {code} {width} {kind}")
        have = {struct.unpack("<q", i)[0]: v for i, v in found}
        expect(have.keys() == want and sum(found.values()) == len(want), f"{tag}: {len(have)} words, expected {len(want)}")
        wrong = [i for i in want if vectors[i] != have[i]]
        expect(not wrong, f"{tag}: other vectors for the ids {wrong[:5]}")
    code, found, width, kind = program.unload(data, "word_bits", "_default")
    expect((code, width, kind, sum(found.values())) == (0, 12, "|u1", 1001), f"word_bits: {code} {width} {kind}")


def test_king_finds_queen(program):
    data = migrated(program)[1]
    by_id = {int(w["id"]): w for w in words()}
    ids = {w["word"]: i for i, w in by_id.items()}
    found = [by_id[i]["word"] for i in nearest(program, data, "words", ids["king"], 6)]
    expect("queen" in found and "prince" in found, f"king finds {found}")
    expect(by_id[ids["queen"]]["state"] == "log", "queen should be in the log only")
    found = [by_id[i] for i in nearest(program, data, "words", ids["week"], 50)]
    expect(len(found) >= 49 and not [w for w in found if w["state"] == "deleted"], f"deleted words are found: {[w['word'] for w in found]}")
    found = [by_id[i]["word"] for i in nearest(program, data, "word_bits", ids["king"], 12)]
    expect("queen" in found, f"by bits king finds {found}")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    binary_argument(a)
    a = a.parse_args()
    suite = Suite(a.binary, a.keep)
    for function in (test_every_word, test_king_finds_queen):
        if wanted(function.__name__, a.only):
            suite.case(function.__name__, function)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
