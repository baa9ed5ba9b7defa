// Properties of the metrics: values that theory gives, ties, rounding, threads, and errors.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "autograd/random.h"
#include "kernel_sets.h"
#include "message.h"
#include "nn/data/toy2d.h"
#include "threads.h"
#include "tutorials/metrics/classes.h"
#include "tutorials/metrics/distances.h"
#include "tutorials/metrics/frechet.h"
#include "tutorials/metrics/mmd.h"
#include "tutorials/metrics/neighbours.h"
#include "tutorials/metrics/plane.h"
#include "tutorials/metrics/scores.h"

namespace forger::metrics {
namespace {

/// n rows of d numbers from 0 to levels - 1, scaled. Every other row is moved along each axis. Many
/// distances are equal, and others differ by less than the error of float products of moved rows.
Tensor lattice(int64_t n, int64_t d, int64_t levels, double step, double move, uint64_t seed) {
  Random random(seed);
  std::vector<Scalar> numbers;
  for (int64_t i = 0; i < n * d; ++i) {
    const double level = static_cast<double>(random.below(levels));
    numbers.push_back(static_cast<Scalar>(step * level + (i / d % 2 == 0 ? 0 : move)));
  }
  return Tensor::from({n, d}, numbers);
}

double squared(const Tensor& a, int64_t i, const Tensor& b, int64_t j) {
  const int64_t d = a.shape()[1];
  return squared_distance(a.data() + i * d, b.data() + j * d, d);
}

/// All squared distances from row i of a to the rows of b, ascending, without row i itself if
/// a and b are the same tensor.
std::vector<double> sorted_distances(const Tensor& a, int64_t i, const Tensor& b) {
  std::vector<double> all;
  for (int64_t j = 0; j < b.shape()[0]; ++j) {
    if (a.data() != b.data() || i != j) all.push_back(squared(a, i, b, j));
  }
  std::sort(all.begin(), all.end());
  return all;
}

TEST_CASE("neighbours and counts are exact where float products cannot decide") {
  // The second case has 2,100 rows, which are more than one tile of columns.
  struct Case {
    int64_t n, m, d, levels;
    double step, move;
  };
  for (const Case& c : {Case{300, 280, 3, 4, 1, 0}, Case{40, 2100, 2, 40, 1.0 / 1024, 0},
                        Case{200, 150, 3, 40, 1.0 / 1024, 500}}) {
    CAPTURE(c.move);
    const Tensor images = lattice(c.n, c.d, c.levels, c.step, c.move, 1);
    const Tensor real = lattice(c.m, c.d, c.levels, c.step, c.move, 2);
    constexpr int64_t kBalls = 5;
    std::vector<double> radii;
    for (int64_t j = 0; j < c.m; ++j) radii.push_back(sorted_distances(real, j, real)[kBalls - 1]);
    int64_t inside = 0, in_any = 0, covered = 0;
    for (int64_t i = 0; i < c.n; ++i) {
      int64_t balls = 0;
      for (int64_t j = 0; j < c.m; ++j) {
        balls += squared(images, i, real, j) <= radii[static_cast<size_t>(j)] ? 1 : 0;
      }
      inside += balls;
      in_any += balls > 0 ? 1 : 0;
    }
    for (int64_t j = 0; j < c.m; ++j) {
      covered += sorted_distances(real, j, images)[0] <= radii[static_cast<size_t>(j)] ? 1 : 0;
    }
    on_every_kernel_set([&] {
      const Neighbours found = nearest(images, real, 3);
      for (int64_t i = 0; i < c.n; ++i) {
        const std::vector<double> expected = sorted_distances(images, i, real);
        for (int64_t k = 0; k < 3; ++k) {
          const auto at = static_cast<size_t>(3 * i + k);
          CHECK(found.distances[at] == std::sqrt(expected[static_cast<size_t>(k)]));
          CHECK(squared(images, i, real, found.index[at]) == expected[static_cast<size_t>(k)]);
        }
      }
      const DensityCoverage balls = density_coverage(images, real, kBalls);
      CHECK(balls.density == static_cast<double>(inside) / static_cast<double>(kBalls * c.n));
      CHECK(balls.coverage == static_cast<double>(covered) / static_cast<double>(c.m));
      CHECK(precision_recall(images, real, kBalls).precision ==
            static_cast<double>(in_any) / static_cast<double>(c.n));
    });
  }
}

TEST_CASE(
    "of equally near rows the one with the smaller index comes first, and never the row itself") {
  const Tensor x = Tensor::from({4, 1}, {0, 1, 0, -1});
  const Neighbours others = nearest_others(x, 3);
  CHECK(others.index == std::vector<int64_t>{2, 1, 3, 0, 2, 3, 0, 1, 3, 0, 2, 1});
  CHECK(others.distances == std::vector<double>{0, 1, 1, 1, 1, 2, 0, 1, 1, 1, 1, 2});
  CHECK(nearest(x, x, 1).index == std::vector<int64_t>{0, 1, 0, 3});
}

TEST_CASE("the Frechet distance of one variable is (m1 - m2)^2 + (s1 - s2)^2") {
  const auto gaussian = [](double mean, double stddev) {
    models::Moments moments{{mean}, models::Matrix(1, 1)};
    moments.covariance[0][0] = stddev * stddev;
    return moments;
  };
  CHECK(frechet_distance(gaussian(1, 2), gaussian(4, 0.5)) == doctest::Approx(9 + 2.25));
  CHECK(frechet_distance(gaussian(1, 0), gaussian(1, 3)) == doctest::Approx(9));
  CHECK(frechet_distance(gaussian(2, 3), gaussian(2, 3)) <= 1e-12);
}

TEST_CASE("two samples of one distribution look alike") {
  Random random(3);
  const int64_t n = 2000;
  const Tensor x = random.normal({n, 6}), y = random.normal({n, 6});
  const Scores scores = score({x, {}}, {y, {}});
  CHECK(scores.density == doctest::Approx(1).epsilon(0.04));
  CHECK(scores.coverage == doctest::Approx(expected_coverage(n, n)).epsilon(0.012));
  CHECK(scores.nearest_neighbour_accuracy == doctest::Approx(0.5).epsilon(0.04));
  CHECK(std::abs(scores.mmd) <= 3 * scores.mmd_sigma);
  CHECK(std::isnan(scores.class_distance));
  CHECK(std::isnan(scores.training_ratio));
}

TEST_CASE("sigma is the deviation of MMD^2 over samples of one distribution") {
  std::vector<double> values, sigmas;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const Tensor x = random.normal({40, 3}, 1), y = random.normal({40, 3}, 1);
    const Mmd found = mmd(x, y);
    values.push_back(found.squared);
    sigmas.push_back(found.sigma);
  }
  double mean = 0, squares = 0, sigma = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    mean += values[i] / 200;
    squares += values[i] * values[i] / 200;
    sigma += sigmas[i] / 200;
  }
  CHECK(std::abs(mean) <= 3 * sigma / std::sqrt(200.0));  // unbiased
  CHECK(std::sqrt(squares) == doctest::Approx(sigma).epsilon(0.15));
}

