#!/usr/bin/env python3
"""Runs the program over installations whose metadata is in MySQL, with a private MariaDB (tests/tools/mariadb.py).

    mysql_test.py GODWIT [-k PART_OF_A_NAME]

Last line 'N passed, N failed, N skipped'. Needs Python 3.9+ and mariadb-server; without the latter everything is skipped.
"""
import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import mariadb                                                                            # noqa: E402
import milvus1x as m                                                                      # noqa: E402
from fixtures import rows, vecs                                                           # noqa: E402
from program import Skip, Suite, binary_argument, changed, expect, row_set, tree, wanted  # noqa: E402


def source(program, server, tags=(), charset="utf8mb4", config=None, **more):
    """Collection c with rows 1..3 (2 deleted), a partition per tag with one row from 10 on, row 4 in the log; metadata loaded into `made`."""
    inst = m.Installation(os.path.join(program.work, "milvus"), backend="mysql", truth=False, config=config, **more)
    inst.uri = server.uri("made")
    c = inst.collection("c", 2)
    c.segment([1, 2, 3], vecs([1, 2, 3]), deleted=[1])
    for k, tag in enumerate(tags):
        c.partition(tag).segment([10 + k], vecs([10 + k]))
    inst.delete(c, [-5])
    inst.flush()
    inst.insert(c, [4], vecs([4]))
    inst.close()
    path = os.path.join(inst.root, "milvus_meta.sql")
    if charset != "utf8mb4":
        with open(path, encoding="utf-8") as f:
            dump = f.read().replace("SET NAMES utf8mb4", "SET NAMES latin1")
        if charset == "latin1":
            dump = dump.replace("CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci", "CHARSET=latin1")
        with open(path, "w", encoding="utf-8") as f:
            f.write(dump)
    server.load(path, "made")
    return inst


def check(program, inst, *options):
    data, before = os.path.join(program.work, "data"), tree(inst.root)
    program.ok("inspect", inst.root, *options)
    program.ok("migrate", inst.root, "--to", data, *options)
    program.ok("verify", inst.root, "--against", data, *options)
    for c, targets in inst.visible():
        for t in targets:
            program.same_rows(data, c.table_id, t.tag, row_set(t.live))
    expect(not changed(before, tree(inst.root)), "the source was changed")


def test_url(program, server):
    check(program, source(program, server, ("标签🐳", "it's", "a\\b")), "--meta", server.uri("made"))


def test_dsn(program, server):
    check(program, source(program, server, ("p",)), "--meta", server.dsn("made"))


def test_config_with_a_stale_sqlite_file(program, server):
    """The config says MySQL, so a meta.sqlite that lies there is not asked."""
    inst = source(program, server, ("p",), config="new")
    m.write_sqlite(os.path.join(inst.root, "db", "meta.sqlite"), {"Environment": [(0,)]}, "0.10.6")
    check(program, inst, "--config", os.path.join(inst.root, "conf", "server_config.yaml"))


def test_old_config(program, server):
    check(program, source(program, server, ("p",), config="old", version="0.9.1"), "--config", os.path.join(program.work, "milvus", "conf", "server_config.yaml"))


def test_tags_through_latin1_twice_encoded(program, server):
    """The old client library spoke latin1, the table utf8mb4: UTF-8 tags were encoded once more."""
    check(program, source(program, server, ("标签", "é"), charset="connection"), "--meta", server.uri("made"))


def test_tags_in_latin1_tables(program, server):
    """Both spoke latin1: the bytes of the tag are UTF-8, whatever the column says."""
    check(program, source(program, server, ("标签", "é"), charset="latin1"), "--meta", server.uri("made"))


def test_row_count_wrapped(program, server):
    inst = source(program, server)
    server.sql("update made.TableFiles set row_count = -7")
    check(program, inst, "--meta", server.uri("made"))


def test_wrong_password(program, server):
    inst = source(program, server)
    for meta in (server.uri("made", password="wr0ng-Pw"), server.dsn("made", password="wr0ng-Pw")):
        r = program.ok("inspect", inst.root, "--meta", meta, codes=(2, 3))
        expect("wr0ng-Pw" not in r.out + r.err, f"the password is shown: {r.err}")
        expect("tester" in r.err, f"the user is not named: {r.err}")


