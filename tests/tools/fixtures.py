#!/usr/bin/env python3
"""Small installations with one peculiarity or one fault each, and what must come out of them.

    fixtures.py OUT [NAME ...]      builds them to look at: OUT/NAME/...

`FIXTURES` maps a name to a builder; builder(folder) makes the installation and returns an Expect. The rows expected are
computed from what was put in, by hand or by the played engine of milvus1x.py; nothing is read back.
"""
import json
import os
import shutil
import sqlite3
import struct
import sys
from dataclasses import dataclass, field, replace

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import milvus1x as m   # noqa: E402

FIXTURES = {}


@dataclass
class Expect:
    """What the program must do with `source`. Words are looked for in what inspect and migrate say, ignoring case; a tuple means any of them."""
    source: str
    rows: dict                                   # {(collection, tag): [(id, row bytes), ...]}
    code: tuple = (0,)                           # exit codes of migrate
    skip_rows: dict = None                       # for a damaged source: what --skip-damaged brings over, with exit code 6
    words: list = field(default_factory=list)
    never: list = field(default_factory=list)    # words that must not be said
    options: tuple = ()                          # for inspect, migrate and verify
    migrate_options: tuple = ()
    absent: list = field(default_factory=list)   # (collection, tag) that must not exist
    package: tuple = ()                          # options that a package of it needs again; None: it cannot be packaged
    counts: dict = None                          # {collection: {key of inspect --json: number}}
    hold_lock: str = None                        # a file on which a running server would hold its lock


def fixture(function):
    FIXTURES[function.__name__] = function
    return function


def vec(number, dim=2):
    """A row that tells its number: (n, n + 1/4, ...), exact in float32."""
    return m.floats(*(number + k / 4 for k in range(dim)))


def vecs(numbers, dim=2):
    return b"".join(vec(n, dim) for n in numbers)


def rows(numbers, dim=2):
    return [(n, vec(n, dim)) for n in numbers]


def new(folder, **more):
    return m.Installation(os.path.join(folder, "milvus"), truth=False, **more)


def truth(inst):
    return {(c.table_id, t.tag): list(t.live) for c, targets in inst.visible() for t in targets}


def ten(folder, deleted=(), live=None, **segment):
    """Collection c with ids 0..9 in one segment; `live` numbers remain (default: all but the deleted)."""
    with new(folder) as inst:
        c = inst.collection("c", 2)
        c.segment(range(10), vecs(range(10)), deleted=deleted, **segment)
    left = [n for n in range(10) if n not in deleted] if live is None else live
    return Expect(inst.root, {("c", "_default"): rows(left)})


def damaged(folder, **segment):
    """A good segment (ids 100..104) and a damaged one beside it; a second collection is sound."""
    with new(folder) as inst:
        c, other = inst.collection("c", 2), inst.collection("other", 2)
        c.segment(range(100, 105), vecs(range(100, 105)))
        bad = c.segment(range(10), vecs(range(10)), **segment)
        other.segment([1], vecs([1]))
    rest = {("c", "_default"): rows(range(100, 105)), ("other", "_default"): rows([1])}
    return Expect(inst.root, {}, (3,), rest, [bad.id], counts={"c": {"rows": 5}, "other": {"rows": 1}})


# ------------------------------------------------------------------------------------------------------------- deletes

@fixture
def f01_no_deletes(folder):
    return ten(folder)


@fixture
def f02_two_deletes(folder):
    e = ten(folder, [3, 7])
    e.counts = {"c": {"rows": 8, "deleted_rows": 2, "log_rows": 0, "log_deleted_rows": 0, "duplicate_ids": 0, "segments": 1}}
    return e


@fixture
def f03_deletes_of_two_flushes(folder):
    return ten(folder, [7, 2])


@fixture
def f04_delete_twice(folder):
    return ten(folder, [3, 3], row_count=8)


@fixture
def f05_all_deleted(folder):
    return ten(folder, range(10))


@fixture
def f06_delete_out_of_range(folder):
    e = ten(folder, [3, 10, -1, 2000000000], row_count=9)
    e.words = ["deleted_docs", ("out of range", "outside", "beyond")]
    return e


@fixture
def f07_deleted_docs_missing(folder):
    e = ten(folder, deleted_docs=False)
    e.words = ["deleted_docs", ("missing", "not there", "no such", "absent", "lost")]
    return e


@fixture
def f08_deleted_docs_odd_length(folder):
    e = damaged(folder, deleted_docs=struct.pack("<Q", 6) + struct.pack("<i", 3) + b"\0\0")
    e.words += ["deleted_docs"]
    return e


@fixture
def f08b_deleted_docs_count_beyond_end(folder):
    e = damaged(folder, deleted_docs=struct.pack("<Q", 40) + struct.pack("<i", 3))
    e.words += ["deleted_docs"]
    return e


@fixture
def f08c_deleted_docs_cut_in_header(folder):
    e = damaged(folder, deleted_docs=b"\4\0\0")
    e.words += ["deleted_docs"]
    return e


@fixture
def f08d_deleted_docs_huge_count(folder):
    return damaged(folder, deleted_docs=struct.pack("<Q", 2**64 - 4) + struct.pack("<i", 3))


@fixture
def deleted_docs_garbage_behind_count(folder):
    """A shorter list written over a longer file: the count rules."""
    return ten(folder, [4], deleted_docs=m.encode_deleted([4]) + struct.pack("<3i", 1, 2, 3))


@fixture
def deletes_unsorted_repeated_beyond(folder):
    e = ten(folder, [9, 0, 5, 0, 9, 77], row_count=4)
    e.words = [("out of range", "outside", "beyond")]
    return e


# ------------------------------------------------------------------------------------------------- damage of a segment

@fixture
def f09_rv_truncated(folder):
    e = damaged(folder, rv=m.encode_rv(vecs(range(10)))[:48])
    e.words += [".rv", "88", "48"]
    return e


@fixture
def f09b_rv_empty(folder):
    return damaged(folder, rv=b"")


@fixture
def f09c_rv_missing(folder):
    return damaged(folder, rv=False)


@fixture
def f09d_uid_truncated(folder):
    return damaged(folder, uid=m.encode_uid(range(10))[:-8])


