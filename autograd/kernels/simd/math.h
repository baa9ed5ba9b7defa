#pragma once

// exp, log, tanh, sigmoid and softplus of floats, computed in double: the series below are cut
// where the rest is less than 1e-10 of the result, so rounding to float is the only error that
// counts, 0.51 ULP. Overflow, underflow and denormal results need no branch either, since the
// doubles are far from their own limits; the rounding produces them.
namespace forger::kernels {
namespace {

/// e^x = scale + scale * rest, where scale = 2^n is the nearest power of two and |rest| < 0.42.
struct ExpParts {
  Wide scale, rest;
};

/// For |x| <= 120. With x = n ln 2 + r, |r| <= ln(2) / 2: e^x = 2^n e^r, and rest = e^r - 1 is
/// Taylor's series, which keeps its relative precision for small x.
inline ExpParts exp_parts(Wide x) {
  const Wide round = wide(0x1.8p52);  // adding it rounds to an integer
  const Wide t = fma(x, wide(1.44269504088896340736), round);
  const Wide r = fma(t - round, wide(-0.69314718055994530942), x);
  Wide p = wide(1.0 / 362880);  // 1/9!
  p = fma(p, r, wide(1.0 / 40320));
  p = fma(p, r, wide(1.0 / 5040));
  p = fma(p, r, wide(1.0 / 720));
  p = fma(p, r, wide(1.0 / 120));
  p = fma(p, r, wide(1.0 / 24));
  p = fma(p, r, wide(1.0 / 6));
  p = fma(p, r, wide(1.0 / 2));
  p = fma(p, r, wide(1));
  return {pow2(t), p * r};
}

/// Into the range where e^x is 0, finite or infinite as a float; NaN stays NaN.
inline Wide clamp_exponent(Wide x) { return min(wide(120), max(wide(-120), x)); }

inline Wide exp(Wide x) {
  const ExpParts e = exp_parts(clamp_exponent(x));
  return fma(e.scale, e.rest, e.scale);
}

/// 2 artanh(s) = log((1 + s) / (1 - s)) for |s| <= 1/3, by its series in s^2.
template <int terms>
inline Wide log_of_ratio(Wide s) {
  const Wide square = s * s;
  Wide p = wide(2.0 / (2 * terms - 1));
#pragma GCC unroll 10
  for (int i = terms - 2; i >= 0; --i) p = fma(p, square, wide(2.0 / (2 * i + 1)));
  return p * s;
}

/// x = m 2^e: log(x) = e ln 2 + log(m), and with |m - 1| / (m + 1) <= 0.172 six terms do.
inline Wide log(Wide x) {
  Wide m, e;
  split(x, m, e);
  const Wide y =
      fma(e, wide(0.69314718055994530942), log_of_ratio<6>((m - wide(1)) / (m + wide(1))));
  const Wide inf = wide(__builtin_inf()), nan = wide(__builtin_nan("")), zero = wide(0);
  const Wide at_most_zero = select_less(x, zero, nan, x - inf);  // log(0) = -inf
  return select_less(zero, x, select_less(x, inf, y, x), at_most_zero);
}

/// (e^{2x} - 1) / (e^{2x} + 1) without a difference of like numbers for small x.
inline Wide tanh(Wide x) {
  const Wide a = abs(x);
  const ExpParts e = exp_parts(clamp_exponent(a + a));
  const Wide minus_one = fma(e.scale, e.rest, e.scale - wide(1));  // e^{2|x|} - 1
  return copysign(minus_one / (minus_one + wide(2)), x);
}

inline Wide sigmoid(Wide x) { return wide(1) / (wide(1) + exp(wide(0) - x)); }

/// max(x, 0) + log(1 + e^{-|x|}), where 1 + e = (1 + s) / (1 - s) for s = e / (2 + e) <= 1/3.
inline Wide softplus(Wide x) {
  const Wide e = exp(wide(0) - abs(x));
  return max(wide(0), x) + log_of_ratio<10>(e / (e + wide(2)));
}

}  // namespace
}  // namespace forger::kernels
