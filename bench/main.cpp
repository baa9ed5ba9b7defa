// Compares the kernels of every set that this processor supports with each other, with the peak of
// the processor, and with OpenBLAS and oneDNN if the build found them:
//
//     forger_bench [--filter=REGEX] [--repetitions=N] [--json=FILE] [--unchecked]
//
// --unchecked leaves out the comparison of each result with the reference kernels.
//
// Google Benchmark does the timing.
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <vector>

#include "autograd/kernels/kernels.h"
#include "autograd/random.h"
#include "bench/bench.h"
#include "bench/peak.h"
#include "bench/peers/peers.h"
#include "bench/table.h"

namespace forger::bench {
namespace {

struct Comparison {
  std::string kernel, shape;
  std::vector<std::string> contenders;
  std::vector<std::string> names;  // of the benchmarks: each contender's, by threads
};
std::vector<Comparison> comparisons;
bool any_difference = false;
bool unchecked = false;

/// Returns 1 and the number of OpenMP's threads at the start.
std::set<int> thread_counts() {
  static const int most = omp_get_max_threads();
  return {1, most};
}

struct Options {
  std::string filter = ".", json, repetitions = "5";
};

/// Reads the command line. Prints a message and returns false if it is wrong.
bool read_options(int argc, char** argv, Options& options) {
  const std::pair<const char*, std::string*> known[] = {{"--filter=", &options.filter},
                                                        {"--json=", &options.json},
                                                        {"--repetitions=", &options.repetitions}};
  for (int i = 1; i < argc; ++i) {
    bool is_known = std::strcmp(argv[i], "--unchecked") == 0;
    unchecked = unchecked || is_known;
    for (const auto& [name, value] : known) {
      if (std::strncmp(argv[i], name, std::strlen(name)) != 0) continue;
      *value = argv[i] + std::strlen(name);
      is_known = true;
    }
    if (is_known) continue;
    std::fprintf(stderr,
                 "forger_bench: no option '%s'; there are: --filter=REGEX --repetitions=N "
                 "--json=FILE --unchecked\n",
                 argv[i]);
    return false;
  }
  if (std::atoi(options.repetitions.c_str()) < 1) {
    std::fprintf(stderr, "forger_bench: --repetitions: a number from 1 on expected, found '%s'\n",
                 options.repetitions.c_str());
    return false;
  }
  return true;
}

nlohmann::json describe_machine() {
  std::string sets;
  for (int i = 0; i < kernels::available_count(); ++i) {
    sets += std::string(i > 0 ? ", " : "") + kernels::available(i).name;
  }
  std::string processor = "unknown";
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (!line.starts_with("model name")) continue;
    processor = line.substr(line.find(": ") + 2);
    break;
  }
  return {{"processor", processor},
          {"threads", *thread_counts().rbegin()},
          {"kernel sets", sets},
          {"peers", describe_peers()},
          {"compiler", __VERSION__},
          {"bytes a second", std::round(measure_bandwidth(*thread_counts().rbegin()))}};
}

/// Runs the comparison's benchmarks that match the filter, one after the other in each repetition.
/// Returns false if none matches.
bool run(const Comparison& comparison, const std::regex& filter, int repetitions, Table& table) {
  std::string names;
  for (const std::string& name : comparison.names) {
    if (std::regex_search(name, filter)) names += (names.empty() ? "" : "|") + name;
  }
  if (names.empty()) return false;
  std::map<int, std::vector<double>> peaks;
  for (int i = 0; i < repetitions; ++i) {
    // The speed of a shared machine changes from second to second, so each repetition measures the
    // peak anew.
    for (const int threads : thread_counts()) {
      peaks[threads].push_back(measure_peak(threads, kSettled));
    }
    benchmark::RunSpecifiedBenchmarks(&table, "^(" + names + ")$");
  }
  table.finish(comparison.kernel, comparison.shape, comparison.contenders, peaks);
  return true;
}

/// Returns a message about the first wrong element of the result, or "" if all are right.
std::string first_difference(const Tensor& result, const Tensor& expected, double tolerance) {
  const auto number = [](const Tensor& x, int64_t i) { return static_cast<double>(x.data()[i]); };
  double allowed = 0;
  for (int64_t i = 0; i < result.numel(); ++i) {
    allowed = std::max(allowed, tolerance * std::abs(number(expected, i)));
  }
  for (int64_t i = 0; i < result.numel(); ++i) {
    if (std::abs(number(result, i) - number(expected, i)) <= allowed) continue;
    return "element " + std::to_string(i) + " is " + std::to_string(number(result, i)) +
           ", the reference says " + std::to_string(number(expected, i));
  }
  return "";
}

}  // namespace

