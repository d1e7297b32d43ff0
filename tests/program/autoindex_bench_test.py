#!/usr/bin/env python3
"""Tests what bench/autoindex computes from measurements, and its picture: no network, no package."""
import math
import os
import sys
import unittest
import xml.dom.minidom

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench")
sys.path[:0] = [BENCH, os.path.join(BENCH, "autoindex")]
import datasets         # noqa: E402
import envelope         # noqa: E402
import godwit           # noqa: E402
import minilm_text      # noqa: E402
import peers            # noqa: E402
import plot             # noqa: E402
import tables           # noqa: E402


class Recall(unittest.TestCase):
    def test_all_found(self):
        self.assertEqual(envelope.recall([[(1, 0.1), (2, 0.2)]], [0.2], 2), 1)

    def test_one_of_two_queries_misses_one(self):
        hits = [[(1, 0.1), (2, 0.2)], [(3, 0.1), (4, 0.9)]]
        self.assertEqual(envelope.recall(hits, [0.2, 0.2], 2), 0.75)

    def test_equal_distance_counts_whatever_the_id(self):
        self.assertEqual(envelope.recall([[(8, 0.1), (9, 0.2)]], [0.2 - 1e-7], 2), 1)

    def test_same_id_twice_counts_once(self):
        self.assertEqual(envelope.recall([[(1, 0.1), (1, 0.1)]], [0.2], 2), 0.5)

    def test_filler_is_no_hit(self):
        self.assertEqual(envelope.recall([[(1, 0.1), (-1, 0.0)]], [0.2], 2), 0.5)

    def test_more_ties_than_wanted_is_one(self):
        self.assertEqual(envelope.recall([[(1, 0.2), (2, 0.2), (3, 0.2)]], [0.2], 2), 1)

    def test_negative_distances(self):
        self.assertEqual(envelope.recall([[(1, -5.0), (2, -3.0)]], [-4.0], 2), 0.5)


class Envelope(unittest.TestCase):
    POINTS = [(0.9, 1000), (0.92, 400), (0.99, 100), (0.95, 90), (0.8, 900)]

    def test_beaten_points_are_left_out(self):
        self.assertEqual(envelope.envelope(self.POINTS), [(0.9, 1000), (0.92, 400), (0.99, 100)])

    def test_same_recall_keeps_the_fastest(self):
        self.assertEqual(envelope.envelope([(0.9, 1), (0.9, 5), (0.9, 3)]), [(0.9, 5)])

    def test_order_does_not_matter(self):
        self.assertEqual(envelope.envelope(self.POINTS[::-1]), envelope.envelope(self.POINTS))

    def test_half_way_is_the_geometric_mean(self):
        self.assertAlmostEqual(envelope.qps_at([(0.9, 1000), (0.98, 10)], 0.94), 100)

    def test_at_a_point(self):
        self.assertAlmostEqual(envelope.qps_at(self.POINTS, 0.92), 400)

    def test_between_uses_the_neighbours_only(self):
        self.assertAlmostEqual(envelope.qps_at(self.POINTS, 0.955), math.sqrt(400 * 100))

    def test_below_all_points_is_the_fastest(self):
        self.assertEqual(envelope.qps_at(self.POINTS, 0.5), 1000)

    def test_above_all_points_is_none(self):
        self.assertIsNone(envelope.qps_at(self.POINTS, 0.995))
        self.assertIsNone(envelope.qps_at([], 0.9))

    def test_is_above(self):
        self.assertTrue(envelope.is_above(self.POINTS, 0.8))
        self.assertFalse(envelope.is_above(self.POINTS, 0.9))
        self.assertFalse(envelope.is_above([], 0.9))

    def test_ratio(self):
        self.assertEqual(envelope.ratio(10, 4), 2.5)
        self.assertIsNone(envelope.ratio(10, None))
        self.assertIsNone(envelope.ratio(None, 4))


