#include "tutorials/plane/picture.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "tutorials/common/canvas.h"
#include "tutorials/common/draw.h"
#include "tutorials/common/progress.h"

namespace forger::tutorials {
namespace {

constexpr int64_t kArrows = 60;
// In half widths of the picture.
constexpr double kLongestArrow = 0.12, kCircle = 0.08;

}  // namespace

Tensor downhill(nn::Module& D, const Tensor& points,
                const std::function<Tensor(const Tensor&)>& loss) {
  const Tensor x = points.clone().set_requires_grad();
  return -grad({loss(D(x))}, {x})[0];
}

nn::Image plane_picture(const PlaneTarget& target, nn::Module& G, nn::Module& D, const Tensor& z,
                        const Tensor& real, const std::function<Tensor(const Tensor&)>& loss,
                        int64_t step) {
  const Tensor fake = draw(G, z);
  const Tensor from = slice(fake, 0, 0, std::min(kArrows, z.shape()[0]));
  const Tensor direction = downhill(D, from, loss);
  // Divided first, because the squares of tiny numbers are 0 in float.
  const double steepest = max(abs(direction)).item();
  const Tensor unscaled = steepest > 0 ? direction * (1 / steepest) : direction;
  const double longest = kLongestArrow * target.shape().half_width;
  const double length = max(sqrt(sum(unscaled * unscaled, 1))).item();

  Canvas canvas(target.shape().half_width, "step " + grouped(step));
  canvas.surface(sigmoid(draw(D, canvas.surface_points())));
  canvas.points(real, Ink::kReal);
  canvas.points(fake, Ink::kGenerated);
  if (length > 0) canvas.arrows(from, unscaled * (longest / length), longest);
  const std::vector<int64_t> lost = target.lost_modes(fake);
  if (!lost.empty()) {
    canvas.circles(index_select(target.shape().centres, 0, lost),
                   kCircle * target.shape().half_width);
  }
  return canvas.image();
}

}  // namespace forger::tutorials
