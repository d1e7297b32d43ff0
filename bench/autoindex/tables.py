#!/usr/bin/env python3
"""A record of run.py as tables in Markdown, for docs/benchmarks.md. Needs no package.

    bench/autoindex/tables.py godwit-bench-autoindex/record.json [MORE.json ...]
"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import envelope             # noqa: E402

RECALLS = (0.90, 0.95, 0.99)


def engines(whole):
    return list(dict.fromkeys(side["engine"] for side in whole["sides"]))


def points(whole, engine):
    """(recall, qps) of all indexes of an engine; Godwit's exact level only when there is nothing else."""
    found = [(p["recall"], p["qps"], p["is_exact"]) for s in whole["sides"] if s["engine"] == engine for p in s["points"]]
    approximate = [p[:2] for p in found if not p[2]]
    return approximate or [p[:2] for p in found]


def speed(whole, engine, recall):
    qps = envelope.qps_at(points(whole, engine), recall)
    if qps is None:
        return "–"
    return f"{qps:,.0f}" + ("+" if envelope.is_above(points(whole, engine), recall) else "")


def span(values, form):
    known = sorted(v for v in values if v is not None)
    if not known:
        return "–"
    low, high = form.format(known[0]), form.format(known[-1])
    return low if low == high else f"{low}–{high}"


def ratio(whole, engine, recall):
    found = envelope.ratio(*(envelope.qps_at(points(whole, name), recall) for name in ("godwit", engine)))
    return "–" if engine == "godwit" or found is None else f"{found:.2f} ×"


def row(whole, engine):
    sides = [s for s in whole["sides"] if s["engine"] == engine]
    name = f"**{engine}**" if engine == "godwit" else f"{engine} ({len(sides)})"
    cells = [name, *(speed(whole, engine, r) for r in RECALLS), *(ratio(whole, engine, r) for r in RECALLS[1:]),
             span((s["facts"].get("build_cpu_s") for s in sides), "{:.1f}"), span((s["bytes_a_row_beyond_vectors"] for s in sides), "{:.0f}")]
    return "| " + " | ".join(cells) + " |"


def filter_rows(whole):
    """The fastest level at .95 for each share of the rows."""
    able = {}
    for found in whole.get("filters", []):
        if found["recall"] >= 0.95 and found["us"] < able.get(found["share"], {"us": float("inf")})["us"]:
            able[found["share"]] = found
    for share in sorted(able):
        plain, found = able.get(0), able[share]
        yield (f"| {'no filter' if share == 0 else f'{100 * share:.0f} %'} | {found['us']:.0f} | "
               f"{found['us'] / plain['us']:.2f} × | {found['level']} | {found['recall']:.3f} | {found['plan']} |")


def table(whole):
    lines = [f"#### {whole['title']}: {whole['rows']:,} rows, {whole['metric']}, {whole['queries']:,} queries", "",
             "| engine (indexes) | queries/s at .90 | .95 | .99 | Godwit is faster at .95 | at .99 | build, CPU s | memory a row beyond vectors, bytes |",
             "|---|---|---|---|---|---|---|---|", *(row(whole, e) for e in engines(whole))]
    facts = next((s["facts"] for s in whole["sides"] if s["engine"] == "godwit"), {})
    if "lists_answer_s" in facts:
        sizes = ", ".join(f"{size / whole['rows']:.0f} bytes a row in {name}" for name, size in sorted(facts["files"].items()))
        lines += ["", f"Godwit: lists {facts['lists_cpu_s']:.2f} CPU s, graph {facts['graph_cpu_s']:.2f}; {sizes}. From the start of the import with "
                  f"all processors: first answer {facts['first_answer_s']:.2f} s, through lists {facts['lists_answer_s']:.2f} s, all "
                  f"{facts['index_answer_s']:.2f} s."]
    rows = list(filter_rows(whole))
    if rows:
        lines += ["", "| among | µs a query | of no filter | level | recall | plan |", "|---|---|---|---|---|---|", *rows]
    return lines + [f"\nFailed: {failure}" for failure in whole.get("failures", [])]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for path in sys.argv[1:]:
        for whole in json.loads(Path(path).read_text(encoding="utf-8"))["sets"]:
            print("\n".join(table(whole)) + "\n")


if __name__ == "__main__":
    main()
