#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <string>

#include "autograd/error.h"
#include "autograd/source_loc.h"

namespace forger {

/// The extents of a tensor, outermost axis first: rank 0 (a scalar) to 4.
class Shape {
 public:
  static constexpr int kMaxRank = 4;
  /// The largest number of elements. 2^47 floats are 512 TiB, more than any machine here has. The
  /// extents of two shapes can be added, and scaled by small numbers, without overflow.
  static constexpr int64_t kMaxNumel = int64_t{1} << 47;

  Shape() = default;
  /// Throws Error for a negative extent, for a rank above 4, and if the product of the extents that
  /// are not 0 exceeds kMaxNumel. The extents of an empty shape are bounded like any other's.
  Shape(std::initializer_list<int64_t> extents, SourceLoc loc = SourceLoc::here());
  Shape(const int64_t* extents, int rank, SourceLoc loc = SourceLoc::here());

  int rank() const { return rank_; }
  int64_t numel() const { return numel_; }
  /// Returns the extent of an axis. A negative axis counts from the end. Throws Error if there is
  /// no such axis.
  int64_t operator[](int axis) const {
    const int front = axis < 0 ? axis + rank_ : axis;
    if (front < 0 || front >= rank_) throw_no_axis(axis);
    return extents_[static_cast<size_t>(front)];
  }
  const int64_t* begin() const { return extents_.data(); }
  const int64_t* end() const { return extents_.data() + rank_; }

  /// Returns a copy with one extent changed. Throws Error if there is no such axis.
  [[nodiscard]] Shape with(int axis, int64_t extent, SourceLoc loc = SourceLoc::here()) const;

  friend bool operator==(const Shape& a, const Shape& b) {
    return a.rank_ == b.rank_ && a.extents_ == b.extents_;
  }

  /// Returns "[64, 3, 28, 28]".
  std::string str() const;

 private:
  [[noreturn]] void throw_no_axis(int axis, SourceLoc loc = {}) const;

  std::array<int64_t, kMaxRank> extents_{};  // 0 beyond the rank, so that == can compare all
  int rank_ = 0;
  int64_t numel_ = 1;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape);

/// Returns the shape that two operands broadcast to. By NumPy's rule, the shapes are aligned at the
/// last axis, and two extents are equal or one of them is 1. Throws Error that names `op` and both
/// shapes.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b, SourceLoc loc,
                       const char* a_name = "a", const char* b_name = "b");

/// Returns `axis` counted from the front. Throws Error if x has no such axis. `name` is op's name
/// for x.
int checked_axis(const char* op, const Shape& x, int axis, SourceLoc loc, const char* name = "x");

}  // namespace forger
