#include "nn/data/dataset.h"

#include <cmath>

#include "autograd/error.h"
#include "autograd/kernels/parallel.h"

namespace forger::nn {
namespace {

std::string size_of(const ImageSet& images) {
  return Shape{images.count, images.channels, images.height, images.width}.str();
}

}  // namespace

void check_images(const ImageSet& images, SourceLoc loc) {
  const std::string op = images.source.empty() ? "image set" : images.source;
  if (images.count < 1 || images.channels < 1 || images.height < 1 || images.width < 1) {
    fail(op, "there are no images", {"images " + size_of(images) + "  (N, C, H, W)"}, loc);
  }
  const int64_t bytes = Shape{images.count, images.channels, images.height, images.width}.numel();
  if (static_cast<int64_t>(images.pixels.size()) != bytes) {
    fail(op, "not as many pixels as its size says",
         {"images " + size_of(images) + "  (N, C, H, W)",
          "found " + std::to_string(images.pixels.size()) + " bytes, expected " +
              std::to_string(bytes)},
         loc);
  }
  if (!images.labels.empty() && static_cast<int64_t>(images.labels.size()) != images.count) {
    fail(op, "the counts of images and labels differ",
         {"found " + std::to_string(images.count) + " images and " +
          std::to_string(images.labels.size()) + " labels"},
         loc);
  }
}

Tensor images_to_tensor(const ImageSet& images, const std::vector<int64_t>& indices,
                        SourceLoc loc) {
  for (const int64_t index : indices) {
    if (index >= 0 && index < images.count) continue;
    fail("images_to_tensor", "no image of that number",
         {"found " + std::to_string(index) + ", expected 0 to " + std::to_string(images.count - 1)},
         loc);
  }
  const auto n = static_cast<int64_t>(indices.size());
  Tensor x = Tensor::empty({n, images.channels, images.height, images.width});
  Scalar* out = x.mutable_data();
  const int64_t bytes = images.image_bytes();
  kernels::parallel_chunks(n, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const uint8_t* pixels = images.pixels.data() + indices[static_cast<size_t>(i)] * bytes;
      for (int64_t j = 0; j < bytes; ++j)
        out[i * bytes + j] = Scalar(pixels[j]) / Scalar(127.5) - 1;
    }
  });
  return x;
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
  if (images.count == 0) {
    images.channels = shape[1];
    images.height = shape[2];
    images.width = shape[3];
  }
  if (Shape{images.channels, images.height, images.width} != Shape{shape[1], shape[2], shape[3]}) {
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
