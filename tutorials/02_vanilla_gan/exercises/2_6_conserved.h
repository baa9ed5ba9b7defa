#pragma once

/// Returns what alternating steps of the Dirac-GAN conserve near (0, 0), as theta^2 + psi^2 + c
/// theta psi. Find c.
///
/// Near (0, 0) D's probability is 1/2 everywhere, and a step with the learning rate h is
///
///     psi'   = psi   - (h/2) theta
///     theta' = theta + (h/2) psi'
///
/// Write the form at (theta', psi') and ask for which c it is the form at (theta, psi). Its lines
/// of constant value are then ellipses, and no orbit leaves its own: the steps neither end at (0,
/// 0) nor run away.
double conserved(double theta, double psi, double h);
