"""Runs the godwit binary for the program tests, and reads what it writes.

A test raises Failure with a sentence; `Suite` counts and prints, last line 'N passed, N failed[, N skipped]'.
"""
import ast
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import traceback
from collections import Counter, namedtuple

Result = namedtuple("Result", "code out err line")


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def expect(condition, sentence):
    if not condition:
        raise Failure(sentence)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def read_npy(path):
    """(dtype, shape, payload) of a C-ordered .npy file whose header is aligned and whose size fits its shape."""
    data = read(path)
    expect(data[:6] == b"\x93NUMPY" and data[6] in (1, 2), f"{path}: not an npy file")
    start = 10 if data[6] == 1 else 12
    length = struct.unpack_from("<H" if data[6] == 1 else "<I", data, 8)[0]
    head = ast.literal_eval(data[start:start + length].decode("latin1"))
    payload = data[start + length:]
    expect((start + length) % 64 == 0, f"{path}: the header is {start + length} bytes, not a multiple of 64")
    expect(not head["fortran_order"], f"{path}: Fortran order")
    items = 1
    for n in head["shape"]:
        items *= n
    size = items * int(head["descr"][2:])
    expect(len(payload) == size, f"{path}: {len(payload)} bytes of data, {size} expected for {head['descr']} {head['shape']}")
    return head["descr"], head["shape"], payload


def tree(folder):
    """Name, mode, time of last change and content of everything below a folder, itself included."""
    out = {}
    for base, folders, names in os.walk(folder):
        for path in [base] + [os.path.join(base, n) for n in folders + names]:
            st = os.lstat(path)
            plain = os.path.isfile(path) and not os.path.islink(path)
            out[os.path.relpath(path, folder)] = st.st_mode, st.st_mtime_ns, hashlib.sha256(read(path)).digest() if plain else None
    return out


def changed(before, after):
    """Names that differ between two tree()s."""
    return sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))


def pairs(ids, vectors, width):
    """Multiset of (id bytes, vector bytes)."""
    n = len(ids) // 8
    return Counter((ids[8 * k:8 * k + 8], vectors[width * k:width * k + width]) for k in range(n))


def row_set(rows):
    """The same from [(id, vector bytes), ...]."""
    return Counter((struct.pack("<q", i), bytes(v)) for i, v in rows)


def some_ids(rows, limit=5):
    return sorted(struct.unpack("<q", k[0])[0] for k in rows)[:limit]


