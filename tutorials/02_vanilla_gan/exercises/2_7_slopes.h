#pragma once

/// The derivatives of G's two losses by D's logit.
struct Slopes {
  double non_saturating;  // of -log D
  double zero_sum;        // of log(1 - D)
};

/// Returns both slopes for D = sigmoid(logit). Derive them first: each is a short expression in D.
/// Their ratio is (1 - D)/D = exp(-logit), so the surer D is that an image is a fake, the more the
/// losses differ.
///
/// The stub takes finite differences of the definitions, which gives a few digits near 0. Be right
/// to 12 digits of each slope, for every logit from -700 to 700.
Slopes slopes(double logit);
