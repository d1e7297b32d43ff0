#!/usr/bin/env python3
"""Style that a program can check: arrows between folders, sizes, banned calls, orphan files, formatting, true documents.

    style_test.py [BUILD_FOLDER]      the folder (meson) is asked which sources it compiles; without it that check is skipped

Every rule is a function that yields sentences about what breaks it. Last line: 'N passed, N failed[, N skipped]'.
"""
import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# A folder of src/ may include what stands on the right, and itself. "*" = every folder.
ARROWS = {
    "base": "", "kernel": "base", "flow": "base", "filter": "flow base", "engine": "filter kernel flow base", "remote": "base",
    "milvus1": "flow remote base", "migrate": "flow base", "target": "flow engine remote base",
    "site": "milvus2 engine remote flow base", "server": "base", "milvus2": "server engine filter flow base", "cli": "*", "": "*",
}
# A third-party header belongs to one folder, so that the library can be changed in one place.
HOME_OF_HEADER = {"godwit.h": "engine", "sqlite3.h": "base", "xxhash.h": "base", "jansson.h": "base", "mysql.h": "milvus1", "mysqld_error.h": "milvus1", "errmsg.h": "milvus1", "yaml.h": "milvus1",
                  "nghttp2/nghttp2.h": "server", "microhttpd.h": "server", "protobuf-c/protobuf-c.h": "milvus2", "crypt.h": "milvus2", "gnutls/gnutls.h": "base", "gnutls/x509.h": "base", "gnutls/crypto.h": "base", "zlib.h": "base", "curl/curl.h": "remote"}
SYSTEM_HEADERS = set("""
    arpa/inet.h assert.h cpuid.h ctype.h dirent.h dlfcn.h endian.h errno.h fcntl.h fenv.h float.h fnmatch.h ftw.h
    getopt.h glob.h grp.h immintrin.h inttypes.h langinfo.h limits.h linux/fs.h linux/magic.h locale.h malloc.h math.h
    netdb.h netinet/in.h netinet/tcp.h nss.h poll.h pthread.h pwd.h regex.h sched.h semaphore.h setjmp.h signal.h spawn.h
    stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h termios.h
    threads.h time.h unistd.h wchar.h wctype.h x86intrin.h
""".split())
FUNCTION_LINES_MAX, FILE_LINES_MAX, PARAMETERS_MAX, COMPLEXITY_MAX, HEAD_LINES_MAX, BLOB_SIZE_MAX = 70, 800, 6, 15, 30, 3 << 20
# Callbacks whose parameters a library has chosen.
FOREIGN_SHAPES = {("src/server/h2.c", "on_header"), ("src/server/h2_reply.c", "give_http"), ("src/server/h2_reply.c", "give_grpc"),
                  ("src/server/http1.c", "handle")}
BANNED = "strcpy strcat sprintf vsprintf gets atoi atol atof strtok alloca system popen rand srand tmpnam mktemp asctime ctime gmtime localtime"
PRINTERS = "printf fprintf vprintf vfprintf puts fputs putchar perror syslog"
PRINTING_FOLDERS = {"cli", "server", "milvus2", ""}
ALLOCATORS = "malloc calloc realloc strdup strndup asprintf vasprintf"
NOT_OURS = {".git", "__pycache__", "node_modules", ".cache"}


def is_build(name):
    return name.startswith("build") or name == "godwit-data"


def files(*suffixes, under=""):
    for base, folders, names in os.walk(os.path.join(ROOT, under) if under else ROOT):
        folders[:] = sorted(f for f in folders if f not in NOT_OURS and not (base == ROOT and is_build(f)))
        for name in sorted(names):
            if not suffixes or name.endswith(suffixes):
                yield os.path.relpath(os.path.join(base, name), ROOT)


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def folder_of(path):
    """The folder of src/ that a source belongs to; "" for src/main.c itself."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else ""


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def code_only(source):
    """The text with comments and the inside of strings blanked; line numbers stay."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, blank, source, flags=re.S)


def c_files():
    return list(files(".c", ".h", under="src"))


def all_c_files():
    return [p for p in files(".c", ".h") if not p.startswith(("proto/", "web/"))]


