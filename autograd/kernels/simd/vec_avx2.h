#pragma once

#include <immintrin.h>

#include <cstdint>

// The AVX2 twin of vec_avx512.h: the same names on eight lanes.
namespace {

struct Vec {
  __m256 v;
  static constexpr int kLanes = 8;
};
struct Mask {
  __m256i m;
};

inline Vec zero() { return {_mm256_setzero_ps()}; }
inline Vec broadcast(float x) { return {_mm256_set1_ps(x)}; }
inline Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
inline void store(float* p, Vec a) { _mm256_storeu_ps(p, a.v); }
/// For p on a multiple of the vector's size. Other threads see it for certain after the fence.
inline void store_past_caches(float* p, Vec a) { _mm256_stream_ps(p, a.v); }
inline void fence() { _mm_sfence(); }
/// The first `count` lanes, 0 <= count <= kLanes. Masked-off lanes read as 0 and are never touched.
inline Mask first_lanes(int64_t count) {
  return {_mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                             _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))};
}
/// Lanes begin to end - 1; none if begin >= end.
inline Mask lanes(int64_t begin, int64_t end) {
  return {_mm256_andnot_si256(first_lanes(begin).m, first_lanes(end).m)};
}
inline Vec load(const float* p, Mask k) { return {_mm256_maskload_ps(p, k.m)}; }
inline void store(float* p, Vec a, Mask k) { _mm256_maskstore_ps(p, k.m, a.v); }

inline Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
/// a * b + c, rounded once.
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }

inline Vec operator-(Vec a) { return {_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0f))}; }
inline Vec abs(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
inline Vec sqrt(Vec a) { return {_mm256_sqrt_ps(a.v)}; }
/// Zero in all lanes but those of the mask.
inline Vec keep(Vec a, Mask k) { return {_mm256_and_ps(a.v, _mm256_castsi256_ps(k.m))}; }
/// a < b ? yes : no, lane by lane; no where either is NaN.
inline Vec select_less(Vec a, Vec b, Vec yes, Vec no) {
  return {_mm256_blendv_ps(no.v, yes.v, _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ))};
}

/// Half a Vec's lanes as doubles.
struct Wide {
  __m256d v;
  static constexpr int kLanes = 4;
};

inline Wide wide(double x) { return {_mm256_set1_pd(x)}; }
inline void store(double* p, Wide a) { _mm256_storeu_pd(p, a.v); }
inline Wide widen_low(Vec a) { return {_mm256_cvtps_pd(_mm256_castps256_ps128(a.v))}; }
inline Wide widen_high(Vec a) { return {_mm256_cvtps_pd(_mm256_extractf128_ps(a.v, 1))}; }
/// Both halves rounded to floats again.
inline Vec narrow(Wide low, Wide high) {
  const __m256 a = _mm256_castps128_ps256(_mm256_cvtpd_ps(low.v));
  return {_mm256_insertf128_ps(a, _mm256_cvtpd_ps(high.v), 1)};
}