@fixture
def f09e_uid_missing(folder):
    return damaged(folder, uid=False)


@fixture
def f09f_rv_count_near_2_to_64(folder):
    return damaged(folder, rv=struct.pack("<Q", 2**64 - 8) + vecs(range(10)))


@fixture
def f10_rv_longer_than_header(folder):
    e = damaged(folder, rv=m.encode_rv(vecs(range(10))) + bytes(8))
    e.words += [".rv"]
    return e


@fixture
def f11_fewer_ids_than_vectors(folder):
    e = damaged(folder, uid=m.encode_uid(range(7)))
    e.words += [".uid", "7", "10"]
    return e


@fixture
def f11b_more_ids_than_vectors(folder):
    return damaged(folder, uid=m.encode_uid(range(12)))


@fixture
def f11c_uid_not_whole_ids(folder):
    return damaged(folder, uid=m.encode_counted(m.pack("q", range(10))[:-4]))


@fixture
def f11d_rv_not_whole_rows(folder):
    return damaged(folder, rv=m.encode_counted(vecs(range(10))[:-4]))


@fixture
def segment_folder_missing(folder):
    with new(folder) as inst:
        c = inst.collection("c", 2)
        c.segment(range(3), vecs(range(3)))
        bad = c.segment(range(3, 6), vecs(range(3, 6)))
        shutil.rmtree(bad.folder)
    return Expect(inst.root, {}, (3,), {("c", "_default"): rows(range(3))}, [bad.id])


@fixture
def segment_unreadable(folder):
    """A folder where its file should be, as for a file that may not be read: the rest is not hidden."""
    e = damaged(folder, uid=False)
    path = next(b for b, _, names in os.walk(e.source) if f"{e.words[0]}.rv" in names)
    os.mkdir(os.path.join(path, os.path.basename(path) + ".uid"))
    e.words.append("regular file")
    return e


@fixture
def two_rv_files(folder):
    with new(folder) as inst:
        c = inst.collection("c", 2)
        c.segment(range(3), vecs(range(3)))
        bad = c.segment(range(3, 6), vecs(range(3, 6)))
        bad.write("77.rv", m.encode_rv(vecs(range(3))))
    return Expect(inst.root, {}, (3,), {("c", "_default"): rows(range(3))}, [bad.id])


@fixture
def dimension_zero(folder):
    with new(folder) as inst:
        inst.collection("sound", 2).segment([1], vecs([1]))
        bad = inst.collection("c", 2)
        bad.segment(range(10), vecs(range(10)), live=False)
        bad.row["dimension"] = 0
    return Expect(inst.root, {}, (3,), {("sound", "_default"): rows([1])}, ["dimension"])


# ----------------------------------------------------------------------------------------------------------- vectors

@fixture
def f12_nan_live(folder):
    values = m.floats(float("nan"), 1) + m.floats(float("inf"), 2) + m.floats(3, -0.0)
    with new(folder) as inst:
        inst.collection("c", 2).segment([1, 2, 3], values)
    return Expect(inst.root, {("c", "_default"): [(k + 1, values[8 * k:8 * k + 8]) for k in range(3)]}, words=[("nan", "not a number", "infinit")])


@fixture
def f12b_nan_deleted(folder):
    values = m.floats(1, 1) + m.floats(float("nan"), 2) + m.floats(3, 3)
    with new(folder) as inst:
        inst.collection("c", 2).segment([1, 2, 3], values, deleted=[1])
    return Expect(inst.root, {("c", "_default"): [(1, values[:8]), (3, values[16:])]}, never=["not a number", "nan/inf", "nan or inf"])


@fixture
def float_bits_kept(folder):
    """Signalling NaNs, denormals and minus zero keep their bits."""
    values = struct.pack("<6I", 0x7f800001, 0xffc12345, 0x00000001, 0x80000000, 0x7f7fffff, 0x80800000)
    with new(folder) as inst:
        inst.collection("c", 2).segment([-2**63, -1, 2**63 - 1], values)
    return Expect(inst.root, {("c", "_default"): [(i, values[8 * k:8 * k + 8]) for k, i in enumerate((-2**63, -1, 2**63 - 1))]})


@fixture
def f13_binary_512(folder):
    with new(folder) as inst:
        for count in (1000, 32):
            for byte in (1, 255):
                inst.collection(f"b{count}_{byte}", 512, "HAMMING").segment(range(count), bytes([byte]) * 64 * count)
    return Expect(inst.root, truth(inst), never=["nan"])


@fixture
def f14_rare_binary_metrics(folder):
    with new(folder) as inst:
        for metric in ("TANIMOTO", "SUBSTRUCTURE", "SUPERSTRUCTURE"):
            inst.collection(metric.lower(), 16, metric).segment([1, 2, 3], b"\1\2\3\4\0\0")
    return Expect(inst.root, truth(inst))


@fixture
def substructure_with_engine_type_1(folder):
    """Dropping an index sets a float engine type on these; the vectors are bits all the same."""
    with new(folder) as inst:
        for metric in ("SUBSTRUCTURE", "SUPERSTRUCTURE"):
            inst.collection(metric.lower(), 64, metric, engine=1).segment(range(5), bytes(range(40)))
    return Expect(inst.root, truth(inst))


# ------------------------------------------------------------------------------------- collections, partitions, tags

@fixture
def f15_partitions(folder):
    with new(folder) as inst:
        c = inst.collection("faces", 2)
        c.segment([1], vecs([1]))
        for k, tag in enumerate(("two words", "标签", "a-b", "a_b", "it's", "x/y%20z\\", "2021")):
            c.partition(tag).segment([10 + k, 20 + k], vecs([10 + k, 20 + k]))
    return Expect(inst.root, truth(inst), absent=[(p.table_id, "_default") for p in c.partitions])


@fixture
def f16_partition_called_default(folder):
    """Stored as `_default` because a client asked for ` _default `; its rows belong to the default partition."""
    with new(folder) as inst:
        c = inst.collection("c", 2)
        c.segment([1], vecs([1]))
        c.partition(" _default ").segment([2], vecs([2]))
    return Expect(inst.root, {("c", "_default"): rows([1, 2])}, words=["_default"])


