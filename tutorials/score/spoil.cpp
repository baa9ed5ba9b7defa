#include "tutorials/score/spoil.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "autograd/error.h"
#include "autograd/random.h"
#include "tutorials/common/splits.h"

namespace forger::tutorials {
namespace {

constexpr uint64_t kNoiseStream = uint64_t{'N'} << 56, kCopiesStream = uint64_t{'C'} << 56;

void check_labels(const char* op, const nn::ImageSet& images, SourceLoc loc) {
  nn::check_images(images, loc);
  if (images.labels.empty()) fail(op, "the images have no labels", {}, loc);
}

void check_range(const char* op, const char* argument, double value, bool inside,
                 const char* expected, SourceLoc loc) {
  if (inside) return;
  fail(op, std::string(argument) + " is out of range",
       {"found    " + std::to_string(value), std::string("expected ") + expected}, loc);
}

/// Calls f(from, to) with each plane of pixels, [height, width], and the same plane of a black
/// copy.
template <class F>
nn::ImageSet map_planes(const nn::ImageSet& images, const F& f) {
  nn::check_images(images);
  nn::ImageSet result = images;
  std::fill(result.pixels.begin(), result.pixels.end(), uint8_t{0});
  const int64_t plane = images.height * images.width;
  for (int64_t i = 0; i < images.count * images.channels; ++i) {
    f(images.pixels.data() + i * plane, result.pixels.data() + i * plane);
  }
  return result;
}

/// Returns the sum of weights[i - place + radius] * line[i * stride] over the pixels i of a line of
/// n. The middle weight belongs to `place`.
template <class Pixel>
double weighted(const std::vector<double>& weights, const Pixel* line, int64_t place, int64_t n,
                int64_t stride) {
  const auto radius = static_cast<int64_t>(weights.size()) / 2;
  double sum = 0;
  for (int64_t i = std::max(place - radius, int64_t{0}); i <= std::min(place + radius, n - 1);
       ++i) {
    sum += weights[static_cast<size_t>(i - place + radius)] * line[i * stride];
  }
  return sum;
}

}  // namespace

nn::ImageSet without_class(const nn::ImageSet& images, int label, SourceLoc loc) {
  check_labels("without_class", images, loc);
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < images.count; ++i) {
    if (images.labels[static_cast<size_t>(i)] != label) kept.push_back(i);
  }
  return subset(images, kept, loc);
}

nn::ImageSet blurred(const nn::ImageSet& images, double stddev, SourceLoc loc) {
  check_range("blurred", "stddev", stddev, stddev > 0 && stddev <= 100, "above 0, at most 100",
              loc);
  const auto radius = static_cast<int64_t>(std::ceil(3 * stddev));
  std::vector<double> weights;
  double total = 0;
  for (int64_t i = -radius; i <= radius; ++i) {
    const double z = static_cast<double>(i) / stddev;
    weights.push_back(std::exp(-z * z / 2));
    total += weights.back();
  }
  for (double& weight : weights) weight /= total;

  const int64_t h = images.height, w = images.width;
  std::vector<double> rows(static_cast<size_t>(h * w));  // smoothed along each row
  return map_planes(images, [&](const uint8_t* from, uint8_t* to) {
    for (int64_t i = 0; i < h * w; ++i) {
      rows[static_cast<size_t>(i)] = weighted(weights, from + i / w * w, i % w, w, 1);
    }
    for (int64_t i = 0; i < h * w; ++i) {
      to[i] =
          static_cast<uint8_t>(std::lround(weighted(weights, rows.data() + i % w, i / w, h, w)));
    }
  });
}

nn::ImageSet with_noise_images(const nn::ImageSet& images, double share, uint64_t seed,
                               SourceLoc loc) {
  nn::check_images(images, loc);
  check_range("with_noise_images", "share", share, share >= 0 && share <= 1, "0 to 1", loc);
  nn::ImageSet result = images;
  Random random(seed, kNoiseStream);
  const std::vector<int64_t> order = random.permutation(images.count);
  const auto noisy = static_cast<size_t>(std::llround(share * static_cast<double>(images.count)));
  for (size_t i = 0; i < noisy; ++i) {
    uint8_t* pixels = result.pixels.data() + order[i] * images.image_bytes();
    for (int64_t j = 0; j < images.image_bytes(); ++j) {
      pixels[j] = static_cast<uint8_t>(random.below(256));
    }
  }
  return result;
}

