// Tests ops that are called inside a caller's OpenMP constructs: each thread gets the same bits
// as outside.
#include <doctest/doctest.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "autograd/engine.h"
#include "autograd/kernels/kernels.h"
#include "autograd/kernels/parallel.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "kernel_sets.h"
#include "threads.h"

namespace forger {
namespace {

using Numbers = std::vector<Scalar>;

struct Case {
  std::string what;
  std::function<Tensor()> result;
};

Tensor normal(const Shape& shape, uint64_t seed = 1) { return Random(seed).normal(shape); }

/// The three directions of a convolution of x [n, c, size, size] with o kernels [k, k].
void add_convolution(std::vector<Case>& cases, const std::string& path, int64_t n, int64_t c,
                     int64_t size, int64_t o, int64_t k, ConvOptions options) {
  const Shape x{n, c, size, size}, weight{o, c, k, k};
  const auto y = [=] { return conv2d(normal(x), normal(weight, 2), {}, options); };
  cases.push_back({path + ": conv2d", y});
  const int64_t out =
      (size + 2 * options.padding - options.dilation * (k - 1) - 1) / options.stride + 1;
  const Shape g{n, o, out, out};
  cases.push_back({path + ": conv2d_input_grad", [=] {
                     return conv2d_input_grad(normal(g, 3), normal(weight, 2), size, size, options);
                   }});
  cases.push_back({path + ": conv2d_weight_grad",
                   [=] { return conv2d_weight_grad(normal(g, 3), normal(x), k, k, options); }});
}

/// Every kernel that starts a team, with less work than needed for a team and with more.
std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{8, 8, 8},
                                {64, 256, 100},
                                {1, 512, 256},
                                {700, 1, 600},
                                {300, 200, 3}}) {
    const Shape a{m, k}, b{k, n}, transposed{n, k};
    const std::string extents = Shape{m, n, k}.str();
    cases.push_back({"matmul " + extents, [=] { return matmul(normal(a), normal(b, 2)); }});
    cases.push_back({"matmul, b transposed " + extents, [=] {
                       return matmul(normal(a), normal(transposed, 2), {.transpose_b = true});
                     }});
  }
  add_convolution(cases, "one image", 1, 8, 16, 8, 3, {});
  add_convolution(cases, "one larger image", 1, 8, 24, 20, 5, {.padding = 2});
  add_convolution(cases, "few taps", 3, 1, 33, 16, 3, {});
  add_convolution(cases, "few rows", 3, 16, 33, 3, 4, {.stride = 2, .padding = 1});
  add_convolution(cases, "small and batched", 16, 8, 3, 8, 5, {.padding = 2});
  add_convolution(cases, "batched", 33, 16, 5, 20, 5, {.padding = 2});
  add_convolution(cases, "small for Winograd", 16, 16, 4, 8, 3, {.padding = 1});
  add_convolution(cases, "Winograd, three taps", 32, 16, 8, 24, 3, {.padding = 1});
  add_convolution(cases, "Winograd, two taps", 32, 16, 8, 24, 4, {.stride = 2, .padding = 1});

  const Shape images{10, 7, 31, 33}, matrix{300, 120};  // more than two chunks
  for (const Shape& shape : {images, matrix}) {
    const Shape channels{shape[1]};
    cases.push_back({"batch_norm " + shape.str(), [=] {
                       return batch_norm(normal(shape), normal(channels, 2), normal(channels, 3));
                     }});
    cases.push_back({"gradient of batch_norm " + shape.str(), [=] {
                       Tensor x = normal(shape);
                       x.set_requires_grad(true);
                       const Tensor y = batch_norm(x, normal(channels, 2), normal(channels, 3));
                       return grad({y}, {x}, {normal(shape, 4)})[0];
                     }});
  }
  cases.push_back({"sum of all", [=] { return sum(normal(images)); }});
  cases.push_back({"sums of rows", [=] { return sum(normal(images), {2, 3}); }});
  cases.push_back({"sums of columns", [=] { return sum(normal(matrix), {0}); }});
  cases.push_back({"max", [=] { return max(normal(images), {1}); }});
  cases.push_back({"add", [=] { return normal(images) + normal(images, 2); }});
  cases.push_back({"broadcast", [=] { return normal(matrix) * normal({120}, 2); }});
  cases.push_back({"tanh", [=] { return tanh(normal(images)); }});
  cases.push_back({"maximum", [=] { return maximum(normal(images), normal(images, 2)); }});
  cases.push_back({"permute", [=] { return permute(normal(images), {3, 1, 0, 2}); }});
  cases.push_back({"concat", [=] { return concat({normal(images), normal(images, 2)}, 1); }});
  cases.push_back({"upsample", [=] { return upsample_bilinear2d(normal(images), 50, 60); }});
  cases.push_back({"max_pool2d", [=] { return max_pool2d(normal(images), {.kernel = 3}); }});
  cases.push_back({"uniform", [=] { return Random(3).uniform(images); }});
  return cases;
}

/// A construct of the caller, and the results of its threads.
struct Place {
  std::string what;
  std::function<std::vector<Numbers>(const std::function<Numbers()>&)> run;
};

std::vector<Numbers> in_region(int threads, const std::function<Numbers()>& f) {
  std::vector<Numbers> found(static_cast<size_t>(threads));
  int came = 0;
#pragma omp parallel num_threads(threads)
  {
#pragma omp single nowait
    came = omp_get_num_threads();  // OMP_THREAD_LIMIT may leave fewer
    found[static_cast<size_t>(omp_get_thread_num())] = f();
  }
  found.resize(static_cast<size_t>(came));
  return found;
}

