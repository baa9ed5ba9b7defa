// Tests tutorials/common/canvas.h: pixels of small pictures, colours, and arguments that are wrong.
#include "tutorials/common/canvas.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "message.h"
#include "nn/data/gif.h"
#include "nn/data/toy2d.h"
#include "temp_folder.h"

namespace forger {
namespace {

using namespace tutorials;

using Rgb = std::array<int, 3>;

constexpr Rgb kWhite = {255, 255, 255}, kReal = {0, 56, 128}, kDark = {38, 38, 38},
              kMark = {190, 0, 150}, kLow = {254, 199, 128}, kHigh = {134, 179, 222};

Rgb pixel(const nn::Image& image, int64_t x, int64_t y) {
  const uint8_t* at = &image.pixels[static_cast<size_t>((y * image.width + x) * 3)];
  return {at[0], at[1], at[2]};
}

/// The pixel at a point of the plane. The frame's inside begins at (36, 24) and has 432 pixels.
Rgb at(const nn::Image& image, double half_width, double x, double y) {
  return pixel(image, 36 + static_cast<int64_t>((x + half_width) / (2 * half_width) * 432),
               24 + static_cast<int64_t>((half_width - y) / (2 * half_width) * 432));
}

std::set<Rgb> colours_of(const nn::Image& image) {
  std::set<Rgb> colours;
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) colours.insert(pixel(image, x, y));
  }
  return colours;
}

/// How many pixels have a colour.
int64_t count(const nn::Image& image, const Rgb& colour) {
  int64_t found = 0;
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) found += pixel(image, x, y) == colour;
  }
  return found;
}

/// Values of a surface from a function of the plane.
template <class F>
Tensor values_of(const Canvas& canvas, const F& f) {
  const Tensor points = canvas.surface_points();
  Tensor values = Tensor::empty({points.shape()[0], 1});
  for (int64_t i = 0; i < points.shape()[0]; ++i) {
    values.mutable_data()[i] = static_cast<Scalar>(f(points.at({i, 0}), points.at({i, 1})));
  }
  return values;
}

}  // namespace

TEST_CASE("a surface is orange at 0, white at 1/2, blue at 1, with a line at 1/2") {
  Canvas canvas(2);
  CHECK(canvas.surface_points().at({0, 0}) == -2);
  CHECK(canvas.surface_points().at({0, 1}) == 2);
  CHECK(canvas.surface_points().at({144, 0}) == 2);
  CHECK(canvas.surface_points().at({145 * 145 - 1, 1}) == -2);
  canvas.surface(values_of(canvas, [](double x, double) { return 0.5 + x / 4; }));
  const nn::Image image = canvas.image();
  CHECK(image.width == 480);
  CHECK(image.height == 480);
  CHECK(image.channels == 3);
  CHECK(at(image, 2, -1.999, 1) == kLow);
  CHECK(at(image, 2, 1.999, -1) == kHigh);
  CHECK(at(image, 2, -1, 1) == Rgb{255, 227, 192});  // half way to kLow
  CHECK(at(image, 2, 1, 1) == Rgb{195, 217, 239});   // half way to kHigh
  CHECK(at(image, 2, 0.05, 0) != kWhite);
  CHECK(pixel(image, 36 + 216, 100) != pixel(image, 36 + 218, 100));
  CHECK(pixel(image, 36 + 216, 100)[0] < 200);  // the line
  CHECK(pixel(image, 36 + 219, 100)[0] > 240);
  // Where D is 1/2 all over, there is no line.
  Canvas flat(2);
  flat.surface(values_of(flat, [](double, double) { return 0.5; }));
  CHECK(colours_of(flat.image()) == colours_of(Canvas(2).image()));
  // y points upwards
  Canvas up(2);
  up.surface(values_of(up, [](double, double y) { return y > 0 ? 1.0 : 0.0; }));
  CHECK(at(up.image(), 2, 0, 1) == kHigh);
  CHECK(at(up.image(), 2, 0, -1) == kLow);
}

