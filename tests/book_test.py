#!/usr/bin/env python3
"""tutorials/tools/book.py on small chapters: what it writes, what it finds, and what it refuses."""
import contextlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOL = ROOT / "tutorials/tools/book.py"
sys.path.insert(0, str(TOOL.parent))
import book  # noqa: E402

try:
    import matplotlib  # noqa: F401
    HAS_MATPLOTLIB = True
except ImportError:
    HAS_MATPLOTLIB = False


def point(at, *values):
    summary = {"mean": sum(values) / len(values), "least": min(values), "most": max(values), "values": list(values)}
    return summary if at is None else {"at": at, **summary}


RESULT = {
    "experiment": "9.1", "title": "A line",
    "predictions": [
        {"quantity": "slope", "relation": "about", "value": 0.5, "tolerance": 0.05, "source": "its definition",
         "measured": point(None, 0.3, 0.6), "gap": -0.05, "fulfilled": True},
        {"quantity": "share", "relation": "at least", "value": 0.99, "source": "a | b",
         "measured": point(None, 0.5), "gap": -0.49, "fulfilled": False},
        {"quantity": "parts", "relation": "none", "source": "depends on the data", "measured": point(None, 7)}],
    "series": [{"quantity": "slope", "points": [point(None, 0.3, 0.6)]},
               {"quantity": "forest", "axis": "examples", "points": [point(10, 0.5, 0.7), point(60000, 0.84)]},
               {"quantity": "bayes", "axis": "examples", "points": [point(10, 0.1234567)]},
               {"quantity": "moves", "axis": "spoilt set", "points": [point("blur", 1), point("noise", 0, 2)]}],
    "pictures": [{"file": "9.1_line.png", "checksum": "5353dd3c35273c96"}], "seeds": [0, 1], "quick": False, "seconds": 1.5, "kernels": "avx2", "threads": 2,
    "compiler": "g++ 12", "commit": "abc", "inputs": {"checksum": "0", "files": []}}

SOURCE = """#include <vector>

struct Point {
  int x;
};

int twice(int x);

namespace {

/// Twice x.
int twice(int x) {
  // listing: core
  if (x > 0) {
    return 2 * x;
  }
  // end of listing
  return twice(x);
}

int one() { return 1; }

template <class T>
int overloaded(T) {
  return 1;
}

int overloaded() {
  return 2;
}

}  // namespace
"""