class Text(unittest.TestCase):
    def test_sentences_of_descriptions(self):
        lines = ["Package: a", "Description-en: a summary of twenty letters", " The first sentence, long enough to be",
                 " taken. Too short.", " .", " The first sentence, long enough to be taken.", "  * a list is left out, however long it is", ""]
        self.assertEqual(list(minilm_text.split_descriptions(lines)),
                         ["a summary of twenty letters", "The first sentence, long enough to be taken."])


class Index(unittest.TestCase):
    def test_segments_of_any_shape(self):
        one = '{"segment": 0, "plan": "lists", "size": 5, "ladder": [{"k": 10}]}'
        for text in (one, f"[{one}]", f'{{"indexes": [{one}]}}', one + "\n"):
            self.assertEqual([s["size"] for s in godwit.index_segments(text)], [5], text)
        self.assertEqual(len(godwit.index_segments(one + "\n" + one)), 2)


class Plans(unittest.TestCase):
    def test_every_set_has_peers_and_every_peer_a_set(self):
        used = set()
        for name, spec in datasets.SETS.items():
            able = {peer for peer in peers.PEERS if peers.plans(peer, spec.metric, False)[0]}
            self.assertTrue(able, name)
            used |= able
        self.assertEqual(used, set(peers.PEERS))

    def test_quick_is_part_of_the_full_grid(self):
        for name in peers.PEERS:
            metric = peers.PEERS[name].metrics[0]
            full, quick = peers.plans(name, metric, False), peers.plans(name, metric, True)
            self.assertTrue(all(how in full[0] for how in quick[0]), name)
            self.assertLessEqual(len(quick[1]), len(full[1]), name)


class Tables(unittest.TestCase):
    @staticmethod
    def side(engine, points, exact=False):
        return {"engine": engine, "build": {}, "facts": {"build_cpu_s": 2.0}, "bytes_a_row_beyond_vectors": 60.4,
                "points": [{"recall": r, "qps": q, "is_exact": exact} for r, q in points]}

    def test_ratio_and_marks(self):
        whole = {"title": "t", "rows": 5000, "metric": "L2", "queries": 10, "failures": [],
                 "sides": [self.side("godwit", [(0.92, 4000), (0.95, 3000), (0.99, 500)]), self.side("godwit", [(1, 9)], True),
                           self.side("slow", [(0.9, 900), (0.95, 1000)])],
                 "filters": [{"share": 0, "recall": 0.96, "us": 10, "level": 1, "plan": "lists"},
                             {"share": 0.1, "recall": 0.94, "us": 1, "level": 1, "plan": "lists"},
                             {"share": 0.1, "recall": 0.97, "us": 15, "level": 2, "plan": "flat"}]}
        text = "\n".join(tables.table(whole))
        self.assertIn("| **godwit** | 4,000+ | 3,000 | 500 | – | – | 2.0 | 60 |", text)
        self.assertIn("| slow (1) | 1,000+ | 1,000 | – | 3.00 × | – | 2.0 | 60 |", text)
        self.assertIn("| 10 % | 15 | 1.50 × | 2 | 0.970 | flat |", text)


class Filters(unittest.TestCase):
    def test_costs_of_all_segments(self):
        one = {"build": {"lists": {"cpu_s": 1, "wall_s": 2}, "graph": {"cpu_s": 3, "wall_s": 4}}}
        self.assertEqual(godwit.build_costs([one, one, {}]), {"lists": {"cpu_s": 2, "wall_s": 4}, "graph": {"cpu_s": 6, "wall_s": 8}})


class Picture(unittest.TestCase):
    def test_is_xml_with_a_line_an_engine(self):
        lines = {"godwit": [(0.9, 1000), (0.99, 100)], "<odd>": [(0.85, 500), (1.0, 5)], "low": [(0.5, 9)]}
        drawn = plot.draw([("a & b", lines), ("empty", {"x": []})])
        root = xml.dom.minidom.parseString(drawn).documentElement
        self.assertEqual(len(root.getElementsByTagName("polyline")), 2)
        self.assertNotIn("nan", drawn)

    def test_higher_recall_is_further_right(self):
        places = [plot.across(r) for r in plot.RECALLS]
        self.assertEqual(places, sorted(places))
        self.assertEqual((places[0], places[-1]), (0, 1))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
