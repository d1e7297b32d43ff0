#!/usr/bin/env python3
"""Makes a Milvus 0.9 - 1.1 installation of any size for tests and benchmarks. Needs Python 3.9+, nothing else.

    make_installation.py OUT --rows 100000 --dim 128 --metric L2 --segments 8
    make_installation.py OUT --rows 1000 --partitions 'cities,two words' --deletes 0.1 --unsorted-deletes --wal-rows 50 --wal-deletes 5

The same options give the same bytes (but for salts inside a left-over SQLite -wal). With truth (default up to 200,000 rows)
OUT/truth holds what must be found, in the form that tests/golden/check_golden.py reads. Rows are spread over the collection
and its partitions in turn. Tests that need exact bytes use the module milvus1x instead of this command line.
"""
import argparse
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from milvus1x import METRICS, Installation, random_vectors, segment_ids_sorted, tag_list   # noqa: E402


def arguments():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("out", help="folder to make (must not exist, or --force)")
    a.add_argument("--force", action="store_true", help="remove OUT first")
    a.add_argument("--collection", default="vectors", help="its name (default: vectors); a comma-separated list makes several alike")
    a.add_argument("--rows", type=int, default=1000, help="rows in segments, per collection")
    a.add_argument("--dim", type=int, default=16, help="dimension; bits for a binary metric")
    a.add_argument("--metric", choices=sorted(METRICS), default="L2")
    a.add_argument("--segments", type=int, default=1, help="segments per collection, spread over its partitions too")
    a.add_argument("--partitions", default="", help="comma-separated tags; %%XX for a special character")
    a.add_argument("--deletes", type=float, default=0.0, help="part of each segment's rows in deleted_docs, 0..1")
    a.add_argument("--unsorted-deletes", action="store_true", help="offsets in random order")
    a.add_argument("--duplicate-deletes", action="store_true", help="some offsets twice (as servers up to 1.0 do)")
    a.add_argument("--wal-rows", type=int, default=0, help="rows that are only in the write-ahead log")
    a.add_argument("--wal-deletes", type=int, default=0, help="deletes of flushed rows that are only in the write-ahead log")
    a.add_argument("--no-wal", action="store_true", help="a server with the write-ahead log switched off")
    a.add_argument("--backend", choices=("sqlite", "mysql"), default="sqlite", help="mysql: OUT/milvus_meta.sql to be loaded")
    a.add_argument("--leave-sqlite-wal", action="store_true", help="metadata rows only in meta.sqlite-wal, as after a kill")
    a.add_argument("--version", choices=("0.9.1", "0.10.6", "1.0.0", "1.1.1"), default="1.1.1")
    a.add_argument("--config", choices=("old", "new", "auto"), help="write conf/server_config.yaml of 0.9 (old) or later (new)")
    a.add_argument("--config-root", help="data root named in the config (default: OUT)")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--truth", action=argparse.BooleanOptionalAction, default=None)
    return a.parse_args()


def fill_segments(inst, args, collection, targets, metric):
    """Rows into segments, ids counting from 1 across the collection. Returns the ids that stay alive (a few, for deletes)."""
    done, some_live = 0, []
    for k in range(args.segments):
        count = args.rows // args.segments + (k < args.rows % args.segments)
        gone = inst.random.sample(range(count), int(round(count * args.deletes)))
        if not args.unsorted_deletes:
            gone.sort()
        if args.duplicate_deletes and gone:
            gone += inst.random.sample(gone, max(1, len(gone) // 10))
        ids = segment_ids_sorted(done + 1, count)
        vectors = random_vectors(inst.random, count, metric, args.dim)
        inst.segment(targets[k % len(targets)], ids, vectors, deleted=gone)
        dead = set(gone)
        some_live += [ids[j] for j in range(min(count, 1000)) if j not in dead]
        done += count
    return some_live


def log_pending(inst, args, collection, targets, metric, some_live):
    """Rows and deletes that only the log has."""
    batch, done = max(1, min(args.wal_rows, 1000)), 0
    while done < args.wal_rows:
        count = min(batch, args.wal_rows - done)
        target = targets[(done // batch) % len(targets)]
        first = args.rows + done + 1
        inst.insert(collection, range(first, first + count), random_vectors(inst.random, count, metric, args.dim),
                    tag=target.tag if target.owner else "")
        done += count
    if args.wal_deletes:
        inst.delete(collection, inst.random.sample(some_live, min(args.wal_deletes, len(some_live))))


def main():
    args = arguments()
    if args.segments < 1 or not 0 <= args.deletes <= 1:
        sys.exit("make_installation: --segments must be 1 or more, --deletes between 0 and 1")
    if os.path.exists(args.out):
        if not args.force:
            sys.exit(f"make_installation: {args.out} exists; remove it or give --force")
        shutil.rmtree(args.out)
    config = args.config if args.config != "auto" else "old" if args.version.startswith("0.9") else "new"
    truth = args.truth if args.truth is not None else args.rows <= 200000
    metric = METRICS[args.metric]
    with Installation(args.out, args.version, args.seed, args.backend, args.leave_sqlite_wal, config, args.config_root,
                      not args.no_wal, truth=truth, model=False) as inst:
        for name in args.collection.split(","):
            collection = inst.collection(name, args.dim, metric)
            targets = [collection] + [collection.partition(tag) for tag in tag_list(args.partitions)]
            some_live = fill_segments(inst, args, collection, targets, metric)
            if not args.no_wal:
                inst.delete(collection, [0])            # a flush with something to do gives every target its flush_lsn
                inst.flush(collection)
                log_pending(inst, args, collection, targets, metric, some_live)
        if args.wal_rows or args.wal_deletes:
            inst.ended = "killed"


if __name__ == "__main__":
    main()
