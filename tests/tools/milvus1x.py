"""Writes (and, for checks, reads) installations of Milvus 0.9 to 1.1 as their engines leave them on disk.

Idea: `Installation` plays the engine: inserts and deletes go to the write-ahead log and to memory, a flush turns memory into
segments and deletes into offsets, and beside it a plain model keeps the rows that must be found afterwards (the truth).
Whatever a test wants broken can be set byte by byte: any file of a segment, any row of the metadata, any byte of the log.

Source of the format: files written by real engines, kept in tests/golden; golden_format_test.py compares this writer with
them byte by byte. Not written: bloom_filter (the engine derives it) and the contents of index files.

Everything is little-endian. Vectors are bytes: 4 * dimension for float metrics, dimension / 8 for binary ones.
"""
import array
import json
import os
import random
import re
import shutil
import sqlite3
import struct
import sys
import tempfile
import zlib
from urllib.parse import quote

METRICS = {"L2": 1, "IP": 2, "HAMMING": 3, "JACCARD": 4, "TANIMOTO": 5, "SUBSTRUCTURE": 6, "SUPERSTRUCTURE": 7}
ENGINES = {1: "FAISS_IDMAP", 2: "FAISS_IVFFLAT", 3: "FAISS_IVFSQ8", 4: "NSG_MIX", 6: "FAISS_PQ",
           9: "FAISS_BIN_IDMAP", 10: "FAISS_BIN_IVFFLAT", 11: "HNSW", 12: "ANNOY"}
NEW, RAW, TO_INDEX, INDEX, TO_DELETE, NEW_MERGE, NEW_INDEX, BACKUP = range(8)
INSERT_BINARY, INSERT_VECTOR, DELETE = 1, 2, 3
NORMAL, DROPPED = 0, 1
FIRST_TIME = 1614772800000000           # microseconds: 2021-03-03 12:00:00 UTC, where every made-up clock starts

TABLES = ("id", "table_id", "state", "dimension", "created_on", "flag", "index_file_size", "engine_type", "index_params",
          "metric_type", "owner_table", "partition_tag", "version", "flush_lsn")
FILES = ("id", "table_id", "segment_id", "engine_type", "file_id", "file_type", "file_size", "row_count", "updated_time",
         "created_on", "date", "flush_lsn")
FIELDS = ("collection_id", "field_name", "field_type", "field_params")

# (column, SQLite declaration, MySQL declaration); {version} is the server's.
COLUMNS = {
    "Environment": [("global_lsn", "INTEGER DEFAULT (0)", "bigint(20) NOT NULL")],
    "Tables": [
        ("id", "INTEGER PRIMARY KEY", "bigint(20) NOT NULL AUTO_INCREMENT"),
        ("table_id", "TEXT UNIQUE", "varchar(255) NOT NULL"),
        ("state", "INTEGER", "int(11) NOT NULL"),
        ("dimension", "INTEGER", "smallint(6) NOT NULL"),
        ("created_on", "INTEGER", "bigint(20) NOT NULL"),
        ("flag", "INTEGER DEFAULT (0)", "bigint(20) NOT NULL DEFAULT 0"),
        ("index_file_size", "INTEGER", "bigint(20) NOT NULL DEFAULT 1024"),
        ("engine_type", "INTEGER", "int(11) NOT NULL DEFAULT 1"),
        ("index_params", "TEXT", "varchar(512) NOT NULL"),
        ("metric_type", "INTEGER", "int(11) NOT NULL DEFAULT 1"),
        ("owner_table", "TEXT DEFAULT ('')", "varchar(255) NOT NULL"),
        ("partition_tag", "TEXT DEFAULT ('')", "varchar(255) NOT NULL"),
        ("version", "TEXT DEFAULT ('{version}')", "varchar(64) DEFAULT '{version}'"),
        ("flush_lsn", "INTEGER", "bigint(20) NOT NULL DEFAULT 0")],
    "TableFiles": [
        ("id", "INTEGER PRIMARY KEY", "bigint(20) NOT NULL AUTO_INCREMENT"),
        ("table_id", "TEXT", "varchar(255) NOT NULL"),
        ("segment_id", "TEXT DEFAULT ('')", "varchar(255) NOT NULL"),
        ("engine_type", "INTEGER", "int(11) NOT NULL DEFAULT 1"),
        ("file_id", "TEXT", "varchar(255) NOT NULL"),
        ("file_type", "INTEGER", "int(11) NOT NULL DEFAULT 0"),
        ("file_size", "INTEGER DEFAULT (0)", "bigint(20) NOT NULL DEFAULT 0"),
        ("row_count", "INTEGER DEFAULT (0)", "bigint(20) NOT NULL DEFAULT 0"),
        ("updated_time", "INTEGER", "bigint(20) NOT NULL"),
        ("created_on", "INTEGER", "bigint(20) NOT NULL"),
        ("date", "INTEGER", "int(11) NOT NULL DEFAULT -1"),
        ("flush_lsn", "INTEGER", "bigint(20) NOT NULL DEFAULT 0")],
    "Fields": [
        ("collection_id", "TEXT", "varchar(255) NOT NULL"),
        ("field_name", "TEXT", "varchar(255) NOT NULL"),
        ("field_type", "INTEGER", "int(11) NOT NULL DEFAULT 0"),
        ("field_params", "TEXT", "varchar(255) NOT NULL")]}
