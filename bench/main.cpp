// Compares the kernels of every set that this processor supports with each other, with the
// processor's limit, and with OpenBLAS and oneDNN if they were found:
//
//     forger_bench [--filter=REGEX] [--repetitions=N] [--json=FILE]
//
// Google Benchmark does the timing; its own options (--benchmark_...) work too.
#include <omp.h>

#include <chrono>
#include <cmath>
#include <cstdio>
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

/// One thread, and all: those of OpenMP at the start.
std::set<int> thread_counts() {
  static const int most = omp_get_max_threads();
  return {1, most};
}

struct Options {
  std::string filter = ".", json;
  std::string repetitions = "5";
};

/// Takes our options out of the arguments; what is left is Google Benchmark's.
Options take_options(int& argc, char** argv) {
  Options options;
  const std::pair<const char*, std::string*> known[] = {{"--filter=", &options.filter},
                                                        {"--json=", &options.json},
                                                        {"--repetitions=", &options.repetitions}};
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    bool ours = false;
    for (const auto& [name, value] : known) {
      if (std::strncmp(argv[i], name, std::strlen(name)) != 0) continue;
      *value = argv[i] + std::strlen(name);
      ours = true;
    }
    if (!ours) argv[kept++] = argv[i];
  }
  argc = kept;
  return options;
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

/// The comparison's benchmarks that the filter lets through, taking turns.
void run(const Comparison& comparison, const std::regex& filter, Table& table) {
  std::string names;
  for (const std::string& name : comparison.names) {
    if (std::regex_search(name, filter)) names += (names.empty() ? "" : "|") + name;
  }
  if (names.empty()) return;
  std::map<int, double> peaks;
  for (const int threads : thread_counts()) peaks[threads] = measure_peak(threads).flops;
  benchmark::RunSpecifiedBenchmarks(&table, "^(" + names + ")$");
  table.finish(comparison.kernel, comparison.shape, comparison.contenders, peaks);
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

void check_and_time(benchmark::State& state, double flops, const std::function<void()>& run,
                    const Tensor& result, const Tensor& expected,
                    const std::function<void()>& fetch) {
  using Clock = std::chrono::steady_clock;
  Scalar* const data = result.mutable_data();
  for (int64_t i = 0; i < result.numel(); ++i) data[i] = std::nanf("");
  run();
  if (fetch) fetch();
  for (int64_t i = 0; i < result.numel(); ++i) {
    if (data[i] == expected.data()[i]) continue;
    const std::string what = "element " + std::to_string(i) + " is " + std::to_string(data[i]) +
                             ", the reference says " + std::to_string(expected.data()[i]);
    state.SkipWithError(what.c_str());
    return;
  }
  const auto start = Clock::now();
  for (auto _ : state) run();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  state.counters["flops"] = flops * static_cast<double>(state.iterations()) / seconds;
}

}  // namespace forger::bench

int main(int argc, char** argv) {
  using namespace forger::bench;
  const Options options = take_options(argc, argv);
  // What the user says comes later, and the last word counts.
  std::string defaults[] = {FORGER_MIN_TIME, "--benchmark_enable_random_interleaving=true",
                            "--benchmark_repetitions=" + options.repetitions};
  std::vector<char*> arguments = {argv[0]};
  for (std::string& option : defaults) arguments.push_back(option.data());
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;

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
  const std::regex filter(options.filter);
  for (const Comparison& comparison : comparisons) run(comparison, filter, table);
  if (!options.json.empty()) {
    std::ofstream file(options.json);
    file << nlohmann::json{{"machine", machine}, {"rows", table.json()}}.dump(1) << "\n";
    if (!file.flush()) {
      std::fprintf(stderr, "forger_bench: cannot write %s\n", options.json.c_str());
      return 1;
    }
  }
  return table.any_error() ? 1 : 0;
}
