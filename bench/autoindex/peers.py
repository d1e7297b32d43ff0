"""The peers: how each builds an index and answers, and the grid of settings that is tried. One process holds one index.

    peers.py build PEER REQUEST         builds an index and keeps it in a folder, with told.json beside it: what it took
    peers.py serve PEER REQUEST         loads it and answers; run by run.py, which speaks lines of JSON with it

A peer gives build(rows), save(folder), load(folder) and search(queries, setting) -> ids; `settings` are what search is tried with, by rising
effort. Everything runs in one thread; times are of the processor. `size` is that of the saved index, `memory` what the process grew by when it
loaded the index and answered some queries; `has_floats` says whether the vectors are part of both. Building is the long part, so that a kept index is used again by later runs: every index that is measured was loaded.
"""
import datetime
import importlib
import importlib.metadata
import json
import os
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import common               # noqa: E402
import datasets             # noqa: E402

EFS = [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 900]
K = datasets.K
WARM_UP = 200               # queries


class Hnswlib:
    metrics, has_floats = ("L2", "COSINE"), True
    builds = [{"m": m, "efc": efc} for m in (16, 32, 48) for efc in (200, 400)]
    quick_builds = [{"m": 16, "efc": 200}, {"m": 32, "efc": 200}]
    settings = quick_settings = [{"ef": ef} for ef in EFS]

    def build(self, rows, metric, how, _):
        import hnswlib

        self.index = hnswlib.Index("l2" if metric == "L2" else "ip", rows.shape[1])
        self.index.init_index(len(rows), M=how["m"], ef_construction=how["efc"], random_seed=1)
        self.index.set_num_threads(1)
        self.index.add_items(rows, num_threads=1)

    def save(self, folder):
        self.index.save_index(str(folder / "index"))

    def load(self, folder, metric, dim, _):
        import hnswlib

        self.index = hnswlib.Index("l2" if metric == "L2" else "ip", dim)
        self.index.load_index(str(folder / "index"))
        self.index.set_num_threads(1)

    def search(self, queries, setting):
        self.index.set_ef(setting["ef"])
        return self.index.knn_query(queries, K, num_threads=1)[0]