MYSQL_KEYS = {"Tables": ["PRIMARY KEY (`id`)", "UNIQUE KEY `table_id` (`table_id`)"], "TableFiles": ["PRIMARY KEY (`id`)"]}
SQLITE_ORDER = {False: ("Environment", "Tables", "TableFiles", "Fields"), True: ("TableFiles", "Fields", "Tables", "Environment")}


# ---------------------------------------------------------------------------------------------- bytes of single files

def encode_counted(payload):
    """The form of .rv, .uid and deleted_docs: u64 number of payload bytes, payload."""
    return struct.pack("<Q", len(payload)) + payload


def decode_counted(data):
    """Payload of an encode_counted file; what lies beyond the count is dropped. ValueError when it is cut short."""
    if len(data) < 8:
        raise ValueError(f"{len(data)} bytes, expected at least 8")
    count = struct.unpack_from("<Q", data)[0]
    if len(data) < 8 + count:
        raise ValueError(f"{len(data)} bytes, expected {8 + count}")
    return data[8:8 + count]


def encode_rv(rows):
    """`rows`: an iterable of rows, or all of them as one bytes object."""
    return encode_counted(bytes(rows) if isinstance(rows, (bytes, bytearray, memoryview)) else b"".join(rows))


def encode_uid(ids):
    return encode_counted(pack("q", ids))


def decode_uid(data):
    return unpack("q", decode_counted(data))


def encode_deleted(offsets):
    return encode_counted(pack("i", offsets))


def decode_deleted(data):
    return unpack("i", decode_counted(data))


def pack(code, numbers):
    """Little-endian bytes of numbers: code q (int64), i (int32) or f (float32)."""
    a = array.array(code, numbers)
    if sys.byteorder == "big":
        a.byteswap()
    return a.tobytes()


def unpack(code, data):
    a = array.array(code)
    a.frombytes(data)
    if sys.byteorder == "big":
        a.byteswap()
    return a.tolist()


def floats(*numbers):
    """One float row."""
    return pack("f", numbers)


def encode_record(file_number, offset, kind, collection, tag, ids, vectors=b"", lsn=None):
    """A record of the write-ahead log that starts at `offset` of file `file_number`."""
    collection, tag = to_bytes(collection), to_bytes(tag)
    size = 21 + len(collection) + len(tag) + 8 * len(ids) + len(vectors)
    if lsn is None:
        lsn = file_number << 32 | offset + size
    return struct.pack("<QBHHII", lsn, kind, len(collection), len(tag), len(ids), len(vectors)) + collection + tag + pack("q", ids) + vectors


def decode_records(data):
    """(offset, lsn, kind, collection bytes, tag bytes, ids, vectors) of every whole record."""
    at = 0
    while at + 21 <= len(data):
        lsn, kind, l1, l2, n, d = struct.unpack_from("<QBHHII", data, at)
        size = 21 + l1 + l2 + 8 * n + d
        if at + size > len(data):
            return
        p = at + 21
        name, tag = data[p:p + l1], data[p + l1:p + l1 + l2]
        p += l1 + l2
        yield at, lsn, kind, name, tag, unpack("q", data[p:p + 8 * n]), data[p + 8 * n:p + 8 * n + d]
        at += size