inline Wide operator+(Wide a, Wide b) { return {_mm256_add_pd(a.v, b.v)}; }
inline Wide operator-(Wide a, Wide b) { return {_mm256_sub_pd(a.v, b.v)}; }
inline Wide operator*(Wide a, Wide b) { return {_mm256_mul_pd(a.v, b.v)}; }
inline Wide operator/(Wide a, Wide b) { return {_mm256_div_pd(a.v, b.v)}; }
inline Wide fma(Wide a, Wide b, Wide c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
/// Of two lanes of which one is NaN, both give b's.
inline Wide min(Wide a, Wide b) { return {_mm256_min_pd(a.v, b.v)}; }
inline Wide max(Wide a, Wide b) { return {_mm256_max_pd(a.v, b.v)}; }
inline Wide select_less(Wide a, Wide b, Wide yes, Wide no) {
  return {_mm256_blendv_pd(no.v, yes.v, _mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ))};
}
inline Wide sqrt(Wide a) { return {_mm256_sqrt_pd(a.v)}; }
inline Wide abs(Wide a) { return {_mm256_andnot_pd(_mm256_set1_pd(-0.0), a.v)}; }
/// |a| with b's sign.
inline Wide copysign(Wide a, Wide b) {
  const __m256d sign = _mm256_set1_pd(-0.0);
  return {_mm256_or_pd(_mm256_andnot_pd(sign, a.v), _mm256_and_pd(sign, b.v))};
}
inline double sum_lanes(Wide a) {
  alignas(32) double lane[4];
  _mm256_store_pd(lane, a.v);
  return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

/// 2^n for t = 1.5 * 2^52 + n, whose last bits hold n.
inline Wide pow2(Wide t) {
  const __m256i n = _mm256_slli_epi64(_mm256_castpd_si256(t.v), 52);
  return {_mm256_castsi256_pd(_mm256_add_epi64(n, _mm256_castpd_si256(_mm256_set1_pd(1))))};
}
/// x = mantissa * 2^exponent with a mantissa in [sqrt(1/2), sqrt(2)), for positive normal x.
inline void split(Wide x, Wide& mantissa, Wide& exponent) {
  const __m256i bits = _mm256_castpd_si256(x.v);
  const __m256i one = _mm256_castpd_si256(_mm256_set1_pd(1));
  const __m256i root = _mm256_castpd_si256(_mm256_set1_pd(0.70710678118654752440));
  const __m256i e = _mm256_srli_epi64(_mm256_add_epi64(bits, _mm256_sub_epi64(one, root)),
                                      52);  // exponent + 1023
  const __m256i back = _mm256_slli_epi64(_mm256_sub_epi64(e, _mm256_set1_epi64x(1023)), 52);
  mantissa = {_mm256_castsi256_pd(_mm256_sub_epi64(bits, back))};
  // As the last bits of 2^52 an integer becomes a double without a conversion.
  const __m256i at = _mm256_or_si256(e, _mm256_castpd_si256(_mm256_set1_pd(0x1p52)));
  exponent = Wide{_mm256_castsi256_pd(at)} - wide(0x1p52 + 1023);
}

/// a with its sign changed where bit 1 of n is set, t = 1.5 * 2^52 + n.
inline Wide negate_if_bit1(Wide t, Wide a) {
  const __m256i bit = _mm256_slli_epi64(_mm256_castpd_si256(t.v), 62);
  const __m256d sign = _mm256_and_pd(_mm256_castsi256_pd(bit), _mm256_set1_pd(-0.0));
  return {_mm256_xor_pd(a.v, sign)};
}
/// odd where the same n is odd, else even.
inline Wide select_odd(Wide t, Wide odd, Wide even) {
  const __m256i bit = _mm256_slli_epi64(_mm256_castpd_si256(t.v), 63);
  return {_mm256_blendv_pd(even.v, odd.v, _mm256_castsi256_pd(bit))};
}

/// 64-bit integers, as many as a Wide has lanes.
struct Words {
  __m256i v;
};

inline Words words(uint64_t x) { return {_mm256_set1_epi64x(static_cast<int64_t>(x))}; }
inline Words load_words(const uint64_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
}
inline Words operator+(Words a, Words b) { return {_mm256_add_epi64(a.v, b.v)}; }
inline Words operator^(Words a, Words b) { return {_mm256_xor_si256(a.v, b.v)}; }
inline Words operator&(Words a, Words b) { return {_mm256_and_si256(a.v, b.v)}; }
/// The high halves, as numbers of 64 bits.
inline Words high_words(Words a) { return {_mm256_srli_epi64(a.v, 32)}; }
/// The product of the low halves.
inline Words low_product(Words a, Words b) { return {_mm256_mul_epu32(a.v, b.v)}; }
/// The low halves as doubles, by way of the last bits of 2^52, as in split().
inline Wide low_as_wide(Words a) {
  const __m256i two52 = _mm256_castpd_si256(_mm256_set1_pd(0x1p52));
  return Wide{_mm256_castsi256_pd(_mm256_blend_epi32(a.v, two52, 0xaa))} - wide(0x1p52);
}

/// Four floats at rows[0] + p and four at rows[4] + p: one quad of lanes for each fourth row.
inline Vec load_quads(const float* const* rows, int64_t p) {
  const __m256 v = _mm256_castps128_ps256(_mm_loadu_ps(rows[0] + p));
  return {_mm256_insertf128_ps(v, _mm_loadu_ps(rows[4] + p), 1)};
}
/// The reverse: one quad to each of the two places.
inline void store_quads(float* const* rows, int64_t p, Vec a) {
  _mm_storeu_ps(rows[0] + p, _mm256_castps256_ps128(a.v));
  _mm_storeu_ps(rows[4] + p, _mm256_extractf128_ps(a.v, 1));
}
/// Transposes the 4 x 4 matrices that the four vectors' corresponding quads form.
inline void transpose_quads(Vec (&q)[4]) {
  const __m256 a = _mm256_unpacklo_ps(q[0].v, q[1].v), b = _mm256_unpackhi_ps(q[0].v, q[1].v);
  const __m256 c = _mm256_unpacklo_ps(q[2].v, q[3].v), d = _mm256_unpackhi_ps(q[2].v, q[3].v);
  q[0].v = _mm256_shuffle_ps(a, c, 0x44);
  q[1].v = _mm256_shuffle_ps(a, c, 0xee);
  q[2].v = _mm256_shuffle_ps(b, d, 0x44);
  q[3].v = _mm256_shuffle_ps(b, d, 0xee);
}
/// Quad i of vector j becomes quad j of vector i.
inline void exchange_quads(Vec (&q)[2]) {
  const __m256 a = q[0].v, b = q[1].v;
  q[0].v = _mm256_permute2f128_ps(a, b, 0x20);
  q[1].v = _mm256_permute2f128_ps(a, b, 0x31);
}
/// Lanes 0, 2, 4, ... of the concatenation of a and b.
inline Vec even_lanes(Vec a, Vec b) {
  const __m256d pairs = _mm256_castps_pd(_mm256_shuffle_ps(a.v, b.v, 0x88));
  return {_mm256_castpd_ps(_mm256_permute4x64_pd(pairs, 0xd8))};
}

}  // namespace
