#!/usr/bin/env python3
"""One test per known defect of older migration tools, showing that this program does not have it.

    defects_test.py GODWIT [-k PART_OF_A_NAME]

The numbers D1 to D37 are those of the project's list of defects; those that concern other things than a Milvus 1.x source and our own
folders (object stores, REST servers, remote targets, the old build files) have their tests with these parts.
Last line 'N passed, N failed, N skipped'. Needs Python 3.9+, nothing else.
"""
import argparse
import json
import os
import re
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import milvus1x as m                                                                      # noqa: E402
from fixtures import FIXTURES, rows, vec, vecs                                            # noqa: E402
from program import Failure, Suite, binary_argument, changed, expect, flip_bit, read, row_set, tree, wanted   # noqa: E402


def make(program, name="milvus", **more):
    return m.Installation(os.path.join(program.work, name), truth=False, **more)


def data(program, name="data"):
    return os.path.join(program.work, name)


def move(program, source, *options, codes=(0,)):
    return program.ok("migrate", source, "--to", data(program), *options, codes=codes)


def holds(program, collection, want, tag="_default"):
    program.same_rows(data(program), collection, tag, row_set(want))


def quiet(text):
    """No trace of a crash in what the program says."""
    expect(not re.search(r"panic|traceback|segmentation|assert|\(null\)|goroutine", text, re.I), f"a crash shows: {text[-500:]}")
    return text


def refused(program, codes, *args, words=()):
    """The command fails in order: exit code, one of the words, no crash."""
    r = program.ok(*args, codes=codes)
    quiet(r.out + r.err)
    for w in words:
        expect(w.lower() in (r.err + r.out).lower(), f"{r.line}: {w!r} is not said: {r.err[-500:]}")
    return r


def two_collections(program):
    with make(program) as inst:
        a, b = inst.collection("a", 2), inst.collection("b", 2, "IP")
        a.segment([1, 2], vecs([1, 2]))
        a.partition("p").segment([3], vecs([3]))
        b.segment([7], vecs([7]))
    return inst.root


# ---------------------------------------------------------------------------------------------------- A: wrong data

def test_d01_deletes(program):
    """Every list of offsets that went wrong there, one collection each."""
    lists = [[3, 7], [3], [9], [0], [0, 1, 2], [0, 5], [7, 2], [3, 3], list(range(1, 10)), list(range(10))]
    with make(program) as inst:
        for k, deleted in enumerate(lists):
            inst.collection(f"c{k}", 2).segment(range(10), vecs(range(10)), deleted=deleted, row_count=10 - len(deleted))
        inst.collection("short", 2).segment(range(3), vecs(range(3)), deleted=[0, 1, 2, 0], row_count=-1)
    move(program, inst.root)
    for k, deleted in enumerate(lists):
        holds(program, f"c{k}", rows(n for n in range(10) if n not in deleted))
    holds(program, "short", [])


def test_d02_partitions(program):
    with make(program) as inst:
        faces = inst.collection("faces", 2)
        faces.segment([1], vecs([1]))
        p = faces.partition("2021")
        p.segment([2], vecs([2]))
    move(program, inst.root, "--collections", "faces")
    holds(program, "faces", rows([1]))
    holds(program, "faces", rows([2]), "2021")
    program.absent(data(program), p.table_id)
    expect(re.findall(r"\d+", program.ok("count", data(program), "faces").out)[-1] == "2", "count does not say 2")


def test_d03_pairs_are_checked(program):
    with make(program) as inst:
        inst.collection("c", 2).segment(range(10), vecs(range(10)), uid=m.encode_uid(range(7)))
    refused(program, (3,), "migrate", inst.root, "--to", data(program), words=("7", "10"))


def test_d04_binary(program):
    with make(program) as inst:
        for count in (1000, 32):
            for byte in (1, 255):
                inst.collection(f"b{count}_{byte}", 512, "HAMMING").segment(range(count), bytes([byte]) * 64 * count)
        inst.collection("floats", 2).segment([1], vecs([1]))
    move(program, inst.root)
    for c, _ in inst.visible():
        program.same_rows(data(program), c.table_id, "_default", row_set(c.live), c.width, c.row["metric_type"] >= 3)


