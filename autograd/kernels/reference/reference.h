#pragma once

#include <array>

#include "autograd/kernels/kernels.h"

/// The specification of every kernel: textbook loops, written to be read and stepped through. They
/// serve both number types, and every other set is tested against them. See kernels.h for what each
/// computes.
namespace forger::kernels::reference {

/// Multiply-adds, or elements, below which starting a team of threads costs more than it brings.
constexpr int64_t kSerialWork = 20'000;

/// v where it passes a leaky ReLU's gate, slope * v elsewhere: kernels.h tells what slope 0 is.
inline Scalar leak(Scalar slope, bool passes, Scalar v) {
  if (passes) return v;
  return slope == 0 && v == v ? Scalar(0) : slope * v;
}

void gemm(const Gemm& s);

void conv2d(const Conv2d& s, const Scalar* x, const Scalar* weight, Scalar* y);
void conv2d_input_grad(const Conv2d& s, const Scalar* g, const Scalar* weight, Scalar* dx);
void conv2d_weight_grad(const Conv2d& s, const Scalar* g, const Scalar* x, Scalar* dweight);

void add(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y);
void sub(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y);
void mul(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y);
void div(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y);

void neg(int64_t n, const Scalar* x, Scalar* y);
void abs(int64_t n, const Scalar* x, Scalar* y);
void sign(int64_t n, const Scalar* x, Scalar* y);
void sqrt(int64_t n, const Scalar* x, Scalar* y);
void exp(int64_t n, const Scalar* x, Scalar* y);
void log(int64_t n, const Scalar* x, Scalar* y);
void tanh(int64_t n, const Scalar* x, Scalar* y);
void sigmoid(int64_t n, const Scalar* x, Scalar* y);
void softplus(int64_t n, const Scalar* x, Scalar* y);

void leaky_relu(int64_t n, Scalar slope, const Scalar* x, Scalar* y);
void leaky_relu_grad(int64_t n, Scalar slope, const Scalar* g, const Scalar* y, Scalar* dx);
void tanh_grad(int64_t n, const Scalar* g, const Scalar* y, Scalar* dx);
void sigmoid_grad(int64_t n, const Scalar* g, const Scalar* y, Scalar* dx);

void sum(const Reduce& s, const Scalar* x, Scalar* y);

void batch_norm(const Channels& s, Scalar eps, Scalar slope, const Scalar* x, const Scalar* weight,
                const Scalar* bias, Scalar* y, Scalar* mean, Scalar* var, Scalar* rstd);
void batch_norm_grad(const Channels& s, Scalar slope, const Scalar* g, const Scalar* x,
                     const Scalar* weight, const Scalar* bias, const Scalar* mean,
                     const Scalar* rstd, Scalar* dx, Scalar* dweight, Scalar* dbias);

void adam(const Adam& s, int64_t n, const Scalar* g, Scalar* p, Scalar* m, Scalar* v);

void uniform(const Philox& s, double low, double high, double most, int64_t n, Scalar* y);
void normal(const Philox& s, double mean, double stddev, int64_t n, Scalar* y);

// What the two are made of, which also serves single numbers.

/// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", SC'11): a
/// function from a 128-bit counter and a 64-bit key to 128 random bits.
std::array<uint32_t, 4> philox(const std::array<uint32_t, 4>& counter,
                               const std::array<uint32_t, 2>& key);
std::array<uint32_t, 4> block(const Philox& at);
/// Two independent normal numbers from 64 random bits: the radius from a, the angle from b. The
/// radius' uniform number lies in (0, 1], so that its logarithm is finite.
std::array<double, 2> box_muller(uint32_t a, uint32_t b);

}  // namespace forger::kernels::reference
