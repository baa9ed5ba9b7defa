// A chapter's program with small experiments, for experiment_test.cpp. It takes the current folder
// for the checkout.
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "nn/data/image.h"
#include "tutorials/common/experiment.h"
#include "tutorials/common/report.h"

namespace forger::tutorials {
namespace {

void measure_line(Measurement& m) {
  for (const uint64_t seed : m.seeds()) {
    const auto number = static_cast<double>(seed);
    m.progress("seed " + std::to_string(seed));
    m.record("slope", number / 10);
    m.record("worst", -number);
    for (const int n : {10, 1000}) m.record("line", {"examples", n}, number * n);
    m.record("curve", {"examples", 1000}, 0.25);
    m.record("share", {"spoilt set", "blur"}, 1 / number);
  }
  m.record("number of parts", 7);
  m.animation("flash", {nn::Image{.width = 1, .height = 1, .channels = 1, .pixels = {0}},
                        nn::Image{.width = 1, .height = 1, .channels = 1, .pixels = {255}}});
  m.picture("square", nn::Image{.width = 2, .height = 2, .channels = 1, .pixels = {0, 1, 2, 3}});
}

void measure_infinity(Measurement& m) {
  m.record("slope", std::numeric_limits<double>::infinity());
}

void measure_nothing(Measurement& m) { m.record("slope", {"examples", 1}, 1); }

std::vector<Experiment> experiments() {
  const Experiment line = {.id = "9.1",
                           .title = "A line",
                           .predictions = {about("slope", 0.5, 0.05, "its definition"),
                                           at_most("worst", -2, "Euclid, book 1"),
                                           not_predicted("number of parts", "depends on the data")},
                           .minutes = 0.5,
                           .seeds = {3, 4, 6},
                           .measure = measure_line,
                           .source = "tutorials/09_lines/experiments/9_1_line.cpp",
                           .files = {"tutorials/09_lines/weights"}};
  Experiment infinity = line, nothing = line;
  infinity.id = "9.2";
  infinity.measure = measure_infinity;
  infinity.source = "tutorials/09_lines/experiments/9_2_infinity.cpp";
  nothing.id = "9.10";
  nothing.measure = measure_nothing;
  nothing.source = "tutorials/09_lines/experiments/9_10_nothing.cpp";
  return {line, infinity, nothing};
}

int run(int argc, char** argv) {
  ExperimentOptions options;
  std::vector<Command> commands = {experiment_command(options)};
  if (parse_command_line(argc, argv, "Chapter 9: lines.", commands) != 0) return 0;
  return run_experiment(options, commands[0].options, experiments());
}

}  // namespace
}  // namespace forger::tutorials

int main(int argc, char** argv) {
  return forger::tutorials::report_errors(argc, argv, forger::tutorials::run);
}
