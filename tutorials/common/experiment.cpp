#include "tutorials/common/experiment.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <set>
#include <variant>

#include "autograd/error.h"
#include "nn/data/gif.h"
#include "nn/data/image.h"
#include "nn/file.h"
#include "tutorials/common/experiment_inputs.h"
#include "tutorials/common/experiment_result.h"
#include "tutorials/common/progress.h"
#include "tutorials/common/records.h"
#include "tutorials/common/run_folder.h"

namespace forger::tutorials {
namespace {

namespace fs = std::filesystem;

constexpr double kMostMinutes = 40;
constexpr const char* kCommand = "experiment";

using Row = std::vector<std::string>;

/// Prints rows of equal length in columns, each as wide as its widest cell. The first column is
/// aligned to the left, the others to the right.
void print_table(const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows[0].size(), 0);
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    std::string line = "  " + row[0] + std::string(widths[0] - row[0].size(), ' ');
    for (size_t i = 1; i < row.size(); ++i) {
      line += std::string(2 + widths[i] - row[i].size(), ' ') + row[i];
    }
    std::printf("%s\n", line.substr(0, line.find_last_not_of(' ') + 1).c_str());
  }
}

std::string short_number(double number, const char* format = "%.4g") {
  char text[40];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

std::string range_of(const std::vector<double>& values) {
  if (values.size() == 1) return "";
  const Summary summary = summarise(values);
  return short_number(summary.least) + " to " + short_number(summary.most);
}

std::string text_of(const Prediction& prediction) {
  const std::string value = short_number(prediction.value);
  switch (prediction.relation) {
    case Relation::kAbout:
      return prediction.tolerance > 0 ? value + " +- " + short_number(prediction.tolerance) : value;
    case Relation::kAtLeast:
      return "at least " + value;
    case Relation::kAtMost:
      return "at most " + value;
    default:
      return "nothing";
  }
}

/// Returns the chapter's folder: source is FOLDER/experiments/1_3_name.cpp.
fs::path chapter_folder(const Experiment& experiment) {
  return fs::path(experiment.source).parent_path().parent_path();
}

fs::path recorded_file(const Experiment& experiment) {
  return chapter_folder(experiment) / "results" / (experiment.id + ".json");
}

/// Throws Error if the chapter's author left something out.
void check(const Experiment& experiment) {
  std::string beginning = experiment.id + "_";  // of the file's name: "1_3_"
  std::replace(beginning.begin(), beginning.end(), '.', '_');
  const std::string file = fs::path(experiment.source).filename().string();
  const auto has_no_source = [](const Prediction& prediction) { return prediction.source.empty(); };
  const char* missing =
      !file.starts_with(beginning)     ? "a file named after its number"
      : experiment.predictions.empty() ? "a prediction"
      : experiment.seeds.empty()       ? "a seed"
      : std::any_of(experiment.predictions.begin(), experiment.predictions.end(), has_no_source)
          ? "the source of a prediction"
      : experiment.minutes > 0 && experiment.minutes <= kMostMinutes
          ? nullptr
          : "a time of at most 40 minutes";
  if (missing == nullptr) return;
  fail("experiment " + experiment.id, std::string("it lacks ") + missing, {"in " + file}, {});
}

int list(const std::vector<Experiment>& experiments) {
  if (experiments.empty()) {
    std::printf("This chapter has no experiments yet.\n");
    return 0;
  }
  std::vector<Row> rows = {{"number", "minutes", "result", "title"}};
  for (const Experiment& experiment : experiments) {
    const Recorded recorded = read_result(recorded_file(experiment));
    const bool current =
        recorded.checksum == experiment_inputs(experiment.source, experiment.files).checksum;
    const char* state = recorded.checksum.empty() ? "missing" : current ? "current" : "outdated";
    rows.push_back({experiment.id, short_number(experiment.minutes), state, experiment.title});
  }
  size_t longest = 0;  // titles are aligned to the left
  for (const Row& row : rows) longest = std::max(longest, row[3].size());
  for (Row& row : rows) row[3].resize(longest, ' ');
  print_table(rows);
  return 0;
}

/// Throws UsageError unless the chapter has the experiment.
const Experiment& find(const std::vector<Experiment>& experiments, const std::string& number) {
  if (experiments.empty()) {
    fail_option(kCommand, "this chapter has no experiments yet", number, "another command");
  }
  std::string numbers;
  for (const Experiment& experiment : experiments) {
    if (experiment.id == number) return experiment;
    numbers += (numbers.empty() ? "" : ", ") + experiment.id;
  }
  fail_option(kCommand, "no such experiment in this chapter", number, numbers);
}

/// Asks for the reader's number until it is one. Throws UsageError if there is nobody to ask.
double ask(const Option& option, const std::string& quantity) {
  constexpr const char* kExpected = "--predict NUMBER";
  if (::isatty(STDIN_FILENO) == 0) {
    fail_option("--predict", "no number is given, and standard input is not a terminal", "nothing",
                kExpected);
  }
  double& number = *std::get<double*>(option.value);
  while (std::isnan(number)) {
    std::printf("Your prediction for the %s: ", quantity.c_str());
    std::fflush(stdout);
    char line[200];
    if (std::fgets(line, sizeof line, stdin) == nullptr) {
      fail_option("--predict", "no number was typed", "the end of the input", kExpected);
    }
    const std::string typed = line;
    try {
      set_value(option, typed.substr(0, typed.find_last_not_of(" \r\n") + 1), "--predict");
    } catch (const Error& error) {
      std::printf("%s\n", error.what());
    }
  }
  return number;
}

void print_predictions(const Experiment& experiment, bool quick) {
  std::printf("experiment  %s  %s\ntime        about %s min on two cores\nkernels     %s\n\n",
              experiment.id.c_str(), experiment.title.c_str(),
              short_number(experiment.minutes).c_str(), describe_machine().c_str());
  if (quick) std::printf("quick       small sizes and one seed; the numbers may differ\n\n");
  for (const Prediction& prediction : experiment.predictions) {
    std::printf("predicted   %s: %s\n            (%s)\n", prediction.quantity.c_str(),
                text_of(prediction).c_str(), prediction.source.c_str());
  }
  std::printf("\n");
  std::fflush(stdout);
}

/// Prints the quantities that have no axis, beside their predictions and the text's numbers.
void print_numbers(const Experiment& experiment, const Measurement& measurement,
                   const Recorded& recorded) {
  std::vector<Row> rows = {
      {"", "predicted", "measured", "range over seeds", "gap", "", "in the text"}};
  for (const Series& series : measurement.series()) {
    const auto& [point, values] = series.points[0];
    if (!point.axis.empty()) continue;
    const Summary summary = summarise(values);
    Row row = {series.quantity, "", short_number(summary.mean), range_of(values), "", "", ""};
    for (const Prediction& prediction : experiment.predictions) {
      if (prediction.quantity != series.quantity) continue;
      row[1] = text_of(prediction);
      if (prediction.relation == Relation::kNone) continue;
      row[4] = short_number(gap(prediction, summary), "%+.2g");
      row[5] = is_fulfilled(prediction, summary) ? "as predicted" : "not as predicted";
    }
    const auto in_text = recorded.means.find(series.quantity);
    if (in_text != recorded.means.end()) row[6] = short_number(in_text->second);
    rows.push_back(row);
  }
  if (recorded.means.empty()) rows[0].back() = "";
  print_table(rows);
}

/// Prints one table per axis: a column for each quantity, a row for each point.
void print_axes(const Measurement& measurement) {
  std::set<std::string> printed = {""};
  for (const Series& first : measurement.series()) {
    const std::string& axis = first.points[0].first.axis;
    if (!printed.insert(axis).second) continue;
    std::vector<Row> rows = {{axis}};
    for (const Series& series : measurement.series()) {
      if (series.points[0].first.axis != axis) continue;
      rows[0].push_back(series.quantity);
      for (Row& row : rows) row.resize(rows[0].size());
      for (const auto& [point, values] : series.points) {
        const std::string& text = point.text;
        auto row = std::find_if(rows.begin() + 1, rows.end(),
                                [&text](const Row& known) { return known[0] == text; });
        if (row == rows.end()) {
          rows.push_back(Row(rows[0].size()));
          row = rows.end() - 1;
          row->front() = text;
        }
        row->back() = short_number(summarise(values).mean);
      }
    }
    std::printf("\n");
    print_table(rows);
  }
}

}  // namespace

