#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "1_2_log_domain.h"
#include "autograd/tensor.h"
#include "nn/data/digits.h"
#include "tutorials/common/exercise.h"
#include "tutorials/models/naive_bayes.h"

namespace {

using namespace forger;

constexpr int kClasses = 10;
constexpr int64_t kPixels = 784;

/// Returns the bytes of the images, 0 to 255. A density per grey level is at most 1 / (2.5
/// deviations), so the product of 784 of them is smaller than any double.
Tensor pixels(const nn::ImageSet& images) {
  const std::vector<Scalar> values(images.pixels.begin(), images.pixels.end());
  return Tensor::from({images.count, kPixels}, values);
}

std::vector<std::vector<double>> rows(const models::Matrix& m) {
  std::vector<std::vector<double>> result;
  for (int64_t i = 0; i < m.rows; ++i) result.emplace_back(m[i], m[i] + m.columns);
  return result;
}

void check_all(tutorials::Check& check) {
  const std::vector<double> few = posterior({{0.5, 0.5}, {{0}, {2}}, {{1}, {1}}}, {0.5});
  check.about("one feature: p(class 0 | x = 0.5)", few.empty() ? 0 : few[0], 1 / (1 + std::exp(-1)),
              1e-9);  // log odds (1.5^2 - 0.5^2) / 2 = 1

  const nn::ImageSet train = nn::make_digits(2000, 0), test = nn::make_digits(100, 1);
  const models::NaiveBayes fitted =
      models::fit_naive_bayes(pixels(train), train.labels, kClasses, 1e-2);
  NaiveBayes model{{}, rows(fitted.mean), rows(fitted.variance)};
  for (const double log_prior : fitted.log_prior) model.prior.push_back(std::exp(log_prior));
  const Tensor x = pixels(test);
  const models::Matrix expected = fitted.posterior(x);
  double difference = 0, right = 0;  // difference is NaN if a probability is
  int64_t finite = 0;
  for (int64_t i = 0; i < test.count; ++i) {
    const Scalar* image = x.data() + i * kPixels;
    const std::vector<double> p = posterior(model, {image, image + kPixels});
    double sum = 0;
    for (size_t k = 0; k < p.size(); ++k) {
      sum += p[k];
      difference += std::abs(p[k] - expected[i][static_cast<int64_t>(k)]);
    }
    finite += p.size() == kClasses && std::abs(sum - 1) < 1e-9 ? 1 : 0;
    right += std::max_element(p.begin(), p.end()) - p.begin() == test.labels[static_cast<size_t>(i)]
                 ? 1
                 : 0;
  }
  check.equal("784 pixels: images of 100 whose probabilities sum to 1", finite, test.count);
  check.about("784 pixels: sum of differences to forger::models", difference, 0, 1e-9);
  check.at_least("784 pixels: images of 100 labelled correctly", right, 80);
}

}  // namespace

int main() {
  return forger::tutorials::check_exercise("1.2", "Naive Bayes in the log domain", check_all);
}