TEST_CASE(
    "the expected coverage is Naeem's, and copies of the real rows have an accuracy below 0.5") {
  CHECK(expected_coverage(5000, 5000) == doctest::Approx(0.968797).epsilon(1e-6));
  CHECK(expected_coverage(4, 2, 1) == doctest::Approx(1 - 3.0 / 5));
  CHECK(expected_coverage(6, 0) == 0);
  const Tensor x = Random(5).normal({50, 3});
  const NearestNeighbourAccuracy copies = nearest_neighbour_accuracy(x, x);
  CHECK(copies.total == 0);
  CHECK(nearest_neighbour_accuracy(x, x + 100.0).total == 1);
}

TEST_CASE("copies of training rows are at distance 0 of them") {
  Random random(6);
  const Tensor training = random.normal({300, 4}), test = random.normal({300, 4});
  const Memorisation copies = memorisation(slice(training, 0, 0, 100), training, test);
  CHECK(copies.ratio == 0);
  CHECK(copies.nearer == 1);
  const Memorisation fresh = memorisation(random.normal({1000, 4}), training, test);
  CHECK(fresh.ratio == doctest::Approx(1).epsilon(0.05));
  CHECK(fresh.nearer == doctest::Approx(0.5).epsilon(0.1));
}

TEST_CASE("the ring's own points cover 8 modes, and 98.9 % are good") {
  Random random(7);
  const int64_t n = 20000;
  const Tensor points = nn::ring_of_gaussians(n, random);
  const Modes modes = count_modes(points, nn::ring_centres(), 0.02);
  CHECK(modes.covered == 8);
  CHECK(std::abs(modes.good - (1 - std::exp(-4.5))) <= 4 * std::sqrt(0.011 / n));
  const Modes moved = count_modes(points + 1.0, nn::ring_centres(), 0.02);
  CHECK(moved.good < 0.01);
}