Prediction about(std::string quantity, double value, double tolerance, std::string source) {
  return {std::move(quantity), Relation::kAbout, value, tolerance, std::move(source)};
}

Prediction at_least(std::string quantity, double bound, std::string source) {
  return {std::move(quantity), Relation::kAtLeast, bound, 0, std::move(source)};
}

Prediction at_most(std::string quantity, double bound, std::string source) {
  return {std::move(quantity), Relation::kAtMost, bound, 0, std::move(source)};
}

Prediction not_predicted(std::string quantity, std::string reason) {
  return {std::move(quantity), Relation::kNone, 0, 0, std::move(reason)};
}

std::string Point::text_of(double number) {
  const bool is_whole = number == std::floor(number) && std::fabs(number) < 1e15;
  return is_whole ? grouped(static_cast<int64_t>(number)) : number_text(number);
}

Measurement::Measurement(std::vector<uint64_t> seeds, bool quick)
    : seeds_(std::move(seeds)), quick_(quick), begin_(std::chrono::steady_clock::now()) {
  if (quick_) seeds_.resize(1);
}

void Measurement::record(const std::string& quantity, double value) {
  record(quantity, Point("", ""), value);
}

void Measurement::record(const std::string& quantity, const Point& point, double value) {
  if (!std::isfinite(value)) {
    fail(quantity, "a measured number is not finite", {"found    " + number_text(value)}, {});
  }
  auto series = std::find_if(series_.begin(), series_.end(), [&](const Series& known) {
    return known.quantity == quantity && known.points[0].first.axis == point.axis;
  });
  if (series == series_.end()) {
    series_.push_back({quantity, {}});
    series = series_.end() - 1;
  }
  auto& points = series->points;
  auto place = std::find_if(points.begin(), points.end(),
                            [&](const auto& known) { return known.first.text == point.text; });
  if (place == points.end()) {
    points.push_back({point, {}});
    place = points.end() - 1;
  }
  place->second.push_back(value);
}

