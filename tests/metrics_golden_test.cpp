// Compares the metrics with NumPy, SciPy, scikit-learn, mpmath and prdc: fixtures/metrics.py
// computes the expected values.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "golden.h"
#include "kernel_sets.h"
#include "tutorials/metrics/frechet.h"
#include "tutorials/metrics/mmd.h"
#include "tutorials/metrics/neighbours.h"
#include "tutorials/metrics/plane.h"

namespace forger::metrics {
namespace {

using nlohmann::json;

const json& golden() {
  static const json all = read_golden("metrics");
  return all;
}

/// The integers of the fixture as features [., d].
Tensor features(const json& numbers, int64_t d) {
  std::vector<Scalar> values;
  for (const json& number : numbers) {
    values.push_back(static_cast<Scalar>(number.get<double>() / golden()["scale"].get<double>()));
  }
  return Tensor::from({static_cast<int64_t>(values.size()) / d, d}, values);
}

void check_close(double found, const json& expected, double relative = 1e-6) {
  CHECK(std::abs(found - expected.get<double>()) <= relative * std::abs(expected.get<double>()));
}

template <class F>
void for_each_case(const F& f) {
  for (const json& values : golden()["features"]) {
    CAPTURE(values["name"].get<std::string>());
    const auto d = values["d"].get<int64_t>();
    f(values, features(values["x"], d), features(values["y"], d));
  }
}

TEST_CASE("the Frechet distance is that of mpmath, also if covariances are singular") {
  for_each_case([](const json& values, const Tensor& x, const Tensor& y) {
    const double tolerance = 1e-6 * values["traces"].get<double>();
    const double expected = values["frechet"].get<double>();
    CHECK(std::abs(frechet_distance(x, y) - expected) <= tolerance);
    CHECK(std::abs(frechet_distance(y, x) - expected) <= tolerance);
    CHECK(frechet_distance(x, x) <= tolerance);
  });
}

TEST_CASE("precision, recall, density and coverage are those of prdc, on every kernel set") {
  on_every_kernel_set([] {
    for_each_case([](const json& values, const Tensor& images, const Tensor& real) {
      for (const int64_t k : {3, 5}) {
        CAPTURE(k);
        const json& expected = values["balls"][std::to_string(k)];
        const PrecisionRecall manifolds = precision_recall(images, real, k);
        check_close(manifolds.precision, expected["precision"], 1e-12);
        check_close(manifolds.recall, expected["recall"], 1e-12);
        const DensityCoverage balls = density_coverage(images, real, k);
        check_close(balls.density, expected["density"], 1e-12);
        check_close(balls.coverage, expected["coverage"], 1e-12);
      }
    });
  });
}

TEST_CASE("the nearest rows are those of scikit-learn, on every kernel set") {
  on_every_kernel_set([] {
    for_each_case([](const json& values, const Tensor& x, const Tensor& y) {
      const Neighbours found = nearest(x, y, 2);
      REQUIRE(found.distances.size() == values["nearest"].size());
      for (size_t i = 0; i < found.distances.size(); ++i) {
        check_close(found.distances[i], values["nearest"][i]);
      }
    });
  });
}

TEST_CASE(
    "the accuracy of one nearest neighbour is that of SciPy's distances, with ties as halves") {
  on_every_kernel_set([] {
    for_each_case([](const json& values, const Tensor& x, const Tensor& y) {
      if (!values.contains("accuracy")) return;
      const NearestNeighbourAccuracy found = nearest_neighbour_accuracy(x, y);
      check_close(found.total, values["accuracy"][0], 1e-12);
      check_close(found.images, values["accuracy"][1], 1e-12);
      check_close(found.real, values["accuracy"][2], 1e-12);
    });
  });
}

TEST_CASE("MMD^2 and its deviation are those of scikit-learn's kernel, on every kernel set") {
  on_every_kernel_set([] {
    for_each_case([](const json& values, const Tensor& x, const Tensor& y) {
      if (!values.contains("mmd")) return;
      const Mmd found = mmd(x, y);
      check_close(found.squared, values["mmd"][0]);
      check_close(found.sigma, values["mmd"][1]);
    });
  });
}

TEST_CASE("modes, cells and the Jensen-Shannon distance in the plane are those of SciPy") {
  const json& plane = golden()["plane"];
  const Tensor points = features(plane["points"], 2), centres = features(plane["centres"], 2);
  const auto stddev = plane["stddev"].get<double>();
  const Modes modes = count_modes(points, centres, stddev);
  CHECK(modes.counts == plane["counts"].get<std::vector<int64_t>>());
  CHECK(modes.covered == 7);
  check_close(modes.good, plane["good"], 1e-12);

  const Grid grid{plane["side"].get<int64_t>(), plane["half_width"].get<double>()};
  const std::vector<double> density = mixture_cells(centres, stddev, grid);
  const std::vector<double> shares = point_cells(points, grid);
  REQUIRE(density.size() == plane["cells"].size());
  REQUIRE(shares.size() == plane["shares"].size());
  for (size_t i = 0; i < density.size(); ++i) {
    CHECK(std::abs(density[i] - plane["cells"][i].get<double>()) <= 1e-12);
    check_close(shares[i], plane["shares"][i], 1e-12);
  }
  check_close(js_distance(shares, density), plane["distance"]);
}

}  // namespace
}  // namespace forger::metrics
