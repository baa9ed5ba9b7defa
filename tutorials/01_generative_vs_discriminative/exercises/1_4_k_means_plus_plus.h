#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "autograd/random.h"

using Point = std::array<double, 2>;

/// Returns the indices of k points at which k-means should start, chosen by k-means++ (Arthur &
/// Vassilvitskii 2007, section 2.2):
///
/// 1. Take a point at random, each with the same probability.
/// 2. For each point, compute D, its distance to the nearest point taken so far.
/// 3. Take a point at random, each with a probability proportional to D^2.
/// 4. Repeat 2 and 3 until there are k.
///
/// random.below(n) is a random integer from 0 to n - 1, random.uniform() a random number in [0, 1).
/// At least k points are different.
std::vector<size_t> choose_centres(const std::vector<Point>& points, size_t k,
                                   forger::Random& random);
