#include "testing.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "models/drawing.h"
#include "nn/escape.h"
#include "tutorials/common/evaluate.h"
#include "tutorials/common/progress.h"

namespace forger::generative {
namespace {

constexpr int64_t kHeldOutAtOnce = 64;

}  // namespace

double held_out_accuracy(tutorials::Classifier& C, const nn::ImageSet& held_out, int64_t batch) {
  const int64_t size = std::min(kHeldOutAtOnce, held_out.count);
  const int64_t begin = batch % (held_out.count / size) * size;
  const Tensor logits = tutorials::evaluate(C, images_to_tensor(held_out, begin, begin + size));
  const auto first = held_out.labels.begin() + begin;
  return tutorials::accuracy(logits, {first, first + size});
}

void print_test(tutorials::Classifier& C, const tutorials::ClassifierOptions& options,
                const nn::ImageSet& test) {
  const Tensor logits = tutorials::evaluate(C, test);
  const std::vector<int> found = argmax(logits);
  const auto classes = static_cast<size_t>(logits.shape()[1]);
  std::vector<std::vector<int64_t>> counts(classes, std::vector<int64_t>(classes));
  for (size_t i = 0; i < found.size(); ++i) {
    ++counts.at(static_cast<size_t>(test.labels[i]))[static_cast<size_t>(found[i])];
  }
  std::printf("test     %.4f of %s images labelled correctly\n",
              tutorials::accuracy(logits, test.labels), tutorials::grouped(test.count).c_str());
  std::printf("drawings their class has probability %.4f by the classifier, which drew them\n\n",
              draw_by_gradient(C, options).probability);
  std::printf("  right  of      class, and what it is most often taken for\n");
  for (size_t label = 0; label < classes; ++label) {
    std::vector<int64_t>& row = counts[label];
    int64_t all = 0;
    for (const int64_t count : row) all += count;
    if (all == 0) continue;
    const double right = static_cast<double>(row[label]) / static_cast<double>(all);
    row[label] = 0;
    const auto wrong = std::max_element(row.begin(), row.end());
    std::printf("  %.3f  %-6s  %s", right, tutorials::grouped(all).c_str(),
                nn::escape(test.class_names[label]).c_str());
    if (*wrong > 0) {
      const auto other = static_cast<size_t>(wrong - row.begin());
      std::printf(": %s (%s)", nn::escape(test.class_names[other]).c_str(),
                  tutorials::grouped(*wrong).c_str());
    }
    std::printf("\n");
  }
}

}  // namespace forger::generative
