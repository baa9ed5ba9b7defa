#include "bench/peers/peers.h"

namespace forger::bench {

std::vector<MatMulPeer> matmul_peers() {
  return {
#ifdef FORGER_HAVE_OPENBLAS
      {"OpenBLAS", openblas::matmul},
#endif
#ifdef FORGER_HAVE_ONEDNN
      {"oneDNN", onednn::matmul},
#endif
  };
}

std::vector<ConvPeer> conv_peers() {
  return {
#ifdef FORGER_HAVE_ONEDNN
      {"oneDNN", onednn::prepare_direct},
      {"oneDNN-wino", onednn::prepare_winograd, onednn::has_winograd},
#endif
  };
}

void set_peer_threads([[maybe_unused]] int threads) {
#ifdef FORGER_HAVE_OPENBLAS
  openblas::set_threads(threads);
#endif
  // oneDNN uses OpenMP's number of threads.
}

std::string describe_peers() {
  std::string text;
#ifdef FORGER_HAVE_OPENBLAS
  text += openblas::describe();
#endif
#ifdef FORGER_HAVE_ONEDNN
  text += (text.empty() ? "" : ", ") + onednn::describe();
#endif
  return text.empty() ? "none found" : text;
}

}  // namespace forger::bench