@fixture
def default_partition_untagged_delete(folder):
    """As f16; a pending delete without a tag reaches both."""
    with new(folder) as inst:
        c = inst.collection("c", 2)
        inst.insert(c, [1, 2], vecs([1, 2]))
        inst.flush()
        p = c.partition(" _default ")
        p.segment([3, 4], vecs([3, 4]))
        inst.delete(c, [2, 3])
    return Expect(inst.root, {("c", "_default"): rows([1, 4])}, words=["_default"],
                  counts={"c": {"rows": 2, "deleted_rows": 2, "log_rows": 0, "log_deleted_rows": 2}})


@fixture
def f17_dropped(folder):
    with new(folder) as inst:
        gone, c = inst.collection("gone", 2), inst.collection("kept", 2)
        gone.partition("p").segment([5], vecs([5]))
        gone.segment([1, 2], vecs([1, 2]))
        c.segment([1, 2], vecs([1, 2]))
        c.segment([1, 2, 3], vecs([1, 2, 3]), file_type=m.TO_DELETE)
        p = c.partition("dropped")
        p.segment([9], vecs([9]))
        inst.drop(p)
        inst.drop(gone)
    return Expect(inst.root, {("kept", "_default"): rows([1, 2])}, absent=[("gone", "_default"), ("kept", "dropped"), (p.table_id, "_default")])


@fixture
def f18_empty_collection(folder):
    with new(folder) as inst:
        inst.collection("full", 2).segment([1], vecs([1]))
        inst.collection("empty", 3, "IP", flag=0).partition("p")
        inst.collection("empty_bits", 8, "JACCARD", flag=0)
    return Expect(inst.root, truth(inst))


@fixture
def f18b_only_empty_collections(folder):
    with new(folder) as inst:
        inst.collection("empty", 3, flag=0)
    return Expect(inst.root, truth(inst))


@fixture
def no_collection_at_all(folder):
    with new(folder) as inst:
        pass
    return Expect(inst.root, {})


@fixture
def f19_segment_types(folder):
    with new(folder) as inst:
        c = inst.collection("c", 2, engine=2, index_params='{"nlist":16}')
        c.segment([1], vecs([1]), file_type=m.RAW)
        c.segment([2], vecs([2]), file_type=m.TO_INDEX)
        inst.indexed(c.segment([3], vecs([3])))
        for kind in (m.NEW, m.NEW_MERGE, m.TO_DELETE):
            c.segment([9], vecs([9]), file_type=kind)
        building = c.segment([4], vecs([4]), file_type=m.TO_INDEX)
        inst.file_row(c, building.id, inst.new_id(), m.NEW_INDEX)
    return Expect(inst.root, {("c", "_default"): rows([1, 2, 3, 4])})


@fixture
def to_index_beside_index(folder):
    with new(folder) as inst:
        c = inst.collection("c", 2, engine=2)
        inst.indexed(c.segment([1, 2], vecs([1, 2])), raw=m.TO_INDEX)
    return Expect(inst.root, {("c", "_default"): rows([1, 2])})


@fixture
def backup_without_index(folder):
    with new(folder) as inst:
        inst.collection("c", 2, engine=2).segment([1, 2], vecs([1, 2]), file_type=m.BACKUP)
    return Expect(inst.root, {("c", "_default"): rows([1, 2])})


@fixture
def index_row_only(folder):
    with new(folder) as inst:
        c = inst.collection("c", 2, engine=11)
        s = c.segment([1, 2], vecs([1, 2]))
        inst.indexed(s)
        inst.files.remove(s.row)
    return Expect(inst.root, {("c", "_default"): rows([1, 2])})


@fixture
def dropped_index(folder):
    """The index row is to be deleted, the segment lives."""
    with new(folder) as inst:
        c = inst.collection("c", 2)
        inst.indexed(c.segment([1, 2], vecs([1, 2])), raw=m.RAW, index=m.TO_DELETE)
    return Expect(inst.root, {("c", "_default"): rows([1, 2])})


@fixture
def orphan_partitions(folder):
    """Partitions whose collection is dropped or gone are not shown by the server."""
    with new(folder) as inst:
        c, dropped, gone = (inst.collection(n, 2) for n in ("c", "dropped", "gone"))
        c.segment([1], vecs([1]))
        orphans = [t.partition("p") for t in (dropped, gone)]
        for p in orphans:
            p.segment([7], vecs([7]))
        dropped.row["state"] = m.DROPPED
        inst.tables.remove(gone.row)
    return Expect(inst.root, {("c", "_default"): rows([1])}, absent=[("dropped", "p"), ("gone", "p")] + [(p.table_id, "_default") for p in orphans])


@fixture
def zero_row_segments(folder):
    with new(folder) as inst:
        c = inst.collection("c", 2)
        c.segment([], b"")
        c.segment([1], vecs([1]))
        inst.collection("only_zero", 2).segment([], b"")
    return Expect(inst.root, truth(inst))


@fixture
def debris(folder):
    """Folders that the metadata does not know, and leftovers of interrupted rewrites."""
    with new(folder) as inst:
        c = inst.collection("c", 2)
        s = c.segment([1, 2], vecs([1, 2]), deleted=[0])
        s.write("temp_del", m.encode_deleted([0, 1])).write("temp_bloom", b"\0" * 20).write("bloom_filter", b"bloom_0\0" + bytes(20))
        c.segment([8], vecs([8]), meta=False)
        stranger = os.path.join(inst.root, "db", "tables", "stranger", "1")
        os.makedirs(stranger)
        for name, data in (("1.rv", m.encode_rv(vecs([5]))), ("1.uid", m.encode_uid([5]))):
            with open(os.path.join(stranger, name), "wb") as f:
                f.write(data)
    return Expect(inst.root, {("c", "_default"): rows([2])}, absent=[("stranger", "_default")])


@fixture
def row_count_wrapped(folder):
    """The server's own count underflowed; SQLite then holds a REAL."""
    with new(folder) as inst:
        c = inst.collection("c", 2)
        c.segment([1, 2], vecs([1, 2]), deleted=[0]).row["row_count"] = -1
        c.segment([3], vecs([3])).row["row_count"] = float(2**64 - 5)
    return Expect(inst.root, {("c", "_default"): rows([2, 3])})


