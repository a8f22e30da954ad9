"""Figures of a run: quantiles, recovery after the overload, growth by jobs, and the tables of the report."""
import collections
import math

WINDOW_S = 2.0


def quantile(values, share):
    """The least value that so large a share of all is not above."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def four(values):
    return [quantile(values, 0.5), quantile(values, 0.9), quantile(values, 0.99), max(values, default=math.nan)]


def windows(attempts, width_s=WINDOW_S):
    """Begin of the window -> attempts that were scheduled in it."""
    result = collections.defaultdict(list)
    for attempt in attempts:
        result[int(attempt.scheduled_s / width_s) * width_s].append(attempt)
    return dict(sorted(result.items()))


def normal_latency_s(steady):
    """What a window's 90th percentile may be to count as normal."""
    return max(2 * quantile([attempt.latency_s for attempt in steady if attempt.latency_s is not None], 0.9), 0.5)


def recovery_s(attempts, overload_end_s, normal_s):
    """Seconds from the end of the overload to three windows of normal latency on end; None if there are none."""
    first = normal = 0
    for begin_s, those in windows(attempts, 5.0).items():
        if begin_s < overload_end_s:
            continue
        # What has no result, or none yet, took for ever.
        latencies = [math.inf if attempt.latency_s is None else attempt.latency_s for attempt in those]
        if quantile(latencies, 0.9) > normal_s:
            normal = 0
            continue
        first = begin_s if normal == 0 else first
        normal += 1
        if normal == 3:
            return first - overload_end_s
    return None


def slope(points):
    """Growth of y for each 1 of x: the median of the slopes between all pairs, which single outliers do not move."""
    points = points[::max(1, len(points) // 300)]
    slopes = sorted((y2 - y1) / (x2 - x1) for i, (x1, y1) in enumerate(points) for x2, y2 in points[i + 1:] if x2 != x1)
    return slopes[len(slopes) // 2] if slopes else 0.0


# Growth for each 1,000 jobs that is not taken for a leak. What is kept until its time is over (--job-lifetime) may grow
# by its own size: records in Redis, images in the store.
MEBIBYTE = 1 << 20
GROWTH_BOUNDS = {
    "memory": {"gateway": MEBIBYTE / 2, "notifier": MEBIBYTE / 2, "node": MEBIBYTE / 2, "ranks": MEBIBYTE,
               "serve": MEBIBYTE, "rabbitmq": 4 * MEBIBYTE, "redis": 16 * MEBIBYTE, "s3": 4 * MEBIBYTE},
    "descriptors": 1.0,
    "redis keys": 6_000,
    "redis bytes": 16 * MEBIBYTE,
}


def growth(samples, warm_up_jobs, bytes_per_job):
    """Rows (what, at the warm-up's end, at the end, growth by 1,000 jobs, bound) after so many jobs."""
    later = [sample for sample in samples if sample.accepted >= warm_up_jobs]
    rows = []

    def fit(what, points, bound, unit):
        if len(points) > 2:
            by_thousand = slope([(x / 1000, y) for x, y in points])
            rows.append((what, points[0][1] / unit, points[-1][1] / unit, by_thousand / unit, bound / unit))

    for name, bound in GROWTH_BOUNDS["memory"].items():
        fit(f"memory of {name}, MiB", [(sample.accepted, sample.memory_bytes[name]) for sample in later
                                       if name in sample.memory_bytes], bound, MEBIBYTE)
    for name in GROWTH_BOUNDS["memory"]:
        fit(f"descriptors of {name}", [(sample.accepted, sample.descriptors[name]) for sample in later
                                       if name in sample.descriptors], GROWTH_BOUNDS["descriptors"], 1)
    fit("keys of Redis", [(sample.accepted, sample.redis_keys) for sample in later if sample.redis_keys is not None],
        GROWTH_BOUNDS["redis keys"], 1)
    fit("bytes in Redis, MiB", [(sample.accepted, sample.redis_bytes) for sample in later
                                if sample.redis_bytes is not None], GROWTH_BOUNDS["redis bytes"], MEBIBYTE)
    kept = {"s3": bytes_per_job * 1.1 + 40_000, "data": bytes_per_job * 1.1 + 60_000, "redis": 60_000,
            "rabbitmq": 20_000, "scratch": 100}
    for name, bound in kept.items():
        fit(f"disk of {name}, MiB", [(sample.accepted, sample.disk_bytes[name]) for sample in later
                                     if name in sample.disk_bytes], bound * 1000, MEBIBYTE)
    return rows


def table(columns, rows):
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(shown(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def shown(value):
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.3g}" if abs(value) < 10 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def latency_rows(attempts, phases):
    """By phase, and in the steady phase by size."""
    rows = []
    for phase in phases:
        those = [attempt for attempt in attempts if attempt.phase == phase.name]
        rows.append((phase.name, phase.rate_per_s, len(those), *four(finished(those))))
        if phase.name == "steady":
            for size_class in ("thumbnail", "photograph", "big"):
                of_size = [attempt for attempt in those if attempt.size_class == size_class]
                rows.append((f"steady, {size_class}", len(of_size) / phase.seconds, len(of_size),
                             *four(finished(of_size))))
    return rows


def finished(attempts):
    return [attempt.latency_s for attempt in attempts if attempt.latency_s is not None]


def component_rows(samples):
    """(component, memory at first and most, descriptors most, cores on the average) of each."""
    rows = []
    for name in samples[0].memory_bytes:
        memory = [sample.memory_bytes[name] / MEBIBYTE for sample in samples]
        seconds = samples[-1].processor_s[name] - samples[0].processor_s[name]
        rows.append((name, memory[0], max(memory), memory[-1], max(sample.descriptors[name] for sample in samples),
                     samples[-1].descriptors[name], seconds / (samples[-1].time_s - samples[0].time_s)))
    return rows
