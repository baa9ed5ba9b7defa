#!/usr/bin/env python3
"""Whole training steps, forger beside PyTorch: `./forger bench steps`.

    steps.py PROGRAM [--models dcgan64,dcgan28,mlp,toy2d,op] [--rounds 5] [--repeats 3] [--json FILE]

PROGRAM is forger_steps. Every round runs every setting once, one after the other, so other load on the
machine affects all settings alike. A ratio is taken within a round. PyTorch is the system's
(/usr/bin/python3, package python3-torch). It is run with one thread and with all, with contiguous
tensors and channels last, on OpenBLAS and on BLIS where these are installed; the setting with the least
median counts. PyTorch's step is written in the usual way: G's backward() computes D's gradients as
well, and zero_grad() discards them. forger's backward() is given the parameters whose gradients it
computes. The model `graph`, which times a graph of a million nodes, runs in forger alone.
"""
import argparse
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


def has_torch():
    return subprocess.run([PYTHON, "-c", "import torch"], capture_output=True).returncode == 0


def blas_folders():
    """name -> a folder with a libblas.so.3 that PyTorch can be made to load."""
    folders = {"OpenBLAS": "/usr/lib/*/openblas-pthread", "BLIS": "/usr/lib/*/blis-openmp"}
    found = {name: next((f for f in glob.glob(pattern) if os.path.exists(f + "/libblas.so.3")), None)
             for name, pattern in folders.items()}
    return {name: folder for name, folder in found.items() if folder} or {"default": ""}


def settings(model, program, repeats, torch):
    """For forger and for PyTorch: name -> a function that runs this setting once."""
    threads = programs.thread_counts(model)
    ours = {f"forger, {t} thread{'s' * (t > 1)}":
            lambda t=t: programs.run_json([program, model, str(repeats)],
                                          programs.with_threads(t)) for t in threads}
    peers = {}
    if torch and model != "graph":
        layouts = ["contiguous", "channels_last"] if model.startswith("dcgan") else ["contiguous"]
        for blas, folder in blas_folders().items():
            for layout in layouts:
                for t in threads:
                    command = [PYTHON, str(HERE / "peers/torch_steps.py"), model, str(repeats), str(t),
                               layout]
                    name = f"PyTorch, {t} thread{'s' * (t > 1)}, {blas}, {layout.replace('_', ' ')}"
                    library = {"LD_LIBRARY_PATH": folder} if folder else {}
                    peers[name] = lambda c=command, t=t, more=library: programs.run_json(
                        c, programs.with_threads(t, **more))
    return ours, peers


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--models", default="dcgan64,dcgan28,mlp,toy2d,op")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3, help="steps of one run, of which the median")
    parser.add_argument("--json", help="all that was measured, as a file")
    options = parser.parse_args()
    torch = has_torch()
    if not torch:
        print(f"{PYTHON} has no torch (python3-torch): forger alone", file=sys.stderr)

    record = []
    for model in options.models.split(","):
        ours, peers = settings(model, options.program, options.repeats, torch)
        rounds = {name: [] for name in [*ours, *peers]}
        for _ in range(options.rounds):
            for name, once in {**ours, **peers}.items():
                rounds[name].append(once())
        record.append({"model": model, "rounds": rounds})

        def median(name):
            return statistics.median(r["median_ms"] for r in rounds[name])

        best = min(peers, key=median, default=None)
        print(f"\n{model:44} {'ms a step':>12} {'spread':>15} {'peak MiB':>9}  times as fast as *")
        for name in rounds:
            times = [r["median_ms"] for r in rounds[name]]
            memory = statistics.median(r["peak_mib"] for r in rounds[name])
            line = (f"  {name:40} {'*' if name == best else ' '} {median(name):11.4g} "
                    f"{min(times):7.3g} - {max(times):<7.3g} {memory:7.0f}")
            if best and name in ours:
                ratio, least, most = programs.median_of_ratios(
                    [r["median_ms"] for r in rounds[best]], times)
                line += f"  {ratio:.2f} ({least:.2f} - {most:.2f})"
            print(line, flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
