#pragma once

/// Returns D*(x), the best probability that D can give to an example at x of being real, where p is
/// the density of real examples at x and q that of generated ones. D sees as many of one kind as of
/// the other.
///
/// Derive it first. D's mean loss is the integral over x of -p(x) log D(x) - q(x) log(1 - D(x)).
/// D(x) is free at every x, so the integrand can be minimised at each x on its own.
///
/// p and q are at least 0 and may be as small as the least double. Where both are 0, D is never
/// asked: return 1/2.
double best_discriminator(double p, double q);
