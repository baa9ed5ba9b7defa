#include "99_1_sum.h"
#include "tutorials/common/exercise.h"

int main() {
  return forger::tutorials::check_exercise("99.1", "The sum of two numbers",
                                           [](forger::tutorials::Check& check) {
                                             check.about("0.5 + 0.25", sum(0.5, 0.25), 0.75, 1e-6);
                                             check.at_least("1 + 1", sum(1, 1), 2);
                                             check.at_most("1 - 1", sum(1, -1), 0);
                                           });
}
