#!/usr/bin/env python3
"""`./forger bench compare`: its arithmetic and its errors, on programs whose times are known."""
import json
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import compare  # noqa: E402
import programs  # noqa: E402
import steps  # noqa: E402

# Each call takes the next of the speeds in the file beside it, and notes itself in `calls`.
BENCH = """#!/usr/bin/env python3
import json, pathlib, re, sys
here = pathlib.Path(__file__).parent
if "--help" in sys.argv:
    sys.exit("no option '--help'; there are: --filter=REGEX --json=FILE {options}")
words = dict(word.partition("=")[::2] for word in sys.argv[1:])
with open(here.parent.parent / "calls", "a") as calls:
    print(here.parent.name, "unchecked" if "--unchecked" in words else "checked", file=calls)
if {wrong}:
    print("matmul ...")
    print("wrong, and not timed: element 3 is 1, the reference says 2")
    sys.exit(1)
speeds = json.loads((here / "speeds").read_text())
rows = [dict(kernel=k, shape=s, set="avx2", threads=2, flops=[values.pop(0)])
        for (k, s), values in [(name.split("/"), v) for name, v in speeds.items()]
        if re.search(words["--filter"], f"{{k}}/{{s}}/avx2/threads:2")]
(here / "speeds").write_text(json.dumps({{k: v for k, v in speeds.items()}}))
if not rows:
    sys.exit("forger_bench: --filter: it matches no benchmark")
pathlib.Path(words["--json"]).write_text(json.dumps({{"rows": rows}}))
"""
STEPS = """#!/usr/bin/env python3
import json, sys
models = {models}
if sys.argv[1] not in models:
    sys.exit(f"forger_steps: no model; there are: {{' '.join(models)}}")
print(json.dumps({{"kernels": "{kernels}", "median_ms": models[sys.argv[1]]}}))
"""