@fixture
def f20_duplicate_ids(folder):
    """Every copy is kept, as the server counts them."""
    with new(folder) as inst:
        c = inst.collection("c", 2)
        c.segment([1, 1, 2], vecs([1, 10, 2]))
        c.segment([2, 3], vecs([20, 3]))
        c.partition("p").segment([1, 3], vecs([100, 3]))
    return Expect(inst.root, truth(inst), words=["duplicate"], counts={"c": {"rows": 7, "duplicate_ids": 3, "duplicate_rows": 4}})


@fixture
def f21_secondary_path(folder):
    second = os.path.join(os.path.abspath(folder), "second")
    with new(folder, version="0.9.1", config="old", secondary=second) as inst:
        c = inst.collection("c", 2)
        c.segment([1], vecs([1]))
        c.segment([2, 3], vecs([2, 3]), deleted=[1], root=second)
        split = c.segment([4, 5], vecs([4, 5]), root=second)                # its index went to the first root: the server would miss .rv
        elsewhere = m.Segment(c, split.id, [], c.width, os.path.join(inst.root, "db"))
        elsewhere.write("1614772800099000000", struct.pack("<i", 2) + bytes(32))
    return Expect(inst.root, {("c", "_default"): rows([1, 2, 4, 5])}, options=("--config", os.path.join(inst.root, "conf", "server_config.yaml")))


@fixture
def secondary_path_forgotten(folder):
    """Upgraded from 0.9: no setting names the second root any more, the metadata still has its rows."""
    with new(folder) as inst:
        c = inst.collection("c", 2)
        c.segment([1], vecs([1]))
        far = c.segment([2], vecs([2]), root=os.path.join(folder, "second"))
    return Expect(inst.root, {}, (3,), {("c", "_default"): rows([1])}, [far.id])


@fixture
def f22_version_0_11(folder):
    root = os.path.join(folder, "milvus")
    os.makedirs(os.path.join(root, "db", "tables", "C_1", "P_1", "S_1"))
    db = sqlite3.connect(os.path.join(root, "db", "meta.sqlite"))
    for table in ("Collection", "CollectionCommit", "Partition", "PartitionCommit", "Segment", "SegmentCommit", "SegmentFile", "SchemaCommit", "Field",
                  "FieldCommit", "FieldElement"):
        db.execute(f"create table {table}(id INTEGER PRIMARY KEY, name TEXT, state INTEGER, lsn INTEGER, created_on INTEGER, updated_on INTEGER)")
    db.commit()
    db.close()
    return Expect(root, {}, (3,), words=["0.11"])


@fixture
def hybrid_collection(folder):
    with new(folder) as inst:
        c = inst.collection("c", 2)
        c.segment([1, 2], vecs([1, 2])).write("age.ra", m.encode_counted(struct.pack("<2i", 30, 40)))
        inst.fields += [dict(zip(m.FIELDS, ("c", name, kind, "{}"))) for name, kind in (("age", 3), ("vec", 100))]
    return Expect(inst.root, {}, (3,), words=[("hybrid", "attribute"), "c"])


@fixture
def hybrid_but_dropped(folder):
    """Rows of Fields outlive their collection."""
    with new(folder) as inst:
        inst.collection("c", 2).segment([1], vecs([1]))
        inst.fields.append(dict(zip(m.FIELDS, ("long_gone", "age", 3, "{}"))))
    return Expect(inst.root, {("c", "_default"): rows([1])})


@fixture
def running_server(folder):
    with new(folder) as inst:
        inst.collection("c", 2).segment([1], vecs([1]))
        lock = os.path.join(inst.root, "lock")
        open(lock, "w").close()
    return Expect(inst.root, {}, (8,), words=["running"], hold_lock=lock)


@fixture
def running_server_allowed(folder):
    e = running_server(folder)
    return Expect(e.source, {("c", "_default"): rows([1])}, options=("--allow-running",), hold_lock=e.hold_lock)


@fixture
def lock_file_of_stopped_server(folder):
    e = running_server(folder)
    return Expect(e.source, {("c", "_default"): rows([1])})


@fixture
def metadata_only_in_sqlite_wal(folder):
    with new(folder, leave_wal=True) as inst:
        inst.collection("c", 2).segment([1, 2], vecs([1, 2]), deleted=[1])
    return Expect(inst.root, {("c", "_default"): rows([1])})


@fixture
def sqlite_of_0_9_without_environment_row(folder):
    with new(folder, version="0.9.1") as inst:
        c = inst.collection("c", 2)
        inst.insert(c, [1], vecs([1]))
        inst.flush(c)
        inst.insert(c, [2], vecs([2]))
    assert inst.global_lsn is None
    return Expect(inst.root, truth(inst))


@fixture
def config_of_both_generations_not_here(folder):
    """The config names paths of the machine that it came from; the folder given counts."""
    with new(folder, config="new", config_root="/var/lib/milvus-of-another-machine") as inst:
        c = inst.collection("c", 2)
        c.segment([1], vecs([1]))
    return Expect(inst.root, truth(inst))


# ------------------------------------------------------------------------------------------- metadata that cannot be

def beside_sound(folder, spoil, words, **collection):
    """Collection `sound` and another, `c`, which spoil(inst, c) makes impossible."""
    with new(folder) as inst:
        inst.collection("sound", 2).segment([1], vecs([1]))
        c = inst.collection("c", 2, **collection)
        spoil(inst, c)
    return Expect(inst.root, {}, (3,), {("sound", "_default"): rows([1])}, words)


@fixture
def name_of_two_dots(folder):
    def spoil(_, c):
        c.row["table_id"] = ".."
    return replace(beside_sound(folder, spoil, ["table_id"]), skip_rows=None)


@fixture
def name_that_leaves_the_folder(folder):
    """No server wrote that: such metadata is not believed at all."""
    def spoil(inst, c):
        c.segment([2], vecs([2]))
        inst.files[1]["table_id"] = c.row["table_id"] = "../../escaped"
    return replace(beside_sound(folder, spoil, ["table_id"]), skip_rows=None)


