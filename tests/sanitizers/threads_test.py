#!/usr/bin/env python3
"""Runs the parts of the program that use several threads at once; meant for a binary built with ThreadSanitizer.

    threads_test.py GODWIT

The sample installation is migrated by four threads, verified, and searched by four threads. A data race ends the program with
exit code 99 (TSAN_OPTIONS of scripts/run_tests.py), which no case accepts.
"""
import argparse
import os
import random
import struct
import subprocess
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
from program import Suite, binary_argument, expect, wanted   # noqa: E402

SAMPLE = os.path.join(HERE, "..", "..", "examples", "milvus-words.tar.xz")


def migrated(program):
    with tarfile.open(SAMPLE) as t:
        t.extractall(program.work)
    source, data = os.path.join(program.work, "milvus"), os.path.join(program.work, "data")
    program.ok("migrate", source, "--to", data, "--jobs", "4")
    return source, data


def migrate_and_verify(program):
    source, data = migrated(program)
    program.ok("verify", source, "--against", data)


def migrate_again(program):
    source, data = migrated(program)
    program.ok("migrate", source, "--to", data, "--jobs", "4", "--if-exists", "replace")
    program.ok("migrate", source, "--to", data, "--jobs", "4", "--if-exists", "append")


def search(program):
    _, data = migrated(program)
    first = program.json("unload", data, "words", "-o", os.path.join(program.work, "rows"))
    expect(first is not None, "unload says nothing")
    answers = [program.ok("search", data, "words", "--queries", os.path.join(program.work, "rows", "data.npy"), "-k", "5",
                          "--threads", str(n), "--out", os.path.join(program.work, f"ids{n}.npy")) for n in (1, 4)]
    expect(all(a.code == 0 for a in answers), "a search failed")
    with open(os.path.join(program.work, "ids1.npy"), "rb") as a, open(os.path.join(program.work, "ids4.npy"), "rb") as b:
        expect(a.read() == b.read(), "one thread and four threads answer differently")


def index(program):
    """Built with four threads and one more that tells how far it is, beside searches."""
    data, path = os.path.join(program.work, "data"), os.path.join(program.work, "v.npy")
    rows, dim, chance = 12000, 8, random.Random(1)
    head = repr({"descr": "<f4", "fortran_order": False, "shape": (rows, dim)}).encode()
    head += b" " * (63 - (10 + len(head)) % 64) + b"\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head)
        f.write(struct.pack(f"<{rows * dim}f", *(chance.gauss(0, 1) for _ in range(rows * dim))))
    program.ok("import", data, "c", "--vectors", path, "--no-index")
    building = subprocess.Popen([program.binary, "index", data, "--build", "--threads", "4"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while building.poll() is None:
        program.ok("search", data, "c", "--like", "7", "--threads", "4")
        program.ok("jobs", data)
    out = building.communicate()[0].decode(errors="replace")
    expect(building.returncode == 0, f"index --build ends with {building.returncode}: {out[-1500:]}")
    program.ok("search", data, "c", "--like", "7", "--threads", "4", "--level", "6")


CASES = [("migrate with four threads, verify", migrate_and_verify), ("migrate again: replace, append", migrate_again),
         ("search with one thread and with four", search), ("index with four threads beside searches", index)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    binary_argument(parser)
    arguments = parser.parse_args()
    suite = Suite(arguments.binary, arguments.keep)
    for name, function in CASES:
        if wanted(name, arguments.only):
            suite.case(name, function)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
