#!/usr/bin/env python3
"""Compares the writer in milvus1x.py with files that real engines wrote (tests/golden), byte by byte.

1. Every file of every set is parsed and written again: the bytes must come out the same.
2. Metadata: CREATE statements, columns, types and rows of a rewritten meta.sqlite and of a rewritten MySQL dump.
3. The engine is played: the clients' steps of a set, with ids and vectors taken from its log, must give the same segments,
   offsets in the same order, log, row counts and flush positions.
"""
import glob
import json
import os
import re
import shutil
import sqlite3
import sys
import tarfile
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import mariadb        # noqa: E402
import milvus1x as m   # noqa: E402

GOLDEN = os.path.join(HERE, "..", "golden")


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Sets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.mkdtemp(prefix="golden-format-")
        cls.sets = {}
        for archive in sorted(glob.glob(os.path.join(GOLDEN, "*.tar.xz"))):
            with tarfile.open(archive) as t:
                t.extractall(cls.work)
            name = os.path.basename(archive)[:-len(".tar.xz")]
            cls.sets[name] = os.path.join(cls.work, name)
        assert len(cls.sets) >= 15, "the golden sets are missing"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.work)

    def files(self, pattern):
        found = [p for top in self.sets.values() for p in glob.glob(os.path.join(top, pattern))]
        self.assertGreater(len(found), 10, pattern)
        return found

    def copy_meta(self, top):
        """{table: rows}, {table: sql}, from a copy, since reading changes the files."""
        copy = tempfile.mkdtemp(dir=self.work)
        for p in glob.glob(os.path.join(top, "db", "meta.sqlite*")):
            shutil.copy(p, copy)
        return load_meta(os.path.join(copy, "meta.sqlite"))


def load_meta(path):
    db = sqlite3.connect(path)
    sql = [r[0] for r in db.execute("select sql from sqlite_master where type='table' order by rowid")]
    rows = {t: list(db.execute(f"select * from {t} order by rowid")) for t in m.COLUMNS}
    columns = {t: [r[1:] for r in db.execute(f"pragma table_info({t})")] for t in m.COLUMNS}
    db.close()
    return rows, sql, columns


class EveryFile(Sets):
    def test_rv(self):
        for p in self.files("db/tables/*/*/*.rv"):
            data = read(p)
            self.assertEqual(m.encode_rv(m.decode_counted(data)), data, p)

    def test_uid(self):
        for p in self.files("db/tables/*/*/*.uid"):
            data = read(p)
            self.assertEqual(m.encode_uid(m.decode_uid(data)), data, p)

    def test_deleted_docs(self):
        sizes = set()
        for p in self.files("db/tables/*/*/deleted_docs"):
            data = read(p)
            sizes.add(len(data))
            self.assertEqual(m.encode_deleted(m.decode_deleted(data)), data, p)
        self.assertGreater(max(sizes), 8, "no set has deletes")

    def test_rows_fit(self):
        """As many vectors as ids; the width of a row follows from Tables, and file_size is that of the payloads."""
        checked = 0
        for top in self.sets.values():
            if not os.path.exists(os.path.join(top, "db", "meta.sqlite")):
                continue
            rows = self.copy_meta(top)[0]
            width = {r[1]: m.row_bytes(r[9], r[3]) for r in rows["Tables"]}
            for f in rows["TableFiles"]:
                stem = os.path.join(top, "db", "tables", f[1], f[2], f[2])
                if f[4] == f[2] and f[1] in width and f[5] in (m.RAW, m.TO_INDEX, m.BACKUP):
                    ids, vectors = m.decode_uid(read(stem + ".uid")), m.decode_counted(read(stem + ".rv"))
                    self.assertEqual(len(vectors), len(ids) * width[f[1]], stem)
                    self.assertEqual(f[6], len(vectors) + 8 * len(ids), stem)
                    checked += 1
        self.assertGreater(checked, 20)

    def test_wal(self):
        kinds = set()
        for p in self.files("wal/*.wal"):
            data, again = read(p), bytearray()
            for at, lsn, kind, name, tag, ids, vectors in m.decode_records(data):
                number = int(os.path.basename(p)[:-4])
                self.assertEqual(len(again), at)
                again += m.encode_record(number, at, kind, name, tag, ids, vectors)
                kinds.add(kind)
            self.assertEqual(bytes(again), data, p)
        self.assertEqual(kinds, {m.INSERT_BINARY, m.INSERT_VECTOR, m.DELETE})

    def test_mxlog(self):
        for p in self.files("wal/mxlog.meta"):
            data = read(p)
            previous, current, again = (int.from_bytes(data[k:k + 8], "little") for k in (0, 8, 16))
            self.assertEqual(m.encode_mxlog(previous, current, again), data, p)

    def test_date(self):
        for top in self.sets.values():
            if os.path.exists(os.path.join(top, "db", "meta.sqlite")):
                for f in self.copy_meta(top)[0]["TableFiles"]:
                    self.assertEqual(m.date_number(f[9]), f[10])