TEST_CASE("dots, lines, circles and arrows are where they belong") {
  Canvas canvas(2);
  canvas.points(Tensor::from({1, 2}, {1, 1}), Ink::kReal);
  canvas.points(Tensor::from({1, 2}, {-1, 1}), Ink::kGenerated);
  canvas.circles(Tensor::from({1, 2}, {-1, -1}), 0.25);
  canvas.polyline(Tensor::from({3, 2}, {0, 1.5, 1.5, 1.5, 1.5, 0}), Ink::kDark);
  canvas.arrows(Tensor::from({2, 2}, {0, 0, 0, -1}), Tensor::from({2, 2}, {0, 0.5, 9, 0}), 1);
  const nn::Image image = canvas.image();
  // 85 % of the ink: the nearest of the fixed colours
  CHECK(at(image, 2, 1, 1)[2] - at(image, 2, 1, 1)[0] > 90);
  CHECK(at(image, 2, -1, 1)[0] - at(image, 2, -1, 1)[2] > 150);
  CHECK(at(image, 2, 1, 1.05) == kWhite);
  CHECK(at(image, 2, -1, -0.75) == kMark);
  CHECK(at(image, 2, -1.25, -1) == kMark);
  CHECK(at(image, 2, -1, -1) == kWhite);
  CHECK(at(image, 2, 0.7, 1.499)[0] < 90);
  CHECK(at(image, 2, 1.5, 0.7)[0] < 90);
  CHECK(at(image, 2, 0.7, 0.75) == kWhite);  // the line does not close
  CHECK(at(image, 2, -0.001, 0.2)[0] < 140);
  CHECK(at(image, 2, 0.3, 0.2) == kWhite);
  CHECK(at(image, 2, 0, 0.44) == kDark);  // the head
  CHECK(at(image, 2, 0, 0.55) == kWhite);
  CHECK(at(image, 2, 0.95, -1) == kDark);  // shortened to 1
  CHECK(at(image, 2, 1.05, -1) == kWhite);
}

TEST_CASE("the legend names the points that were drawn, real and generated unless it is told") {
  const auto drawn = [](const Canvas::Names& names, bool with_points) {
    Canvas canvas(2, "caption", names);
    if (with_points) canvas.points(Tensor::zeros({1, 2}), Ink::kGenerated);
    return canvas.image().pixels;
  };
  CHECK(drawn({"class 1", "class 0"}, true) != drawn({"real", "generated"}, true));
  CHECK(drawn({"class 1", "class 0"}, true) == drawn({"another", "class 0"}, true));
  CHECK(drawn({"class 1", "class 0"}, false) == drawn({"real", "generated"}, false));
  Canvas canvas(2, "caption");
  canvas.points(Tensor::zeros({1, 2}), Ink::kGenerated);
  CHECK(canvas.image().pixels == drawn({"real", "generated"}, true));
}

TEST_CASE("the frame, tick labels, caption and legend are drawn, and nothing leaves the frame") {
  const nn::Image empty = Canvas(3).image();
  CHECK(pixel(empty, 35, 200) == kDark);
  CHECK(pixel(empty, 468, 200) == kDark);
  CHECK(pixel(empty, 200, 23) == kDark);
  CHECK(pixel(empty, 200, 456) == kDark);
  CHECK(pixel(empty, 36 + 216, 459) == kDark);  // the tick at 0
  CHECK(count(empty, kDark) > 4 * 432);
  CHECK(count(Canvas(3, "step 100").image(), kDark) > count(empty, kDark) + 50);
  CHECK(colours_of(empty) == std::set<Rgb>{kWhite, kDark});

  Canvas canvas(3);
  canvas.points(Tensor::from({2, 2}, {1e6f, 0, 0, -1e30f}), Ink::kReal);  // drawn at the edge
  canvas.circles(Tensor::from({1, 2}, {1e9, 1e9}), 1);
  canvas.polyline(Tensor::from({2, 2}, {-90, 0.993f, 90, 0.993f}), Ink::kMark);
  canvas.arrows(Tensor::from({1, 2}, {2.9f, -2}), Tensor::from({1, 2}, {9, 0}), 9, Ink::kGenerated);
  const nn::Image image = canvas.image();
  int64_t in_legend = 0;
  for (int64_t y = 0; y < 480; ++y) {
    for (int64_t x = 0; x < 480; ++x) {
      if (x >= 36 && x < 468 && y >= 24 && y < 456) continue;
      const bool legend = pixel(image, x, y) == kReal && y < 23;
      in_legend += legend;
      const bool same = legend || pixel(image, x, y) == pixel(empty, x, y);
      REQUIRE(same);
    }
  }
  CHECK(in_legend > 20);
  CHECK(at(image, 3, 2.99, 0)[2] > at(image, 3, 2.99, 0)[0] + 50);
  CHECK(at(image, 3, 0, -2.99)[2] > at(image, 3, 0, -2.99)[0] + 50);
  CHECK(at(image, 3, -2.9, 0.993) == kMark);
}