def encode_mxlog(previous, current, again=None):
    return struct.pack("<3Q", previous, current, current if again is None else again)


def to_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def row_bytes(metric, dimension):
    return dimension // 8 if metric >= 3 else 4 * dimension


def date_number(microseconds):
    """TableFiles.date: years since 1900, months from 0, day."""
    days = microseconds // 86400000000 + 719468             # days since 0000-03-01, then the usual civil calendar
    era, doe = divmod(days, 146097)
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    day, month = doy - (153 * mp + 2) // 5 + 1, mp + 3 if mp < 10 else mp - 9
    return (yoe + era * 400 + (month <= 2) - 1900) * 10000 + (month - 1) * 100 + day


# ------------------------------------------------------------------------------------------------------------ metadata

def by_orm(version):
    """Servers before 0.10.6 made the tables through another layer, which quotes names and spaces its statements."""
    return tuple(int(x) for x in version.split(".")[:3]) < (0, 10, 6)


def sqlite_schema(version):
    """The four CREATE TABLE statements, as sqlite_master shows them, in the server's order."""
    orm, out = by_orm(version), []
    for table in SQLITE_ORDER[orm]:
        columns = []
        for name, kind, _ in COLUMNS[table]:
            kind = kind.replace("{version}", version)
            columns.append(f"'{name}' {kind} NOT NULL" if orm else f"{name} {kind} NOT NULL")
        out.append(f"CREATE TABLE '{table}' ( " + " , ".join(columns) + " )" if orm else f"CREATE TABLE {table}(" + ",".join(columns) + ")")
    return out


def write_sqlite(path, rows, version, leave_wal=False):
    """`rows`: {"Tables": [tuple, ...], ...}. With leave_wal the last rows are only in `path`-wal, as after a kill."""
    with tempfile.TemporaryDirectory() as scratch:
        temp = os.path.join(scratch, "meta.sqlite")
        db = sqlite3.connect(temp, isolation_level=None)
        db.execute("pragma journal_mode=wal")
        db.execute("pragma wal_autocheckpoint=0")
        for statement in sqlite_schema(version):
            db.execute(statement)
        for table, content in rows.items():
            for row in content:
                db.execute(f"insert into {table} values({','.join('?' * len(row))})", row)
        if not leave_wal:
            db.execute("pragma wal_checkpoint(truncate)")
        for ending in ("", "-wal", "-shm") if leave_wal else ("",):
            shutil.copyfile(temp + ending, path + ending)
        db.close()


def mysql_literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, (int, float)):
        return str(value)
    for plain, escaped in (("\\", "\\\\"), ("'", "\\'"), ("\0", "\\0"), ("\n", "\\n"), ("\r", "\\r"), ('"', '\\"')):
        value = value.replace(plain, escaped)
    return f"'{value}'"


def mysql_schema(table, version, next_id=None):
    lines = [f"  `{name}` {kind.replace('{version}', version)}" for name, _, kind in COLUMNS[table]]
    lines += ["  " + key for key in MYSQL_KEYS.get(table, [])]
    more = f" AUTO_INCREMENT={next_id}" if next_id else ""
    return f"CREATE TABLE `{table}` (\n" + ",\n".join(lines) + f"\n) ENGINE=InnoDB{more} DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;"


def mysql_dump(rows, version, database=None, next_ids=None):
    """The metadata as a dump that the mysql client loads."""
    out = ["SET NAMES utf8mb4;"]
    if database:
        out += [f"CREATE DATABASE IF NOT EXISTS `{database}` DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;", f"USE `{database}`;"]
    for table in ("Environment", "Fields", "TableFiles", "Tables"):
        content = list(rows.get(table, ()))
        ids = (next_ids or {}).get(table) or (max(r[0] for r in content) + 1 if content and "PRIMARY KEY (`id`)" in MYSQL_KEYS.get(table, ()) else None)
        out += [f"DROP TABLE IF EXISTS `{table}`;", mysql_schema(table, version, ids)]
        if content:
            out.append(f"INSERT INTO `{table}` VALUES\n" + ",\n".join("(" + ",".join(map(mysql_literal, row)) + ")" for row in content) + ";")
    return "\n".join(out) + "\n"


