#include "autograd/ops.h"
#include "registry.h"

namespace forger {

std::vector<OpCase> image_cases() {
  using In = const std::vector<Tensor>&;
  std::vector<OpCase> cases;

  struct Window {
    Shape x;
    PoolOptions options;
  };
  const std::vector<Window> windows = {{{1, 1, 4, 4}, {.kernel = 2}},
                                       {{2, 3, 4, 5}, {.kernel = 2, .stride = 1}},
                                       {{1, 2, 5, 5}, {.kernel = 3, .stride = 2, .padding = 1}},
                                       {{1, 1, 6, 4}, {.kernel = 2, .stride = 3}},  // gaps
                                       {{2, 1, 3, 3}, {.kernel = 3}},
                                       {{1, 2, 1, 1}, {.kernel = 1}},
                                       {{1, 1, 5, 7}, {.kernel = 4, .stride = 2, .padding = 2}},
                                       {{3, 1, 2, 6}, {.kernel = 2, .stride = 2, .padding = 1}}};
  for (const auto& [shape, options] : windows) {
    const std::string sample = shape.str() + ", kernel " + std::to_string(options.kernel) +
                               ", stride " + std::to_string(options.stride) + ", padding " +
                               std::to_string(options.padding);
    for (bool count : {true, false}) {
      PoolOptions counted = options;
      counted.count_include_pad = count;
      cases.push_back({"avg_pool2d",
                       sample + (count ? "" : ", padding not counted"),
                       [=](In in) { return avg_pool2d(in[0], counted); },
                       {shape},
                       -1,
                       1,
                       0.7});
    }
    cases.push_back({"max_pool2d",
                     sample,
                     [options = options](In in) { return max_pool2d(in[0], options); },
                     {shape},
                     -1,
                     1,
                     0.95});
  }
  struct Size {
    int64_t h, w;
  };
  for (const Shape& shape : {Shape{1, 1, 4, 4}, Shape{2, 2, 3, 5}, Shape{1, 3, 1, 2}}) {
    for (const auto& [h, w] : {Size{1, 1}, Size{2, 2}, Size{3, 5}, Size{7, 4}}) {
      const std::string sample =
          shape.str() + " to " + std::to_string(h) + " x " + std::to_string(w);
      cases.push_back({"adaptive_avg_pool2d",
                       sample,
                       [h = h, w = w](In in) { return adaptive_avg_pool2d(in[0], h, w); },
                       {shape}});
      cases.push_back({"upsample_nearest2d",
                       sample,
                       [h = h, w = w](In in) { return upsample_nearest2d(in[0], h, w); },
                       {shape},
                       -1,
                       1,
                       0.95});
      for (bool align : {false, true}) {
        cases.push_back(
            {"upsample_bilinear2d",
             sample + (align ? ", corners aligned" : ""),
             [h = h, w = w, align](In in) { return upsample_bilinear2d(in[0], h, w, align); },
             {shape},
             -1,
             1,
             0.95});
      }
    }
  }
  for (const Shape& shape : {Shape{1, 1, 4, 4}, Shape{2, 2, 3, 5}, Shape{1, 3, 5, 3},
                             Shape{2, 1, 3, 3}, Shape{0, 1, 3, 4}}) {
    for (int64_t padding : {0, 1, 2}) {
      cases.push_back({"reflection_pad2d",
                       shape.str() + " by " + std::to_string(padding),
                       [=](In in) { return reflection_pad2d(in[0], padding); },
                       {shape}});
    }
  }
  // [1/2 1/2 0; 0 0 2] and a row without entries
  SparseMatrix rows, columns;
  rows.out = 3, rows.in = 3, rows.begin = {0, 2, 3, 3}, rows.index = {0, 1, 2};
  rows.weight = {0.5, 0.5, 2};
  columns.out = 2, columns.in = 2, columns.begin = {0, 1, 3}, columns.index = {1, 0, 1};
  columns.weight = {3, -1, 0.25};
  for (int64_t n : {0, 1, 2}) {
    for (int64_t c : {1, 2, 3}) {
      cases.push_back({"resample2d",
                       std::to_string(n) + " images, " + std::to_string(c) + " channels",
                       [=](In in) { return resample2d(in[0], rows, columns); },
                       {{n, c, 3, 2}}});
    }
  }
  for (OpCase& c : cases) c.distinct = c.op == "max_pool2d";
  return cases;
}

}  // namespace forger