def includes(path):
    for number, line in enumerate(text(path).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(1), match.group(2)


def functions(path):
    """(name, first line, lines, parameters, code) of every function of a formatted file: its body opens with '{' in column 0."""
    lines = code_only(text(path)).splitlines()
    for at, line in enumerate(lines):
        if line != "{" or at == 0:
            continue
        start = at - 1
        while start > 0 and lines[start - 1].strip() and not re.match(r"[#}]|.*;\s*$", lines[start - 1]):
            start -= 1
        head = " ".join(lines[start:at])
        match = re.search(r"(\w+)\s*\((.*)\)[^()]*$", head)
        if not match:
            continue
        end = next((k for k in range(at, len(lines)) if lines[k].startswith("}")), len(lines) - 1)
        yield match.group(1), start + 1, end - start + 1, count_parameters(match.group(2)), "\n".join(lines[at:end + 1])


def count_parameters(inside):
    depth = commas = 0
    for c in inside:
        depth += (c == "(") - (c == ")")
        commas += c == "," and depth == 0
    return 0 if inside.strip() in ("", "void") else commas + 1


def rule_arrows_between_folders():
    for path in c_files():
        home = folder_of(path)
        if home not in ARROWS:
            yield f"{path}: the folder {home} has no arrows; add it to ARROWS here and in ARCHITECTURE.md"
            continue
        allowed = set(ARROWS[home].split()) | {home}
        for number, kind, name in includes(path):
            if kind != '"' or "*" in allowed:
                continue
            to = name.split("/")[0]
            if "/" not in name:
                yield f'{path}:{number}: "{name}": write folder/file.h, relative to src/'
            elif to == "generated" and home == "milvus2":  # made by the build from proto/
                continue
            elif to not in allowed:
                yield f"{path}:{number}: {home}/ may not include {to}/ ({name})"


def rule_includes_exist():
    for path in all_c_files():
        for number, kind, name in includes(path):
            places = [os.path.join(p, name) for p in ("src", "include", "", os.path.dirname(path), "tests/unit")]
            if kind == '"' and not any(os.path.exists(os.path.join(ROOT, p)) for p in places) and not name.startswith("generated/"):
                yield f'{path}:{number}: "{name}" does not exist'


def rule_third_party_headers_have_one_home():
    for path in c_files():
        for number, kind, name in includes(path):
            if kind != "<" or name in SYSTEM_HEADERS or name.startswith("sys/"):
                continue
            home = HOME_OF_HEADER.get(name) or HOME_OF_HEADER.get(os.path.basename(name))
            if home is None:
                yield f"{path}:{number}: <{name}> has no home; add it to HOME_OF_HEADER"
            elif folder_of(path) != home:
                yield f"{path}:{number}: <{name}> may be included in {home}/ only"


def rule_function_length():
    for path in all_c_files():
        for name, line, lines, _, _ in functions(path):
            if lines > FUNCTION_LINES_MAX:
                yield f"{path}:{line}: {name} has {lines} lines, at most {FUNCTION_LINES_MAX}"


def rule_parameter_count():
    for path in c_files():
        for name, line, _, parameters, _ in functions(path):
            if parameters > PARAMETERS_MAX and (path, name) not in FOREIGN_SHAPES:
                yield f"{path}:{line}: {name} has {parameters} parameters, at most {PARAMETERS_MAX}: use a struct of options"


def rule_nesting_depth():
    for path in c_files():
        for name, line, _, _, code in functions(path):
            deepest = max(len(re.match(r" *", k).group()) // 4 for k in code.splitlines()
                          if re.match(r" *(if|for|while|do|switch)\b", k) or k.strip() == "{") if re.search(r"\b(if|for|while|do|switch)\b", code) else 0
            if deepest > 4:
                yield f"{path}:{line}: {name} nests {deepest} deep, at most 4"


def rule_file_length():
    for path in all_c_files():
        lines = text(path).count("\n")
        if lines > FILE_LINES_MAX:
            yield f"{path}: {lines} lines, at most {FILE_LINES_MAX}"


def rule_complexity():
    """McCabe's number, a switch counted once: decisions plus one."""
    for path in c_files():
        for name, line, _, _, code in functions(path):
            complexity = 1 + len(re.findall(r"\b(?:if|for|while|switch)\b|&&|\|\||\?", code))
            if complexity > COMPLEXITY_MAX:
                yield f"{path}:{line}: {name}: complexity {complexity}, at most {COMPLEXITY_MAX}"


def calls(names):
    return re.compile(r"(?<![\w.>])(" + "|".join(names.split()) + r")\s*\(")


def rule_banned_calls():
    banned = calls(BANNED)
    for path in all_c_files():
        for number, line in enumerate(code_only(text(path)).splitlines(), 1):
            for match in banned.finditer(line):
                yield f"{path}:{number}: {match.group(1)} is banned"


def rule_only_cli_and_server_print():
    printer = calls(PRINTERS)
    for path in c_files():
        if folder_of(path) in PRINTING_FOLDERS:
            continue
        for number, line in enumerate(code_only(text(path)).splitlines(), 1):
            if printer.search(line) or re.search(r"\b(stdout|stderr)\b", line):
                yield f"{path}:{number}: only cli/ and server/ print: {line.strip()}"


def rule_memory_goes_through_base_mem():
    allocator = calls(ALLOCATORS)
    for path in c_files():
        if path in ("src/base/mem.c",):
            continue
        for number, line in enumerate(code_only(text(path)).splitlines(), 1):
            if allocator.search(line):
                yield f"{path}:{number}: use base/mem.h, so that tests can fail it: {line.strip()}"


def rule_every_source_is_built():
    if len(sys.argv) < 2:
        raise Skipped("no build folder given")
    done = subprocess.run(["meson", "introspect", "--targets", os.path.join(ROOT, sys.argv[1])], stdout=subprocess.PIPE, check=True)
    compiled = {os.path.relpath(s, ROOT) for t in json.loads(done.stdout) for g in t["target_sources"] for s in g["sources"]}
    for path in files(".c", under="src"):
        if path not in compiled:
            yield f"{path}: no meson.build lists it"
    for path in files("_test.c", under="tests/unit"):
        if path not in compiled:
            yield f"{path}: no meson.build lists it"


def rule_every_header_is_used():
    used = {name for path in all_c_files() for _, _, name in includes(path)}
    for path in files(".h", under="src"):
        if os.path.relpath(path, "src") not in used:
            yield f"{path}: nothing includes it"


def rule_every_script_is_used():
    """A file that no other file names is an orphan."""
    everything = {p: text(p) for p in files() if os.path.getsize(os.path.join(ROOT, p)) < 1 << 18 and not p.startswith("fuzz/corpus/")}
    for path in list(files(under="scripts")) + list(files(".py", under="tests")) + list(files(".py", under="bench")):
        name = os.path.basename(path)
        stem = name[:-3] if name.endswith(".py") else name
        discovered = path.startswith("tests/program/") and name.endswith("_test.py")
        if not discovered and not any(re.search(r"\b" + re.escape(stem) + r"\b", t) for p, t in everything.items() if p != path):
            yield f"{path}: nothing names it"


def rule_file_heads():
    for path in c_files():
        first = text(path)
        match = re.match(r"/\*.*?\*/", first, re.S)
        if not match:
            yield f"{path}: begins without a comment that says what it is for"
        elif not re.match(r"/\* (\S+/)?" + re.escape(os.path.basename(path)) + r"\b", first):
            yield f"{path}: its first comment does not begin with the file's name"
        elif match.group().count("\n") >= HEAD_LINES_MAX:
            yield f"{path}: its first comment is longer than {HEAD_LINES_MAX} lines"


def rule_include_guards():
    for path in files(".h", under="src"):
        guard = "GODWIT_" + re.sub(r"[/.]", "_", os.path.relpath(path, "src")).upper()
        if not re.search(rf"#ifndef {guard}\n#define {guard}\n", text(path)):
            yield f"{path}: include guard {guard} expected"


def rule_no_leftover_notes():
    for path in files(".c", ".h", ".py", ".sh", ".md", ".build", under=""):
        for number, line in enumerate(text(path).splitlines(), 1):
            if re.search(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b", line):
                yield f"{path}:{number}: {line.strip()}"


def rule_test_names():
    """Cases are named test_module__case and are run; a macro may add the first half."""
    for path in files("_test.c", under="tests/unit"):
        source = text(path)
        for name in re.findall(r"cmocka_unit_test(?:_\w+)?\(\s*(test\w+)(?!\w|##)", source):
            if not re.match(r"test_[a-z0-9_]+__[a-z0-9_]+$", name):
                yield f"{path}: {name}: test_module__case expected"
        for name in re.findall(r"^static void (test_\w+)\(", source, re.M):
            short = name.split("__", 1)[-1]
            if len(re.findall(rf"\b(?:{name}|{short})\b", source)) < 2:
                yield f"{path}: {name} is never run"


def rule_large_files():
    for path in files():
        size = os.path.getsize(os.path.join(ROOT, path))
        if size > BLOB_SIZE_MAX:
            yield f"{path}: {size} bytes, at most {BLOB_SIZE_MAX}"


def rule_clang_format():
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not tool:
        raise Skipped("clang-format-14 is not installed")
    done = subprocess.run([tool, "--dry-run", *all_c_files()], cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    for name in sorted({k.split(":")[0] for k in done.stderr.splitlines() if "clang-format-violations" in k}):
        yield f"{name}: not formatted; run scripts/format"


def rule_architecture_names_what_exists():
    """Every file, and every function in the journey table, that ARCHITECTURE.md names is there."""
    if not os.path.exists(os.path.join(ROOT, "ARCHITECTURE.md")):
        raise Skipped("no ARCHITECTURE.md")
    whole = text("ARCHITECTURE.md")
    for name in sorted(set(re.findall(r"`((?:src/)?[a-z0-9_]+/[a-z0-9_/]+\.[ch])`", whole))):
        if not any(os.path.exists(os.path.join(ROOT, p, name)) for p in ("", "src")):
            yield f"ARCHITECTURE.md: {name} does not exist"
    for name, function in re.findall(r"`((?:src/)?[a-z0-9_/]+\.[ch]): ([a-z0-9_]+)`", whole):
        path = next((p for p in (name, "src/" + name) if os.path.exists(os.path.join(ROOT, p))), None)
        if path is None:
            yield f"ARCHITECTURE.md: {name} does not exist"
        elif not re.search(rf"\b{function}\(", text(path)):
            yield f"ARCHITECTURE.md: {name} has no function {function}"


def rule_architecture_has_the_arrows():
    """The arrows that are checked here are the ones that people read there."""
    if not os.path.exists(os.path.join(ROOT, "ARCHITECTURE.md")):
        raise Skipped("no ARCHITECTURE.md")
    whole = text("ARCHITECTURE.md")
    for folder in sorted({folder_of(p) for p in c_files()} - {""}):
        if f"`{folder}/`" not in whole:
            yield f"ARCHITECTURE.md: the folder `{folder}/` is not explained"


def rule_markdown_links():
    for path in files(".md"):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text(path)):
            if not re.match(r"[a-z]+:", target) and not os.path.exists(os.path.join(ROOT, os.path.dirname(path), target)):
                yield f"{path}: link to {target}, which does not exist"


def rule_no_path_of_a_machine():
    for path in files(".c", ".h", ".py", ".md", ".build", ".sh") :
        for number, line in enumerate(text(path).splitlines(), 1):
            if re.search(r"(?<![\w.])/(home|work|root)/\w", line) and "style_test.py" not in path:
                yield f"{path}:{number}: a path of somebody's machine: {line.strip()}"


class Skipped(Exception):
    pass


def main():
    passed = failed = skipped = 0
    for name, rule in sorted(globals().items()):
        if not name.startswith("rule_"):
            continue
        title = name[len("rule_"):].replace("_", " ")
        try:
            broken = list(rule())
        except Skipped as e:
            skipped += 1
            print(f"skip  {title}: {e}")
            continue
        passed, failed = passed + (not broken), failed + bool(broken)
        print(f"{'FAIL ' if broken else 'ok   '} {title}")
        for sentence in broken:
            print(f"FAIL    {sentence}")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
