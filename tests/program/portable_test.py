#!/usr/bin/env python3
"""Runs the static binary of scripts/build-portable where nothing but itself may be used.

    portable_test.py build-portable/godwit

- The file is static and asks for no interpreter.
- In an empty chroot (root only): inspect, migrate, verify, search; beside the binary lie only the source and an empty folder.
- With every system call newer than Linux 3.10 answered by ENOSYS (tests/tools/deny_new_syscalls.c): the same, and every way to copy.
- Metadata from MySQL by TCP, with the new calls denied too, and from within the chroot.
Last line 'N passed, N failed, N skipped'.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import mariadb                                                                                  # noqa: E402
import milvus1x as m                                                                            # noqa: E402
from fixtures import vecs                                                                       # noqa: E402
from program import Skip, Suite, binary_argument, changed, expect, row_set, tree, wanted         # noqa: E402

SAMPLE = os.path.join(HERE, "..", "..", "examples", "milvus-words.tar.xz")
WORDS = os.path.join(HERE, "..", "..", "examples", "words.tsv")


def word_id(word):
    with open(WORDS, encoding="utf-8") as f:
        return next(line.split("\t")[0] for line in f if line.split("\t")[1] == word)


def unpack(folder):
    with tarfile.open(SAMPLE) as t:
        t.extractall(folder)


def wrap(program, name, line):
    """From now on `program` is run through a shell script."""
    path = os.path.join(program.work, name)
    with open(path, "w", encoding="ascii") as f:
        f.write(f'#!/bin/sh\n{line} "$@"\n')
    os.chmod(path, 0o755)
    program.binary = path


def deny_new_calls(program):
    helper = os.path.join(program.work, "deny_new_syscalls")
    subprocess.run(["cc", "-O2", "-o", helper, os.path.join(HERE, "..", "tools", "deny_new_syscalls.c")], check=True)
    if subprocess.run([helper, "/bin/true"], check=False, stderr=subprocess.DEVNULL).returncode == 125:
        raise Skip("seccomp filters cannot be set here")
    wrap(program, "old_kernel", f"exec '{helper}' '{program.binary}'")


def enter_chroot(program):
    """An empty root with the binary, and `out`, where temporary files may lie. Returns its path outside."""
    if os.geteuid() != 0:
        raise Skip("chroot needs root")
    root = os.path.join(program.work, "root")
    os.makedirs(os.path.join(root, "out"))
    shutil.copy(program.binary, os.path.join(root, "godwit"))
    wrap(program, "in_chroot", f"export TMPDIR=/out; exec '{shutil.which('chroot', path='/usr/sbin:/sbin:/usr/bin:/bin')}' '{root}' /godwit")
    return root


def migrate_and_search(program, source, data, *more):
    program.ok("inspect", source)
    program.ok("migrate", source, "--to", data, *more)
    program.ok("verify", source, "--against", data)
    out = program.ok("search", data, "words", "--like", word_id("king"), "-k", "6", "--json").out
    for word in ("prince", "queen"):
        expect(word_id(word) in out, f"king does not find {word}: {out[:300]}")
    expect(json.loads(out) is not None, "no JSON")


def test_static(program):
    with open(program.binary, "rb") as f:
        expect(f.read(4) == b"\x7fELF", "no ELF file")
    headers = subprocess.run(["readelf", "-lW", program.binary], stdout=subprocess.PIPE, text=True, check=True).stdout
    dynamic = subprocess.run(["readelf", "-dW", program.binary], stdout=subprocess.PIPE, text=True, check=True).stdout
    kind = subprocess.run(["file", "-b", program.binary], stdout=subprocess.PIPE, text=True, check=True).stdout
    expect("INTERP" not in headers, "it asks for an interpreter")
    expect("NEEDED" not in dynamic, "it needs shared libraries")
    expect("static" in kind, f"file says: {kind}")
    expect("GNU_RELRO" in headers and "BIND_NOW" in dynamic, "it is not hardened (RELRO, now)")
    expect("pie" in kind, f"not position-independent: {kind}")


def test_no_fault_points(program):
    """A release has no switch to make it fail."""
    expect(program.run("version", env={"GODWIT_FAULT": "nonsense"}).code == 0, "GODWIT_FAULT is looked at")


def test_empty_chroot(program):
    root = enter_chroot(program)
    unpack(root)
    before = tree(os.path.join(root, "milvus"))
    migrate_and_search(program, "/milvus", "/out/data")
    migrate_and_search(program, "/milvus", "/out/linked", "--link")
    expect(not changed(before, tree(os.path.join(root, "milvus"))), "the source was changed")


def test_old_kernel(program):
    deny_new_calls(program)
    unpack(program.work)
    source, data = (os.path.join(program.work, n) for n in ("milvus", "data"))
    migrate_and_search(program, source, data, "--jobs", "4")
    migrate_and_search(program, source, data + "-linked", "--link")
    program.ok("package", source, "-o", os.path.join(program.work, "package"))
    program.ok("verify", os.path.join(program.work, "package"), "--against", data)


def mysql_source(program, server, folder):
    inst = m.Installation(os.path.join(folder, "milvus"), backend="mysql", truth=False)
    inst.uri = server.uri("made")
    c = inst.collection("c", 2)
    c.segment([1, 2, 3], vecs([1, 2, 3]), deleted=[1])
    c.partition("标签").segment([10], vecs([10]))
    inst.close()
    server.load(os.path.join(inst.root, "milvus_meta.sql"), "made")
    return inst


def with_mysql(function):
    def case(program):
        if not mariadb.available():
            raise Skip("mariadb-server is not installed")
        with mariadb.MariaDB() as server:
            function(program, server)
    return case


def test_mysql_on_an_old_kernel(program, server):
    deny_new_calls(program)
    inst, data = mysql_source(program, server, program.work), os.path.join(program.work, "data")
    program.ok("inspect", inst.root, "--meta", server.uri("made"))
    program.ok("migrate", inst.root, "--to", data, "--meta", server.uri("made"))
    for c, targets in inst.visible():
        for t in targets:
            program.same_rows(data, c.table_id, t.tag, row_set(t.live))


def test_mysql_in_the_chroot(program, server):
    root = enter_chroot(program)
    mysql_source(program, server, root)
    program.ok("migrate", "/milvus", "--to", "/out/data", "--meta", server.uri("made"))
    out = program.ok("get", "/out/data", "c", "10", "--json").out
    expect("10" in out, f"get says {out[:300]}")


CASES = [("static", test_static), ("no_fault_points", test_no_fault_points), ("empty_chroot", test_empty_chroot), ("old_kernel", test_old_kernel),
         ("mysql_on_an_old_kernel", with_mysql(test_mysql_on_an_old_kernel)), ("mysql_in_the_chroot", with_mysql(test_mysql_in_the_chroot))]


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    binary_argument(a)
    a = a.parse_args()
    suite = Suite(a.binary, a.keep)
    for name, function in CASES:
        if wanted(name, a.only):
            suite.case(name, function)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
