// Tests tutorials/plane: what a generator learns to draw in the plane, how near it comes, and the
// pictures of the game.
#include "tutorials/metrics/plane.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops.h"
#include "autograd/random.h"
#include "dcgan_program.h"
#include "message.h"
#include "nn/activation.h"
#include "nn/data/points.h"
#include "nn/data/toy2d.h"
#include "nn/file.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "temp_folder.h"
#include "tutorials/plane/picture.h"
#include "tutorials/plane/target.h"

namespace forger {
namespace {

using tutorials::PlaneTarget;

/// G's loss -log D, a small D, and any function of the points as a network.
Tensor loss(const Tensor& logits) { return bce_with_logits(logits, 1.0); }

struct SmallD : nn::Module {
  SmallD() : Module("D") {
    main.add<nn::Linear>(2, 16);
    main.add<nn::Tanh>();  // smooth, for finite differences
    main.add<nn::Linear>(16, 1);
  }
  Tensor forward(const Tensor& x) override { return main(x); }

  nn::Sequential main{*this, "main"};
};

struct Function : nn::Module {
  explicit Function(std::function<Tensor(const Tensor&)> function)
      : Module("Function"), f(std::move(function)) {}
  Tensor forward(const Tensor& x) override { return f(x); }

  std::function<Tensor(const Tensor&)> f;
};

/// The number of pixels of the arrows' ink right of the middle minus that left of it, or above it
/// minus below.
int64_t dark_pixels(const nn::Image& image, bool sideways) {
  constexpr int64_t kMiddleX = 36 + 432 / 2, kMiddleY = 24 + 432 / 2, kReach = 40;
  int64_t difference = 0;
  for (int64_t y = kMiddleY - kReach; y <= kMiddleY + kReach; ++y) {
    for (int64_t x = kMiddleX - kReach; x <= kMiddleX + kReach; ++x) {
      const uint8_t* pixel = image.pixels.data() + 3 * (y * image.width + x);
      if (std::max({pixel[0], pixel[1], pixel[2]}) > 120) continue;
      const int64_t offset = sideways ? x - kMiddleX : kMiddleY - y;
      difference += offset > 0 ? 1 : offset < 0 ? -1 : 0;
    }
  }
  return difference;
}

}  // namespace

TEST_CASE("a mode is lost if it holds less than 1 % of the points within 3 deviations") {
  const PlaneTarget ring("ring");
  const Tensor centres = ring.shape().centres;
  CHECK(ring.modes() == 8);
  CHECK(PlaneTarget("grid").modes() == 25);
  CHECK(PlaneTarget("spiral").modes() == 0);
  // 1,000 points: of mode 2 there are 10, of mode 5 only 9, of mode 7 ten that are too far away.
  std::vector<int64_t> rows;
  const std::vector<int64_t> counts = {300, 300, 10, 300, 30, 9, 41, 10};
  for (size_t mode = 0; mode < counts.size(); ++mode) {
    rows.insert(rows.end(), static_cast<size_t>(counts[mode]), static_cast<int64_t>(mode));
  }
  REQUIRE(rows.size() == 1000);
  Tensor points = index_select(centres, 0, rows);
  for (int64_t i = 990; i < 1000; ++i) points.mutable_data()[2 * i] += 0.0601F;  // 3.005 deviations
  CHECK(ring.lost_modes(points) == std::vector<int64_t>{5, 7});
  for (int64_t i = 990; i < 1000; ++i) points.mutable_data()[2 * i] -= 0.0002F;
  CHECK(ring.lost_modes(points) == std::vector<int64_t>{5});
  CHECK(ring.lost_modes(centres).empty());
  CHECK(PlaneTarget("spiral").lost_modes(centres).empty());
}

TEST_CASE("the score of real points is what theory says") {
  constexpr int64_t kPoints = 10'000;
  for (const char* shape : {"ring", "grid", "line", "spiral", "moons"}) {
    CAPTURE(shape);
    const PlaneTarget target(shape);
    Random random(3);
    const std::string score = target.describe(target.score(target.sample(kPoints, random)));
    CAPTURE(score);
    if (target.modes() > 0) {
      const std::string modes = std::to_string(target.modes());
      CHECK(score.starts_with(modes + " of " + modes + " modes, "));
      // Each of two coordinates is normal: 1 - exp(-9 / 2), give or take 4 standard deviations.
      const double good = 1 - std::exp(-4.5);
      CHECK(std::abs(number_after(score, "modes, ") - good) <
            4 * std::sqrt(good * (1 - good) / kPoints) + 5e-4);
    }
    // With shares p of the cells and n points, n / p (share - p)^2 is 1 - p on average where n p is
    // large, and the squared distance is 1/8 of the sum of (share - p)^2 / p. An empty cell adds
    // log(2) / 2 p instead.
    const metrics::Grid grid = {.half_width = target.shape().half_width};
    double expected = 0;
    for (const double p :
         metrics::mixture_cells(target.shape().means, target.shape().stddev, grid)) {
      expected += std::min((1 - p) / (8.0 * kPoints), std::log(2) / 2 * p);
    }
    CAPTURE(std::sqrt(expected));
    const double distance = number_after(score, "Jensen-Shannon distance ");
    CHECK(std::abs(distance / std::sqrt(expected) - 1) < 0.15);
  }
}

TEST_CASE("points far from a shape have the largest distance, and a file has no score") {
  const PlaneTarget ring("ring");
  CHECK(ring.describe(ring.score(Tensor::zeros({100, 2}))) ==
        "0 of 8 modes, 0.000 good, Jensen-Shannon distance 0.833");  // sqrt(log 2)
  const PlaneTarget file(Tensor::from({2, 2}, {1, 2, 3, 4}));
  CHECK(file.modes() == 0);
  CHECK(file.lost_modes(Tensor::zeros({100, 2})).empty());
  for (const char* name : {"star", "", "pinwheel", "images", "points"}) {
    CHECK(message_of([&] { PlaneTarget{std::string(name)}; }) ==
          "--target: there is no such shape\n  found    " + std::string(name) +
              "\n  expected ring, grid, line, spiral, moons or images");
  }
}

TEST_CASE("a file's points are sampled evenly, in a frame that write_points() takes back") {
  const Tensor points = Tensor::from({4, 2}, {100, 50, 104, 50, 100, 53, 104, 56});
  const PlaneTarget target(points);
  Random random(1);
  const Tensor x = target.sample(4000, random);
  CHECK(x.shape() == Shape{4000, 2});
  CHECK(std::abs(mean(x).item()) < 0.05);
  CHECK(mean(x * x).item() == doctest::Approx(1).epsilon(0.1));

  const TempFolder folder;
  int64_t taken = 0, batch = 0;
  tutorials::write_points(folder / "new/made", 4000, target.frame(), [&](int64_t n) {
    if (batch == 0) batch = n;
    CHECK(n == batch);
    CHECK(n % 4 == 0);
    Tensor next = Tensor::zeros({n, 2});  // beyond the last point
    for (int64_t i = 0; i < 2 * n && taken + i < x.numel(); ++i) {
      next.mutable_data()[i] = x.data()[taken + i];
    }
    taken += 2 * n;
    return next;
  });
  const Tensor written = nn::read_points(folder / "new/made/points.csv");
  CHECK(written.shape() == x.shape());
  std::vector<int> counts(4);
  for (int64_t i = 0; i < written.shape()[0]; ++i) {
    for (int64_t k = 0; k < 4; ++k) {
      const double dx = written.at({i, 0}) - points.at({k, 0});
      const double dy = written.at({i, 1}) - points.at({k, 1});
      if (std::hypot(dx, dy) < 1e-4) ++counts[static_cast<size_t>(k)];
    }
  }
  for (const int count : counts)
    CHECK(std::abs(count - 1000) < 4 * 28);  // sqrt(4000 3 / 16) = 27.4
}

TEST_CASE("downhill() is minus the slope of G's loss: finite differences agree") {
  nn::seed_init(5);
  SmallD D;
  Random random(2);
  const Tensor points = random.normal({20, 2});
  const Tensor direction = tutorials::downhill(D, points, loss);
  CHECK_FALSE(direction.requires_grad());
  REQUIRE(direction.shape() == points.shape());
  constexpr float kStep = 1e-2F;
  for (int64_t i = 0; i < points.numel(); ++i) {
    const auto loss_at = [&](float offset) {
      Tensor moved = points.clone();
      moved.mutable_data()[i] += offset;
      return static_cast<double>(loss(D(moved)).item());
    };
    const double slope = 20 * (loss_at(kStep) - loss_at(-kStep)) / (2 * kStep);
    CHECK(-20 * direction.data()[i] == doctest::Approx(slope).epsilon(0.01).scale(0.1));
  }
}

TEST_CASE("an arrow points to where D believes more") {
  const PlaneTarget ring("ring");
  Function G([](const Tensor& z) { return z; });
  const Tensor z = Tensor::zeros({1, 2}), real = Tensor::from({1, 2}, {2, 2});
  for (const bool sideways : {true, false}) {
    for (const double sign : {1.0, -1.0}) {
      CAPTURE(sideways);
      CAPTURE(sign);
      const int64_t axis = sideways ? 0 : 1;
      Function D([&](const Tensor& x) { return slice(x, 1, axis, axis + 1) * sign; });
      const nn::Image image = tutorials::plane_picture(ring, G, D, z, real, loss, 0);
      const double difference = sign * static_cast<double>(dark_pixels(image, sideways));
      CHECK(difference > 15);  // 0.12 half widths are 26 pixels
      CHECK(std::abs(dark_pixels(image, !sideways)) < 15);
    }
  }
}

TEST_CASE("arrows do not depend on the size of the gradients, however small") {
  const PlaneTarget ring("ring");
  Function G([](const Tensor& z) { return z; });
  Function D([](const Tensor& x) { return sum(x * x, 1, true); });
  const Tensor z = Tensor::from({3, 2}, {2, 0, 0.5, 0.5, -1, 1});
  const auto pixels = [&](double factor) {
    const auto scaled = [&](const Tensor& logits) { return loss(logits) * factor; };
    return tutorials::plane_picture(ring, G, D, z, z, scaled, 0).pixels;
  };
  const bool same = pixels(1) == pixels(std::ldexp(1, -90));  // exact in float, unlike its square
  CHECK(same);
}

TEST_CASE("a picture circles the lost modes alone, and a D without slope draws no arrow") {
  const PlaneTarget ring("ring");
  Function G([](const Tensor& z) { return z; });
  Function D([](const Tensor& x) { return slice(x, 1, 0, 1) * 0.0; });
  const auto purple = [&](const Tensor& fake) {
    const nn::Image image =
        tutorials::plane_picture(ring, G, D, fake, ring.shape().centres, loss, 0);
    CHECK(dark_pixels(image, true) == 0);
    int64_t count = 0;
    for (size_t at = 0; at < image.pixels.size(); at += 3) {
      const uint8_t* pixel = image.pixels.data() + at;
      if (pixel[0] > 150 && pixel[1] < 40 && pixel[2] > 100) ++count;
    }
    return count;
  };
  const Tensor centres = ring.shape().centres;
  const int64_t one = purple(slice(centres, 0, 1));
  CHECK(purple(centres) == 0);
  CHECK(one > 50);
  const int64_t three = purple(slice(centres, 0, 3));
  CHECK(three > 2.8 * static_cast<double>(one));
  CHECK(three < 3.2 * static_cast<double>(one));
}

}  // namespace forger
