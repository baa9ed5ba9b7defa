#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "autograd/kernels/kernels.h"

/// The libraries to compare with, as far as they were found when this was built.
namespace forger::bench {

/// C [m, n] = A [m, k] B [k, n], all dense and row-major.
struct MatMulPeer {
  const char* name;
  void (*run)(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c);
};
std::vector<MatMulPeer> matmul_peers();

enum class Direction { kForward, kInputGrad, kWeightGrad };

/// A convolution made ready to be timed: `run` computes, on copies in the layouts that the peer
/// likes best; `fetch` writes the result to the output that was given, in forger's layout. `exact`:
/// sums of small whole numbers come out exact.
struct PreparedConv {
  std::function<void()> run, fetch;
  bool exact = true;
};

/// Inputs and output are those of the kernel of that direction, in kernels.h.
struct ConvPeer {
  const char* name;
  PreparedConv (*prepare)(Direction direction, const kernels::Conv2d& s, const float* first,
                          const float* second, float* out);
  bool (*has)(Direction direction, const kernels::Conv2d& s) = nullptr;  // null: all there are
};
std::vector<ConvPeer> conv_peers();

/// Both use as many threads as this says.
void set_peer_threads(int threads);
/// Names, versions and threads, for people.
std::string describe_peers();

// Those behind it; each exists if its library was found.
namespace openblas {
void matmul(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c);
void set_threads(int threads);
std::string describe();
}  // namespace openblas
namespace onednn {
void matmul(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c);
PreparedConv prepare_direct(Direction direction, const kernels::Conv2d& s, const float* first,
                            const float* second, float* out);
/// Winograd's F(4, 3), for 3 x 3 kernels.
bool has_winograd(Direction direction, const kernels::Conv2d& s);
PreparedConv prepare_winograd(Direction direction, const kernels::Conv2d& s, const float* first,
                              const float* second, float* out);
std::string describe();
}  // namespace onednn

}  // namespace forger::bench