class Metadata(Sets):
    def test_sqlite(self):
        versions = set()
        for name, top in self.sets.items():
            if not os.path.exists(os.path.join(top, "db", "meta.sqlite")):
                continue
            rows, sql, columns = self.copy_meta(top)
            version = json.loads(read(os.path.join(top, "truth", "truth.json")))["milvus_version"]
            versions.add(version)
            for leave_wal in (False, True):
                again = os.path.join(tempfile.mkdtemp(dir=self.work), "meta.sqlite")
                m.write_sqlite(again, rows, version, leave_wal)
                self.assertEqual(os.path.exists(again + "-wal"), leave_wal)
                self.assertEqual(read(again)[18:20], b"\2\2")                 # journal_mode=wal is stored in the file
                self.assertEqual(load_meta(again), (rows, sql, columns), name)
        self.assertEqual(versions, {"0.9.1", "0.10.6", "1.0.0", "1.1.1"})

    def test_sqlite_columns_have_our_names(self):
        for top in self.sets.values():
            if os.path.exists(os.path.join(top, "db", "meta.sqlite")):
                columns = self.copy_meta(top)[2]
                for table, names in (("Tables", m.TABLES), ("TableFiles", m.FILES), ("Fields", m.FIELDS)):
                    self.assertEqual(tuple(c[0] for c in columns[table]), names)

    def test_mysql(self):
        with open(os.path.join(self.sets["g10_mysql"], "milvus_meta_databases_compact.sql"), encoding="utf-8") as f:
            real = f.read()
        rows = {t: [tuple(parse_values(line)) for line in values_of(real, t)] for t in m.COLUMNS}
        self.assertEqual(len(rows["Tables"]), 6)
        next_ids = {t: int(n) for t, n in re.findall(r"CREATE TABLE `(\w+)`[^;]*AUTO_INCREMENT=(\d+)", real)}
        again = m.mysql_dump(rows, "1.1.1", "milvus", next_ids)
        self.assertEqual(statements(again), statements(real))


    @unittest.skipUnless(mariadb.available(), "needs mariadb-server")
    def test_mysql_dump_loads(self):
        """A dump with awkward tags and numbers arrives as it was meant, with the columns that a real one makes."""
        tags = ["标签🐳", "it's", 'a "b"', "back\\slash\\'", "new\nline", "%_x"]
        inst = m.Installation(os.path.join(tempfile.mkdtemp(dir=self.work), "made"), backend="mysql", truth=False)
        c = inst.collection("c", 2)
        for tag in tags:
            c.partition(tag)
        c.segment([1], m.floats(1, 2), row_count=-1)
        inst.close()
        with mariadb.MariaDB() as server:
            server.load(os.path.join(inst.root, "milvus_meta.sql"), "made")
            server.load(os.path.join(self.sets["g10_mysql"], "milvus_meta.sql"), "real")
            found = server.sql("select hex(partition_tag) from made.Tables where owner_table='c' order by id").stdout.decode().split()[1:]
            self.assertEqual([bytes.fromhex(x).decode() for x in found], tags)
            self.assertEqual(server.sql("select row_count from made.TableFiles").stdout.split()[1:], [b"-1"])
            for table in m.COLUMNS:
                self.assertEqual(server.sql(f"describe made.{table}").stdout, server.sql(f"describe real.{table}").stdout)


def values_of(sql, table):
    found = re.search(rf"INSERT INTO `{table}` VALUES\n(.*?);\n", sql, re.S)
    return [line.rstrip(",") for line in found[1].split("\n")] if found else []


def parse_values(line):
    return [v[1:-1] if v.startswith("'") else int(v) for v in re.findall(r"'[^']*'|-?\d+", line)]


def statements(sql):
    return sorted(s.strip() for s in re.findall(r"(?:CREATE TABLE|INSERT INTO)[^;]*;", sql))


