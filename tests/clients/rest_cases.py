"""What people do with curl: the RESTful API v2 (and v1's vector paths), against a running server.

    rest_cases.py ADDRESS MIGRATED

Every request goes through the curl program, as the documentation of Milvus shows it. Last line: 'N passed, N failed'.
"""
import base64
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import traceback

ADDRESS, MIGRATED = sys.argv[1:3]
DIM = 8
RANDOM = random.Random(5)


def curl(path, body=None, *more):
    command = ["curl", "-sS", "--max-time", "60", *more, ADDRESS + path]
    if body is not None:
        command += ["-X", "POST", "-d", body if isinstance(body, str) else json.dumps(body)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, f"curl {path}: {done.stderr.decode()}"
    return done.stdout.decode()


def post(path, body, *more):
    return json.loads(curl("/v2/vectordb/" + path, body, *more))


def ok(path, body, *more):
    answer = post(path, body, *more)
    assert answer.get("code") == 0, f"{path} {json.dumps(body)[:200]}: {answer}"
    return answer.get("data")


def code(path, body, wanted, words=""):
    answer = post(path, body)
    assert answer.get("code") == wanted, f"{path} {json.dumps(body)[:200]}: {answer}, expected code {wanted}"
    assert words.lower() in answer.get("message", "").lower(), answer


def vector():
    return [RANDOM.uniform(-1, 1) for _ in range(DIM)]


def quick(name, rows):
    if ok("collections/has", {"collectionName": name})["has"]:
        ok("collections/drop", {"collectionName": name})
    ok("collections/create", {"collectionName": name, "dimension": DIM, "metricType": "L2"})
    data = [{"id": k, "vector": vector(), "n": k, "color": ["red", "green"][k % 2]} for k in range(rows)]
    done = ok("entities/insert", {"collectionName": name, "data": data})
    assert done["insertCount"] == rows and [int(k) for k in done["insertIds"]] == list(range(rows)), done
    return data


def case_quick_setup():
    data = quick("rest", 50)
    facts = ok("collections/describe", {"collectionName": "rest"})
    assert facts["collectionName"] == "rest" and facts["load"] == "LoadStateLoaded" and facts["enableDynamicField"]
    assert [f["name"] for f in facts["fields"]] == ["id", "vector"] and facts["indexes"][0]["metricType"] == "L2"
    assert "rest" in ok("collections/list", {})
    hits = ok("entities/search", {"collectionName": "rest", "data": [data[7]["vector"]], "limit": 3, "outputFields": ["n", "color"]})
    assert hits[0]["id"] == 7 and hits[0]["distance"] < 1e-6 and hits[0]["n"] == 7 and hits[0]["color"] == "green" and len(hits) == 3
    answer = post("entities/search", {"collectionName": "rest", "data": [data[0]["vector"], data[1]["vector"]], "limit": 4})
    assert answer["topks"] == [4, 4] and len(answer["data"]) == 8 and "cost" in answer
    rows = ok("entities/query", {"collectionName": "rest", "filter": 'n < 10 and color == "red"', "outputFields": ["n"]})
    assert sorted(r["n"] for r in rows) == [0, 2, 4, 6, 8]
    assert ok("entities/query", {"collectionName": "rest", "filter": "", "outputFields": ["count(*)"]}) == [{"count(*)": 50}]
    rows = ok("entities/get", {"collectionName": "rest", "id": [3, 4, 99], "outputFields": ["vector"]})
    assert sorted(r["id"] for r in rows) == [3, 4] and len(rows[0]["vector"]) == DIM
    ok("entities/delete", {"collectionName": "rest", "filter": "n >= 40"})
    assert ok("entities/query", {"collectionName": "rest", "filter": "n >= {low}", "exprParams": {"low": 38}, "outputFields": ["n"]}) \
        and ok("entities/query", {"collectionName": "rest", "outputFields": ["count(*)"]})[0]["count(*)"] == 40
    ok("entities/upsert", {"collectionName": "rest", "data": [{"id": 1, "vector": data[2]["vector"], "n": 1000}]})
    assert ok("entities/get", {"collectionName": "rest", "id": 1})[0]["n"] == 1000
    assert ok("collections/get_stats", {"collectionName": "rest"})["rowCount"] == 40
    ok("collections/drop", {"collectionName": "rest"})
    code("collections/describe", {"collectionName": "rest"}, 100, "can't find collection")


def case_custom_schema():
    if ok("collections/has", {"collectionName": "custom"})["has"]:
        ok("collections/drop", {"collectionName": "custom"})
    fields = [{"fieldName": "key", "dataType": "VarChar", "isPrimary": True, "elementTypeParams": {"max_length": "40"}},
              {"fieldName": "bits", "dataType": "BinaryVector", "elementTypeParams": {"dim": "32"}},
              {"fieldName": "price", "dataType": "Double"}, {"fieldName": "j", "dataType": "JSON"},
              {"fieldName": "tags", "dataType": "Array", "elementDataType": "VarChar", "elementTypeParams": {"max_capacity": "8", "max_length": "9"}}]
    ok("collections/create", {"collectionName": "custom", "schema": {"autoId": False, "enableDynamicField": False, "fields": fields},
                              "indexParams": [{"fieldName": "bits", "indexName": "by_bits", "metricType": "JACCARD", "params": {"index_type": "AUTOINDEX"}}]})
    bits = [struct.pack("<I", RANDOM.getrandbits(32) | 1) for _ in range(20)]
    data = [{"key": f"k{k}", "bits": base64.b64encode(b).decode(), "price": k / 2, "j": {"a": k}, "tags": ["x", f"t{k}"]} for k, b in enumerate(bits)]
    done = ok("entities/insert", {"collectionName": "custom", "data": data})
    assert done["insertIds"] == [f"k{k}" for k in range(20)], done
    hits = ok("entities/search", {"collectionName": "custom", "data": [data[5]["bits"]], "annsField": "bits", "limit": 2, "outputFields": ["*"]})
    assert hits[0]["id"] == "k5" and hits[0]["distance"] == 0 and hits[0]["price"] == 2.5 and hits[0]["bits"] == data[5]["bits"], hits
    rows = ok("entities/query", {"collectionName": "custom", "filter": 'array_contains(tags, "t3") or j["a"] == 9', "outputFields": ["price"]})
    assert sorted(r["price"] for r in rows) == [1.5, 4.5]
    assert ok("indexes/list", {"collectionName": "custom"}) == ["by_bits"]
    index = ok("indexes/describe", {"collectionName": "custom", "indexName": "by_bits"})[0]
    assert index["metricType"] == "JACCARD" and index["indexState"] == "Finished" and index["fieldName"] == "bits", index
    code("entities/insert", {"collectionName": "custom", "data": [dict(data[0], other=1)]}, 1804, "dynamic")
    ok("collections/drop", {"collectionName": "custom"})


def case_partitions_aliases_databases():
    quick("rest_parts", 10)
    ok("partitions/create", {"collectionName": "rest_parts", "partitionName": "late"})
    ok("entities/insert", {"collectionName": "rest_parts", "partitionName": "late", "data": [{"id": 100, "vector": vector()}]})
    assert sorted(ok("partitions/list", {"collectionName": "rest_parts"})) == ["_default", "late"]
    assert ok("partitions/has", {"collectionName": "rest_parts", "partitionName": "late"})["has"] is True
    assert ok("partitions/get_stats", {"collectionName": "rest_parts", "partitionName": "late"})["rowCount"] == 1
    rows = ok("entities/query", {"collectionName": "rest_parts", "filter": "id >= 0", "partitionNames": ["late"]})
    assert [r["id"] for r in rows] == [100]
    ok("aliases/create", {"collectionName": "rest_parts", "aliasName": "rest_nick"})
    assert ok("aliases/describe", {"aliasName": "rest_nick"})["collectionName"] == "rest_parts"
    assert ok("collections/describe", {"collectionName": "rest_nick"})["aliases"] == ["rest_nick"]
    ok("aliases/drop", {"aliasName": "rest_nick"})
    ok("partitions/release", {"collectionName": "rest_parts", "partitionNames": ["late"]})
    ok("partitions/drop", {"collectionName": "rest_parts", "partitionName": "late"})
    ok("databases/create", {"dbName": "rest_db"})
    assert "rest_db" in ok("databases/list", {})
    assert ok("collections/list", {"dbName": "rest_db"}) == []
    ok("databases/drop", {"dbName": "rest_db"})
    code("collections/list", {"dbName": "rest_db"}, 800)
    ok("collections/release", {"collectionName": "rest_parts"})
    assert ok("collections/get_load_state", {"collectionName": "rest_parts"})["loadState"] == "LoadStateNotLoad"
    ok("collections/drop", {"collectionName": "rest_parts"})


def case_int64_as_text():
    quick("rest_ints", 1)
    big = (1 << 60) + 1
    ok("entities/insert", {"collectionName": "rest_ints", "data": [{"id": big, "vector": vector()}]})
    row = ok("entities/get", {"collectionName": "rest_ints", "id": str(big), "outputFields": ["id"]}, "-H", "Accept-Type-Allow-Int64: false")[0]
    assert row["id"] == str(big), row
    row = ok("entities/get", {"collectionName": "rest_ints", "id": big, "outputFields": ["id"]}, "-H", "Accept-Type-Allow-Int64: true")[0]
    assert row["id"] == big, row
    ok("collections/drop", {"collectionName": "rest_ints"})


def case_errors():
    assert json.loads(curl("/v2/vectordb/collections/describe", "not json"))["code"] == 1801
    code("collections/describe", {}, 1802)
    code("collections/create", {"collectionName": "1x", "dimension": 4}, 1100, "Invalid collection name")
    code("collections/create", {"collectionName": "x_y"}, 1100, "dimension")
    code("entities/search", {"collectionName": "nobody", "data": [[1.0]]}, 100)
    code("entities/query", {"collectionName": MIGRATED, "filter": "id <"}, 1100, "cannot parse expression")
    assert json.loads(curl("/v2/vectordb/resource_groups/list", {}))["code"] != 0
    status = curl("/nowhere", None, "-o", "/dev/null", "-w", "%{http_code}")
    assert status == "404", status


def case_health_and_metrics():
    assert curl("/healthz").strip().strip('"') == "OK"
    text = curl("/metrics")
    assert "godwit_" in text and "# TYPE" in text
    assert json.loads(curl("/openapi.json"))["openapi"].startswith("3.")


def case_migrated_collection():
    facts = ok("collections/describe", {"collectionName": MIGRATED})
    assert [f["name"] for f in facts["fields"]] == ["id", "data"] and facts["load"] == "LoadStateLoaded"
    row = ok("entities/query", {"collectionName": MIGRATED, "filter": "id >= 0", "limit": 1, "outputFields": ["data"]})[0]
    assert ok("entities/search", {"collectionName": MIGRATED, "data": [row["data"]], "limit": 1})[0]["id"] == row["id"]


def case_version_1():
    quick("rest_v1", 5)
    answer = json.loads(curl("/v1/vector/query", {"collectionName": "rest_v1", "filter": "n == 3", "outputFields": ["n"]}))
    assert answer["code"] == 200 and answer["data"][0]["n"] == 3, answer
    answer = json.loads(curl("/v1/vector/delete", {"collectionName": "rest_v1"}))
    assert answer["code"] == 1802, answer
    assert curl("/v1/vector/insert", None, "-o", "/dev/null", "-w", "%{http_code}") == "404"
    names = json.loads(curl("/v1/vector/collections"))
    assert names["code"] == 200 and "rest_v1" in names["data"], names
    ok("collections/drop", {"collectionName": "rest_v1"})


def case_import_job():
    quick("rest_import", 0 + 1)
    with tempfile.TemporaryDirectory(dir=os.environ["GODWIT_IMPORT_DIR"]) as scratch:
        os.chmod(scratch, 0o755)
        path = os.path.join(scratch, "rows.json")
        with open(path, "w", encoding="ascii") as f:
            json.dump([{"id": 10 + k, "vector": vector(), "n": k} for k in range(30)], f)
        job = ok("jobs/import/create", {"collectionName": "rest_import", "files": [[path]]})["jobId"]
        for _ in range(600):
            state = ok("jobs/import/describe", {"jobId": job})
            if state["state"] in ("Completed", "Failed"):
                break
            time.sleep(0.05)
        assert state["state"] == "Completed" and state["importedRows"] == 30 and state["progress"] == 100, state
        assert job in [r["jobId"] for r in ok("jobs/import/list", {"collectionName": "rest_import"})["records"]]
        code("jobs/import/create", {"collectionName": "rest_import", "files": [[path + ".parquet"]]}, 2100)
    assert ok("entities/query", {"collectionName": "rest_import", "outputFields": ["count(*)"]})[0]["count(*)"] == 31
    ok("collections/drop", {"collectionName": "rest_import"})


def main():
    passed = failed = 0
    for name, case in sorted((k, v) for k, v in globals().items() if k.startswith("case_")):
        try:
            case()
            passed += 1
        except Exception:                                                       # a failing case must not end the others
            failed += 1
            print(f"FAIL {name}\n{traceback.format_exc()}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
