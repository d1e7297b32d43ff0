#!/usr/bin/env python3
"""Tests that indexes follow rows: in the background of import and migrate, awaited, killed, continued, beside writers.

    indexing_test.py GODWIT [-k PART_OF_A_NAME]

Last line 'N passed, N failed, N skipped'. Needs Python 3.9+; the kill needs a build with -Dfaults=true.
"""
import argparse
import fcntl
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import milvus1x as m                                                                      # noqa: E402
from program import Skip, Suite, binary_argument, expect, read, tree, wanted              # noqa: E402

ROWS, DIM = 8500, 8
PATIENCE_S = 120


def npy(path, rows, seed):
    """Random float rows in clusters."""
    chance = random.Random(seed)
    centres = [[chance.gauss(0, 1) for _ in range(DIM)] for _ in range(40)]
    data = b"".join(struct.pack(f"<{DIM}f", *(x + chance.gauss(0, .1) for x in centres[i % 40])) for i in range(rows))
    head = repr({"descr": "<f4", "fortran_order": False, "shape": (rows, DIM)}).encode()
    head += b" " * (63 - (10 + len(head)) % 64) + b"\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data)
    return path


def vectors(program, rows=ROWS, seed=1):
    return npy(os.path.join(program.work, f"v{rows}-{seed}.npy"), rows, seed)


def database(program):
    return os.path.join(program.work, "data")


def index(program, data=None):
    return program.json("jobs", data or database(program))["index"]


def wait(what, condition):
    until = time.monotonic() + PATIENCE_S
    while not condition():
        expect(time.monotonic() < until, f"waited {PATIENCE_S} seconds for {what}")
        time.sleep(.05)


def wait_complete(program, data=None):
    """Until all is built and the builder has gone."""
    folder = data or database(program)
    wait("the index", lambda: index(program, folder)["state"] == "complete" and not os.path.exists(os.path.join(folder, "index.wanted")))
    lock = open(os.path.join(folder, "index.lock"), "rb")
    fcntl.flock(lock, fcntl.LOCK_SH)
    lock.close()


def states(program, *args):
    return [s["state"] for s in program.json("index", database(program), *args)["segments"]]


def hold(program):
    """The builder's lock, taken, so that nothing is built: close it to let go."""
    lock = open(os.path.join(database(program), "index.lock"), "a+b")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def installation(program, rows=ROWS, name="milvus"):
    with m.Installation(os.path.join(program.work, name), truth=False) as inst:
        chance = random.Random(3)
        inst.collection("faces", DIM).segment(list(range(rows)), m.floats(*(chance.gauss(0, 1) for _ in range(rows * DIM))))
    return inst.root


# ------------------------------------------------------------------------------------------------------------ following

def test_import_is_followed_by_an_index(program):
    data = database(program)
    r = program.ok("import", data, "c", "--vectors", vectors(program))
    expect(r.out.startswith("8,500 rows") and "in the background" in r.err, r.out + r.err)
    wait_complete(program)
    expect(states(program) == ["ready"], f"{states(program)}")
    log = read(os.path.join(data, "index.log")).decode()
    expect("1 built" in log, f"the log of the builder: {log}")
    line = program.ok("jobs", data).out.splitlines()[-1]
    expect(line == "indexes: 1 of 1 segments", line)


def test_few_rows_start_nothing(program):
    data = database(program)
    r = program.ok("import", data, "c", "--vectors", vectors(program, 100))
    expect("background" not in r.err and not any(n.startswith("index") for n in os.listdir(data)), f"{r.err} {os.listdir(data)}")
    expect(index(program)["state"] == "none" and "indexes" not in program.ok("jobs", data).out, "there is nothing to index")


def test_no_index(program):
    data = database(program)
    r = program.ok("import", data, "c", "--vectors", vectors(program), "--no-index")
    expect("background" not in r.err, r.err)
    told = index(program)
    expect(told == {"state": "missing", "segments": 1, "segments_done": 0}, f"{told}")
    expect("godwit index DB --build" in program.ok("jobs", data).out, "nothing says what to do")
    expect(states(program) == ["missing"] and states(program, "--build") == ["ready"], "it cannot be built later")
    program.ok("import", data, "c", "--vectors", vectors(program), "--no-index", "--wait-index", codes=(2,))


def test_wait_index(program):
    r = program.ok("import", database(program), "c", "--vectors", vectors(program), "--wait-index", "--json")
    expect(json.loads(r.out)["rows"] == ROWS and "1 index built" in r.err, r.out + r.err)
    expect(states(program) == ["ready"], "it did not wait")


def test_migrate_is_followed_by_an_index(program):
    data = database(program)
    r = program.ok("migrate", installation(program), "--to", data, "--json")
    expect(isinstance(json.loads(r.out), dict) and "in the background" in r.err, r.out + r.err)
    jobs = program.json("jobs", data)
    expect(jobs["jobs"][0]["state"] == "SUCCESSFUL" and jobs["index"]["segments"] == 1, f"{jobs}")
    wait_complete(program)
    expect(program.ok("verify", os.path.join(program.work, "milvus"), "--against", data).code == 0, "rows have changed")


