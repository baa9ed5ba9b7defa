#include "tutorials/common/inspect_data.h"

#include <algorithm>
#include <cstdio>

#include "nn/data/image.h"
#include "nn/data/loader.h"
#include "tutorials/common/draw.h"
#include "tutorials/common/run_options.h"

namespace forger::tutorials {
namespace {

constexpr int64_t kGridImages = 64;

}  // namespace

std::vector<Option> inspect_options(InspectOptions& o) {
  std::vector<Option> options = data_options(o.data, Kept::kNowhere);
  options.push_back(integer_option("seed", o.seed, kSeeds, "seed of the digits (default {})"));
  options.push_back(
      text_option("out", o.out, "FILE.png", "writes a grid of the first training images"));
  return options;
}

int inspect_data(InspectOptions& options) {
  const auto seed = static_cast<uint64_t>(options.seed);
  const Data data = load_data(options.data, seed);
  std::printf("%s", inspect(data).c_str());
  if (!options.out.empty()) {
    nn::Loader loader(data.images, std::min(kGridImages, data.images.count), seed);
    nn::write_png(options.out, contact_sheet(loader.next().images));
    std::printf("grid     %s\n", options.out.c_str());
  }
  return 0;
}

}  // namespace forger::tutorials
