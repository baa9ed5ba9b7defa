#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "1_4_k_means_plus_plus.h"
#include "nn/data/toy2d.h"
#include "tutorials/common/exercise.h"

namespace {

using namespace forger;

/// The sum of squared distances to the nearest centre.
double inertia(const std::vector<Point>& points, const std::vector<size_t>& centres) {
  double sum = 0;
  for (const Point& p : points) {
    double least = std::numeric_limits<double>::infinity();
    for (const size_t c : centres) {
      const double dx = p[0] - points[c][0], dy = p[1] - points[c][1];
      least = std::min(least, dx * dx + dy * dy);
    }
    sum += least;
  }
  return sum;
}

void check_all(tutorials::Check& check) {
  // Three points on a line, two of them to be taken. The probabilities are worked by hand.
  Random random(0);
  const std::vector<Point> line = {{0, 0}, {1, 0}, {3, 0}};
  constexpr int kTrials = 20'000;  // a share has a standard error of at most 0.0035
  double together[3] = {};         // by the point that is left out
  for (int i = 0; i < kTrials; ++i) {
    const std::vector<size_t> pair = choose_centres(line, 2, random);
    if (pair.size() != 2 || pair[0] > 2 || pair[1] > 2 || pair[0] == pair[1]) {
      return check.equal("two different points of three", "no", "yes");
    }
    together[3 - pair[0] - pair[1]] += 1.0 / kTrials;
  }
  check.about("0, 1, 3: how often 0 and 1 are taken", together[2], (1 / 10.0 + 1 / 5.0) / 3, 0.02);
  check.about("0, 1, 3: how often 0 and 3 are taken", together[1], (9 / 10.0 + 9 / 13.0) / 3, 0.02);
  check.about("0, 1, 3: how often 1 and 3 are taken", together[0], (4 / 5.0 + 4 / 13.0) / 3, 0.02);

  const Tensor sample = nn::grid_of_gaussians(1000, random);
  std::vector<Point> points;
  for (int64_t i = 0; i < 1000; ++i) points.push_back({sample.at({i, 0}), sample.at({i, 1})});
  int64_t better = 0, different = 0;
  for (int trial = 0; trial < 20; ++trial) {
    const std::vector<size_t> chosen = choose_centres(points, 25, random);
    const std::vector<int64_t> order = random.permutation(1000);
    const std::vector<size_t> at_random(order.begin(), order.begin() + 25);
    different += std::set<size_t>(chosen.begin(), chosen.end()).size() == 25 ? 1 : 0;
    // A random start is lucky at times. Half of its inertia is out of its reach.
    better += inertia(points, chosen) < inertia(points, at_random) / 2 ? 1 : 0;
  }
  check.equal("25 groups: starts of 20 with 25 different points", different, 20);
  check.equal("25 groups: starts of 20 with half the inertia of a random one", better, 20);
}

}  // namespace

int main() { return forger::tutorials::check_exercise("1.4", "k-means++", check_all); }
