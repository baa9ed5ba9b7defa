#include "autograd/shape.h"

#include <algorithm>
#include <ostream>

#include "autograd/scope.h"

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
  if (rank < 0) fail("shape", "a rank of 0 to 4 expected", {"found " + std::to_string(rank)}, loc);
  if (rank > kMaxRank) {
    fail("shape", "more than 4 axes", {"found " + list(extents, rank)}, loc);
  }
  std::copy(extents, extents + rank, extents_.begin());
  if (std::any_of(begin(), end(), [](int64_t extent) { return extent < 0; })) {
    fail("shape", "negative extent", {"found " + str()}, loc);
  }
  // The product of the non-zero extents must fit, too: [2^40, 2^40, 0] is a mistake, not an empty
  // tensor.
  int64_t product = 1;
  for (int64_t extent : *this) {
    if (extent > 1 && product > kMaxNumel / extent) {
      fail("shape", "too many elements", {"found " + str()}, loc);
    }
    product *= std::max<int64_t>(extent, 1);
    numel_ *= extent;
  }
}

Shape Shape::with(int axis, int64_t extent, SourceLoc loc) const {
  std::array<int64_t, kMaxRank> extents = extents_;
  const int front = axis < 0 ? axis + rank_ : axis;
  if (front < 0 || front >= rank_) throw_no_axis(axis, loc);
  extents[static_cast<size_t>(front)] = extent;
  return Shape(extents.data(), rank_, loc);
}

void Shape::throw_no_axis(int axis, SourceLoc loc) const {
  const std::string range =
      rank_ == 0 ? "but the shape has no axes"
                 : "expected " + std::to_string(-rank_) + " to " + std::to_string(rank_ - 1);
  fail("shape", "no such axis", {"shape  " + str(), "axis " + std::to_string(axis) + ", " + range},
       loc.line != 0 ? loc : call_site());
}

std::string Shape::str() const { return list(begin(), rank_); }

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.str(); }

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
