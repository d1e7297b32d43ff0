#!/usr/bin/env python3
"""Tests the command line itself: help, options, exit codes, JSON, man pages, completions, secrets, search answers.

    cli_test.py GODWIT [-k PART_OF_A_NAME]

Last line 'N passed, N failed, N skipped'. Needs Python 3.9+; zsh for the check of its completion.
"""
import argparse
import json
import math
import os
import pty
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import milvus1x as m                                                                      # noqa: E402
from fixtures import rows, vecs                                                           # noqa: E402
from program import (Skip, Suite, binary_argument, changed, expect, pairs, read, read_npy, row_set, tree,       # noqa: E402
                     wanted)

EXIT_CODES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 130)


def commands(program):
    return program.ok("__man", "__list").out.split()


# --------------------------------------------------------------------------------------------------------- the tables

def test_help_of_every_command(program):
    overview = program.ok("--help").out
    expect(program.ok("help").out == overview, "help and --help differ")
    for code in EXIT_CODES:
        expect(re.search(rf"^  {code}\b", overview, re.M), f"--help does not name the exit status {code}")
    for name in commands(program):
        expect(re.search(rf"^  {name} ", overview, re.M), f"--help does not name {name}")
        text = program.ok(name, "--help").out
        expect(program.ok("help", name).out == text and program.ok(name, "-h").out == text, f"{name}: help differs")
        expect(text.startswith(f"usage: godwit {name}"), f"{name}: {text[:80]}")
        long = [k for k in text.splitlines() if len(k) > 100]
        expect(not long, f"{name}: a line of help is too long: {long[:1]}")


def test_options_that_do_not_exist(program):
    for name in commands(program):
        r = program.ok(name, "--no-such-option-here", codes=(2,))
        expect(not r.out and "usage: godwit " + name in r.err, f"{name}: {r.err}")
    for args, near in ((("migrate", "x", "--form", "y"), "--rename"), (("search", "x", "y", "--vectro=1"), "--vector"), (("inspekt", "x"), "inspect"),
                       (("count", "x", "y", "--partitoin", "z"), "--partition")):
        r = program.ok(*args, codes=(2,))
        expect("unknown" in r.err and (near in r.err or "--form" in args), r.err)
    program.ok("search", "x", "y", "--vec", "[1]", codes=(2,))                            # no abbreviations
    program.ok("count", codes=(2,))
    program.ok("count", "a", "b", "c", codes=(2,))


def test_man_pages_and_completions_in_step(program):
    names = {"godwit.1": "godwit", **{f"godwit-{n}.1": n for n in commands(program)}}
    there = {f for f in os.listdir(os.path.join(ROOT, "man")) if f != "meson.build"}
    expect(there == set(names), f"man/ has {sorted(there ^ set(names))} too much or too little; run scripts/update-manuals")
    for file, name in names.items():
        page = program.ok("__man", name).out
        expect(page.encode() == read(os.path.join(ROOT, "man", file)), f"man/{file} is old; run scripts/update-manuals")
        expect(page.count(".TH ") == 1 and ".SH NAME" in page and ".SH SYNOPSIS" in page, f"{file} is no man page")
    listed = set(re.findall(r"'([^']+\.1)'", read(os.path.join(ROOT, "man", "meson.build")).decode()))
    expect(listed == set(names), f"man/meson.build installs {sorted(listed ^ set(names))} too much or too little")
    for file, shell in (("godwit.bash", "bash"), ("_godwit", "zsh")):
        script = program.ok("__completion", shell).out
        expect(script.encode() == read(os.path.join(ROOT, "completions", file)), f"completions/{file} is old; run scripts/update-manuals")


