"""What steps.py and compare.py share: running a benchmark program and reading its line of JSON."""
import json
import os
import statistics
import subprocess

MODELS = ["dcgan64", "dcgan28", "mlp", "toy2d", "op", "graph"]  # of forger_steps


def cores():
    """The number of threads that "all" means."""
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(said) if said.isdecimal() else len(os.sched_getaffinity(0))


def thread_counts(model):
    """One thread and all, but one alone for models that are too small for more."""
    return [1] if model in ("toy2d", "op", "graph") else sorted({1, cores()})


def with_threads(threads, **more):
    """The environment of a program that runs on `threads` threads."""
    return dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads),
                BLIS_NUM_THREADS=str(threads), **more)


class ProgramError(Exception):
    """A program that failed, with what it said."""


def run_json(command, environment):
    """Runs a program that prints one line of JSON."""
    result = subprocess.run(command, env=environment, text=True, capture_output=True)
    if result.returncode != 0:
        raise ProgramError(f"{' '.join(command)}: failed with status {result.returncode}\n"
                           f"  {result.stderr.strip()}")
    return json.loads(result.stdout)


def models_of(program):
    """The models of a forger_steps, which names them when it is asked for another one."""
    answer = subprocess.run([program, "?", "1"], text=True, capture_output=True).stderr
    return answer.partition("there are: ")[2].split()


def median_of_ratios(numerators, denominators):
    """The median of the ratios, and the least and the largest: one ratio a round."""
    ratios = [n / d for n, d in zip(numerators, denominators)]
    return statistics.median(ratios), min(ratios), max(ratios)
