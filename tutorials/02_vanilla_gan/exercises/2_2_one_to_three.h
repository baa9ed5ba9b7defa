#pragma once

/// What the best D does if G is perfect and D sees unequal numbers of both kinds.
struct Verdict {
  double probability;  // D(x), which is the same everywhere
  double mean_loss;    // its mean loss per example in nats
  double accuracy;     // the share of examples that it judges rightly by D(x) > 1/2
};

/// Returns the verdict of the best D where p = q and each example is real with the probability
/// `real_share`, which is above 0 and below 1.
///
/// Predict first: one real example to three generated ones. Is D fooled half of the time?
Verdict best_verdict(double real_share);
