"""A private MariaDB server for tests: own data folder in a temporary place, a unix socket, a port on the loopback only, no root.

    with MariaDB() as server:
        server.load("dump.sql", database="milvus")
        uri = server.uri("milvus")            # mysql://tester:pw@127.0.0.1:PORT/milvus

Needs mariadbd, mariadb-install-db and mariadb (Debian: mariadb-server). `available()` tells.
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

NOBODY = 65534
PASSWORD = "s3cr@t/pw"


def tool(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def available():
    return all(tool(t) for t in ("mariadbd", "mariadb-install-db", "mariadb"))


class MariaDB:
    def __init__(self):
        self.folder = self.process = self.port = None

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="mariadb-")
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        self.as_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        data, run = os.path.join(self.folder, "data"), os.path.join(self.folder, "run")
        for p in (data, run):
            os.mkdir(p)
        if self.as_user:
            os.chmod(self.folder, 0o755)
            for p in (data, run):
                os.chown(p, NOBODY, NOBODY)
        self.socket = os.path.join(run, "m.sock")
        subprocess.run([tool("mariadb-install-db"), "--no-defaults", "--datadir=" + data, "--auth-root-authentication-method=normal",
                        "--skip-test-db", "--skip-name-resolve", "--force"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       cwd=run, timeout=120, **self.as_user)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        log = open(os.path.join(self.folder, "log"), "wb")
        self.process = subprocess.Popen(
            [tool("mariadbd"), "--no-defaults", "--datadir=" + data, "--socket=" + self.socket, "--bind-address=127.0.0.1", f"--port={self.port}",
             "--pid-file=" + os.path.join(run, "m.pid"), "--skip-name-resolve", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0"],
            stdout=log, stderr=log, cwd=run, start_new_session=True, **self.as_user)
        log.close()
        for _ in range(600):
            if self.process.poll() is not None:
                break
            if os.path.exists(self.socket) and self.sql("select 1", check=False).returncode == 0:
                self.sql(f"create user tester@'127.0.0.1' identified by '{PASSWORD}'; grant all on *.* to tester@'127.0.0.1';")
                return
            time.sleep(0.1)
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as f:
            raise RuntimeError("MariaDB did not start: " + f.read()[-1000:])

    def client(self, *args, **more):
        return subprocess.run([tool("mariadb"), "--no-defaults", "-S", self.socket, "-uroot", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **more)

    def sql(self, text, check=True):
        return self.client(input=text.encode(), check=check)

    def load(self, dump, database):
        """Loads a dump file into a database of that name (made anew). A dump that names its own database keeps it."""
        self.sql(f"drop database if exists `{database}`; create database `{database}` default character set utf8mb4;")
        with open(dump, "rb") as f:
            self.client(database, stdin=f, check=True)

    def uri(self, database, user="tester", password=PASSWORD):
        return f"mysql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def dsn(self, database, user="tester", password=PASSWORD):
        """The form that the Go driver reads."""
        return f"{user}:{password}@tcp(127.0.0.1:{self.port})/{database}?charset=utf8mb4&parseTime=True&loc=Local"

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