def test_d08_again_does_not_double(program):
    source = two_collections(program)
    move(program, source)
    refused(program, (4,), "migrate", source, "--to", data(program), words=("exist",))
    move(program, source, "--if-exists", "replace")
    for name, tag, want in (("a", "_default", [1, 2]), ("a", "p", [3]), ("b", "_default", [7])):
        holds(program, name, rows(want), tag)
    other = m.Installation(os.path.join(program.work, "other"), truth=False)
    with other:
        other.collection("a", 3).segment([5], vecs([5], 3))
    refused(program, (4,), "migrate", other.root, "--to", data(program))
    refused(program, (4,), "migrate", other.root, "--to", data(program), "--if-exists", "append", words=("dimension",))
    holds(program, "a", rows([1, 2]))


def test_d09_duplicate_ids_are_reported(program):
    with make(program) as inst:
        c = inst.collection("c", 2)
        c.segment([5, 5, 6], vecs([5, 50, 6]))
        c.partition("p").segment([5], vecs([500]))
    r = program.ok("inspect", inst.root)
    expect("duplicate" in r.out.lower(), f"inspect does not speak of duplicates: {r.out}")
    r = program.ok("migrate", inst.root, "--to", data(program, "fail"), "--duplicates", "fail", codes=(2, 3, 4, 6, 7))
    expect("duplicate" in (r.out + r.err).lower(), "--duplicates fail does not say why")
    move(program, inst.root)
    holds(program, "c", [(5, vec(5)), (5, vec(50)), (6, vec(6))])
    holds(program, "c", [(5, vec(500))], "p")
    first = data(program, "first")
    program.ok("migrate", inst.root, "--to", first, "--duplicates", "first", codes=(0, 6))
    program.same_rows(first, "c", "_default", row_set(rows([5, 6])))
    program.same_rows(first, "c", "p", row_set([]))


def test_d10_metric_and_index_are_kept(program):
    with make(program) as inst:
        inst.collection("ip", 2, "IP", engine=2, index_params='{"nlist":16}').segment([1, 2, 3], m.floats(1, 0) + m.floats(5, 0) + m.floats(0, 1))
        inst.collection("l2", 2).segment([1, 2, 3], m.floats(1, 0) + m.floats(5, 0) + m.floats(0, 1))
    move(program, inst.root)
    for name, metric, best in (("ip", "IP", 2), ("l2", "L2", 1)):
        text = program.ok("describe", data(program), name, "--json").out
        expect(f'"{metric}"' in text, f"describe {name} does not name {metric}: {text}")
        found = program.ok("search", data(program), name, "--vector", "[1,0]", "-k", "1", "--json").out
        expect(re.search(rf'"id": ?"?{best}\b', found), f"search in {name}: the best hit is not {best}: {found}")
    text = program.ok("inspect", inst.root, "--json").out
    expect("nlist" in text and "IVF_FLAT" in text, f"inspect does not tell the index: {text}")


def test_d11_empty_collections_stay(program):
    with make(program) as inst:
        inst.collection("empty", 3, "IP").partition("p")
    move(program, inst.root)
    holds(program, "empty", [])
    holds(program, "empty", [], "p")
    expect("empty" in program.ok("collections", data(program)).out, "the empty collection is not listed")


def test_d12_local_target_works(program):
    """A folder as target needs nobody's bucket: it is loaded, searched and read back."""
    source = two_collections(program)
    move(program, source)
    r = program.ok("search", data(program), "a", "--vector", "[2,2.25]", "-k", "1", "--json")
    expect(re.search(r'"id": ?"?2\b', r.out), r.out)


# ----------------------------------------------------------------------------------------------- B: failure handling

def test_d05_exit_status(program):
    source = two_collections(program)
    nowhere = os.path.join(program.work, "nowhere")
    for codes, args in (((2, 3), ("inspect", nowhere)), ((2, 3), ("migrate", nowhere, "--to", data(program))), ((2,), ("migrate", source)),
                        ((2,), ("migrate", source, "--to", data(program), "--no-such-flag")), ((2,), ("no-such-verb",)), ((2,), ()),
                        ((2, 3), ("export", "-s", nowhere + "/meta.sqlite", "-o", data(program, "x"))), ((2, 3), ("package", nowhere, "-o", data(program, "y"))),
                        ((2, 3, 4), ("count", nowhere, "c")), ((2, 3, 4), ("verify", source, "--against", nowhere))):
        r = refused(program, codes, *args)
        expect(r.err.strip(), f"{r.line}: nothing on stderr")


