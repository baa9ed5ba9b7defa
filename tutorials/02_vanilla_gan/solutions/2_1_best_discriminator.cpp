#include "2_1_best_discriminator.h"

// The derivative of -p log d - q log(1 - d) by d is -p/d + q/(1 - d). It is 0 for p (1 - d) = q d,
// that is d = p / (p + q). The second derivative p/d^2 + q/(1 - d)^2 is positive: a minimum.
double best_discriminator(double p, double q) { return p + q > 0 ? p / (p + q) : 0.5; }
