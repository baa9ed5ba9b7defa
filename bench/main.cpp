// Times the kernels of every set that this processor supports, beside OpenBLAS and oneDNN if they
// were found. `./forger bench --benchmark_filter=1024x1024` picks by name.
#include <omp.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <vector>

#include "autograd/kernels/kernels.h"
#include "autograd/random.h"
#include "bench/bench.h"
#include "bench/peak.h"
#include "bench/peers/peers.h"

namespace forger::bench {
namespace {

bool any_difference = false;

std::string number(double value, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

void describe_machine(const Peak& peak) {
  const std::string threads = std::to_string(machine().threads);
  std::string sets;
  for (int i = 0; i < kernels::available_count(); ++i) {
    sets += std::string(i > 0 ? ", " : "") + kernels::available(i).name;
  }
  benchmark::AddCustomContext("kernel sets", sets);
  benchmark::AddCustomContext("threads", threads);
  benchmark::AddCustomContext("FMA peak", peak.flops == 0 ? "unknown"
                                                          : number(peak.flops / 1e9, "%.1f") +
                                                                " GFLOP/s with " + peak.kernels +
                                                                " on " + threads + " threads");
  benchmark::AddCustomContext("peers", describe_peers());
}

}  // namespace

Machine& machine() {
  static Machine instance{};
  return instance;
}

std::string threads_suffix() { return "threads:" + std::to_string(machine().threads); }

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
    any_difference = true;
    const std::string what = "element " + std::to_string(i) + " is " + std::to_string(data[i]) +
                             ", the reference says " + std::to_string(expected.data()[i]);
    state.SkipWithError(what.c_str());
    return;
  }
  const auto start = Clock::now();
  for (auto _ : state) run();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const double rate = flops * static_cast<double>(state.iterations()) / seconds;
  const auto tenths = [](double value) { return std::round(value * 10) / 10; };
  state.counters["GFLOP/s"] = tenths(rate / 1e9);
  if (machine().peak_flops > 0) {
    state.counters["peak%"] = tenths(100 * rate / machine().peak_flops);
  }
}

}  // namespace forger::bench

int main(int argc, char** argv) {
  using namespace forger::bench;
  // What the user says comes later, and the last word counts.
  std::vector<char*> arguments = {argv[0]};
  std::string defaults[] = {FORGER_MIN_TIME, "--benchmark_counters_tabular=true"};
  for (std::string& option : defaults) arguments.push_back(option.data());
  bool only_lists = false;
  for (int i = 1; i < argc; ++i) {
    only_lists = only_lists || std::string_view(argv[i]).starts_with("--benchmark_list_tests");
    arguments.push_back(argv[i]);
  }
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;

  machine().threads = omp_get_max_threads();
  set_peer_threads(machine().threads);
  if (!only_lists) {
    const Peak peak = measure_peak(machine().threads);
    machine().peak_flops = peak.flops;
    describe_machine(peak);
  }
  register_matmul();
  register_conv();
  benchmark::RunSpecifiedBenchmarks();
  return any_difference ? 1 : 0;
}