class Faiss:
    """Base of the faiss indexes, made by its factory from a description."""
    metrics, has_floats = ("L2", "COSINE"), True

    def build(self, rows, metric, how, _):
        import faiss

        faiss.omp_set_num_threads(1)
        dim = rows.shape[1] * (8 if metric == "HAMMING" else 1)
        lists = int(4 * len(rows) ** 0.5)
        text = how["factory"].format(lists=lists, half=dim // 2)
        if metric == "HAMMING":
            self.index = faiss.index_binary_factory(dim, text)
        else:
            self.index = faiss.index_factory(dim, text, faiss.METRIC_L2)
        if "HNSW" in text:
            self.index.hnsw.efConstruction = how.get("efc", 200)
        if not self.index.is_trained:
            self.index.train(rows)
        self.index.add(rows)

    def save(self, folder):
        import faiss

        write = faiss.write_index_binary if isinstance(self.index, faiss.IndexBinary) else faiss.write_index
        write(self.index, str(folder / "index"))

    def load(self, folder, metric, *_):
        import faiss

        faiss.omp_set_num_threads(1)
        read = faiss.read_index_binary if metric == "HAMMING" else faiss.read_index
        self.index, self.faiss = read(str(folder / "index")), faiss


class FaissHnsw(Faiss):
    builds = quick_builds = [{"factory": "HNSW32"}]
    settings = quick_settings = [{"ef": ef} for ef in EFS]

    def search(self, queries, setting):
        self.index.hnsw.efSearch = setting["ef"]
        return self.index.search(queries, K)[1]


class FaissIvfPq(Faiss):
    builds = quick_builds = [{"factory": "IVF{lists},PQ{half}x4fs,RFlat"}]
    settings = [{"probes": p, "factor": f} for p in (4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384) for f in (4, 10, 20, 40)]
    quick_settings = [{"probes": p, "factor": f} for p in (4, 8, 16, 32, 64, 128, 256) for f in (8, 30)]

    def search(self, queries, setting):
        inner = self.faiss.IVFSearchParameters(nprobe=setting["probes"])
        outer = self.faiss.IndexRefineSearchParameters(k_factor=setting["factor"], base_index_params=inner)
        return self.index.search(queries, K, params=outer)[1]


class FaissBinaryHnsw(FaissHnsw):
    metrics = ("HAMMING",)
    builds = quick_builds = [{"factory": "BHNSW32"}]


class FaissBinaryIvf(Faiss):
    metrics = ("HAMMING",)
    builds = quick_builds = [{"factory": "BIVF{lists}"}]
    settings = quick_settings = [{"probes": p} for p in (2, 4, 8, 16, 32, 64, 128, 256, 512)]

    def search(self, queries, setting):
        self.index.nprobe = setting["probes"]
        return self.index.search(queries, K)[1]


class Usearch:
    metrics, has_floats = ("L2", "COSINE", "HAMMING", "JACCARD"), True
    builds = [{"m": 16, "efc": 200, "type": "f32"}, {"m": 32, "efc": 200, "type": "f32"}, {"m": 32, "efc": 200, "type": "bf16"}]
    quick_builds = [{"m": 32, "efc": 200, "type": "bf16"}]
    settings = quick_settings = [{"ef": ef} for ef in EFS]

    def build(self, rows, metric, how, _):
        import numpy as np
        from usearch.index import Index

        name = {"L2": "l2sq", "COSINE": "ip", "HAMMING": "hamming", "JACCARD": "tanimoto"}[metric]
        is_binary = metric in ("HAMMING", "JACCARD")
        self.index = Index(ndim=rows.shape[1] * (8 if is_binary else 1), metric=name, dtype="b1" if is_binary else how["type"],
                           connectivity=how["m"], expansion_add=how["efc"])
        self.index.add(np.arange(len(rows)), rows, threads=1)

    def save(self, folder):
        self.index.save(str(folder / "index"))

    def load(self, folder, metric, _, how):
        from usearch.index import Index

        self.has_floats = metric in ("HAMMING", "JACCARD") or how["type"] == "f32"
        self.index = Index.restore(str(folder / "index"))

    def search(self, queries, setting):
        self.index.expansion_search = setting["ef"]
        return self.index.search(queries, K, threads=1).keys.astype("int64")


class Scann:
    metrics, has_floats = ("L2", "COSINE"), True
    builds = [{"leaves_factor": 2}, {"leaves_factor": 4}]
    quick_builds = [{"leaves_factor": 2}]
    settings = [{"leaves": n, "reorder": r} for n in (3, 6, 10, 16, 24, 36, 52, 76, 110, 160, 230, 330) for r in (30, 80, 200, 400)]
    quick_settings = [{"leaves": n, "reorder": r} for n in (4, 8, 16, 32, 64, 128, 256) for r in (40, 120, 400)]

    def build(self, rows, metric, how, _):
        import scann

        leaves = int(how["leaves_factor"] * len(rows) ** 0.5)
        kind = "squared_l2" if metric == "L2" else "dot_product"
        builder = scann.scann_ops_pybind.builder(rows, K, kind).set_n_training_threads(1)
        builder = builder.tree(num_leaves=leaves, num_leaves_to_search=leaves // 10, training_sample_size=min(len(rows), 250_000))
        threshold = float("nan") if metric == "L2" else 0.2         # the anisotropic loss is of inner products
        self.index = builder.score_ah(2, anisotropic_quantization_threshold=threshold).reorder(100).build()

    def save(self, folder):
        self.index.serialize(str(folder))

    def load(self, folder, *_):
        import scann

        self.index = scann.scann_ops_pybind.load_searcher(str(folder))

    def search(self, queries, setting):
        return self.index.search_batched(queries, final_num_neighbors=K, leaves_to_search=setting["leaves"],
                                         pre_reorder_num_neighbors=setting["reorder"])[0].astype("int64")


class Zvec:
    """Called query by query; what a call costs on a collection of one block of rows, whose search is next to nothing, is taken off."""
    metrics, has_floats = ("L2", "COSINE"), True
    builds = [{"m": m, "efc": 200, "codes": codes} for m in (16, 32) for codes in ("UINT8", "UINT7", "UINT4")]
    quick_builds = [{"m": 32, "efc": 200, "codes": "UINT8"}, {"m": 32, "efc": 200, "codes": "UINT4"}]
    settings = quick_settings = [{"ef": ef, "scale": scale} for ef in EFS for scale in (2, 6) if ef < 640]
    BLOCK = 1000

    def _make(self, path, rows, how):
        from zvec import CollectionSchema, DataType, Doc, HnswIndexParam, MetricType, OptimizeOption, QuantizeType
        from zvec import VectorSchema, create_and_open

        # Its uniform codes know L2 only, which ranks rows of unit length as COSINE does.
        kind = HnswIndexParam(metric_type=MetricType.L2, m=how["m"], ef_construction=how["efc"], use_contiguous_memory=True,
                              use_flat_contiguous_memory=True, quantize_type=getattr(QuantizeType, "UNIFORM_" + how["codes"]))
        vectors = VectorSchema("v", DataType.VECTOR_FP32, dimension=rows.shape[1], index_param=kind)
        collection = create_and_open(path=str(path), schema=CollectionSchema(name="bench", fields=None, vectors=vectors))
        for first in range(0, len(rows), self.BLOCK):
            collection.insert([Doc(id=str(first + i), vectors={"v": row}) for i, row in enumerate(rows[first:first + self.BLOCK])])
        collection.optimize(OptimizeOption(concurrency=1))
        collection.flush()
        collection.close()

    def _open(self, path):
        from zvec import CollectionOption, open as reopen

        return reopen(path=str(path), option=CollectionOption(read_only=True, enable_mmap=True))

    def _start(self):
        import zvec

        zvec.init(log_level=zvec.LogLevel.ERROR, query_threads=1, optimize_threads=1)

    def build(self, rows, metric, how, folder):
        self._start()
        self._make(folder / "whole", rows, how)

    def save(self, folder):
        pass

    def load(self, folder, *_):
        self._start()
        self.index = self._open(folder / "whole")

    def prepare_overhead(self, scratch, rows, how):
        self._make(scratch / "small", rows[:2 * K], how)
        self.small = self._open(scratch / "small")

    def _ask(self, index, queries, setting):
        from zvec import HnswQueryParam, Query

        param = HnswQueryParam(ef=setting["ef"], is_using_refiner=True, scale_factor=setting["scale"])
        return [index.query_internal_ids(Query("v", vector=query, param=param), topk=K) for query in queries]

    def overhead(self, queries, setting):
        """Seconds of the calls themselves, at the smallest effort."""
        few = dict(setting, ef=K, scale=1)
        best = float("inf")
        for _ in range(3):
            began = time.process_time()
            self._ask(self.small, queries, few)
            best = min(best, time.process_time() - began)
        return best

    def search(self, queries, setting):
        return self._ask(self.index, queries, setting)

    def resolve(self, answers):
        """Numbers of rows; not part of what is timed."""
        return [[-1 if name is None else int(name) for name in self.index.resolve_internal_ids(ids)] for ids in answers]


PEERS = {"hnswlib": Hnswlib, "faiss-hnsw": FaissHnsw, "faiss-ivfpq": FaissIvfPq, "usearch": Usearch, "scann": Scann, "zvec": Zvec,
         "faiss-bhnsw": FaissBinaryHnsw, "faiss-bivf": FaissBinaryIvf}


def plans(name, metric, is_quick):
    """(builds, settings) to try; none when the peer does not know the metric."""
    peer = PEERS[name]
    if metric not in peer.metrics:
        return [], []
    builds = peer.quick_builds if is_quick else peer.builds
    if name == "usearch" and metric in ("HAMMING", "JACCARD"):
        builds = [how for how in builds if how == builds[-1]]       # the type of floats makes no difference
    return builds, peer.quick_settings if is_quick else peer.settings


def answer(peer, queries, setting):
    """(seconds of the processor, ids) of all queries, after a few that fill the caches."""
    peer.search(queries[:WARM_UP], setting)
    began = time.process_time()
    ids = peer.search(queries, setting)
    seconds = time.process_time() - began
    if isinstance(peer, Zvec):
        seconds = max(seconds - peer.call_s, seconds / 100)
        ids = peer.resolve(ids)
    return seconds, [[int(i) for i in row] for row in ids]


def package_of(name):
    return "faiss-cpu" if name.startswith("faiss-") else name


def key(name, metric, how):
    """Name of the folder of a kept index: what it is made by and from."""
    words = [f"{k}={v}" for k, v in sorted(how.items())]
    version = importlib.metadata.version(package_of(name))
    return "".join(c if c.isalnum() or c in "=.-" else "_" for c in "-".join([name, version, metric, *words]))


def build(name, request):
    """Leaves the index and, last, told.json in request["kept"]."""
    import numpy as np

    peer, kept = PEERS[name](), Path(request["kept"])
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    rows = np.load(Path(request["rows"]))
    wall, cpu = time.perf_counter(), time.process_time()
    peer.build(rows, request["metric"], request["build"], kept)
    told = {"build_cpu_s": time.process_time() - cpu, "build_wall_s": time.perf_counter() - wall}
    peer.save(kept)
    told.update(size=common.size_of(kept), built=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
                load=round(os.getloadavg()[0], 1))
    (kept / "part").write_text(json.dumps(told), encoding="utf-8")
    (kept / "part").rename(kept / "told.json")


def resident():
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def serve(name, request):
    import numpy as np

    peer, kept = PEERS[name](), Path(request["kept"])
    rows, queries = np.load(Path(request["rows"]), mmap_mode="r"), np.load(Path(request["queries"]))
    told = json.loads((kept / "told.json").read_text(encoding="utf-8"))
    importlib.import_module(package_of(name).split("-")[0])         # the library itself is not counted
    before = resident()
    peer.load(kept, request["metric"], rows.shape[1], request["build"])
    peer.search(queries[:WARM_UP], peer.settings[0])
    told.update(has_floats=peer.has_floats, memory=resident() - before)
    if isinstance(peer, Zvec):
        peer.prepare_overhead(Path(request["scratch"]), np.array(rows[:2 * K]), request["build"])
        peer.call_s = peer.overhead(queries, peer.settings[0])
        told["call_us"] = 1e6 * peer.call_s / len(queries)
    return peer, queries, told


def main():
    verb, name, request = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)                                                   # what the libraries print is no answer
    if verb == "build":
        build(name, request)
        return
    peer, queries, told = serve(name, request)
    print(json.dumps(told), file=out, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        seconds, ids = answer(peer, queries, asked["setting"])
        print(json.dumps({"cpu_s": seconds, "ids": ids if asked["wants_ids"] else None}), file=out, flush=True)


if __name__ == "__main__":
    main()
