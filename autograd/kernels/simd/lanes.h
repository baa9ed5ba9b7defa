#pragma once

#include "autograd/kernels/simd/extents.h"

// Images, or channels, as lanes: what batched.h, channel_weight_grad.h and the files of winograd.h
// keep side by side; and tiles of a matrix that is stored the other way.
namespace forger::kernels {
namespace {

constexpr int64_t kScratch = 128 * 1024;  // floats, half of a usual L2
constexpr int kVecQuads = Vec::kLanes / 4;
constexpr int64_t kRunsAtOnce = 64;  // that a tile goes through in registers

/// to[p * step + l] = from[l * row + p] for p < count, l < width, where lanes from `rows` on repeat
/// the last.
template <int width>
void to_lanes(int64_t rows, int64_t count, const float* from, int64_t row, float* to, int64_t step,
              int64_t ahead = 16) {
  for (int v = 0; v < width; v += Vec::kLanes) {
    const float* in[Vec::kLanes];
    for (int r = 0; r < Vec::kLanes; ++r) in[r] = from + min(v + r, rows - 1) * row;
    int64_t p = 0;
    // A cache line of each row at a time: the rows may all compete for one set of L1, which is also
    // why what is to come is fetched into L2.
    for (; p + 16 <= count; p += 16) {
      for (int r = 0; r < Vec::kLanes; ++r) __builtin_prefetch(in[r] + p + ahead, 0, 2);
      Vec q[4][4];
      for (int r = 0; r < 4; ++r) {
        for (int c = 0; c < 4; ++c) q[c][r] = load_quads(in + r, p + 4 * c);
      }
      for (int c = 0; c < 4; ++c) {
        transpose_quads(q[c]);
        for (int r = 0; r < 4; ++r) store(to + (p + 4 * c + r) * step + v, q[c][r]);
      }
    }
    for (; p + 4 <= count; p += 4) {
      Vec q[4];
      for (int r = 0; r < 4; ++r) q[r] = load_quads(in + r, p);
      transpose_quads(q);
      for (int r = 0; r < 4; ++r) store(to + (p + r) * step + v, q[r]);
    }
    for (; p < count; ++p) {
      for (int r = 0; r < Vec::kLanes; ++r) to[p * step + v + r] = in[r][p];
    }
  }
}

/// The reverse, for the `rows` lanes that count: to[l * row + p] = from[p * step + l]. `stream`:
/// past the caches where whole lines are written, which a fence must follow.
template <int width>
void from_lanes(int64_t rows, int64_t count, const float* from, int64_t step, float* to,
                int64_t row, int64_t ahead = 32, bool stream = false) {
  stream = stream && row % 16 == 0 && reinterpret_cast<uintptr_t>(to) % 64 == 0;
  for (int v = 0; v < width && v < rows; v += Vec::kLanes) {
    int64_t p = 0;
    if (v + Vec::kLanes <= rows) {
      float* out[Vec::kLanes];
      for (int r = 0; r < Vec::kLanes; ++r) out[r] = to + (v + r) * row;
      // A cache line of each row at a time: the rows may all compete for one set of the cache.
      for (; p + 16 <= count; p += 16) {
        for (int r = 0; !stream && r < Vec::kLanes; ++r) __builtin_prefetch(out[r] + p + ahead, 1);
        Vec q[4][4];
        for (int c = 0; c < 4; ++c) {
          for (int r = 0; r < 4; ++r) q[c][r] = load(from + (p + 4 * c + r) * step + v);
          transpose_quads(q[c]);
        }
        for (int r = 0; r < 4; ++r) {
          for (int c = 0; c < 4; c += kVecQuads) {
            Vec line[kVecQuads];
            for (int l = 0; l < kVecQuads; ++l) line[l] = q[c + l][r];
            exchange_quads(line);
            for (int l = 0; l < kVecQuads; ++l) {
              float* const at = out[r + 4 * l] + p + 4 * c;
              stream ? store_past_caches(at, line[l]) : store(at, line[l]);
            }
          }
        }
      }
      for (; p + 4 <= count; p += 4) {
        Vec q[4];
        for (int r = 0; r < 4; ++r) q[r] = load(from + (p + r) * step + v);
        transpose_quads(q);
        for (int r = 0; r < 4; ++r) store_quads(out + r, p, q[r]);
      }
    }
    for (; p < count; ++p) {
      for (int64_t l = v; l < min(rows, v + Vec::kLanes); ++l) to[l * row + p] = from[p * step + l];
    }
  }
}

/// to[x * step + r] = from[row_at[r] + x] for x < count, r < rows, step >= max(rows, 4). What is
/// written too much, up to kLanes * step floats from count * step on, may be anything.
inline void interleave(int64_t rows, const int64_t* row_at, int64_t count, const float* from,
                       float* to, int64_t step) {
  // Four rows at a time, and the last first: what they write too much, the first overwrite.
  for (int64_t r = (rows - 1) / 4 * 4; r >= 0; r -= 4) {
    const float* in[4];
    for (int64_t l = 0; l < 4; ++l) in[l] = from + row_at[min(r + l, rows - 1)];
    float* out[Vec::kLanes];
    for (int64_t l = 0; l < Vec::kLanes; ++l) out[l] = to + l * step + r;
    for (int64_t x = 0; x < count; x += Vec::kLanes) {
      Vec q[4];
      for (int l = 0; l < 4; ++l) q[l] = load(in[l] + x);
      transpose_quads(q);
      for (int l = 0; l < 4; ++l) store_quads(out + l, x * step, q[l]);
    }
  }
}

}  // namespace
}  // namespace forger::kernels
