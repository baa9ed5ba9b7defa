// Tests what a training step must not do: depend on the number of threads, differ between two
// runs, or leak nodes and memory.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <type_traits>

#include "autograd/error.h"
#include "autograd/graph.h"
#include "autograd/memory.h"
#include "small_gans.h"
#include "threads.h"

namespace forger {
namespace {

/// The state after some steps from the same start.
template <class Gan>
std::vector<Scalar> after_steps(int steps, int64_t width) {
  nn::seed_init(11);
  Gan gan(width);
  for (int i = 0; i < steps; ++i) gan.step();
  return gan.state();
}

/// Resident memory of this process, in bytes.
int64_t resident() {
  std::ifstream file("/proc/self/statm");
  int64_t total = 0, pages = 0;
  file >> total >> pages;
  return pages * ::sysconf(_SC_PAGESIZE);
}

// Wide enough that every kernel of a step uses several threads: products above 200,000
// multiply-adds, pointwise work above 32,768 elements.
constexpr int64_t kMlpWidth = 512, kConvWidth = 32;

}  // namespace

TEST_CASE_TEMPLATE("50 steps give the same bits for 1, 2, 3, 4 and 8 threads", Gan, MlpGan, Dcgan,
                   WganGp) {
  const int64_t width = std::is_same_v<Gan, MlpGan> ? kMlpWidth : kConvWidth;
  CHECK(thread_dependence([&] { return after_steps<Gan>(50, width); }) == "");
}

TEST_CASE_TEMPLATE("20 runs of 50 steps give the same bits", Gan, MlpGan, Dcgan, WganGp) {
  const std::vector<Scalar> expected = after_steps<Gan>(50, 8);
  for (int run = 1; run < 20; ++run) CHECK(same_bits(after_steps<Gan>(50, 8), expected));
  CHECK(!same_bits(after_steps<Gan>(51, 8), expected));
  CHECK(std::isfinite(expected.back()));
}

TEST_CASE("a thousand steps with a gradient penalty leak no node and no memory") {
  nn::seed_init(11);
  WganGp gan(4);
  gan.step();
  const int64_t nodes = live_nodes();
  for (int i = 0; i < 100; ++i) gan.step();
  const memory::Stats before = memory::stats();
  [[maybe_unused]] const int64_t resident_before = resident();
  for (int i = 0; i < 900; ++i) {
    gan.step();
    REQUIRE(live_nodes() == nodes);
  }
  const memory::Stats after = memory::stats();
  CHECK(after.in_use == before.in_use);
  CHECK(after.system_requests == before.system_requests);
#ifndef FORGER_SANITIZED  // the address sanitizer keeps freed memory, and finds leaks itself
  CHECK(resident() - resident_before <= 1 << 20);
#endif
}

TEST_CASE("an optimizer step on a live graph is an error that names tensor and lines") {
  nn::seed_init(1);
  Mlp d("D", 3, 4, 1);
  nn::Adam opt(d);
  const Tensor x = Tensor::ones({2, 3}).set_requires_grad();
  const Tensor first = mean(d(x)), second = mean(d(x));
  backward(first, d.parameters());
  opt.step();
  const std::string stepped = "tests/training_test.cpp:" + std::to_string(__LINE__ - 1);
  std::string text;
  try {
    backward(second, d.parameters());
  } catch (const Error& error) {
    text = error.what();
  }
  CAPTURE(text);
  CHECK(text.starts_with("linear: a tensor that the gradient needs was changed after it was used"));
  CHECK(text.find(" leaf D.net.4.weight\n") != std::string::npos);
  CHECK(text.find("used by  #") != std::string::npos);
  CHECK(text.find(" linear D.net.4, tests/small_gans.h:") != std::string::npos);
  CHECK(text.find("changed  at " + stepped) != std::string::npos);
}

}  // namespace forger
