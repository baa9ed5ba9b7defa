#!/usr/bin/env python3
"""Writes what the chapters' texts take from results and sources:

    tutorials/tools/book.py           rewrites tutorials/*/README.md and draws outdated figures
    tutorials/tools/book.py --check   changes nothing; names what differs, with status 1

A text holds blocks, each between two comments that a reader does not see:

    <!-- predictions 1.1 -->          an experiment's predictions beside what was measured
    <!-- end -->
    <!-- table 1.2 "training images" digits=3 columns="forest; naive Bayes" range -->
                                      the quantities on an axis, a row for each point
    <!-- figure 1.2 "training images" y=accuracy log-x name=accuracy -->
                                      the same as a curve or as bars, drawn with matplotlib
    <!-- picture 1.3_samples "Samples of naive Bayes" -->
                                      a picture or an animation that the experiment wrote
    <!-- listing main.cpp train -->   a function or struct by name, or the lines between the comments
                                      `// listing: train` and `// end of listing`
    <!-- output results/train.txt --> a file, such as the output of a command
    The slope is <!-- number 1.1 slope digits=3 -->-0.498<!-- end -->.
                                      also with at=POINT, and field=least, most, gap or value

Results are tutorials/NN_name/results/N.M.json, which `experiment N.M --record` writes. A chapter's
figures.py may define figure_1_2_NAME(result, figure), which draws the figure of that name instead.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import shlex
import struct
import sys

COMMENT = re.compile(r"<!--\s*(.*?)\s*-->", re.S)
LANGUAGES = {".cpp": "cpp", ".h": "cpp", ".py": "python", ".sh": "sh"}
MOST_SECONDS = 40 * 60          # of an experiment
MOST_SECONDS_OF_ALL = 7 * 3600  # of chapters 1 to 4
LIMITED_CHAPTERS = range(1, 5)
ENTRIES = ["experiment", "title", "predictions", "series", "pictures", "seeds", "quick", "seconds", "kernels", "threads",
           "compiler", "commit", "inputs"]
# What may differ between two runs that measure the same numbers.
VOLATILE = {"seconds", "kernels", "threads", "wait_policy", "compiler", "commit", "inputs", "reader"}


class Fault(Exception):
    """A mistake in a text or a result. Its message begins with the file."""


# ---- numbers

def number_text(number, digits=4, zeros=True):
    """A number with so many significant digits, also those that are 0: 0.8400, 12,346 or 1.200e-07."""
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    if abs(float(f"{number:.{digits}g}")) >= 10 ** digits:
        return f"{number:,.0f}"
    return format(number, f"{'#' if zeros else ''}.{digits}g").rstrip(".")


def point_text(at):
    """A point of an axis, as the experiment prints it: 60,000 or 0.125 without further digits."""
    if isinstance(at, str):
        return at
    return number_text(at) if at == int(at) else repr(at)


def range_text(summary, digits):
    if summary["least"] == summary["most"]:
        return ""
    return f"{number_text(summary['least'], digits)} to {number_text(summary['most'], digits)}"


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(rows):
    """A Markdown table whose first row is the header. Columns of numbers are aligned to the right."""
    lines = ["| " + " | ".join(map(cell, row)) + " |" for row in rows]
    columns = [[text for text in column[1:] if text] for column in zip(*rows)]
    numeric = [bool(column) and all(re.match(r"[-+]?\d", text) for text in column) for column in columns]
    lines.insert(1, "| " + " | ".join("---:" if right else "---" for right in numeric) + " |")
    return "\n".join(lines)


# ---- results

class Chapter:
    def __init__(self, folder):
        self.folder = folder
        self.root = folder.parent.parent
        self.readme = folder / "README.md"
        self.results = {}

    def name_of(self, path):
        return path.relative_to(self.root).as_posix()

    def result(self, number):
        if number not in self.results:
            path = self.folder / "results" / f"{number}.json"
            try:
                result = json.loads(path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                raise Fault(f"{self.name_of(path)} does not exist: "
                            f"`experiment {number} --record` writes it") from None
            except json.JSONDecodeError as error:
                raise Fault(f"{self.name_of(path)} is damaged: {error}") from None
            lacking = [name for name in ENTRIES if name not in result]
            if any("checksum" not in picture for picture in result.get("pictures", [])):
                lacking.append("checksums of the pictures")
            if lacking:
                raise Fault(f"{self.name_of(path)} is damaged: it lacks {', '.join(lacking)}")
            self.results[number] = result
        return self.results[number]

    def series_on(self, number, axis):
        """The quantities of a result that have this axis. Without one: the result's only axis."""
        result = self.result(number)
        axes = list(dict.fromkeys(s["axis"] for s in result["series"] if "axis" in s))
        if axis is None and len(axes) == 1:
            axis = axes[0]
        found = [s for s in result["series"] if axis is not None and s.get("axis") == axis]
        if not found:
            raise Fault(f"experiment {number} has no axis {axis!r}; it has: {', '.join(axes) or 'none'}")
        return axis, found

    def numbers(self, number, quantity, at):
        """The mean, least, most and values of a quantity at a point of its axis."""
        result = self.result(number)
        for series in result["series"]:
            if series["quantity"] != quantity or ("axis" in series) != (at is not None):
                continue
            for point in series["points"]:
                if at is None or at in (point_text(point["at"]), point_text(point["at"]).replace(",", "")):
                    return point
        where = "" if at is None else f" at {at!r}"
        known = ", ".join(dict.fromkeys(s["quantity"] for s in result["series"]))
        raise Fault(f"experiment {number} has no quantity {quantity!r}{where}; it has: {known}")

    def check_result(self, path):
        """Returns what is wrong with a recorded result."""
        result = self.result(path.stem)
        number = int(self.folder.name[:2])
        if result["experiment"] != path.stem or path.stem.split(".")[0] != str(number):
            return f"is of experiment {result['experiment']}"
        if result["quick"]:
            return "is of a quick run"
        if result["seconds"] > MOST_SECONDS:
            return f"took {result['seconds']:.0f} s, more than {MOST_SECONDS}"
        return None


