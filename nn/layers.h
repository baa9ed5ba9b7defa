#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograd/error.h"
#include "autograd/ops.h"
#include "autograd/scope.h"
#include "nn/activation.h"
#include "nn/module.h"
#include "nn/norm.h"

/// Layers with PyTorch's names, parameter names, shapes and default initialisation. Every
/// constructor checks its arguments and throws Error with the line that made the layer.
namespace forger::nn {

/// y = x weight^T + bias; x [..., in], weight [out, in], bias [out]. Both start uniform in
/// +-1/sqrt(in).
class Linear : public Module {
 public:
  static constexpr int kOutputAxis = 0;  // of the weight
  Linear(Module& parent, std::string name, int64_t in, int64_t out, bool with_bias = true,
         SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override { return forward_with(x, weight); }
  int64_t multiply_adds(const Shape& x, const Shape& y) const override;
  std::string describe() const override;

  Parameter weight, bias;

 protected:
  /// Computes forward() with weight w in place of the layer's own, for SpectralNorm and WeightNorm.
  virtual Tensor forward_with(const Tensor& x, const Tensor& w);

 private:
  // Private, because it bypasses the forward() of derived classes such as SpectralNorm<Linear>.
  friend class Sequential;
  /// Computes leaky_relu(forward(x), slope) as one op.
  Tensor forward_leaky_relu(const Tensor& x, double slope);
  Parameter new_weight(int64_t in, int64_t out);
};

struct Conv2dOptions {
  int64_t kernel, stride = 1, padding = 0, dilation = 1;
  bool bias = true;
};

/// The cross-correlation conv2d() of x [N, in, H, W] with weight [out, in, kernel, kernel].
class Conv2d : public Module {
 public:
  using Options = Conv2dOptions;
  static constexpr int kOutputAxis = 0;  // of the weight
  Conv2d(Module& parent, std::string name, int64_t in, int64_t out, Conv2dOptions options,
         SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override { return forward_with(x, weight); }
  int64_t multiply_adds(const Shape& x, const Shape& y) const override;
  std::string describe() const override;

  Parameter weight, bias;

 protected:
  virtual Tensor forward_with(const Tensor& x, const Tensor& w);  // as in Linear

 private:
  Parameter new_weight(int64_t in, int64_t out, const Conv2dOptions& options);

  Conv2dOptions options_;
};

struct ConvTranspose2dOptions {
  int64_t kernel, stride = 1, padding = 0, output_padding = 0, dilation = 1;
  bool bias = true;
};

/// conv_transpose2d() of x [N, in, H, W] with weight [in, out, kernel, kernel].
class ConvTranspose2d : public Module {
 public:
  using Options = ConvTranspose2dOptions;
  static constexpr int kOutputAxis = 1;  // of the weight
  ConvTranspose2d(Module& parent, std::string name, int64_t in, int64_t out,
                  ConvTranspose2dOptions options, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override { return forward_with(x, weight); }
  int64_t multiply_adds(const Shape& x, const Shape& y) const override;
  std::string describe() const override;

  Parameter weight, bias;

 protected:
  virtual Tensor forward_with(const Tensor& x, const Tensor& w);  // as in Linear

 private:
  Parameter new_weight(int64_t in, int64_t out, const ConvTranspose2dOptions& options);

  ConvTranspose2dOptions options_;
};

/// [N, ...] -> [N, the product of the rest].
struct Flatten : Module {
  using Module::Module;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Flatten"; }
};
/// [N, ...] -> [N, extents...]; one extent may be -1, which stands for the rest.
class Reshape : public Module {
 public:
  using Options = std::vector<int64_t>;  // so that add<Reshape>({1, 28, 28}) compiles
  Reshape(Module& parent, std::string name, std::vector<int64_t> extents,
          SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  std::vector<int64_t> extents_;
};

/// Selects a row of weight [classes, features] for each label. The weight starts standard normal.
class Embedding : public Module {
 public:
  Embedding(Module& parent, std::string name, int64_t classes, int64_t features,
            SourceLoc loc = SourceLoc::here());
  /// Returns [labels, features].
  Tensor operator()(const std::vector<int>& labels, SourceLoc loc = SourceLoc::here());
  std::string describe() const override;

  Parameter weight;

