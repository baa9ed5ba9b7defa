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

/// Four floats at rows[0] + p, at rows[4] + p, and so on: one quad of lanes for each fourth row.
inline Vec load_quads(const float* const* rows, int64_t p) {
  __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(rows[0] + p));
  v = _mm512_insertf32x4(v, _mm_loadu_ps(rows[4] + p), 1);
  v = _mm512_insertf32x4(v, _mm_loadu_ps(rows[8] + p), 2);
  return {_mm512_insertf32x4(v, _mm_loadu_ps(rows[12] + p), 3)};
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
/// Lanes 0, 2, 4, ... of the concatenation of a and b; and 1, 3, 5, ...
inline Vec even_lanes(Vec a, Vec b) {
  const __m512i at = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  return {_mm512_permutex2var_ps(a.v, at, b.v)};
}
inline Vec odd_lanes(Vec a, Vec b) {
  const __m512i at = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  return {_mm512_permutex2var_ps(a.v, at, b.v)};
}

}  // namespace