TEST_CASE(
    "the distance from the density falls with the number of points, and a lost mode raises it") {
  const std::vector<double> density = mixture_cells(nn::grid_centres(), 0.05);
  double sum = 0;
  for (const double cell : density) sum += cell;
  CHECK(sum == doctest::Approx(1));
  Random random(8);
  const auto distance = [&](int64_t n) {
    return js_distance(point_cells(nn::grid_of_gaussians(n, random)), density);
  };
  const double few = distance(500), many = distance(50000);
  CHECK(many < few / 4);
  const Tensor one_lost = slice(nn::grid_centres(), 0, 0, 24);
  CHECK(js_distance(mixture_cells(one_lost, 0.05), density) > 2 * many);
  // Disjoint distributions have the largest distance.
  CHECK(js_distance({1, 0}, {0, 1}) == doctest::Approx(std::sqrt(std::log(2.0))));
  CHECK(js_distance({0.25, 0.75}, {0.25, 0.75}) == 0);
}

TEST_CASE("the means of a target in the plane give the exact probability of each cell") {
  constexpr int64_t kPoints = 1000000;
  for (const std::string name : {"ring", "grid", "line", "spiral", "moons"}) {
    CAPTURE(name);
    const nn::Toy2d toy = nn::toy2d(name);
    const Grid grid{64, toy.half_width};
    const std::vector<double> exact = mixture_cells(toy.means, toy.stddev, grid);
    Random random(11);
    const std::vector<double> found = point_cells(toy.sample(kPoints, random), grid);
    // Pearson's statistic, with all cells of fewer than 10 expected points as one
    double statistic = 0, rest_exact = 0, rest_found = 0;
    int64_t freedom = 0;
    for (size_t cell = 0; cell < exact.size(); ++cell) {
      const double expected = exact[cell] * kPoints, count = found[cell] * kPoints;
      if (expected < 10) {
        rest_exact += expected;
        rest_found += count;
        continue;
      }
      statistic += (count - expected) * (count - expected) / expected;
      ++freedom;
    }
    CHECK(std::abs(rest_found - rest_exact) < 5 * std::sqrt(rest_exact + 1));
    const auto degrees = static_cast<double>(freedom);
    CAPTURE(statistic);
    CAPTURE(degrees);
    CHECK(degrees > 30);
    CHECK(std::abs(statistic - degrees) < 4 * std::sqrt(2 * degrees));
  }
}

TEST_CASE("points on an edge belong to the cell above it, and those outside to the last cell") {
  const Grid grid{2, 1};
  const Tensor points = Tensor::from({5, 2}, {0, 0, -1, -1, 1, 0, 0, 1, -0.5, 0.5});
  CHECK(point_cells(points, grid) == std::vector<double>{0.2, 0, 0.2, 0.2, 0.4});
}

TEST_CASE("class histograms are compared by total variation") {
  CHECK(class_histogram({2, 0, 2}, 4) == std::vector<int64_t>{1, 0, 2, 0});
  CHECK(total_variation({1, 1}, {2, 2}) == 0);
  CHECK(total_variation({4, 0}, {0, 1}) == 1);
  CHECK(total_variation({3, 1}, {1, 1}) == doctest::Approx(0.25));
  CHECK(agreement({1, 2, 3, 4}, {1, 2, 0, 4}) == 0.75);
}

TEST_CASE("all metrics have the same bits for any number of threads") {
  Random random(9);
  const Sample x{random.normal({700, 20}), {}}, y{random.normal({600, 20}, 0.1), {}};
  const Tensor training = random.normal({900, 20});
  const auto measure = [&](int threads) {
    const Threads scope(threads);
    return score(x, y, {training, y.features});
  };
  const Scores one = measure(1), three = measure(3);
  for (const Instrument& instrument : instruments()) {
    CAPTURE(instrument.name);
    const double a = one.*instrument.value, b = three.*instrument.value;
    CHECK((a == b || (std::isnan(a) && std::isnan(b))));
  }
}