std::vector<Numbers> in_sections(const std::function<Numbers()>& f) {
  std::vector<Numbers> found(2);
#pragma omp parallel sections num_threads(2)
  {
#pragma omp section
    found[0] = f();
#pragma omp section
    found[1] = f();
  }
  return found;
}

std::vector<Numbers> in_single(const std::function<Numbers()>& f) {
  std::vector<Numbers> found(1);
#pragma omp parallel num_threads(2)
#pragma omp single
  found[0] = f();
  return found;
}

std::vector<Numbers> in_loop(const std::function<Numbers()>& f) {
  std::vector<Numbers> found(3);
#pragma omp parallel for num_threads(2) schedule(dynamic)
  for (size_t i = 0; i < 3; ++i) found[i] = f();
  return found;
}

std::vector<Numbers> in_task(const std::function<Numbers()>& f) {
  std::vector<Numbers> found(2);
#pragma omp parallel num_threads(2)
#pragma omp single
  for (size_t i = 0; i < 2; ++i) {
#pragma omp task firstprivate(i) shared(found, f)
    found[i] = f();
  }
  return found;
}

const std::vector<Place> kPlaces = {
    {"two threads", [](const auto& f) { return in_region(2, f); }},
    {"three threads", [](const auto& f) { return in_region(3, f); }},
    {"sections", in_sections},
    {"single", in_single},
    {"for", in_loop},
    {"task", in_task}};

/// While in scope, this many nested levels of parallel regions may have several threads.
class Levels {
 public:
  explicit Levels(int count) : before_(omp_get_max_active_levels()) {
    omp_set_max_active_levels(count);
  }
  ~Levels() { omp_set_max_active_levels(before_); }
  Levels(const Levels&) = delete;
  Levels& operator=(const Levels&) = delete;

 private:
  int before_;
};

/// The first case and construct where a thread got other bits, or "". It stops there, because a
/// kernel that joins the caller's team may wait forever in the following constructs.
std::string difference(const std::vector<Case>& cases, const std::vector<Place>& places) {
  for (const Case& c : cases) {
    const auto result = [&] { return c.result().to_vector(); };
    const Numbers expected = result();
    for (const Place& place : places) {
      for (const Numbers& found : place.run(result)) {
        if (!same_bits(found, expected)) return c.what + " in " + place.what;
      }
    }
  }
  return "";
}

}  // namespace

TEST_CASE("ops have the same bits inside and outside a caller's parallel region") {
  const Threads threads(2);
  on_every_kernel_set([] { CHECK(difference(all_cases(), kPlaces) == ""); });
}

TEST_CASE("ops have the same bits inside nested parallel regions") {
  const Threads threads(2);
  const Levels levels(2);
  on_every_kernel_set([] { CHECK(difference(all_cases(), kPlaces) == ""); });
}

#ifdef FORGER_HAVE_LADDER
TEST_CASE("the ladder's kernels have the same bits inside a caller's parallel region") {
  if (kernels::available_count() == 1) return;  // they are compiled for AVX2
  const std::string before = kernels::active().name;
  const Threads threads(2);
  for (const int levels : {1, 2}) {
    const Levels allowed(levels);
    for (const char* rung : {"loops", "blocks", "threads"}) {
      kernels::activate(rung);
      CHECK(difference(all_cases(), {kPlaces[0], kPlaces[2]}) == "");
    }
  }
  kernels::activate(before.c_str());
}
#endif

TEST_CASE("ops have the same bits if OpenMP grants fewer threads than requested") {
  const Threads threads(8);
  const int before = omp_get_dynamic();
  omp_set_dynamic(1);  // OpenMP may now grant fewer threads, and does so on fewer cores
  on_every_kernel_set([] {
    for (const Case& c : all_cases()) {
      CAPTURE(c.what);
      const Numbers found = c.result().to_vector();
      const Threads alone(1);
      CHECK(same_bits(found, c.result().to_vector()));
    }
  });
  omp_set_dynamic(before);
}

TEST_CASE("Team::share() runs every task once and waits for the previous share()") {
  for (const int threads : {1, 2, 5}) {
    for (const auto schedule : {kernels::Schedule::kFixed, kernels::Schedule::kDynamic}) {
      std::vector<int> first(100), second(100), third(3);
      int size = 0;
      kernels::run_team(threads, [&](kernels::Team& team) {
        if (team.thread() == 0) size = team.size();
        team.share(
            100, [&](int64_t t) { ++first[static_cast<size_t>(t)]; }, schedule);
        team.share(
            100,
            [&](int64_t t) { second[static_cast<size_t>(t)] = first[static_cast<size_t>(99 - t)]; },
            schedule);
        team.share(
            0, [](int64_t) {}, schedule);
        team.share(3, [&](int64_t t) {
          third[static_cast<size_t>(t)] = *std::min_element(second.begin(), second.end());
        });
      });
      CHECK(size >= 1);
      CHECK(size <= threads);
      CHECK(first == std::vector<int>(100, 1));
      CHECK(second == first);
      CHECK(third == std::vector<int>(3, 1));
    }
  }
}

TEST_CASE("max_threads() is 1 inside a parallel region unless OpenMP allows nesting") {
  CHECK(kernels::max_threads() == omp_get_max_threads());
  for (const int levels : {1, 2}) {
    const Levels allowed(levels);
    for (const int threads : {1, 2}) {
      int asked = 0, expected = 0;
#pragma omp parallel num_threads(threads)
#pragma omp single
      {
        asked = kernels::max_threads();
        expected = levels == 1 && omp_get_num_threads() == 2 ? 1 : omp_get_max_threads();
      }
      CHECK(asked == expected);
    }
  }
}

}  // namespace forger
