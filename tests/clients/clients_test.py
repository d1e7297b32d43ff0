#!/usr/bin/env python3
"""Unmodified clients from their registries against `godwit serve`, each with a database of its own.

    clients_test.py GODWIT [CLIENT...]      without names: all of them

The environments (Python venvs, one npm folder) are kept in $GODWIT_TEST_CACHE, else ~/.cache/godwit-test, and made again when a pin
below changes. A client whose registry cannot be reached is skipped by name. The server serves the migrated sample of examples/, so
that old collections and new ones are used through the same clients. Last line 'N passed, N failed[, N skipped]'.
"""
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLE = os.path.join(HERE, "..", "..", "examples", "milvus-words.tar.xz")
MIGRATED = "words"
CACHE = os.environ.get("GODWIT_TEST_CACHE") or os.path.join(os.path.expanduser("~"), ".cache", "godwit-test")
COUNT = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)
CASES_TIMEOUT_S, INSTALL_TIMEOUT_S = 600, 600

Client = namedtuple("Client", "kind packages cases")
CLIENTS = {
    "curl": Client("none", (), "rest_cases.py"),
    "pymilvus-newest": Client("python", ("pymilvus==3.0.2", "numpy"), "pymilvus_cases.py"),
    "pymilvus-2.6": Client("python", ("pymilvus==2.6.17", "numpy"), "pymilvus_cases.py"),
    "pymilvus-2.3": Client("python", ("pymilvus==2.3.8", "setuptools<81", "marshmallow<4", "numpy<2"), "pymilvus_cases.py"),
    "node": Client("node", ("@zilliz/milvus2-sdk-node@3.0.6",), "node_cases.mjs"),
    "langchain": Client("python", ("langchain-milvus==0.4.0", "numpy"), "langchain_cases.py"),
}


class Unreachable(Exception):
    """The registry, or the tool that asks it, is not there."""


def environment(name, client):
    """Command that starts the client's interpreter; made when it is not there yet."""
    if client.kind == "none":
        if not shutil.which("curl"):
            raise Unreachable("curl is not installed")
        return [sys.executable], None
    pin = hashlib.sha256(repr(client).encode()).hexdigest()[:8]
    folder = os.path.join(CACHE, f"{name}-{pin}")
    if client.kind == "python":
        commands = [[sys.executable, "-m", "venv", folder], [os.path.join(folder, "bin", "pip"), "install", "-q", *client.packages]]
        command, cwd = [os.path.join(folder, "bin", "python")], None
    else:
        if not shutil.which("npm"):
            raise Unreachable("npm is not installed")
        commands = [["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, *client.packages]]
        command, cwd = ["node"], folder
    ready = os.path.join(folder, "ready")
    if not os.path.exists(ready):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for install in commands:
            done = subprocess.run(install, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=INSTALL_TIMEOUT_S, check=False)
            if done.returncode:
                raise Unreachable(" ".join(install) + " failed: " + done.stdout.decode(errors="replace").strip()[-300:])
        open(ready, "w", encoding="ascii").close()
    return command, cwd


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """`godwit serve` over a fresh migration of the sample."""

    def __init__(self, binary, work):
        self.port, self.log = free_port(), os.path.join(work, "serve.log")
        self.address = f"http://127.0.0.1:{self.port}"
        data, imports = os.path.join(work, "data"), os.path.join(work, "imports")
        os.makedirs(imports)
        with tarfile.open(SAMPLE) as archive:
            archive.extractall(work)
        subprocess.run([binary, "migrate", os.path.join(work, "milvus"), "--to", data, "--no-index"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.imports = imports
        command = [binary, "serve", data, "--listen", f"127.0.0.1:{self.port}", "--import-dir", imports]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.wait_until_healthy()

    def wait_until_healthy(self):
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError(f"godwit serve ended with {self.process.returncode}:\n{self.tail()}")
            try:
                with urllib.request.urlopen(self.address + "/healthz", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError("godwit serve does not answer /healthz:\n" + self.tail())

    def tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()[-3000:]

    def stop(self):
        """Exit status after SIGTERM; None when it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None


def run_client(binary, name, client):
    """(passed, failed, skipped)"""
    try:
        command, cwd = environment(name, client)
    except (Unreachable, subprocess.TimeoutExpired, OSError) as why:
        print(f"skip  {name}: {why}", flush=True)
        return 0, 0, 1
    work = tempfile.mkdtemp(prefix="godwit-clients-")
    try:
        server = Server(binary, work)
        arguments = [server.address, MIGRATED]
        try:
            done = subprocess.run([*command, os.path.join(HERE, client.cases), *arguments], cwd=cwd, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=CASES_TIMEOUT_S, check=False,
                                  env=dict(os.environ, GODWIT_IMPORT_DIR=server.imports, PYTHONDONTWRITEBYTECODE="1"))
            text = done.stdout.decode(errors="replace")
        except subprocess.TimeoutExpired as late:
            text = (late.stdout or b"").decode(errors="replace") + f"\nno end after {CASES_TIMEOUT_S} seconds"
        alive = server.process.poll() is None
        status = server.stop() if alive else server.process.returncode
        return judge(name, text, status, server)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def judge(name, text, status, server):
    counts = COUNT.findall(text)
    passed, failed, skipped = (int(n or 0) for n in counts[-1]) if counts else (0, 1, 0)
    if status != 0:
        failed += 1
        print(f"FAIL  {name}: the server ended with {status}\n{server.tail()}", flush=True)
    if failed:
        print(text[-6000:], flush=True)
    for line in re.findall(r"^skip .*$", text, re.M):
        print(f"{line} ({name})", flush=True)
    print(f"{'FAIL ' if failed else 'ok   '} {name}: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return passed, failed, skipped


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binary, names = os.path.abspath(sys.argv[1]), sys.argv[2:] or list(CLIENTS)
    total = [0, 0, 0]
    for name in names:
        total = [a + b for a, b in zip(total, run_client(binary, name, CLIENTS[name]))]
    print("{} passed, {} failed, {} skipped".format(*total))
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