# --------------------------------------------------------------------------------------------------- the engine, played

class Segment:
    """A directory of raw vectors and its row in TableFiles."""

    def __init__(self, target, segment_id, ids, width, root):
        self.target, self.id, self.ids, self.width, self.root = target, segment_id, ids, width, root
        self.deleted, self.row = [], None

    @property
    def folder(self):
        return os.path.join(self.root, "tables", self.target.table_id, self.id)

    def path(self, name):
        """Path of its `.rv`, `.uid`, `deleted_docs` or any other file."""
        return os.path.join(self.folder, self.id + name if name.startswith(".") else name)

    def write(self, name, data):
        os.makedirs(self.folder, exist_ok=True)
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def remove(self, name):
        os.remove(self.path(name))
        return self


class Target:
    """A row of Tables: a collection's own storage, or a partition. Its `live` is the truth: [(id, row bytes), ...]."""

    def __init__(self, inst, row, owner):
        self.inst, self.row, self.owner = inst, row, owner
        self.segments, self.partitions, self.memory, self.memory_deletes = [], [], [], []
        self.live, self.deleted_ids, self.inserted = [], [], 0
        self.memory_lsn = None

    @property
    def table_id(self):
        return self.row["table_id"]

    @property
    def collection(self):
        return self.owner or self

    @property
    def tag(self):
        return self.row["partition_tag"] if self.owner else "_default"

    @property
    def width(self):
        return row_bytes(self.row["metric_type"], self.row["dimension"])

    def partition(self, tag, stored=None):
        """Tags are stored trimmed; `stored` overrules that."""
        return self.inst.partition(self, tag, stored)

    def segment(self, ids, vectors, **more):
        return self.inst.segment(self, ids, vectors, **more)


