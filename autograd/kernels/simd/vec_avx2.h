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

/// Four floats at rows[0] + p and four at rows[4] + p: one quad of lanes for each fourth row.
inline Vec load_quads(const float* const* rows, int64_t p) {
  const __m256 v = _mm256_castps128_ps256(_mm_loadu_ps(rows[0] + p));
  return {_mm256_insertf128_ps(v, _mm_loadu_ps(rows[4] + p), 1)};
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
/// Lanes 0, 2, 4, ... of the concatenation of a and b; and 1, 3, 5, ...
inline Vec even_lanes(Vec a, Vec b) {
  const __m256d pairs = _mm256_castps_pd(_mm256_shuffle_ps(a.v, b.v, 0x88));
  return {_mm256_castpd_ps(_mm256_permute4x64_pd(pairs, 0xd8))};
}
inline Vec odd_lanes(Vec a, Vec b) {
  const __m256d pairs = _mm256_castps_pd(_mm256_shuffle_ps(a.v, b.v, 0xdd));
  return {_mm256_castpd_ps(_mm256_permute4x64_pd(pairs, 0xd8))};
}

}  // namespace
