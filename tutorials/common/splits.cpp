#include "tutorials/common/splits.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "autograd/error.h"
#include "autograd/random.h"

namespace forger::tutorials {
namespace {

constexpr uint64_t kSplitStream = uint64_t{'H'} << 56;   // of the images that are held out
constexpr uint64_t kChoiceStream = uint64_t{'C'} << 56;  // of balanced()
constexpr int64_t kHeldOutShare = 12, kTestShare = 6;    // one of so many

}  // namespace

nn::ImageSet subset(const nn::ImageSet& images, const std::vector<int64_t>& indices,
                    SourceLoc loc) {
  nn::ImageSet chosen{.count = static_cast<int64_t>(indices.size()),
                      .channels = images.channels,
                      .height = images.height,
                      .width = images.width,
                      .pixels = {},
                      .labels = {},
                      .class_names = images.class_names,
                      .source = images.source};
  chosen.pixels.reserve(indices.size() * static_cast<size_t>(images.image_bytes()));
  for (const int64_t i : indices) {
    if (i < 0 || i >= images.count) {
      fail("subset", "index out of range",
           {"index " + std::to_string(i) + ", images " + std::to_string(images.count)}, loc);
    }
    const auto begin = images.pixels.begin() + i * images.image_bytes();
    chosen.pixels.insert(chosen.pixels.end(), begin, begin + images.image_bytes());
    if (!images.labels.empty()) chosen.labels.push_back(images.labels[static_cast<size_t>(i)]);
  }
  return chosen;
}

std::vector<int64_t> balanced(const nn::ImageSet& images, int64_t n, uint64_t seed, SourceLoc loc) {
  if (images.labels.empty() || images.class_names.empty()) {
    fail("balanced", "images with labels and class names expected", {"found " + images.source},
         loc);
  }
  const auto classes = static_cast<int64_t>(images.class_names.size());
  std::vector<int64_t> missing(static_cast<size_t>(classes), n / classes), chosen;
  for (const int64_t i : Random(seed, kChoiceStream).permutation(images.count)) {
    int64_t& of_class = missing[static_cast<size_t>(images.labels[static_cast<size_t>(i)])];
    if (of_class > 0) chosen.push_back(i);
    --of_class;
  }
  if (static_cast<int64_t>(chosen.size()) != n) {
    fail("balanced", "there are not equally many images of each class",
         {"found    " + std::to_string(chosen.size()) + " in " + std::to_string(classes) +
              " classes",
          "expected " + std::to_string(n)},
         loc);
  }
  return chosen;
}

Splits split(const nn::ImageSet& images, const DataOptions& options, uint64_t seed) {
  if (images.labels.empty() || images.class_names.size() < 2) {
    fail_option("--data", "images without classes, which a classifier needs", images.source,
                "a folder with one subfolder of images per class");
  }
  const bool own_test_set = has_test_images(options);
  const int64_t held_out = std::max<int64_t>(1, images.count / kHeldOutShare);
  const int64_t test = own_test_set ? 0 : std::max<int64_t>(1, images.count / kTestShare);
  if (images.count <= held_out + test) {
    fail_option("--data", "too few images", std::to_string(images.count) + " in " + images.source,
                "at least three: to train, to choose and to test");
  }
  const std::vector<int64_t> order = Random(0, kSplitStream).permutation(images.count);
  const auto part = [&](int64_t begin, int64_t end) {
    std::vector<int64_t> indices(order.begin() + begin, order.begin() + end);
    std::sort(indices.begin(), indices.end());
    return subset(images, indices);
  };
  return {.train = part(held_out + test, images.count),
          .held_out = part(0, held_out),
          .test = own_test_set ? load_test_images(options, seed) : part(held_out, held_out + test)};
}

void check_batch_size(int64_t batch_size, const nn::ImageSet& train) {
  if (batch_size <= train.count) return;
  fail_option("--batch-size", "more than there are training images", std::to_string(batch_size),
              "at most " + std::to_string(train.count) + ", the images of " + train.source +
                  " that are not held out");
}

}  // namespace forger::tutorials
