#include <omp.h>

#include <cstddef>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "bench/peers/peers.h"

namespace forger::bench::onednn {
namespace {

using dnnl::memory;

const dnnl::engine& cpu() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

/// Copies one memory to another, in the other's layout.
void copy(memory& from, memory& to) {
  dnnl::stream stream(cpu());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
}

/// The operands of a convolution in the order first, second, out: role, extents, and the layout
/// that oneDNN chose.
struct Part {
  int role;
  memory::dims dims;
  memory::desc layout;
};
struct Conv {
  dnnl::primitive primitive;
  std::vector<Part> parts;
};

/// Throws dnnl::error where oneDNN has no such algorithm for this convolution.
Conv make_conv(Direction direction, const kernels::Conv2d& s, dnnl::algorithm algorithm) {
  const memory::dims x_dims = {s.n, s.c, s.h, s.w}, w_dims = {s.o, s.c, s.kh, s.kw},
                     y_dims = {s.n, s.o, s.oh, s.ow};
  const auto f32 = memory::data_type::f32;
  const auto any = memory::format_tag::any;  // oneDNN's own choice
  const memory::desc x(x_dims, f32, any), w(w_dims, f32, any), y(y_dims, f32, any);
  const memory::dims strides = {s.stride, s.stride}, pad = {s.padding, s.padding},
                     dilates = {s.dilation - 1, s.dilation - 1};
  // oneDNN's right padding is what its own output formula needs.
  const auto right = [&](int64_t in, int64_t kernel, int64_t o) {
    return (o - 1) * s.stride + s.dilation * (kernel - 1) + 1 - in - s.padding;
  };
  const memory::dims pad_right = {right(s.h, s.kh, s.oh), right(s.w, s.kw, s.ow)};

  using Forward = dnnl::convolution_forward;
  using InputGrad = dnnl::convolution_backward_data;
  using WeightGrad = dnnl::convolution_backward_weights;
#if DNNL_VERSION_MAJOR >= 3
  const Forward::primitive_desc forward(cpu(), dnnl::prop_kind::forward_training, algorithm, x, w,
                                        y, strides, dilates, pad, pad_right);
#else
  const Forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, algorithm, x, w, y, strides, dilates, pad, pad_right},
      cpu());
#endif

  std::vector<Part> parts;
  dnnl::primitive primitive;
  if (direction == Direction::kForward) {
    primitive = Forward(forward);
    parts = {{DNNL_ARG_SRC, x_dims, forward.src_desc()},
             {DNNL_ARG_WEIGHTS, w_dims, forward.weights_desc()},
             {DNNL_ARG_DST, y_dims, forward.dst_desc()}};
  } else if (direction == Direction::kInputGrad) {
#if DNNL_VERSION_MAJOR >= 3
    const InputGrad::primitive_desc desc(cpu(), algorithm, x, w, y, strides, dilates, pad,
                                         pad_right, forward);
#else
    const InputGrad::primitive_desc desc({algorithm, x, w, y, strides, dilates, pad, pad_right},
                                         cpu(), forward);
#endif
    primitive = InputGrad(desc);
    parts = {{DNNL_ARG_DIFF_DST, y_dims, desc.diff_dst_desc()},
             {DNNL_ARG_WEIGHTS, w_dims, desc.weights_desc()},
             {DNNL_ARG_DIFF_SRC, x_dims, desc.diff_src_desc()}};
  } else {
#if DNNL_VERSION_MAJOR >= 3
    const WeightGrad::primitive_desc desc(cpu(), algorithm, x, w, y, strides, dilates, pad,
                                          pad_right, forward);
#else
    const WeightGrad::primitive_desc desc({algorithm, x, w, y, strides, dilates, pad, pad_right},
                                          cpu(), forward);
#endif
    primitive = WeightGrad(desc);
    parts = {{DNNL_ARG_DIFF_DST, y_dims, desc.diff_dst_desc()},
             {DNNL_ARG_SRC, x_dims, desc.src_desc()},
             {DNNL_ARG_DIFF_WEIGHTS, w_dims, desc.diff_weights_desc()}};
  }
  return {primitive, parts};
}

/// A convolution with its operands.
PreparedConv prepare(const Conv& conv, const float* first, const float* second, float* out) {
  const std::vector<Part>& parts = conv.parts;
  const auto plain = [](const Part& part, float* data) {  // NCHW and OIHW alike
    return memory(memory::desc(part.dims, memory::data_type::f32, memory::format_tag::abcd), cpu(),
                  data);
  };
  std::unordered_map<int, memory> arguments;
  const float* const inputs[] = {first, second};
  for (size_t i = 0; i < 3; ++i) {
    memory chosen(parts[i].layout, cpu());
    if (i < 2) {
      memory given = plain(parts[i], const_cast<float*>(inputs[i]));
      copy(given, chosen);
    }
    arguments.emplace(parts[i].role, chosen);
  }
  const memory result = plain(parts[2], out);
  return {[=, primitive = conv.primitive, stream = dnnl::stream(cpu())]() mutable {
            primitive.execute(stream, arguments);
            stream.wait();
          },
          [=, role = parts[2].role]() mutable {
            memory to = result;
            copy(arguments.at(role), to);
          }};
}

}  // namespace

void matmul(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c) {
  dnnl::sgemm('N', 'N', m, n, k, 1, a, k, b, n, 0, c, n);
}

PreparedConv prepare_direct(Direction direction, const kernels::Conv2d& s, const float* first,
                            const float* second, float* out) {
  return prepare(make_conv(direction, s, dnnl::algorithm::convolution_direct), first, second, out);
}

bool has_winograd(Direction direction, const kernels::Conv2d& s) {
  try {
    make_conv(direction, s, dnnl::algorithm::convolution_winograd);
  } catch (const dnnl::error&) {  // unimplemented for most extents
    return false;
  }
  return true;
}

PreparedConv prepare_winograd(Direction direction, const kernels::Conv2d& s, const float* first,
                              const float* second, float* out) {
  PreparedConv prepared =
      prepare(make_conv(direction, s, dnnl::algorithm::convolution_winograd), first, second, out);
  prepared.exact = false;
  return prepared;
}

std::string describe() {
  const dnnl_version_t* const version = dnnl_version();
  return "oneDNN " + std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->patch) + " on " + std::to_string(omp_get_max_threads()) +
         " threads";
}

}  // namespace forger::bench::onednn