# ---- blocks

class Options:
    """The words behind a block's kind: some in order, some as name=value, some alone."""

    def __init__(self, words, positional, named=(), flags=()):
        self.flags, self.values, given = set(), {}, []
        for word in words:
            name, equals, value = word.partition("=")
            if equals and name in named:
                self.values[name] = value
            elif word in flags:
                self.flags.add(word)
            else:
                given.append(word)
        required = [name for name in positional if not name.startswith("?")]
        if not len(required) <= len(given) <= len(positional):
            kinds = [f"{name}=" for name in named] + list(flags)
            raise Fault(f"found {' '.join(given) or 'nothing'}, expected {' '.join(positional)}"
                        + (f" and perhaps {' '.join(kinds)}" if kinds else ""))
        for name, word in zip(positional, given):
            self.values[name.lstrip("?")] = word

    def __getitem__(self, name):
        return self.values[name]

    def get(self, name, default=None):
        return self.values.get(name, default)

    def digits(self):
        digits = self.get("digits", "4")
        if not digits.isdigit() or digits == "0":
            raise Fault(f"digits={digits}: expected a whole number above 0")
        return int(digits)


def predictions(chapter, words):
    o = Options(words, ["N.M"], ["digits"])
    digits = o.digits()
    result = chapter.result(o["N.M"])
    seeds = len(result["seeds"])
    header = "range" if seeds == 1 else f"range over {seeds} seeds"
    rows = [["", "predicted", "because", "measured", header, "gap", "as predicted"]]
    for p in result["predictions"]:
        value = number_text(p["value"], zeros=False) if "value" in p else ""
        predicted = {"about": value, "at least": f"at least {value}", "at most": f"at most {value}",
                     "none": "nothing"}[p["relation"]]
        if p.get("tolerance"):
            predicted += f" ± {number_text(p['tolerance'], zeros=False)}"
        measured = number_text(p["measured"]["mean"], digits)
        gap = f"{p['gap']:+.2g}" if "gap" in p else ""
        verdict = {True: "yes", False: "no", None: ""}[p.get("fulfilled")]
        rows.append([p["quantity"], predicted, p["source"], measured,
                     range_text(p["measured"], digits), gap, verdict])
    return table(rows)


def chosen(series, columns):
    """The quantities that `columns` names, in its order."""
    if columns is None:
        return series
    by_name = {s["quantity"]: s for s in series}
    names = [name.strip() for name in columns.split(";")]
    for name in names:
        if name not in by_name:
            raise Fault(f"no quantity {name!r} on this axis; there are: {', '.join(by_name)}")
    return [by_name[name] for name in names]


