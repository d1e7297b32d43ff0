"""An SVG picture: queries a second against recall, one panel a set, one line an engine. Needs no package."""
import html
import math

import envelope

COLORS = {"godwit": "#c0392b", "hnswlib": "#2c6fbb", "faiss-hnsw": "#3a9d5d", "faiss-ivfpq": "#8bc34a", "usearch": "#8e5bb5",
          "scann": "#e08e0b", "zvec": "#17808a", "faiss-bhnsw": "#3a9d5d", "faiss-bivf": "#8bc34a"}
WIDTH, HEIGHT, COLUMNS = 420, 320, 2
LEFT, RIGHT, TOP, BOTTOM = 58, 96, 34, 40
RECALLS = [0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0]
CEILING = 0.0005            # the axis is of log(1 - recall); a recall of one is drawn here


def across(recall):
    """0 at recall .8, 1 at the ceiling, in steps as wide as the misses are many."""
    low, high = math.log(1 - RECALLS[0]), math.log(CEILING)
    return (math.log(max(1 - recall, CEILING)) - low) / (high - low)


def text(x, y, words, extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{html.escape(words)}</text>'


def short(qps):
    return f"{qps / 1000:g}k" if qps >= 1000 else f"{qps:g}"


def grid(lowest, highest, place):
    """Axes with their numbers."""
    parts, inner = [], (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM)
    for recall in RECALLS:
        x = LEFT + inner[0] * across(recall)
        parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#e4e4e4"/>')
        parts.append(text(x, HEIGHT - BOTTOM + 14, f"{recall:g}".lstrip("0"), 'text-anchor="middle" font-size="9"'))
    for power in range(math.floor(math.log10(lowest)), math.ceil(math.log10(highest)) + 1):
        for step in (1, 2, 5):
            qps = step * 10.0 ** power
            if lowest <= qps <= highest:
                y = place(0.9, qps)[1]
                parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#e4e4e4"/>')
                parts.append(text(LEFT - 5, y + 3, short(qps), 'text-anchor="end" font-size="9"'))
    parts.append(text(LEFT + inner[0] / 2, HEIGHT - 8, "recall at 10", 'text-anchor="middle"'))
    parts.append(text(0, 0, "queries a second, one core", f'text-anchor="middle" transform="translate(12 {HEIGHT / 2}) rotate(-90)"'))
    return parts


def panel(title, lines):
    """lines: engine -> points (recall, qps)"""
    shown = {name: [p for p in envelope.envelope(points) if p[0] >= RECALLS[0]] for name, points in lines.items()}
    shown = {name: points for name, points in shown.items() if points}
    parts = [text(LEFT, 20, title, 'font-size="13" font-weight="bold"')]
    if not shown:
        return parts + [text(LEFT, 60, "nothing reaches recall .8")]
    speeds = [qps for points in shown.values() for _, qps in points]
    lowest, highest = min(speeds) / 1.3, max(speeds) * 1.3
    inner = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM)

    def place(recall, qps):
        height = math.log(qps / lowest) / math.log(highest / lowest)
        return LEFT + inner[0] * across(recall), HEIGHT - BOTTOM - inner[1] * height

    parts += grid(lowest, highest, place)
    for row, (name, points) in enumerate(sorted(shown.items(), key=lambda item: -max(q for _, q in item[1]))):
        color, width = COLORS.get(name, "#555"), 2.6 if name == "godwit" else 1.5
        where = [place(*p) for p in points]
        parts.append(f'<polyline fill="none" stroke="{color}" stroke-width="{width}" points="'
                     + " ".join(f"{x:.1f},{y:.1f}" for x, y in where) + '"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width}" fill="{color}"/>' for x, y in where]
        parts.append(text(WIDTH - RIGHT + 10, TOP + 12 + 15 * row, name, f'fill="{color}" font-weight="bold"'))
    return parts


def draw(panels):
    """The whole picture; panels: (title, {engine: points})"""
    rows = -(-len(panels) // COLUMNS)
    size = (WIDTH * min(COLUMNS, len(panels)), HEIGHT * rows)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" viewBox="0 0 {size[0]} {size[1]}" '
             'font-family="sans-serif" font-size="11">', '<rect width="100%" height="100%" fill="white"/>']
    for number, (title, lines) in enumerate(panels):
        parts.append(f'<g transform="translate({WIDTH * (number % COLUMNS)} {HEIGHT * (number // COLUMNS)})">')
        parts += [*panel(title, lines), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"
