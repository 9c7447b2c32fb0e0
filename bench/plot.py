#!/usr/bin/env python3
"""plot.py: docs/plots/*.svg from bench/data/*.tsv, by `make plots`. Nothing but the standard library.

Each picture is readable on a light and on a dark page: it takes its colours, ground and all, from the reader's scheme. Bars are
labelled with their figures, so that nothing has to be read off an axis.
"""
import csv
import html
import math
import os
import re

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), '..'))
STYLE = '''<style>
.page { fill: #ffffff }
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.note { font-size: 12px; fill: #59636e }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.ours { fill: #0a7d5b } .theirs { fill: #8b96a3 }
.line { fill: none; stroke: #0a7d5b; stroke-width: 2.5 } .line2 { fill: none; stroke: #b35900; stroke-width: 2.5 }
.dot2 { fill: #b35900 }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } text { fill: #e6edf3 } .note { fill: #9198a1 } .grid { stroke: #3d444d }
.ours { fill: #3fb68b } .theirs { fill: #6e7781 } .line { stroke: #3fb68b } .line2 { stroke: #e09b4f } .dot2 { fill: #e09b4f }
}
</style>'''


def table(name):
    """Rows of bench/data/NAME.tsv, or none where it hasn't been measured yet."""
    path = f'{TOP}/bench/data/{name}.tsv'
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return list(csv.reader(file, delimiter='\t'))


def short(n):
    """A figure for a label: three digits that count."""
    if n >= 10000:
        return f'{n / 1000:.0f} k'
    if n >= 100 or n == int(n):
        return f'{n:.0f}'
    return f'{n:.2f}' if n < 10 else f'{n:.1f}'


def text(x, y, words, anchor='start', kind=''):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}>{html.escape(words)}</text>'


def save(name, width, height, title, note, parts):
    body = '\n'.join([STYLE, f'<rect class="page" width="{width}" height="{height}" rx="6"/>', f'<title>{html.escape(title)}</title>', text(16, 26, title, kind='title'), text(16, 46, note, kind='note'), *parts])
    os.makedirs(f'{TOP}/docs/plots', exist_ok=True)
    with open(f'{TOP}/docs/plots/{name}.svg', 'w') as out:
        out.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">\n{body}\n</svg>\n')
    print(f'docs/plots/{name}.svg')


def bars(name, title, note, rows, mark=None, left=200):
    """Horizontal bars: rows of (label, value, ours, words). mark: a value with a line through all, and its words. left: room for labels."""
    right, top, step = 120, 66, 26
    width, height = 760, top + step * len(rows) + 34
    most = max([value for _, value, _, _ in rows] + ([mark[0]] if mark else []))
    scale = (width - left - right) / most
    parts = [f'<line class="grid" x1="{left}" x2="{left}" y1="{top - 6}" y2="{top + step * len(rows)}"/>']
    for i, (label, value, ours, words) in enumerate(rows):
        y = top + i * step
        parts.append(text(left - 8, y + 14, label, 'end'))
        parts.append(f'<rect class="{"ours" if ours else "theirs"}" x="{left}" y="{y}" width="{max(value * scale, 1):.1f}" height="18" rx="2"/>')
        parts.append(text(left + value * scale + 6, y + 14, words))
    if mark:
        x = left + mark[0] * scale
        parts.append(f'<line class="line2" stroke-dasharray="4 3" x1="{x:.0f}" x2="{x:.0f}" y1="{top - 6}" y2="{top + step * len(rows)}"/>')
        parts.append(text(x, top + step * len(rows) + 18, mark[1], 'middle', 'note'))
    save(name, width, height, title, note, parts)


def peers():
    rows = table('peers')
    if not rows:
        return
    names, figures = rows[0][1:], {row[0]: row[1:] for row in rows[1:]}
    for name, figure, title, note in (
            ('peers-new', 'refreshes/s, 8, new connection each', 'Refreshes per second, 8 sessions, a new connection for each', 'More is better. Refreshes/s; one client for all, on the same two cores.'),
            ('peers-bytes', 'bytes written per refresh', 'Bytes written to disk files per refresh', 'Less is better. Bytes, with what its checkpoints write; over 400 refreshes of one session.')):
        found = [(label, number(value)) for label, value in zip(names, figures.get(figure, [])) if number(value) is not None]
        if found:
            bars(name, title, note, [(label, value, label.startswith('latchkey'), short(value)) for label, value in sorted(found, key=lambda pair: -pair[1])], left=290)


