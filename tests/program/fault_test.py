#!/usr/bin/env python3
"""Kills the program, and makes its calls fail, at every step of a small migration; then runs the same command again.

    fault_test.py GODWIT [-k PART_OF_A_NAME]       GODWIT: built with -Dfaults=true

After each fault nothing half-made may be visible, the exit code must fit, and the same command must end with segment files that
are bit for bit those of an undisturbed run. Last line 'N passed, N failed, N skipped'. Needs Python 3.9+; root for two cases.
"""
import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
from program import Skip, Suite, binary_argument, expect, wanted                                       # noqa: E402

GENERATOR = os.path.join(HERE, "..", "tools", "make_installation.py")
SHAPE = ("--rows", "150", "--dim", "8", "--segments", "2", "--partitions", "two words", "--deletes", "0.1", "--wal-rows", "12", "--wal-deletes", "3",
         "--collection", "a,b", "--no-truth")
AT_ONCE = 2                     # processes of one loop that run beside each other
KILLED = -signal.SIGKILL
TIMEOUT_S = 60
TIMES = {"created_us", "started", "updated", "finished", "at", "attempt"}       # columns that may differ between two runs


def installation(program, *more):
    """A small source with partitions, deletes and rows that are only in the log; one for each shape."""
    source = os.path.join(program.work, "source" + "".join(more))
    if not os.path.exists(source):
        subprocess.run([sys.executable, GENERATOR, source, *SHAPE, *more], check=True)
    return source