def axis_table(chapter, words):
    o = Options(words, ["N.M", "?axis"], ["digits", "columns"], ["range"])
    axis, series = chapter.series_on(o["N.M"], o.get("axis"))
    series, digits = chosen(series, o.get("columns")), o.digits()
    rows = [[axis] + [s["quantity"] for s in series]]
    points = [{p["at"]: p for p in s["points"]} for s in series]
    for at in dict.fromkeys(at for of_series in points for at in of_series):
        row = [point_text(at)]
        for of_series in points:
            text = ""
            if at in of_series:
                text = number_text(of_series[at]["mean"], digits)
                span = range_text(of_series[at], digits)
                if "range" in o.flags and span:
                    text += f" ({span})"
            row.append(text)
        rows.append(row)
    return table(rows)


def number(chapter, words):
    o = Options(words, ["N.M", "quantity"], ["at", "digits", "field"])
    field = o.get("field", "mean")
    summary = chapter.numbers(o["N.M"], o["quantity"], o.get("at"))
    if field in ("gap", "value"):
        summary = next((p for p in chapter.result(o["N.M"])["predictions"]
                        if p["quantity"] == o["quantity"]), {})
    if field not in summary or field == "values":
        raise Fault(f"{o['quantity']} has no {field}")
    return number_text(summary[field], o.digits())


def picture(chapter, words):
    o = Options(words, ["picture", "alt"])
    result = chapter.result(o["picture"].partition("_")[0])
    pictures = {pathlib.PurePath(p["file"]).stem: p for p in result["pictures"]}
    if o["picture"] not in pictures:
        raise Fault(f"no picture {o['picture']}; there are: {', '.join(pictures) or 'none'}")
    name = pictures[o["picture"]]["file"]
    path = chapter.folder / "results" / name
    if not path.exists():
        raise Fault(f"{chapter.name_of(path)} does not exist")
    if checksum(path.read_bytes()) != pictures[o["picture"]]["checksum"]:
        raise Fault(f"{chapter.name_of(path)} is not of this result")
    return f"![{o['alt']}](results/{name})"


def source(chapter, name):
    """A file of the chapter, or of the repository."""
    for folder in (chapter.folder, chapter.root):
        if (folder / name).is_file():
            return folder / name
    raise Fault(f"{name} does not exist")


def without_indent(lines):
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    lines = [line[min(indents, default=0):] for line in lines]
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def marked_lines(lines, name):
    """The lines between `// listing: name` and the next end, or None. Comments of other listings are
    left out."""
    begins = [i for i, line in enumerate(lines) if re.fullmatch(rf"\s*(//|#) listing: {re.escape(name)}", line)]
    if len(begins) > 1:
        raise Fault(f"listing {name} begins {len(begins)} times")
    if not begins:
        return None
    for end in range(begins[0] + 1, len(lines)):
        if re.fullmatch(r"\s*(//|#) end of listing", lines[end]):
            return lines[begins[0] + 1:end]
    raise Fault(f"listing {name} has no end")


def definition(lines, name):
    """The definition of a function, struct or class, as clang-format lays it out: to the first `}`
    that is indented as the definition is."""
    found = []
    for i, line in enumerate(lines):
        indent = line[:len(line) - len(line.lstrip())]
        pattern = rf"{indent}(?:(?:struct|class|enum class) {re.escape(name)}\b|[\w:<].*?\b{re.escape(name)}\()"
        if re.match(r"\s*(//|return\b|throw\b|else\b|if\b|for\b|while\b)", line) or not re.match(pattern, line):
            continue
        for end in range(i, len(lines)):
            text = lines[end]
            if end > i and re.match(rf"{indent}}}", text) or text.endswith("}") and "{" in text and end == i:
                found.append(lines[i:end + 1])
                break
            if text.endswith(";") and not any("{" in part for part in lines[i:end + 1]):
                break  # a declaration or a call
    if len(found) != 1:
        raise Fault(f"{name} is defined {len(found)} times; expected once, or `// listing: {name}`")
    return found[0]