def rates():
    """Refreshes per second at 8 connections; the limit is a line."""
    rows = table('rates')
    if not rows:
        return
    at = rows[0].index('rate at 8')
    found = [(row[0], number(row[at]), row[1]) for row in rows[1:] if number(row[at]) is not None and ' GET ' not in row[0]]
    limit = [(value, f'{name}: {short(value)}') for name, value, kind in found if kind == 'limit']
    ranked = sorted((row for row in found if row[2] != 'limit'), key=lambda row: -row[1])
    bars('peers-rate', 'Refreshes per second, 8 sessions, keep-alive', 'More is better. Refreshes/s; one client for all, each server by itself, on the same two cores.',
         [(name, value, kind == 'latchkey', short(value)) for name, value, kind in ranked], max(limit, default=None), left=290)


def number(value):
    match = re.match(r'[0-9.]+', value)
    return float(match.group()) if match else None


def fronts():
    rate = {(row[0], row[1], row[2]): float(row[3]) for row in table('fronts')[1:]}
    names = list(dict.fromkeys(front for front, _, _ in rate))
    rows = [(f'{front}, {n} at once', rate[front, 'latchkey', n] / rate[front, 'hello', n], n == '8') for front in names for n in ('1', '8')]
    if rows:
        bars('fronts', 'Refreshes per second through web servers, as a share of hello', 'More is better. hello: a 300-byte answer by a program that does nothing, started in the same way.',
             [(label, ratio, True, f'{ratio:.2f}') for label, ratio, _ in rows], (0.6, 'wanted: 0.6'))


def scale():
    rows = [[float(cell) for cell in row] for row in table('scale')[1:]]
    if len(rows) < 2:
        return
    width, height, left, right, top, bottom = 760, 360, 70, 150, 76, 56
    first = rows[0]
    series = [('latency', 'line', 'ours', [(row[0], row[6] / first[6]) for row in rows]), ('bytes written', 'line2', 'dot2', [(row[0], row[8] / first[8]) for row in rows])]
    most = max([1.4] + [y for _, _, _, points in series for _, y in points]) * 1.05
    low, high = math.log10(rows[0][0]), math.log10(max(row[0] for row in rows))

    def place(x, y):
        return left + (math.log10(x) - low) / (high - low) * (width - left - right), height - bottom - y / most * (height - top - bottom)
    parts = []
    for tick in range(0, int(most * 5) + 1):
        y = place(rows[0][0], tick / 5)[1]
        parts.append(f'<line class="grid" x1="{left}" x2="{width - right}" y1="{y:.0f}" y2="{y:.0f}"/>')
        parts.append(text(left - 8, y + 4, f'{tick / 5:.1f}', 'end', 'note'))
    for row in rows:
        x = place(row[0], 0)[0]
        parts.append(text(x, height - bottom + 20, f'{row[0]:,.0f}'.replace(',', ' '), 'middle', 'note'))
    parts.append(text((left + width - right) / 2, height - 12, 'sessions in the database (logarithmic)', 'middle', 'note'))
    for label, line, dot, points in series:
        places = [place(x, y) for x, y in sorted(points)]
        parts.append(f'<polyline class="{line}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>')
        parts += [f'<circle class="{dot}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in places]
    # The names stand apart, in the order of their ends.
    ends = sorted((place(*max(points))[1], label, max(points)[1]) for label, _, _, points in series)
    for i, (y, label, value) in enumerate(ends):
        at = y + 4 if i == 0 else max(y + 4, ends[0][0] + 4 + 18)
        mark = 'ours' if label == 'latency' else 'dot2'
        parts.append(f'<circle class="{mark}" cx="{width - right + 16}" cy="{at - 4:.0f}" r="4"/>')
        parts.append(text(width - right + 26, at, f'{label} {value:.2f}'))
    save('scale', width, height, 'A refresh among more sessions', 'Ratio to 1000 sessions. Each refresh is of another session, and a process of its own.', parts)


if __name__ == '__main__':
    rates()
    peers()
    fronts()
    scale()
