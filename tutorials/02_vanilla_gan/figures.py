"""Figures of chapter 2 that are drawn in their own way: see tutorials/tools/book.py."""

COLOURS = ["#c8402f", "#3a6ea5", "#7a9e4d", "#b8860b"]


def figure_2_1_curve(result, figure):
    """D as it was learnt, as dots on the curve that theory gives."""
    points = {s["quantity"]: s["points"] for s in result["series"] if s.get("axis") == "x"}
    theory, learned = points["p(x) / (p(x) + q(x))"], points["D(x), learned"]
    x, mean = [p["at"] for p in learned], [p["mean"] for p in learned]
    spans = [[p["mean"] - p["least"] for p in learned], [p["most"] - p["mean"] for p in learned]]
    axes = figure.add_subplot()
    axes.plot(x, [p["mean"] for p in theory], color=COLOURS[1], label="p(x) / (p(x) + q(x))")
    axes.errorbar(x, mean, spans, fmt="o", color=COLOURS[0], markersize=4, capsize=3, label="D(x), learned")
    axes.set_xlabel("x")
    axes.set_ylabel("D(x)")
    axes.legend()


def figure_2_2_portrait(result, figure):
    """The paths of the Dirac-GAN in the plane of its two numbers."""
    series = {s["quantity"]: [p["mean"] for p in s["points"]] for s in result["series"]}
    axes = figure.add_subplot(aspect="equal")
    names = [name[len("theta, "):] for name in series if name.startswith("theta, ")]
    for name, colour in zip(names, COLOURS):
        axes.plot(series[f"theta, {name}"], series[f"psi, {name}"], color=colour, linewidth=1, marker=".", markersize=4, label=name)
    axes.plot([1], [0], "o", color="#222222", markersize=5)
    axes.annotate("start", (1, 0), (6, 6), textcoords="offset points")
    axes.plot([0], [0], "+", color="#222222", markersize=9)
    axes.set_xlabel("theta: where G puts its mass")
    axes.set_ylabel("psi: the slope of D's logit")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))


def figure_2_3_path(result, figure):
    """How far G's mean and deviation are from the right ones, along the steps of the first seed."""
    series = {s["quantity"]: s["points"] for s in result["series"] if s.get("axis") == "step"}
    right = {"mean": 4, "deviation": 1.25}
    for place, (name, value) in enumerate(right.items(), start=1):
        axes = figure.add_subplot(2, 1, place)
        for way, colour in (("neither", COLOURS[0]), ("penalty and decay", COLOURS[1])):
            points = series[f"{name}, {way}"]
            axes.plot([p["at"] for p in points], [p["mean"] - value for p in points], color=colour, label=way)
        axes.axhline(0, color="#222222", linewidth=0.5)
        axes.set_ylim(-0.6, 0.6)
        axes.set_ylabel(f"error of the {name}")
    figure.axes[0].legend(loc="upper right")
    figure.axes[1].set_xlabel("step")