 private:
  Parameter new_weight(int64_t classes, int64_t features);
};

/// dropout() in training, the identity in evaluation.
class Dropout : public Module {
 public:
  Dropout(Module& parent, std::string name, double p = 0.5, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  /// Seed and counter of the random numbers, so that a run continued from a checkpoint drops the
  /// same elements. Each is four digits to the base 2^16, lowest digit first, which floats hold
  /// exactly: [2, 4]. PyTorch's state_dict has no such key: restore() accepts its absence, and
  /// PyTorch's load_state_dict() needs strict=False.
  Buffer random_state;

 private:
  double p_;
};

class AvgPool2d : public Module {
 public:
  using Options = PoolOptions;
  AvgPool2d(Module& parent, std::string name, PoolOptions options,
            SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  PoolOptions options_;
};
class MaxPool2d : public Module {
 public:
  using Options = PoolOptions;
  MaxPool2d(Module& parent, std::string name, PoolOptions options,
            SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  PoolOptions options_;
};
class AdaptiveAvgPool2d : public Module {
 public:
  AdaptiveAvgPool2d(Module& parent, std::string name, int64_t h, int64_t w,
                    SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  int64_t h_, w_;
};

enum class UpsampleMode { kNearest, kBilinear };
/// Enlarges images `scale` times along both axes.
class Upsample : public Module {
 public:
  Upsample(Module& parent, std::string name, int64_t scale,
           UpsampleMode mode = UpsampleMode::kNearest, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  int64_t scale_;
  UpsampleMode mode_;
};
class PixelShuffle : public Module {
 public:
  PixelShuffle(Module& parent, std::string name, int64_t r, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  int64_t r_;
};

/// The base of Sequential and ModuleList: modules derived from `Child`, named "0", "1", ... as in
/// PyTorch.
template <class Child>
class Container : public Module {
 public:
  using Module::Module;

  /// Appends a module. The arguments are those of its constructor after the name; a list in braces
  /// is the module's Options: `net.add<nn::Conv2d>(1, 64, {.kernel = 4})`.
  template <class Layer = Child>
  Layer& add(SourceLoc loc = SourceLoc::here()) {
    return append<Layer>(loc);
  }
  template <class Layer = Child, class A = typename Layer::Options>
  Layer& add(A&& a, SourceLoc loc = SourceLoc::here()) {
    return append<Layer>(loc, std::forward<A>(a));
  }
  template <class Layer = Child, class A, class B = typename Layer::Options>
  Layer& add(A&& a, B&& b, SourceLoc loc = SourceLoc::here()) {
    return append<Layer>(loc, std::forward<A>(a), std::forward<B>(b));
  }
  template <class Layer = Child, class A, class B, class C = typename Layer::Options>
  Layer& add(A&& a, B&& b, C&& c, SourceLoc loc = SourceLoc::here()) {
    return append<Layer>(loc, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
  }
  /// The same for more arguments. No default argument can follow a pack, so an error in such a
  /// constructor names the module without your line.
  template <class Layer = Child, class... Arguments>
  requires(sizeof...(Arguments) > 3) Layer& add(Arguments&&... arguments) {
    return append<Layer>({}, std::forward<Arguments>(arguments)...);
  }

  /// An index with the user's line, because an operator has no default arguments.
  struct Index {
    template <std::integral I>
    Index(I index, SourceLoc line = SourceLoc::here())
        : i(static_cast<int64_t>(index)), loc(line) {}
    int64_t i;
    SourceLoc loc;
  };
  /// Throws Error unless 0 <= index < size().
  Child& operator[](Index index) const {
    const auto count = static_cast<int64_t>(size());
    if (index.i >= 0 && index.i < count) return *modules_[static_cast<size_t>(index.i)];
    const Scope scope(path(), index.loc);
    fail(describe(), "index out of range",
         {"index " + std::to_string(index.i) + ", size " + std::to_string(count)}, index.loc);
  }
  size_t size() const { return modules_.size(); }

 private:
  template <class Layer, class... Arguments>
  Layer& append(SourceLoc loc, Arguments&&... arguments) {
    next_child_at_ = loc;
    auto module = std::make_unique<Layer>(*this, std::to_string(size()),
                                          std::forward<Arguments>(arguments)...);
    Layer& added = *module;
    modules_.push_back(std::move(module));
    return added;
  }

  std::vector<std::unique_ptr<Child>> modules_;
};

/// Layers in a row:
///
///     nn::Sequential net{*this, "net"};
///     net.add<nn::Conv2d>(1, 64, {.kernel = 4, .stride = 2});
///     net.add<nn::ReLU>();
///
/// A Linear or BatchNorm and the ReLU or LeakyReLU after it run as one op, with the same numbers;
/// its node has the path of the first.
class Sequential : public Container<Module> {
 public:
  using Container::Container;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Sequential"; }

 private:
  /// Returns leaky_relu(layer(x), slope) as one op. Returns an undefined tensor if there is no such
  /// op, or if a CallRecorder records each call.
  static Tensor call_with_leaky_relu(Module& layer, const Tensor& x, double slope, SourceLoc loc);
};

/// Modules of one kind. Their owner calls them:
///
///     nn::ModuleList<nn::Linear> layers{*this, "layers"};
///     layers.add(100, 256);
///     y = layers[0](x);
template <class Layer>
class ModuleList : public Container<Layer> {
 public:
  using Container<Layer>::Container;
  std::string describe() const override { return "ModuleList"; }
};

}  // namespace forger::nn
