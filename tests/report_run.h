#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "autograd/random.h"
#include "nn/data/dataset.h"
#include "nn/data/digits.h"
#include "nn/data/image.h"
#include "nn/file.h"
#include "tutorials/common/report_page.h"
#include "tutorials/common/run_folder.h"

/// Writes what a run leaves in its folder, for the tests of the report page.
namespace forger {

struct MetricsRow {
  double loss_d, loss_g, d_x, d_g_z;
};
/// Changes the row of a step.
using ChangeRow = std::function<void(int64_t step, MetricsRow& row)>;

constexpr const char* kMetricsHeader = "step,epoch,loss_D,loss_G,D_x,D_G_z\n";

/// Returns a metrics.csv like that of a healthy DCGAN, except for what `change` does.
inline std::string metrics_text(int64_t steps, const ChangeRow& change = {}) {
  Random random(1);
  std::string text = kMetricsHeader;
  for (int64_t step = 1; step <= steps; ++step) {
    const double settled = 1 - std::exp(-static_cast<double>(step) / 200), noise = random.normal();
    MetricsRow row{.loss_d = 0.6 + 0.25 * settled + 0.12 * noise,
                   .loss_g = 2.6 - 1.0 * settled + 0.3 * random.normal(),
                   .d_x = 0.85 - 0.17 * settled - 0.05 * noise,
                   .d_g_z = 0.15 + 0.16 * settled + 0.04 * random.normal()};
    if (change) change(step, row);
    text += std::to_string(step) + "," + std::to_string(1 + (step - 1) / 937);
    for (const double value : {row.loss_d, row.loss_g, row.d_x, row.d_g_z}) {
      text += "," + std::to_string(value);
    }
    text += "\n";
  }
  return text;
}

/// Returns a grid of 64 images as PNG: drawn digits, or 64 times the same.
inline std::string grid_png(uint64_t seed, bool alike = false, int64_t upscale = 1,
                            int64_t channels = 1) {
  nn::ImageSet digits = nn::make_digits(alike ? 1 : 64, seed);
  const size_t bytes = static_cast<size_t>(digits.image_bytes());
  std::string pixels(digits.pixels.begin(), digits.pixels.end());
  while (pixels.size() < 64 * bytes) pixels += pixels;
  nn::ImageSet images;
  images.count = 64;
  images.channels = channels;
  images.height = images.width = 28;
  for (size_t image = 0; image < 64; ++image) {
    for (int64_t channel = 0; channel < channels; ++channel) {
      const auto begin = pixels.begin() + static_cast<std::ptrdiff_t>(image * bytes);
      images.pixels.insert(images.pixels.end(), begin, begin + static_cast<std::ptrdiff_t>(bytes));
    }
  }
  return nn::encode_png(nn::make_grid(nn::images_to_tensor(images, 0, 64), 8, 2, upscale));
}

inline void write_grid(const std::filesystem::path& run, int64_t step, const std::string& png) {
  nn::make_folder(run / "samples");
  nn::write_file(run / "samples" / (tutorials::step_name(step) + ".png"), png);
}

inline tutorials::ReportText report_text() {
  return {.title = "Chapter 3: DCGAN",
          .curves = {{"loss_D", "Losses",
                      "2 log 2 = 1.386 when D can only guess, 0 when it is "
                      "always right and sure."},
                     {"loss_G", "Losses",
                      "log 2 = 0.693 when D can only guess, more the surer D "
                      "is that G's images are not real."},
                     {"D_x", "Probabilities", "What D gives to real images, on average.", "D(x)"},
                     {"D_G_z", "Probabilities", "The same for G's images.", "D(G(z))"}}};
}

constexpr const char* kRunJson = R"({
  "chapter": "dcgan",
  "options": {"data": "digits", "data-dir": "", "lr": 0.0002, "seed": 0, "steps": 3748, "quick": false},
  "commit": "0123456789ab",
  "compiler": "g++ 12.2.0",
  "kernels": "avx2",
  "threads": 2
}
)";

}  // namespace forger
