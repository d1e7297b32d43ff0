"""What people do with pymilvus, against a running server; any release line from 2.3 on.

    pymilvus_cases.py ADDRESS MIGRATED      ADDRESS "http://127.0.0.1:19530"; MIGRATED names a collection that came from Milvus 1.x

Answers are compared with numpy's, or with a model kept here. Calls that a release does not have yet are left out with it.
Last line: 'N passed, N failed[, N skipped]'.
"""
import json
import logging
import os
import sys
import tempfile
import time
import traceback
import warnings

import numpy as np
import pymilvus
from pymilvus import (Collection, CollectionSchema, DataType, FieldSchema, MilvusClient, MilvusException, connections,
                      utility)

logging.disable(logging.CRITICAL)                                               # pymilvus logs every refusal that a case wants
warnings.simplefilter("ignore")
ADDRESS, MIGRATED = sys.argv[1:3]
VERSION = tuple(int(k) for k in pymilvus.__version__.split(".")[:2])
DIM = 16
RNG = np.random.default_rng(7)


class Skip(Exception):
    """The release at hand has no such call."""


def need(*version):
    if VERSION < version:
        raise Skip(f"pymilvus {pymilvus.__version__} has no such call")


def client():
    return MilvusClient(uri=ADDRESS)


def unit(rows, dim=DIM):
    vectors = RNG.standard_normal((rows, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def nearest(vectors, query, k, metric="COSINE"):
    """Row numbers and scores, best first."""
    if metric == "L2":
        scores = ((vectors - query) ** 2).sum(axis=1)
        order = np.argsort(scores, kind="stable")
    else:
        scores = vectors @ query
        order = np.argsort(-scores, kind="stable")
    return order[:k], scores[order[:k]]


def refused(call, *words):
    try:
        call()
    except MilvusException as error:
        text = str(error).lower()
        assert all(w.lower() in text for w in words), f"{words} not in {error}"
        return
    raise AssertionError("nothing was refused")


def fresh(c, name):
    if c.has_collection(name):
        c.drop_collection(name)


def quick(name, vectors, metric="COSINE"):
    """A collection of the quick set-up with one row a vector: id, vector, and the dynamic keys n and color."""
    c = client()
    fresh(c, name)
    c.create_collection(name, dimension=vectors.shape[1], metric_type=metric, consistency_level="Strong")
    rows = [{"id": k, "vector": v.tolist(), "n": k, "color": ["red", "green", "blue"][k % 3]} for k, v in enumerate(vectors)]
    done = c.insert(name, rows)
    assert done["insert_count"] == len(rows), done
    return c


def full_schema(c, **options):
    schema = c.create_schema(auto_id=False, enable_dynamic_field=True, **options)
    schema.add_field("pk", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("v", DataType.FLOAT_VECTOR, dim=DIM)
    schema.add_field("ok", DataType.BOOL)
    schema.add_field("i8", DataType.INT8)
    schema.add_field("i16", DataType.INT16)
    schema.add_field("i32", DataType.INT32)
    schema.add_field("i64", DataType.INT64)
    schema.add_field("f", DataType.FLOAT)
    schema.add_field("d", DataType.DOUBLE)
    schema.add_field("s", DataType.VARCHAR, max_length=100)
    schema.add_field("j", DataType.JSON)
    schema.add_field("a", DataType.ARRAY, element_type=DataType.INT64, max_capacity=16)
    return schema


def full_row(k, vector):
    return {"pk": f"key-{k}", "v": vector.tolist(), "ok": k % 2 == 0, "i8": k % 100 - 50, "i16": -k, "i32": k * 1000,
            "i64": k << 33, "f": k / 4, "d": k / 3, "s": f"größe {k}", "j": {"k": k, "l": [k, "x"], "n": None},
            "a": list(range(k % 5)), "extra": f"e{k}"}


def index(c, name, *fields, metric="COSINE"):
    params = c.prepare_index_params()
    for field in fields:
        params.add_index(field, index_type="AUTOINDEX", metric_type=metric)
    c.create_index(name, params)
    c.load_collection(name)


# --- MilvusClient ------------------------------------------------------------------------------------------------------

def case_quick_setup_and_search():
    vectors = unit(500)
    c = quick("quick", vectors)
    for q in range(5):
        hits = c.search("quick", [vectors[q].tolist()], limit=10, output_fields=["n", "color"])[0]
        rows, scores = nearest(vectors, vectors[q], 10)
        assert [h["id"] for h in hits] == rows.tolist(), (hits, rows)
        assert np.allclose([h["distance"] for h in hits], scores, atol=1e-5)
        assert all(h["entity"]["n"] == h["id"] and h["entity"]["color"] for h in hits)
    c.drop_collection("quick")
    assert not c.has_collection("quick")


def case_metrics():
    vectors = unit(300) * 3
    for metric in ("L2", "IP"):
        c = quick("metrics", vectors, metric)
        hits = c.search("metrics", [vectors[3].tolist()], limit=7)[0]
        rows, scores = nearest(vectors, vectors[3], 7, metric)
        assert [h["id"] for h in hits] == rows.tolist(), metric
        assert np.allclose([h["distance"] for h in hits], scores, rtol=1e-4, atol=1e-4)


def case_filters():
    vectors = unit(400)
    c = quick("filters", vectors)
    wanted = {"n < 5": range(5), "n >= 395": range(395, 400), "n in [7, 9]": [7, 9], "n % 100 == 1": [1, 101, 201, 301],
              'color == "red" and n < 10': [0, 3, 6, 9], 'not (color == "red") and n < 4': [1, 2],
              'color like "gr%" and n < 8': [1, 4, 7], "10 < n <= 12": [11, 12]}
    for text, ids in wanted.items():
        found = c.query("filters", filter=text, output_fields=["n"])
        assert sorted(r["id"] for r in found) == sorted(ids), (text, found)
    for text in ("n < 40", 'color == "blue"', "id in [5, 6, 7]"):
        passing = {r["id"] for r in c.query("filters", filter=text, output_fields=["id"])}
        mask = np.array(sorted(passing))
        rows, _ = nearest(vectors[mask], vectors[0], 5)
        hits = c.search("filters", [vectors[0].tolist()], limit=5, filter=text)[0]
        assert [h["id"] for h in hits] == mask[rows].tolist()[:len(hits)] and len(hits) == min(5, len(mask)), text
    assert c.query("filters", filter="", output_fields=["count(*)"])[0]["count(*)"] == 400
    assert c.query("filters", filter="n < 33", output_fields=["count(*)"])[0]["count(*)"] == 33
    refused(lambda: c.query("filters", filter="n <"), "cannot parse expression")
    refused(lambda: c.query("filters", filter=""), "limit")


def case_get_delete_upsert():
    vectors = unit(100)
    c = quick("changes", vectors)
    got = c.get("changes", ids=[3, 99, 1000], output_fields=["vector", "n"])
    assert sorted(r["id"] for r in got) == [3, 99]
    assert np.array_equal(np.float32(got[0]["vector"]), vectors[got[0]["id"]])
    c.delete("changes", ids=[3, 4])
    c.delete("changes", filter="n >= 98")
    assert c.get("changes", ids=[3, 4, 98]) == []
    assert c.query("changes", filter="id >= 0", output_fields=["count(*)"])[0]["count(*)"] == 96
    new = unit(1)[0]
    c.upsert("changes", [{"id": 5, "vector": new.tolist(), "n": 500}])
    row = c.get("changes", ids=5)[0]
    assert row["n"] == 500 and "color" not in row and np.array_equal(np.float32(row["vector"]), new)
    assert c.query("changes", filter="id >= 0", output_fields=["count(*)"])[0]["count(*)"] == 96
    hit = c.search("changes", [new.tolist()], limit=1)[0][0]
    assert hit["id"] == 5 and abs(hit["distance"] - 1) < 1e-5


def case_every_type():
    need(2, 4)
    c = client()
    fresh(c, "types")
    c.create_collection("types", schema=full_schema(c), consistency_level="Strong")
    index(c, "types", "v")
    vectors = unit(50)
    rows = [full_row(k, v) for k, v in enumerate(vectors)]
    assert c.insert("types", rows)["ids"] == [r["pk"] for r in rows]
    for row in c.query("types", filter="i64 >= 0", output_fields=["*"], limit=100):
        wanted = rows[int(row["pk"][4:])]
        for key, value in wanted.items():
            found = row[key]
            if key in ("v", "f"):
                assert np.array_equal(np.float32(found), np.float32(value)), key
            elif key == "a":
                assert list(found) == value
            else:
                assert found == value, (key, found, value)
    found = c.query("types", filter='j["k"] < 3 and array_length(a) == 2', output_fields=["s"])
    assert [r["s"] for r in found] == ["größe 2"]
    assert len(c.query("types", filter='json_contains(j["l"], 7)', output_fields=["pk"])) == 1
    hit = c.search("types", [vectors[9].tolist()], limit=1, output_fields=["*"])[0][0]
    assert hit["entity"]["s"] == "größe 9" and hit["entity"]["extra"] == "e9"
    refused(lambda: c.insert("types", [dict(rows[0], s="x" * 101)]), "length")
    refused(lambda: c.insert("types", [dict(rows[0], v=[1.0] * (DIM + 1))]), "dim")


def case_other_vectors():
    need(2, 4)
    c = client()
    fresh(c, "vectors")
    schema = c.create_schema(auto_id=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("bits", DataType.BINARY_VECTOR, dim=64)
    schema.add_field("half", DataType.FLOAT16_VECTOR, dim=DIM)
    schema.add_field("full", DataType.FLOAT_VECTOR, dim=DIM)
    c.create_collection("vectors", schema=schema, consistency_level="Strong")
    params = c.prepare_index_params()
    params.add_index("bits", index_type="BIN_FLAT", metric_type="HAMMING")
    params.add_index("half", index_type="HNSW", metric_type="L2", params={"M": 16, "efConstruction": 100})
    params.add_index("full", index_type="IVF_FLAT", metric_type="L2", params={"nlist": 16})
    c.create_index("vectors", params)
    c.load_collection("vectors")
    bits = RNG.integers(0, 256, (60, 8), dtype=np.uint8)
    half, full = unit(60).astype(np.float16), unit(60)
    c.insert("vectors", [{"id": k, "bits": bits[k].tobytes(), "half": half[k], "full": full[k].tolist()} for k in range(60)])
    hits = c.search("vectors", [bits[7].tobytes()], anns_field="bits", limit=5)[0]
    distances = np.unpackbits(bits ^ bits[7], axis=1).sum(axis=1)
    assert hits[0]["id"] == 7 and [h["distance"] for h in hits] == sorted(distances.tolist())[:5]
    hits = c.search("vectors", [half[8]], anns_field="half", limit=5)[0]
    rows, scores = nearest(half.astype(np.float32), half[8].astype(np.float32), 5, "L2")
    assert [h["id"] for h in hits] == rows.tolist() and np.allclose([h["distance"] for h in hits], scores, atol=1e-3)
    hits = c.search("vectors", [full[9].tolist()], anns_field="full", limit=1)[0]
    assert hits[0]["id"] == 9
    refused(lambda: c.search("vectors", [full[9].tolist()], limit=1))
    assert c.describe_index("vectors", "half")["index_type"] == "HNSW"


def case_null_and_default():
    need(2, 5)
    c = client()
    fresh(c, "nulls")
    schema = c.create_schema(auto_id=True)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("v", DataType.FLOAT_VECTOR, dim=DIM)
    schema.add_field("note", DataType.VARCHAR, max_length=20, nullable=True)
    schema.add_field("stars", DataType.INT64, default_value=3)
    c.create_collection("nulls", schema=schema, consistency_level="Strong")
    index(c, "nulls", "v")
    vectors = unit(3)
    ids = c.insert("nulls", [{"v": vectors[0].tolist(), "note": "a", "stars": 5}, {"v": vectors[1].tolist(), "note": None},
                             {"v": vectors[2].tolist()}])["ids"]
    assert len(set(ids)) == 3
    rows = {r["id"]: r for r in c.query("nulls", filter="id > 0", output_fields=["note", "stars"], limit=9)}
    assert [rows[k]["note"] for k in ids] == ["a", None, None]
    assert [rows[k]["stars"] for k in ids] == [5, 3, 3]
    assert [r["id"] for r in c.query("nulls", filter="note is not null", output_fields=["id"])] == [ids[0]]


def case_partitions():
    c = client()
    vectors = unit(90)
    quick("parts", vectors[:30])
    if not hasattr(c, "create_partition"):
        raise Skip("no partitions in this MilvusClient")
    for name in ("p1", "p2"):
        c.create_partition("parts", name)
    for part, start in (("p1", 30), ("p2", 60)):
        c.insert("parts", [{"id": k, "vector": vectors[k].tolist()} for k in range(start, start + 30)], partition_name=part)
    assert sorted(c.list_partitions("parts")) == ["_default", "p1", "p2"]
    hits = c.search("parts", [vectors[0].tolist()], limit=90, partition_names=["p1"])[0]
    assert sorted(h["id"] for h in hits) == list(range(30, 60))
    assert int(c.get_partition_stats("parts", "p2")["row_count"]) == 30
    refused(lambda: c.search("parts", [vectors[0].tolist()], limit=1, partition_names=["none"]), "partition", "not found")
    c.release_partitions("parts", ["p2"])
    c.drop_partition("parts", "p2")
    assert not c.has_partition("parts", "p2")
    assert c.query("parts", filter="id >= 0", output_fields=["count(*)"])[0]["count(*)"] == 60


def case_aliases_and_rename():
    vectors = unit(10)
    c = quick("named", vectors)
    if not hasattr(c, "create_alias"):
        raise Skip("no aliases in this MilvusClient")
    fresh(c, "renamed")
    c.create_alias("named", "nick")
    assert c.search("nick", [vectors[4].tolist()], limit=1)[0][0]["id"] == 4
    assert c.describe_alias("nick")["collection_name"] == "named"
    assert c.list_aliases("named")["aliases"] == ["nick"]
    c.create_alias("named", "nick")  # the same again is no error, as in Milvus
    refused(lambda: c.create_alias("nobody", "nick"))
    c.drop_alias("nick")
    c.rename_collection("named", "renamed")
    assert c.has_collection("renamed") and not c.has_collection("named")
    c.drop_collection("renamed")


def case_databases():
    c = client()
    if not hasattr(c, "create_database"):
        raise Skip("no databases in this MilvusClient")
    if "shop" in c.list_databases():
        other = MilvusClient(uri=ADDRESS, db_name="shop")
        for name in other.list_collections():
            other.drop_collection(name)
        c.drop_database("shop")
    c.create_database("shop")
    other = MilvusClient(uri=ADDRESS, db_name="shop")
    other.create_collection("goods", dimension=DIM)
    assert other.list_collections() == ["goods"] and not c.has_collection("goods")
    refused(lambda: c.drop_database("shop"))
    other.drop_collection("goods")
    c.drop_database("shop")
    assert "shop" not in c.list_databases()


def case_describe():
    c = quick("described", unit(5))
    facts = c.describe_collection("described")
    assert [f["name"] for f in facts["fields"]] == ["id", "vector"] and facts["enable_dynamic_field"]
    assert facts["fields"][1]["params"]["dim"] == DIM
    assert "described" in c.list_collections()
    c.flush("described") if hasattr(c, "flush") else None
    assert int(c.get_collection_stats("described")["row_count"]) == 5
    assert c.describe_index("described", "vector")["metric_type"] == "COSINE"
    refused(lambda: c.describe_collection("nobody"), "find collection")
    if hasattr(c, "get_load_state"):
        assert "Loaded" in str(c.get_load_state("described")["state"])


def case_range_search():
    vectors = unit(300)
    c = quick("ranges", vectors, "L2")
    distances = ((vectors - vectors[0]) ** 2).sum(axis=1)
    low, high = np.float32(np.sort(distances)[20]), np.float32(np.sort(distances)[60])
    hits = c.search("ranges", [vectors[0].tolist()], limit=100,
                    search_params={"metric_type": "L2", "params": {"radius": float(high), "range_filter": float(low)}})[0]
    wanted = np.nonzero((distances >= low) & (distances < high))[0]
    assert abs(len(hits) - len(wanted)) <= 2 and all(low - 1e-5 <= h["distance"] <= high for h in hits)


def case_iterators():
    need(2, 5)
    vectors = unit(700)
    c = quick("iterated", vectors)
    seen, it = [], c.query_iterator("iterated", filter="n < 650", batch_size=100, output_fields=["n"])
    while batch := it.next():
        seen += [r["id"] for r in batch]
    it.close()
    assert seen == list(range(650))
    seen, it = [], c.search_iterator("iterated", [vectors[0].tolist()], batch_size=64, limit=300)
    while batch := it.next():
        seen += [h["id"] for h in batch]
    it.close()
    rows, _ = nearest(vectors, vectors[0], 300)
    assert len(seen) == len(set(seen)) == 300 and len(set(seen) & set(rows.tolist())) >= 295


def case_level_ten_is_exact():
    vectors = unit(3000)
    c = quick("levels", vectors)
    hits = c.search("levels", vectors[:20].tolist(), limit=10, search_params={"metric_type": "COSINE", "params": {"level": 10}})
    for q in range(20):
        assert [h["id"] for h in hits[q]] == nearest(vectors, vectors[q], 10)[0].tolist()


def case_migrated_collection():
    c = client()
    facts = c.describe_collection(MIGRATED)
    assert [f["name"] for f in facts["fields"]] == ["id", "data"], facts
    dim = facts["fields"][1]["params"]["dim"]
    count = c.query(MIGRATED, filter="", output_fields=["count(*)"])[0]["count(*)"]
    rows = c.query(MIGRATED, filter="id >= 0", output_fields=["data"], limit=3)
    assert 0 < len(rows) <= count and len(rows[0]["data"]) == dim
    hits = c.search(MIGRATED, [rows[0]["data"]], limit=1)[0]
    assert hits[0]["id"] == rows[0]["id"]


# --- ORM -----------------------------------------------------------------------------------------------------------

def case_orm():
    connections.connect(uri=ADDRESS)
    if utility.has_collection("orm"):
        utility.drop_collection("orm")
    schema = CollectionSchema([FieldSchema("id", DataType.INT64, is_primary=True, auto_id=True),
                               FieldSchema("year", DataType.INT32), FieldSchema("v", DataType.FLOAT_VECTOR, dim=DIM)])
    collection = Collection("orm", schema, consistency_level="Strong")
    vectors = unit(200)
    done = collection.insert([list(range(200)), vectors])
    assert done.insert_count == 200 and len(done.primary_keys) == 200
    collection.flush()
    assert collection.num_entities == 200
    refused(lambda: collection.load(), "index")
    collection.create_index("v", {"index_type": "IVF_FLAT", "metric_type": "L2", "params": {"nlist": 16}})
    assert collection.index().params["index_type"] == "IVF_FLAT"
    collection.load()
    assert utility.loading_progress("orm")["loading_progress"] == "100%"
    hits = collection.search([vectors[11]], "v", {"metric_type": "L2", "params": {"nprobe": 16}}, limit=4,
                             output_fields=["year"])[0]
    rows, scores = nearest(vectors, vectors[11], 4, "L2")
    assert [h.entity.get("year") for h in hits] == rows.tolist() and np.allclose(hits.distances, scores, atol=1e-5)
    found = collection.query("year in [3, 5]", output_fields=["year", "v"])
    assert sorted(r["year"] for r in found) == [3, 5]
    collection.delete(f"id in [{done.primary_keys[0]}]")
    assert collection.query("year == 0", output_fields=["id"]) == []
    collection.create_partition("late")
    assert sorted(p.name for p in collection.partitions) == ["_default", "late"]
    collection.release()
    refused(lambda: collection.query("year == 1", output_fields=["id"]), "not loaded")
    collection.drop()


def case_bulk_insert():
    """numpy and JSON files through the gRPC import calls."""
    connections.connect(uri=ADDRESS)
    if utility.has_collection("bulk"):
        utility.drop_collection("bulk")
    schema = CollectionSchema([FieldSchema("id", DataType.INT64, is_primary=True), FieldSchema("n", DataType.INT32),
                               FieldSchema("v", DataType.FLOAT_VECTOR, dim=DIM)])
    collection = Collection("bulk", schema, consistency_level="Strong")
    folder = os.environ["GODWIT_IMPORT_DIR"]
    vectors = unit(100)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        os.chmod(scratch, 0o755)
        np.save(os.path.join(scratch, "id.npy"), np.arange(100))
        np.save(os.path.join(scratch, "n.npy"), np.arange(100, dtype=np.int32))
        np.save(os.path.join(scratch, "v.npy"), vectors)
        with open(os.path.join(scratch, "rows.json"), "w", encoding="ascii") as f:
            json.dump({"rows": [{"id": 100 + k, "n": 100 + k, "v": vectors[k].tolist()} for k in range(100)]}, f)
        for files in ([f"{scratch}/id.npy", f"{scratch}/n.npy", f"{scratch}/v.npy"], [f"{scratch}/rows.json"]):
            wait(utility.do_bulk_insert("bulk", files))
        task = utility.do_bulk_insert("bulk", [f"{scratch}/id.npy", f"{scratch}/v.npy"])
        refused_job(task)
    collection.create_index("v", {"index_type": "AUTOINDEX", "metric_type": "L2"})
    collection.load()
    assert collection.query("id >= 0", output_fields=["count(*)"])[0]["count(*)"] == 200
    row = collection.query("id == 142", output_fields=["n", "v"])[0]
    assert row["n"] == 142 and np.array_equal(np.float32(row["v"]), vectors[42])
    collection.drop()


def job_state(task):
    for _ in range(600):
        state = utility.get_bulk_insert_state(task)
        if state.state_name in ("Completed", "Failed"):
            return state
        time.sleep(0.05)
    raise AssertionError("the import did not end")


def wait(task):
    state = job_state(task)
    assert state.state_name == "Completed", state


def refused_job(task):
    state = job_state(task)
    assert state.state_name == "Failed" and state.failed_reason, state


def main():
    passed = failed = skipped = 0
    for name, case in sorted((k, v) for k, v in globals().items() if k.startswith("case_")):
        try:
            case()
            passed += 1
        except Skip as why:
            skipped += 1
            print(f"skip {name}: {why}", flush=True)
        except Exception:                                                       # a failing case must not end the others
            failed += 1
            print(f"FAIL {name}\n{traceback.format_exc()}", flush=True)
    print(f"pymilvus {pymilvus.__version__}")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