@fixture
def segment_that_leaves_the_folder(folder):
    """The same with a segment that points at another collection's files."""
    def spoil(inst, c):
        s = c.segment([2], vecs([2]))
        s.row.update(segment_id="../sound/" + inst.files[0]["segment_id"], file_id=inst.files[0]["file_id"])
    return replace(beside_sound(folder, spoil, ["segment_id"]), skip_rows=None)


@fixture
def metric_unknown(folder):
    def spoil(_, c):
        c.segment([2], vecs([2]))
        c.row["metric_type"] = 9
    return beside_sound(folder, spoil, ["metric-unknown", "9"])


@fixture
def binary_dimension_no_multiple_of_8(folder):
    def spoil(_, c):
        c.row["dimension"] = 12
    return beside_sound(folder, spoil, ["dimension-impossible", "12"], metric="HAMMING")


@fixture
def index_type_unknown(folder):
    with new(folder) as inst:
        inst.collection("c", 2, engine=99, index_params="no json at all").segment([1], vecs([1]))
        inst.collection("d", 2, engine=0, index_params="").segment([1], vecs([1]))
    return Expect(inst.root, {("c", "_default"): rows([1]), ("d", "_default"): rows([1])}, words=["index-type-unknown"])


@fixture
def partition_of_another_shape(folder):
    """The collection was dropped and made anew with another dimension; an old partition row still names it."""
    with new(folder) as inst:
        c = inst.collection("c", 2)
        c.segment([1], vecs([1]))
        p = c.partition("p")
        p.row["dimension"] = 3
        p.segment([2], vecs([2], 3))
    return Expect(inst.root, {}, (3,), {("c", "_default"): rows([1])}, ["partition-mismatch", "p"])


@fixture
def partition_twice(folder):
    """Two rows of one tag: neither's rows are lost."""
    with new(folder) as inst:
        c = inst.collection("c", 2)
        for n in (1, 2):
            c.partition("p").segment([n], vecs([n]))
    return Expect(inst.root, {("c", "_default"): [], ("c", "p"): rows([1, 2])}, words=["partition-twice"])


@fixture
def secondary_path_that_is_not_there(folder):
    with new(folder, version="0.9.1", config="old", secondary=os.path.join(os.path.abspath(folder), "unplugged")) as inst:
        inst.collection("c", 2).segment([1], vecs([1]))
    return Expect(inst.root, truth(inst), words=["secondary-path-missing"], options=("--config", os.path.join(inst.root, "conf", "server_config.yaml")))