def listing(chapter, words):
    o = Options(words, ["file", "name"])
    path = source(chapter, o["file"])
    lines = path.read_text(encoding="utf-8").splitlines()
    found = marked_lines(lines, o["name"]) or definition(lines, o["name"])
    found = [line for line in found if not re.match(r"\s*(//|#) (listing:|end of listing)", line)]
    return "\n".join([f"```{LANGUAGES.get(path.suffix, '')}"] + without_indent(found) + ["```"])


def output(chapter, words):
    o = Options(words, ["file"])
    text = source(chapter, o["file"]).read_text(encoding="utf-8").rstrip("\n")
    return f"```\n{text}\n```"


def checksum(data):
    """The one that the program writes beside a picture's name: 64-bit FNV-1a (common/checksum.h)."""
    found = 0xcbf29ce484222325
    for byte in data:
        found = (found ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return f"{found:016x}"


# ---- figures

INK, QUIET = "#222222", "#999999"
COLOURS = ["#c8402f", "#3a6ea5", "#7a9e4d", "#b8860b", "#7b5ea7", "#3b8e8c", "#8c564b", "#555555"]


class Figure:
    """A figure of a text. The file's metadata hold a checksum of what it was drawn from."""

    def __init__(self, chapter, words):
        o = self.options = Options(words, ["N.M", "?axis"], ["y", "name", "columns", "alt"], ["log-x", "log-y"])
        self.chapter, self.words = chapter, words
        self.number, name = o["N.M"], o.get("name")
        self.result = chapter.result(self.number)
        self.stem = self.number + (f"_{name}" if name else "")
        self.path = chapter.folder / "results" / f"{self.stem}_figure.png"
        self.own = chapter.folder / "figures.py"
        self.function = "figure_" + self.stem.replace(".", "_").replace("-", "_")
        self.is_own = self.own.is_file() and f"def {self.function}(" in self.own.read_text(encoding="utf-8")
        if not self.is_own:
            self.axis, series = chapter.series_on(self.number, o.get("axis"))
            self.series = chosen(series, o.get("columns"))

    def text(self):
        alt = self.options.get("alt", self.result["title"])
        return f"![{alt}](results/{self.path.name})"

    def checksum(self):
        stable = {name: value for name, value in self.result.items() if name not in VOLATILE}
        parts = [stable, self.words, self.own.read_text(encoding="utf-8") if self.is_own else ""]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def is_current(self):
        return png_texts(self.path).get("Source") == self.checksum()

    def draw(self):
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
        plt.rcParams.update({
            "font.size": 10, "font.family": "DejaVu Sans", "axes.edgecolor": QUIET, "axes.spines.top": False,
            "axes.spines.right": False, "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK,
            "ytick.color": INK, "legend.frameon": False})
        figure = plt.figure(figsize=(7, 4), layout="constrained")
        if self.is_own:
            names = {}
            exec(compile(self.own.read_text(encoding="utf-8"), self.own, "exec"), names)
            names[self.function](self.result, figure)
        else:
            self.draw_axis(figure.add_subplot())
        figure.savefig(self.path, dpi=130, metadata={"Source": self.checksum(), "Software": None})
        plt.close(figure)

    def draw_axis(self, axes):
        numeric = all(not isinstance(p["at"], str) for s in self.series for p in s["points"])
        labels = list(dict.fromkeys(p["at"] for s in self.series for p in s["points"]))
        for i, s in enumerate(self.series):
            points = sorted(s["points"], key=lambda p: p["at"]) if numeric else s["points"]
            mean, least, most = ([p[key] for p in points] for key in ("mean", "least", "most"))
            colour = COLOURS[i % len(COLOURS)]
            if numeric:
                x = [p["at"] for p in points]
                axes.fill_between(x, least, most, color=colour, alpha=0.2, linewidth=0)
                axes.plot(x, mean, color=colour, marker="o", markersize=4, label=s["quantity"])
            else:
                width = 0.8 / len(self.series)
                x = [labels.index(p["at"]) + (i - (len(self.series) - 1) / 2) * width for p in points]
                spans = [[m - low for m, low in zip(mean, least)], [high - m for m, high in zip(mean, most)]]
                axes.bar(x, mean, width, color=colour, label=s["quantity"], yerr=spans, ecolor=INK, capsize=2)
        if not numeric:
            axes.set_xticks(range(len(labels)), labels)
        if "log-x" in self.options.flags:
            axes.set_xscale("log")
        if "log-y" in self.options.flags:
            axes.set_yscale("log")
        axes.set_xlabel(self.axis)
        axes.set_ylabel(self.options.get("y", self.series[0]["quantity"] if len(self.series) == 1 else ""))
        if len(self.series) > 1:
            axes.legend()


def png_texts(path):
    """The texts in a PNG's metadata. Empty if there is no such file."""
    texts = {}
    if not path.exists():
        return texts
    data, at = path.read_bytes(), 8
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"tEXt":
            name, _, text = data[at + 8:at + 8 + length].partition(b"\0")
            texts[name.decode("latin-1")] = text.decode("latin-1")
        at += 12 + length
    return texts


# ---- texts

KINDS = {"predictions": predictions, "table": axis_table, "number": number, "picture": picture,
         "listing": listing, "output": output, "figure": None}
INLINE = {"number"}


def rewrite(chapter):
    """Returns the chapter's text with its blocks made anew, the faults and differences found, each
    with its line, and the figures."""
    text = chapter.readme.read_text(encoding="utf-8")
    parts, at, opened, problems, figures = [], 0, None, [], []

    def complain(position, problem):
        line = text.count("\n", 0, position) + 1
        problems.append(f"{chapter.name_of(chapter.readme)}:{line}: {problem}")

    for comment in COMMENT.finditer(text):
        kind, _, rest = comment[1].partition(" ")
        if kind == "end" and not rest:
            if opened is None:
                complain(comment.start(), f"an end without a block; the blocks are: {', '.join(KINDS)}")
                continue
            start, kind, words = opened
            opened = None
            old = text[start.end():comment.start()]
            try:
                if kind == "figure":
                    figures.append(Figure(chapter, words))
                new = figures[-1].text() if kind == "figure" else KINDS[kind](chapter, words)
            except Fault as fault:
                complain(start.start(), f"{start[1]}: {fault}")
                continue
            new = new if kind in INLINE else f"\n{new}\n"
            if old != new:
                complain(start.start(), f"{start[1]}: not what results and sources give")
            if kind == "figure" and not figures[-1].is_current():
                complain(start.start(), f"{start[1]}: results/{figures[-1].path.name} is not of this result")
            parts += [text[at:start.end()], new]
            at = comment.start()
        elif kind in KINDS:
            if opened is not None:
                complain(opened[0].start(), f"{opened[0][1]}: the block has no <!-- end -->")
            try:
                opened = (comment, kind, shlex.split(rest))
            except ValueError as error:
                complain(comment.start(), f"{comment[1]}: {error}")
                opened = None
    if opened is not None:
        complain(opened[0].start(), f"{opened[0][1]}: the block has no <!-- end -->")
    return "".join(parts) + text[at:], problems, figures


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; name what differs")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2],
                        help="the checkout (default: the one of this file)")
    options = parser.parse_args(arguments)

    chapters = [Chapter(path.parent) for path in sorted(options.root.glob("tutorials/[0-9][0-9]_*/README.md"))]
    problems, seconds, drawn, written = [], 0, 0, 0
    for chapter in chapters:
        for path in sorted(chapter.folder.glob("results/*.json")):
            try:
                problem = chapter.check_result(path)
                if problem:
                    problems.append(f"{chapter.name_of(path)} {problem}")
                elif int(chapter.folder.name[:2]) in LIMITED_CHAPTERS:
                    seconds += chapter.result(path.stem)["seconds"]
            except Fault as fault:
                problems.append(str(fault))
        if not options.check:
            text, _, figures = rewrite(chapter)
            for figure in figures:
                if not figure.is_current():
                    figure.draw()
                    drawn += 1
            if text != chapter.readme.read_text(encoding="utf-8"):
                unfinished = chapter.readme.with_suffix(".md.tmp")
                unfinished.write_text(text, encoding="utf-8")
                os.replace(unfinished, chapter.readme)
                written += 1
        problems += rewrite(chapter)[1]
    if seconds > MOST_SECONDS_OF_ALL:
        problems.append(f"the experiments of chapters 1 to 4 took {seconds:.0f} s, more than {MOST_SECONDS_OF_ALL}")
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems and options.check:
        print("tutorials/tools/book.py rewrites tables, listings and figures", file=sys.stderr)
    if not options.check:
        print(f"{written} texts written, {drawn} figures drawn")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