def test_migrate_waits(program):
    r = program.ok("migrate", installation(program), "--to", database(program), "--wait-index")
    expect("1 index built" in r.err and states(program) == ["ready"], r.err)


def test_dry_run_builds_nothing(program):
    program.ok("import", database(program), "c", "--vectors", vectors(program), "--no-index")
    r = program.ok("migrate", installation(program, 100), "--to", database(program), "--dry-run")
    expect("background" not in r.err and states(program) == ["missing"], r.err)


def test_background_survives_its_caller(program):
    """Nobody who waits for the pipes of the command waits for the builder, and the end of its session does not end it."""
    data = database(program)
    process = subprocess.Popen([program.binary, "import", data, "c", "--vectors", vectors(program, 20 * ROWS)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    out, _ = process.communicate(timeout=PATIENCE_S)
    expect(process.returncode == 0 and out, "import failed")
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    wait_complete(program)


def test_many_imports_need_one_builder(program):
    data = database(program)
    program.ok("import", data, "c0", "--vectors", vectors(program), "--no-index")
    lock = hold(program)
    for k in range(1, 5):
        program.ok("import", data, f"c{k}", "--vectors", vectors(program))
    time.sleep(.3)
    expect(states(program) == ["missing"] * 5, f"{states(program)}")
    lock.close()                                                    # the holder asks nobody to go on: the next one finds all of it
    program.ok("import", data, "c5", "--vectors", vectors(program))
    wait_complete(program)
    expect(states(program) == ["ready"] * 6, f"{states(program)}")


# ------------------------------------------------------------------------------------------------------ one builder

def test_a_second_builder_waits_or_leaves(program):
    data = database(program)
    program.ok("import", data, "c", "--vectors", vectors(program), "--no-index")
    lock = hold(program)
    r = program.ok("index", data, "--build", "--no-wait")
    expect("left to it" in r.err and "missing" in r.out, r.out + r.err)
    program.ok("index", data, "--drop", codes=(8,))
    waiting = subprocess.Popen([program.binary, "index", data, "--build", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(.5)
    expect(waiting.poll() is None, "it did not wait")
    lock.close()
    out, err = waiting.communicate(timeout=PATIENCE_S)
    expect(waiting.returncode == 0 and json.loads(out)["built"] == 1 and "waiting" in err, out + err)


def test_waiting_is_stopped_by_a_signal(program):
    data = database(program)
    program.ok("import", data, "c", "--vectors", vectors(program), "--no-index")
    lock = hold(program)
    waiting = subprocess.Popen([program.binary, "index", data, "--build"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(.5)
    waiting.send_signal(signal.SIGTERM)
    waiting.communicate(timeout=PATIENCE_S)
    expect(waiting.returncode == 130, f"{waiting.returncode}")
    lock.close()


def test_writers_do_not_wait_for_a_builder(program):
    data = database(program)
    program.ok("import", data, "c", "--vectors", vectors(program), "--no-index")
    lock = hold(program)
    program.ok("import", data, "d", "--vectors", vectors(program, 50))
    program.ok("migrate", installation(program, 60), "--to", data)
    program.ok("drop", data, "d")
    expect(program.json("search", data, "c", "--like", "7", "-k", "3")["results"][0]["hits"][0]["id"] == 7, "search does not answer")
    lock.close()


def test_drop_during_a_build(program):
    data = database(program)
    program.ok("import", data, "big", "--vectors", vectors(program, 20 * ROWS), "--no-index")
    building = subprocess.Popen([program.binary, "index", data, "--build", "--threads", "1", "--json"], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
    wait("the builder", lambda: index(program)["state"] == "building" or building.poll() is not None)
    program.ok("drop", data, "big")
    out, err = building.communicate(timeout=PATIENCE_S)
    expect(building.returncode == 0 and not json.loads(out)["segments"], out + err)
    program.ok("import", data, "big", "--vectors", vectors(program, 10))
    left = [n for base, _, names in os.walk(os.path.join(data, "segments")) for n in names if "lists" in n or "built" in n]
    expect(not left, f"left behind: {left}")


# -------------------------------------------------------------------------------------------------------- kill, continue

def test_kill_costs_only_the_build(program):
    data = database(program)
    for name in "abc":
        program.ok("import", data, name, "--vectors", vectors(program), "--no-index")
    before = {k: v for k, v in tree(data).items() if k.endswith((".vec", ".ids", ".sum"))}
    killed = 0
    for n in range(2, 60, 7):
        done = subprocess.run([program.binary, "index", data, "--build", "--threads", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env=dict(os.environ, GODWIT_FAULT=f"any:{n}:kill"), check=False)
        if done.returncode == 2 and n == 2:
            raise Skip("this build has no fault points")
        if done.returncode == 0:
            break
        expect(done.returncode == -signal.SIGKILL, f"ends with {done.returncode}")
        killed += 1
        told = index(program)
        expect(told["state"] in ("interrupted", "missing", "complete"), f"{told}")
        expect(program.json("search", data, "a", "--like", "7", "-k", "3")["results"][0]["hits"][0]["id"] == 7, "search does not answer")
        program.ok("import", data, "few", "--vectors", vectors(program, 5))
    expect(killed >= 3, f"killed {killed} times only")
    ready = states(program).count("ready")
    told = program.json("index", data, "--build")
    expect(told["kept"] == ready and told["built"] == 3 - ready, f"{ready} were ready, {told['kept']} kept, {told['built']} built")
    after = {k: v for k, v in tree(data).items() if k in before}
    expect(after == before, "a build has changed rows")
    expect(not [k for k in tree(data) if k.endswith(".tmp")], "a temporary file is left")


def test_a_killed_builder_is_recognised(program):
    data = database(program)
    program.ok("import", data, "big", "--vectors", vectors(program, 20 * ROWS), "--no-index")
    building = subprocess.Popen([program.binary, "index", data, "--build", "--threads", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait("the builder", lambda: index(program)["state"] == "building")
    told = index(program)
    expect(told["process"] == building.pid and 0 <= told["done"] <= 1, f"{told}")
    building.kill()
    building.wait()
    expect(index(program)["state"] == "interrupted" and states(program) == ["missing"], f"{index(program)}")
    expect("interrupted" in program.ok("jobs", data).out, "jobs does not tell it")
    program.ok("import", data, "big", "--vectors", vectors(program, 10), "--wait-index")     # the next command goes on
    expect(index(program)["state"] == "complete" and states(program)[0] == "ready", f"{index(program)} {states(program)}")


def test_stopped_by_a_signal(program):
    data = database(program)
    program.ok("import", data, "big", "--vectors", vectors(program, 20 * ROWS), "--no-index")
    building = subprocess.Popen([program.binary, "index", data, "--build", "--threads", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait("the builder", lambda: index(program)["state"] == "building")
    building.send_signal(signal.SIGTERM)
    building.communicate(timeout=PATIENCE_S)
    expect(building.returncode in (0, 130), f"{building.returncode}")
    if building.returncode == 130:
        expect(index(program)["state"] == "stopped", f"{index(program)}")


# ------------------------------------------------------------------------------------------------------------- what is shown

def test_segments_tell_their_state(program):
    data = database(program)
    program.ok("import", data, "c", "--vectors", vectors(program), "--wait-index")
    program.ok("import", data, "few", "--vectors", vectors(program, 10))
    told = program.json("index", data)["segments"]
    expect([s["state"] for s in told] == ["ready", "not needed"], f"{told}")
    cost = told[0]["build"]
    expect(cost["cpu_s"] > 0 and cost["wall_s"] > 0 and cost["lists"]["cpu_s"] <= cost["cpu_s"] and cost["threads"] >= 1, f"{cost}")
    lists = os.path.join(data, "segments", "1", "000000.lists")
    whole = read(lists)
    for at, state in ((8, "stale"), (len(whole) // 2, "damaged")):
        with open(lists, "wb") as f:
            f.write(whole[:at] + bytes([whole[at] ^ 64]) + whole[at + 1:])
        expect(states(program)[0] == state, f"{states(program)}, {state} expected")
    expect(program.json("index", data, "--build")["built"] == 1 and states(program)[0] == "ready", "it is not built again")
    expect(read(lists) == whole, "another build gives another file")
    program.ok("index", data, "--drop")
    expect(not [n for n in os.listdir(os.path.dirname(lists)) if "lists" in n or "built" in n], "drop leaves something")


def test_background_by_hand(program):
    data = database(program)
    program.ok("import", data, "c", "--vectors", vectors(program), "--no-index")
    program.ok("index", data, "--background")
    wait_complete(program)
    program.ok("index", data, "c", "--background", codes=(2,))
    program.ok("index", data, "--background", "--drop", codes=(2,))


def test_progress_of_a_build(program):
    data = database(program)
    program.ok("import", data, "c", "--vectors", vectors(program, 8 * ROWS), "--no-index")
    r = program.ok("index", data, "--build", "--progress", "json", "--threads", "1")
    lines = [json.loads(k) for k in r.err.splitlines()]
    last = [k for k in lines if "log" not in k][-1]
    expect(last["verb"] == "index" and last["rows_total"] == last["rows_copied"] == 8 * ROWS and last["segments_done"] == 1, f"{last}")


def test_a_folder_that_is_no_database(program):
    folder = os.path.join(program.work, "other")
    os.mkdir(folder)
    for more in ("--build", "--drop", "--background"):
        program.ok("index", folder, more, codes=(3,))
    expect(not os.listdir(folder), f"made {os.listdir(folder)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    binary_argument(parser)
    options = parser.parse_args()
    suite = Suite(options.binary, options.keep)
    for name, function in list(globals().items()):
        if name.startswith("test_") and callable(function) and wanted(name, options.only):
            suite.case(name.removeprefix("test_"), function)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
