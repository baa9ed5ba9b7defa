#include <algorithm>
#include <cmath>
#include <string>

#include "2_6_conserved.h"
#include "tutorials/common/exercise.h"

namespace {

std::string text_of(double h) { return std::to_string(h).substr(0, 4); }

void check_all(forger::tutorials::Check& check) {
  for (const double h : {0.1, 1.0, 3.0}) {
    double theta = 1, psi = 0.5;
    const double start = conserved(theta, psi, h);
    double largest = 0;
    for (int step = 0; step < 1000; ++step) {
      psi -= h / 2 * theta;
      theta += h / 2 * psi;
      largest = std::max(largest, std::abs(conserved(theta, psi, h) / start - 1));
    }
    check.at_most("h = " + text_of(h) + ": largest relative change in 1,000 steps", largest, 1e-9);
    check.about("h = " + text_of(h) + ": value at theta = 2, psi = 0", conserved(2, 0, h), 4, 1e-9);
    check.about("h = " + text_of(h) + ": value at theta = 0, psi = 2", conserved(0, 2, h), 4, 1e-9);
  }
}

}  // namespace

int main() {
  return forger::tutorials::check_exercise("2.6", "Why alternating steps orbit", check_all);
}
