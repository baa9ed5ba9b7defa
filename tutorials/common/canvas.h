#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "nn/data/image.h"

namespace forger::tutorials {

/// What a canvas draws with. The four differ for colour-blind readers and in grey print.
enum class Ink {
  kReal,       // blue
  kGenerated,  // orange red
  kDark,       // nearly black
  kMark,       // magenta
};

/// A picture of the plane: [-half_width, half_width]^2 in a frame with tick labels, y upwards. All
/// edges are anti-aliased, and all pixels come from 256 fixed colours, so that an animation of such
/// pictures is exact (nn::write_gif()). Later shapes cover earlier ones.
///
///     Canvas canvas(toy.half_width, "step 1,200");
///     canvas.surface(sigmoid(D(canvas.surface_points())));
///     canvas.points(real, Ink::kReal);
///     canvas.points(fake, Ink::kGenerated);
///     canvas.arrows(fake, direction, 0.3);
///     run.save(canvas.image());
///
/// Points and vectors are [n, 2]. All functions throw Error for other shapes and for numbers that
/// are not finite.
class Canvas {
 public:
  /// What the legend calls the points of kReal and kGenerated.
  using Names = std::array<std::string, 2>;
  /// An empty picture of 480 x 480 pixels with a line of text above it, in ASCII. Throws Error
  /// unless half_width is above 0 and at most 1e15.
  explicit Canvas(double half_width, const std::string& caption = {},
                  Names names = {"real", "generated"}, SourceLoc loc = SourceLoc::here());

  /// Returns the points [m, 2] at which surface() needs a value: a grid, every third pixel.
  static constexpr int64_t kSurfaceSide = 145;
  Tensor surface_points() const;
  /// Colours the plane by m values from 0 to 1, such as D's probability: orange at 0, white at 1/2,
  /// blue at 1, linear between the grid's points. A line is drawn where the value is 1/2.
  void surface(const Tensor& values, SourceLoc loc = SourceLoc::here());

  /// Draws dots, which are the more transparent the more there are. A point outside is drawn at the
  /// edge. The first call with kReal or kGenerated adds the ink to the legend.
  void points(const Tensor& points, Ink ink, SourceLoc loc = SourceLoc::here());
  /// Draws arrows from points along vectors. A longer one is shortened to `most_length`, in units
  /// of the plane; one below a pixel is left out.
  void arrows(const Tensor& from, const Tensor& vectors, double most_length, Ink ink = Ink::kDark,
              SourceLoc loc = SourceLoc::here());
  /// Draws a line from point to point.
  void polyline(const Tensor& points, Ink ink, SourceLoc loc = SourceLoc::here());
  /// Draws circles of a radius in units of the plane, to mark lost modes.
  void circles(const Tensor& centres, double radius, Ink ink = Ink::kMark,
               SourceLoc loc = SourceLoc::here());

  /// Returns the picture, with 3 channels.
  nn::Image image() const;

 private:
  struct Place {  // in pixels from the top left corner
    double x, y;
  };
  Place place(const Tensor& points, int64_t row) const;
  void blend(int64_t x, int64_t y, Ink ink, double opacity);
  template <class Distance>
  void draw(Place low, Place high, Ink ink, double opacity, const Distance& distance);
  void rectangle(Place low, Place high, Ink ink);
  void segment(Place from, Place to, double width, Ink ink);
  void text(Place left, const std::string& text, Ink ink);
  void ticks();

  double half_width_;
  Names names_;
  std::vector<std::array<float, 3>> pixels_;  // [side, side], red, green and blue from 0 to 255
  bool in_legend_[2] = {false, false};        // kReal, kGenerated
};

}  // namespace forger::tutorials
