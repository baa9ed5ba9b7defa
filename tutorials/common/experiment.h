#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "nn/data/image.h"
#include "tutorials/common/options.h"

/// The experiments of the book. An experiment predicts numbers, says where each prediction comes
/// from, and measures. Experiment 1.3 is the file experiments/1_3_NAME.cpp of its chapter:
///
///     void measure(Measurement& m) {
///       for (const uint64_t seed : m.seeds()) m.record("slope", fit_slope(seed, m.quick()));
///     }
///     Experiment error_of_the_mean() {
///       return {.id = "1.1",
///               .title = "The error of a mean",
///               .predictions = {about("slope", -0.5, 0.05, "standard error sigma / sqrt(n)")},
///               .minutes = 1,
///               .seeds = {0, 1, 2},
///               .measure = measure,
///               .source = __FILE__};
///     }
///
/// The chapter's main.cpp lists its experiments and adds experiment_command() to its commands.
namespace forger::tutorials {

enum class Relation { kAbout, kAtLeast, kAtMost, kNone };

/// What the text expects of one recorded number. Made by the four functions below.
struct Prediction {
  std::string quantity;  // the name that Measurement::record() gets
  Relation relation;
  double value;        // 0 for kNone
  double tolerance;    // of kAbout
  std::string source;  // a derivation, or a paper with its section
};
/// Predicts `value` +- `tolerance`.
Prediction about(std::string quantity, double value, double tolerance, std::string source);
Prediction at_least(std::string quantity, double bound, std::string source);
Prediction at_most(std::string quantity, double bound, std::string source);
/// For a number that the text asks for but cannot predict. `reason` says why.
Prediction not_predicted(std::string quantity, std::string reason);

/// The place of a number on an axis: {"training images", 100} or {"spoilt set", "blur"}.
struct Point {
  template <class Number>
  requires std::is_arithmetic_v<Number> Point(std::string axis_name, Number value)
      : axis(std::move(axis_name)),
        is_number(true),
        number(static_cast<double>(value)),
        text(text_of(number)) {}
  Point(std::string axis_name, std::string label)
      : axis(std::move(axis_name)), is_number(false), number(0), text(std::move(label)) {}

  std::string axis;
  bool is_number;
  double number;     // 0 for a label
  std::string text;  // the label, or the number: "60,000"

 private:
  static std::string text_of(double number);
};

/// The numbers of one quantity, in the order in which they were recorded. A quantity without an
/// axis has one point, whose axis is "".
struct Series {
  std::string quantity;
  std::vector<std::pair<Point, std::vector<double>>> points;
};

/// Collects what an experiment measures.
class Measurement {
 public:
  Measurement(std::vector<uint64_t> seeds, bool quick);

  /// The experiment's seeds, with --quick only the first.
  const std::vector<uint64_t>& seeds() const { return seeds_; }
  /// True if the call asks for small sizes. The numbers may then differ from the predicted ones.
  bool quick() const { return quick_; }

  /// Adds one number: usually one per seed. All numbers of a quantity make its mean and its range.
  /// Throws Error if the value is infinite or NaN.
  void record(const std::string& quantity, double value);
  /// Adds one number at a point of an axis. All quantities on one axis make one table or figure.
  void record(const std::string& quantity, const Point& point, double value);
  /// Adds a picture, which is written beside the result as 1.3_NAME.png.
  void picture(const std::string& name, const nn::Image& image);
  /// Adds an animation of frames of one size with at most 256 colours, each shown for a quarter of
  /// a second. It is written as 1.3_NAME.gif.
  void animation(const std::string& name, const std::vector<nn::Image>& frames);
  /// Prints a line with the time since the beginning.
  void progress(const std::string& text) const;

  const std::vector<Series>& series() const { return series_; }
  /// The pictures and animations: the end of each file's name, "NAME.png", and the file's bytes.
  const std::vector<std::pair<std::string, std::string>>& pictures() const { return pictures_; }
  double seconds() const;  // since the beginning

 private:
  std::vector<uint64_t> seeds_;
  bool quick_;
  std::vector<Series> series_;
  std::vector<std::pair<std::string, std::string>> pictures_;
  std::chrono::steady_clock::time_point begin_;
};

struct Experiment {
  std::string id;                       // "1.3": chapter and number
  std::string title;                    // one line
  std::vector<Prediction> predictions;  // --predict asks for the first
  double minutes;                       // estimate on two cores, at most 40
  std::vector<uint64_t> seeds;          // of the text's result
  void (*measure)(Measurement&);
  std::string source;                   // __FILE__
  std::vector<std::string> files = {};  // other inputs, such as weights; relative to the checkout
};

struct ExperimentOptions {
  std::string number;
  double predict = std::numeric_limits<double>::quiet_NaN();  // NaN: to be asked for, if given
  bool quick = false, record = false;
};
/// The command `experiment` of every chapter.
Command experiment_command(ExperimentOptions& options);

/// Runs the experiment that the options name: prints its predictions, measures, prints the numbers
/// beside the predictions and writes one JSON, out/experiments/1.3.json or with --record
/// results/1.3.json in the chapter's folder, from which the text's tables and figures are made.
/// Without a number it lists the experiments. `table` is the command's table of options. Returns
/// the exit status. Throws UsageError if there is no such experiment, or if --predict has no number
/// and standard input is not a terminal.
int run_experiment(ExperimentOptions& options, const std::vector<Option>& table,
                   const std::vector<Experiment>& experiments);

}  // namespace forger::tutorials
