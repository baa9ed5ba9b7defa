#!/usr/bin/env python3
"""Times whole training steps, forger beside PyTorch: `./forger bench steps`.

Every round runs every setting once, one after the other, so other load on the machine affects all
settings alike. A ratio is taken within a round. PyTorch is the system's (/usr/bin/python3, package
python3-torch). It is run with one thread and with all, with contiguous tensors and channels last, on
OpenBLAS and on BLIS where these are installed; the setting with the least median counts. PyTorch's step
is written in the usual way: G's backward() computes D's gradients as well, and zero_grad() discards
them. forger's backward() is given the parameters whose gradients it computes. The model `graph`, which
times a graph of a million nodes, runs in forger alone.

--busy N measures a machine that does something else, too. Every round first runs all settings alone and
then beside N endless loops at the same priority. Settings of several threads run twice: `spinning` is
OpenMP's default, in which a thread that waits keeps its core for some milliseconds, and `passive` is
what the chapters' programs choose.
"""
import argparse
import functools
import glob
import json
import os
import pathlib
import statistics
import subprocess
import sys

import programs

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
MODELS = [model for model in programs.MODELS if model != "graph"]  # unless others are asked for


def has_torch():
    return subprocess.run([PYTHON, "-c", "import torch"], capture_output=True).returncode == 0


def blas_folders():
    """name -> a folder with a libblas.so.3 that PyTorch can be made to load."""
    folders = {"OpenBLAS": "/usr/lib/*/openblas-pthread", "BLIS": "/usr/lib/*/blis-openmp"}
    found = {name: next((f for f in glob.glob(pattern) if os.path.exists(f + "/libblas.so.3")), None)
             for name, pattern in folders.items()}
    return {name: folder for name, folder in found.items() if folder} or {"default": ""}


def environments(threads, both_waits):
    """What a setting's name says -> its environment, for a number of threads."""
    name = f"{threads} thread{'s' * (threads > 1)}"
    environment = programs.with_threads(threads)
    if threads == 1 or not both_waits:
        return {name: environment}
    return {f"{name}, {wait}": programs.with_wait(wait, environment) for wait in programs.WAITS}


def settings(model, program, repeats, torch, both_waits=False):
    """For forger and for PyTorch: name -> a function that runs this setting once."""
    ours, peers = {}, {}
    layouts = ["contiguous", "channels_last"] if model.startswith("dcgan") else ["contiguous"]
    for threads in programs.thread_counts(model):
        for name, environment in environments(threads, both_waits).items():
            ours[f"forger, {name}"] = functools.partial(
                programs.run_json, [program, model, str(repeats)], environment)
            if not torch or model == "graph":
                continue
            for blas, folder in blas_folders().items():
                library = {"LD_LIBRARY_PATH": folder} if folder else {}
                for layout in layouts:
                    command = [PYTHON, str(HERE / "peers/torch_steps.py"), model, str(repeats),
                               str(threads), layout]
                    peers[f"PyTorch, {name}, {blas}, {layout.replace('_', ' ')}"] = functools.partial(
                        programs.run_json, command, environment | library)
    return ours, peers


def measure(runs, rounds, loops):
    """name -> its results, one a round, of the machine alone and, if there are loops, beside them."""
    conditions = [0, loops] if loops else [0]
    found = [{name: [] for name in runs} for _ in conditions]
    for _ in range(rounds):
        for count, results in zip(conditions, found):
            with programs.endless_loops(count):
                for name, once in runs.items():
                    results[name].append(once())
    return found


def times(results):
    return [result["median_ms"] for result in results]


def median(results):
    return statistics.median(times(results))


def ratio(numerators, denominators):
    return "{:.2f} ({:.2f} - {:.2f})".format(
        *programs.median_of_ratios(times(numerators), times(denominators)))


def columns(results):
    return f"{median(results):11.4g} {min(times(results)):7.3g} - {max(times(results)):<7.3g}"


def show(model, ours, rounds):
    best = min((name for name in rounds if name not in ours), key=lambda name: median(rounds[name]),
               default=None)
    print(f"\n{model:57} {'ms a step':>12} {'spread':>15} {'peak MiB':>9}  times as fast as *")
    for name, results in rounds.items():
        memory = statistics.median(result["peak_mib"] for result in results)
        line = f"  {name:53} {'*' if name == best else ' '} {columns(results)} {memory:7.0f}"
        if best and name in ours:
            line += f"  {ratio(rounds[best], results)}"
        print(line, flush=True)


def show_busy(model, loops, alone, busy):
    title = f"{model}, beside {loops} endless loop{'s' * (loops > 1)}"
    print(f"\n{title:57} {'ms a step':>12} {'spread':>15}  times the time alone")
    for name, results in busy.items():
        print(f"  {name:53}   {columns(results)}  {ratio(results, alone[name])}", flush=True)
    pairs = {name: name.replace("passive", "spinning") for name in alone if "passive" in name}
    if pairs:
        print(f"\n{model + ', passive in times of spinning':57} {'alone':>20} {'busy':>23}")
        for passive, spinning in pairs.items():
            print(f"  {passive:53}   {ratio(alone[passive], alone[spinning]):>20}   "
                  f"{ratio(busy[passive], busy[spinning]):>20}", flush=True)


def parse(arguments):
    parser = argparse.ArgumentParser(prog="forger bench steps", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="forger_steps; ./forger bench steps adds it")
    parser.add_argument("--models", type=lambda text: text.split(","), metavar="LIST",
                        help=f"default {','.join(MODELS)}; with --busy dcgan28,mlp")
    parser.add_argument("--rounds", type=programs.positive, default=5, metavar="N",
                        help="default %(default)s")
    parser.add_argument("--repeats", type=programs.positive, default=3, metavar="N",
                        help="steps of one run, of which the median counts (default %(default)s)")
    parser.add_argument("--busy", type=programs.positive, default=0, metavar="N",
                        help="also measures beside N endless loops")
    parser.add_argument("--no-torch", action="store_true", help="leaves PyTorch out")
    parser.add_argument("--json", metavar="FILE", help="writes all that was measured")
    options = parser.parse_args(arguments)
    options.models = options.models or (["dcgan28", "mlp"] if options.busy else MODELS)
    known = programs.models_of(options.program)
    for model in options.models:
        if model not in known:
            parser.error(f"argument --models: no model '{model}'; there are: {' '.join(known)}")
    return options


def main():
    record = []
    try:
        options = parse(sys.argv[1:])
        torch = not options.no_torch and has_torch()
        if not torch and not options.no_torch:
            print(f"{PYTHON} has no torch (python3-torch): forger alone", file=sys.stderr)
        for model in options.models:
            ours, peers = settings(model, options.program, options.repeats, torch, options.busy > 0)
            alone, *busy = measure({**ours, **peers}, options.rounds, options.busy)
            record.append({"model": model, "rounds": alone})
            show(model, ours, alone)
            if busy:
                record[-1] |= {"loops": options.busy, "busy_rounds": busy[0]}
                show_busy(model, options.busy, alone, busy[0])
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(record, indent=1) + "\n")
    except (OSError, programs.ProgramError) as error:
        print(f"forger bench steps: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
