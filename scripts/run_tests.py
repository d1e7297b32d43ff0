#!/usr/bin/env python3
"""Builds the program in every flavour and runs every test; called by scripts/test.

A step is a name, the build it needs and a command. Builds run one after the other (each uses all processors); then the steps
run, as many at a time as there are processors. A step's own count is read from its output: the last line
'N passed, N failed[, N skipped]' of a script, or the cases that cmocka reported. A step that cannot be counted counts as one.
"""
import argparse
import atexit
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(ROOT, "build-test", "logs")
PROCESSORS = len(os.sched_getaffinity(0))
STEP_TIMEOUT_S = 1200
COUNT = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
UNITTEST = re.compile(r"^Ran (\d+) tests? in", re.M)                            # of Python's own unittest

CLANG_SANITIZED = ["-Dbuildtype=debugoptimized", "-Db_lundef=false", "-Dfaults=true"]
Build = namedtuple("Build", "folder options compiler")
BUILDS = {
    "gcc": Build("build-test", ["-Dfaults=true"], "gcc"),
    "clang": Build("build-test-clang", ["-Dfaults=true"], "clang"),
    "asan": Build("build-test-asan", CLANG_SANITIZED + ["-Db_sanitize=address,undefined"], "clang"),
    "tsan": Build("build-test-tsan", CLANG_SANITIZED + ["-Db_sanitize=thread"], "clang"),
    "release": Build("build-test-release", ["-Dfaults=false", "-Dtests=false"], "gcc"),
}
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
    "TSAN_OPTIONS": "halt_on_error=1:exitcode=99:second_deadlock_stack=1",
    "ASAN_SYMBOLIZER_PATH": "/usr/bin/llvm-symbolizer-14",
}

Step = namedtuple("Step", "name build command env")
Outcome = namedtuple("Outcome", "passed failed skipped note")


def run(command, log, env=None, timeout=STEP_TIMEOUT_S):
    """Exit code of a command whose output goes to a log; its whole process group dies with it."""
    with open(log, "ab") as out:
        out.write(("$ " + " ".join(command) + "\n").encode())
        out.flush()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT,
                                   env=dict(os.environ, **(env or {})), start_new_session=True)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            out.write(f"\nno end after {timeout} seconds\n".encode())
            return 124
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def text_of(log):
    with open(log, encoding="utf-8", errors="replace") as f:
        return f.read()


def fresh_log(name):
    path = os.path.join(LOGS, name + ".log")
    open(path, "w").close()
    return path


def tail(log, lines=25):
    """The lines that say what failed, else the last ones."""
    all_lines = text_of(log).splitlines()
    telling = [k for k in all_lines if re.search(r"FAIL|error:|ERROR:|[Aa]ssert|Sanitizer", k)]
    return "\n".join("    " + k[:300] for k in (telling or all_lines)[-lines:])


def build(name, targets=()):
    """Configures (again, when options changed) and compiles one flavour. True when that worked."""
    flavour, log = BUILDS[name], fresh_log("build-" + name)
    started = time.monotonic()
    configured = os.path.exists(os.path.join(ROOT, flavour.folder, "build.ninja"))
    setup = ["meson", "setup", *(["--reconfigure"] if configured else []), flavour.folder, *flavour.options]
    code = run(setup, log, {"CC": flavour.compiler})
    if code and configured:                                                     # left over from another compiler or version
        shutil.rmtree(os.path.join(ROOT, flavour.folder, "meson-private"), ignore_errors=True)
        code = run(["meson", "setup", "--wipe", flavour.folder, *flavour.options], log, {"CC": flavour.compiler})
    if code == 0:
        code = run(["ninja", "-C", flavour.folder, f"-j{PROCESSORS}", *targets], log)
    print(f"{'ok   ' if code == 0 else 'FAIL '} build {name} ({time.monotonic() - started:.0f} s)", flush=True)
    if code:
        print(tail(log), flush=True)
    return code == 0


def program_of(name):
    """The godwit binary of a build."""
    folder = os.path.join(ROOT, BUILDS[name].folder)
    done = subprocess.run(["meson", "introspect", "--targets", folder], stdout=subprocess.PIPE, check=True)
    for target in json.loads(done.stdout):
        if target["name"] == "godwit" and target["type"] == "executable":
            return target["filename"][0]
    return os.path.join(folder, "godwit")


