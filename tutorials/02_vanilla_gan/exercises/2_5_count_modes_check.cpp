#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "2_5_count_modes.h"
#include "autograd/random.h"
#include "nn/data/toy2d.h"
#include "tutorials/common/exercise.h"

namespace {

using namespace forger;

std::string text_of(const std::vector<size_t>& indices) {
  std::string text;
  for (const size_t i : indices) text += (text.empty() ? "" : ", ") + std::to_string(i);
  return text.empty() ? "none" : text;
}

std::vector<Point> points_of(const Tensor& x) {
  std::vector<Point> points;
  for (int64_t i = 0; i < x.shape()[0]; ++i) points.push_back({x.at({i, 0}), x.at({i, 1})});
  return points;
}

void check_all(tutorials::Check& check) {
  // 200 points near two of four centres, a single one near the third.
  const std::vector<Point> centres = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};
  std::vector<Point> points(150, Point{0.1, 0});
  points.insert(points.end(), 48, Point{1, 0.29});  // just within 3 deviations of 0.1
  points.push_back({0, 1});
  points.push_back({1, 0.35});  // nobody's
  const Modes four = judge_modes(points, centres, 0.1);
  check.equal("four centres: missing", text_of(four.missing), "2, 3");
  check.about("four centres: share of good points", four.good, 199 / 200.0, 1e-9);
  points[199] = {0, 1.1};  // the second of 200 points is 1 %
  check.equal("four centres, two points near the third: missing",
              text_of(judge_modes(points, centres, 0.1).missing), "3");
  // Circles of 3 deviations overlap: a point belongs to the nearer centre alone.
  const Modes near = judge_modes({{0.4, 0}, {0.3, 0}}, {{0, 0}, {1, 0}}, 0.3);
  check.equal("overlapping modes: missing", text_of(near.missing), "1");

  Random random(0);
  const std::vector<Point> ring = points_of(nn::ring_of_gaussians(5000, random));
  const Modes whole = judge_modes(ring, points_of(nn::ring_centres()), 0.02);
  check.equal("the ring of 8 itself: missing", text_of(whole.missing), "none");
  check.about("the ring of 8 itself: share of good points", whole.good, 1 - std::exp(-4.5), 0.006);
}

}  // namespace

int main() { return tutorials::check_exercise("2.5", "Counting modes", check_all); }
