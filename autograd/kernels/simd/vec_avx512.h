#pragma once

#include <immintrin.h>

#include <cstdint>

// The thin wrapper that lets one kernel source serve two vector widths. Everything here has
// internal linkage: an inline function compiled with AVX-512 must never be the copy that the
// linker keeps for a file which runs on an older processor.
namespace {

struct Vec {
  __m512 v;
  static constexpr int kLanes = 16;
};
struct Mask {
  __mmask16 m;
};

inline Vec zero() { return {_mm512_setzero_ps()}; }
inline Vec broadcast(float x) { return {_mm512_set1_ps(x)}; }
inline Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
/// For p on a multiple of the vector's size. Other threads see it for certain after the fence.
inline void store_past_caches(float* p, Vec a) { _mm512_stream_ps(p, a.v); }
inline void fence() { _mm_sfence(); }
/// The first `count` lanes, 0 <= count <= kLanes. Masked-off lanes read as 0 and are never touched.
inline Mask first_lanes(int64_t count) {
  return {static_cast<__mmask16>((1u << static_cast<unsigned>(count)) - 1u)};
}
/// Lanes begin to end - 1; none if begin >= end.
inline Mask lanes(int64_t begin, int64_t end) {
  return {static_cast<__mmask16>(first_lanes(end).m & ~first_lanes(begin).m)};
}
inline Vec load(const float* p, Mask k) { return {_mm512_maskz_loadu_ps(k.m, p)}; }
inline void store(float* p, Vec a, Mask k) { _mm512_mask_storeu_ps(p, k.m, a.v); }

inline Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
/// a * b + c, rounded once.
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }

inline Vec operator-(Vec a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
inline Vec abs(Vec a) { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.v)}; }
inline Vec sqrt(Vec a) { return {_mm512_maskz_sqrt_ps(0xffff, a.v)}; }
/// Zero in all lanes but those of the mask.
inline Vec keep(Vec a, Mask k) { return {_mm512_maskz_mov_ps(k.m, a.v)}; }
/// a < b ? yes : no, lane by lane; no where either is NaN.
inline Vec select_less(Vec a, Vec b, Vec yes, Vec no) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), no.v, yes.v)};
}

/// Half a Vec's lanes as doubles: for sums, and for functions whose only error shall be the
/// rounding of their result.
struct Wide {
  __m512d v;
  static constexpr int kLanes = 8;
};

inline Wide wide(double x) { return {_mm512_set1_pd(x)}; }
inline void store(double* p, Wide a) { _mm512_storeu_pd(p, a.v); }
inline Wide widen_low(Vec a) {
  return {_mm512_maskz_cvtps_pd(0xff, _mm512_maskz_extractf32x8_ps(0xff, a.v, 0))};
}
inline Wide widen_high(Vec a) {
  return {_mm512_maskz_cvtps_pd(0xff, _mm512_maskz_extractf32x8_ps(0xff, a.v, 1))};
}
/// Both halves rounded to floats again.
inline Vec narrow(Wide low, Wide high) {
  const __m512 a = _mm512_castps256_ps512(_mm512_maskz_cvtpd_ps(0xff, low.v));
  return {_mm512_insertf32x8(a, _mm512_maskz_cvtpd_ps(0xff, high.v), 1)};
}

