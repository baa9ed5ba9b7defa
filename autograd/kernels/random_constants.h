#pragma once

#include <cstdint>

// What every set must take alike, so that all draw the same bits.
namespace forger::kernels {

// Philox4x32's multipliers, and the steps of its round keys: the golden ratio, and sqrt(3) - 1.
constexpr uint32_t kPhiloxFactor[2] = {0xD2511F53, 0xCD9E8D57};
constexpr uint32_t kPhiloxStep[2] = {0x9E3779B9, 0xBB67AE85};
constexpr int kPhiloxRounds = 10;

// Power series for Box and Muller's transform in double, the lowest power first. With these terms
// each misses its function by less than 1.5e-15 of the value, about what the roundings of doubles
// add; a float result sees neither. They are summed from the highest power on, without fused
// multiply-adds, which a processor that needs the reference may not have.

/// log((1 + s) / (1 - s)) / s in s^2 <= 0.0295: what is left out is less than s^18 / (19 (1 - s^2))
/// = 9e-16 of it.
constexpr double kLog[] = {2.0,      2.0 / 3,  2.0 / 5,  2.0 / 7, 2.0 / 9,
                           2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17};
/// sin(x) / x and cos(x), Taylor's series in x^2 for |x| <= pi / 4: what is left out is at most
/// x^16 / 17! = 6e-17, and x^16 / 16! = 1.0e-15 where the cosine is 0.71.
constexpr double kSine[] = {
    1.0,           -1.0 / 6,          1.0 / 120,           -1.0 / 5040,
    1.0 / 362'880, -1.0 / 39'916'800, 1.0 / 6'227'020'800, -1.0 / 1'307'674'368'000};
constexpr double kCosine[] = {
    1.0,          -1.0 / 2,         1.0 / 24,          -1.0 / 720,
    1.0 / 40'320, -1.0 / 3'628'800, 1.0 / 479'001'600, -1.0 / 87'178'291'200};

}  // namespace forger::kernels
