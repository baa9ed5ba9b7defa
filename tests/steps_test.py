#!/usr/bin/env python3
"""`./forger bench steps --busy`: its settings, ratios, loops and errors, on a program of known times."""
import json
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import programs  # noqa: E402

# Each call notes its setting and the endless loops beside it, which know its parent's id.
STEPS = """#!/usr/bin/env python3
import json, os, pathlib, signal, sys
here = pathlib.Path(__file__).parent
models = ["mlp", "toy2d"]
if sys.argv[1] not in models:
    sys.exit(f"forger_steps: no model; there are: {' '.join(models)}")
def is_loop(process):
    try:
        words = (process / "cmdline").read_text().split("\\0")
    except OSError:  # it has ended
        return False
    return words[1:2] == ["-c"] and words[3:4] == [str(os.getppid())]
loops = [process.name for process in pathlib.Path("/proc").glob("[0-9]*") if is_loop(process)]
choice = " ".join(os.environ.get(name, "-") for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"))
threads = os.environ["OMP_NUM_THREADS"]
with open(here / "calls", "a") as calls:
    print(sys.argv[1], threads, choice, len(loops), file=calls)
if loops:
    (here / "loops.part").write_text(" ".join([str(os.getpid()), *loops]))
    (here / "loops.part").rename(here / "loops")
    if (here / "fail").exists():
        sys.exit("no memory")
    if (here / "wait").exists():
        signal.pause()
times = {"1": [10, 16], "2": [5, 8]} if "passive" in choice else {"1": [10, 16], "2": [4, 400]}
print(json.dumps({"median_ms": times[threads][len(loops) > 0], "peak_mib": 1}))
"""


def running(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class Steps(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.program = self.folder / "forger_steps"
        self.program.write_text(STEPS)
        self.program.chmod(stat.S_IRWXU)

    def tearDown(self):
        self.temporary.cleanup()

    def start(self, *arguments):
        # The user's own choice of how to wait applies to a setting of one thread and without --busy.
        environment = dict(os.environ, OMP_NUM_THREADS="2", OMP_WAIT_POLICY="active")
        environment.pop("GOMP_SPINCOUNT", None)
        return subprocess.Popen([sys.executable, "-B", str(ROOT / "bench/steps.py"), str(self.program),
                                 "--no-torch", *arguments], env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    def run_steps(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate()
        return process.returncode, out, err.replace(str(self.folder), "DIR")

    def calls(self):
        return (self.folder / "calls").read_text().splitlines()

    def wait_for_loops(self):
        """Waits until the program runs beside the loops. Returns its id and theirs."""
        while not (self.folder / "loops").exists():
            time.sleep(0.01)
        program, *loops = map(int, (self.folder / "loops").read_text().split())
        return program, loops

    def check_ended(self, loops):
        self.assertEqual(len(loops), 2)
        while any(running(loop) for loop in loops):  # the time limit is that of the test
            time.sleep(0.01)

    def test_every_setting_runs_alone_and_beside_the_loops(self):
        written = self.folder / "written.json"
        status, out, err = self.run_steps("--busy", "2", "--models", "mlp", "--rounds", "2",
                                          "--json", str(written))
        self.assertEqual(status, 0, err)
        spins = programs.WAITS["passive"]["GOMP_SPINCOUNT"]
        a_round = [f"mlp {setting} {loops}" for loops in (0, 2)
                   for setting in ("1 active -", "2 - -", f"2 passive {spins}")]
        self.assertEqual(self.calls(), 2 * a_round)
        self.check_ended(self.wait_for_loops()[1])
        lines = [line.split() for line in out.splitlines()]
        for words in ["forger, 1 thread 16 16 - 16 1.60 (1.60 - 1.60)",
                      "forger, 2 threads, spinning 400 400 - 400 100.00 (100.00 - 100.00)",
                      "forger, 2 threads, passive 8 8 - 8 1.60 (1.60 - 1.60)",
                      "forger, 2 threads, passive 1.25 (1.25 - 1.25) 0.02 (0.02 - 0.02)"]:
            self.assertIn(words.split(), lines)
        record, = json.loads(written.read_text())
        self.assertEqual(record["loops"], 2)
        name = "forger, 2 threads, passive"
        self.assertEqual([record[key][name][1]["median_ms"] for key in ("rounds", "busy_rounds")],
                         [5, 8])

    def test_without_busy_there_are_no_loops_and_the_environment_chooses(self):
        status, out, err = self.run_steps("--models", "mlp,toy2d", "--rounds", "1")
        self.assertEqual(status, 0, err)
        self.assertEqual(self.calls(), ["mlp 1 active - 0", "mlp 2 active - 0", "toy2d 1 active - 0"])
        self.assertNotIn("passive", out)

    def test_the_loops_end_with_a_failed_program(self):
        (self.folder / "fail").touch()
        status, _, err = self.run_steps("--busy", "2", "--models", "mlp", "--rounds", "1")
        self.assertEqual((status, err), (
            1, "forger bench steps: DIR/forger_steps mlp 3: failed with status 1\n  no memory\n"))
        self.check_ended(self.wait_for_loops()[1])

    def test_the_loops_end_with_an_interrupt(self):
        (self.folder / "wait").touch()
        process = self.start("--busy", "2", "--models", "mlp")
        _, loops = self.wait_for_loops()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does for Ctrl-C
        _, err = process.communicate()
        self.assertEqual((process.returncode, err), (130, ""))
        self.check_ended(loops)

    def test_the_loops_end_when_the_measuring_program_is_killed(self):
        (self.folder / "wait").touch()
        process = self.start("--busy", "2", "--models", "mlp")
        program, loops = self.wait_for_loops()
        process.kill()
        self.check_ended(loops)
        os.kill(program, signal.SIGKILL)
        process.communicate()

    def test_a_loop_that_was_ended_makes_the_times_invalid(self):
        with self.assertRaisesRegex(programs.ProgramError, "an endless loop was ended"):
            with programs.endless_loops(2) as loops:
                children = f"/proc/{loops.pid}/task/{loops.pid}/children"
                child = int(pathlib.Path(children).read_text())
                os.kill(child, signal.SIGKILL)
                while running(loops.pid):
                    time.sleep(0.01)
        self.check_ended([loops.pid, child])

    def test_wrong_options(self):
        for words, message in [
                (["--busy", "0"], "argument --busy: a whole number from 1 on expected, found '0'"),
                (["--busy", "x"], "argument --busy: a whole number from 1 on expected, found 'x'"),
                (["--rounds", "-1"], "argument --rounds: a whole number from 1 on expected, found '-1'"),
                (["--models", "mlp,gan"],
                 "argument --models: no model 'gan'; there are: mlp toy2d")]:
            status, _, err = self.run_steps(*words)
            self.assertEqual(status, 2)
            self.assertEqual(err.splitlines()[-1], f"forger bench steps: error: {message}")

    def test_the_chapters_make_the_same_choice(self):
        source = (ROOT / "tutorials/common/wait_policy.cpp").read_text()
        for name, value in programs.WAITS["passive"].items():
            self.assertIn(f'::setenv("{name}", "{value}", 1);', source)
        for name in programs.WAIT_VARIABLES:
            self.assertIn(f'"{name}"', source)


if __name__ == "__main__":
    unittest.main()
