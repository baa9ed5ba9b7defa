#include "tutorials/common/canvas.h"

#include <stb_easy_font.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <unordered_map>
#include <utility>

#include "autograd/error.h"

namespace forger::tutorials {
namespace {

using Colour = std::array<float, 3>;  // red, green and blue from 0 to 255

// The picture's layout in pixels: the frame, and the margins for its labels.
constexpr int64_t kSide = 480, kLeft = 36, kTop = 24, kPlot = 432;
constexpr int64_t kCell = kPlot / (Canvas::kSurfaceSide - 1);  // of the surface's grid

constexpr double kRealRadius = 2.3, kGeneratedRadius = 1.9;
constexpr double kArrowWidth = 1.2, kLineWidth = 1.6, kCircleWidth = 2;
constexpr double kContourWidth = 1.2, kContourOpacity = 0.5;

constexpr Colour kWhite = {255, 255, 255};
constexpr std::array<Colour, 4> kInks = {Colour{0, 56, 128}, Colour{208, 52, 0}, Colour{38, 38, 38},
                                         Colour{190, 0, 150}};
constexpr Colour kSurfaceLow = {254, 199, 128}, kSurfaceHigh = {134, 179, 222};
constexpr int64_t kLevels = 65;  // of the surface: 64 steps
constexpr int64_t kBlendedLevels = 9, kBlends = 5;

const Colour& colour_of(Ink ink) { return kInks[static_cast<size_t>(ink)]; }

Colour mixed(const Colour& a, const Colour& b, double share_of_b) {
  Colour colour;
  const auto share = static_cast<float>(share_of_b);
  for (size_t i = 0; i < 3; ++i) colour[i] = a[i] + share * (b[i] - a[i]);
  return colour;
}

Colour surface_colour(int64_t level) {
  const double value = static_cast<double>(level) / (kLevels - 1);
  return value < 0.5 ? mixed(kWhite, kSurfaceLow, 1 - 2 * value)
                     : mixed(kWhite, kSurfaceHigh, 2 * value - 1);
}

std::array<uint8_t, 3> rounded(const Colour& colour) {
  std::array<uint8_t, 3> bytes;
  for (size_t i = 0; i < 3; ++i) bytes[i] = static_cast<uint8_t>(std::lround(colour[i]));
  return bytes;
}

/// Returns the 255 colours of all pictures: the surface's, the inks, and what blending makes of
/// both.
std::vector<std::array<uint8_t, 3>> make_palette() {
  std::vector<std::array<uint8_t, 3>> palette;
  for (int64_t level = 0; level < kLevels; ++level) {
    palette.push_back(rounded(surface_colour(level)));
  }
  for (size_t ink = 0; ink < kInks.size(); ++ink) {
    palette.push_back(rounded(kInks[ink]));
    for (size_t below = 0; below < ink; ++below) {
      palette.push_back(rounded(mixed(kInks[below], kInks[ink], 0.5)));
    }
    for (int64_t i = 0; i < kBlendedLevels; ++i) {
      const Colour surface = surface_colour(i * (kLevels - 1) / (kBlendedLevels - 1));
      for (int64_t k = 1; k <= kBlends; ++k) {
        palette.push_back(rounded(mixed(surface, kInks[ink], double(k) / (kBlends + 1))));
      }
    }
  }
  return palette;
}

/// Returns the palette's colour that is nearest.
std::array<uint8_t, 3> nearest(const std::array<uint8_t, 3>& colour) {
  static const std::vector<std::array<uint8_t, 3>> palette = make_palette();
  int least = std::numeric_limits<int>::max();
  size_t found = 0;
  for (size_t i = 0; i < palette.size(); ++i) {
    const int r = colour[0] - palette[i][0], g = colour[1] - palette[i][1],
              b = colour[2] - palette[i][2];
    const int distance = 2 * r * r + 4 * g * g + b * b;  // as the eye weighs them
    if (distance >= least) continue;
    least = distance;
    found = i;
  }
  return palette[found];
}

void check_points(const char* op, const char* argument, const Tensor& x, SourceLoc loc) {
  if (x.rank() != 2 || x.shape()[1] != 2) {
    fail(op, "these are no points in the plane",
         {argument + ("  " + x.shape().str()), "expected  [n, 2]"}, loc);
  }
  const Scalar* end = x.data() + x.numel();
  if (std::any_of(x.data(), end, [](Scalar value) { return !std::isfinite(value); })) {
    fail(op, std::string(argument) + " must be finite", {}, loc);
  }
}

void check_above_0(const char* op, const char* argument, double value, SourceLoc loc) {
  if (value > 0 && value <= 1e15) return;
  fail(op, std::string(argument) + " must be above 0 and at most 1e15",
       {"found " + std::to_string(value)}, loc);
}

double text_width(std::string text) { return stb_easy_font_width(text.data()); }

/// Returns 1, 2 or 5 times a power of ten, so that 4 to 9 of them span the plot.
double tick_step(double half_width) {
  const double power = std::pow(10, std::floor(std::log10(half_width / 2)));
  for (const double factor : {1, 2, 5}) {
    if (half_width / (factor * power) <= 4.5) return factor * power;
  }
  return 10 * power;
}

}  // namespace

Canvas::Canvas(double half_width, const std::string& caption, Names names, SourceLoc loc)
    : half_width_(half_width), names_(std::move(names)), pixels_(kSide * kSide, kWhite) {
  check_above_0("Canvas", "half_width", half_width, loc);
  text({kLeft, 8}, caption, Ink::kDark);
  ticks();
}

Canvas::Place Canvas::place(const Tensor& points, int64_t row) const {
  const double scale = kPlot / (2 * half_width_);
  return {kLeft + (points.at({row, 0}) + half_width_) * scale,
          kTop + (half_width_ - points.at({row, 1})) * scale};
}

void Canvas::blend(int64_t x, int64_t y, Ink ink, double opacity) {
  Colour& pixel = pixels_[static_cast<size_t>(y * kSide + x)];
  pixel = mixed(pixel, colour_of(ink), opacity);
}

/// Draws the shape whose points have a distance of at most 0, in pixels, from its edge. It lies
/// between two corners. What lies outside the frame is cut off.
template <class Distance>
void Canvas::draw(Place low, Place high, Ink ink, double opacity, const Distance& distance) {
  const auto first = [](double at, int64_t least) {
    return static_cast<int64_t>(std::clamp<double>(at - 1, double(least), double(least + kPlot)));
  };
  const auto end = [](double at, int64_t least) {
    return static_cast<int64_t>(std::clamp<double>(at + 2, double(least), double(least + kPlot)));
  };
  for (int64_t y = first(low.y, kTop); y < end(high.y, kTop); ++y) {
    for (int64_t x = first(low.x, kLeft); x < end(high.x, kLeft); ++x) {
      const double from_edge = distance(double(x) + 0.5, double(y) + 0.5);
      const double covered = std::clamp(0.5 - from_edge, 0.0, 1.0);
      if (covered > 0) blend(x, y, ink, opacity * covered);
    }
  }
}

Tensor Canvas::surface_points() const {
  Tensor points = Tensor::empty({kSurfaceSide * kSurfaceSide, 2});
  Scalar* out = points.mutable_data();
  const double step = 2 * half_width_ / (kSurfaceSide - 1);
  for (int64_t row = 0; row < kSurfaceSide; ++row) {
    for (int64_t column = 0; column < kSurfaceSide; ++column) {
      *out++ = static_cast<Scalar>(double(column) * step - half_width_);
      *out++ = static_cast<Scalar>(half_width_ - double(row) * step);
    }
  }
  return points;
}

void Canvas::surface(const Tensor& values, SourceLoc loc) {
  const int64_t count = kSurfaceSide * kSurfaceSide;
  if (values.numel() != count) {
    fail("Canvas::surface", "there must be a value for each of surface_points()",
         {"values  " + values.shape().str(), "points  " + std::to_string(count)}, loc);
  }
  const Scalar* value = values.data();
  for (int64_t i = 0; i < count; ++i) {
    if (value[i] >= 0 && value[i] <= 1) continue;
    fail("Canvas::surface", "values must be 0 to 1", {"found " + std::to_string(value[i])}, loc);
  }
  for (int64_t y = 0; y < kPlot; ++y) {
    for (int64_t x = 0; x < kPlot; ++x) {
      const double right = (double(x % kCell) + 0.5) / kCell;
      const double down = (double(y % kCell) + 0.5) / kCell;
      const Scalar* top = value + y / kCell * kSurfaceSide + x / kCell;
      const Scalar* bottom = top + kSurfaceSide;
      const double above = top[0] + right * (top[1] - top[0]);
      const double below = bottom[0] + right * (bottom[1] - bottom[0]);
      const double here = above + down * (below - above);
      const double slope_x = (1 - down) * (top[1] - top[0]) + down * (bottom[1] - bottom[0]);
      const double slope = std::hypot(slope_x, below - above) / kCell;  // per pixel
      pixels_[static_cast<size_t>((y + kTop) * kSide + x + kLeft)] =
          surface_colour(std::lround(here * (kLevels - 1)));
      // Where the surface is nearly flat, the place of 1/2 means nothing: the line fades.
      const double from_line = std::abs(here - 0.5) / std::max(slope, 1e-9);
      const double covered = std::clamp(0.5 + kContourWidth / 2 - from_line, 0.0, 1.0);
      blend(x + kLeft, y + kTop, Ink::kDark,
            kContourOpacity * covered * std::min(slope / 5e-4, 1.0));
    }
  }
}

void Canvas::points(const Tensor& points, Ink ink, SourceLoc loc) {
  check_points("Canvas::points", "points", points, loc);
  const int64_t n = points.shape()[0];
  const double radius = ink == Ink::kReal ? kRealRadius : kGeneratedRadius;
  const double opacity = std::clamp(20 / std::sqrt(double(n) + 1), 0.25, 0.85);
  const auto dot = [&](Place at, double opaque) {
    draw({at.x - radius, at.y - radius}, {at.x + radius, at.y + radius}, ink, opaque,
         [&](double x, double y) { return std::hypot(x - at.x, y - at.y) - radius; });
  };
  for (int64_t i = 0; i < n; ++i) {
    Place at = place(points, i);
    at.x = std::clamp<double>(at.x, kLeft, kLeft + kPlot);
    at.y = std::clamp<double>(at.y, kTop, kTop + kPlot);
    dot(at, opacity);
  }
  const auto entry = static_cast<size_t>(ink);
  if (entry >= 2 || in_legend_[entry]) return;
  in_legend_[entry] = true;
  const double right = kLeft + kPlot - (entry == 0 ? text_width(names_[1]) + 24 : 0);
  text({right - text_width(names_[entry]), 8}, names_[entry], ink);
}

void Canvas::segment(Place from, Place to, double width, Ink ink) {
  const double dx = to.x - from.x, dy = to.y - from.y, square = dx * dx + dy * dy;
  draw({std::min(from.x, to.x) - width, std::min(from.y, to.y) - width},
       {std::max(from.x, to.x) + width, std::max(from.y, to.y) + width}, ink, 1,
       [&](double x, double y) {
         const double along = (x - from.x) * dx + (y - from.y) * dy;
         const double t = square > 0 ? std::clamp(along / square, 0.0, 1.0) : 0;
         return std::hypot(x - from.x - t * dx, y - from.y - t * dy) - width / 2;
       });
}

void Canvas::arrows(const Tensor& from, const Tensor& vectors, double most_length, Ink ink,
                    SourceLoc loc) {
  check_points("Canvas::arrows", "from", from, loc);
  check_points("Canvas::arrows", "vectors", vectors, loc);
  check_above_0("Canvas::arrows", "most_length", most_length, loc);
  if (from.shape() != vectors.shape()) {
    fail("Canvas::arrows", "there must be a vector for each point",
         {"from     " + from.shape().str(), "vectors  " + vectors.shape().str()}, loc);
  }
  const double scale = kPlot / (2 * half_width_);
  for (int64_t i = 0; i < from.shape()[0]; ++i) {
    const double vx = vectors.at({i, 0}), vy = vectors.at({i, 1}), norm = std::hypot(vx, vy);
    const double length = std::min(norm, most_length) * scale;
    if (!(length >= 1)) continue;
    const double ux = vx / norm, uy = -vy / norm;  // in pixels, y downwards
    const Place tail = place(from, i), tip{tail.x + length * ux, tail.y + length * uy};
    const double head = std::min(7.0, 0.6 * length), half = 0.4 * head;
    const Place neck{tip.x - head * ux, tip.y - head * uy};
    segment(tail, neck, kArrowWidth, ink);
    const double side = std::hypot(head, half);
    draw({std::min(tip.x, neck.x) - half, std::min(tip.y, neck.y) - half},
         {std::max(tip.x, neck.x) + half, std::max(tip.y, neck.y) + half}, ink, 1,
         [&](double x, double y) {
           const double along = (x - tip.x) * ux + (y - tip.y) * uy;  // from the tip, below 0
           const double across = std::abs((x - tip.x) * uy - (y - tip.y) * ux);
           return std::max(-head - along, (across * head + along * half) / side);
         });
  }
}

void Canvas::polyline(const Tensor& points, Ink ink, SourceLoc loc) {
  check_points("Canvas::polyline", "points", points, loc);
  for (int64_t i = 1; i < points.shape()[0]; ++i) {
    segment(place(points, i - 1), place(points, i), kLineWidth, ink);
  }
}

void Canvas::circles(const Tensor& centres, double radius, Ink ink, SourceLoc loc) {
  check_points("Canvas::circles", "centres", centres, loc);
  check_above_0("Canvas::circles", "radius", radius, loc);
  const double pixels = radius * kPlot / (2 * half_width_), outer = pixels + kCircleWidth;
  for (int64_t i = 0; i < centres.shape()[0]; ++i) {
    const Place at = place(centres, i);
    draw({at.x - outer, at.y - outer}, {at.x + outer, at.y + outer}, ink, 1,
         [&](double x, double y) {
           return std::abs(std::hypot(x - at.x, y - at.y) - pixels) - kCircleWidth / 2;
         });
  }
}

/// Fills a rectangle anywhere in the picture, by whole pixels.
void Canvas::rectangle(Place low, Place high, Ink ink) {
  const auto pixel = [](double at) { return std::clamp<int64_t>(std::lround(at), 0, kSide); };
  for (int64_t y = pixel(low.y); y < pixel(high.y); ++y) {
    for (int64_t x = pixel(low.x); x < pixel(high.x); ++x) blend(x, y, ink, 1);
  }
}

void Canvas::text(Place left, const std::string& text, Ink ink) {
  std::string printable = text.substr(0, 80);
  for (char& c : printable) c = c >= ' ' && c <= '~' ? c : '?';
  struct Vertex {
    float x, y, z;
    uint8_t colour[4];
  };
  std::vector<Vertex> vertices(printable.size() * 80);
  const int quads = stb_easy_font_print(static_cast<float>(left.x), static_cast<float>(left.y),
                                        printable.data(), nullptr, vertices.data(),
                                        static_cast<int>(vertices.size() * sizeof(Vertex)));
  for (int i = 0; i < quads; ++i) {
    const Vertex& low = vertices[static_cast<size_t>(4 * i)];
    const Vertex& high = vertices[static_cast<size_t>(4 * i + 2)];
    rectangle({low.x, low.y}, {high.x, high.y}, ink);
  }
}

void Canvas::ticks() {
  constexpr double kRight = kLeft + kPlot, kBottom = kTop + kPlot;
  rectangle({kLeft - 1, kTop - 1}, {kRight + 1, kTop}, Ink::kDark);
  rectangle({kLeft - 1, kBottom}, {kRight + 1, kBottom + 1}, Ink::kDark);
  rectangle({kLeft - 1, kTop - 1}, {kLeft, kBottom + 1}, Ink::kDark);
  rectangle({kRight, kTop - 1}, {kRight + 1, kBottom + 1}, Ink::kDark);
  const double step = tick_step(half_width_);
  const auto most = static_cast<int>(half_width_ / step + 1e-9);
  for (int i = -most; i <= most; ++i) {
    char label[32];
    std::snprintf(label, sizeof label, "%g", i * step);
    const double offset = i * step / half_width_ * kPlot / 2;
    const double x = kLeft + kPlot / 2 + offset, y = kTop + kPlot / 2 - offset;
    rectangle({x - 0.5, kBottom}, {x + 0.5, kBottom + 5}, Ink::kDark);
    rectangle({kLeft - 5, y - 0.5}, {kLeft, y + 0.5}, Ink::kDark);
    text({x - text_width(label) / 2, kBottom + 8}, label, Ink::kDark);
    text({kLeft - 7 - text_width(label), y - 4}, label, Ink::kDark);
  }
}

nn::Image Canvas::image() const {
  nn::Image image{.width = kSide, .height = kSide, .channels = 3, .pixels = {}};
  image.pixels.reserve(pixels_.size() * 3);
  std::unordered_map<uint32_t, std::array<uint8_t, 3>> known;
  for (const Colour& pixel : pixels_) {
    const std::array<uint8_t, 3> exact = rounded(pixel);
    const uint32_t key = uint32_t{exact[0]} << 16 | uint32_t{exact[1]} << 8 | exact[2];
    const auto [entry, is_new] = known.try_emplace(key, exact);
    if (is_new) entry->second = nearest(exact);
    image.pixels.insert(image.pixels.end(), entry->second.begin(), entry->second.end());
  }
  return image;
}

}  // namespace forger::tutorials
