#!/usr/bin/env python3
"""Compares the speed of two builds: `./forger bench compare BUILD_A BUILD_B`.

A build is a folder that cmake built in, or a checkout with such a folder, build/release. Of each,
bench/forger_bench times the kernels and bench/forger_steps the training steps. The builds take turns,
and every round begins with the other one, so that whatever else the machine does falls on both.

A ratio is B's speed divided by A's in the same round: above 1, B is faster. Each line shows the median
over the rounds, with the least and the largest. "best" divides each build's highest speed of all rounds.
Where other programs slow some rounds down, it varies less than the median. A group's geometric means are
over its lines; their spread is that of the rounds' own geometric means, which shows the noise.

In its first round each forger_bench compares its results with the reference kernels. Only forger's own
kernels run, of the set that FORGER_KERNELS names, by default the best one.
"""
import argparse
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import programs

GROUPS = ["matmul", "conv", "steps"]


class Failure(Exception):
    """A message for the user, and the exit status."""

    def __init__(self, message, status=1):
        super().__init__(message)
        self.status = status


class Build:
    """The two programs of a build, and what they can do."""

    def __init__(self, label, given):
        self.label, self.given = label, given
        folder = pathlib.Path(given).resolve()
        if not folder.is_dir():
            raise Failure(f"{given}: no such folder", 2)
        self.bench, self.steps = (self.find(folder, name) for name in ("forger_bench", "forger_steps"))
        self.models = programs.models_of(self.steps)
        # An older build has no --unchecked, and then compares its results in every round.
        usage = subprocess.run([self.bench, "--help"], text=True, capture_output=True).stderr
        self.can_skip_checks = "--unchecked" in usage
        self.kernels = self.time_steps("op", 1, 1)["kernels"]

    def find(self, folder, name):
        places = [folder / "bench" / name, folder / "build/release/bench" / name]
        for place in places:
            if place.is_file() and os.access(place, os.X_OK):
                return str(place)
        raise Failure(f"{self.given}: no {name} in this folder\n"
                      f"  looked for {places[0]}\n  and        {places[1]}\n"
                      "  ./forger build builds it in a checkout", 2)

    def time_kernels(self, pattern, checked):
        """name -> flops per second of the benchmarks that the pattern lets through."""
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            command = [self.bench, f"--filter={pattern}", "--repetitions=1", f"--json={file.name}"]
            if not checked and self.can_skip_checks:
                command.append("--unchecked")
            result = subprocess.run(command, text=True, capture_output=True)
            if result.returncode != 0:
                if "matches no benchmark" in result.stderr:
                    return {}
                wrong = [line for line in result.stdout.splitlines() if line.startswith("wrong")]
                raise Failure("\n  ".join([f"{self.given}: forger_bench failed", *wrong,
                                           result.stderr.strip()]).rstrip())
            rows = json.load(file)["rows"]
        return {f"{row['kernel']}/{row['shape']}/threads:{row['threads']}": row["flops"][0]
                for row in rows}

    def time_steps(self, model, threads, repeats):
        return programs.run_json([self.steps, model, str(repeats)], programs.with_threads(threads))


def group_of(name):
    kernel = name.partition("/")[0]
    return "conv" if kernel.startswith("conv2d") else kernel


def best_ratio(speed):
    """The ratio of the highest speeds, which are those of the rounds that were disturbed least."""
    return max(speed["B"]) / max(speed["A"])


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values))


def chosen_models(asked, builds):
    """The models that both builds have; one that was asked for by name has to be among them."""
    for build in builds:
        for model in asked or []:
            if model not in build.models:
                raise Failure(f"{build.given}: forger_steps has no model '{model}'\n"
                              f"  there are: {' '.join(build.models)}", 2)
    models = asked or programs.MODELS
    return [model for model in models if all(model in build.models for build in builds)]


