"""Figures of chapter 2 that are no curves over an axis: see tutorials/tools/book.py."""

COLOURS = ["#c8402f", "#3a6ea5", "#7a9e4d", "#b8860b"]


def figure_2_2_portrait(result, figure):
    """The paths of the Dirac-GAN in the plane of its two numbers."""
    series = {s["quantity"]: [p["mean"] for p in s["points"]] for s in result["series"]}
    axes = figure.add_subplot(aspect="equal")
    names = [name[len("theta, "):] for name in series if name.startswith("theta, ")]
    for name, colour in zip(names, COLOURS):
        axes.plot(series[f"theta, {name}"], series[f"psi, {name}"], color=colour, linewidth=1.4, label=name)
    axes.plot([1], [0], "o", color="#222222", markersize=5)
    axes.annotate("start", (1, 0), (6, 6), textcoords="offset points")
    axes.plot([0], [0], "+", color="#222222", markersize=9)
    axes.set_xlabel("theta: where G puts its mass")
    axes.set_ylabel("psi: the slope of D's logit")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
