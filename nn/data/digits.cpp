#include "nn/data/digits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <string>

#include "autograd/error.h"
#include "autograd/kernels/parallel.h"
#include "autograd/random.h"

namespace forger::nn {
namespace {

// Each digit has its own stream of random numbers: this letter and the digit's index.
constexpr uint64_t kStream = uint64_t{'D'} << 56;
constexpr int kSegmentsPerSpan = 6;  // straight pieces between two points of a stroke
constexpr size_t kMaxPoints = 16;
constexpr int64_t kLeastSize = 8, kMostSize = 512;  // pixels a side
constexpr int64_t kMostBytes = int64_t{4} << 30;    // of one set

struct Point {
  float x, y;
};

/// The points of one movement of the pen, x to the right and y down, both from 0 to 1. A smooth
/// curve joins them. A digit with a corner has a stroke on each side of it.
using Stroke = std::span<const Point>;

constexpr Point kZero[] = {{.55f, .0f},  {.24f, .16f}, {.12f, .5f},  {.24f, .86f}, {.5f, 1},
                           {.78f, .85f}, {.88f, .5f},  {.78f, .14f}, {.5f, .01f}};
constexpr Point kOneFlag[] = {{.3f, .24f}, {.44f, .14f}, {.56f, .0f}};
constexpr Point kOneStem[] = {{.56f, .0f}, {.53f, .5f}, {.5f, 1}};
constexpr Point kTwoArch[] = {{.15f, .26f}, {.28f, .06f}, {.55f, .0f}, {.8f, .16f},
                              {.74f, .42f}, {.46f, .7f},  {.12f, 1}};
constexpr Point kTwoFoot[] = {{.12f, 1}, {.45f, .95f}, {.9f, .98f}};
constexpr Point kThreeTop[] = {{.18f, .12f}, {.48f, .0f}, {.76f, .14f}, {.68f, .37f}, {.4f, .47f}};
constexpr Point kThreeBelly[] = {{.4f, .47f}, {.74f, .54f}, {.84f, .76f}, {.56f, 1}, {.14f, .9f}};
constexpr Point kFourSlope[] = {{.58f, .0f}, {.36f, .34f}, {.08f, .66f}};
constexpr Point kFourBar[] = {{.08f, .66f}, {.5f, .66f}, {.94f, .63f}};
constexpr Point kFourStem[] = {{.66f, .32f}, {.65f, .6f}, {.62f, 1}};
constexpr Point kOpenFourSide[] = {{.22f, .04f}, {.16f, .3f}, {.14f, .54f}};
constexpr Point kOpenFourBar[] = {{.14f, .54f}, {.5f, .56f}, {.86f, .5f}};
constexpr Point kOpenFourStem[] = {{.8f, .0f}, {.76f, .5f}, {.7f, 1}};
constexpr Point kFiveTop[] = {{.84f, .02f}, {.56f, .01f}, {.28f, .03f}};
constexpr Point kFiveSide[] = {{.28f, .03f}, {.24f, .24f}, {.2f, .46f}};
constexpr Point kFiveBelly[] = {{.2f, .46f}, {.48f, .37f}, {.78f, .5f},
                                {.8f, .8f},  {.48f, 1},    {.14f, .9f}};
constexpr Point kSix[] = {{.7f, .0f},  {.4f, .22f}, {.2f, .58f}, {.26f, .9f}, {.52f, 1},
                          {.8f, .86f}, {.76f, .6f}, {.5f, .5f},  {.24f, .68f}};
constexpr Point kSevenTop[] = {{.12f, .05f}, {.5f, .03f}, {.86f, .02f}};
constexpr Point kSevenStem[] = {{.86f, .02f}, {.6f, .44f}, {.42f, 1}};
constexpr Point kSevenBar[] = {{.34f, .52f}, {.54f, .5f}, {.76f, .49f}};
constexpr Point kEight[] = {{.72f, .1f},  {.48f, .0f},  {.24f, .12f}, {.3f, .34f}, {.54f, .5f},
                            {.78f, .72f}, {.72f, .94f}, {.48f, 1},    {.22f, .9f}, {.24f, .68f},
                            {.5f, .46f},  {.72f, .3f},  {.74f, .12f}};
constexpr Point kNineLoop[] = {{.78f, .16f}, {.52f, .0f}, {.24f, .12f}, {.2f, .38f},
                               {.44f, .52f}, {.7f, .4f},  {.78f, .14f}};
constexpr Point kNineStem[] = {{.78f, .14f}, {.78f, .5f}, {.66f, 1}};

/// A way to write a digit. The first ten are the usual ones, in order.
struct Glyph {
  std::array<Stroke, 3> strokes;
};
constexpr Glyph kGlyphs[] = {
    {{kZero}},
    {{kOneFlag, kOneStem}},
    {{kTwoArch, kTwoFoot}},
    {{kThreeTop, kThreeBelly}},
    {{kFourSlope, kFourBar, kFourStem}},
    {{kFiveTop, kFiveSide, kFiveBelly}},
    {{kSix}},
    {{kSevenTop, kSevenStem}},
    {{kEight}},
    {{kNineLoop, kNineStem}},
};
constexpr Glyph kPlainOne = {{kOneStem}};
constexpr Glyph kOpenFour = {{kOpenFourSide, kOpenFourBar, kOpenFourStem}};
constexpr Glyph kBarredSeven = {{kSevenTop, kSevenStem, kSevenBar}};

const Glyph& choose_glyph(int64_t digit, Random& random) {
  const double chance = random.uniform();
  if (digit == 1 && chance < 0.6) return kPlainOne;
  if (digit == 4 && chance < 0.6) return kOpenFour;
  if (digit == 7 && chance < 0.25) return kBarredSeven;
  return kGlyphs[digit];
}

/// Maps the unit square of a glyph to pixels: p -> centre + matrix (p - 1/2).
struct Placement {
  float xx, xy, yx, yy, centre_x, centre_y;

