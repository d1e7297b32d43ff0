#!/usr/bin/env python3
"""Tests a server's URL in place of the folder: every command that takes one prints, byte for byte, what it prints for the folder.

    remote_test.py GODWIT [-k PART_OF_A_NAME]

Last line 'N passed, N failed, N skipped'. Needs Python 3.9+; openssl for the test of TLS.
"""
import argparse
import http.server
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
from program import Skip, Suite, binary_argument, expect, read, wanted                    # noqa: E402

PATIENCE_S = 60
LARGEST = (1 << 63) - 1


def npy(path, descr, shape, data):
    head = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    head += b" " * (63 - (10 + len(head)) % 64) + b"\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data)
    return path


def floats(program, name, rows, dim, seed=1):
    chance = random.Random(seed)
    values = (chance.gauss(0, 1) * 10 ** chance.randrange(-6, 6) for _ in range(rows * dim))
    return npy(os.path.join(program.work, name), "<f4", (rows, dim), struct.pack(f"<{rows * dim}f", *values))


def bits(program, name, rows, width, seed=2):
    return npy(os.path.join(program.work, name), "|u1", (rows, width), random.Random(seed).randbytes(rows * width))


def numbers(program, name, items):
    return npy(os.path.join(program.work, name), "<i8", (len(items),), struct.pack(f"<{len(items)}q", *items))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """`godwit serve` on a folder, until the block ends."""

    def __init__(self, program, folder, *args, scheme="http", env=None):
        self.program, self.folder, self.port = program, folder, free_port()
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.args = ["--listen", f"127.0.0.1:{self.port}", *args]
        self.env = dict(os.environ, **(env or {}))

    def __enter__(self):
        self.log = open(os.path.join(self.program.work, "serve.log"), "wb")
        self.process = subprocess.Popen([self.program.binary, "serve", self.folder, *self.args], stdout=self.log, stderr=self.log, env=self.env)
        until = time.monotonic() + PATIENCE_S
        while True:
            expect(self.process.poll() is None and time.monotonic() < until, f"serve does not start: {read(self.log.name)[-500:]}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(.02)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_S)
        self.log.close()

    def post(self, route, **body):
        request = urllib.request.Request(f"{self.url}/v2/vectordb/{route}", json.dumps(body).encode())
        with urllib.request.urlopen(request) as reply:
            answer = json.load(reply)
        expect(answer["code"] == 0, f"{route}: {answer}")
        return answer


def same(program, server, verb, *args, codes=(0,)):
    """The command gives the same output and status for the folder and for its server."""
    folder = program.ok(verb, server.folder, *args, codes=codes)
    url = program.run(verb, server.url, *args)
    expect((folder.code, folder.out) == (url.code, url.out),
           f"{verb} {' '.join(args)[:100]}: {folder.code} and {url.code}\n{folder.out[:500]}\n{url.out[:500]}\n{url.err}")
    return folder


def same_unload(program, server, *args):
    out = [os.path.join(program.work, "out")] * 2
    results = []
    for where, folder in zip((server.folder, server.url), out):
        shutil.rmtree(folder, ignore_errors=True)
        results.append((program.ok("unload", where, *args, "-o", folder, "--json").out, read(f"{folder}/id.npy"), read(f"{folder}/data.npy")))
    expect(results[0] == results[1], f"unload {args} differs: {results[0][0]} {results[1][0]}")


def database(program):
    """Floats in three partitions, with ids in several of them; bits."""
    folder = os.path.join(program.work, "data")
    chance = random.Random(3)
    ids = [-(1 << 63), LARGEST - 5000, -1, 0, *(chance.randrange(-(1 << 62), 1 << 62) for _ in range(296))]
    data, file = floats(program, "f.npy", 300, 8), numbers(program, "i.npy", ids)
    for partition in ((), ("-p", "a b"), ("-p", os.fsdecode(b"x\xff\"\\"))):
        program.ok("import", folder, "words", "--vectors", data, "--ids", file, "--no-index", *partition)
    program.ok("import", folder, "bits", "--vectors", bits(program, "b.npy", 500, 4), "--metric", "JACCARD", "--no-index")
    return folder, [str(i) for i in ids]


# ----------------------------------------------------------------------------------------------------- the same answers

def test_what_there_is(program):
    folder, _ = database(program)
    with Server(program, folder) as server:
        for json_option in ((), ("--json",)):
            same(program, server, "collections", *json_option)
            for name in ("words", "bits"):
                same(program, server, "describe", name, *json_option)
                same(program, server, "count", name, *json_option)
            for partition in ("_default", "a b", os.fsdecode(b"x\xff\"\\")):
                same(program, server, "count", "words", "-p", partition, *json_option)
        same(program, server, "count", "nope", codes=(1,))
        same(program, server, "count", "words", "-p", "nope", codes=(1,))
        expect("bits, words" in program.ok("count", server.url, "nope", codes=(1,)).err, "the names that are there are not said")


def test_rows(program):
    folder, ids = database(program)
    with Server(program, folder) as server:
        for options in ((), ("--json",), ("--no-vectors", "--json"), ("-p", "a b"), ("-p", os.fsdecode(b"x\xff\"\\"), "--json")):
            same(program, server, "get", "words", *options, "--", *ids[:40], ids[0])
            same(program, server, "query", "words", f"--ids={','.join(ids[:9])},17", *options)
        same(program, server, "get", "words", "--json", "--", "5", ids[1], codes=(1,))
        same(program, server, "query", "bits", "--ids-file", numbers(program, "q.npy", range(-5, 700)), "--json")
        for args in (("--filter", "id >= 0"), ("--filter", "id % 3 == 0", "--limit", "7", "--offset", "2", "--json"), ("--filter", "id < 0", "-p", "a b", "--json"),
                     ("--filter", "id < -9223372036854775807 or id in [0, 17]", "-p", os.fsdecode(b"x\xff\"\\")), ("--filter", "id == 17", "--json")):
            same(program, server, "query", "words", *args)
        expect(len(program.json("query", folder, "words", "--filter", "id == 0")["rows"]) == 1, "an id in three partitions is not shown once")
        for args, code in (("id >", 2), ("nope == 1", 2), ("id > 0 and", 2), ("1 == 2", 2)):
            same(program, server, "query", "words", "--filter", args, codes=(code,))
        same(program, server, "query", "words", "--filter", "id > 0", "-p", "nope", codes=(1,))
        for args in ((), ("--ids", "1", "--filter", "id > 0"), ("--ids", "1", "--limit", "3")):
            same(program, server, "query", "words", *args, codes=(2,))
        for args in (("words",), ("words", "-p", "a b"), ("words", "-p", os.fsdecode(b"x\xff\"\\")), ("bits",)):
            same_unload(program, server, *args)


def test_searches(program):
    folder, ids = database(program)
    out, scores = (os.path.join(program.work, n) for n in ("o.npy", "s.npy"))
    one = ("--vector", "[1,-2,3e-3,4,5,6,7,8]")
    with Server(program, folder) as server:
        for args in (one, (*one, "--json", "-k", "500"), ("--queries", floats(program, "q.npy", 200, 8, 7), "--json", "-k", "3"), (f"--like={ids[7]}",),
                     (*one, "-p", "a b", "--json"), (*one, "-p", "a b", "-p", os.fsdecode(b"x\xff\"\\"), "--json"), (*one, "--level", "1"),
                     (*one, "--recall", ".99"), (*one, "--radius", "1e9", "--json"), (*one, "--range-filter", "1e5", "--json"),
                     (*one, "--radius", "1e9", "--range-filter", "1e5"), (*one, "--only-ids", numbers(program, "w.npy", [int(i) for i in ids[:5]] + [3]))):
            same(program, server, "search", "words", *args)
        same(program, server, "search", "bits", "--like", "17", "--json", "-k", "30")
        same(program, server, "search", "bits", "--vector", "00ff00ff")
        same(program, server, "search", "words", "--vector", "[1]", codes=(2,))
        same(program, server, "search", "words", *one, "-p", "nope", codes=(1,))
        files = []
        for where in (folder, server.url):
            program.ok("search", where, "words", "--queries", os.path.join(program.work, "q.npy"), "-k", "400", "--out", out, "--out-scores", scores)
            files.append((read(out), read(scores)))
        expect(files[0] == files[1], "--out or --out-scores differ")


def test_collections_of_clients(program):
    folder, _ = database(program)
    with Server(program, folder) as server:
        server.post("databases/create", dbName="other")
        server.post("collections/create", dbName="other", collectionName="things", dimension=4)
        server.post("entities/insert", dbName="other", collectionName="things", data=[{"id": i, "vector": [i, 2, 3, 4], "c": 1} for i in (1, 2)])
        fields = [{"fieldName": "k", "dataType": "Int64", "isPrimary": True}, {"fieldName": "s", "dataType": "VarChar", "elementTypeParams": {"max_length": 9}},
                  {"fieldName": "v", "dataType": "Float16Vector", "elementTypeParams": {"dim": 4}}]
        server.post("collections/create", collectionName="halves", schema={"fields": fields},
                    indexParams=[{"fieldName": "v", "indexName": "v", "metricType": "COSINE", "indexType": "HNSW"}])
        server.post("entities/insert", collectionName="halves", data=[{"k": i, "v": [.1, 2, i, 4], "s": "x"} for i in (1, 2)])
        server.post("collections/create", collectionName="texts", dimension=4, idType="VarChar", params={"max_length": "20"})
        for name in ("other/things", "halves"):
            same(program, server, "describe", name, "--json")
            same(program, server, "get", name, "1", "2", "--json")
            same(program, server, "query", name, "--json", "--filter", "c == 1" if name != "halves" else 's == "x"')
            same(program, server, "search", name, "--vector", "[1,2,3,4]", "--json")
            same_unload(program, server, name)
        same(program, server, "count", "texts")
        r = program.ok("get", server.url, "texts", "1", codes=(3,))
        expect("texts for ids" in r.err and not r.out, r.err)
        server.post("collections/release", collectionName="halves")
        expect("released" in program.ok("get", server.url, "halves", "1", codes=(8,)).err, "a released collection is not named as such")


# ------------------------------------------------------------------------------------------------------------- changes

def test_import_and_drop(program):
    folder, _ = database(program)
    rows = 20000                                                                          # more than one portion
    data, few = floats(program, "many.npy", rows, 8, 5), floats(program, "few.npy", 10, 8, 6)
    with Server(program, folder) as server:
        r = program.json("import", server.url, "new", "--vectors", data)
        expect(r == {"collection": "new", "partition": None, "rows": rows, "is_new": True, "first_id": 0}, str(r))
        out = os.path.join(program.work, "back")
        program.ok("unload", server.url, "new", "-o", out)
        expect(read(f"{out}/data.npy")[-rows * 32:] == read(data)[-rows * 32:], "floats do not come back bit for bit")
        expect(struct.unpack(f"<{rows}q", read(f"{out}/id.npy")[-rows * 8:]) == tuple(range(rows)), "ids are not counted from 0")
        r = program.json("import", server.url, "new", "--vectors", few, "-p", "ab")
        expect(r["first_id"] == rows and not r["is_new"], str(r))
        r = program.json("import", server.url, "words", "--vectors", few)
        expect(r["first_id"] == LARGEST - 4999, str(r))
        program.ok("import", server.url, "new", "--vectors", few, "-p", "not a name", codes=(4,))
        program.ok("import", server.url, "new", "--vectors", few, "--metric", "IP", codes=(2,))
        program.ok("import", server.url, "new", "--vectors", bits(program, "c.npy", 9, 2), codes=(2,))
        bad = npy(os.path.join(program.work, "nan.npy"), "<f4", (1, 8), struct.pack("<8f", 1, 2, 3, 4, 5, 6, 7, float("nan")))
        expect("row 0" in program.ok("import", server.url, "new", "--vectors", bad, codes=(2,)).err, "the row is not named")
        same_unload(program, server, "new")
        r = program.json("import", server.url, "newbits", "--vectors", bits(program, "d.npy", 100, 4), "--metric", "HAMMING")
        expect(r["is_new"], str(r))
        same_unload(program, server, "newbits")
        expect(program.json("drop", server.url, "new", "-p", "ab") == {"dropped": "new", "partition": "ab"}, "drop --json")
        same(program, server, "count", "new", "-p", "ab", codes=(1,))
        program.ok("import", server.url, "new", "--vectors", few, "-p", "later")
        expect(len(program.json("get", server.url, "new", str(rows), "-p", "later")["rows"]) == 1, "a partition made after a drop is not loaded")
        program.ok("drop", server.url, "new", "-p", "_default")
        expect(same(program, server, "count", "new").out == "10\n", "_default is not empty")
        program.ok("drop", server.url, "new")
        same(program, server, "count", "new", codes=(1,))
        program.ok("drop", server.url, "new", codes=(1,))


# ------------------------------------------------------------------------------------------------------ ways to a server

def test_unix_socket(program):
    folder, _ = database(program)
    path = os.path.join(program.work, "s")
    with Server(program, folder, "--listen", f"unix:{path}") as server:
        expect(program.ok("collections", f"unix:{path}").out == program.ok("collections", server.folder).out, "the answers differ")


def test_credentials(program):
    folder, _ = database(program)
    secret, keys, token = "correct-horse-7", os.path.join(program.work, "keys"), os.path.join(program.work, "token")
    for path, text in ((keys, "key-of-a-program-1\n"), (token, f"root:{secret}\n")):
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
    with Server(program, folder, "--auth", "--api-keys", keys, env={"GODWIT_ROOT_PASSWORD": secret}) as server:
        want = program.ok("collections", folder).out
        for r in (program.ok("collections", server.url, env={"GODWIT_TOKEN": f"root:{secret}"}),
                  program.ok("collections", server.url, env={"GODWIT_TOKEN": "key-of-a-program-1"}),
                  program.ok("collections", server.url, "--token-file", token)):
            expect(r.out == want, "the answers differ")
        for env in ({"GODWIT_TOKEN": ""}, {"GODWIT_TOKEN": "root:wrong"}):
            r = program.ok("collections", server.url, env=env, codes=(2,))
            expect("GODWIT_TOKEN" in r.err and "wrong" not in r.err and not r.out, r.err)
        program.ok("collections", server.url, "--token-file", token + "-absent", codes=(2,))
        r = program.ok("collections", server.url.replace("//", f"//root:{secret}@"), codes=(2,))
        expect("--token-file" in r.err and secret not in r.err, r.err)


def test_tls(program):
    if not shutil.which("openssl"):
        raise Skip("needs openssl")
    folder, _ = database(program)
    cert, key = (os.path.join(program.work, n) for n in ("cert.pem", "key.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
    with Server(program, folder, "--tls-cert", cert, "--tls-key", key, scheme="https") as server:
        want = program.ok("collections", folder).out
        expect(program.ok("collections", server.url, "--tls-ca", cert).out == want, "the answers differ")
        expect(program.ok("collections", server.url, "--tls-insecure").out == want, "the answers differ")
        expect("--tls-ca" in program.ok("collections", server.url, codes=(2,)).err, "a certificate of nobody is taken")
        program.ok("collections", server.url, "--tls-cert", cert, codes=(2,))


# ------------------------------------------------------------------------------------------------------------- failures

def test_nobody_there(program):
    r = program.ok("collections", f"http://127.0.0.1:{free_port()}", codes=(5,))
    expect("godwit serve" in r.err and not r.out, r.err)
    program.ok("collections", f"unix:{program.work}/none", codes=(5,))
    for url in ("ftp://127.0.0.1", "http://", "http://127.0.0.1/?a=b"):
        program.ok("collections", url, codes=(2,))


def test_for_folders_only(program):
    folder, _ = database(program)
    with Server(program, folder) as server:
        for args in (("index", server.url), ("explain", server.url, "words", "--like", "0"), ("jobs", server.url)):
            expect("folder" in program.ok(*args, codes=(3,)).err, str(args))
        for args in (("search", server.url, "words", "--like", "0", "--stats"), ("search", server.url, "words", "--like", "0", "--threads", "2"),
                     ("import", server.url, "words", "--vectors", "x", "--no-index")):
            expect("for folders" in program.ok(*args, codes=(2,)).err, str(args))
        program.ok("collections", server.url + "/elsewhere", codes=(3,))


class Liar(http.server.BaseHTTPRequestHandler):
    answers = {}
    hangs = False

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.hangs:
            time.sleep(PATIENCE_S)
        status, body = self.answers.get(self.path.rsplit("/v2/vectordb/", 1)[-1], (404, "{}"))
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def liar():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"


STORAGE = {"name": "c", "keyField": "id", "keyType": "Int64", "vectorField": "v", "vectorType": "FloatVector", "metric": "L2", "dimension": 2, "rowSize": 8,
           "rows": 1, "partitions": [{"name": "_default", "shown": "_default", "rows": 1, "segments": 1}]}


def test_answers_that_are_none(program):
    server, url = liar()

    def stats(**changes):
        return 200, json.dumps({"code": 0, "data": {"rowCount": 1, "storage": {**STORAGE, **changes}}})

    def told(route, answer, args, code, facts=None):
        Liar.answers = {"collections/get_stats": facts or stats(), route: answer}
        r = program.run(*args)
        expect(r.code == code and not r.out, f"{route} {str(answer)[:200]}: {r.code} instead of {code}: {r.out[:200]} {r.err}")
        expect("\x1b" not in r.err, "a server moves the cursor")
        return r
    get, unload = ("get", url, "c", "1", "--json"), ("unload", url, "c", "-o", os.path.join(program.work, "u"))
    search = ("search", url, "c", "--vector", "[1,2]", "--json")
    for facts, code in (((200, "no JSON"), 3), ((500, "{}"), 5), ((200, "{}"), 3), ((200, '{"code":0,"data":{"rowCount":1}}'), 3), (stats(dimension=3), 3),
                        (stats(dimension=1 << 40, rowSize=1 << 42), 3), (stats(metric="X"), 3), ((200, '{"code":1800,"message":"\\u001b[2Jno"}'), 2),
                        ((401, "{}"), 2), ((200, '{"code":7777,"message":"no"}'), 4), ((200, b"\xff\x00"), 3)):
        told("x", None, get, code, facts)

    def rows(*items):
        return 200, json.dumps({"code": 0, "data": items})
    good = {"id": 1, "v": [1, 2], "$partition": "_default"}
    for change, code in (({"id": "1"}, 3), ({"v": [1]}, 3), ({"v": [1, None]}, 3), ({"v": "AAAA"}, 3), ({"v": None}, 3), ({"$partition": "gone"}, 5)):
        told("entities/get", rows({**good, **change}), get, code)
        told("entities/query", rows({**good, **change}), unload, code)
    told("entities/query", rows(*[good] * 8193), unload, 3)
    for answer in ({"data": [], "topks": [1]}, {"data": [], "topks": []}, {"data": [{"id": 1, "distance": 0}] * 20, "topks": [20]}, {}):
        told("entities/search", (200, json.dumps({"code": 0, **answer})), search, 3)
    server.shutdown()


def test_no_http(program):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()

        def answer():
            connection, _ = s.accept()
            connection.recv(65536)
            connection.sendall(b"220 hello\r\n")
            connection.close()
        threading.Thread(target=answer, daemon=True).start()
        program.ok("collections", f"http://127.0.0.1:{s.getsockname()[1]}", codes=(3, 5))


def test_interrupted(program):
    Liar.hangs = True
    server, url = liar()
    process = subprocess.Popen([program.binary, "collections", url], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    Liar.hangs = False
    server.shutdown()
    expect(process.returncode == 130 and not out, f"{process.returncode}: {err}")


def main():
    parser = argparse.ArgumentParser()
    binary_argument(parser)
    args = parser.parse_args()
    suite = Suite(args.binary, args.keep)
    for name, function in list(globals().items()):
        if name.startswith("test_") and wanted(name, args.only):
            suite.case(name[5:], function)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