class Book(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.temporary.name)
        self.chapter = self.root / "tutorials/09_lines"
        (self.chapter / "results").mkdir(parents=True)
        (self.chapter / "main.cpp").write_text(SOURCE)
        self.record(RESULT)
        self.readme("")

    def tearDown(self):
        self.temporary.cleanup()

    def record(self, result, name="9.1"):
        (self.chapter / f"results/{name}.json").write_text(json.dumps(result))

    def readme(self, text):
        (self.chapter / "README.md").write_text(text)

    def call(self, *options):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = book.main(["--root", str(self.root), *options])
        return status, out.getvalue(), err.getvalue()

    def written(self, block, inline=False):
        """What the tool writes into a block."""
        self.readme(f"before\n<!-- {block} -->old<!-- end -->\nafter\n")
        status, _, error = self.call()
        self.assertEqual((status, error), (0, ""))
        text = (self.chapter / "README.md").read_text()
        begin, end = f"before\n<!-- {block} -->", "<!-- end -->\nafter\n"
        self.assertTrue(text.startswith(begin) and text.endswith(end), text)
        self.assertEqual(self.call("--check"), (0, "", ""))
        return text[len(begin):-len(end)]

    def fault(self, block):
        """What the tool says about a block, which it leaves as it is, behind the block's words."""
        text = f"before\n<!-- {block} -->old<!-- end -->\n"
        self.readme(text)
        status, _, error = self.call()
        self.assertEqual(status, 1)
        self.assertEqual((self.chapter / "README.md").read_text(), text)
        begin = f"tutorials/09_lines/README.md:2: {block}: "
        self.assertTrue(error.startswith(begin), error)
        return error[len(begin):].rstrip("\n")

    # ---- tables and numbers

    def test_predictions_stand_beside_what_was_measured(self):
        self.assertEqual(self.written("predictions 9.1 digits=3"), """
|  | predicted | because | measured | range over 2 seeds | gap | as predicted |
| --- | --- | --- | ---: | ---: | ---: | --- |
| slope | 0.5 ± 0.05 | its definition | 0.450 | 0.300 to 0.600 | -0.05 | yes |
| share | at least 0.99 | a \\| b | 0.500 |  | -0.49 | no |
| parts | nothing | depends on the data | 7 |  |  |  |
""")

    def test_a_table_has_a_column_for_each_quantity_of_the_axis(self):
        self.assertEqual(self.written("table 9.1 examples digits=2 range"), """
| examples | forest | bayes |
| ---: | ---: | ---: |
| 10 | 0.60 (0.50 to 0.70) | 0.12 |
| 60,000 | 0.84 |  |
""")
        self.assertEqual(self.written('table 9.1 "spoilt set"'), """
| spoilt set | moves |
| --- | ---: |
| blur | 1 |
| noise | 1 |
""")
        self.assertIn("| examples | bayes | forest |", self.written('table 9.1 examples columns="bayes; forest"'))

    def test_a_number_stands_in_its_sentence(self):
        self.assertEqual(self.written("number 9.1 slope digits=3"), "0.450")
        self.assertEqual(self.written("number 9.1 slope field=most"), "0.6000")
        self.assertEqual(self.written("number 9.1 slope field=gap digits=2"), "-0.050")
        for at in ["60000", "60,000"]:
            self.assertEqual(self.written(f"number 9.1 forest at={at} digits=2"), "0.84")
        self.assertEqual(self.written("number 9.1 moves at=noise field=most"), "2")

    def test_a_point_of_an_axis_has_the_digits_that_the_experiment_prints(self):
        points = [point(0.5, 1), point(1e-05, 2), point(12.25, 3), point(2.0, 4)]
        self.record({**RESULT, "series": [{"quantity": "loss", "axis": "rate", "points": points}]})
        self.assertEqual(self.written("table 9.1 rate"),
                         "\n| rate | loss |\n| ---: | ---: |\n| 0.5 | 1 |\n| 1e-05 | 2 |\n| 12.25 | 3 |\n| 2 | 4 |\n")
        self.assertEqual(self.written("number 9.1 loss at=0.5"), "1")

    def test_numbers_keep_their_significant_digits(self):
        for number, text in [(0.5, "0.5000"), (7.0, "7"), (-0.0, "0"), (1234.56, "1,235"), (12345.6, "12,346"),
                             (123.45, "123.5"), (1.2e-7, "1.200e-07"), (-0.12345, "-0.1235")]:
            self.assertEqual(book.number_text(number) if number != 1234.56 else book.number_text(number, 3), text)

    def test_several_blocks_and_other_comments_stay_apart(self):
        self.readme("<!-- a note -->\n<!-- number 9.1 parts --><!-- end -->, <!-- number 9.1 slope -->x<!-- end -->\n")
        self.record({**RESULT, "series": RESULT["series"] + [{"quantity": "parts", "points": [point(None, 7)]}]})
        self.assertEqual(self.call()[0], 0)
        self.assertEqual((self.chapter / "README.md").read_text(),
                         "<!-- a note -->\n<!-- number 9.1 parts -->7<!-- end -->, "
                         "<!-- number 9.1 slope -->0.4500<!-- end -->\n")

    # ---- listings and files

    def test_a_listing_is_a_definition_or_lines_between_comments(self):
        self.assertEqual(self.written("listing main.cpp core"), "\n```cpp\nif (x > 0) {\n  return 2 * x;\n}\n```\n")
        self.assertEqual(self.written("listing main.cpp twice"),
                         "\n```cpp\nint twice(int x) {\n  if (x > 0) {\n    return 2 * x;\n  }\n  return twice(x);\n}\n```\n")
        self.assertEqual(self.written("listing main.cpp Point"), "\n```cpp\nstruct Point {\n  int x;\n};\n```\n")
        self.assertEqual(self.written("listing main.cpp one"), "\n```cpp\nint one() { return 1; }\n```\n")
        self.assertIn("int x;", self.written("listing tutorials/09_lines/main.cpp Point"))

    def test_a_listing_that_is_missing_or_ambiguous_is_a_fault(self):
        self.assertEqual(self.fault("listing main.cpp thrice"),
                         "thrice is defined 0 times; expected once, or `// listing: thrice`")
        self.assertEqual(self.fault("listing main.cpp overloaded"),
                         "overloaded is defined 2 times; expected once, or `// listing: overloaded`")
        self.assertEqual(self.fault("listing nosuch.cpp core"), "nosuch.cpp does not exist")
        (self.chapter / "main.cpp").write_text("// listing: core\nint x;\n")
        self.assertEqual(self.fault("listing main.cpp core"), "listing core has no end")
        (self.chapter / "main.cpp").write_text("// listing: core\n// end of listing\n// listing: core\n// end of listing\n")
        self.assertEqual(self.fault("listing main.cpp core"), "listing core begins 2 times")

    def test_a_file_becomes_a_block(self):
        (self.chapter / "results/train.txt").write_text("epoch 1\n")
        self.assertEqual(self.written("output results/train.txt"), "\n```\nepoch 1\n```\n")

    def test_a_picture_must_be_one_of_the_result(self):
        path = self.chapter / "results/9.1_line.png"
        path.write_bytes(b"a picture")
        self.assertEqual(self.written('picture 9.1_line "A line"'), "\n![A line](results/9.1_line.png)\n")
        self.assertEqual(self.fault('picture 9.1_circle "A circle"'), "no picture 9.1_circle; there are: 9.1_line")
        path.write_bytes(b"a foreign picture")
        self.assertEqual(self.fault('picture 9.1_line "A line"'),
                         "tutorials/09_lines/results/9.1_line.png is not of this result")
        path.unlink()
        self.assertEqual(self.fault('picture 9.1_line "A line"'), "tutorials/09_lines/results/9.1_line.png does not exist")

    def test_an_animation_is_a_picture(self):
        (self.chapter / "results/9.1_line.gif").write_bytes(b"a picture")
        self.record({**RESULT, "pictures": [{**RESULT["pictures"][0], "file": "9.1_line.gif"}]})
        self.assertEqual(self.written('picture 9.1_line "A line"'), "\n![A line](results/9.1_line.gif)\n")

    # ---- what --check finds

    def test_check_finds_every_difference_and_changes_nothing(self):
        for block, change in [
                ("predictions 9.1", lambda: self.record({**RESULT, "predictions": RESULT["predictions"][:1]})),
                ("table 9.1 examples", lambda: self.record({**RESULT, "series": RESULT["series"][:2]})),
                ("number 9.1 slope", lambda: self.record(
                    {**RESULT, "series": [{"quantity": "slope", "points": [point(None, 0.31, 0.6)]}]})),
                ("listing main.cpp core", lambda: (self.chapter / "main.cpp").write_text(SOURCE.replace("2 * x", "3 * x")))]:
            with self.subTest(block):
                self.record(RESULT)
                (self.chapter / "main.cpp").write_text(SOURCE)
                self.written(block)
                change()
                before = (self.chapter / "README.md").read_text()
                self.assertEqual(self.call("--check"),
                                 (1, "", f"tutorials/09_lines/README.md:2: {block}: not what results and sources give\n"
                                         "tutorials/tools/book.py rewrites tables, listings and figures\n"))
                self.assertEqual((self.chapter / "README.md").read_text(), before)

    def test_check_accepts_another_machine_and_time(self):
        self.written("predictions 9.1")
        self.record({**RESULT, "seconds": 9, "commit": "def", "threads": 4})
        self.assertEqual(self.call("--check"), (0, "", ""))

    # ---- figures

    @unittest.skipUnless(HAS_MATPLOTLIB, "needs matplotlib")
    def test_a_figure_is_drawn_again_when_its_numbers_change(self):
        path = self.chapter / "results/9.1_accuracy_figure.png"
        block = 'figure 9.1 examples y=accuracy log-x name=accuracy alt="Accuracy"'
        self.assertEqual(self.written(block), "\n![Accuracy](results/9.1_accuracy_figure.png)\n")
        drawn = path.read_bytes()
        self.assertEqual(self.call()[1], "0 texts written, 0 figures drawn\n")
        self.record({**RESULT, "seconds": 9})
        self.assertEqual(self.call("--check"), (0, "", ""))
        series = json.loads(json.dumps(RESULT["series"]))
        series[1]["points"][0]["mean"] = 0.1
        self.record({**RESULT, "series": series})
        status, _, error = self.call("--check")
        self.assertEqual(status, 1)
        self.assertIn(f"README.md:2: {block}: results/9.1_accuracy_figure.png is not of this result\n", error)
        self.assertEqual(path.read_bytes(), drawn)
        self.assertEqual(self.call()[1], "0 texts written, 1 figures drawn\n")
        self.assertNotEqual(path.read_bytes(), drawn)
        path.unlink()
        self.assertEqual(self.call("--check")[0], 1)

    @unittest.skipUnless(HAS_MATPLOTLIB, "needs matplotlib")
    def test_bars_are_drawn_for_labels_and_a_chapter_may_draw_its_own(self):
        self.assertEqual(self.written('figure 9.1 "spoilt set"'), "\n![A line](results/9.1_figure.png)\n")
        (self.chapter / "figures.py").write_text(
            "def figure_9_1_own(result, figure):\n    figure.add_subplot().plot(result['seeds'])\n")
        self.written("figure 9.1 name=own")
        self.assertTrue((self.chapter / "results/9.1_own_figure.png").exists())
        (self.chapter / "figures.py").write_text("def figure_9_1_own(result, figure):\n    pass\n")
        self.assertIn("is not of this result", self.call("--check")[2])

    def test_a_missing_figure_is_found_without_matplotlib(self):
        self.readme("<!-- figure 9.1 examples -->\n![A line](results/9.1_figure.png)\n<!-- end -->\n")
        self.assertEqual(self.call("--check")[2].splitlines()[0],
                         "tutorials/09_lines/README.md:1: figure 9.1 examples: results/9.1_figure.png is not of this result")

    # ---- mistakes

    def test_wrong_blocks_are_faults_that_say_what_there_is(self):
        for block, message in [
                ("predictions 9.2", "tutorials/09_lines/results/9.2.json does not exist: "
                                    "`experiment 9.2 --record` writes it"),
                ("predictions", "found nothing, expected N.M and perhaps digits="),
                ("predictions 9.1 9.2", "found 9.1 9.2, expected N.M and perhaps digits="),
                ("predictions 9.1 digits=x", "digits=x: expected a whole number above 0"),
                ("table 9.1 nosuch", "experiment 9.1 has no axis 'nosuch'; it has: examples, spoilt set"),
                ("table 9.1", "experiment 9.1 has no axis None; it has: examples, spoilt set"),
                ("table 9.1 examples columns=x", "no quantity 'x' on this axis; there are: forest, bayes"),
                ("number 9.1 forest", "experiment 9.1 has no quantity 'forest'; it has: slope, forest, bayes, moves"),
                ("number 9.1 forest at=11", "experiment 9.1 has no quantity 'forest' at '11'; "
                                            "it has: slope, forest, bayes, moves"),
                ("number 9.1 slope field=median", "slope has no median"),
                ('number 9.1 "slope', "No closing quotation")]:
            with self.subTest(block):
                self.assertEqual(self.fault(block).splitlines()[0], message)

    def test_an_unclosed_block_and_a_stray_end_are_faults(self):
        kinds = "predictions, table, number, picture, listing, output, figure"
        for text, message in [
                ("<!-- number 9.1 slope -->0.45", "number 9.1 slope: the block has no <!-- end -->"),
                ("<!-- nubmer 9.1 slope -->0.45<!-- end -->", f"an end without a block; the blocks are: {kinds}"),
                ("<!-- number 9.1 slope -->0.45 <!-- number 9.1 slope -->0.45<!-- end -->",
                 "number 9.1 slope: the block has no <!-- end -->")]:
            with self.subTest(text):
                self.readme(text)
                status, _, error = self.call("--check")
                self.assertEqual(status, 1)
                self.assertEqual(error.splitlines()[0], f"tutorials/09_lines/README.md:1: {message}")

    def test_a_result_must_be_whole_and_of_its_experiment(self):
        path = "tutorials/09_lines/results/9.1.json"
        for change, message in [({"quick": True}, f"{path} is of a quick run"),
                                ({"experiment": "9.2"}, f"{path} is of experiment 9.2"),
                                ({"seconds": 2401}, f"{path} took 2401 s, more than 2400")]:
            with self.subTest(message):
                self.record({**RESULT, **change})
                self.assertEqual(self.call("--check")[2].splitlines()[0], message)
        self.record({name: value for name, value in RESULT.items() if name not in ("seeds", "quick")})
        self.assertEqual(self.call("--check")[2].splitlines()[0], f"{path} is damaged: it lacks seeds, quick")
        self.record({**RESULT, "pictures": [{"file": "9.1_line.png"}]})
        self.assertEqual(self.call("--check")[2].splitlines()[0], f"{path} is damaged: it lacks checksums of the pictures")
        (self.chapter / "results/9.1.json").write_text("{")
        self.assertIn(f"{path} is damaged: Expecting", self.call("--check")[2])
        (self.chapter / "results/9.1.json").unlink()
        self.record({**RESULT, "experiment": "8.1"}, "8.1")
        self.assertEqual(self.call("--check")[2].splitlines()[0],
                         "tutorials/09_lines/results/8.1.json is of experiment 8.1")

    def test_the_experiments_of_chapters_1_to_4_end_within_seven_hours(self):
        folder = self.root / "tutorials/01_first"
        (folder / "results").mkdir(parents=True)
        (folder / "README.md").write_text("")
        for i in range(1, 12):
            text = json.dumps({**RESULT, "experiment": f"1.{i}", "seconds": 2300})
            (folder / f"results/1.{i}.json").write_text(text)
        self.assertEqual(self.call("--check")[2].splitlines()[0],
                         "the experiments of chapters 1 to 4 took 25300 s, more than 25200")
        (folder / "results/1.11.json").unlink()
        self.assertEqual(self.call("--check"), (0, "", ""))


class TheBook(unittest.TestCase):
    def test_the_texts_agree_with_results_and_sources(self):
        done = subprocess.run([sys.executable, "-B", TOOL, "--check"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