TEST_CASE("pictures of a whole run have at most 256 colours, so that their GIF is exact") {
  const TempFolder folder;
  Random random(1);
  std::set<Rgb> colours;
  std::vector<nn::Image> frames;
  for (int i = 0; i < 3; ++i) {
    const nn::Toy2d toy = nn::toy2d(i == 0 ? "ring" : i == 1 ? "grid" : "moons");
    Canvas canvas(toy.half_width, "step " + std::to_string(i));
    canvas.surface(values_of(canvas, [&](double x, double y) {
      return 1 / (1 + std::exp(-3 * std::sin(x + i) * std::cos(y)));
    }));
    canvas.points(toy.sample(2000, random), Ink::kReal);
    canvas.points(random.normal({2000, 2}), Ink::kGenerated);
    canvas.arrows(random.normal({200, 2}), random.normal({200, 2}), 0.5);
    canvas.circles(random.normal({20, 2}), 0.3);
    frames.push_back(canvas.image());
    colours.merge(colours_of(frames.back()));
  }
  CHECK(colours.size() > 150);
  CHECK(colours.size() <= 256);
  CHECK_NOTHROW(nn::write_gif(folder / "a.gif", frames));
}

TEST_CASE("a dense cloud is drawn more transparently than a few points") {
  Canvas few(2), many(2);
  Random random(1);
  const Tensor cloud = random.uniform({20000, 2}, -2, 2);
  few.points(Tensor::zeros({1, 2}), Ink::kReal);
  many.points(cloud, Ink::kReal);
  CHECK(pixel(few.image(), 252, 240)[0] < 60);
  Canvas one_of_many(2);
  Tensor same = Tensor::full({20000, 2}, 1);
  same.mutable_data()[0] = same.mutable_data()[1] = 0;
  one_of_many.points(same, Ink::kReal);
  CHECK(pixel(one_of_many.image(), 252, 240)[0] > 150);
  CHECK(pixel(one_of_many.image(), 252, 240) != kWhite);
}

TEST_CASE("a canvas reports arguments that are wrong") {
  CHECK(message_of([] { Canvas(0); }) ==
        "Canvas: half_width must be above 0 and at most 1e15\n  found 0.000000");
  CHECK(message_of([] { Canvas(NAN, "nan"); }) ==
        "Canvas: half_width must be above 0 and at most 1e15\n  found nan");
  CHECK(message_of([] { Canvas(1e-9, "small"); }) == "");
  CHECK(message_of([] { Canvas(1e15, std::string(1000, '\xff')); }) == "");
  Canvas canvas(1);
  CHECK(message_of([&] { canvas.surface(Tensor::zeros({10})); }) ==
        "Canvas::surface: there must be a value for each of surface_points()\n"
        "  values  [10]\n  points  21025");
  CHECK(message_of([&] {
          canvas.surface(Tensor::full({145, 145}, NAN));
        }) == "Canvas::surface: values must be 0 to 1\n  found nan");
  CHECK(message_of([&] {
          canvas.surface(Tensor::full({145, 145}, 1.5f));
        }) == "Canvas::surface: values must be 0 to 1\n  found 1.500000");
  CHECK(message_of([&] {
          canvas.points(Tensor::zeros({3, 3}), Ink::kReal);
        }) ==
        "Canvas::points: these are no points in the plane\n  points  [3, 3]\n  expected  [n, 2]");
  CHECK(message_of([&] {
          canvas.points(Tensor::full({1, 2}, INFINITY), Ink::kReal);
        }) == "Canvas::points: points must be finite");
  CHECK(message_of([&] {
          canvas.arrows(Tensor::zeros({3, 2}), Tensor::zeros({2, 2}), 1);
        }) ==
        "Canvas::arrows: there must be a vector for each point\n"
        "  from     [3, 2]\n  vectors  [2, 2]");
  CHECK(message_of([&] {
          canvas.arrows(Tensor::zeros({1, 2}), Tensor::zeros({1, 2}), 0);
        }) == "Canvas::arrows: most_length must be above 0 and at most 1e15\n  found 0.000000");
  CHECK(message_of([&] {
          canvas.circles(Tensor::zeros({1, 2}), -1);
        }) == "Canvas::circles: radius must be above 0 and at most 1e15\n  found -1.000000");
  CHECK(message_of([&] { canvas.polyline(Tensor::zeros({2}), Ink::kMark); }) ==
        "Canvas::polyline: these are no points in the plane\n  points  [2]\n  expected  [n, 2]");
  canvas.points(Tensor::zeros({0, 2}), Ink::kGenerated);  // nothing to draw
}

}  // namespace forger
