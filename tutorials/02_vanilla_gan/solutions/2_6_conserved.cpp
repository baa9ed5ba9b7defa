#include "2_6_conserved.h"

// With a = h/2, psi = psi' + a theta and theta' = theta + a psi':
//
//     form(theta', psi') = theta^2 + (1 + a^2 + c a) psi'^2 + (2 a + c) theta psi'
//     form(theta, psi)   = (1 + a^2 + c a) theta^2 + psi'^2 + (2 a + c) theta psi'
//
// Both are equal for a^2 + c a = 0, that is c = -a = -h/2. For h < 4 the form is positive.
double conserved(double theta, double psi, double h) {
  return theta * theta + psi * psi - h / 2 * theta * psi;
}
