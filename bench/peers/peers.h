#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "autograd/kernels/kernels.h"

/// The libraries to compare with, if the build found them.
namespace forger::bench {

/// C [m, n] = A [m, k] B [k, n], all dense and row-major.
struct MatMulPeer {
  const char* name;
  void (*run)(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c);
};
std::vector<MatMulPeer> matmul_peers();

enum class Direction { kForward, kInputGrad, kWeightGrad };

/// A convolution that is ready to be timed. `run` computes it, on copies in the layouts that the
/// peer prefers. `fetch` writes the result in forger's layout to the given output. `exact` is true
/// if sums of small whole numbers are exact.
struct PreparedConv {
  std::function<void()> run, fetch;
  bool exact = true;
};

/// Inputs and output are those of the kernel of that direction in kernels.h.
struct ConvPeer {
  const char* name;
  PreparedConv (*prepare)(Direction direction, const kernels::Conv2d& s, const float* first,
                          const float* second, float* out);
  bool (*has)(Direction direction, const kernels::Conv2d& s) = nullptr;  // null: all there are
};
std::vector<ConvPeer> conv_peers();

/// Sets the number of threads of all peers.
void set_peer_threads(int threads);
/// Returns names, versions and threads of the peers.
std::string describe_peers();

// The parts of each peer. They exist if the library was found.
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
