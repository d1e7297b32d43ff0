"""Recall of answers, and what the points (recall, queries a second) of one engine say about a wanted recall. Needs no package.

The envelope of an engine holds the points that no other of its points beats in both; between two of them the logarithm of the speed is
taken to fall linearly with recall.
"""
import math

TOLERANCE = 1e-5            # a hit as far as the k-th true one is right: equal rows, and the rounding of float sums


def recall(hits, kth, k):
    """Share of the k nearest that was found, over all queries.

    hits: for each query (id, true distance) of what was answered; kth: for each the distance of the k-th true neighbour.
    An id counts once; ids below zero are no hits."""
    found = 0
    for answered, farthest in zip(hits, kth):
        near = {i for i, distance in answered if i >= 0 and distance <= farthest + TOLERANCE * max(1.0, abs(farthest))}
        found += min(k, len(near))
    return found / (k * len(kth))


def envelope(points):
    """The points (recall, qps) that are not beaten, by rising recall and so falling speed."""
    kept, fastest = [], -math.inf
    for reached, qps in sorted(points, key=lambda p: (-p[0], -p[1])):
        if qps > fastest:
            kept.append((reached, qps))
            fastest = qps
    return kept[::-1]


def qps_at(points, wanted):
    """Speed at a recall; of the fastest point when all are above it; None when none reaches it."""
    line = envelope(points)
    if not line or line[-1][0] < wanted:
        return None
    if line[0][0] >= wanted:
        return line[0][1]
    for (low, fast), (high, slow) in zip(line, line[1:]):
        if high >= wanted:
            share = (wanted - low) / (high - low)
            return math.exp((1 - share) * math.log(fast) + share * math.log(slow))
    return None


def is_above(points, wanted):
    """Whether even the fastest point has a higher recall: qps_at() is that point's speed then."""
    line = envelope(points)
    return bool(line) and line[0][0] > wanted


def ratio(ours, theirs):
    """ours / theirs; None when one of them is not known."""
    return ours / theirs if ours and theirs else None
