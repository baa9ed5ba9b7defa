#!/usr/bin/python3
"""Draws what `forger bench --json=FILE` measured:

    bench/plot.py FILE FOLDER    writes FOLDER/roofline.png and FOLDER/ladder.png, and prints the
                                 tables of docs/kernels.md

The roofline (Williams, Waterman & Patterson 2009, CACM 52(4)): flops a second against flops a byte,
where the bytes are those of inputs and output, each touched once. Needs python3-matplotlib.
"""
import json
import math
import pathlib
import re
import statistics
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

INK, QUIET = "#222222", "#999999"
COLOURS = {"forger": "#c8402f", "oneDNN": "#3a6ea5", "OpenBLAS": "#7a9e4d"}


def style():
    plt.rcParams.update({
        "font.size": 10, "font.family": "DejaVu Sans", "axes.edgecolor": QUIET, "axes.spines.top": False,
        "axes.spines.right": False, "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK,
        "ytick.color": INK, "legend.frameon": False})


def work(row):
    """Flops and bytes of a comparison."""
    if row["kernel"] == "matmul":
        m, n, k = map(int, row["shape"].split("x"))
        return 2 * m * n * k, 4 * (m * k + k * n + m * n)
    match = re.match(r"n(\d+)_(\d+)x(\d+)x(\d+)_to_(\d+)_k(\d+)s(\d+)p(\d+)", row["shape"])
    n, c, h, w, o, kernel, stride, padding = map(int, match.groups())
    oh, ow = ((x + 2 * padding - kernel) // stride + 1 for x in (h, w))
    flops = 2 * n * o * oh * ow * c * kernel * kernel
    return flops, 4 * (n * c * h * w + o * c * kernel * kernel + n * o * oh * ow)


def rate(row):
    return statistics.median(row["flops"]) / 1e9


def peak_of(record, threads):
    """In GFLOP/s: the best that multiply-adds by themselves reached in any repetition."""
    return max(max(r["peak_flops"]) for r in record["rows"] if r["threads"] == threads) / 1e9


def roofline(record, path):
    threads = record["machine"]["threads"]
    rows = [r for r in record["rows"] if r["threads"] == threads and not r["kernel"].endswith("_ladder")]
    best = [s.strip() for s in record["machine"]["kernel sets"].split(",")][-1]
    peak = peak_of(record, threads)
    bandwidth = record["machine"]["bytes a second"] / 1e9
    figure, axes = plt.subplots(figsize=(8, 5))
    groups = {best: ("forger", "o"), "oneDNN": ("oneDNN", "x"), "OpenBLAS": ("OpenBLAS", "+")}
    for who, (label, marker) in groups.items():
        points = [(work(r)[0] / work(r)[1], rate(r)) for r in rows if r["set"] == who]
        if points:
            axes.scatter(*zip(*points), s=24, marker=marker, color=COLOURS[label], label=label, alpha=0.8,
                         linewidths=1.2)
    low, high = 0.4, 1000
    axes.plot([low, peak / bandwidth, high], [low * bandwidth, peak, peak], color=INK, linewidth=1)
    axes.text(peak / bandwidth, peak * 1.2, f"FMA peak, {peak:.0f} GFLOP/s")
    axes.text(low * 1.1, low * bandwidth * 1.7, f"memory, {bandwidth:.0f} GB/s", rotation=35)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(1, peak * 2),
             xlabel="flops a byte", ylabel="GFLOP/s")
    axes.set_title(f"Matmul and convolution on {threads} threads, {record['machine']['processor']}",
                   loc="left", fontsize=11)
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def ladder(record, path):
    threads = record["machine"]["threads"]
    figure, both = plt.subplots(1, 2, figsize=(9, 3.6))
    for axes, kernel in zip(both, ["matmul_ladder", "conv2d_ladder"]):
        rows = {(r["set"], r["threads"]): rate(r) for r in record["rows"] if r["kernel"] == kernel}
        names = list(dict.fromkeys(name for name, _ in rows))
        one = [rows[name, 1] for name in names]
        # What says nothing of threads has one.
        many = [rows[name, threads] if name.endswith(("threads", "library")) else 0 for name in names]
        places = range(len(names))
        axes.barh(places, many, color=COLOURS["forger"], label=f"{threads} threads")
        axes.barh(places, one, color="#e7b3a9", label="one thread")
        for place, a, b in zip(places, one, many):
            axes.text(max(a, b) + 3, place, f"{max(a, b):.0f}" if max(a, b) >= 10 else f"{max(a, b):.1f}",
                      va="center")
        axes.set_yticks(list(places), [name.replace("_", " ") for name in names])
        axes.invert_yaxis()
        axes.set_xlabel("GFLOP/s")
        shape = next(r["shape"] for r in record["rows"] if r["kernel"] == kernel)
        title = {"matmul_ladder": "Matmul, ", "conv2d_ladder": "Convolution, "}[kernel] + shape
        axes.set_title(title.replace("_", " "), loc="left", fontsize=10)
    both[1].legend(loc="upper right")
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def geometric_mean(values):
    return math.exp(statistics.mean(math.log(value) for value in values))