def start(program, args, fault=None, prefix=()):
    env = dict(os.environ)
    env.pop("GODWIT_FAULT", None)
    if fault:
        env["GODWIT_FAULT"] = fault
    return subprocess.Popen([*prefix, program.binary, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)


def run(program, args, fault=None, prefix=()):
    """(exit code, -9 when killed; standard error)"""
    process = start(program, args, fault, prefix)
    try:
        _, err = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        expect(False, f"godwit {' '.join(args)} with {fault}: no end after {TIMEOUT_S} seconds")
    return process.returncode, err.decode(errors="replace")


def segment_files(data):
    """Name and hash of every file below segments/."""
    out = {}
    for base, _, names in os.walk(os.path.join(data, "segments")):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as f:
                out[os.path.relpath(path, data)] = hashlib.sha256(f.read()).hexdigest()
    return out


def catalog(data):
    """All tables but for times, counts of attempts and the log of commands; read from a copy, so that nothing is changed."""
    with tempfile.TemporaryDirectory() as copy:
        for name in os.listdir(data):
            if name.startswith("catalog.sqlite") and not name.endswith("-shm"):
                shutil.copy(os.path.join(data, name), copy)
        base = sqlite3.connect(os.path.join(copy, "catalog.sqlite"))
        out = {}
        for (table,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if table in ("job_command", "meta"):
                continue
            columns = [c[1] for c in base.execute(f"PRAGMA table_info({table})") if c[1] not in TIMES]
            out[table] = sorted(base.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall(), key=repr)
        base.close()
        return out


def visible(program, data):
    """{collection: rows} as users see them; {} when there is no database or nothing in it."""
    if not os.path.exists(os.path.join(data, "catalog.sqlite")):
        return {}
    done = subprocess.run([program.binary, "collections", data, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False)
    if done.returncode:                                        # killed before the catalog had its tables
        return {}
    answer = json.loads(done.stdout)
    return {c["name"]: c["rows"] for c in (answer["collections"] if isinstance(answer, dict) else answer)}


class Scene:
    """What an undisturbed run makes of a source."""

    def __init__(self, program, *options, before=()):
        """before: arguments of a migration that has filled the target earlier (for --if-exists)."""
        self.program, self.options, self.before = program, options, before
        self.source = installation(program)
        data = self.fresh("undisturbed")
        self.old = visible(program, data)
        code, err = run(program, self.command(data))
        expect(code == 0, f"an undisturbed run ends with {code}: {err}")
        self.files, self.catalog, self.new = segment_files(data), catalog(data), visible(program, data)
        expect(self.new, "an undisturbed run shows nothing")

    def command(self, data):
        return ("migrate", self.source, "--to", data, *self.options)

    def fresh(self, name):
        data = os.path.join(self.program.work, name)
        shutil.rmtree(data, ignore_errors=True)
        if self.before:
            code, err = run(self.program, ("migrate", *self.before, "--to", data))
            expect(code == 0, err)
        return data

    def is_whole(self, data, what):
        """Nothing half-made can be seen."""
        now = visible(self.program, data)
        expect(now in (self.old, self.new), f"{what}: visible is {now}, expected {self.old} or {self.new}")

    def ends_well(self, data, what):
        """The same command ends, with the result of an undisturbed run."""
        code, err = run(self.program, self.command(data))
        expect(code == 0, f"{what}: the same command again ends with {code}: {err}")
        self.is_result(data, what)

    def is_result(self, data, what, may_leave=()):
        files, tables = segment_files(data), catalog(data)
        expect(files == self.files, f"{what}: files differ: {sorted(k for k in files.keys() | self.files.keys() if files.get(k) != self.files.get(k))}")
        for table in self.catalog.keys() | tables.keys():
            expect(tables.get(table) == self.catalog.get(table), f"{what}: table {table} differs:\n{tables.get(table)}\n{self.catalog.get(table)}")
        left = [n for n in os.listdir(data) if (n.endswith(".tmp") or "untold" in n) and n not in may_leave]
        expect(not left, f"{what}: left over: {left}")

    def verified(self, data, what):
        code, err = run(self.program, ("verify", self.source, "--against", data))
        expect(code == 0, f"{what}: verify ends with {code}: {err}")


def each_n(one, step=1, first=0):
    """one(n) for n = first, first + step, ... until it says that fault n was never reached; a few at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        n = first
        while True:
            batch = [n + k * step for k in range(4 * AT_ONCE)]
            reached = list(pool.map(one, batch))
            if not all(reached):
                return
            n = batch[-1] + step


def kill_everywhere(scene, step=1):
    def one(n):
        data, what = scene.fresh(f"kill{n}"), f"killed at change {n}"
        code, err = run(scene.program, scene.command(data), f"any:{n}:kill")
        expect(code in (0, KILLED), f"{what}: exit code {code}: {err}")
        if code == KILLED:
            scene.is_whole(data, what)
            scene.ends_well(data, what)
            if n % 10 == 0 and "append" not in scene.options:
                scene.verified(data, what)
        shutil.rmtree(data)
        return code == KILLED
    each_n(one, step)


# ------------------------------------------------------------------------------------------------------------- killed

def test_killed_at_every_change(program):
    kill_everywhere(Scene(program))


def test_killed_while_linking(program):
    kill_everywhere(Scene(program, "--link"), 3)


def test_killed_while_replacing(program):
    old = installation(program, "--seed", "7")
    kill_everywhere(Scene(program, "--if-exists", "replace", before=(old,)), 7)


def test_killed_while_appending(program):
    old = installation(program, "--seed", "7")
    kill_everywhere(Scene(program, "--if-exists", "append", before=(old,)), 11)


def test_killed_twice(program):
    """A second kill while the first one's work is continued."""
    scene = Scene(program)

    def one(n):
        data, what = scene.fresh(f"twice{n}"), f"killed at change {n} and again"
        code, _ = run(scene.program, scene.command(data), f"any:{n}:kill")
        if code == KILLED:
            code, _ = run(scene.program, scene.command(data), f"any:{n // 3 + 5}:kill")
            scene.is_whole(data, what)
            if code == KILLED:
                scene.ends_well(data, what)
            scene.is_result(data, what)
            code = KILLED
        shutil.rmtree(data)
        return code == KILLED
    each_n(one, 17, 11)


def test_killed_from_outside(program):
    scene = Scene(program)
    seed = 20240131
    chance = random.Random(seed)
    began = time.monotonic()
    run(program, scene.command(scene.fresh("timed")))
    usual_s = time.monotonic() - began
    for k in range(12):
        data, what = scene.fresh(f"outside{k}"), f"killed from outside, seed {seed}, round {k}"
        for _ in range(3):
            process = start(program, scene.command(data))
            time.sleep(chance.uniform(0, usual_s))
            process.kill()
            process.communicate()
            scene.is_whole(data, what)
        code, err = run(program, scene.command(data))
        expect(code in (0, 4), f"{what}: exit code {code}: {err}")              # 4: a run had ended before it could be killed
        scene.is_result(data, what)
        shutil.rmtree(data)


# ------------------------------------------------------------------------------------------------------------- failing

def fail_some(scene, kind, action, codes, numbers):
    """The call number n of a kind fails. `codes`: exit codes that are right for it, besides 0 (the call did not matter)."""
    def one(n):
        fault = f"{kind}:{n}:{action}"
        data = scene.fresh(f"{kind}{n}{action}")
        code, err = run(scene.program, scene.command(data), fault)
        expect(code == 0 or code in codes, f"{fault}: exit code {code}, expected {codes}: {err}")
        if code:
            expect("godwit: error: " in err, f"{fault}: no error is told: {err}")
            scene.is_whole(data, fault)
            scene.ends_well(data, fault)
        else:
            scene.is_result(data, fault, ("jobs.untold",) if kind == "unlink" else ())
        shutil.rmtree(data, ignore_errors=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, numbers))


def fault_case(kind, action, codes, numbers, *options):
    def case(program):
        fail_some(Scene(program, *options), kind, action, codes, numbers)
    case.__name__ = f"test_{kind}_{action}" + ("_linking" if options else "")
    return case


# A failing disk: 4 while the target is opened or made (nothing can be put there), 1 afterwards.
FAILED = (1, 4)

SOME = (*range(0, 12), *range(12, 400, 23))
FEW = (*range(0, 10), *range(10, 60, 7))
FAULTS = [
    fault_case("write", "enospc", (5,), SOME),
    fault_case("write", "eio", FAILED, SOME),
    fault_case("write", "short", (), SOME),
    fault_case("copy", "enospc", (5,), FEW),
    fault_case("copy", "short", (), FEW),
    fault_case("fsync", "eio", FAILED, (*range(0, 40), *range(40, 120, 9))),
    fault_case("rename", "eio", FAILED, FEW),
    fault_case("mkdir", "eacces", (1, 4), range(0, 8)),
    fault_case("unlink", "eio", FAILED, FEW),
    fault_case("commit", "eio", FAILED, (*range(0, 20), *range(20, 80, 7))),
    fault_case("read", "short", (), SOME),
    fault_case("read", "eintr", (), SOME),
    fault_case("read", "eio", (1, 3, 4), SOME),                                   # 4: while the target is opened
    fault_case("map", "enomem", (1, 3, 5), FEW),
    fault_case("open", "eacces", (1, 3, 4), (*range(0, 30), *range(30, 200, 17))),
    fault_case("open", "emfile", (1, 3, 4), range(0, 120, 13)),
    fault_case("malloc", "enomem", (5,), (*range(0, 60, 3), *range(60, 6000, 171))),
    fault_case("link", "eacces", (1, 3), range(0, 6), "--link"),
]


def test_every_write_fails_from_some_moment_on(program):
    """A disk that stays full, not one that fails once."""
    fail_some(Scene(program), "write", "enospc+", (5,), range(0, 260, 29))


# ------------------------------------------------------------------------------------------------------------ for real

def fill(place):
    """Takes every byte that is left on a file system; the file that does so."""
    ballast = os.path.join(place, "ballast")
    with open(ballast, "wb", buffering=0) as f:
        for size in (1 << 20, 1 << 16, 1 << 12, 1 << 9):
            try:
                while True:
                    f.write(b"\1" * size)
            except OSError:
                pass
    return ballast


def fill_while_running(scene, place, files):
    """The disk fills up when so many segment files are there."""
    data, what = os.path.join(place, f"data{files}"), f"filled after {files} files"
    process = slow(scene, data)
    wait_for(lambda: len(segment_files(data)) >= files or process.poll() is not None, "no segment file appears")
    ballast = fill(place)
    _, err = process.communicate(timeout=TIMEOUT_S)
    expect(process.returncode == 5, f"{what}: exit code {process.returncode}, expected 5: {err.decode()}")
    scene.is_whole(data, what)
    code, err = run(scene.program, scene.command(data))
    expect(code == 5, f"{what}: again on the full disk: exit code {code}, expected 5: {err}")
    os.remove(ballast)
    scene.ends_well(data, what)


def test_disk_that_is_full(program):
    if os.geteuid() != 0:
        raise Skip("needs root, to mount a small file system")
    scene = Scene(program)
    place = os.path.join(program.work, "small")
    os.mkdir(place)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], stderr=subprocess.DEVNULL, check=False).returncode:
        raise Skip("mounting is not allowed here")
    try:
        for size_k in (64, 128, 1024):
            subprocess.run(["mount", "-o", f"remount,size={size_k}k", place], check=True)
            data = os.path.join(place, "early")
            code, err = run(program, scene.command(data))
            expect(code == 5, f"{size_k} kB: exit code {code}, expected 5: {err}")
            scene.is_whole(data, f"{size_k} kB")
        subprocess.run(["mount", "-o", "remount,size=24m", place], check=True)
        scene.ends_well(data, "after the disk was made larger")
        for files in (1, 3, 5):
            fill_while_running(scene, place, files)
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_folder_that_may_not_be_written(program):
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        raise Skip("needs setpriv, to be somebody else than root")
    prefix = nobody if os.geteuid() == 0 else ()
    scene = Scene(program)
    os.chmod(program.work, 0o755)
    for base, folders, names in os.walk(scene.source):
        for name in folders + names:
            path = os.path.join(base, name)
            os.chmod(path, 0o755 if os.path.isdir(path) else 0o644)
    place = os.path.join(program.work, "place")
    os.mkdir(place, 0o555)
    data = os.path.join(place, "data")
    code, err = run(program, scene.command(data), prefix=prefix)
    expect(code in (1, 4) and place in err, f"exit code {code}: {err}")
    expect(not os.listdir(place), f"left over: {os.listdir(place)}")
    if prefix:
        os.chown(place, 65534, 65534)
    os.chmod(place, 0o755)
    code, err = run(program, scene.command(data), prefix=prefix)
    expect(code == 0, f"exit code {code}: {err}")
    scene.is_result(data, "after it was allowed")