TEST_CASE("the metrics name what they cannot measure") {
  const Tensor x = Tensor::zeros({4, 2}), wide = Tensor::zeros({4, 3}), one = Tensor::zeros({1, 2});
  const Tensor bad = Tensor::from({2, 2}, {0, 1, 2, std::numeric_limits<Scalar>::quiet_NaN()});
  CHECK(message_of([&] { frechet_distance(x, wide); }) ==
        "frechet_distance: the features have different widths\n  a  [4, 2]\n  b  [4, 3]");
  CHECK(message_of([&] { frechet_distance(one, x); }) ==
        "frechet_distance: these are no features of enough images\n  a  [1, 2]\n"
        "  expected  [n, d], n >= 2, d >= 1");
  CHECK(message_of([&] { mmd(Tensor(), x); }) ==
        "mmd: these are no features of enough images\n  x  undefined\n"
        "  expected  [n, d], n >= 2, d >= 1");
  CHECK(message_of([&] { mmd(x, bad); }) ==
        "mmd: features must be finite, and at most 1e15\n  y  row 1, column 1: nan");
  CHECK(message_of([&] {
          mmd(x, Tensor::zeros({3, 2}));
        }) == "mmd: the sets must have the same number of rows\n  x  [4, 2]\n  y  [3, 2]");
  CHECK(message_of([&] {
          nearest_neighbour_accuracy(x, Tensor::zeros({3, 2}));
        }) ==
        "nearest_neighbour_accuracy: the sets must have the same number of rows\n"
        "  images  [4, 2]\n  real    [3, 2]");
  CHECK(message_of([&] { density_coverage(x, x, 4); }) ==
        "density_coverage: k is out of range, for so many rows\n  found    4\n  expected 1 to 3");
  CHECK(message_of([&] { nearest(x, x, 0); }) ==
        "nearest: k is out of range, for so many rows\n  found    0\n  expected 1 to 4");
  CHECK(message_of([&] { expected_coverage(5, 5, 5); }) ==
        "expected_coverage: k must be 1 to real - 1, and images not negative\n"
        "  found real 5, images 5, k 5");
  CHECK(message_of([&] {
          score({x, {}}, {x, {}});
        }) ==
        "score: these are no features of enough images\n  images  [4, 2]\n"
        "  expected  [n, d], n >= 6, d >= 1");
  CHECK(message_of([&] {
          class_histogram({0, 3}, 3);
        }) == "class_histogram: a label is out of range\n  found    3, label 1\n  expected 0 to 2");
  CHECK(message_of([&] {
          total_variation({1}, {1, 1});
        }) == "total_variation: the numbers of classes differ\n  a  1\n  b  2");
  CHECK(message_of([&] { total_variation({0}, {1}); }) == "total_variation: a histogram is empty");
  CHECK(message_of([&] { agreement({}, {}); }) ==
        "agreement: the numbers of labels differ, or there are none\n  a  0\n  b  0");
  CHECK(message_of([&] { count_modes(wide, x, 1); }) ==
        "count_modes: these are no points in the plane\n  points  [4, 3]\n  expected  [n, 2]");
  CHECK(message_of([&] { mixture_cells(x, 0); }) ==
        "mixture_cells: stddev must be finite and above 0\n  found 0.000000");
  CHECK(message_of([&] {
          point_cells(x, {0, 1});
        }) ==
        "point_cells: a grid has 1 to 4096 cells a side and a finite half width above 0\n"
        "  found side 0, half width 1.000000");
  CHECK(message_of([&] {
          js_distance({1}, {0.5, 0.5});
        }) == "js_distance: the distributions have different sizes\n  p  1\n  q  2");
  CHECK(message_of([&] { js_distance({1}, {0.5}); }) ==
        "js_distance: not a distribution\n  q  sums to 0.500000");
  CHECK(message_of([&] {
          js_distance({1.5, -0.5}, {1, 0});
        }) == "js_distance: not a distribution\n  p  has an entry that is not at least 0");
}

TEST_CASE("the table has a line for each instrument that was measured, real values beside it") {
  Scores images, real;
  images.n = images.real = 10000;
  real.n = real.real = 5000;
  images.frechet = 72.125;
  real.frechet = 0.5;
  CHECK(score_table(images, real) ==
        "                                   images         real\n"
        "n                             10000:10000    5000:5000\n"
        "Frechet distance                   72.125        0.500  Heusel et al. 2017, section 4\n");
}

}  // namespace
}  // namespace forger::metrics
