#!/usr/bin/env python3
"""The libraries show exactly what include/godwit.h declares: symbols_test.py HEADER LIBRARY..."""
import re
import subprocess
import sys


def declared(header):
    with open(header, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    return set(re.findall(r"GODWIT_API\s[^;(]*?\b(godwit_\w+)\s*\(", text))


def visible(library):
    options = ["-D"] if ".so" in library else ["-g"]
    out = subprocess.run(["nm", *options, "--defined-only", library], capture_output=True, text=True, check=True).stdout
    return {line.split()[2] for line in out.splitlines() if len(line.split()) == 3}


def main():
    expected = declared(sys.argv[1])
    failed = 0
    for library in sys.argv[2:]:
        found = visible(library)
        for name in sorted(found - expected):
            print(f"FAIL {library}: {name} is visible, and not in the header")
        for name in sorted(expected - found):
            print(f"FAIL {library}: {name} is in the header, and not visible")
        failed += found != expected
    assert len(expected) > 15, "the header was not understood"
    print(f"{len(sys.argv) - 2 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