def test_d06_guides_meta_json_works(program):
    """The guide's prepared folder, with the metadata in a local meta.json, is accepted as it is."""
    folder = os.path.join(program.work, "fixture")
    os.makedirs(folder)
    e = FIXTURES["f27_meta_json_of_the_old_tool"](folder)
    move(program, e.source)
    holds(program, "faces", e.rows["faces", "_default"])


def test_d07_metadata_errors_are_told(program):
    source = two_collections(program)
    refused(program, (2, 3), "migrate", source, "--to", data(program), "--collections", "nope", words=("nope",))
    refused(program, (2, 3), "inspect", source, "--meta", os.path.join(program.work, "no.sqlite"), words=("no.sqlite",))
    with socket.socket() as s:                                             # a port where nobody answers
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        refused(program, (2, 3, 5), "inspect", source, "--meta", f"mysql://u:pw@127.0.0.1:{port}/milvus", words=("127.0.0.1",))
    move(program, source, "--collections", "a, b")
    holds(program, "a", rows([1, 2]))
    holds(program, "b", rows([7]))


def test_d13_no_crash_on_short_files(program):
    """Every prefix length of every file of a small source: an orderly end each time."""
    with make(program) as inst:
        c = inst.collection("c", 2)
        s = c.segment([1, 2], vecs([1, 2]), deleted=[1])
    for name in (".rv", ".uid", "deleted_docs"):
        whole = s.read(name)
        for cut in range(len(whole)):
            s.write(name, whole[:cut])
            refused(program, (3, 6), "migrate", inst.root, "--to", data(program, f"cut-{name}-{cut}"), words=(name,))
        s.write(name, whole)
    move(program, inst.root)
    holds(program, "c", rows([1]))


def test_d13_dimension_zero(program):
    with make(program) as inst:
        c = inst.collection("c", 2)
        c.segment([1], vecs([1]))
    path = os.path.join(inst.root, "db", "meta.sqlite")
    for dimension in (0, -2, 2**40):
        c.row["dimension"] = dimension
        m.write_sqlite(path, inst.rows(), "1.1.1")
        refused(program, (3,), "migrate", inst.root, "--to", data(program), words=("dimension",))


def test_d14_nan_does_not_end_everything(program):
    values = m.floats(1, 1) + m.floats(float("nan"), 2) + m.floats(3, 3)
    with make(program) as inst:
        inst.collection("dead", 2).segment([1, 2, 3], values, deleted=[1])
        inst.collection("live", 2).segment([1, 2, 3], values)
    r = move(program, inst.root)
    text = (r.out + r.err + program.ok("inspect", inst.root).out).lower()
    expect("nan" in text and "live" in text, f"the NaN in `live` is not told: {text[-800:]}")
    holds(program, "dead", rows_of(values, (1, 3)))
    holds(program, "live", rows_of(values, (1, 2, 3)))


def rows_of(values, ids):
    return [(i, values[8 * i - 8:8 * i]) for i in ids]


def test_d15_write_error_does_not_hang(program):
    source = two_collections(program)
    plain = os.path.join(program.work, "file")
    with open(plain, "w", encoding="utf-8") as f:
        f.write("kept")
    refused(program, (1, 2, 4), "migrate", source, "--to", plain)
    refused(program, (1, 2, 4), "migrate", source, "--to", os.path.join(plain, "below"))
    refused(program, (1, 2, 4), "package", source, "-o", plain)
    expect(read(plain) == b"kept", "the file was overwritten")


def test_d16_nothing_half_made_is_visible(program):
    with make(program) as inst:
        c, sound = inst.collection("c", 2), inst.collection("sound", 2)
        c.segment([1], vecs([1]))
        c.segment(range(10), vecs(range(10)), rv=m.encode_rv(vecs(range(10)))[:48])
        sound.segment([1], vecs([1]))
    refused(program, (3,), "migrate", inst.root, "--to", data(program))
    for name in ("c", "sound"):
        program.absent(data(program), name)
    text = program.run("jobs", data(program)).out
    expect("SUCCESSFUL" not in text, f"a failed job counts as successful: {text}")