class Installation:
    """One installation at `root`. Call close() (or leave the `with` block) to write metadata, log and truth.

    Writes at once: segments. Written at close(): meta, wal, config, truth. Every list and dict below may be edited before.
      tables, files, fields   rows of the metadata as dicts (column: value)
      global_lsn              None: no row in Environment
      wal                     {file number: bytearray}; mxlog: (previous, current, current), bytes, or None (no file)
    truth: write the truth folder; model: keep the rows of segments in `live` (always with truth; costs memory).
    """

    def __init__(self, root, version="1.1.1", seed=1, backend="sqlite", leave_wal=False, config=None, config_root=None,
                 wal_enabled=True, wal_dir=None, secondary=None, truth=True, model=True, name=None):
        self.root, self.version, self.backend, self.leave_wal = root, version, backend, leave_wal
        self.config, self.config_root, self.wal_enabled, self.secondary = config, config_root, wal_enabled, secondary
        self.wal_dir = wal_dir or os.path.join(root, "wal")
        self.keep_truth, self.keep_model, self.name, self.random = truth, truth or model, name or os.path.basename(root), random.Random(seed)
        self.tables, self.files, self.fields = [], [], []
        self.global_lsn, self.wal, self.mxlog = None if by_orm(version) else 0, {}, (0, 0, 0)
        self.wal_number, self.targets, self.steps, self.notes, self.seed = 0, [], [], [], seed
        self.clock, self.ended, self.closed = FIRST_TIME, "clean stop", False
        self.uri = "mysql://root:@127.0.0.1:3306/milvus" if backend == "mysql" else "sqlite://:@:/"
        os.makedirs(os.path.join(root, "db", "tables"), exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()

    # -- identity and time

    def tick(self, microseconds=1000):
        self.clock += microseconds
        return self.clock

    def new_id(self):
        """The engine's numbers for partitions, segments, files and automatic row ids: microseconds times 1000."""
        return str(self.tick() * 1000)

    # -- schema

    def collection(self, name, dim, metric="L2", engine=None, index_params="{}", index_file_size=1024 << 20, flag=2):
        metric = METRICS.get(metric, metric)
        if engine is None:
            engine = 9 if metric >= 3 else 1
        row = dict(zip(TABLES, (len(self.tables) + 1, name, NORMAL, dim, self.tick(), flag, index_file_size, engine,
                                index_params, metric, "", "", self.version, self.applied_lsn())))
        self.tables.append(row)
        self.targets.append(Target(self, row, None))
        self.steps.append(f"create {name} dim={dim} metric={metric_name(metric)} index_file_size={index_file_size >> 20}")
        return self.targets[-1]

    def partition(self, owner, tag, stored=None):
        row = dict(owner.row, id=len(self.tables) + 1, table_id=self.new_id(), created_on=self.tick(), flag=0,
                   owner_table=owner.table_id, partition_tag=tag.strip(" \n\r\t") if stored is None else stored, flush_lsn=self.applied_lsn())
        self.tables.append(row)
        self.targets.append(Target(self, row, owner))
        owner.partitions.append(self.targets[-1])
        self.steps.append(f"create partition {owner.table_id} / '{tag}'")
        return self.targets[-1]

    def drop(self, target):
        """Rows and files are marked; the files stay on disk until the server's cleanup."""
        for t in [target] + target.partitions:
            t.row["state"] = DROPPED
            for f in self.files:
                if f["table_id"] == t.table_id:
                    f.update(file_type=TO_DELETE, updated_time=self.tick())
            t.live, t.memory = [], []
        if target.owner:
            self.steps.append(f"drop partition {target.owner.table_id} '{target.tag}'")
        else:
            self.steps.append(f"drop collection {target.table_id}")

    # -- segments, directly

    def segment(self, target, ids, vectors, deleted=(), file_type=RAW, live=True, row_count=None, segment_id=None,
                meta=True, root=None, rv=None, uid=None, deleted_docs=None, engine=None):
        """Writes a segment. `vectors`: bytes of all rows. rv, uid, deleted_docs overrule the bytes of the file; False leaves it out.
        live=False: its rows are not expected to be found. meta=False: a directory that the metadata does not know."""
        s = Segment(target, segment_id or self.new_id(), list(ids), target.width, root or os.path.join(self.root, "db"))
        s.deleted = list(deleted)
        vectors = bytes(vectors) if not isinstance(vectors, (bytes, bytearray, memoryview)) else vectors
        os.makedirs(s.folder, exist_ok=True)
        for name, given, made in ((".rv", rv, None), (".uid", uid, encode_uid(s.ids)), ("deleted_docs", deleted_docs, encode_deleted(s.deleted))):
            if given is False:
                continue
            with open(s.path(name), "wb") as f:
                if given is None and name == ".rv":
                    f.write(struct.pack("<Q", len(vectors)))
                    f.write(vectors)
                else:
                    f.write(made if given is None else given)
        gone = {d for d in s.deleted if 0 <= d < len(s.ids)}
        if meta:
            s.row = self.file_row(target, s.id, file_type=file_type, file_size=len(vectors) + 8 * len(s.ids), engine=engine,
                                  row_count=len(s.ids) - len(gone) if row_count is None else row_count)
        target.segments.append(s)
        if live and meta and file_type in (RAW, TO_INDEX, INDEX, BACKUP):
            target.inserted += len(s.ids)
            if self.keep_model:
                w = s.width
                target.live += [(i, bytes(vectors[k * w:k * w + w])) for k, i in enumerate(s.ids) if k not in gone]
                target.deleted_ids += [i for k, i in enumerate(s.ids) if k in gone]
        return s

    def file_row(self, target, segment_id, file_id=None, file_type=RAW, file_size=0, row_count=0, engine=None):
        """Adds a row to TableFiles (for INDEX rows and the like give a file_id of their own)."""
        now = self.tick()
        row = dict(zip(FILES, (len(self.files) + 1, target if isinstance(target, str) else target.table_id, segment_id,
                               engine if engine is not None else (1 if isinstance(target, str) else target.row["engine_type"]),
                               file_id or segment_id, file_type, file_size, row_count, now, now, date_number(now), 0)))
        self.files.append(row)
        return row

    def indexed(self, segment, raw=BACKUP, index=INDEX):
        """What an index build leaves: the raw row becomes `raw`, a second row with its own file appears beside it."""
        file_id = self.new_id()
        segment.row["file_type"] = raw
        content = struct.pack("<i", 2) + self.random.randbytes(64)
        segment.write(file_id, content)
        return self.file_row(segment.target, segment.id, file_id, index, len(content), segment.row["row_count"])

    # -- the write-ahead log and the memory tables

    def applied_lsn(self):
        if not self.wal_enabled or not isinstance(self.mxlog, tuple):
            return 0
        return self.mxlog[1]

    def log(self, kind, collection, tag, ids, vectors=b"", acknowledged=True):
        """Appends a record; returns its lsn. Not acknowledged: the server died before it told the client."""
        if not self.wal_enabled:
            return 0
        data = self.wal.setdefault(self.wal_number, bytearray())
        data += encode_record(self.wal_number, len(data), kind, collection, tag, ids, vectors)
        lsn = self.wal_number << 32 | len(data)
        if acknowledged and isinstance(self.mxlog, tuple):
            self.mxlog = (self.mxlog[1], lsn, lsn)
        return lsn

    def next_wal_file(self):
        self.wal_number += 1

    def find(self, collection, tag):
        """The target that a client's tag means, or None."""
        tag = tag.strip(" \n\r\t")
        if tag in ("", "_default"):
            return collection
        return next((t for t in collection.partitions if t.tag == tag and t.row["state"] == NORMAL), None)

    def insert(self, collection, ids, vectors, tag=""):
        """As a client does it: log first, then memory. `tag` is what the client sends."""
        ids, vectors = list(ids), bytes(vectors)
        kind = INSERT_BINARY if collection.row["metric_type"] >= 3 else INSERT_VECTOR
        lsn = self.log(kind, collection.table_id, tag, ids, vectors)
        self.steps.append(f"insert {collection.table_id} '{tag}' n={len(ids)} user ids")
        collection.row["flag"] |= 2
        t, w = self.find(collection, tag), collection.width
        if t:
            rows = [(i, vectors[k * w:k * w + w]) for k, i in enumerate(ids)]
            t.memory += rows
            t.live += rows
            t.inserted += len(ids)
            t.memory_lsn = lsn
            gone = set(ids)
            t.deleted_ids = [i for i in t.deleted_ids if i not in gone]
        return lsn

    def delete(self, collection, ids, tag=""):
        """Deletes rows inserted before, everywhere in the collection, or in one partition (a tag is possible from 1.1 on)."""
        ids = list(ids)
        lsn = self.log(DELETE, collection.table_id, tag, ids)
        self.steps.append(f"delete {collection.table_id} '{tag}' ids={len(ids)}")
        gone = set(ids)
        for t in [self.find(collection, tag)] if tag else [collection] + [p for p in collection.partitions if p.row["state"] == NORMAL]:
            t.deleted_ids += [i for i, _ in t.live if i in gone]
            t.live = [r for r in t.live if r[0] not in gone]
            t.memory = [r for r in t.memory if r[0] not in gone]
            t.memory_deletes += ids
            t.memory_lsn = lsn
        return lsn

    def flush(self, collection=None):
        """Memory to segments, deletes to offsets. Without a collection: everything, which also moves global_lsn."""
        todo = [t for t in self.targets if t.memory_lsn is not None and t.row["state"] == NORMAL and collection in (None, t.collection)]
        top = max([t.memory_lsn for t in todo], default=0)
        for t in todo:
            self.apply_deletes(t)
            if t.memory:
                ids, rows = zip(*t.memory)
                s = Segment(t, self.new_id(), list(ids), t.width, os.path.join(self.root, "db"))
                s.write(".rv", encode_rv(rows)).write(".uid", encode_uid(ids)).write("deleted_docs", encode_deleted(()))
                s.row = self.file_row(t, s.id, file_size=len(ids) * (8 + t.width), row_count=len(ids))
                t.segments.append(s)
            t.row["flush_lsn"] = top if collection is None else t.memory_lsn
            t.memory, t.memory_deletes, t.memory_lsn = [], [], None
        if collection is None:
            self.global_lsn = max(self.global_lsn or 0, top)
        self.steps.append("flush " + (collection.table_id if collection else "ALL"))

    def apply_deletes(self, t):
        gone = set(t.memory_deletes)
        for s in t.segments if gone else ():
            if s.row is None or s.row["file_type"] not in (RAW, TO_INDEX, BACKUP):
                continue
            known = set(s.deleted)
            new = [k for k, i in enumerate(s.ids) if i in gone and k not in known]
            if new:
                s.deleted += new
                s.write("deleted_docs", encode_deleted(s.deleted))
                s.row.update(row_count=s.row["row_count"] - len(new), updated_time=self.tick())

    def merge(self, target, segments):
        """A merge or compaction: the rows that live go to a new segment, the old ones stay on disk until they are cleaned."""
        ids, kept = [], []
        for s in segments:
            rows, dead = decode_counted(s.read(".rv")), set(s.deleted)
            for k, i in enumerate(s.ids):
                if k not in dead:
                    ids.append(i)
                    kept.append(rows[k * s.width:k * s.width + s.width])
            s.row.update(file_type=TO_DELETE, updated_time=self.tick())
        if not ids:
            return
        new = Segment(target, self.new_id(), ids, target.width, os.path.join(self.root, "db"))
        new.write(".rv", encode_rv(kept)).write(".uid", encode_uid(ids)).write("deleted_docs", encode_deleted(()))
        new.row = self.file_row(target, new.id, file_size=len(ids) * (8 + target.width), row_count=len(ids))
        target.segments.append(new)

    # -- writing it down

    def rows(self):
        """The metadata as {table: [tuple]}."""
        environment = [] if self.global_lsn is None else [(self.global_lsn,)]
        return {"Environment": environment, "Tables": [tuple(r[c] for c in TABLES) for r in self.tables],
                "TableFiles": [tuple(r[c] for c in FILES) for r in self.files], "Fields": [tuple(r[c] for c in FIELDS) for r in self.fields]}

    def close(self):
        if self.closed:
            return
        self.closed = True
        if self.backend == "mysql":
            with open(os.path.join(self.root, "milvus_meta.sql"), "w", encoding="utf-8") as f:
                f.write(mysql_dump(self.rows(), self.version))
        elif self.backend == "sqlite":
            write_sqlite(os.path.join(self.root, "db", "meta.sqlite"), self.rows(), self.version, self.leave_wal)
        self.write_wal()
        if self.config:
            os.makedirs(os.path.join(self.root, "conf"), exist_ok=True)
            with open(os.path.join(self.root, "conf", "server_config.yaml"), "w", encoding="utf-8") as f:
                f.write(self.config_text())
        if self.keep_truth:
            self.write_truth(os.path.join(self.root, "truth"))

    def write_wal(self):
        if not self.wal and not (self.wal_enabled and self.mxlog is not None):
            return
        os.makedirs(self.wal_dir, exist_ok=True)
        for number, data in self.wal.items():
            with open(os.path.join(self.wal_dir, f"{number}.wal"), "wb") as f:
                f.write(data)
        if self.mxlog is not None:
            with open(os.path.join(self.wal_dir, "mxlog.meta"), "wb") as f:
                f.write(self.mxlog if isinstance(self.mxlog, bytes) else encode_mxlog(*self.mxlog))

    def config_text(self):
        """server_config.yaml of either generation ('old': 0.9, 'new': 0.10 and later)."""
        root = self.config_root or os.path.abspath(self.root)
        wal_dir = os.path.join(root, "wal") if self.wal_dir == os.path.join(self.root, "wal") else os.path.abspath(self.wal_dir)
        on = "true" if self.wal_enabled else "false"
        if self.config == "old":
            second = f"  secondary_path: {self.secondary or ''}\n"
            return (f"version: 0.4\n\nserver_config:\n  address: 0.0.0.0\n  port: 19530\n  deploy_mode: single\n  time_zone: UTC+8\n  web_enable: true\n"
                    f"  web_port: 19121\n\ndb_config:\n  backend_url: {self.uri}\n  preload_table:\n  auto_flush_interval: 1\n\n"
                    f"storage_config:\n  primary_path: {root}\n{second}  file_cleanup_timeout: 10\n\n"
                    f"cache_config:\n  cpu_cache_capacity: 4\n  insert_buffer_size: 1\n  cache_insert_data: false\n\n"
                    f"wal_config:\n  enable: {on}\n  recovery_error_ignore: true\n  buffer_size: 256\n  wal_path: {wal_dir}\n")
        return (f"version: 0.5\n\ncluster:\n  enable: false\n  role: rw\n\ngeneral:\n  timezone: UTC+8\n  meta_uri: {self.uri}\n\n"
                f"network:\n  bind.address: 0.0.0.0\n  bind.port: 19530\n  http.enable: true\n  http.port: 19121\n\n"
                f"storage:\n  path: {root}\n  auto_flush_interval: 1\n\n"
                f"wal:\n  enable: {on}\n  recovery_error_ignore: false\n  buffer_size: 256MB\n  path: {wal_dir}\n\n"
                f"cache:\n  cache_size: 4GB\n  insert_buffer_size: 1GB\n  preload_collection:\n\nlogs:\n  level: debug\n  path: {root}/logs\n")

    def visible(self):
        """[(collection, [its targets])] that a server would show."""
        return [(c, [c] + [p for p in c.partitions if p.row["state"] == NORMAL]) for c in self.targets
                if c.owner is None and c.row["state"] == NORMAL]

    def write_truth(self, folder):
        """truth.json and per target .ids, .vec, .deleted_ids, in the form of tests/golden."""
        os.makedirs(folder, exist_ok=True)
        collections = []
        for c, targets in sorted(self.visible(), key=lambda x: x[0].table_id):
            parts = []
            for t in targets:
                stem = c.table_id + "__" + encoded_tag(t.tag)
                rows, gone = sorted(t.live), sorted(set(t.deleted_ids))
                for ending, data in ((".ids", pack("q", [i for i, _ in rows])), (".vec", b"".join(v for _, v in rows)), (".deleted_ids", pack("q", gone))):
                    with open(os.path.join(folder, stem + ending), "wb") as f:
                        f.write(data)
                parts.append({"tag": t.tag, "files": stem, "ids_count": len(rows), "distinct_ids": len({i for i, _ in rows}),
                              "deleted_ids_count": len(gone), "inserted_rows": t.inserted})
            r = c.row
            collections.append({
                "name": c.table_id, "dim": r["dimension"], "metric": metric_name(r["metric_type"]), "metric_number": r["metric_type"], "flag": r["flag"],
                "index_file_size_mb": r["index_file_size"] >> 20, "index_type_number": r["engine_type"], "index_type": ENGINES.get(r["engine_type"], str(r["engine_type"])),
                "index_params": json.loads(r["index_params"] or "{}"), "user_ids": r["flag"] == 2, "partitions": parts,
                "live_rows": sum(p["ids_count"] for p in parts), "deleted_ids_count": sum(p["deleted_ids_count"] for p in parts)})
        with open(os.path.join(folder, "truth.json"), "w", encoding="utf-8") as f:
            json.dump({"set": self.name, "backend": self.backend, "milvus_version": self.version, "ended": self.ended, "seed": self.seed,
                       "collections": collections, "steps": self.steps, "notes": self.notes}, f, indent=1, sort_keys=True, ensure_ascii=False)
            f.write("\n")


def metric_name(number):
    return next((k for k, v in METRICS.items() if v == number), str(number))


def encoded_tag(tag):
    """A tag as part of a file name: percent-encoded; long ones cut, with a checksum."""
    name = quote(tag, safe="")
    return name if len(name) <= 100 else f"{name[:64]}~{zlib.crc32(tag.encode()) & 0xffffff:06x}"


# ---------------------------------------------------------------------------------------------------- vectors in bulk

EXPONENTS = bytes((0x3e, 0x3f, 0xbe, 0xbf)[b & 3] for b in range(256))


def random_vectors(rng, rows, metric, dimension):
    """`rows` random rows as bytes. Floats are finite, of either sign, between 1/8 and 2 in size."""
    data = bytearray(rng.randbytes(rows * row_bytes(metric, dimension)))
    if metric < 3:
        data[3::4] = data[3::4].translate(EXPONENTS)
    return data


def segment_ids_sorted(first, count, step=1):
    return array.array("q", range(first, first + count * step, step))


def tag_list(text):
    """Comma-separated tags; %XX for what a shell or a comma would spoil."""
    return [re.sub("%([0-9A-Fa-f]{2})", lambda m: chr(int(m[1], 16)), tag) for tag in text.split(",")] if text else []