def measure(builds, options, say):
    """name -> the speeds of each build, one a round: of a kernel flops, of a step 1 / seconds."""
    sets = {build.kernels for build in builds}
    if len(sets) > 1:
        raise Failure("the builds use different kernels\n  " + "\n  ".join(
            f"{build.label}  {build.kernels}" for build in builds) +
            "\n  FORGER_KERNELS names a set for both", 2)
    kernels = f"^(?!\\w*_ladder/)(?=.*/{sets.pop()}/threads:)(?=.*(?:{options.filter}))"
    steps = [(model, threads) for model in chosen_models(options.models, builds)
             for threads in programs.thread_counts(model)
             if re.search(options.filter, f"steps/{model}/threads:{threads}")]
    speeds = {}
    for number in range(options.rounds):
        for build in builds if number % 2 == 0 else builds[::-1]:
            say(f"round {number + 1} of {options.rounds}: {build.label}")
            found = build.time_kernels(kernels, checked=number == 0)
            for model, threads in steps:
                milliseconds = build.time_steps(model, threads, options.repeats)["median_ms"]
                found[f"steps/{model}/threads:{threads}"] = 1e3 / milliseconds
            for name, speed in found.items():
                speeds.setdefault(name, {"A": [], "B": []})[build.label].append(speed)
    # A benchmark that only one of the builds has is no comparison.
    both = {name: s for name, s in speeds.items()
            if len(s["A"]) == len(s["B"]) == options.rounds}
    if not both:
        raise Failure(f"--filter: '{options.filter}' matches no benchmark of both builds", 2)
    return both


def summarise(speeds, rounds):
    """group -> count, geometric means of the medians and of the best, and the rounds' spread."""
    groups = {}
    for group in GROUPS:
        names = [name for name in speeds if group_of(name) == group]
        if not names:
            continue
        medians = [programs.median_of_ratios(speeds[n]["B"], speeds[n]["A"])[0] for n in names]
        by_round = [geometric_mean([speeds[n]["B"][i] / speeds[n]["A"][i] for n in names])
                    for i in range(rounds)]
        best = geometric_mean([best_ratio(speeds[n]) for n in names])
        groups[group] = {"count": len(names), "mean": geometric_mean(medians), "best": best,
                         "least": min(by_round), "most": max(by_round)}
    return groups


def show(speeds, groups):
    unit = {"steps": ("steps/s", 1)}
    for group in groups:
        name_of_unit, scale = unit.get(group, ("GFLOP/s", 1e9))
        print(f"{group + ', ' + name_of_unit:62} {'A':>10} {'B':>10} {'B / A':>7} {'best':>7}  spread")
        for name, speed in speeds.items():
            if group_of(name) != group:
                continue
            ratio, least, most = programs.median_of_ratios(speed["B"], speed["A"])
            a, b = (statistics.median(speed[label]) / scale for label in "AB")
            print(f"{name:62} {a:10.4g} {b:10.4g} {ratio:7.3f} {best_ratio(speed):7.3f}  "
                  f"{least:.3f} - {most:.3f}")
        print()
    print(f"{'geometric means':22} {'count':>5} {'B / A':>7} {'best':>7}  spread over the rounds")
    for group, g in groups.items():
        print(f"{group:22} {g['count']:5} {g['mean']:7.3f} {g['best']:7.3f}  "
              f"{g['least']:.3f} - {g['most']:.3f}")


def regular_expression(text):
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"'{text}' is no regular expression: {error}") from None
    return text


def parse(arguments):
    parser = argparse.ArgumentParser(prog="forger bench compare", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", nargs=2, metavar="BUILD", help="a build folder or a checkout")
    parser.add_argument("--filter", type=regular_expression, default=".", metavar="REGEX",
                        help="of names such as conv2d/n16_64x32x32_to_128_k4s2p1/avx2/threads:2 and "
                             "steps/dcgan64/threads:2")
    parser.add_argument("--models", type=lambda text: text.split(","), metavar="LIST",
                        help=f"of the steps (default {','.join(programs.MODELS)}, where both have them)")
    parser.add_argument("--rounds", type=programs.positive, default=5, metavar="N", help="default %(default)s")
    parser.add_argument("--repeats", type=programs.positive, default=3, metavar="N",
                        help="steps of one run, of which the median counts (default %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="writes all that was measured")
    return parser.parse_args(arguments)


def main():
    options = parse(sys.argv[1:])
    try:
        builds = [Build(label, given) for label, given in zip("AB", options.builds)]
        for build in builds:
            print(f"{build.label}  {build.given}, {build.kernels} kernels", flush=True)
        speeds = measure(builds, options, lambda text: print(text, file=sys.stderr, flush=True))
        groups = summarise(speeds, options.rounds)
        print()
        show(speeds, groups)
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(
                {"A": options.builds[0], "B": options.builds[1], "groups": groups, "speeds": speeds},
                indent=1) + "\n")
    except Failure as failure:
        print(f"forger bench compare: {failure}", file=sys.stderr)
        return failure.status
    except (OSError, programs.ProgramError) as error:
        print(f"forger bench compare: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