void add(const std::string& kernel, const std::string& shape, const std::string& who,
         const std::function<void(benchmark::State&)>& body) {
  if (comparisons.empty() || comparisons.back().kernel != kernel ||
      comparisons.back().shape != shape) {
    comparisons.push_back({kernel, shape, {}, {}});
  }
  comparisons.back().contenders.push_back(who);
  for (const int threads : thread_counts()) {
    const std::string name =
        kernel + "/" + shape + "/" + who + "/threads:" + std::to_string(threads);
    comparisons.back().names.push_back(name);
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      omp_set_num_threads(threads);
      set_peer_threads(threads);
      body(state);
    });
  }
}

Tensor small_integers(const Shape& shape, uint64_t seed) {
  Tensor x = Random(seed).uniform(shape, -4.5, 4.5);
  Scalar* const data = x.mutable_data();
  for (int64_t i = 0; i < x.numel(); ++i) data[i] = std::round(data[i]);
  return x;
}

bool results_are_checked() { return !unchecked; }

void check_and_time(benchmark::State& state, double flops, const std::function<void()>& run,
                    const Tensor& result, const Tensor& expected,
                    const std::function<void()>& fetch, double tolerance) {
  using Clock = std::chrono::steady_clock;
  std::fill_n(result.mutable_data(), result.numel(), std::nanf(""));
  run();
  if (fetch) fetch();
  const std::string what = unchecked ? "" : first_difference(result, expected, tolerance);
  if (!what.empty()) {
    std::printf("wrong, and not timed: %s\n", what.c_str());
    any_difference = true;
    state.SkipWithError(what.c_str());
    return;
  }
  const auto start = Clock::now();
  for (auto _ : state) run();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  state.counters["flops"] = flops * static_cast<double>(state.iterations()) / seconds;
  state.counters["peak"] = measure_peak(omp_get_max_threads(), kSameClock);
}

}  // namespace forger::bench

int main(int argc, char** argv) {
  using namespace forger::bench;
  Options options;
  if (!read_options(argc, argv, options)) return 2;
  std::string arguments[] = {argv[0], FORGER_MIN_TIME};
  char* pointers[] = {arguments[0].data(), arguments[1].data(), nullptr};
  int count = 2;
  benchmark::Initialize(&count, pointers);

  const nlohmann::json machine = describe_machine();
  for (const auto& [what, value] : machine.items()) {
    std::printf("%s: %s\n", what.c_str(),
                value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
  }
  add_matmul();
  add_conv();
#ifdef FORGER_HAVE_SIMD
  add_ladders();
#endif
  Table table;
  bool any = false;
  try {
    const std::regex filter(options.filter);
    for (const Comparison& comparison : comparisons) {
      any = run(comparison, filter, std::atoi(options.repetitions.c_str()), table) || any;
    }
  } catch (const std::regex_error& error) {
    std::fprintf(stderr, "forger_bench: --filter: '%s' is no regular expression: %s\n",
                 options.filter.c_str(), error.what());
    return 2;
  }
  if (!any) {
    std::fprintf(stderr, "forger_bench: --filter: '%s' matches no benchmark\n",
                 options.filter.c_str());
    return 2;
  }
  if (!options.json.empty()) {
    std::ofstream file(options.json);
    file << nlohmann::json{{"machine", machine}, {"rows", table.json()}}.dump(1) << "\n";
    if (!file.flush()) {
      std::fprintf(stderr, "forger_bench: cannot write %s\n", options.json.c_str());
      return 1;
    }
  }
  return any_difference ? 1 : 0;
}
