#pragma once

#include <cstddef>
#include <cstdint>

#include "autograd/kernels/kernels.h"

/// The steps from three loops to the library's kernel, with one idea per rung. Every rung computes
/// the same; docs/kernels.md explains them.
namespace forger::ladder {

/// C [m, n] = A [m, k] B [k, n], all dense and row-major.
using MatMul = void(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c);

MatMul matmul_loops;      // the definition
MatMul matmul_rows;       // reads memory in order
MatMul matmul_registers;  // a tile of C stays in registers
MatMul matmul_panels;     // the tile reads consecutive memory
MatMul matmul_blocks;     // reads from the near caches
MatMul matmul_threads;    // all cores

/// y = the cross-correlation of x with weight, as kernels.h defines it.
using Conv = void(const kernels::Conv2d& s, const float* x, const float* weight, float* y);

Conv conv_loops;     // the definition
Conv conv_im2col;    // one matrix product, with a matrix of windows in memory
Conv conv_frame;     // no test for the border
Conv conv_implicit;  // the same product without the matrix
Conv conv_threads;   // all cores

}  // namespace forger::ladder
