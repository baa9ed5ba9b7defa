#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include "1_3_one_line.h"
#include "autograd/random.h"
#include "tutorials/common/exercise.h"
#include "tutorials/models/logistic_regression.h"

namespace {

using namespace forger;

/// The angle between two directions in degrees.
double angle(const std::array<double, 2>& a, const std::array<double, 2>& b) {
  const double cross = a[0] * b[1] - a[1] * b[0], dot = a[0] * b[0] + a[1] * b[1];
  return std::abs(std::atan2(cross, dot)) * 180 / std::numbers::pi;
}

void check_all(tutorials::Check& check) {
  // Four points a class, around (0, 0) and (2, 1), with S = (1 0; 0 0.25): weight (2, 4).
  std::vector<Point> x;
  std::vector<int> labels;
  for (const Point& mean : {Point{0, 0}, Point{2, 1}}) {
    for (const double dx : {-1, 1}) {
      for (const double dy : {-0.5, 0.5}) {
        x.push_back({mean[0] + dx, mean[1] + dy});
        labels.push_back(mean[0] > 0 ? 1 : 0);
      }
    }
  }
  const LogOdds small = shared_covariance_log_odds(x, labels);
  check.about("eight points: weight[0]", small.weight[0], 2, 1e-9);
  check.about("eight points: weight[1]", small.weight[1], 4, 1e-9);
  check.about("eight points: bias", small.bias, -4, 1e-9);

  // 100,000 points of two Gaussians with one covariance, 30 % of them in class 1.
  Random random(0);
  x.clear();
  labels.clear();
  std::vector<Scalar> values;
  for (int64_t i = 0; i < 100'000; ++i) {
    const int label = random.uniform() < 0.3 ? 1 : 0;
    const double a = random.normal(), b = random.normal();
    const Point point{static_cast<Scalar>(1.5 * a + label), static_cast<Scalar>(0.9 * a + 0.7 * b)};
    x.push_back(point);
    labels.push_back(label);
    values.insert(values.end(), {static_cast<Scalar>(point[0]), static_cast<Scalar>(point[1])});
  }
  const models::LogisticRegression regression = models::fit_logistic_regression(
      Tensor::from({static_cast<int64_t>(x.size()), 2}, values), labels, 2,
      {.penalty = 0, .iterations = 200, .tolerance = 1e-6});
  const auto difference = [](const Tensor& t, int64_t j, int64_t columns) {
    return double{t.data()[columns + j]} - t.data()[j];  // class 1 less class 0
  };
  const std::array<double, 2> weight{difference(regression.weight, 0, 2),
                                     difference(regression.weight, 1, 2)};
  const LogOdds large = shared_covariance_log_odds(x, labels);
  check.at_most("degrees between the line and logistic regression's", angle(large.weight, weight),
                1);
  check.about("length of the weight / logistic regression's",
              std::hypot(large.weight[0], large.weight[1]) / std::hypot(weight[0], weight[1]), 1,
              0.02);
  check.about("bias less logistic regression's", large.bias - difference(regression.bias, 0, 1), 0,
              0.03);
}

}  // namespace

int main() {
  return forger::tutorials::check_exercise("1.3", "Two ways to one decision line", check_all);
}