class Compare(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)

    def tearDown(self):
        self.temporary.cleanup()

    def build(self, name, speeds, models, kernels="avx2", options="--unchecked", wrong=False):
        folder = self.folder / name / "bench"
        folder.mkdir(parents=True)
        (folder / "speeds").write_text(json.dumps(speeds))
        for program, text in [("forger_bench", BENCH.format(options=options, wrong=wrong)),
                              ("forger_steps", STEPS.format(models=models, kernels=kernels))]:
            (folder / program).write_text(text)
            (folder / program).chmod(stat.S_IRWXU)
        return str(self.folder / name)

    def run_compare(self, *arguments, **environment):
        result = subprocess.run([sys.executable, str(ROOT / "bench/compare.py"), *arguments],
                                env=dict(os.environ, OMP_NUM_THREADS="2", **environment),
                                text=True, capture_output=True)
        return result.returncode, result.stdout, result.stderr.replace(str(self.folder), "DIR")

    def calls(self):
        return (self.folder / "calls").read_text().splitlines()

    def test_ratios_medians_and_geometric_means(self):
        a = self.build("a", {"matmul/s": [10e9, 10e9, 20e9], "matmul/t": [1e9, 1e9, 1e9],
                             "conv2d/u": [5e9, 4e9, 5e9]}, {"mlp": 4.0, "op": 2.0})
        b = self.build("b", {"matmul/s": [20e9, 40e9, 20e9], "matmul/t": [0.5e9, 0.5e9, 0.25e9],
                             "conv2d/u": [5e9, 4e9, 7e9]}, {"mlp": 2.0, "op": 1.0, "graph": 1.0})
        written = self.folder / "written.json"
        status, out, err = self.run_compare(a, b, "--rounds", "3", "--json", str(written))
        self.assertEqual(status, 0, err)
        groups = json.loads(written.read_text())["groups"]
        # s: ratios 2, 4, 1, median 2. t: 0.5, 0.5, 0.25, median 0.5. So the mean is 1, and that of
        # the rounds 1, sqrt(2), 0.5.
        self.assertAlmostEqual(groups["matmul"]["mean"], 1)
        self.assertAlmostEqual(groups["matmul"]["least"], 0.5)
        self.assertAlmostEqual(groups["matmul"]["most"], 2 ** 0.5)
        # The best: s 40 to 20, t 0.5 to 1.
        self.assertAlmostEqual(groups["matmul"]["best"], 1)
        self.assertAlmostEqual(groups["conv"]["mean"], 1)
        self.assertAlmostEqual(groups["conv"]["best"], 1.4)
        # mlp on 1 and 2 threads and op on 1; A has no graph. Half the time is twice the speed.
        self.assertEqual(groups["steps"]["count"], 3)
        self.assertAlmostEqual(groups["steps"]["mean"], 2)
        lines = [line.split() for line in out.splitlines()]
        self.assertIn(["matmul/s/threads:2", "10", "20", "2.000", "2.000", "1.000", "-", "4.000"], lines)
        self.assertIn(["steps/mlp/threads:1", "250", "500", "2.000", "2.000", "2.000", "-", "2.000"], lines)
        self.assertIn(["matmul", "2", "1.000", "1.000", "0.500", "-", "1.414"], lines)

    def test_builds_take_turns_and_only_the_first_round_is_checked(self):
        speeds = {"matmul/s": [1e9] * 4}
        a, b = self.build("a", speeds, {"op": 1.0}), self.build("b", speeds, {"op": 1.0}, options="")
        status, _, err = self.run_compare(a, b, "--rounds", "4", "--filter", "matmul")
        self.assertEqual(status, 0, err)
        self.assertEqual(self.calls(), ["a checked", "b checked", "b checked", "a unchecked",
                                        "a unchecked", "b checked", "b checked", "a unchecked"])

    def test_a_checkout_is_a_build_and_the_filter_reaches_steps(self):
        build = self.build("checkout/build/release", {"matmul/s": [1e9]}, {"op": 1.0, "mlp": 1.0})
        checkout = str(pathlib.Path(build).parent.parent)
        status, out, err = self.run_compare(checkout, build, "--rounds", "1", "--filter", "steps/op")
        self.assertEqual(status, 0, err)
        self.assertIn("steps/op/threads:1", out)
        self.assertNotIn("mlp", out)
        self.assertNotIn("matmul", out)

    def test_errors(self):
        speeds = {"matmul/s": [1e9]}
        good = self.build("good", speeds, {"op": 1.0})
        self.assertEqual(self.run_compare(good, str(self.folder / "none"))[::2],
                         (2, "forger bench compare: DIR/none: no such folder\n"))
        (self.folder / "empty").mkdir()
        self.assertEqual(self.run_compare(good, str(self.folder / "empty"))[::2], (
            2, "forger bench compare: DIR/empty: no forger_bench in this folder\n"
               "  looked for DIR/empty/bench/forger_bench\n"
               "  and        DIR/empty/build/release/bench/forger_bench\n"
               "  ./forger build builds it in a checkout\n"))
        self.assertEqual(self.run_compare(good, good, "--models", "op,graph")[::2], (
            2, "forger bench compare: DIR/good: forger_steps has no model 'graph'\n"
               "  there are: op\n"))
        status, _, err = self.run_compare(good, good, "--filter", "nothing", "--rounds", "1")
        self.assertEqual((status, err.splitlines()[-1]), (
            2, "forger bench compare: --filter: 'nothing' matches no benchmark of both builds"))
        other = self.build("other", speeds, {"op": 1.0}, kernels="avx512")
        self.assertEqual(self.run_compare(good, other)[::2], (
            2, "forger bench compare: the builds use different kernels\n  A  avx2\n  B  avx512\n"
               "  FORGER_KERNELS names a set for both\n"))
        wrong = self.build("wrong", speeds, {"op": 1.0}, wrong=True)
        status, _, err = self.run_compare(good, wrong)
        self.assertEqual((status, err[err.index("forger bench"):]), (
            1, "forger bench compare: DIR/wrong: forger_bench failed\n"
               "  wrong, and not timed: element 3 is 1, the reference says 2\n"))
        for words, message in [(["--rounds", "0"], "a whole number from 1 on expected, found '0'"),
                               (["--filter", "("], "'(' is no regular expression")]:
            status, _, err = self.run_compare(good, good, *words)
            self.assertEqual(status, 2)
            self.assertIn(message, err)

    def test_groups(self):
        self.assertEqual(compare.group_of("conv2d_weight_grad/n1/threads:1"), "conv")
        self.assertEqual(compare.group_of("steps/op/threads:1"), "steps")

    def test_steps_runs_pytorch_only_for_models_that_the_peer_has(self):
        peer = (ROOT / "bench/peers/torch_steps.py").read_text()
        for model in programs.MODELS:
            ours, peers = steps.settings(model, "forger_steps", 1, torch=True)
            self.assertTrue(ours)
            self.assertEqual(bool(peers), model == "toy2d" or f'model == "{model}"' in peer)


if __name__ == "__main__":
    unittest.main()
