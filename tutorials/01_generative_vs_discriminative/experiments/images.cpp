#include "images.h"

#include <algorithm>
#include <numeric>

#include "autograd/ops.h"
#include "tutorials/common/data.h"

namespace forger::generative {

tutorials::Splits experiment_images(const tutorials::Measurement& m) {
  tutorials::DataOptions options;
  if (!m.quick()) options.data = "fashion-mnist";
  const tutorials::Data data = tutorials::load_data(options, 0);
  const tutorials::Splits all = tutorials::split(data.images, options, 0);
  if (!m.quick()) return all;
  return {first_images(all.train, 3000), first_images(all.held_out, 500),
          first_images(all.test, 1000)};
}

Tensor pixels(const nn::ImageSet& images) {
  return reshape(images_to_tensor(images, 0, images.count), {images.count, images.image_bytes()});
}

nn::ImageSet to_images(const Tensor& x, const nn::ImageSet& like) {
  nn::ImageSet images;
  append_images(images, reshape(x, {x.shape()[0], like.channels, like.height, like.width}));
  return images;
}

nn::ImageSet images_of_class(const nn::ImageSet& images, int label) {
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < images.count; ++i) {
    if (images.labels[static_cast<size_t>(i)] == label) indices.push_back(i);
  }
  return tutorials::subset(images, indices);
}

nn::ImageSet first_images(const nn::ImageSet& images, int64_t count) {
  std::vector<int64_t> indices(static_cast<size_t>(std::min(count, images.count)));
  std::iota(indices.begin(), indices.end(), 0);
  return tutorials::subset(images, indices);
}

}  // namespace forger::generative
