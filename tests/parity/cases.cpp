#include "cases.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "autograd/error.h"
#include "nn/state.h"

namespace forger::parity {
namespace {

/// The tensors with each number replaced by f(number); counters and constants stay.
template <class F>
Group with_numbers(const Group& group, const std::string& first_letters, F f) {
  Group out = group;
  for (auto& [key, tensor] : out) {
    if (first_letters.find(key[0]) == std::string::npos || tensor.numel() == 0) continue;
    tensor = tensor.clone();
    Scalar* data = tensor.mutable_data();
    std::transform(data, data + tensor.numel(), data, f);
  }
  return out;
}

bool is_input(const std::string& key) {
  return key[0] == 'x' || key[0] == 'c' || key[0] == 'g' || key.starts_with("state.");
}

double largest_magnitude(const Group& group) {
  double largest = 0;
  for (const auto& [key, tensor] : group) {
    if (key.ends_with("num_batches_tracked")) continue;
    for (Scalar v : tensor.to_vector()) largest = std::max(largest, std::abs(double{v}));
  }
  return largest;
}

/// What the bound allows for each element of one result.
class Tolerance {
 public:
  Tolerance(const ParityCase& c, const Group& fixture) : largest_(largest_magnitude(fixture)) {
    const bool products = c.y.kind == Bound::kProducts || c.d.kind == Bound::kProducts;
    if (!products && c.d.kind != Bound::kChosen) return;
    const std::string replaced = products ? "xgs" : "g";
    magnitudes_ = c.run(with_numbers(fixture, replaced, [](Scalar v) { return std::abs(v); }));
    terms_ = c.run(with_numbers(fixture, replaced, [](Scalar) { return Scalar{1}; }));
  }

  double largest() const { return largest_; }
  double at(const Bound& bound, const std::string& key, int64_t i, double expected) const {
    const double y = std::abs(expected);
    double allowed = 0;
    switch (bound.kind) {
      case Bound::kExact:
        return 0;
      case Bound::kElement:
        allowed = bound.k * y;
        break;
      case Bound::kProducts:
      case Bound::kChosen:
        allowed = (bound.k + std::abs(double{terms_.at(key).data()[i]})) *
                  std::abs(double{magnitudes_.at(key).data()[i]});
        break;
      case Bound::kLargest:
        allowed = bound.k * largest_;
        break;
    }
    // In float32 the expected number has been rounded once; in float64 PyTorch rounded as often as
    // we did.
    return kUnit * (sizeof(Scalar) == 4 ? allowed + y : 2 * allowed);
  }

 private:
  double largest_;
  Group magnitudes_, terms_;
};

}  // namespace

std::map<std::string, Group> read_fixture(const std::string& file) {
  std::map<std::string, Group> cases;
  const auto path = std::string(FORGER_SOURCE_DIR "/tests/fixtures/") + file;
  for (const auto& [name, tensor] : nn::load_checkpoint(path).tensors) {
    const size_t bar = name.find('|');
    if (bar == std::string::npos) {
      cases[""][name] = tensor;
    } else {
      cases[name.substr(0, bar)][name.substr(bar + 1)] = tensor;
    }
  }
  return cases;
}

std::vector<int> labels_of(const Tensor& x) {
  std::vector<int> labels;
  for (Scalar v : x.to_vector()) labels.push_back(static_cast<int>(v));
  return labels;
}

std::vector<Tensor> numbered(const Group& group, char letter) {
  std::vector<Tensor> out;
  for (;;) {
    const auto found = group.find(letter + std::to_string(out.size()));
    if (found == group.end()) return out;
    out.push_back(found->second);
  }
}

Comparison compare(const ParityCase& c, const Group& fixture) {
  const Group results = c.run(fixture);
  const Tolerance tolerance(c, fixture);
  Comparison out;
  size_t expected_results = 0;
  for (const auto& [key, expected] : fixture) {
    if (is_input(key)) continue;
    ++expected_results;
    const auto found = results.find(key);
    if (found == results.end()) throw Error(c.name + ": no " + key);
    const Tensor& y = found->second;
    if (!(y.shape() == expected.shape())) {
      throw Error(c.name + ": " + key + " is " + y.shape().str() + ", in PyTorch " +
                  expected.shape().str());
    }
    for (int64_t i = 0; i < y.numel(); ++i) {
      const double ours = y.data()[i], theirs = expected.data()[i];
      const double deviation = std::abs(ours - theirs);
      const double allowed = tolerance.at(key[0] == 'd' ? c.d : c.y, key, i, theirs);
      // Not "deviation > allowed", which a NaN would pass.
      const double ratio = deviation <= 0                        ? 0
                           : deviation < INFINITY && allowed > 0 ? deviation / allowed
                                                                 : INFINITY;
      if (deviation > 0) {
        out.deviation = std::max(out.deviation, deviation / (kUnit * tolerance.largest()));
      }
      if (!(ratio > out.worst)) continue;
      out.worst = ratio;
      std::ostringstream text;
      text.precision(17);
      text << c.name << ": " << key << "[" << i << "] is " << ours << ", in PyTorch " << theirs
           << ", allowed are +-" << allowed;
      out.text = text.str();
    }
  }
  if (expected_results != results.size()) throw Error(c.name + ": PyTorch has other results");
  return out;
}

}  // namespace forger::parity