class PlayedEngine(Sets):
    """Only sets whose steps need no background merge, or whose live segments it left alone."""

    def play(self, name):
        top = self.sets[name]
        steps = json.loads(read(os.path.join(top, "truth", "truth.json")))["steps"]
        version = json.loads(read(os.path.join(top, "truth", "truth.json")))["milvus_version"]
        records = [r for p in sorted(glob.glob(os.path.join(top, "wal", "*.wal"))) for r in m.decode_records(read(p))]
        inst = m.Installation(tempfile.mkdtemp(dir=self.work), version)
        collections, records = {}, iter(records)
        for step in steps:
            if found := re.match(r"create (\w+) dim=(\d+) metric=(\w+) index_file_size=(\d+)", step):
                collections[found[1]] = inst.collection(found[1], int(found[2]), found[3], index_file_size=int(found[4]) << 20, flag=0)
            elif found := re.match(r"create partition (\w+) / '(.*)'", step):
                inst.partition(collections[found[1]], found[2])
            elif found := re.match(r"(insert|delete) (\w+)", step):
                _, _, kind, name_, tag, ids, vectors = next(records)
                c = collections[found[2]]
                self.assertEqual(name_.decode(), found[2])
                self.assertEqual(kind == m.DELETE, found[1] == "delete")
                if kind == m.DELETE:
                    inst.delete(c, ids, tag.decode())
                else:
                    inst.insert(c, ids, vectors, tag.decode())
                    if "auto ids" in step:
                        c.row["flag"] = 1
            elif found := re.match(r"drop collection (\w+)", step):
                inst.drop(collections[found[1]])
            elif found := re.match(r"drop partition (\w+) '(.*)'", step):
                inst.drop(inst.find(collections[found[1]], found[2]))
            elif found := re.match(r"flush (\w+)", step):
                inst.flush(None if found[1] == "ALL" else collections[found[1]])
        self.assertIsNone(next(records, None), "records left over")
        inst.close()
        return top, inst

    def compare(self, name):
        top, inst = self.play(name)
        for p in glob.glob(os.path.join(top, "wal", "*")):
            self.assertEqual(read(os.path.join(inst.root, "wal", os.path.basename(p))), read(p), p)
        rows, ours = self.copy_meta(top)[0], load_meta(os.path.join(inst.root, "db", "meta.sqlite"))[0]
        generated = {}                                           # our generated table ids -> theirs
        for mine, theirs in zip(ours["Tables"], rows["Tables"]):
            generated[mine[1]] = theirs[1]
            for k, column in enumerate(m.TABLES):
                if column not in ("table_id", "created_on"):
                    self.assertEqual(mine[k], theirs[k], f"{name}: {column} of {theirs[1]}")
        self.assertEqual(len(ours["Tables"]), len(rows["Tables"]))
        self.assertEqual(ours["Environment"], rows["Environment"])
        live = (m.RAW, m.TO_INDEX, m.BACKUP)
        mine = [f for f in ours["TableFiles"] if f[5] in live]
        theirs = [f for f in rows["TableFiles"] if f[5] in live]
        self.assertEqual(len(mine), len(theirs))
        for a, b in zip(mine, theirs):
            self.assertEqual((generated[a[1]],) + a[5:8] + a[11:], (b[1],) + b[5:8] + b[11:])
            self.assertEqual(a[3], b[3])
            for ending in (f"{a[2]}.rv", f"{a[2]}.uid", "deleted_docs"):
                want = read(os.path.join(top, "db", "tables", b[1], b[2], ending.replace(a[2], b[2])))
                self.assertEqual(read(os.path.join(inst.root, "db", "tables", a[1], a[2], ending)), want, f"{name}: {b[2]} {ending}")
        self.compare_truth(top, inst)

    def compare_truth(self, top, inst):
        want = json.loads(read(os.path.join(top, "truth", "truth.json")))
        have = json.loads(read(os.path.join(inst.root, "truth", "truth.json")))
        for a, b in zip(have["collections"], want["collections"]):
            for key in ("name", "dim", "metric", "metric_number", "flag", "index_type", "index_params", "live_rows", "deleted_ids_count", "user_ids"):
                self.assertEqual(a[key], b[key], key)
            self.assertEqual(sorted(p["files"] for p in a["partitions"]), sorted(p["files"] for p in b["partitions"]))
            for part in b["partitions"]:
                for ending in (".ids", ".deleted_ids"):
                    path = os.path.join("truth", part["files"] + ending)
                    self.assertEqual(read(os.path.join(inst.root, path)), read(os.path.join(top, path)), path)
        self.assertEqual(len(have["collections"]), len(want["collections"]))

    def test_g1_simple(self):
        self.compare("g1_simple")

    def test_g3_deletes(self):
        self.compare("g3_deletes")

    def test_g12_dup_ids(self):
        self.compare("g12_dup_ids")

    def test_g8_wal(self):
        self.compare("g8_wal")

    def test_v0_9_1_g8_wal(self):
        self.compare("v0.9.1_g8_wal")

    def test_v0_10_6_g3_deletes(self):
        self.compare("v0.10.6_g3_deletes")


if __name__ == "__main__":
    unittest.main()
