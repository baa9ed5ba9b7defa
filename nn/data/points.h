#pragma once

#include <array>
#include <filesystem>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"

namespace forger::nn {

/// Reads points in the plane, [n, 2], from a table of two columns, as spreadsheets and Python write
/// it. The separator is the first of these that the first line contains: semicolon, tab, comma,
/// spaces. A number has a decimal point and may stand in quotes. The first line is a header if
/// neither of its two columns begins like a number. Blank lines and lines that begin with # are
/// skipped, and so is a byte order mark. Lines end with LF, CRLF or CR.
///
/// The numbers are those of the file: see fit_frame(). Throws Error that names the line and what
/// was found there, for
/// - a file above 64 MiB, a folder, or a file that is no UTF-8 text;
/// - a line that has not two columns, or a column that is no number or above 1e12;
/// - fewer than 2 points, or points that are all equal, closer together than 1e-12 or as close
///   together as 32-bit numbers of their size.
Tensor read_points(const std::filesystem::path& path);

/// A frame of coordinates for points in the plane. Networks learn points of any place and size
/// equally well if they see them in a frame of their own. One scale for both axes keeps the shape.
struct PlaneFrame {
  std::array<double, 2> centre;
  double scale;  // above 0

  /// Returns (points - centre) / scale. Points are [n, 2].
  Tensor normalise(const Tensor& points, SourceLoc loc = SourceLoc::here()) const;
  /// Returns points * scale + centre, which takes normalised points back.
  Tensor restore(const Tensor& points, SourceLoc loc = SourceLoc::here()) const;
};

/// Returns the frame in which points [n, 2] have mean 0 and a mean square distance of 2 from it:
/// the two axes' variances add up to 2. Throws Error unless there are two different points and all
/// are finite.
PlaneFrame fit_frame(const Tensor& points, SourceLoc loc = SourceLoc::here());

/// Returns half the side of a square around the origin that shows points [n, 2] with some space
/// around them: 1.25 times the largest absolute coordinate, but of the most distant hundredth none
/// counts. Throws Error as fit_frame() does.
double fit_half_width(const Tensor& points, SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