def test_d17_cleaning_stays_at_home(program):
    """A failed and a repeated migration leave everything beside the target alone, the source too."""
    source = two_collections(program)
    before = tree(source)
    target = os.path.join(program.work, "milvu")                           # the source's name begins with the target's
    program.ok("migrate", source, "--to", target)
    program.run("migrate", source, "--to", target, "--restart")
    program.run("migrate", source, "--to", target, "--if-exists", "replace")
    expect(not changed(before, tree(source)), "the source was changed")
    for wrong in (source, os.path.join(source, "db"), os.path.join(source, "db", "tables", "a")):
        program.run("migrate", source, "--to", wrong)
        program.run("migrate", source, "--to", wrong, "--restart")
        now = tree(source)
        lost = [k for k in before if now.get(k, (0, 0, 0))[2] != before[k][2]]
        expect(not lost, f"a target inside the source cost {lost[:3]}")


def test_d18_collections_one_by_one(program):
    source = two_collections(program)
    move(program, source, "--collections", "a")
    program.absent(data(program), "b")
    move(program, source, "--collections", "b")
    holds(program, "a", rows([1, 2]))
    holds(program, "a", rows([3]), "p")
    holds(program, "b", rows([7]))


def test_d19_jobs_tell_the_truth(program):
    source = two_collections(program)
    move(program, source)
    text = program.ok("jobs", data(program)).out
    expect("SUCCESSFUL" in text, f"jobs: {text}")
    with make(program, "bad") as inst:
        inst.collection("z", 2).segment([1], vecs([1]), uid=b"")
    refused(program, (3,), "migrate", inst.root, "--to", data(program))
    text = program.ok("jobs", data(program)).out
    expect(text.count("SUCCESSFUL") == 1, f"a failed job counts as successful: {text}")


def test_d22_verify_compares(program):
    source = two_collections(program)
    move(program, source)
    program.ok("verify", source, "--against", data(program))
    for name, change in (("changed", [(1, vec(1)), (2, vec(9))]), ("missing", [(1, vec(1))]), ("extra", rows([1, 2, 4]))):
        with make(program, name) as inst:
            inst.collection("b", 2, "IP").segment([7], vecs([7]))
            a = inst.collection("a", 2)
            a.segment([i for i, _ in change], b"".join(v for _, v in change))
            a.partition("p").segment([3], vecs([3]))
        r = program.ok("verify", inst.root, "--against", data(program), codes=(7,))
        expect("a" in r.out and re.search(r"\b[24]\b", r.out + r.err), f"verify does not name the id: {r.out} {r.err}")
    with make(program, "moved") as inst:
        inst.collection("b", 2, "IP").segment([7], vecs([7]))
        a = inst.collection("a", 2)
        a.segment([1, 2, 3], vecs([1, 2, 3]))                              # same rows, other partition
        a.partition("p")
    program.ok("verify", inst.root, "--against", data(program), codes=(7,))
    program.ok("verify", inst.root, "--against", data(program, "empty"), codes=(2, 3, 4, 7))


def test_d22_verify_sees_a_flipped_bit(program):
    with make(program) as inst:
        values = m.random_vectors(inst.random, 50, 1, 32)
        inst.collection("c", 32).segment(range(50), values)
    move(program, inst.root)
    expect(flip_bit(data(program), bytes(values), 128), "no vector lies in clear in the target")
    refused(program, (3, 7), "verify", inst.root, "--against", data(program))


# ------------------------------------------------------------------------------------------- C: resources and speed

def test_d28_many_small_segments(program):
    """300 segments wait for nobody (there: ten seconds per pair, 25 minutes in all)."""
    with make(program) as inst:
        c = inst.collection("c", 4)
        for k in range(300):
            c.segment([k], vec(k, 4))
    program.ok("migrate", inst.root, "--to", data(program), timeout=240)
    program.same_rows(data(program), "c", "_default", row_set(rows(range(300), 4)))


# ------------------------------------------------------------------------------------- D: security, packaging, rest

def test_d29_password_is_not_shown(program):
    source = two_collections(program)
    secret = "hunter2-Zq"
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        for meta in (f"mysql://u:{secret}@127.0.0.1:{port}/milvus", f"u:{secret}@tcp(127.0.0.1:{port})/milvus"):
            for verb in (("inspect", source, "--meta", meta), ("migrate", source, "--meta", meta, "--to", data(program))):
                r = program.run(*verb)
                expect(r.code != 0 and secret not in r.out + r.err, f"{verb[0]} shows the password: {(r.out + r.err)[-500:]}")
    for base, _, names in os.walk(program.work):
        for name in names:
            expect(secret.encode() not in read(os.path.join(base, name)), f"the password stands in {name}")


