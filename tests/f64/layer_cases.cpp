#include "autograd/ops.h"
#include "autograd/random.h"
#include "registry.h"

namespace forger {

std::vector<OpCase> layer_cases() {
  using In = const std::vector<Tensor>&;
  std::vector<OpCase> cases;

  const std::vector<Shape> shapes = {{}, {1}, {5}, {2, 3}, {1, 4}, {0, 2}, {2, 1, 3}, {2, 2, 1, 3}};
  for (const Shape& shape : shapes) {
    for (double alpha : {0.0, 0.5, 1.0}) {
      cases.push_back({"elu",
                       shape.str() + ", alpha " + std::to_string(alpha),
                       [=](In in) { return elu(in[0], alpha); },
                       {shape},
                       -2,
                       2,
                       alpha == 0 ? 1 : 0.3});
    }
    cases.push_back({"gelu", shape.str(), [](In in) { return gelu(in[0]); }, {shape}, -2, 2});
    cases.push_back({"silu", shape.str(), [](In in) { return silu(in[0]); }, {shape}, -2, 2});
    cases.push_back({"erf", shape.str(), [](In in) { return erf(in[0]); }, {shape}, -2, 2});
    cases.push_back({"rsqrt", shape.str(), [](In in) { return rsqrt(in[0]); }, {shape}, 0.5, 2});
    for (double p : {0.0, 0.4}) {
      const auto drop = [=](In in) {
        Random random(3);
        return dropout(in[0], p, random);
      };
      cases.push_back({"dropout",
                       shape.str() + ", p " + std::to_string(p),
                       drop,
                       {shape},
                       -1,
                       1,
                       p == 0 ? 0.3 : 1});
    }
  }

  struct LayerNormCase {
    Shape x;
    int axes;
    Shape affine;
  };
  const std::vector<LayerNormCase> layers = {{{4}, 1, {4}},
                                             {{2, 3}, 1, {3}},
                                             {{2, 3}, 2, {2, 3}},
                                             {{1, 4}, 1, {4}},
                                             {{2, 1, 3}, 2, {1, 3}},
                                             {{2, 2, 3}, 1, {3}},
                                             {{2, 2, 2, 3}, 3, {2, 2, 3}},
                                             {{2, 2, 1, 3}, 1, {3}}};
  for (const auto& [x, axes, affine] : layers) {
    const std::string sample = x.str() + ", " + std::to_string(axes) + " axes";
    cases.push_back({"layer_norm",
                     sample + ", affine",
                     [axes = axes](In in) { return layer_norm(in[0], axes, in[1], in[2]); },
                     {x, affine, affine},
                     -3,
                     3});
    cases.push_back({"layer_norm",
                     sample + ", eps 0.1",
                     [axes = axes](In in) { return layer_norm(in[0], axes, {}, {}, 0.1); },
                     {x},
                     -3,
                     3});
  }
  struct GroupNormCase {
    Shape x;
    int64_t groups;
  };
  const std::vector<GroupNormCase> group_norms = {{{2, 4}, 2},       {{2, 4}, 1},
                                                  {{1, 2, 3}, 2},    {{2, 4, 2, 2}, 2},
                                                  {{1, 6, 1, 2}, 3}, {{3, 2, 2, 1}, 1}};
  for (const auto& [x, groups] : group_norms) {
    const Shape c = {x[1]};
    const std::string sample = x.str() + ", " + std::to_string(groups) + " groups";
    cases.push_back({"group_norm",
                     sample + ", affine",
                     [groups = groups](In in) { return group_norm(in[0], groups, in[1], in[2]); },
                     {x, c, c},
                     -3,
                     3});
    cases.push_back({"group_norm",
                     sample + ", eps 0.1",
                     [groups = groups](In in) { return group_norm(in[0], groups, {}, {}, 0.1); },
                     {x},
                     -3,
                     3});
  }
  for (const Shape& x :
       {Shape{2, 3, 2, 2}, Shape{1, 1, 2, 3}, Shape{2, 2, 1, 4}, Shape{3, 1, 3, 1}}) {
    const Shape c = {x[1]};
    cases.push_back({"instance_norm",
                     x.str() + ", affine",
                     [](In in) { return instance_norm(in[0], in[1], in[2]); },
                     {x, c, c},
                     -3,
                     3});
    cases.push_back({"instance_norm",
                     x.str() + ", eps 0.1",
                     [](In in) { return instance_norm(in[0], {}, {}, 0.1); },
                     {x},
                     -3,
                     3});
  }

  const std::vector<std::pair<std::string, Reduction>> reductions = {
      {"mean", Reduction::kMean}, {"sum", Reduction::kSum}, {"none", Reduction::kNone}};
  for (const auto& [label, reduction_in] : reductions) {
    const Reduction reduction = reduction_in;
    for (const Shape& shape : {Shape{}, Shape{5}, Shape{4, 1}}) {
      const std::string sample = label + " " + shape.str();
      const std::vector<Shape> two = {shape, shape}, four = {shape, shape, shape, shape};
      cases.push_back({"bce_with_logits", sample,
                       [=](In in) { return bce_with_logits(in[0], in[1], reduction); }, two, -3,
                       3});
      for (double target : {0.0, 1.0, 0.9}) {
        cases.push_back({"bce_with_logits",
                         sample + ", target " + std::to_string(target),
                         [=](In in) { return bce_with_logits(in[0], target, reduction); },
                         {shape},
                         -3,
                         3});
      }
      cases.push_back({"mse", sample, [=](In in) { return mse(in[0], in[1], reduction); }, two});
      cases.push_back({"l1", sample, [=](In in) { return l1(in[0], in[1], reduction); }, two});
      for (double beta : {0.5, 1.0}) {
        cases.push_back({"smooth_l1", sample + ", beta " + std::to_string(beta),
                         [=](In in) { return smooth_l1(in[0], in[1], beta, reduction); }, two, -2,
                         2});
      }
      for (double target : {1.0, -1.0}) {  // the kink is where x is the target
        const auto f = [=](In in) { return hinge(in[0], target, reduction); };
        const std::string which = sample + ", target " + std::to_string(target);
        cases.push_back({"hinge", which, f, {shape}, -0.9, 0.9});
        cases.push_back({"hinge", which + ", beyond it", f, {shape}, 1.1, 2, 1});
      }
      cases.push_back({"kl_gaussian", sample,
                       [=](In in) { return kl_gaussian(in[0], in[1], in[2], in[3], reduction); },
                       four});
    }
    cases.push_back({"softmax_cross_entropy",
                     label + ", three of four classes",
                     [=](In in) {
                       return softmax_cross_entropy(in[0], {0, 3, 2, 0, 0}, reduction);
                     },
                     {{5, 4}},
                     -2,
                     2});
    cases.push_back({"softmax_cross_entropy",
                     label + ", one row",
                     [=](In in) { return softmax_cross_entropy(in[0], {1}, reduction); },
                     {{1, 2}},
                     -2,
                     2});
    cases.push_back({"softmax_cross_entropy",
                     label + ", one class",
                     [=](In in) {
                       return softmax_cross_entropy(in[0], {0, 0}, reduction);
                     },
                     {{2, 1}},
                     -2,
                     2,
                     1});
  }
  return cases;
}

}  // namespace forger
