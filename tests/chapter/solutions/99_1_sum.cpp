#include "99_1_sum.h"

double sum(double a, double b) { return a + b; }
