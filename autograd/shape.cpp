#include "autograd/shape.h"

#include <algorithm>
#include <limits>

#include "autograd/error.h"

namespace forger {
namespace {

std::string list(const int64_t* extents, int rank) {
  std::string text = "[";
  for (int axis = 0; axis < rank; ++axis) {
    text += (axis ? ", " : "") + std::to_string(extents[axis]);
  }
  return text + "]";
}

}  // namespace

Shape::Shape(std::initializer_list<int64_t> extents, SourceLoc loc)
    : Shape(extents.begin(), static_cast<int>(extents.size()), loc) {}

Shape::Shape(const int64_t* extents, int rank, SourceLoc loc) : rank_(rank) {
  if (rank > kMaxRank) {
    fail("shape", "more than 4 axes", {"found " + list(extents, rank)}, loc);
  }
  std::copy(extents, extents + rank, extents_.begin());
  if (std::any_of(begin(), end(), [](int64_t extent) { return extent < 0; })) {
    fail("shape", "negative extent", {"found " + str()}, loc);
  }
  // The product of the non-zero extents must fit too: [2^40, 2^40, 0] is a mistake, not an empty
  // tensor.
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 16;  // bytes must fit as well
  int64_t product = 1;
  for (int64_t extent : *this) {
    if (extent > 1 && product > kMost / extent) {
      fail("shape", "too many elements", {"found " + str()}, loc);
    }
    product *= std::max<int64_t>(extent, 1);
    numel_ *= extent;
  }
}

Shape Shape::with(int axis, int64_t extent, SourceLoc loc) const {
  std::array<int64_t, kMaxRank> extents = extents_;
  extents[static_cast<size_t>(axis < 0 ? axis + rank_ : axis)] = extent;
  return Shape(extents.data(), rank_, loc);
}

std::string Shape::str() const { return list(begin(), rank_); }

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b, SourceLoc loc,
                       const char* a_name, const char* b_name) {
  if (a == b) return a;
  const int rank = std::max(a.rank(), b.rank());
  int64_t extents[Shape::kMaxRank] = {};
  for (int back = 1; back <= rank; ++back) {
    const int64_t from_a = back <= a.rank() ? a[-back] : 1;
    const int64_t from_b = back <= b.rank() ? b[-back] : 1;
    if (from_a != from_b && from_a != 1 && from_b != 1) {
      std::string first = a_name, second = b_name;
      const size_t width = std::max(first.size(), second.size()) + 2;
      first.resize(width, ' ');
      second.resize(width, ' ');
      fail(op, "shapes do not broadcast",
           {first + a.str(), second + b.str(),
            "axis -" + std::to_string(back) + ": " + std::to_string(from_a) + " against " +
                std::to_string(from_b)},
           loc);
    }
    extents[rank - back] = from_a == 1 ? from_b : from_a;
  }
  return Shape(extents, rank, loc);
}

int checked_axis(const char* op, const Shape& x, int axis, SourceLoc loc, const char* name) {
  if (axis < -x.rank() || axis >= x.rank()) {
    const std::string range = x.rank() == 0 ? "but " + std::string(name) + " has no axes"
                                            : "expected " + std::to_string(-x.rank()) + " to " +
                                                  std::to_string(x.rank() - 1);
    fail(op, "no such axis",
         {name + ("  " + x.str()), "axis " + std::to_string(axis) + ", " + range}, loc);
  }
  return axis < 0 ? axis + x.rank() : axis;
}

}  // namespace forger
