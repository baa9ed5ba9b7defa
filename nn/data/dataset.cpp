#include "nn/data/dataset.h"

#include <cmath>
#include <initializer_list>
#include <limits>

#include "autograd/error.h"
#include "autograd/kernels/parallel.h"

namespace forger::nn {
namespace {

/// "[count, channels, height, width]" of any numbers; a Shape refuses some.
std::string size_of(const ImageSet& images) {
  return "[" + std::to_string(images.count) + ", " + std::to_string(images.channels) + ", " +
         std::to_string(images.height) + ", " + std::to_string(images.width) + "]";
}

/// The product of positive numbers, or the largest number where it would overflow.
int64_t product(std::initializer_list<int64_t> factors) {
  int64_t all = 1;
  for (const int64_t factor : factors) {
    if (__builtin_mul_overflow(all, factor, &all)) return std::numeric_limits<int64_t>::max();
  }
  return all;
}

std::string name_of(const ImageSet& images) {
  return images.source.empty() ? "image set" : images.source;
}

void check_pixels(const ImageSet& images, SourceLoc loc) {
  if (images.count < 1 || images.channels < 1 || images.height < 1 || images.width < 1) {
    fail(name_of(images), "there are no images", {"images " + size_of(images) + "  (N, C, H, W)"},
         loc);
  }
  const int64_t bytes = product({images.count, images.channels, images.height, images.width});
  if (static_cast<int64_t>(images.pixels.size()) != bytes) {
    fail(name_of(images), "not as many pixels as its size says",
         {"images " + size_of(images) + "  (N, C, H, W)",
          "found " + std::to_string(images.pixels.size()) + " bytes, expected " +
              std::to_string(bytes)},
         loc);
  }
}

/// [n, channels, height, width] of the images index_of(0) .. index_of(n - 1).
template <class IndexOf>
Tensor gather_images(const ImageSet& images, int64_t n, const IndexOf& index_of, SourceLoc loc) {
  const Tensor x = Tensor::empty(Shape({n, images.channels, images.height, images.width}, loc));
  Scalar* const out = x.mutable_data();
  const int64_t bytes = images.image_bytes();
  kernels::parallel_chunks(n, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const uint8_t* pixels = images.pixels.data() + index_of(i) * bytes;
      for (int64_t j = 0; j < bytes; ++j) {
        out[i * bytes + j] = Scalar(pixels[j]) / Scalar(127.5) - 1;
      }
    }
  });
  return x;
}

}  // namespace

void check_images(const ImageSet& images, SourceLoc loc) {
  check_pixels(images, loc);
  if (!images.labels.empty() && static_cast<int64_t>(images.labels.size()) != images.count) {
    fail(name_of(images), "the counts of images and labels differ",
         {"found " + std::to_string(images.count) + " images and " +
          std::to_string(images.labels.size()) + " labels"},
         loc);
  }
  const size_t classes = images.class_names.size();
  for (const int label : images.labels) {
    if (label >= 0 && (classes == 0 || static_cast<size_t>(label) < classes)) continue;
    fail(name_of(images), "a label that is no class",
         {"found " + std::to_string(label) + ", expected " +
          (classes == 0 ? "0 or more" : "0 to " + std::to_string(classes - 1))},
         loc);
  }
}

Tensor images_to_tensor(const ImageSet& images, const std::vector<int64_t>& indices,
                        SourceLoc loc) {
  check_pixels(images, loc);
  for (const int64_t index : indices) {
    if (index >= 0 && index < images.count) continue;
    fail("images_to_tensor", "no image of that number",
         {"found " + std::to_string(index) + ", expected 0 to " + std::to_string(images.count - 1)},
         loc);
  }
  return gather_images(
      images, static_cast<int64_t>(indices.size()),
      [&](int64_t i) { return indices[static_cast<size_t>(i)]; }, loc);
}

Tensor images_to_tensor(const ImageSet& images, int64_t begin, int64_t end, SourceLoc loc) {
  check_pixels(images, loc);
  if (begin < 0 || begin > end || end > images.count) {
    fail("images_to_tensor", "no such range of images",
         {"found " + std::to_string(begin) + " to " + std::to_string(end) +
          ", expected 0 <= begin <= end <= " + std::to_string(images.count)},
         loc);
  }
  return gather_images(
      images, end - begin, [&](int64_t i) { return begin + i; }, loc);
}

uint8_t to_byte(Scalar x) {
  const double level = std::round((static_cast<double>(x) + 1) * 127.5);
  return level >= 255 ? uint8_t{255} : level > 0 ? static_cast<uint8_t>(level) : uint8_t{0};
}

void append_images(ImageSet& images, const Tensor& x, SourceLoc loc) {
  if (x.rank() != 4) {
    fail("append_images", "images must have 4 axes",
         {"found " + x.shape().str() + ", expected (N, C, H, W)"}, loc);
  }
  const Shape& shape = x.shape();
  if (x.numel() == 0) {
    fail("append_images", "there are no pixels", {"found " + shape.str() + "  (N, C, H, W)"}, loc);
  }
  if (!images.labels.empty()) {
    fail("append_images", "the set has labels, which the images lack",
         {"found " + std::to_string(images.labels.size()) + " labels, expected none"}, loc);
  }
  if (images.count != 0 || !images.pixels.empty()) {
    check_pixels(images, loc);
  } else {
    images.channels = shape[1];
    images.height = shape[2];
    images.width = shape[3];
  }
  if (images.channels != shape[1] || images.height != shape[2] || images.width != shape[3]) {
    fail("append_images", "the images differ in size",
         {"found " + shape.str() + ", expected " + size_of(images) + "  (N, C, H, W)"}, loc);
  }
  images.count += shape[0];
  images.pixels.reserve(images.pixels.size() + static_cast<size_t>(x.numel()));
  for (const Scalar* value = x.data(); value != x.data() + x.numel(); ++value) {
    images.pixels.push_back(to_byte(*value));
  }
}

}  // namespace forger::nn
