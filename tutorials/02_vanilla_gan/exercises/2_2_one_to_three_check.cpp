#include "2_2_one_to_three.h"
#include "tutorials/common/exercise.h"

namespace {

void check_all(forger::tutorials::Check& check) {
  const Verdict equal = best_verdict(0.5);
  check.about("equal numbers: D", equal.probability, 0.5, 1e-9);
  check.about("equal numbers: mean loss", equal.mean_loss, 0.693147181, 1e-6);
  check.about("equal numbers: accuracy", equal.accuracy, 0.5, 1e-9);
  const Verdict three = best_verdict(0.25);
  check.about("one real to three: D", three.probability, 0.25, 1e-9);
  check.about("one real to three: mean loss", three.mean_loss, 0.562335145, 1e-6);
  check.about("one real to three: accuracy", three.accuracy, 0.75, 1e-9);
  const Verdict nine = best_verdict(0.9);
  check.about("nine real to one: D", nine.probability, 0.9, 1e-9);
  check.about("nine real to one: mean loss", nine.mean_loss, 0.325082973, 1e-6);
  check.about("nine real to one: accuracy", nine.accuracy, 0.9, 1e-9);
}

}  // namespace

int main() {
  return forger::tutorials::check_exercise("2.2", "One real image to three fakes", check_all);
}