def test_man_pages_are_readable(program):
    if not shutil.which("man") or not shutil.which("groff"):
        raise Skip("needs man-db")
    for file in sorted(f for f in os.listdir(os.path.join(ROOT, "man")) if f.endswith(".1")):
        done = subprocess.run(["man", "--warnings", "-l", os.path.join(ROOT, "man", file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=dict(os.environ, MANPAGER="cat", LC_ALL="C.UTF-8", MANWIDTH="100"), text=True, check=False)
        expect(done.returncode == 0 and not done.stderr.strip(), f"{file}: {done.stderr[:300]}")


def bash_completes(words):
    script = f"""source {os.path.join(ROOT, 'completions', 'godwit.bash')}
compopt() {{ :; }}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _godwit; printf '%s\\n' "${{COMPREPLY[@]}}" """
    return subprocess.run(["bash", "-c", script, "bash", *words], stdout=subprocess.PIPE, text=True, check=True).stdout.split()


def test_bash_completes(program):
    expect(bash_completes(["godwit", "mi"]) == ["migrate"], "mi")
    expect(set(bash_completes(["godwit", ""])) >= set(commands(program)), "commands")
    expect(bash_completes(["godwit", "migrate", "--dup"]) == ["--duplicates"], "--dup")
    expect(bash_completes(["godwit", "migrate", "x", "--duplicates", ""]) == ["keep", "first", "fail"], "choices")
    expect("search" in bash_completes(["godwit", "help", "se"]), "help se")
    for name in commands(program):
        expect("--help" in bash_completes(["godwit", name, "--"]), name)


def test_zsh_completion_is_valid(program):
    if not shutil.which("zsh"):
        raise Skip("needs zsh")
    done = subprocess.run(["zsh", "-n", os.path.join(ROOT, "completions", "_godwit")], stderr=subprocess.PIPE, text=True, check=False)
    expect(done.returncode == 0 and not done.stderr, done.stderr)


# ---------------------------------------------------------------------------------------------------------- JSON

def paths(value, prefix=""):
    """Flat names of everything in a JSON value: a.b, c[].d."""
    if isinstance(value, dict):
        out = set()
        for k, v in value.items():
            out |= paths(v, f"{prefix}.{k}" if prefix else k)
        return out
    if isinstance(value, list) and prefix.split(".")[-1] != "vector":
        return set().union(*(paths(v, prefix + "[]") for v in value)) if value else set()
    return {prefix}


def documented():
    """{heading: ({field}, {field that may be absent})} of docs/cli.md."""
    out, name = {}, None
    for line in read(os.path.join(ROOT, "docs", "cli.md")).decode().splitlines():
        if line.startswith("## "):
            name = line[3:]
            out[name] = (set(), set())
        elif found := re.match(r"\| `([^`]+)` \|", line):
            field = found[1]
            out[name][field.endswith("?")].add(field.rstrip("?"))
    return out


def as_documented(program, heading, *args, codes=(0,), full=()):
    """The document has the documented fields and no other; `full`: lists that are not empty here."""
    must, may = documented()[heading]
    found = paths(program.json(*args, codes=codes))
    expect(not found - must - may, f"{args[0]}: not in docs/cli.md: {sorted(found - must - may)}")
    missing = {k for k in must - found if "[]" not in k or any(k.startswith(f) for f in full)}
    expect(not missing, f"{args[0]}: documented, but not there: {sorted(missing)}")


def source(program, name="milvus"):
    with m.Installation(os.path.join(program.work, name), truth=False) as inst:
        c = inst.collection("faces", 2)
        c.segment([1, 2, 3, 3], vecs([1, 2, 3, 30]), deleted=[0])
        c.partition("old ones").segment([7], vecs([7]))
        inst.collection("bits", 16, "HAMMING").segment([1, 2], b"\x00\xff\x0f\x0f")
    return inst.root


def migrated(program):
    data = os.path.join(program.work, "data")
    program.ok("migrate", source(program), "--to", data)
    return data


def test_json_is_as_documented(program):
    data, root = migrated(program), os.path.join(program.work, "milvus")
    q, out = os.path.join(program.work, "q.npy"), os.path.join(program.work, "o")
    write_npy(q, "<f4", (2, 2), vecs([1, 2]))
    as_documented(program, "inspect", "inspect", root, full=("collections[]", "findings[]"))
    as_documented(program, "jobs", "jobs", data, full=("jobs[]",))
    as_documented(program, "jobs show", "jobs", data, "show", "1", full=("collections[]", "commands[]"))
    as_documented(program, "export", "export", root, "-o", os.path.join(program.work, "e"))
    as_documented(program, "package", "package", root, "-o", os.path.join(program.work, "p"))
    as_documented(program, "collections", "collections", data, full=("collections[]",))
    as_documented(program, "describe", "describe", data, "faces", full=("partitions[]",))
    as_documented(program, "count", "count", data, "faces")
    as_documented(program, "get", "get", data, "faces", "2", full=("rows[]",))
    as_documented(program, "get", "query", data, "faces", "--ids", "2,99", full=("rows[]",))
    as_documented(program, "search", "search", data, "faces", "--like", "2", full=("results[]",))
    as_documented(program, "explain", "explain", data, "faces", "--like", "2", full=("segments[]",))
    as_documented(program, "search --stats", "search", data, "faces", "--queries", q, "--stats")
    as_documented(program, "search --out", "search", data, "faces", "--queries", q, "--out", out + ".npy")
    as_documented(program, "unload", "unload", data, "faces", "-o", out, full=("files[]",))
    as_documented(program, "import", "import", data, "new", "--vectors", os.path.join(out, "data.npy"))
    as_documented(program, "drop", "drop", data, "new")
    as_documented(program, "version", "version")
    for verb, key in (("migrate", "--to"), ("verify", "--against")):
        more = ("--if-exists", "replace") if verb == "migrate" else ()
        expect(isinstance(program.json(verb, root, key, data, *more), dict), f"{verb} --json is no object")


def test_progress_as_json(program):
    r = program.ok("migrate", source(program), "--to", os.path.join(program.work, "data"), "--progress", "json")
    every = [json.loads(k) for k in r.err.splitlines()]
    expect(any(k.get("log") == "note" and "next:" in k["message"] for k in every), f"no advice: {r.err}")
    lines = [k for k in every if "log" not in k]
    expect(lines, f"no progress: {r.err}")
    again = program.run("migrate", os.path.join(program.work, "milvus"), "--to", os.path.join(program.work, "data"), "--progress", "json")
    expect(again.code == 4 and json.loads(again.err.splitlines()[-1])["log"] == "error", again.err)
    must, may = documented()["Progress"]
    found = paths(lines[-1])
    found = {k for k in found if not k.startswith("collections[].") or k == "collections[].name"}
    expect(not found - must - may and not must - found, f"{sorted(found ^ must)}")
    expect(lines[-1]["rows_verified"] == lines[-1]["rows_total"] == 6, f"{lines[-1]}")
    quiet = program.ok("verify", os.path.join(program.work, "milvus"), "--against", os.path.join(program.work, "data"), "--progress", "none")
    expect("{" not in quiet.err, quiet.err)


# ------------------------------------------------------------------------------------------------- exit codes, streams

def test_exit_codes(program):
    data, root = migrated(program), os.path.join(program.work, "milvus")
    nowhere = os.path.join(program.work, "nowhere")
    for code, args in ((1, ("count", data, "nobody")), (1, ("count", data, "faces", "-p", "nobody")), (1, ("search", data, "faces", "--like", "99")),
                       (1, ("get", data, "faces", "2", "99")), (1, ("unload", data, "nobody", "-o", nowhere)), (1, ("drop", data, "nobody")),
                       (1, ("jobs", data, "show", "99")),
                       (2, ("search", data, "faces")), (2, ("search", data, "faces", "--vector", "[1]")), (2, ("search", data, "faces", "--vector", "1,2")),
                       (2, ("migrate", root)), (2, ("get", data, "faces", "x")), (2, ("jobs", data, "eat")), (2, ("migrate", root, "--to", data, "--jobs", "0")),
                       (2, ("migrate", root, "--to", data, "--rename", "faces")), (2, ("inspect", root, "--wal", "x", "--no-wal")),
                       (3, ("inspect", nowhere)), (3, ("count", nowhere, "x")), (3, ("collections", root)), (3, ("jobs", nowhere)),
                       (4, ("migrate", root, "--to", data)), (4, ("migrate", root, "--to", "https://localhost:19530")), (4, ("migrate", root, "--to", "npy:" + nowhere)),
                       (3, ("migrate", "s3://bucket/prefix", "--to", nowhere)), (4, ("verify", root, "--against", nowhere)),
                       (0, ("query", data, "faces", "--ids", "99")), (0, ("migrate", root, "--to", data, "--dry-run", "--if-exists", "append"))):
        r = program.ok(*args, codes=(code,))
        expect(code == 0 or r.err.startswith("godwit: "), f"{r.line}: {r.err}")
    r = program.ok("count", data, "nobody", codes=(1,))
    expect("faces" in r.err and "bits" in r.err, f"the collections that exist are not named: {r.err}")
    r = program.ok("count", data, "faces", "-p", "nobody", codes=(1,))
    expect("old ones" in r.err, f"the partitions that exist are not named: {r.err}")
    expect(not os.path.exists(nowhere), "an unload of nothing made a folder")


def test_dry_run_writes_nothing(program):
    data = os.path.join(program.work, "data")
    r = program.ok("migrate", source(program), "--to", data, "--dry-run")
    expect("faces" in r.out and not os.path.exists(data), f"{r.out}")


def test_nothing_is_written_into_the_source(program):
    root = source(program)
    before = tree(root)
    os.symlink(root, os.path.join(program.work, "link"))
    for into in (root, root + "/db/new", root + "/db/../new", os.path.join(program.work, "link", "new", "er"), root + "/wal"):
        r = program.ok("migrate", root, "--to", into, codes=(4,))
        expect("source" in r.err, r.err)
        program.ok("package", root, "-o", into, codes=(2,))
        program.ok("export", root, "-o", into, codes=(2,))
    program.ok("migrate", root + "/db", "--to", root + "/db/new", "--dry-run", codes=(4,))
    expect(not changed(before, tree(root)), "the source was changed")
    program.ok("migrate", root, "--to", root + "-data")


def test_targets_that_cannot_be(program):
    root, file = source(program), os.path.join(program.work, "file")
    with open(file, "wb") as f:
        f.write(b"no folder")
    for to in (file, file + "/below", "/proc/godwit", "http://127.0.0.1:1"):
        r = program.ok("migrate", root, "--to", to, codes=(4,))
        expect(to.replace("/below", "") in r.err, r.err)


def test_standard_output_that_cannot_be_written(program):
    data = migrated(program)
    for args in (("--help",), ("version",), ("collections", data), ("search", data, "faces", "--like", "2", "--json"), ("inspect", os.path.join(program.work, "milvus"))):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([program.binary, *args], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        expect(done.returncode == 1 and "standard output" in done.stderr, f"{args}: {done.returncode} {done.stderr}")
        done = subprocess.run(["sh", "-c", 'exec "$0" "$@" >&-', program.binary, *args], stderr=subprocess.PIPE, text=True, check=False)
        expect(done.returncode == 1, f"{args} with a closed standard output: {done.returncode}")
    done = subprocess.run(["bash", "-c", '"$0" "$@" | true; echo ${PIPESTATUS[0]}', program.binary, "help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    expect(done.stdout.strip() in ("0", "1") and not done.stderr, f"a reader that goes away: {done.stdout} {done.stderr}")


def test_a_closed_descriptor_is_not_taken_by_a_file(program):
    """Without descriptors 1 and 2, a file of the database must not get their numbers and then be written to."""
    data = migrated(program)
    subprocess.run(["sh", "-c", 'exec "$0" "$@" >&- 2>&- <&-', program.binary, "unload", data, "faces", "-o", os.path.join(program.work, "u")], check=False)
    read_npy(os.path.join(program.work, "u", "id.npy"))
    program.ok("verify", os.path.join(program.work, "milvus"), "--against", data)


def on_terminal(program, *args, env=None):
    """(exit code, everything that a terminal showed)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(program.binary, [program.binary, *args], {**os.environ, "TERM": "xterm", **(env or {})})
    shown = b""
    while True:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode(errors="replace")


def test_colours_only_where_they_are_wanted(program):
    data = migrated(program)
    code, shown = on_terminal(program, "describe", data, "faces")
    expect(code == 0 and "\033[1m" in shown, f"no colours on a terminal: {shown!r}")
    for args, env in ((("describe", data, "faces"), {"NO_COLOR": "1"}), (("describe", data, "faces", "--no-color"), {}), (("describe", data, "faces"), {"TERM": "dumb"})):
        code, shown = on_terminal(program, *args, env=env)
        expect(code == 0 and "\033" not in shown, f"colours with {args[3:]} {env}: {shown!r}")
    expect("\033" not in program.ok("describe", data, "faces").out, "colours in a pipe")


def test_names_cannot_forge_a_line(program):
    with m.Installation(os.path.join(program.work, "milvus"), truth=False) as inst:
        c = inst.collection("c", 2)
        c.partition("a\x1b[2J\nSUCCESSFUL").segment([1], vecs([1]))
    data = os.path.join(program.work, "data")
    outputs = [program.ok("inspect", inst.root), program.ok("migrate", inst.root, "--to", data), program.ok("verify", inst.root, "--against", data),
               program.ok("describe", data, "c"), program.ok("search", data, "c", "--like", "1"), program.run("count", data, "c", "-p", "x")]
    for r in outputs:
        expect("\x1b" not in r.out + r.err and "\nSUCCESSFUL" not in r.out + r.err, f"{r.line}: control characters come through: {(r.out + r.err)!r}")
    expect(program.json("describe", data, "c")["partitions"][1]["name"] == "a\x1b[2J\nSUCCESSFUL", "the tag was changed")


def test_numbers_do_not_depend_on_the_locale(program):
    data = migrated(program)
    for name in ("de_DE.UTF-8", "C", "tr_TR.UTF-8"):
        found = program.json("search", data, "faces", "--vector", "[2, 2.25]", env={"LC_ALL": name})
        expect(found["results"][0]["hits"][0] == {"id": 2, "score": 0, "partition": "_default"}, f"{name}: {found}")


def test_memory_that_ends(program):
    """The n-th allocation fails: exit code 5 and a sentence, never a crash; with a sanitized program, no leak."""
    data, root = migrated(program), os.path.join(program.work, "milvus")
    if program.run("version", env={"GODWIT_FAULT": "nonsense"}).code != 2:
        raise Skip("needs a build with fault points")
    out = os.path.join(program.work, "out")
    for args in (("help", "migrate"), ("inspect", root, "--json"), ("jobs", data, "show", "1"), ("describe", data, "faces"), ("get", data, "faces", "2"),
                 ("search", data, "faces", "--like", "2", "--json"), ("unload", data, "faces", "-o", out), ("verify", root, "--against", data)):
        for n in [*range(0, 12), *range(12, 1500, 83)]:
            r = program.run(*args, env={"GODWIT_FAULT": f"malloc:{n}:enomem"})
            expect(r.code == 0 or (r.code in (1, 3, 5) and "godwit: error:" in r.err), f"{r.line}: allocation {n} fails: exit code {r.code} {r.err[-800:]}")
            expect("Sanitizer" not in r.err, f"{r.line}: allocation {n} fails: {r.err[-800:]}")


# -------------------------------------------------------------------------------------------------------- secrets

class Listener:
    """A port that accepts and then says nothing, so that whoever connects waits."""

    def __enter__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(8)
        self.port = self.socket.getsockname()[1]
        return self

    def __exit__(self, *_):
        self.socket.close()


def proc(pid, name):
    with open(f"/proc/{pid}/{name}", "rb") as f:
        return f.read()


def test_secrets_are_not_in_the_process_list(program):
    secret, root = "s3cret-Pw", source(program)
    with Listener() as server:
        forms = [(("--meta", f"mysql://u:{secret}@127.0.0.1:{server.port}/d"), {}), ((f"--meta=u:{secret}@tcp(127.0.0.1:{server.port})/d",), {}),
                 (("--meta", f"mysql://u@127.0.0.1:{server.port}/d"), {"GODWIT_META_PASSWORD": secret})]
        for more, env in forms:
            process = subprocess.Popen([program.binary, "inspect", root, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, **env))
            try:
                connection, _ = server.socket.accept()                    # so the arguments have been read
                seen = proc(process.pid, "cmdline") + proc(process.pid, "environ")
                expect(secret.encode() not in seen, f"{more[0][:7]} {list(env)}: the password is in /proc")
                connection.close()
            finally:
                out, err = process.communicate(timeout=60)
            expect(process.returncode not in (0, -11) and secret.encode() not in out + err, f"{more}: {process.returncode} {err}")
    r = program.ok("export", "-m", f"u:{secret}@tcp(127.0.0.1:1)/d", f"mysql://u:{secret}@x/y", "-o", os.path.join(program.work, "x"), codes=(2,))
    expect(secret not in r.out + r.err, f"the password is shown: {r.err}")
    r = program.ok("count", f"mysql://u:{secret}@x/y", "c", f"mysql://u:{secret}@x/y", codes=(2,))
    expect(secret not in r.out + r.err, f"the password is shown: {r.err}")


def test_password_file(program):
    root, path = source(program), os.path.join(program.work, "pw")
    with open(path, "w", encoding="ascii") as f:
        f.write("\n")
    program.ok("inspect", root, "--meta", "mysql://u@127.0.0.1:1/d", "--meta-password-file", path, codes=(2,))
    program.ok("inspect", root, "--meta", "mysql://u@127.0.0.1:1/d", "--meta-password-file", path + "x", codes=(2,))


# ---------------------------------------------------------------------------------------------- search, import, unload

def write_npy(path, descr, shape, payload):
    head = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + payload)


def float_score(metric, q, v):
    if metric == "L2":
        return sum((a - b) ** 2 for a, b in zip(q, v))
    ip = sum(a * b for a, b in zip(q, v))
    return ip if metric == "IP" else ip / math.sqrt(sum(a * a for a in q) * sum(b * b for b in v))


def bit_score(metric, q, v):
    """None: no hit."""
    a, b = int.from_bytes(q, "big"), int.from_bytes(v, "big")
    both, either = bin(a & b).count("1"), bin(a | b).count("1")
    if metric == "HAMMING":
        return bin(a ^ b).count("1")
    if metric in ("SUBSTRUCTURE", "SUPERSTRUCTURE"):
        inside = a & b == a if metric == "SUBSTRUCTURE" else a & b == b
        return 0.0 if inside else None
    jaccard = 0.0 if either == 0 else 1 - both / either
    if metric == "JACCARD":
        return jaccard
    return math.inf if jaccard >= 1 else -math.log2(1 - jaccard)


def check_hits(where, hits, scores, k, larger):
    """Hits are the best k of `scores` {id: score}; ids whose scores are nearly equal may change places."""
    order = sorted(scores.items(), key=lambda s: (-s[1] if larger else s[1]))
    want = [s for _, s in order[:k]]
    got = [h["score"] for h in hits]
    expect(len(got) == len(want), f"{where}: {len(got)} hits, expected {len(want)}")
    expect(len({h["id"] for h in hits}) == len(hits), f"{where}: an id twice")
    for h, w in zip(hits, want):
        score = math.inf if h["score"] is None else h["score"]
        near = score == w or math.isclose(score, w, rel_tol=1e-4, abs_tol=1e-4)
        own = scores[h["id"]]
        own_near = score == own or math.isclose(score, own, rel_tol=1e-4, abs_tol=1e-4)
        expect(near and own_near, f"{where}: id {h['id']} has score {score}, its own is {own}, expected at this place {w}")


def search_metric(program, metric, binary):
    rng = random.Random(11)
    n, dim = 700, 40 if binary else 19
    ids = rng.sample(range(-10**12, 10**12), n)
    vectors = [rng.randbytes(dim // 8) if binary else struct.pack(f"<{dim}f", *(rng.gauss(0, 1) for _ in range(dim))) for _ in range(n)]
    if binary:                                                            # some rows that contain others
        vectors[:40] = [bytes(x & y for x, y in zip(vectors[k], vectors[k + 50])) for k in range(40)]
    queries = vectors[:3] + vectors[60:63]
    shape = (dim // 8,) if binary else (dim,)
    files = [os.path.join(program.work, metric + f) for f in ("-v.npy", "-i.npy", "-q.npy", "-o.npy", "-s.npy")]
    write_npy(files[0], "|u1" if binary else "<f4", (n, *shape), b"".join(vectors))
    write_npy(files[1], "<i8", (n,), struct.pack(f"<{n}q", *ids))
    write_npy(files[2], "|u1" if binary else "<f4", (len(queries), *shape), b"".join(queries))
    data = os.path.join(program.work, "data")
    program.ok("import", data, metric, "--vectors", files[0], "--ids", files[1], "--metric", metric)
    found = program.json("search", data, metric, "--queries", files[2], "-k", "9")["results"]
    floats = [struct.unpack(f"<{dim}f", v) for v in vectors] if not binary else None
    for q, result in enumerate(found):
        if binary:
            scores = {i: bit_score(metric, queries[q], v) for i, v in zip(ids, vectors)}
            scores = {i: s for i, s in scores.items() if s is not None}
        else:
            scores = {i: float_score(metric, struct.unpack(f"<{dim}f", queries[q]), v) for i, v in zip(ids, floats)}
        check_hits(f"{metric} query {q}", result["hits"], scores, 9, metric in ("IP", "COSINE"))
    program.ok("search", data, metric, "--queries", files[2], "-k", "9", "--out", files[3], "--out-scores", files[4], "--threads", "3")
    (kind, shape, payload), (score_kind, score_shape, _) = read_npy(files[3]), read_npy(files[4])
    expect((kind, shape, score_kind, score_shape) == ("<i8", (6, 9), "<f4", (6, 9)), f"{kind} {shape} {score_kind} {score_shape}")
    out = struct.unpack("<54q", payload)
    flat = [[h["id"] for h in r["hits"]] for r in found]
    expect([i for r in flat for i in r + [-1] * (9 - len(r))] == list(out), f"{metric}: --out differs from --json")
    like = program.json("search", data, metric, "--like", str(ids[60]), "-k", "9")["results"][0]["hits"]
    expect([h["id"] for h in like] == flat[3], f"{metric}: --like differs")
    text = str(list(queries[3])) if binary else str(list(struct.unpack(f"<{dim}f", queries[3])))
    vector = program.json("search", data, metric, "--vector", text, "-k", "9")["results"][0]["hits"]
    expect([h["id"] for h in vector] == flat[3], f"{metric}: --vector differs")
    if binary:
        expect(program.json("search", data, metric, "--vector", queries[3].hex(), "-k", "9")["results"][0]["hits"] == vector, "hexadecimal digits differ")


def test_search_float_metrics(program):
    for metric in ("L2", "IP", "COSINE"):
        search_metric(program, metric, False)


def test_search_binary_metrics(program):
    for metric in ("HAMMING", "JACCARD", "TANIMOTO", "SUBSTRUCTURE", "SUPERSTRUCTURE"):
        search_metric(program, metric, True)


def test_search_in_partitions(program):
    data = migrated(program)
    found = program.json("search", data, "faces", "--vector", "[2, 2.25]", "-p", "old ones")["results"][0]["hits"]
    expect([h["id"] for h in found] == [7] and found[0]["partition"] == "old ones", f"{found}")
    both = program.json("search", data, "faces", "--vector", "[2, 2.25]", "-p", "old ones", "-p", "_default")["results"][0]["hits"]
    expect([h["id"] for h in both] == [2, 3, 7], f"{both}")


def test_search_among_some_ids(program):
    data, path = migrated(program), os.path.join(program.work, "ids.npy")

    def found(*ids):
        write_npy(path, "<i8", (len(ids),), struct.pack(f"<{len(ids)}q", *ids))
        return [h["id"] for h in program.json("search", data, "faces", "--vector", "[2, 2.25]", "--only-ids", path)["results"][0]["hits"]]

    expect(found(7, 3, 99, 3) == [3, 7], f"{found(7, 3, 99, 3)}")
    expect(found() == [] and found(1) == [], "a deleted row, or any, is found")          # row 1 is deleted
    program.ok("search", data, "faces", "--like", "2", "--only-ids", data, codes=(1, 2, 3))


def test_labels(program):
    data, path = migrated(program), os.path.join(program.work, "labels.tsv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("id\tword\n2\ttwo\n3\tthree\n7\tlucky \x1b[1m\n")
    r = program.ok("search", data, "faces", "--like", "two", "--labels", path)
    expect(re.search(r"\btwo\b", r.out) and "three" in r.out and "\x1b" not in r.out, r.out)
    found = program.json("search", data, "faces", "--like", "3", "--labels", path)["results"][0]["hits"]
    expect(found[0]["label"] == "three", f"{found}")
    program.ok("search", data, "faces", "--like", "nobody", "--labels", path, codes=(1,))
    program.ok("search", data, "faces", "--like", "two", codes=(2,))


def test_stats(program):
    data, q = migrated(program), os.path.join(program.work, "q.npy")
    write_npy(q, "<f4", (3, 2), vecs([1, 2, 3]))
    r = program.ok("search", data, "faces", "--queries", q, "--stats", "--json", "--threads", "1", "-k", "2")
    expect(r.out.count("\n") == 1, f"more than one line: {r.out}")
    stats = json.loads(r.out)
    expect((stats["queries"], stats["k"], stats["threads"]) == (3, 2, 1) and stats["wall_s"] > 0 and stats["qps"] > 0, f"{stats}")
    expect("queries a second" in program.ok("search", data, "faces", "--queries", q, "--stats").out, "no speed for people")


def test_import_and_unload_round_trip(program):
    rng, data = random.Random(5), os.path.join(program.work, "data")
    n, dim = 3000, 24
    ids = [-2**63, 2**63 - 1, *rng.sample(range(-2**61, 2**61), n - 2)]
    vectors = struct.pack(f"<{n * dim}f", *(rng.gauss(0, 1) for _ in range(n * dim)))
    v, i, out = (os.path.join(program.work, f) for f in ("v.npy", "i.npy", "out"))
    write_npy(v, "<f4", (n, dim), vectors)
    write_npy(i, "<i8", (n,), struct.pack(f"<{n}q", *ids))
    program.ok("import", data, "c", "--vectors", v, "--ids", i, "--partition", "p q", "--metric", "COSINE")
    want = pairs(struct.pack(f"<{n}q", *ids), vectors, 4 * dim)
    program.same_rows(data, "c", "p q", want, 4 * dim, False)
    program.same_rows(data, "c", "_default", row_set([]))
    program.ok("unload", data, "c", "-o", out)
    again = os.path.join(program.work, "again")
    program.ok("import", again, "c", "--vectors", os.path.join(out, "data.npy"), "--ids", os.path.join(out, "id.npy"))
    program.same_rows(again, "c", "_default", want, 4 * dim, False)
    program.ok("unload", data, "c", "-o", out)                            # again, over what is there
    expect(sorted(os.listdir(out)) == ["data.npy", "id.npy"], f"{os.listdir(out)}")
    made = program.json("import", data, "counted", "--vectors", v)
    expect(made["first_id"] == 0 and made["is_new"], f"{made}")
    expect(program.json("import", data, "counted", "--vectors", v)["first_id"] == n, "ids are not counted on")
    write_npy(os.path.join(program.work, "d.npy"), "<f8", (2, dim), struct.pack(f"<{2 * dim}d", *([0.5] * 2 * dim)))
    program.ok("import", data, "doubles", "--vectors", os.path.join(program.work, "d.npy"))
    for args in (("--vectors", v, "--ids", os.path.join(program.work, "d.npy")), ("--vectors", i), ("--vectors", v, "--metric", "HAMMING"), ("--ids", i),
                 ("--vectors", os.path.join(program.work, "d.npy"), "--ids", i)):
        program.ok("import", data, "c", *args, codes=(2,))
    expect(program.ok("count", data, "c").out == f"{n}\n", "a refused import left rows")


def test_get_and_query(program):
    data = migrated(program)
    found = program.json("get", data, "faces", "7", "2", "7")["rows"]
    expect([(r["id"], r["partition"], r["vector"]) for r in found] == [(7, "old ones", [7, 7.25]), (2, "_default", [2, 2.25]), (7, "old ones", [7, 7.25])], f"{found}")
    expect(program.json("get", data, "faces", "3")["rows"][0]["vector"] == [3, 3.25], "of two rows with an id not the first is shown")
    expect(program.json("get", data, "bits", "2")["rows"][0]["vector"] == [15, 15], "bits are not shown as bytes")
    found = program.json("query", data, "faces", "--ids", "1,2", "--ids", "7", "--no-vectors")
    expect([r["id"] for r in found["rows"]] == [2, 7] and found["missing"] == 1 and "vector" not in found["rows"][0], f"{found}")
    ids = os.path.join(program.work, "ids.npy")
    many = [2, 7] * 3000
    write_npy(ids, "<i8", (len(many),), struct.pack(f"<{len(many)}q", *many))
    found = program.json("query", data, "faces", "--ids-file", ids)
    expect([r["id"] for r in found["rows"]] == many, "the order of many ids is lost")
    program.ok("query", data, "faces", codes=(2,))


def test_index(program):
    data, path = os.path.join(program.work, "data"), os.path.join(program.work, "v.npy")
    query = os.path.join(program.work, "q.npy")
    chance = random.Random(5)
    centres = [[chance.gauss(0, 1) for _ in range(32)] for _ in range(50)]
    rows = [[x + chance.gauss(0, 0.2) for x in centres[i % 50]] for i in range(9000)]
    write_npy(path, "<f4", (9000, 32), b"".join(struct.pack("<32f", *r) for r in rows))
    write_npy(query, "<f4", (1, 32), struct.pack("<32f", *rows[77]))
    program.ok("import", data, "c", "--vectors", path, "--no-index")

    def plan(*more):
        return program.json("search", data, "c", "--queries", query, "--stats", *more)["plan"]

    expect(plan() == "flat" and "flat" in program.ok("index", data).out, "there is no index yet")
    as_documented(program, "index", "index", data, "c", "--build", full=("segments[]",))
    expect(plan() == plan("--recall", "0.9") in ("lists", "graph") and plan("--level", "10") == plan("--recall", "1") == "flat", "the levels choose the wrong plan")
    hits = program.json("search", data, "c", "--like", "77", "-k", "5")["results"][0]["hits"]
    expect(hits[0]["id"] == 77 and hits[0]["score"] == 0 and len(hits) == 5, f"{hits}")
    expect(program.json("index", data, "--build")["kept"] == 1, "a sound index is built again")
    lists = os.path.join(data, "segments", "1", "000000.lists")
    with open(lists, "r+b") as f:
        f.seek(20000)
        f.write(b"damage")
    graph = lists.replace(".lists", ".graph")
    with open(graph, "r+b") as f:
        f.truncate(4000)
    expect(plan() == "flat" and program.json("index", data, "c", "--build")["built"] == 1 and plan() != "flat", "damage is not repaired")
    expect(program.json("index", data, "c", "--drop")["dropped"] == 1 and not os.path.exists(lists) and not os.path.exists(graph), "it is not dropped")
    expect(plan() == "flat", "a dropped index is used")
    program.ok("index", data, "--build", "--drop", codes=(2,))
    program.ok("index", data, "nobody", codes=(1,))


def test_drop(program):
    data = migrated(program)
    program.ok("drop", data, "faces", "--partition", "old ones")
    program.absent(data, "faces", "old ones")
    expect(program.ok("count", data, "faces").out == "3\n", "other rows are gone, too")
    program.ok("drop", data, "faces")
    program.absent(data, "faces")
    expect([c["name"] for c in program.json("collections", data)["collections"]] == ["bits"], "faces is still listed")


# ------------------------------------------------------------------------------------------------- jobs, reports, inspect

def large(program, segments=40, count=400):
    with m.Installation(os.path.join(program.work, "milvus"), truth=False, seed=9) as inst:
        c = inst.collection("c", 32)
        for k in range(segments):
            c.segment(range(k * count, k * count + count), m.random_vectors(inst.random, count, 1, 32))
    return inst.root


def interrupted(program, root, data, sent=signal.SIGINT):
    """A migration that was stopped by a signal on its way."""
    for wait in (0.2, 0.1, 0.05, 0.02):
        process = subprocess.Popen([program.binary, "migrate", root, "--to", data, "--limit-rate", "500k", "--progress", "none"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(wait)
        process.send_signal(sent)
        out, err = process.communicate(timeout=120)
        if process.returncode == 130 and os.path.exists(data) and program.run("jobs", data, "--json").out.strip().startswith("{"):
            jobs = program.json("jobs", data)["jobs"]
            if jobs:
                return jobs[-1], err
        if process.returncode == 0:
            shutil.rmtree(data)
    raise Skip("the migration could not be interrupted in time")


def test_interrupt_and_resume(program):
    root, data = large(program), os.path.join(program.work, "data")
    job, err = interrupted(program, root, data)
    expect(job["state"] != "SUCCESSFUL" and "again" in err, f"{job} {err}")
    program.absent(data, "c")
    text = program.ok("jobs", data, "show", str(job["id"])).out
    expect("godwit migrate" in text, f"the command is not told: {text}")
    r = program.ok("jobs", data, "resume", str(job["id"]), "--progress", "none")
    expect("16,000" in r.out, r.out)
    program.ok("verify", root, "--against", data)
    expect(program.json("jobs", data)["jobs"][-1]["state"] == "SUCCESSFUL", "the job did not end well")
    program.ok("jobs", data, "resume", str(job["id"]), codes=(8,))
    program.ok("jobs", data, "cancel", str(job["id"]), codes=(8,))


def test_resume_from_another_folder(program):
    """A relative SOURCE and what names the same folder are one job's."""
    root, data = large(program), os.path.join(program.work, "data")
    above, name = os.path.split(root)
    for resume in (("jobs", data, "resume", "1"), ("migrate", root + "/", "--to", data)):
        here = os.getcwd()
        os.chdir(above)
        try:
            interrupted(program, name, data)
        finally:
            os.chdir(here)
        program.ok(*resume, "--progress", "none")
        expect(len(program.json("jobs", data)["jobs"]) == 1, "another job was begun")
        shutil.rmtree(data)


def test_cancel(program):
    root, data = large(program), os.path.join(program.work, "data")
    job, _ = interrupted(program, root, data, signal.SIGTERM)
    program.ok("jobs", data, "cancel", str(job["id"]))
    expect(program.json("jobs", data)["jobs"][-1]["state"] == "CANCELLED", "not cancelled")
    program.ok("migrate", root, "--to", data)


def test_one_writer_at_a_time(program):
    """Beside a running migration: jobs and collections answer, everything that writes gets exit code 8."""
    root, data = large(program), os.path.join(program.work, "data")
    process = subprocess.Popen([program.binary, "migrate", root, "--to", data, "--limit-rate", "100k", "--progress", "none"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and '"MIGRATING"' not in program.run("jobs", data, "--json").out:
            time.sleep(0.05)
        expect("MIGRATING" in program.ok("jobs", data).out, "the running job is not listed")
        expect(program.json("collections", data)["collections"] == [], "something half-made is visible")
        for args in (("migrate", root, "--to", data), ("jobs", data, "cancel", "1"), ("jobs", data, "resume", "1"), ("drop", data, "c")):
            program.ok(*args, codes=(8,))
    finally:
        process.kill()
        process.wait()
    program.ok("migrate", root, "--to", data)
    program.ok("verify", root, "--against", data)


def test_database_as_source(program):
    data, other = migrated(program), os.path.join(program.work, "other")
    expect(program.json("inspect", data)["totals"]["rows"] == 6, "inspect of a database")
    program.ok("migrate", data, "--to", other)
    program.ok("verify", os.path.join(program.work, "milvus"), "--against", other)
    program.ok("verify", other, "--against", data)


def test_link_across_filesystems(program):
    away = "/dev/shm"
    if not os.path.isdir(away) or os.stat(away).st_dev == os.stat(program.work).st_dev:
        raise Skip("needs a second filesystem")
    root, data = source(program), os.path.join(away, f"godwit-test-{os.getpid()}")
    try:
        r = program.ok("migrate", root, "--to", data, "--link", codes=(4,))
        expect("filesystem" in r.err and not os.path.exists(data), f"{r.err}")
        program.ok("migrate", root, "--to", data)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def test_link_across_mounts(program):
    """One filesystem, two mounts, as containers have it: found at the first link only, and the way out is said."""
    root, data, away = source(program), os.path.join(program.work, "data"), os.path.join(program.work, "mount")
    os.mkdir(away)
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(["mount", "--bind", root, away], stderr=subprocess.DEVNULL, check=False).returncode:
        raise Skip("needs the right to mount")
    try:
        r = program.ok("migrate", away, "--to", data, "--link", codes=(4,))
        expect("--restart" in r.err, r.err)
        program.ok("migrate", away, "--to", data, "--restart")
    finally:
        subprocess.run(["umount", away], check=True)


def test_second_signal_ends_at_once(program):
    root, data = large(program), os.path.join(program.work, "data")
    process = subprocess.Popen([program.binary, "migrate", root, "--to", data, "--limit-rate", "1k", "--progress", "none"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    expect(process.wait(20) == 130, f"exit code {process.returncode}")


def test_reports(program):
    root, data = source(program), os.path.join(program.work, "data")
    html, machine = os.path.join(program.work, "r.html"), os.path.join(program.work, "r.json")
    program.ok("migrate", root, "--to", data, "--report", html, "--report", machine)
    page = read(html).decode()
    expect("<svg" in page and "faces" in page and "<script" not in page and "http" not in re.sub(r"http://www\.w3\.org/\S+", "", page), "the page is not self-contained")
    expect(isinstance(json.loads(read(machine)), dict), "the JSON report is no object")
    program.ok("verify", root, "--against", data, "--report", os.path.join(program.work, "no-folder", "r.html"), codes=(1,))


def test_verify_tells_what_differs(program):
    data = migrated(program)
    with m.Installation(os.path.join(program.work, "other"), truth=False) as inst:
        c = inst.collection("faces", 2)
        c.segment([2, 3, 3, 9], vecs([2, 3, 31, 9]))
        c.partition("old ones")
        inst.collection("bits", 16, "HAMMING").segment([1, 2], b"\x00\xff\x0f\x0f")
    r = program.ok("verify", inst.root, "--against", data, codes=(7,))
    expect("missing" in r.out and re.search(r"\b9\b", r.out) and re.search(r"\b7\b", r.out), r.out)
    r = program.ok("verify", inst.root, "--against", data, "--collections", "bits")
    expect("equal" in r.out, r.out)


def test_inspect_shows_damage_for_people_and_machines(program):
    with m.Installation(os.path.join(program.work, "milvus"), truth=False) as inst:
        c = inst.collection("c", 2)
        c.segment([1], vecs([1]))
        bad = c.segment(range(10), vecs(range(10)), rv=m.encode_rv(vecs(range(10)))[:48])
    r = program.ok("inspect", inst.root, codes=(3,))
    expect(bad.id in r.out and "expected" in r.out and "--skip-damaged" in r.out + r.err, r.out)
    report = program.json("inspect", inst.root, codes=(3,))
    expect(report["verdict"] == "damaged" and any(f["severity"] == "damage" and f["path"].endswith(".rv") for f in report["findings"]), f"{report['findings']}")
    expect(report["totals"]["rows"] == 1, f"{report['totals']}")


def test_selection(program):
    root, data = source(program), os.path.join(program.work, "data")
    program.ok("migrate", root, "--to", data, "--collections", "faces", "--rename", "faces=people")
    expect([c["name"] for c in program.json("collections", data)["collections"]] == ["people"], "not renamed")
    program.same_rows(data, "people", "_default", row_set(rows([2, 3]) + [(3, vecs([30]))]))
    program.ok("verify", root, "--against", data, "--collections", "faces", "--rename", "faces=people")
    program.ok("migrate", root, "--to", data, "--collections", "nobody", codes=(2,))


def test_link(program):
    root, data = source(program), os.path.join(program.work, "data")
    program.ok("migrate", root, "--to", data, "--link")
    program.ok("verify", root, "--against", data)
    program.same_rows(data, "faces", "_default", row_set(rows([2, 3]) + [(3, vecs([30]))]))
    shutil.rmtree(root)
    program.same_rows(data, "faces", "old ones", row_set(rows([7])))


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    binary_argument(a)
    a = a.parse_args()
    suite = Suite(a.binary, a.keep)
    for name, function in list(globals().items()):
        if name.startswith("test_") and wanted(name, a.only):
            suite.case(name, function)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
