// What people do with the Node SDK, against a running server: its gRPC client and its HTTP client.
//
//     node_cases.mjs ADDRESS MIGRATED
//
// Last line: 'N passed, N failed'.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(process.cwd() + "/");
const { MilvusClient, HttpClient, DataType } = require("@zilliz/milvus2-sdk-node");

const [address, migrated] = process.argv.slice(2);
const DIM = 16;
let seed = 1;
const random = () => ((seed = (seed * 16807) % 2147483647) / 2147483647) * 2 - 1;
const vector = () => Float32Array.from({ length: DIM }, random);
const distance = (a, b) => a.reduce((sum, x, k) => sum + (x - b[k]) ** 2, 0);

const client = new MilvusClient({ address: address.replace(/^http:\/\//, "") });
const good = (answer) => {
  const status = answer.status ?? answer;
  assert.equal(status.error_code, "Success", JSON.stringify(status));
  return answer;
};

async function fresh(name) {
  if ((await client.hasCollection({ collection_name: name })).value) good(await client.dropCollection({ collection_name: name }));
}

const cases = {
  async connects() {
    await client.connectPromise;
    assert.equal((await client.checkHealth()).isHealthy, true);
    assert.match((await client.getVersion()).version, /^v2\./);
  },

  async creates_inserts_searches_and_drops() {
    await fresh("node");
    good(await client.createCollection({
      collection_name: "node", consistency_level: "Strong",
      fields: [
        { name: "id", data_type: DataType.Int64, is_primary_key: true, autoID: false },
        { name: "name", data_type: DataType.VarChar, max_length: 50 },
        { name: "vector", data_type: DataType.FloatVector, dim: DIM },
      ],
      enable_dynamic_field: true,
    }));
    good(await client.createIndex({ collection_name: "node", field_name: "vector", index_type: "HNSW", metric_type: "L2",
                                    params: { M: 16, efConstruction: 200 } }));
    good(await client.loadCollectionSync({ collection_name: "node" }));
    const rows = Array.from({ length: 300 }, (_, k) => ({ id: k, name: `row ${k}`, vector: Array.from(vector()), extra: k % 7 }));
    const done = good(await client.insert({ collection_name: "node", data: rows }));
    assert.equal(done.insert_cnt, "300");
    const found = good(await client.search({ collection_name: "node", data: rows[42].vector, limit: 5, output_fields: ["id", "name", "extra"] }));
    const wanted = rows.map((r) => [distance(r.vector, rows[42].vector), r.id]).sort((a, b) => a[0] - b[0]).slice(0, 5).map((p) => String(p[1]));
    assert.deepEqual(found.results.map((h) => String(h.id)), wanted);
    assert.equal(found.results[0].name, "row 42");
    assert.equal(found.results[0].extra, 0);
    const some = good(await client.query({ collection_name: "node", filter: "extra == 3 and id < 20", output_fields: ["id", "name"] }));
    assert.deepEqual(some.data.map((r) => Number(r.id)).sort((a, b) => a - b), [3, 10, 17]);
    const counted = good(await client.count({ collection_name: "node" }));
    assert.equal(Number(counted.data), 300);
    good(await client.delete({ collection_name: "node", filter: "id in [1, 2, 3]" }));
    assert.equal(Number((await client.count({ collection_name: "node" })).data), 297);
    good(await client.upsert({ collection_name: "node", data: [{ ...rows[5], name: "changed" }] }));
    const got = good(await client.get({ collection_name: "node", ids: [5], output_fields: ["name"] }));
    assert.equal(got.data[0].name, "changed");
    const index = good(await client.describeIndex({ collection_name: "node" }));
    assert.equal(index.index_descriptions[0].field_name, "vector");
    good(await client.flushSync({ collection_names: ["node"] }));
    good(await client.dropCollection({ collection_name: "node" }));
    assert.equal((await client.hasCollection({ collection_name: "node" })).value, false);
  },

  async iterates() {
    await fresh("node_it");
    good(await client.createCollection({ collection_name: "node_it", dimension: DIM, metric_type: "L2", consistency_level: "Strong" }));
    const rows = Array.from({ length: 500 }, (_, k) => ({ id: k, vector: Array.from(vector()) }));
    good(await client.insert({ collection_name: "node_it", data: rows }));
    const seen = new Set();
    for await (const batch of await client.queryIterator({ collection_name: "node_it", batchSize: 120, expr: "id >= 0", output_fields: ["id"] }))
      for (const row of batch) seen.add(String(row.id));
    assert.equal(seen.size, 500);
    const near = new Set();
    for await (const batch of await client.searchIterator({ collection_name: "node_it", data: rows[0].vector, batchSize: 50, limit: 200, output_fields: ["id"] }))
      for (const hit of batch) near.add(String(hit.id));
    assert.equal(near.size, 200);
    good(await client.dropCollection({ collection_name: "node_it" }));
  },

  async says_what_is_wrong() {
    const answer = await client.search({ collection_name: migrated, data: [1, 2, 3], limit: 1 }).catch((e) => ({ status: { error_code: "thrown", reason: e.message } }));
    assert.notEqual(answer.status.error_code, "Success");
    const missing = await client.describeCollection({ collection_name: "nobody" });
    assert.match(missing.status.reason, /can't find collection/);
  },

  async finds_migrated_rows() {
    const facts = good(await client.describeCollection({ collection_name: migrated }));
    assert.deepEqual(facts.schema.fields.map((f) => f.name), ["id", "data"]);
    const rows = good(await client.query({ collection_name: migrated, filter: "id >= 0", limit: 1, output_fields: ["id", "data"] }));
    const found = good(await client.search({ collection_name: migrated, data: Array.from(rows.data[0].data), limit: 1, output_fields: ["id"] }));
    assert.equal(String(found.results[0].id), String(rows.data[0].id));
  },

  async http_client() {
    const http = new HttpClient({ endpoint: address });
    const list = await http.listCollections({ dbName: "default" });
    assert.equal(list.code, 0);
    assert.ok(list.data.includes(migrated));
    const made = await http.createCollection({ collectionName: "node_http", dimension: 4, metricType: "L2" });
    assert.equal(made.code, 0, JSON.stringify(made));
    const put = await http.insert({ collectionName: "node_http", data: [{ id: 1, vector: [1, 2, 3, 4] }, { id: 2, vector: [4, 3, 2, 1] }] });
    assert.equal(put.code, 0, JSON.stringify(put));
    const found = await http.search({ collectionName: "node_http", data: [[1, 2, 3, 4]], limit: 2 });
    assert.equal(String(found.data[0].id), "1");
    assert.equal((await http.dropCollection({ collectionName: "node_http" })).code, 0);
  },

  async many_calls_at_once() {
    const rows = good(await client.query({ collection_name: migrated, filter: "id >= 0", limit: 1, output_fields: ["id", "data"] }));
    const query = Array.from(rows.data[0].data);
    const answers = await Promise.all(Array.from({ length: 500 }, () => client.search({ collection_name: migrated, data: query, limit: 3, output_fields: ["id"] })));
    for (const answer of answers) assert.equal(String(good(answer).results[0].id), String(rows.data[0].id));
  },
};

let passed = 0, failed = 0;
for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    passed++;
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}\n${error.stack}`);
  }
}
await client.closeConnection();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
