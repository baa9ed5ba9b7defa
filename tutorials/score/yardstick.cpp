#include "tutorials/score/yardstick.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "autograd/error.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "nn/data/idx.h"
#include "nn/escape.h"
#include "tutorials/common/options.h"
#include "tutorials/common/splits.h"
#include "tutorials/metrics/classes.h"
#include "tutorials/metrics/neighbours.h"

namespace forger::tutorials {
namespace {

constexpr uint64_t kTestStream = uint64_t{'T'} << 56, kImageStream = uint64_t{'I'} << 56;
constexpr int64_t kFewest = 6;  // for density and coverage with k = 5

/// Throws Error unless there are at least `fewest` images.
void check_count(const nn::ImageSet& images, const char* problem, int64_t fewest) {
  if (images.count >= fewest) return;
  fail(images.source, problem,
       {"found    " + std::to_string(images.count), "expected at least " + std::to_string(fewest)},
       {});
}

/// Throws Error unless labels are class indices of the data.
void check_classes(const nn::ImageSet& images, size_t classes) {
  for (size_t i = 0; i < images.labels.size(); ++i) {
    if (images.labels[i] >= 0 && static_cast<size_t>(images.labels[i]) < classes) continue;
    fail(images.source, "a label that is no class of the real images",
         {"found    " + std::to_string(images.labels[i]) + ", label " + std::to_string(i),
          "expected 0 to " + std::to_string(classes - 1)},
         {});
  }
}

}  // namespace

Yardstick::Yardstick(nn::ImageSet training, nn::ImageSet test, std::string name, uint64_t seed)
    : name_(std::move(name)), training_(std::move(training)), seed_(seed) {
  for (const nn::ImageSet* images : {&std::as_const(training_), &std::as_const(test)}) {
    nn::check_images(*images);
    if (images->labels.empty() || images->class_names.empty()) {
      fail(images->source, "images without labels, which a yardstick needs", {}, {});
    }
  }
  check_count(test, "too few test images to measure by", 2 * kFewest);
  test_ = subset(test, Random(seed, kTestStream).permutation(test.count));
}

Yardstick Yardstick::of(DataOptions data, uint64_t seed) {
  const std::string folder = data.data_dir;  // as given; load_data() makes it absolute
  nn::ImageSet training = load_data(data, seed).images;
  if (!has_test_images(data)) {
    fail_option("--data", "a folder of images, which has no test images", data.data,
                "fashion-mnist or digits");
  }
  nn::ImageSet test = load_test_images(data, seed);
  // Other data, such as MNIST, come in files of the same names.
  const bool is_other = !folder.empty() && training.class_names != nn::fashion_mnist_classes();
  const std::string name = is_other ? nn::escape(folder) : data.data;
  return {std::move(training), std::move(test), name, seed};
}

const Tensor& Yardstick::training_features() {
  prepare();
  return training_features_;
}

void Yardstick::prepare() {
  if (training_features_.defined()) return;
  training_features_ = features_(training_);
  test_sample_ = sample(test_);
}

std::vector<int> Yardstick::classes_of(const Tensor& features) {
  if (class_names() == nn::fashion_mnist_classes()) return features_.labels(features);
  std::vector<int> classes;
  for (const int64_t i : metrics::nearest(features, training_features_).index) {
    classes.push_back(training_.labels[static_cast<size_t>(i)]);
  }
  return classes;
}

metrics::Sample Yardstick::sample(const nn::ImageSet& images) {
  prepare();
  metrics::Sample result{features_(images), {}};
  result.classes = classes_of(result.features);
  return result;
}

metrics::Sample Yardstick::test_rows(int64_t begin, int64_t end) const {
  return {slice(test_sample_.features, 0, begin, end),
          {test_sample_.classes.begin() + begin, test_sample_.classes.begin() + end}};
}

Measured Yardstick::measure(const nn::ImageSet& images) {
  nn::check_images(images);
  check_classes(images, class_names().size());
  check_count(images, "too few images to measure", kFewest);
  const int64_t n = std::min(images.count, test_.count), half = test_.count / 2;
  std::vector<int64_t> chosen = Random(seed_, kImageStream).permutation(images.count);
  chosen.resize(static_cast<size_t>(n));
  std::sort(chosen.begin(), chosen.end());
  const nn::ImageSet used = n < images.count ? subset(images, chosen) : images;

  prepare();
  Measured result;
  result.given = images.count;
  const metrics::Sample found = sample(used);
  const metrics::Originals originals{training_features_, test_rows(half, test_.count).features};
  result.scores = metrics::score(found, test_rows(0, n), originals);
  const int64_t m = std::min(n, half);
  result.real = metrics::score(test_rows(0, m), test_rows(half, half + m), originals);

  const auto classes = static_cast<int64_t>(class_names().size());
  result.classes = metrics::class_histogram(found.classes, classes);
  result.real_classes = metrics::class_histogram(test_rows(0, n).classes, classes);
  if (used.labels.empty()) return result;
  result.labelled = metrics::class_histogram(used.labels, classes);
  result.recognised.resize(static_cast<size_t>(classes));
  for (size_t i = 0; i < used.labels.size(); ++i) {
    if (used.labels[i] == found.classes[i])
      ++result.recognised[static_cast<size_t>(used.labels[i])];
  }
  return result;
}

}  // namespace forger::tutorials