def test_merge_interrupted(program, server):
    """One UPDATE a row: the sources are marked, the merged segment is not yet. The old server would lose the rows."""
    inst = source(program, server)
    c = inst.targets[0]
    old = c.segments[:]
    merged = inst.segment(c, [1, 3], vecs([1, 3]), live=False)
    server.sql(f"update made.TableFiles set file_type = {m.TO_DELETE}, updated_time = {inst.clock + 9} where segment_id = '{old[0].id}'; insert into made.TableFiles values"
               f"(77, 'c', '{merged.id}', 1, '{merged.id}', {m.NEW_MERGE}, 32, 2, {inst.clock}, {inst.clock}, 1210203, 0);")
    r = program.ok("inspect", inst.root, "--meta", server.uri("made"))
    expect("merge-interrupted" in r.out, r.out)
    check(program, inst, "--meta", server.uri("made"))


def test_compaction_interrupted(program, server):
    """The compacted segment is entered, its original not yet marked: the rows count once."""
    inst = source(program, server)
    copy = inst.segment(inst.targets[0], [1, 3], vecs([1, 3]), live=False)
    server.sql(f"insert into made.TableFiles values(77, 'c', '{copy.id}', 1, '{copy.id}', 1, 32, 2, {inst.clock}, {inst.clock}, 1210203, 0);")
    r = program.ok("inspect", inst.root, "--meta", server.uri("made"))
    expect("compaction-interrupted" in r.out, r.out)
    check(program, inst, "--meta", server.uri("made"))


def test_dimension_cut_by_smallint(program, server):
    """32768 does not fit the column; a lenient server stored 32767."""
    inst = m.Installation(os.path.join(program.work, "milvus"), backend="mysql", truth=False)
    big = inst.collection("c", 32768)
    big.segment([1], m.random_vectors(inst.random, 1, 1, 32768))
    big.row["dimension"] = 32767
    inst.close()
    server.load(os.path.join(inst.root, "milvus_meta.sql"), "made")
    big.row["dimension"] = 32768
    check(program, inst, "--meta", server.uri("made"))


def test_password_from_file_or_environment(program, server):
    inst = source(program, server)
    meta = f"mysql://tester@127.0.0.1:{server.port}/made"
    path = os.path.join(program.work, "password")
    with open(path, "w", encoding="utf-8") as f:
        f.write(mariadb.PASSWORD + "\n")
    program.ok("inspect", inst.root, "--meta", meta, codes=(2, 3))
    program.ok("inspect", inst.root, "--meta", meta, env={"GODWIT_META_PASSWORD": mariadb.PASSWORD})
    check(program, inst, "--meta", meta, "--meta-password-file", path)
    for base, _, names in os.walk(os.path.join(program.work, "data")):
        for name in names:
            with open(os.path.join(base, name), "rb") as f:
                expect(mariadb.PASSWORD.encode() not in f.read(), f"the password stands in {name}")


def test_no_such_database(program, server):
    inst = source(program, server)
    r = program.ok("inspect", inst.root, "--meta", server.uri("nothing_here"), codes=(2, 3))
    expect("nothing_here" in r.err, r.err)
    server.sql("create database if not exists empty_one")
    r = program.ok("inspect", inst.root, "--meta", server.uri("empty_one"), codes=(2, 3))
    expect("Tables" in r.err, r.err)


def test_dump_is_not_changed(program, server):
    """Reading leaves every table as it is."""
    inst = source(program, server, ("p",))
    before = [server.sql(f"checksum table made.{t}").stdout for t in m.COLUMNS]
    check(program, inst, "--meta", server.uri("made"))
    expect(before == [server.sql(f"checksum table made.{t}").stdout for t in m.COLUMNS], "a table was changed")


def test_damage_is_found(program, server):
    inst = source(program, server)
    server.sql("update made.Tables set dimension = 3")
    data = os.path.join(program.work, "data")
    program.ok("migrate", inst.root, "--to", data, "--meta", server.uri("made"), codes=(3,))
    server.sql("update made.Tables set dimension = 2")
    program.ok("migrate", inst.root, "--to", data, "--meta", server.uri("made"))
    program.same_rows(data, "c", "_default", row_set(rows([1, 3, 4])))


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    binary_argument(a)
    a = a.parse_args()
    suite = Suite(a.binary, a.keep)
    tests = [(n, f) for n, f in sorted(globals().items()) if n.startswith("test_") and wanted(n, a.only)]
    if not mariadb.available():
        def skip(_):
            raise Skip("needs mariadb-server")
        for name, _ in tests:
            suite.case(name, skip)
        print(f"{suite.passed} passed, {suite.failed} failed, {suite.skipped} skipped")
        return 0
    with mariadb.MariaDB() as server:
        for name, function in tests:
            suite.case(name, lambda p, f=function: f(p, server))
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