void Measurement::picture(const std::string& name, const nn::Image& image) {
  pictures_.emplace_back(name + ".png", nn::encode_png(image));
}

void Measurement::animation(const std::string& name, const std::vector<nn::Image>& frames) {
  constexpr int kDelay = 25;  // hundredths of a second
  const std::string file = name + ".gif";
  pictures_.emplace_back(file, nn::encode_gif(file, frames, kDelay));
}

void Measurement::progress(const std::string& text) const {
  std::printf("%8s  %s\n", duration_text(seconds()).c_str(), text.c_str());
  std::fflush(stdout);
}

double Measurement::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

Command experiment_command(ExperimentOptions& o) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Option number = text_option("number", o.number, "N.M",
                              "number of the experiment; without it, lists the experiments");
  number.positional = true;
  Option predict = number_option(
      "predict", o.predict,
      {.low = -kInfinity, .high = kInfinity, .with_low = false, .with_high = false},
      "your own prediction for the first number, to compare; asks for it if X is left out");
  predict.value_is_optional = true;
  return {kCommand,
          "runs an experiment of the text",
          "An experiment prints what is predicted and why, measures, and prints both.\n",
          {number, predict,
           flag_option("quick", o.quick,
                       "small sizes and one seed: shows what happens; the numbers may differ"),
           flag_option("record", o.record,
                       "writes results/N.M.json in the chapter's folder, from which the text's "
                       "tables and figures are made (default: out/experiments/N.M.json)")}};
}

int run_experiment(ExperimentOptions& options, const std::vector<Option>& table,
                   const std::vector<Experiment>& experiments) {
  for (const Experiment& experiment : experiments) check(experiment);
  if (!find_option(table, "number").given) {
    for (const Option& option : table) {
      if (option.given) {
        fail_option(kCommand, "a number is missing", "--" + option.name, "N.M before the options");
      }
    }
    return list(experiments);
  }
  const Experiment& experiment = find(experiments, options.number);
  if (options.quick && options.record) {
    fail_option("--record", "goes not with --quick", "both", "one of the two");
  }
  const Inputs inputs = experiment_inputs(experiment.source, experiment.files);
  const Option predict = find_option(table, "predict");
  const std::string& headline = experiment.predictions[0].quantity;
  const double reader =
      predict.given ? (std::isnan(options.predict) ? ask(predict, headline) : options.predict)
                    : options.predict;
  const fs::path file = options.record ? recorded_file(experiment)
                                       : fs::path("out/experiments") / (experiment.id + ".json");
  nn::make_folder(file.parent_path());  // here a failure costs no time yet
  // A reader of the output that ends, such as `| head`, must not end the measurement.
  std::signal(SIGPIPE, SIG_IGN);
  print_predictions(experiment, options.quick);

  Measurement measurement(experiment.seeds, options.quick);
  experiment.measure(measurement);
  const Recorded recorded = options.record ? Recorded() : read_result(recorded_file(experiment));
  write_result(file, experiment, inputs, measurement, reader);
  std::printf("\n");
  print_numbers(experiment, measurement, recorded);
  print_axes(measurement);
  if (!std::isnan(reader)) {
    std::printf(
        "\nyou predicted %s: the gap is %s\n", number_text(reader).c_str(),
        short_number(summarise(numbers_of(measurement, headline)).mean - reader, "%+.2g").c_str());
  }
  std::printf("\ndone in %s\nwritten     %s\n", duration_text(measurement.seconds()).c_str(),
              file.c_str());
  return 0;
}

}  // namespace forger::tutorials
