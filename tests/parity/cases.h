#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "nn/module.h"

/// Parity with PyTorch: the table of cases whose results fixtures/make_fixtures.py took from it.
/// Compiled into both test programs, once for each width of Scalar.
namespace forger::parity {

/// One case's tensors in the fixture: "x0", "c0", "g", "y", "d0", ...; see make_fixtures.py.
using Group = std::map<std::string, Tensor>;

/// The tensors of a file, case by case: what is named "softmax/far out|y" there is "y" of the case
/// "softmax/far out". In float32 the results are rounded to that.
std::map<std::string, Group> read_fixture(const std::string& file);

/// u = 2^-24 in float32 and 2^-53 in float64: one rounding changes y by at most u |y|.
constexpr double kUnit = sizeof(Scalar) == 4 ? 0x1p-24 : 0x1p-53;

/// How far a result may be from the exact one.
struct Bound {
  enum Kind {
    kExact,     // not at all: nothing is rounded
    kElement,   // k u |y|: k roundings of y itself, where a function of 2 ULP counts as 4
    kProducts,  // (k + n) u S for a sum of n products whose magnitudes add up to S, of k + 1
                // roundings each, in whichever order they are added. S is what the case gives for
                // the magnitudes of all inputs, n what it gives for ones.
    kChosen,    // the same for gradients of ops that choose among x: only g is replaced, by its
                // magnitudes and by ones
    kLargest,   // k u M: k roundings, or as much as they grow to on the way, of terms no larger
                // than the largest magnitude M of the case's inputs and results
  };
  Kind kind;
  double k = 0;
};
constexpr Bound kExact{Bound::kExact};
constexpr Bound element(double k) { return {Bound::kElement, k}; }
constexpr Bound products(double k) { return {Bound::kProducts, k}; }
constexpr Bound chosen(double k) { return {Bound::kChosen, k}; }
constexpr Bound largest(double k) { return {Bound::kLargest, k}; }

/// The twin of a fixture's case.
struct ParityCase {
  std::string name;                        // "softmax/far out"
  Bound y, d;                              // of the result and buffers, and of the gradients
  std::function<Group(const Group&)> run;  // from the inputs to the results, under the same names
};

std::vector<ParityCase> op_cases();
std::vector<ParityCase> layer_cases();

/// Whole numbers, as the fixture has them for indices.
std::vector<int> labels_of(const Tensor& x);

/// All tensors "x0", "x1", ... of a group, or those of another letter.
std::vector<Tensor> numbered(const Group& group, char letter);

/// What a case gave beside what PyTorch did.
struct Comparison {
  double worst = 0;      // deviation in units of what its bound allows; at most 1 is agreement
  double deviation = 0;  // the largest, in units of u times the largest magnitude
  std::string text;      // the worst element
};

/// Throws Error when the results have not the fixture's names and shapes.
Comparison compare(const ParityCase& c, const Group& fixture);

}  // namespace forger::parity