def test_d31_wrong_path_makes_no_file(program):
    missing = os.path.join(program.work, "sub", "meta.sqlite")
    os.mkdir(os.path.dirname(missing))
    refused(program, (2, 3), "export", "-s", missing, "-o", data(program, "out"), words=("meta.sqlite",))
    expect(os.listdir(os.path.dirname(missing)) == [], "a file was made at a wrong path")


def test_d31_source_opened_read_only(program):
    with make(program, leave_wal=True) as inst:
        inst.collection("c", 2).segment([1], vecs([1]))
    before = tree(inst.root)
    program.ok("export", "-s", os.path.join(inst.root, "db", "meta.sqlite"), "-o", data(program, "out"))
    program.ok("inspect", inst.root)
    move(program, inst.root)
    expect(not changed(before, tree(inst.root)), f"changed: {changed(before, tree(inst.root))}")


def test_export_has_the_old_fields(program):
    """export writes what the old tool's readers look for."""
    source = two_collections(program)
    program.ok("export", "-s", os.path.join(source, "db", "meta.sqlite"), "-o", data(program, "out"))
    meta = json.loads(read(os.path.join(data(program, "out"), "meta.json")))
    a = next(c for c in meta["collections"] if c["collection"] == "a")
    expect((a["metric"], a["dim"]) == (1, 2) and meta["rows"] == sum(c["rows"] for c in meta["collections"]), f"{meta}")
    s = a["segments"][0]
    expect(s["collection"] == "a" and s["dim"] == 2 and s["rows"] == 2 and s["fileSize"] == 32 and s["segment"].isdigit(), f"{s}")


def test_d32_npy_header_is_aligned(program):
    source = two_collections(program)
    move(program, source)
    for name, tag in (("a", "_default"), ("a", "p"), ("b", "_default")):
        expect(program.unload(data(program), name, tag)[0] == 0, "unload failed")              # read_npy checks the header


def test_d33_other_worlds_are_recognised(program):
    for name in ("f21_secondary_path", "f22_version_0_11", "hybrid_collection", "wal_rows_and_deletes"):
        folder = os.path.join(program.work, name)
        os.makedirs(folder)
        e = FIXTURES[name](folder)
        r = refused(program, e.code, "migrate", e.source, "--to", data(program, name + "-data"), *e.options)
        for word in e.words:
            expect(any(w.lower() in (r.out + r.err).lower() for w in ((word,) if isinstance(word, str) else word)), f"{name}: {word!r} is not said")
        for (collection, tag), want in e.rows.items():
            program.same_rows(data(program, name + "-data"), collection, tag, row_set(want))


def test_d34_names_do_not_collide(program):
    """Collection a with segment 12, collection a1 with segment 2."""
    with make(program) as inst:
        inst.collection("a", 2).segment([1], vecs([1]), segment_id="12")
        inst.collection("a1", 2).segment([2], vecs([2]), segment_id="2")
        inst.collection("a12", 2).segment([3], vecs([3]), segment_id="12")
    move(program, inst.root)
    for name, n in (("a", 1), ("a1", 2), ("a12", 3)):
        holds(program, name, rows([n]))


def test_d36_stdout_is_the_answer(program):
    source = two_collections(program)
    cwd = os.path.join(program.work, "cwd")
    os.mkdir(cwd)
    nobody = os.geteuid() == 0 and reachable(program.binary)
    as_nobody = {"user": 65534, "group": 65534, "extra_groups": []} if nobody else {}      # root could write in spite of the mode
    os.chmod(cwd, 0o555)
    os.chmod(program.work, 0o755)
    done = subprocess.run([program.binary, "inspect", source, "--json"], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **as_nobody)
    expect(done.returncode == 0, f"inspect in a read-only folder: {done.stderr.decode()[-500:]}")
    try:
        json.loads(done.stdout)
    except ValueError as e:
        raise Failure(f"stdout is not JSON alone: {done.stdout[:300]}") from e
    program.json("migrate", source, "--to", data(program), cwd=cwd)
    expect(os.listdir(cwd) == [], f"files were left in the current folder: {os.listdir(cwd)}")


def reachable(path):
    """Whether other users can run it."""
    while path != "/":
        if not os.stat(path).st_mode & 0o001:
            return False
        path = os.path.dirname(path)
    return True


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
