#include <algorithm>

#include "autograd/ops.h"
#include "registry.h"

namespace forger {

std::vector<OpCase> layout_cases() {
  using In = const std::vector<Tensor>&;
  std::vector<OpCase> cases;

  for (const Shape& shape :
       {Shape{}, Shape{3}, Shape{2, 3}, Shape{1, 3}, Shape{0, 2}, Shape{2, 1, 3}, Shape{2, 3, 2}}) {
    for (int axis = -1; axis <= shape.rank(); ++axis) {
      cases.push_back({"stack",
                       shape.str() + " along " + std::to_string(axis),
                       [=](In in) {
                         return stack({in[0], in[1], in[0]}, axis);
                       },
                       {shape, shape}});
    }
  }

  const std::vector<std::vector<int>> orders = {{0},       {1, 0},     {0, 2, 1},    {2, 0, 1},
                                                {2, 1, 0}, {-1, 0, 1}, {3, 1, 0, 2}, {0, 2, 3, 1}};
  const std::vector<Shape> of_rank = {{4}, {2, 3}, {2, 3, 4}, {2, 1, 3, 2}};
  for (const std::vector<int>& order : orders) {
    std::string sample = "axes";
    for (int axis : order) sample += " " + std::to_string(axis);
    cases.push_back({"permute",
                     sample,
                     [=](In in) { return permute(in[0], order); },
                     {of_rank[order.size() - 1]}});
  }
  cases.push_back({"permute", "no axis", [](In in) { return permute(in[0], {}); }, {Shape{}}});
  cases.push_back({"permute", "empty", [](In in) { return permute(in[0], {1, 0}); }, {{0, 3}}});
  for (int a = -1; a < 4; ++a) {
    for (int b : {0, 2}) {
      cases.push_back({"transpose",
                       std::to_string(a) + " and " + std::to_string(b),
                       [=](In in) { return transpose(in[0], a, b); },
                       {{2, 3, 1, 2}}});
    }
  }
  for (const auto& [shape, axes] :
       std::vector<std::pair<Shape, std::vector<int>>>{{{3}, {0}},
                                                       {{2, 3}, {0}},
                                                       {{2, 3}, {1}},
                                                       {{2, 3}, {-1, 0}},
                                                       {{2, 3}, {}},
                                                       {{0, 3}, {0}},
                                                       {{2, 1, 3}, {2, 0}},
                                                       {{2, 2, 3, 2}, {0, 1, 2, 3}},
                                                       {{1, 2, 3, 2}, {2}}}) {
    cases.push_back({"flip",
                     shape.str() + ", " + std::to_string(axes.size()) + " axes",
                     [axes = axes](In in) { return flip(in[0], axes); },
                     {shape}});
  }
  cases.push_back({"flip", "one axis", [](In in) { return flip(in[0], 1); }, {{2, 3}}});
  for (int64_t r : {1, 2, 3}) {
    for (const Shape& small : {Shape{1, 1, 1, 1}, Shape{2, 1, 2, 3}, Shape{1, 2, 3, 1}}) {
      const std::string sample = small.str() + " by " + std::to_string(r);
      cases.push_back({"pixel_shuffle",
                       sample,
                       [=](In in) { return pixel_shuffle(in[0], r); },
                       {{small[0], small[1] * r * r, small[2], small[3]}}});
      cases.push_back({"pixel_unshuffle",
                       sample,
                       [=](In in) { return pixel_unshuffle(in[0], r); },
                       {{small[0], small[1], small[2] * r, small[3] * r}}});
    }
  }

  struct Picks {
    Shape x;
    int axis;
    Indices index;
  };
  const std::vector<Picks> picks = {{{4}, 0, {{3}, {1, 3, 1}}},
                                    {{4}, -1, {{4}, {0, 1, 2, 3}}},
                                    {{2, 3}, 1, {{2, 1}, {2, 0}}},
                                    {{2, 3}, 1, {{2, 4}, {0, 0, 1, 2, 2, 1, 0, 1}}},
                                    {{3, 2}, 0, {{2, 2}, {2, 0, 2, 1}}},
                                    {{2, 3}, 1, {{2, 0}, {}}},
                                    {{2, 3, 2}, 1, {{2, 1, 2}, {0, 2, 1, 1}}},
                                    {{1, 3, 1, 2}, 1, {{1, 2, 1, 2}, {0, 2, 1, 0}}}};
  for (const auto& [shape, axis, index] : picks) {
    const std::string sample = shape.str() + " along " + std::to_string(axis);
    const double zeros = index.values.empty() ? 1 : 0.7;
    const int64_t extent = shape[axis];
    cases.push_back({"gather",
                     sample,
                     [axis = axis, index = index](In in) { return gather(in[0], axis, index); },
                     {shape},
                     -1,
                     1,
                     zeros});
    cases.push_back({"scatter_add",
                     sample,
                     [axis = axis, index = index, extent](In in) {
                       return scatter_add(in[0], axis, index, extent);
                     },
                     {index.shape}});
  }
  struct Selection {
    Shape x;
    int axis;
    std::vector<int64_t> indices;
  };
  const std::vector<Selection> selections = {{{4}, 0, {2, 2, 0}},    {{2, 3}, 0, {1}},
                                             {{2, 3}, 1, {0, 2}},    {{2, 3}, -1, {2, 1, 1, 0}},
                                             {{3, 2}, 0, {}},        {{2, 3, 2}, 1, {2, 0}},
                                             {{2, 1, 3}, 1, {0, 0}}, {{2, 1, 2, 3}, 3, {1}}};
  for (const auto& [shape, axis, indices] : selections) {
    const std::string sample = shape.str() + " along " + std::to_string(axis) + ", " +
                               std::to_string(indices.size()) + " indices";
    const int64_t extent = shape[axis];
    cases.push_back(
        {"index_select",
         sample,
         [axis = axis, indices = indices](In in) { return index_select(in[0], axis, indices); },
         {shape},
         -1,
         1,
         indices.empty() ? 1 : 0.7});
    cases.push_back({"index_add",
                     sample,
                     [axis = axis, indices = indices, extent](In in) {
                       return index_add(in[0], axis, indices, extent);
                     },
                     {shape.with(axis, static_cast<int64_t>(indices.size()))}});
  }
  const std::vector<std::vector<int>> label_lists = {
      {0}, {2}, {0, 1, 2}, {2, 2, 2}, {1, 0, 1, 0}, {2, 1}, {0, 0}, {1, 2, 0, 1, 2}};
  for (const std::vector<int>& labels : label_lists) {
    cases.push_back(
        {"embedding",
         std::to_string(labels.size()) + " labels, the first " + std::to_string(labels[0]),
         [=](In in) { return embedding(in[0], labels); },
         {{3, 2}},
         -1,
         1,
         0.7});
  }
  return cases;
}

}  // namespace forger