def slow(scene, data):
    """A migration that takes a few seconds."""
    return start(scene.program, (*scene.command(data), "--limit-rate", "4k"))


def wait_for(condition, what):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.02)
    expect(False, what)


def test_interrupted_once(program):
    scene = Scene(program)
    data = scene.fresh("interrupted")
    process = slow(scene, data)
    wait_for(lambda: segment_files(data), "no segment file appears")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT_S)
    expect(process.returncode == 130, f"exit code {process.returncode}: {err.decode()}")
    scene.is_whole(data, "interrupted")
    state = program.json("jobs", data)
    expect("PENDING" in str(state), f"jobs: {state}")
    scene.ends_well(data, "interrupted")


def test_second_job_in_one_folder(program):
    scene = Scene(program)
    data = scene.fresh("shared")
    process = slow(scene, data)
    try:
        wait_for(lambda: segment_files(data), "no segment file appears")
        code, err = run(program, scene.command(data))
        expect(code == 8, f"the second job: exit code {code}: {err}")
        expect(visible(program, data) == {}, "the first job's work is visible")
        program.ok("jobs", data)
    finally:
        process.kill()
        process.communicate()
    scene.ends_well(data, "after the first was killed")


def test_finished_segments_are_not_copied_again(program):
    scene = Scene(program)
    data = scene.fresh("continued")
    process = slow(scene, data)
    wait_for(lambda: any(n.endswith(".sum") for n in segment_files(data)), "no segment is finished")
    process.kill()
    process.communicate()
    done = {n[:-4] for n in segment_files(data) if n.endswith(".sum")}
    before = {n: os.stat(os.path.join(data, n)) for n in segment_files(data) if n[:-4] in done}
    scene.ends_well(data, "continued")
    for name, old in before.items():
        new = os.stat(os.path.join(data, name))
        expect((new.st_ino, new.st_mtime_ns) == (old.st_ino, old.st_mtime_ns), f"{name} was written again")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    binary_argument(a)
    args = a.parse_args()
    if os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 256 << 20:
        tempfile.tempdir = "/dev/shm"                                            # thousands of synced files: in memory
    suite = Suite(args.binary, args.keep)
    cases = [f for name, f in sorted(globals().items()) if name.startswith("test_")] + FAULTS
    for case in cases:
        name = case.__name__[len("test_"):]
        if wanted(name, args.only):
            suite.case(name, case)
    sys.exit(suite.end())


if __name__ == "__main__":
    main()