nn::ImageSet shifted(const nn::ImageSet& images, int64_t right, int64_t down) {
  const int64_t h = images.height, w = images.width;
  return map_planes(images, [&](const uint8_t* from, uint8_t* to) {
    for (int64_t i = std::max(down, int64_t{0}); i < std::min(h, h + down); ++i) {
      for (int64_t j = std::max(right, int64_t{0}); j < std::min(w, w + right); ++j) {
        to[i * w + j] = from[(i - down) * w + j - right];
      }
    }
  });
}

nn::ImageSet fewer_modes(const nn::ImageSet& images, double share, SourceLoc loc) {
  check_labels("fewer_modes", images, loc);
  check_range("fewer_modes", "share", share, share > 0 && share <= 1, "above 0, at most 1", loc);
  const int classes = *std::max_element(images.labels.begin(), images.labels.end()) + 1;
  const int64_t bytes = images.image_bytes();
  std::vector<int64_t> kept;
  for (int label = 0; label < classes; ++label) {
    std::vector<std::pair<int64_t, int64_t>> members;  // squared distance to the first, and index
    for (int64_t i = 0; i < images.count; ++i) {
      if (images.labels[static_cast<size_t>(i)] != label) continue;
      const int64_t first = members.empty() ? i : members[0].second;
      int64_t distance = 0;
      for (int64_t j = 0; j < bytes; ++j) {
        const int64_t difference = int64_t{images.pixels[static_cast<size_t>(i * bytes + j)]} -
                                   images.pixels[static_cast<size_t>(first * bytes + j)];
        distance += difference * difference;
      }
      members.emplace_back(distance, i);
    }
    std::sort(members.begin(), members.end());
    const auto n = static_cast<size_t>(std::ceil(share * static_cast<double>(members.size())));
    for (size_t i = 0; i < n; ++i) kept.push_back(members[i].second);
  }
  std::sort(kept.begin(), kept.end());
  return subset(images, kept, loc);
}

std::vector<SpoiltSet> spoilt_sets(const nn::ImageSet& images, const nn::ImageSet& training,
                                   uint64_t seed, SourceLoc loc) {
  check_labels("spoilt_sets", images, loc);
  if (training.count < images.count) {
    fail("spoilt_sets", "fewer training images than images",
         {"found    " + std::to_string(training.count),
          "expected at least " + std::to_string(images.count)},
         loc);
  }
  std::vector<int64_t> copies = Random(seed, kCopiesStream).permutation(training.count);
  copies.resize(static_cast<size_t>(images.count));
  const std::set<int> classes(images.labels.begin(), images.labels.end());
  if (classes.size() < 2) {
    fail("spoilt_sets", "images of at least two classes expected, for one is removed",
         {"found    only class " + std::to_string(*classes.begin())}, loc);
  }
  const int removed = *std::next(classes.rbegin());
  return {{"one class removed", without_class(images, removed, loc)},
          {"blur", blurred(images, 1, loc)},
          {"noise images", with_noise_images(images, 0.1, seed, loc)},
          {"training copies", subset(training, copies, loc)},
          {"shift", shifted(images, 2, 2)},
          {"fewer modes", fewer_modes(images, 0.25, loc)}};
}

std::optional<double> in_deviations(double value, const std::vector<double>& real, SourceLoc loc) {
  if (real.size() < 2) {
    fail("in_deviations", "at least two values of real images expected",
         {"found " + std::to_string(real.size())}, loc);
  }
  const auto n = static_cast<double>(real.size());
  double sum = 0, squares = 0;
  for (const double x : real) sum += x;
  const double mean = sum / n;
  for (const double x : real) squares += (x - mean) * (x - mean);
  // The mean of equal values may differ from them by rounding.
  if (std::count(real.begin(), real.end(), real[0]) == static_cast<int64_t>(real.size())) return {};
  return (value - mean) / std::sqrt(squares / (n - 1));
}

}  // namespace forger::tutorials