  Point operator()(const Point& p) const {
    const float x = p.x - 0.5f, y = p.y - 0.5f;
    return {centre_x + xx * x + xy * y, centre_y + yx * x + yy * y};
  }
};

Placement choose_placement(float size, Random& random) {
  const double height = size * random.uniform(0.62, 0.76);
  const double width = height * random.uniform(0.58, 0.95);
  const double slant = random.uniform(-0.1, 0.35);  // most hands lean to the right
  const double angle = random.uniform(-0.2, 0.2);
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double shift = size * 0.06;
  const double x = size / 2 + random.uniform(-shift, shift);
  const double y = size / 2 + random.uniform(-shift, shift);
  // rotation * shear * scale
  return {static_cast<float>(cosine * width),
          static_cast<float>((-slant * cosine - sine) * height),
          static_cast<float>(sine * width),
          static_cast<float>((cosine - slant * sine) * height),
          static_cast<float>(x),
          static_cast<float>(y)};
}

/// The curve of Catmull & Rom 1974 between b and c, t in 0 .. 1.
Point catmull_rom(const Point& a, const Point& b, const Point& c, const Point& d, float t) {
  const auto along = [t](float p, float q, float r, float s) {
    return q + 0.5f * t * (r - p + t * (2 * p - 5 * q + 4 * r - s + t * (3 * (q - r) + s - p)));
  };
  return {along(a.x, b.x, c.x, d.x), along(a.y, b.y, c.y, d.y)};
}

struct Canvas {
  uint8_t* pixels;
  int64_t size;

  /// Draws a segment with round ends. A pixel's ink is about the share of it that the pen covers,
  /// estimated from the distance between its centre and the segment.
  void draw_segment(const Point& a, const Point& b, float half_width) const {
    const float reach = half_width + 0.5f;
    const auto first = [&](float p) {
      return std::max<int64_t>(0, static_cast<int64_t>(std::floor(p - reach)));
    };
    const auto last = [&](float p) {
      return std::min<int64_t>(size - 1, static_cast<int64_t>(std::ceil(p + reach)));
    };
    const float dx = b.x - a.x, dy = b.y - a.y;
    const float length2 = std::max(dx * dx + dy * dy, 1e-12f);
    for (int64_t row = first(std::min(a.y, b.y)); row <= last(std::max(a.y, b.y)); ++row) {
      for (int64_t col = first(std::min(a.x, b.x)); col <= last(std::max(a.x, b.x)); ++col) {
        const float x = static_cast<float>(col) + 0.5f - a.x;
        const float y = static_cast<float>(row) + 0.5f - a.y;
        const float t = std::clamp((x * dx + y * dy) / length2, 0.0f, 1.0f);
        const float distance = std::sqrt((x - t * dx) * (x - t * dx) + (y - t * dy) * (y - t * dy));
        const float ink = std::clamp(reach - distance, 0.0f, 1.0f);
        uint8_t& pixel = pixels[row * size + col];
        pixel = std::max(pixel, static_cast<uint8_t>(255 * ink + 0.5f));
      }
    }
  }