class Program:
    """The binary, a scratch folder, and a log of what was run (shown when a test fails)."""

    def __init__(self, binary, work):
        self.binary, self.work, self.log = os.path.abspath(binary), work, []

    def run(self, *args, timeout=300, env=None, cwd=None, stdin=None):
        line = " ".join(["godwit", *args])
        try:
            done = subprocess.run([self.binary, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, input=stdin,
                                  cwd=cwd, env=dict(os.environ, **env) if env else None)
        except subprocess.TimeoutExpired as e:
            raise Failure(f"{line}: no end after {timeout} seconds") from e
        r = Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"), line)
        self.log.append(f"{line}  -> {r.code}\n{(r.out + r.err)[-1500:]}")
        expect(r.code >= 0, f"{line}: died of signal {-r.code}\n{r.err[-1500:]}")
        return r

    def ok(self, *args, codes=(0,), **more):
        r = self.run(*args, **more)
        expect(r.code in codes, f"{r.line}: exit code {r.code}, expected {' or '.join(map(str, codes))}\n{(r.out + r.err)[-1500:]}")
        return r

    def json(self, *args, codes=(0,), **more):
        r = self.ok(*args, "--json", codes=codes, **more)
        try:
            return json.loads(r.out)
        except ValueError as e:
            raise Failure(f"{r.line}: stdout is not JSON ({e}): {r.out[:300]}") from e

    def unload(self, data, collection, tag):
        """(exit code, multiset of rows, width of a row, dtype). Checks types, shapes and the order by id."""
        out = os.path.join(self.work, "unloaded")
        shutil.rmtree(out, ignore_errors=True)
        r = self.run("unload", data, collection, "--partition", tag, "-o", out)
        if r.code:
            return r.code, None, 0, None
        where = f"unload of {collection} / {tag!r}"
        (id_type, id_shape, ids), (vec_type, vec_shape, vectors) = (read_npy(os.path.join(out, n)) for n in ("id.npy", "data.npy"))
        expect(id_type == "<i8" and len(id_shape) == 1, f"{where}: id.npy is {id_type} {id_shape}")
        expect(vec_type in ("<f4", "|u1") and len(vec_shape) == 2 and vec_shape[0] == id_shape[0], f"{where}: data.npy is {vec_type} {vec_shape} beside {id_shape} ids")
        order = struct.unpack(f"<{id_shape[0]}q", ids)
        expect(all(a <= b for a, b in zip(order, order[1:])), f"{where}: rows are not sorted by id")
        width = vec_shape[1] * (4 if vec_type == "<f4" else 1)
        return 0, pairs(ids, vectors, width), width, vec_type

    def same_rows(self, data, collection, tag, want, width=None, binary=None):
        """The rows of a partition are exactly these (a Counter of row_set() or pairs())."""
        where = f"{collection} / {tag!r}"
        code, got, found, kind = self.unload(data, collection, tag)
        expect(code == 0, f"unload of {where}: exit code {code}\n{self.log[-1]}")
        expect(width is None or found == width, f"{where}: rows of {found} bytes, expected {width}")
        expect(binary is None or kind == ("|u1" if binary else "<f4"), f"{where}: data.npy holds {kind}")
        lost, extra = want - got, got - want
        expect(not lost and not extra, f"{where}: {sum(want.values())} rows expected, {sum(got.values())} found, {sum(lost.values())} lost "
               f"(ids {some_ids(lost)}), {sum(extra.values())} that should not be there (ids {some_ids(extra)})")

    def absent(self, data, collection, tag="_default"):
        code = self.unload(data, collection, tag)[0]
        expect(code != 0, f"unload of {collection} / {tag!r}, which must not exist, did not fail")


def flip_bit(folder, vectors, width):
    """Flips one bit of one of these vectors in every file of the folder that has it in clear. False when none has."""
    for k in range(min(64, len(vectors) // width) if width else 0):
        row, hit = vectors[k * width:k * width + width], False
        for base, _, names in os.walk(folder) if any(row) else ():
            for name in names:
                path = os.path.join(base, name)
                old = read(path)
                at = old.find(row)
                if at >= 0:
                    hit = True
                    with open(path, "r+b") as f:
                        f.seek(at)
                        f.write(bytes([row[0] ^ 1]))
        if hit:
            return True
    return False


class Suite:
    """Runs named cases, one line each."""

    def __init__(self, binary, keep=False):
        self.binary, self.keep = binary, keep
        self.passed, self.failed, self.skipped = 0, 0, 0

    def case(self, name, function):
        """`function(Program)` in a scratch folder of its own."""
        work = tempfile.mkdtemp(prefix="godwit-test-")
        program = Program(self.binary, work)
        try:
            function(program)
            self.passed += 1
            print(f"ok    {name}", flush=True)
        except Skip as e:
            self.skipped += 1
            print(f"skip  {name}: {e}", flush=True)
        except Failure as e:
            self.failed += 1
            print(f"FAIL  {name}: {e}", flush=True)
        except Exception:                                                 # a fault of the test or of its surroundings: count it, go on
            self.failed += 1
            print(f"FAIL  {name}: {traceback.format_exc()}" + (program.log[-1] if program.log else ""), flush=True)
        finally:
            if self.keep:
                print(f"      kept: {work}", flush=True)
            else:
                make_removable(work)
                shutil.rmtree(work, ignore_errors=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed or not self.passed else 0


def make_removable(folder):
    for base, folders, _ in os.walk(folder):
        for name in folders:
            path = os.path.join(base, name)
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode | 0o700)


def binary_argument(parser):
    parser.add_argument("binary", help="the godwit program to test")
    parser.add_argument("-k", dest="only", action="append", default=[], help="only cases whose name contains this (repeatable)")
    parser.add_argument("--keep", action="store_true", help="keep the scratch folders")


def wanted(name, only):
    return not only or any(o in name for o in only)


sys.dont_write_bytecode = True