def median_ratio(a, b):
    return statistics.median(x / y if y else 0 for x, y in zip(a, b))


def ratios(record, kernels, threads):
    """For each comparison: the best kernel set's rate, its part of the peak, by itself and at the
    kernel's clock, and for each peer the ratio; of ratios the median, repetition by repetition."""
    best = record["machine"]["kernel sets"].split(", ")[-1]
    rows = [r for r in record["rows"] if r["kernel"] in kernels and r["threads"] == threads]
    result = {}
    for row in rows:
        if row["set"] == best:
            peers = {p["set"]: median_ratio(row["flops"], p["flops"])
                     for p in rows if p["set"] in ("OpenBLAS", "oneDNN")
                     and (p["kernel"], p["shape"]) == (row["kernel"], row["shape"])}
            result[row["kernel"], row["shape"]] = (
                rate(row), median_ratio(row["flops"], row["peak_flops"]),
                median_ratio(row["flops"], row["peak_flops_after"]), peers)
    return result


def print_table(record, kernels):
    counts = sorted({r["threads"] for r in record["rows"]})
    found = {t: ratios(record, kernels, t) for t in counts}
    peers = sorted({p for of in found.values() for *_, ps in of.values() for p in ps}, reverse=True)
    columns = [f"{t} thread{'s' * (t > 1)}" for t in counts]
    heads = [head for c in columns for head in (c, "of peak", "at its clock", *(f"x {p}" for p in peers))]
    print("| " + " | ".join(["", *heads]) + " |\n" + "| --- " * (len(heads) + 1) + "|")
    names = {"matmul": "", "conv2d": "forward ", "conv2d_input_grad": "input gradient ",
             "conv2d_weight_grad": "weight gradient "}
    for key in found[counts[0]]:
        cells = [names[key[0]] + key[1].replace("_", " ")]
        for t in counts:
            speed, part, part_at_clock, of = found[t].get(key, (math.nan, math.nan, math.nan, {}))
            cells += [f"{speed:.0f}", f"{100 * part:.0f} %", f"{100 * part_at_clock:.0f} %"]
            cells += [f"{of[p]:.2f}" if p in of else "" for p in peers]
        print("| " + " | ".join(cells) + " |")
    for t in counts:
        best = [min(of.values()) for *_, of in found[t].values() if of]
        if best:
            print(f"\n{t} threads, against the better peer: geometric mean {geometric_mean(best):.2f}, "
                  f"least {min(best):.2f}, of {len(best)}")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    record = json.loads(pathlib.Path(sys.argv[1]).read_text())
    folder = pathlib.Path(sys.argv[2])
    style()
    for wanted in [{"matmul"}, {"conv2d", "conv2d_input_grad", "conv2d_weight_grad"}]:
        if any(r["kernel"] in wanted for r in record["rows"]):
            print_table(record, wanted)
            print()
    kernels = {row["kernel"] for row in record["rows"]}
    if "matmul" in kernels:
        roofline(record, folder / "roofline.png")
    if "matmul_ladder" in kernels and "conv2d_ladder" in kernels:
        ladder(record, folder / "ladder.png")


if __name__ == "__main__":
    main()