@fixture
def data_in_object_store(folder):
    with new(folder, config="new") as inst:
        inst.collection("c", 2).segment([1], vecs([1]))
    path = os.path.join(inst.root, "conf", "server_config.yaml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("storage:\n", "storage:\n  s3_enabled: true\n  s3_address: 127.0.0.1\n  s3_port: 9000\n  s3_bucket: milvus\n"))
    return Expect(inst.root, {}, (3,), words=["storage-s3"], options=("--config", path))


@fixture
def empty_folder_of_an_empty_segment(folder):
    """Inserted and deleted before the flush: a row that counts 0, and a folder with nothing in it."""
    with new(folder) as inst:
        c = inst.collection("c", 2)
        c.segment([1], vecs([1]))
        s = c.segment([], b"", rv=False, uid=False, deleted_docs=False)
        assert s.row["row_count"] == 0
    return Expect(inst.root, {("c", "_default"): rows([1])}, words=["segment-without-files"])


# ------------------------------------------------------------------------------------------------- write-ahead log

def logged(folder, **more):
    """Collection c with rows 1, 2, 3 inserted, flushed."""
    inst = new(folder, **more)
    c = inst.collection("c", 2)
    inst.insert(c, [1, 2, 3], vecs([1, 2, 3]))
    inst.flush()
    return inst, c


def done(inst, **more):
    inst.close()
    return Expect(inst.root, truth(inst), **more)


@fixture
def wal_flushed_records_stay(folder):
    return done(logged(folder)[0])


@fixture
def wal_rows_and_deletes(folder):
    inst, c = logged(folder)
    p = c.partition("p")
    inst.insert(c, [4, 5], vecs([4, 5]))
    inst.insert(c, [6], vecs([6]), p.tag)
    inst.delete(c, [2, 6])
    inst.insert(c, [6], vecs([60]), p.tag)
    return done(inst, counts={"c": {"rows": 5, "log_rows": 3}})


@fixture
def wal_single_delete_of_a_repeated_id(folder):
    """The server's delete of one id left further copies in memory alive; a delete means all of them."""
    inst, c = logged(folder)
    inst.insert(c, [7, 7, 8, 8], vecs([7, 70, 8, 80]))
    inst.delete(c, [7])
    inst.delete(c, [8, 1])
    inst.close()
    return Expect(inst.root, {("c", "_default"): rows([2, 3])}, words=["one by one"])


@fixture
def wal_tag_with_blanks(folder):
    inst, c = logged(folder)
    c.partition(" sp\t")
    inst.insert(c, [4], vecs([4]), " sp\t")
    inst.insert(c, [5], vecs([5]), "sp")
    return done(inst)


@fixture
def wal_tag_default(folder):
    inst, c = logged(folder)
    inst.insert(c, [4], vecs([4]), "_default")
    return done(inst)


@fixture
def wal_tag_unknown(folder):
    """Records of a dropped partition are skipped, and of a dropped collection."""
    inst, c = logged(folder)
    p, gone = c.partition("p"), inst.collection("gone", 2)
    inst.insert(c, [7], vecs([7]), "p")
    inst.insert(gone, [8], vecs([8]))
    inst.drop(p)
    inst.drop(gone)
    return done(inst, absent=[("c", "p"), ("gone", "_default")])


@fixture
def wal_record_skipped_by_the_server(folder):
    """Servers up to 1.0 took a row tagged _default and forgot it; here it lies above the flush position, so it comes back."""
    inst, c = logged(folder, version="0.10.6")
    inst.insert(c, [4], vecs([4]))
    inst.log(m.INSERT_VECTOR, "c", "_default", [5], vecs([5]))
    inst.flush(c)
    inst.close()
    return Expect(inst.root, {("c", "_default"): rows([1, 2, 3, 4, 5])})


def skipped_below(folder):
    """The same, with flushes that went past it."""
    inst, c = logged(folder, version="0.10.6")
    inst.log(m.INSERT_VECTOR, "c", "_default", [5], vecs([5]))
    inst.insert(c, [4], vecs([4]))
    inst.flush(c)
    inst.close()
    return inst.root


@fixture
def wal_record_skipped_and_passed(folder):
    """Told, and left out as the server did."""
    return Expect(skipped_below(folder), {("c", "_default"): rows([1, 2, 3, 4])}, words=["--rescue-skipped"])


@fixture
def wal_record_skipped_and_rescued(folder):
    return Expect(skipped_below(folder), {("c", "_default"): rows([1, 2, 3, 4, 5])}, options=("--rescue-skipped",), package=("--rescue-skipped",))


@fixture
def wal_request_split_over_files(folder):
    """One request, two records: the end of a file was reached. The position moved after the last one."""
    inst, c = logged(folder)
    before = inst.mxlog[1]
    inst.log(m.INSERT_VECTOR, "c", "", [4, 5], vecs([4, 5]))
    inst.next_wal_file()
    last = inst.log(m.INSERT_VECTOR, "c", "", [6], vecs([6]))
    inst.mxlog = (before, last, last)
    inst.close()
    return Expect(inst.root, {("c", "_default"): rows(range(1, 7))})


@fixture
def wal_recreated_partition(folder):
    """Records older than the partition of the same tag do not come back."""
    inst, c = logged(folder)
    p = c.partition("p")
    inst.insert(c, [7], vecs([7]), "p")
    inst.drop(p)
    c.partition("p")
    inst.insert(c, [8], vecs([8]), "p")
    return done(inst)


@fixture
def wal_delete_then_reinsert_across_flush(folder):
    inst, c = logged(folder)
    inst.delete(c, [1])
    inst.flush(c)
    inst.insert(c, [1], vecs([11]))
    inst.flush(c)
    inst.delete(c, [2])
    inst.insert(c, [2], vecs([22]))
    inst.delete(c, [3])
    inst.insert(c, [3], vecs([33]))
    inst.delete(c, [3])
    return done(inst)


@fixture
def wal_threshold_per_target(folder):
    """A pending delete must not reach a partition that was flushed past it and got the id again."""
    inst, c = logged(folder)
    p = c.partition("p")
    inst.insert(c, [9], vecs([9]), "p")
    inst.flush(c)
    inst.insert(c, [4], vecs([4]))
    inst.delete(c, [9])
    lsn = inst.insert(c, [9], vecs([99]), "p")
    inst.apply_deletes(p)
    p.memory, p.memory_deletes, p.memory_lsn = [], [], None
    p.segment([9], vecs([99]), live=False)
    p.row["flush_lsn"] = lsn                                               # p is flushed, the collection's own rows are not
    return done(inst)


@fixture
def wal_duplicate_id_in_two_partitions(folder):
    inst, c = logged(folder)
    c.partition("p"), c.partition("q")
    inst.insert(c, [5], vecs([5]), "p")
    inst.insert(c, [5], vecs([55]), "q")
    inst.insert(c, [6], vecs([6]), "p")
    inst.insert(c, [6], vecs([66]), "q")
    inst.flush(c)
    inst.delete(c, [5])
    return done(inst, words=["duplicate"])


@fixture
def wal_delete_with_tag(folder):
    """From 1.1 on a delete may name a partition; `_default` is the collection's own rows only."""
    inst, c = logged(folder)
    c.partition("p")
    inst.insert(c, [1, 2, 4], vecs([10, 20, 4]), "p")
    inst.flush(c)
    inst.delete(c, [1], "p")
    inst.delete(c, [2], "_default")
    return done(inst)


@fixture
def wal_single_delete_of_an_id_in_memory_twice(folder):
    """The server forgot only the first copy in memory when a request named one id; here all earlier copies go, and it is told."""
    inst, c = logged(folder)
    inst.insert(c, [7, 7, 8], vecs([7, 70, 8]))
    inst.delete(c, [7])
    return done(inst, words=["log-single-delete"])


@fixture
def wal_binary(folder):
    inst = new(folder)
    c = inst.collection("b", 16, "JACCARD")
    inst.insert(c, [1, 2], b"\1\2\3\4")
    inst.flush(c)
    inst.insert(c, [3, 4], b"\5\6\7\x08")
    inst.delete(c, [1, 4])
    return done(inst)


@fixture
def wal_several_files(folder):
    inst, c = logged(folder)
    for k in range(4, 13):
        inst.insert(c, [k], vecs([k]))
        if k % 3 == 0:
            inst.next_wal_file()
    inst.delete(c, [4, 11])
    return done(inst)


@fixture
def wal_numbers_above_9(folder):
    """Ten comes after nine, also where names are sorted as text."""
    inst, c = logged(folder)
    inst.wal_number = 9
    inst.wal[8] = inst.wal.pop(0)                                          # as if the files before had been removed
    data = inst.wal[8]
    data[:] = m.encode_record(8, 0, m.INSERT_VECTOR, "c", "", [1, 2, 3], vecs([1, 2, 3]))
    lsn = 8 << 32 | len(data)
    c.row["flush_lsn"] = inst.global_lsn = lsn
    inst.mxlog = (lsn, lsn, lsn)
    inst.insert(c, [4], vecs([4]))
    inst.next_wal_file()
    inst.delete(c, [4])
    inst.insert(c, [4], vecs([44]))
    return done(inst)


@fixture
def wal_not_acknowledged(folder):
    """Whole records behind the applied position were never confirmed to a client."""
    inst, c = logged(folder)
    inst.insert(c, [4], vecs([4]))
    inst.log(m.INSERT_VECTOR, "c", "", [5], vecs([5]), acknowledged=False)
    return done(inst)


@fixture
def wal_torn_tail(folder):
    """Killed while writing: half a record behind the applied position."""
    inst, c = logged(folder)
    inst.insert(c, [4], vecs([4]))
    inst.wal[0] += m.encode_record(0, len(inst.wal[0]), m.INSERT_VECTOR, "c", "", [5], vecs([5]))[:-3]
    return done(inst)


@fixture
def wal_torn_inside(folder):
    """Power loss: the log ends before the applied position, so confirmed requests are lost."""
    inst, c = logged(folder)
    inst.insert(c, [4], vecs([4]))
    inst.insert(c, [5], vecs([5]))
    del inst.wal[0][-5:]
    inst.close()
    return Expect(inst.root, {("c", "_default"): rows([1, 2, 3, 4])}, (0, 3, 6), words=["0.wal"])


@fixture
def wal_middle_file_missing(folder):
    inst, c = logged(folder)
    for k in (4, 5, 6):
        inst.insert(c, [k], vecs([k]))
        inst.next_wal_file()
    del inst.wal[1]
    inst.close()
    return Expect(inst.root, {("c", "_default"): rows([1, 2, 3, 4, 6])}, (0, 3, 6), words=["1.wal"])


@fixture
def wal_bad_lsn(folder):
    """A stale record of an older file of that number: its position does not fit."""
    inst, c = logged(folder)
    inst.insert(c, [4], vecs([4]))
    inst.wal[0] += m.encode_record(0, 99, m.INSERT_VECTOR, "c", "", [5], vecs([5]))
    return done(inst)


@fixture
def wal_wrong_vector_size(folder):
    """A record whose vectors do not fit the collection is not applied."""
    inst, c = logged(folder)
    inst.log(m.INSERT_VECTOR, "c", "", [4], vec(4, 3))
    inst.close()
    return Expect(inst.root, {("c", "_default"): rows([1, 2, 3])}, (0, 3, 6), words=["0.wal"])


@fixture
def wal_record_of_a_hybrid_collection(folder):
    """Type 6 has another layout: what follows in the file cannot be read."""
    inst, c = logged(folder)
    inst.log(6, "c", "", [4], vecs([4]))
    inst.close()
    return Expect(inst.root, {("c", "_default"): rows([1, 2, 3])}, (3,), {("c", "_default"): rows([1, 2, 3])}, ["log-hybrid-record"])


@fixture
def wal_probably_switched_off(folder):
    """No config at hand, flush_lsn 0 beside segments, and old records that are not in the newest segment: told, not guessed."""
    inst, c = logged(folder)
    inst.delete(c, [3])
    c.segment([7, 8], vecs([7, 8]))
    c.row["flush_lsn"] = inst.global_lsn = 0
    inst.close()
    return Expect(inst.root, {("c", "_default"): rows([1, 2, 3, 7, 8])}, words=["log-probably-off"])


@fixture
def mxlog_empty_all_flushed(folder):
    inst, _ = logged(folder)
    inst.mxlog = b""
    return done(inst)


@fixture
def mxlog_empty_rows_pending(folder):
    """The position is lost, the rows are not: never to go on silently."""
    inst, c = logged(folder)
    inst.insert(c, [4], vecs([4]))
    inst.mxlog = b""
    inst.close()
    return Expect(inst.root, {}, (3,), words=["mxlog.meta"])


@fixture
def mxlog_empty_pending_rows_included(folder):
    e = mxlog_empty_rows_pending(folder)
    return Expect(e.source, {("c", "_default"): rows([1, 2, 3, 4])}, options=("--include-unacknowledged",), package=("--include-unacknowledged",))


@fixture
def mxlog_16_bytes_rows_pending(folder):
    inst, c = logged(folder)
    inst.insert(c, [4], vecs([4]))
    inst.mxlog = m.encode_mxlog(*inst.mxlog)[:16]
    inst.close()
    return Expect(inst.root, {}, (3,), words=["mxlog.meta"])


@fixture
def mxlog_missing_rows_pending(folder):
    inst, c = logged(folder)
    inst.insert(c, [4], vecs([4]))
    inst.mxlog = None
    inst.close()
    return Expect(inst.root, {}, (3,), words=["mxlog.meta"])


@fixture
def mxlog_second_differs_from_third(folder):
    """Killed while the position was being written: the first number counts."""
    inst, c = logged(folder)
    first = inst.insert(c, [4], vecs([4]))
    second = inst.log(m.INSERT_VECTOR, "c", "", [5], vecs([5]), acknowledged=False)
    inst.mxlog = (first, second, first)
    return done(inst)


@fixture
def global_lsn_row_absent(folder):
    inst, c = logged(folder)
    inst.global_lsn = None
    inst.insert(c, [4], vecs([4]))
    return done(inst)


@fixture
def wal_switched_off_old_files_stay(folder):
    """With the log switched off flush_lsn goes back to 0; the old files must not be replayed."""
    inst, c = logged(folder, config="new")
    inst.wal_enabled = False
    c.row["flush_lsn"] = 0
    inst.global_lsn = 0
    inst.close()
    return Expect(inst.root, {("c", "_default"): rows([1, 2, 3])}, options=("--config", os.path.join(inst.root, "conf", "server_config.yaml")))


@fixture
def wal_switched_on_although_never_flushed(folder):
    """flush_lsn 0 beside a segment that the log does not hold: without the configuration the log would be held, also by way of a package."""
    inst = new(folder, config="new")
    c = inst.collection("c", 2)
    c.segment([1, 2, 3], vecs([1, 2, 3]))
    inst.insert(c, [7, 8], vecs([7, 8]))
    inst.delete(c, [2])
    c.row["flush_lsn"] = 0
    inst.global_lsn = 0
    inst.close()
    return Expect(inst.root, {("c", "_default"): rows([1, 3, 7, 8])}, never=["log-probably-off"])


@fixture
def wal_switched_off_by_option(folder):
    inst, c = logged(folder)
    inst.log(m.INSERT_VECTOR, "c", "", [8], vecs([8]))
    return done(inst, options=("--no-wal",))


@fixture
def wal_switched_off_without_config(folder):
    """No config at hand: a segment, flush_lsn 0 and old records that equal the segment: not twice."""
    inst, c = logged(folder)
    c.row["flush_lsn"] = 0
    inst.global_lsn = 0
    return done(inst)


@fixture
def crash_between_segment_and_flush_lsn(folder):
    """The newest segment holds rows that the log would bring once more."""
    inst, c = logged(folder)
    before = c.row["flush_lsn"]
    inst.delete(c, [2])
    inst.insert(c, [4, 5], vecs([4, 5]))
    inst.flush(c)
    c.row["flush_lsn"] = before
    return done(inst)


@fixture
def crash_between_segment_and_flush_lsn_after_reinsert(folder):
    """As before, but the new segment holds an id again that a pending delete names; and a request came in after the flush."""
    inst, c = logged(folder)
    before = c.row["flush_lsn"]
    inst.delete(c, [2])
    inst.insert(c, [2, 4], vecs([22, 4]))
    inst.flush(c)
    inst.insert(c, [6], vecs([6]))
    c.row["flush_lsn"] = before
    return done(inst)


@fixture
def crash_after_deleted_docs(folder):
    """The offsets are on disk, the server's counts and flush_lsn are not: the delete is in the log, too."""
    inst, c = logged(folder)
    before, count = c.row["flush_lsn"], c.segments[0].row["row_count"]
    inst.delete(c, [2, 3])
    inst.insert(c, [3], vecs([33]))
    inst.apply_deletes(c)
    c.row["flush_lsn"], c.segments[0].row["row_count"] = before, count
    return done(inst)


@fixture
def same_batch_sent_twice(folder):
    """Not that crash: the client inserted the same rows again, and both copies count."""
    inst, c = logged(folder)
    inst.insert(c, [1, 2, 3], vecs([1, 2, 3]))
    return done(inst, words=["duplicate"])


@fixture
def wal_elsewhere(folder):
    inst, c = logged(folder, wal_dir=os.path.join(folder, "log"))
    inst.insert(c, [4], vecs([4]))
    return done(inst, options=("--wal", os.path.join(folder, "log")))


@fixture
def wal_elsewhere_by_config(folder):
    inst, c = logged(folder, wal_dir=os.path.join(folder, "log"), config="new")
    inst.insert(c, [4], vecs([4]))
    return done(inst, options=("--config", os.path.join(inst.root, "conf", "server_config.yaml")))


@fixture
def wal_of_0_9_by_config(folder):
    inst, c = logged(folder, version="0.9.1", config="old")
    inst.insert(c, [4], vecs([4]))
    inst.delete(c, [1])
    return done(inst, options=("--config", os.path.join(inst.root, "conf", "server_config.yaml")))


@fixture
def wal_missing_folder_all_flushed(folder):
    inst, _ = logged(folder)
    inst.wal, inst.mxlog = {}, None
    return done(inst)


# ------------------------------------------------------------------------------------------------------- meta.json

@fixture
def f27_meta_json_of_the_old_tool(folder):
    """A migration_data folder: only what the old export wrote. The partition looks like a collection there."""
    with new(folder) as inst:
        c = inst.collection("faces", 2, "IP")
        segments = [c.segment([1, 2, 3], vecs([1, 2, 3]), deleted=[1]), c.segment([4], vecs([4]))]
    prepared = os.path.join(folder, "migration_data")
    os.makedirs(prepared)
    shutil.move(os.path.join(inst.root, "db", "tables"), os.path.join(prepared, "tables"))
    shutil.rmtree(inst.root)
    listed = [{"collection": "faces", "segment": s.id, "dim": 2, "rows": s.row["row_count"], "fileSize": s.row["file_size"]} for s in segments]
    with open(os.path.join(prepared, "meta.json"), "w", encoding="utf-8") as f:
        json.dump({"collections": [{"collection": "faces", "metric": 2, "rows": 3, "dim": 2, "segments": listed}], "rows": 3}, f, separators=(",", ":"))
    return Expect(prepared, {("faces", "_default"): rows([1, 3, 4])}, words=["meta.json", "partition"], package=None)


@fixture
def f27a_meta_json_with_a_partition(folder):
    """The old export listed a partition as a collection named by its number; nothing says whose it is."""
    e = f27_meta_json_of_the_old_tool(folder)
    segment = os.path.join(e.source, "tables", "1614772800099000000", "1614772800100000000")
    os.makedirs(segment)
    for name, data in ((".rv", m.encode_rv(vecs([8]))), (".uid", m.encode_uid([8])), ("deleted_docs", m.encode_deleted([]))):
        with open(os.path.join(segment, "1614772800100000000" + name if name[0] == "." else name), "wb") as f:
            f.write(data)
    path = os.path.join(e.source, "meta.json")
    with open(path, encoding="utf-8") as f:
        meta = json.load(f)
    meta["collections"].append({"collection": "1614772800099000000", "metric": 2, "rows": 1, "dim": 2, "segments": [
        {"collection": "1614772800099000000", "segment": "1614772800100000000", "dim": 2, "rows": 1, "fileSize": 16}]})
    with open(path, "w", encoding="utf-8") as f:
        json.dump(meta, f)
    return replace(e, rows={**e.rows, ("1614772800099000000", "_default"): rows([8])}, words=["partition-without-owner", "1614772800099000000"])


@fixture
def f27c_meta_json_names_a_collection_twice(folder):
    e = f27_meta_json_of_the_old_tool(folder)
    path = os.path.join(e.source, "meta.json")
    with open(path, encoding="utf-8") as f:
        meta = json.load(f)
    meta["collections"].append(meta["collections"][0])
    with open(path, "w", encoding="utf-8") as f:
        json.dump(meta, f)
    return replace(e, words=["collection-twice"])


@fixture
def f27b_meta_json_with_a_wal_beside_it(folder):
    """Without flush positions the log cannot be replayed: said, not guessed."""
    e = f27_meta_json_of_the_old_tool(folder)
    os.makedirs(os.path.join(e.source, "wal"))
    record = m.encode_record(0, 0, m.INSERT_VECTOR, "faces", "", [9], vec(9))
    for name, data in (("0.wal", record), ("mxlog.meta", m.encode_mxlog(0, len(record)))):
        with open(os.path.join(e.source, "wal", name), "wb") as f:
            f.write(data)
    return Expect(e.source, {}, (3,), words=["wal", "meta.json"])


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    for name in sys.argv[2:] or FIXTURES:
        folder = os.path.join(sys.argv[1], name)
        os.makedirs(folder)
        print(FIXTURES[name](folder))


if __name__ == "__main__":
    main()