  /// Draws the curve through the points of a stroke. Each point is moved a little, at random.
  void draw_stroke(Stroke stroke, const Placement& place, float half_width, Random& random) const {
    std::array<Point, kMaxPoints> points;
    const size_t n = stroke.size();
    for (size_t i = 0; i < n; ++i) {
      const auto dx = static_cast<float>(random.uniform(-0.06, 0.06));
      const auto dy = static_cast<float>(random.uniform(-0.045, 0.045));
      points[i] = place({stroke[i].x + dx, stroke[i].y + dy});
    }
    Point from = points[0];
    for (size_t i = 0; i + 1 < n; ++i) {
      for (int step = 1; step <= kSegmentsPerSpan; ++step) {
        const Point to = catmull_rom(points[i == 0 ? 0 : i - 1], points[i], points[i + 1],
                                     points[std::min(i + 2, n - 1)],
                                     static_cast<float>(step) / kSegmentsPerSpan);
        draw_segment(from, to, half_width);
        from = to;
      }
    }
  }

  /// Adds noise with a triangular distribution from -amplitude to amplitude levels.
  void add_noise(double amplitude, Random& random) const {
    for (int64_t i = 0; i < size * size; ++i) {
      const uint32_t bits = random.bits();
      const int sum = static_cast<int>(bits & 255) - static_cast<int>(bits >> 8 & 255);
      const double level = pixels[i] + amplitude * sum / 255;
      pixels[i] = static_cast<uint8_t>(std::clamp(level + 0.5, 0.0, 255.0));
    }
  }
};

}  // namespace

void draw_digit(uint64_t seed, int64_t index, int64_t size, uint8_t* pixels, SourceLoc loc) {
  if (index < 0 || size < kLeastSize || size > kMostSize || pixels == nullptr) {
    fail("draw_digit", "index must not be negative, size 8 to 512, pixels not null",
         {"index " + std::to_string(index) + ", size " + std::to_string(size)}, loc);
  }
  Random random(seed, kStream | static_cast<uint64_t>(index));
  const auto pixel = static_cast<float>(size) / 28;  // lengths below are for 28 x 28
  const Glyph& glyph = choose_glyph(index % 10, random);
  const Placement place = choose_placement(static_cast<float>(size), random);
  const float half_width = pixel * static_cast<float>(random.uniform(0.8, 1.6));
  const Canvas canvas{pixels, size};
  std::fill_n(pixels, size * size, uint8_t{0});
  for (const Stroke& stroke : glyph.strokes) {
    if (!stroke.empty()) canvas.draw_stroke(stroke, place, half_width, random);
  }
  canvas.add_noise(random.uniform(0, 20), random);
}

ImageSet make_digits(int64_t count, uint64_t seed, int64_t size, int64_t first, SourceLoc loc) {
  const std::string found = "count " + std::to_string(count) + ", first " + std::to_string(first) +
                            ", size " + std::to_string(size);
  if (count < 1 || first < 0 || size < kLeastSize || size > kMostSize) {
    fail("make_digits", "count must be positive, first not negative, size 8 to 512", {found}, loc);
  }
  if (count > kMostBytes / (size * size) || first > std::numeric_limits<int64_t>::max() - count) {
    fail("make_digits", "more than 4 GiB of pixels, or numbers beyond 2^63", {found}, loc);
  }
  const int64_t bytes = count * size * size;
  ImageSet digits{.count = count,
                  .channels = 1,
                  .height = size,
                  .width = size,
                  .pixels = std::vector<uint8_t>(static_cast<size_t>(bytes)),
                  .labels = {},
                  .class_names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
                  .source = "procedural digits"};
  kernels::parallel_chunks(count, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      draw_digit(seed, first + i, size, digits.pixels.data() + i * size * size);
    }
  });
  for (int64_t i = first; i < first + count; ++i) digits.labels.push_back(static_cast<int>(i % 10));
  return digits;
}

}  // namespace forger::nn
