"""Draws a run as SVG: panels above each other, with one axis of time."""
import html
import math

WIDTH, PANEL_HEIGHT, LEFT, RIGHT, TOP, GAP = 960, 120, 70, 150, 30, 34
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555", "#999933")


class Panel:
    """Lines over time. A line is (name, [(seconds, value)])."""

    def __init__(self, title, lines, logarithmic=False):
        self.title, self.logarithmic = title, logarithmic
        self.lines = [(name, [(x, y) for x, y in points if y is not None and not math.isnan(y) and not math.isinf(y)])
                      for name, points in lines]

    def scale(self):
        """(least, most, ticks) of the values."""
        values = [y for _, points in self.lines for _, y in points if y > 0 or not self.logarithmic] or [1]
        if self.logarithmic:
            low = 10 ** math.floor(math.log10(min(values)))
            high = 10 ** math.ceil(math.log10(max(max(values), low * 1.01)))
            return low, high, [low * 10 ** power for power in range(round(math.log10(high / low)) + 1)]
        most = max(max(values), 1e-9)
        step = 10 ** math.floor(math.log10(most))
        step = next(step * part for part in (0.2, 0.5, 1, 2, 5) if most / (step * part) <= 5)
        count = math.ceil(most / step)
        return 0, step * count, [step * number for number in range(count + 1)]


def draw(panels, seconds, bands, heading):
    """`bands`: (begin, end, name, colour) of spans of time that are shaded."""
    height = TOP + len(panels) * (PANEL_HEIGHT + GAP) + 20
    inner = WIDTH - LEFT - RIGHT
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
             'font-family="DejaVu Sans, sans-serif" font-size="11">',
             f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
             f'<text x="{LEFT}" y="16" font-size="13">{html.escape(heading)}</text>']

    def x_of(time_s):
        return LEFT + inner * min(max(time_s / seconds, 0), 1)

    for number, panel in enumerate(panels):
        top = TOP + 16 + number * (PANEL_HEIGHT + GAP)
        low, high, ticks = panel.scale()

        def y_of(value):
            if panel.logarithmic:
                share = math.log(max(value, low) / low) / math.log(high / low)
            else:
                share = (value - low) / (high - low)
            return top + PANEL_HEIGHT * (1 - share)

        for begin, end, name, colour in bands:
            parts.append(f'<rect x="{x_of(begin):.1f}" y="{top}" width="{x_of(end) - x_of(begin):.1f}" '
                         f'height="{PANEL_HEIGHT}" fill="{colour}"/>')
            if number == 0:
                parts.append(f'<text x="{x_of(begin) + 3:.1f}" y="{top + 11}" fill="#777">{html.escape(name)}</text>')
        parts.append(f'<text x="{LEFT}" y="{top - 4}" font-weight="bold">{html.escape(panel.title)}</text>')
        for tick in ticks:
            parts.append(f'<path d="M{LEFT} {y_of(tick):.1f}H{LEFT + inner}" stroke="#ddd"/>'
                         f'<text x="{LEFT - 6}" y="{y_of(tick) + 4:.1f}" text-anchor="end">{tick:,g}</text>')
        for index, (name, points) in enumerate(panel.lines):
            colour = COLOURS[index % len(COLOURS)]
            if points:
                path = "L".join(f"{x_of(x):.1f} {y_of(y):.1f}" for x, y in points)
                parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
            parts.append(f'<text x="{LEFT + inner + 8}" y="{top + 11 + 14 * index}" fill="{colour}">'
                         f'{html.escape(name)}</text>')
    step = next(step for step in (5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600) if seconds / step <= 12)
    for time_s in range(0, int(seconds) + 1, step):
        parts.append(f'<text x="{x_of(time_s):.1f}" y="{height - 16}" text-anchor="middle">{time_s}</text>')
    parts.append(f'<text x="{LEFT + inner + 8}" y="{height - 16}">seconds</text></svg>')
    return "\n".join(parts) + "\n"
