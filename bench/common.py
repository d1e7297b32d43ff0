"""What the benchmarks share: the cache folder, private Python environments, running programs.

Nothing is written into the tree. Caches lie under $XDG_CACHE_HOME/godwit-bench (default ~/.cache).
"""
import json
import os
import platform
import subprocess
import sys
import venv
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "godwit-bench"


# Put before the command lines of what is measured: GODWIT_BENCH_FIRST="chrt -f 10" lets it run before anything else on the machine.
FIRST = os.environ.get("GODWIT_BENCH_FIRST", "").split()


def enter_environment(name, packages, **variables):
    """Starts again inside a virtual environment that has exactly these packages.

    Settings that pin an old BLAS kernel are dropped; `variables` are set."""
    if os.environ.get("GODWIT_BENCH_INSIDE") == name:
        return
    folder = CACHE / name
    python, stamp, wanted = folder / "bin" / "python", folder / "packages", "\n".join(packages)
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {', '.join(packages)} ...", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
        stamp.write_text(wanted)
    environment = dict(os.environ, GODWIT_BENCH_INSIDE=name, **variables)
    for pinned in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        environment.pop(pinned, None)
    os.execve(python, [str(python), *sys.argv], environment)


def run_json(command):
    """The last line of a program's output, which is JSON."""
    done = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def size_of(path):
    """Bytes of a file, or of all files below a folder."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(base, n)) for base, _, names in os.walk(path) for n in names)


def machine():
    """What a record of a run says about the machine."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
            model = next((k.split(":", 1)[1].strip() for k in f if k.startswith("model name")), model)
    except OSError:
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"processor": model, "cores": len(os.sched_getaffinity(0)), "memory_gib": round(memory / (1 << 30), 1),
            "system": f"{platform.system()} {platform.release()}", "load": round(os.getloadavg()[0], 2)}
