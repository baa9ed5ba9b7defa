#include "tutorials/plane/target.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>

#include "autograd/ops.h"
#include "nn/data/points.h"
#include "nn/file.h"
#include "tutorials/common/draw.h"
#include "tutorials/common/options.h"
#include "tutorials/common/progress.h"
#include "tutorials/metrics/plane.h"

namespace forger::tutorials {
namespace {

constexpr int64_t kScored = 10'000;
// A multiple of 4, so that each batch of random numbers begins with a whole block of the generator.
constexpr int64_t kPointsAtOnce = 1024;

/// Returns the modes that hold less than 1 % of the points.
std::vector<int64_t> lost(const metrics::Modes& modes, const Tensor& points) {
  std::vector<int64_t> lost;
  for (size_t k = 0; k < modes.counts.size(); ++k) {
    if (100 * modes.counts[k] < points.shape()[0]) lost.push_back(static_cast<int64_t>(k));
  }
  return lost;
}

}  // namespace

PlaneTarget::PlaneTarget(const std::string& shape) {
  for (const char* name : {"ring", "grid", "line", "spiral", "moons"}) {
    if (shape == name) shape_ = nn::toy2d(shape);
  }
  if (!shape_.name.empty()) return;
  fail_option("--target", "there is no such shape", shape, kTargets);
}

PlaneTarget::PlaneTarget(const Tensor& points) {
  const nn::PlaneFrame frame = nn::fit_frame(points);
  frame_ =
      Tensor::from({3}, {static_cast<Scalar>(frame.centre[0]), static_cast<Scalar>(frame.centre[1]),
                         static_cast<Scalar>(frame.scale)});
  file_ = frame.normalise(points);
  shape_.half_width = nn::fit_half_width(file_);
}

Tensor PlaneTarget::sample(int64_t n, Random& random) const {
  if (!file_.defined()) return shape_.sample(n, random);
  const std::vector<int> rows = random.labels(n, static_cast<int>(file_.shape()[0]));
  return index_select(file_, 0, {rows.begin(), rows.end()});
}

std::vector<int64_t> PlaneTarget::lost_modes(const Tensor& points) const {
  if (modes() == 0) return {};
  return lost(metrics::count_modes(points, shape_.centres, shape_.stddev), points);
}

PlaneScore PlaneTarget::score(const Tensor& points) const {
  PlaneScore score = {};
  if (modes() > 0) {
    const metrics::Modes found = metrics::count_modes(points, shape_.centres, shape_.stddev);
    score.modes = modes() - static_cast<int64_t>(lost(found, points).size());
    score.good = found.good;
  }
  const metrics::Grid grid = {.half_width = shape_.half_width};
  score.distance = metrics::js_distance(metrics::mixture_cells(shape_.means, shape_.stddev, grid),
                                        metrics::point_cells(points, grid));
  return score;
}

std::string PlaneTarget::describe(const PlaneScore& score) const {
  char good[32], distance[64];
  std::snprintf(good, sizeof good, "%.3f good, ", score.good);
  std::snprintf(distance, sizeof distance, "Jensen-Shannon distance %.3f", score.distance);
  if (modes() == 0) return distance;
  return std::to_string(score.modes) + " of " + std::to_string(modes()) + " modes, " + good +
         distance;
}

void PlaneTarget::print_score(nn::Module& G, int64_t latent, Random random) const {
  if (!shape_.means.defined()) return;
  const Tensor fake = draw(G, random.normal({kScored, latent}));
  std::printf("G        %s\nreal     %s\n", describe(score(fake)).c_str(),
              describe(score(sample(kScored, random))).c_str());
}

void write_points(const std::filesystem::path& folder, int64_t count, const Tensor& frame,
                  const std::function<Tensor(int64_t n)>& draw_next) {
  const Scalar* f = frame.data();
  const nn::PlaneFrame place = {{f[0], f[1]}, f[2]};
  std::string text = "x,y\n";
  for (int64_t done = 0; done < count; done += kPointsAtOnce) {
    const Tensor points = place.restore(draw_next(kPointsAtOnce));
    const Scalar* end = points.data() + 2 * std::min(kPointsAtOnce, count - done);
    for (const Scalar* xy = points.data(); xy < end; xy += 2) {
      text += number_text(xy[0]) + "," + number_text(xy[1]) + "\n";
    }
  }
  nn::make_folder(folder);
  nn::write_file(folder / "points.csv", text);
  std::printf("points      %s in %s\n", grouped(count).c_str(), (folder / "points.csv").c_str());
}

}  // namespace forger::tutorials