def thread_sanitizer_wrapper():
    """TSan of clang 14 cannot live with much address randomisation: then it is switched off for the child. None: impossible."""
    source, program = (os.path.join(ROOT, "build-test", "logs", "tsan_probe" + e) for e in (".c", ""))
    with open(source, "w", encoding="ascii") as f:
        f.write("int main(void) { return 0; }\n")
    if subprocess.run(["clang", "-fsanitize=thread", source, "-o", program], stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL, check=False).returncode:
        return None
    for wrapper in ([], ["setarch", "-R"]):
        runs = [subprocess.run([*wrapper, program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
                for _ in range(8)]
        if not any(runs):
            return wrapper
    return None


def meson_tests(name, wrapper=(), multiplier=1):
    command = ["meson", "test", "-C", BUILDS[name].folder, "--no-rebuild", "--print-errorlogs",
               "--num-processes", str(max(1, PROCESSORS // 2)), "--timeout-multiplier", str(multiplier),
               "--logbase", "unit"]
    return command + (["--wrapper", " ".join(wrapper)] if wrapper else [])


def count_meson(name):
    """Cases of all cmocka programs of the last run of a build; a program that died counts as one more failure."""
    path = os.path.join(ROOT, BUILDS[name].folder, "meson-logs", "unit.json")
    passed = failed = skipped = 0
    with open(path, encoding="utf-8") as f:
        for line in f:
            test = json.loads(line)
            output = test.get("stdout", "") + test.get("stderr", "")
            ok = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", output))
            bad = sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", output))
            left = sum(int(n) for n in re.findall(r"\[  SKIPPED \] (\d+) test", output))
            ended_well = test["result"] in ("OK", "SKIP", "EXPECTEDFAIL")
            if not ok + bad + left:
                ok, left = (1, 0) if test["result"] == "OK" else (0, int(test["result"] == "SKIP"))
            passed, skipped = passed + ok, skipped + left
            failed += bad if ended_well or bad else 1
    return passed, failed, skipped


def count(step, code, log):
    lines = [k for k in text_of(log).splitlines() if k.strip()]
    match = COUNT.match(lines[-1].strip()) if lines else None
    if step.command[:2] == ["meson", "test"]:
        try:
            passed, failed, skipped = count_meson(step.build)
        except (OSError, ValueError, KeyError):
            passed, failed, skipped = 0, 1, 0
    elif match:
        passed, failed, skipped = (int(n or 0) for n in match.groups())
    elif UNITTEST.search("\n".join(lines[-4:])):
        total = int(UNITTEST.search("\n".join(lines[-4:])).group(1))
        numbers = {what: int(n) for what, n in re.findall(r"(failures|errors|skipped)=(\d+)", lines[-1])}
        failed, skipped = numbers.get("failures", 0) + numbers.get("errors", 0), numbers.get("skipped", 0)
        passed = max(0, total - failed - skipped)
    else:
        passed, failed, skipped = int(code == 0), int(code != 0), 0
    if code and not failed:
        failed = 1
    return Outcome(passed, failed, skipped, "")


def perform(step):
    log, started = fresh_log(step.name), time.monotonic()
    code = run(step.command, log, step.env)
    outcome = count(step, code, log)
    took = time.monotonic() - started
    skipped = f", {outcome.skipped} skipped" if outcome.skipped else ""
    line = f"{'FAIL ' if outcome.failed else 'ok   '} {step.name}: {outcome.passed} passed, {outcome.failed} failed{skipped} ({took:.0f} s)"
    if outcome.failed:
        line += "\n" + tail(log)
    elif outcome.skipped:
        line += "".join("\n    " + k for k in text_of(log).splitlines() if re.match(r"\s*skip\b", k, re.I))
    print(line, flush=True)
    return outcome


def memory_folder():
    """Environment that puts the unit tests' scratch folders into memory: they sync far more than they write."""
    try:
        free = shutil.disk_usage("/dev/shm").free
    except OSError:
        free = 0
    if free < 512 << 20 or not os.access("/dev/shm", os.W_OK):
        return {}
    folder = tempfile.mkdtemp(prefix="run-tests-", dir="/dev/shm")
    os.chmod(folder, 0o755)                                                     # some tests become another user
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return {"TMPDIR": folder}


def script(name, build_name, path, *arguments, env=None):
    return Step(name, build_name, [sys.executable, path, *arguments], env)


def all_steps():
    """Every step, longest first, so that the processors stay busy to the end."""
    asan, tsan, memory = dict(SANITIZER_ENV), dict(SANITIZER_ENV), memory_folder()
    golden = os.path.join("tests", "golden", "check_golden.py")
    clients = os.path.join("tests", "clients", "clients_test.py")
    threads = os.path.join("tests", "sanitizers", "threads_test.py")
    steps = [
        script("golden", "gcc", golden, "@gcc"),
        script("clients", "gcc", clients, "@gcc"),
        script("clients-asan", "asan", clients, "@asan", "curl", "pymilvus-newest", "node", env=asan),
        script("fixtures-asan", "asan", os.path.join("tests", "program", "fixtures_test.py"), "@asan", env=asan),
        script("golden-asan", "asan", golden, "@asan", env=asan),
        script("histories-asan", "asan", os.path.join("tests", "program", "histories_test.py"), "@asan", env=asan),
        script("threads-tsan", "tsan", threads, "@tsan", env=tsan),
        Step("unit-asan", "asan", meson_tests("asan", multiplier=5), {**asan, **memory}),
        Step("unit-tsan", "tsan", ["@tsan-tests"], {**tsan, **memory}),
        Step("unit", "gcc", meson_tests("gcc", multiplier=3), memory),
        Step("unit-clang", "clang", meson_tests("clang", multiplier=3), memory),
        script("golden-format", None, os.path.join("tests", "tools", "golden_format_test.py")),
        script("style", "gcc", os.path.join("tests", "style", "style_test.py"), "@folder-gcc"),
    ]
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "program", "*_test.py"))):
        name = os.path.basename(path)[:-len("_test.py")]
        flavour = "portable" if name == "portable" else "gcc"
        steps.append(script(name, flavour, os.path.relpath(path, ROOT), "@" + flavour))
    return steps


def resolve(step, wrapper):
    """Fills in what is only known after the builds. None: the step cannot run here."""
    command = []
    for word in step.command:
        if word == "@tsan-tests":
            if wrapper is None:
                return None
            # Builds of graphs by several threads are in threads-tsan; all of graph_test would take ten minutes here.
            command += [*meson_tests("tsan", wrapper, multiplier=10), "--no-suite", "long"]
        elif word == "@portable":
            command.append(os.path.join(ROOT, "build-portable", "godwit"))
        elif word.startswith("@folder-"):
            command.append(BUILDS[word[len("@folder-"):]].folder)
        elif word.startswith("@"):
            command.append(program_of(word[1:]))
        else:
            command.append(word)
    if step.name == "threads-tsan":
        if wrapper is None:
            return None
        command = wrapper + command
    return step._replace(command=command)


def build_portable():
    log, started = fresh_log("build-portable"), time.monotonic()
    code = run([os.path.join("scripts", "build-portable")], log)
    print(f"{'ok   ' if code == 0 else 'FAIL '} build portable ({time.monotonic() - started:.0f} s)", flush=True)
    if code:
        print(tail(log), flush=True)
    return code == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", nargs="*", help="only these steps")
    parser.add_argument("--list", action="store_true", help="name the steps")
    arguments = parser.parse_args()
    steps = all_steps()
    if arguments.list:
        print("\n".join(s.name for s in steps))
        return 0
    unknown = set(arguments.step) - {s.name for s in steps}
    if unknown:
        parser.error("no such step: " + ", ".join(sorted(unknown)))
    if arguments.step:
        steps = [s for s in steps if s.name in arguments.step]
    os.makedirs(LOGS, exist_ok=True)

    built = {None: True}
    needed = [name for name in [*BUILDS, "portable"] if any(s.build == name for s in steps)]
    if not arguments.step:
        needed.insert(0, "release")
    passed = failed = skipped = 0
    for name in needed:
        built[name] = build_portable() if name == "portable" else build(name)
        passed, failed = passed + built[name], failed + (not built[name])
    wrapper = thread_sanitizer_wrapper() if built.get("tsan") else None
    ready = []
    for step in steps:
        if not built[step.build]:
            continue                                                            # its build has already been counted as failed
        resolved = resolve(step, wrapper)
        if resolved is None:
            print(f"skip  {step.name}: ThreadSanitizer cannot run here (address randomisation cannot be switched off)")
            skipped += 1
        else:
            ready.append(resolved)
    with ThreadPoolExecutor(PROCESSORS) as pool:
        for outcome in pool.map(perform, ready):
            passed, failed, skipped = passed + outcome.passed, failed + outcome.failed, skipped + outcome.skipped
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
