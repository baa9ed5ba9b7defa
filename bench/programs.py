"""What steps.py and compare.py share: running a benchmark program and reading its line of JSON."""
import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys

MODELS = ["dcgan64", "dcgan28", "mlp", "toy2d", "op", "graph"]  # of forger_steps

# How OpenMP's threads wait. tutorials/common/wait_policy.cpp makes the same choice for the chapters.
WAIT_VARIABLES = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY"]
WAITS = {"spinning": {},  # OpenMP's default
         "passive": {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "3000"}}


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


def with_wait(wait, environment):
    """The same environment with one of WAITS."""
    return {name: value for name, value in environment.items()
            if name not in WAIT_VARIABLES} | WAITS[wait]


# Computes in several processes. All end when one of them or the program that started them has ended.
ENDLESS_LOOPS = """
import os, sys
first, parent, others = os.getpid(), int(sys.argv[1]), int(sys.argv[2]) - 1
for _ in range(others):
    if os.fork() == 0:
        parent, others = first, 0
        break
print("running", flush=True)
while os.getppid() == parent and (others == 0 or os.waitpid(-1, os.WNOHANG)[0] == 0):
    for _ in range(100_000):
        pass
"""


@contextlib.contextmanager
def endless_loops(count):
    """Keeps processes running that only compute, at this program's priority. They have a session of
    their own, as a browser has: Linux shares a core between sessions first, then between their threads.
    """
    if count == 0:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", ENDLESS_LOOPS, str(os.getpid()), str(count)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          start_new_session=True) as loops:
        try:
            for _ in range(count):
                loops.stdout.readline()
            yield loops
            if loops.poll() is not None:
                raise ProgramError("an endless loop was ended from outside: its times mean nothing")
        finally:
            if loops.poll() is None:
                os.killpg(loops.pid, signal.SIGKILL)


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


def positive(text):
    """A type of argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 on expected, found '{text}'")
    return int(text)


def median_of_ratios(numerators, denominators):
    """The median of the ratios, and the least and the largest: one ratio a round."""
    ratios = [n / d for n, d in zip(numerators, denominators)]
    return statistics.median(ratios), min(ratios), max(ratios)