inline Wide operator+(Wide a, Wide b) { return {_mm512_add_pd(a.v, b.v)}; }
inline Wide operator-(Wide a, Wide b) { return {_mm512_sub_pd(a.v, b.v)}; }
inline Wide operator*(Wide a, Wide b) { return {_mm512_mul_pd(a.v, b.v)}; }
inline Wide operator/(Wide a, Wide b) { return {_mm512_div_pd(a.v, b.v)}; }
inline Wide fma(Wide a, Wide b, Wide c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
/// Of two lanes of which one is NaN, both give b's.
inline Wide min(Wide a, Wide b) { return {_mm512_maskz_min_pd(0xff, a.v, b.v)}; }
inline Wide max(Wide a, Wide b) { return {_mm512_maskz_max_pd(0xff, a.v, b.v)}; }
inline Wide select_less(Wide a, Wide b, Wide yes, Wide no) {
  return {_mm512_mask_blend_pd(_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ), no.v, yes.v)};
}
inline Wide sqrt(Wide a) { return {_mm512_maskz_sqrt_pd(0xff, a.v)}; }
inline Wide abs(Wide a) { return {_mm512_andnot_pd(_mm512_set1_pd(-0.0), a.v)}; }
/// |a| with b's sign.
inline Wide copysign(Wide a, Wide b) {
  const __m512d sign = _mm512_set1_pd(-0.0);
  return {_mm512_or_pd(_mm512_andnot_pd(sign, a.v), _mm512_and_pd(sign, b.v))};
}
inline double sum_lanes(Wide a) {
  alignas(64) double lane[8];
  _mm512_store_pd(lane, a.v);
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/// 2^n for t = 1.5 * 2^52 + n, whose last bits hold n.
inline Wide pow2(Wide t) {
  const __m512i n = _mm512_maskz_slli_epi64(0xff, _mm512_castpd_si512(t.v), 52);
  return {_mm512_castsi512_pd(_mm512_add_epi64(n, _mm512_castpd_si512(_mm512_set1_pd(1))))};
}
/// x = mantissa * 2^exponent with a mantissa in [sqrt(1/2), sqrt(2)), for positive normal x.
inline void split(Wide x, Wide& mantissa, Wide& exponent) {
  const __m512i bits = _mm512_castpd_si512(x.v);
  const __m512i one = _mm512_castpd_si512(_mm512_set1_pd(1));
  const __m512i root = _mm512_castpd_si512(_mm512_set1_pd(0.70710678118654752440));
  const __m512i e = _mm512_maskz_srli_epi64(
      0xff, _mm512_add_epi64(bits, _mm512_sub_epi64(one, root)), 52);  // exponent + 1023
  const __m512i back =
      _mm512_maskz_slli_epi64(0xff, _mm512_sub_epi64(e, _mm512_set1_epi64(1023)), 52);
  mantissa = {_mm512_castsi512_pd(_mm512_sub_epi64(bits, back))};
  // As the last bits of 2^52 an integer becomes a double without a conversion.
  const __m512i at = _mm512_or_si512(e, _mm512_castpd_si512(_mm512_set1_pd(0x1p52)));
  exponent = Wide{_mm512_castsi512_pd(at)} - wide(0x1p52 + 1023);
}

/// a with its sign changed where bit 1 of n is set, t = 1.5 * 2^52 + n.
inline Wide negate_if_bit1(Wide t, Wide a) {
  const __m512i bit = _mm512_maskz_slli_epi64(0xff, _mm512_castpd_si512(t.v), 62);
  const __m512d sign = _mm512_and_pd(_mm512_castsi512_pd(bit), _mm512_set1_pd(-0.0));
  return {_mm512_xor_pd(a.v, sign)};
}
/// odd where the same n is odd, else even.
inline Wide select_odd(Wide t, Wide odd, Wide even) {
  const __mmask8 k = _mm512_test_epi64_mask(_mm512_castpd_si512(t.v), _mm512_set1_epi64(1));
  return {_mm512_mask_blend_pd(k, even.v, odd.v)};
}

/// 64-bit integers, as many as a Wide has lanes.
struct Words {
  __m512i v;
};

inline Words words(uint64_t x) { return {_mm512_set1_epi64(static_cast<int64_t>(x))}; }
inline Words load_words(const uint64_t* p) { return {_mm512_loadu_si512(p)}; }
inline Words operator+(Words a, Words b) { return {_mm512_add_epi64(a.v, b.v)}; }
inline Words operator^(Words a, Words b) { return {_mm512_xor_si512(a.v, b.v)}; }
inline Words operator&(Words a, Words b) { return {_mm512_and_si512(a.v, b.v)}; }
/// The high halves, as numbers of 64 bits.
inline Words high_words(Words a) { return {_mm512_maskz_srli_epi64(0xff, a.v, 32)}; }
/// The product of the low halves.
inline Words low_product(Words a, Words b) { return {_mm512_maskz_mul_epu32(0xff, a.v, b.v)}; }
/// The low halves as doubles, by way of the last bits of 2^52, as in split().
inline Wide low_as_wide(Words a) {
  const __m512i two52 = _mm512_castpd_si512(_mm512_set1_pd(0x1p52));
  return Wide{_mm512_castsi512_pd(_mm512_mask_blend_epi32(0xaaaa, a.v, two52))} - wide(0x1p52);
}

/// Four floats at rows[0] + p, at rows[4] + p, and so on: one quad of lanes for each fourth row.
inline Vec load_quads(const float* const* rows, int64_t p) {
  __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(rows[0] + p));
  v = _mm512_insertf32x4(v, _mm_loadu_ps(rows[4] + p), 1);
  v = _mm512_insertf32x4(v, _mm_loadu_ps(rows[8] + p), 2);
  return {_mm512_insertf32x4(v, _mm_loadu_ps(rows[12] + p), 3)};
}
/// The reverse: one quad to each of the four places.
inline void store_quads(float* const* rows, int64_t p, Vec a) {
  _mm_storeu_ps(rows[0] + p, _mm512_maskz_extractf32x4_ps(0xf, a.v, 0));
  _mm_storeu_ps(rows[4] + p, _mm512_maskz_extractf32x4_ps(0xf, a.v, 1));
  _mm_storeu_ps(rows[8] + p, _mm512_maskz_extractf32x4_ps(0xf, a.v, 2));
  _mm_storeu_ps(rows[12] + p, _mm512_maskz_extractf32x4_ps(0xf, a.v, 3));
}
/// Transposes the 4 x 4 matrices that the four vectors' corresponding quads form.
inline void transpose_quads(Vec (&q)[4]) {
  const __mmask16 all = 0xffff;  // g++ 12 warns of its own header in the unmasked forms
  const __m512 a = _mm512_maskz_unpacklo_ps(all, q[0].v, q[1].v);
  const __m512 b = _mm512_maskz_unpackhi_ps(all, q[0].v, q[1].v);
  const __m512 c = _mm512_maskz_unpacklo_ps(all, q[2].v, q[3].v);
  const __m512 d = _mm512_maskz_unpackhi_ps(all, q[2].v, q[3].v);
  q[0].v = _mm512_maskz_shuffle_ps(all, a, c, 0x44);
  q[1].v = _mm512_maskz_shuffle_ps(all, a, c, 0xee);
  q[2].v = _mm512_maskz_shuffle_ps(all, b, d, 0x44);
  q[3].v = _mm512_maskz_shuffle_ps(all, b, d, 0xee);
}
/// Quad i of vector j becomes quad j of vector i.
inline void exchange_quads(Vec (&q)[4]) {
  const __mmask16 all = 0xffff;
  const __m512 a = _mm512_maskz_shuffle_f32x4(all, q[0].v, q[1].v, 0x88);
  const __m512 b = _mm512_maskz_shuffle_f32x4(all, q[0].v, q[1].v, 0xdd);
  const __m512 c = _mm512_maskz_shuffle_f32x4(all, q[2].v, q[3].v, 0x88);
  const __m512 d = _mm512_maskz_shuffle_f32x4(all, q[2].v, q[3].v, 0xdd);
  q[0].v = _mm512_maskz_shuffle_f32x4(all, a, c, 0x88);
  q[1].v = _mm512_maskz_shuffle_f32x4(all, b, d, 0x88);
  q[2].v = _mm512_maskz_shuffle_f32x4(all, a, c, 0xdd);
  q[3].v = _mm512_maskz_shuffle_f32x4(all, b, d, 0xdd);
}
/// Lanes 0, 2, 4, ... of the concatenation of a and b.
inline Vec even_lanes(Vec a, Vec b) {
  const __m512i at = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  return {_mm512_permutex2var_ps(a.v, at, b.v)};
}

}  // namespace
