// The twins of the norms and losses in fixtures/ops.py.
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops.h"
#include "nn/module.h"
#include "op_table.h"

namespace forger::parity {

// Some eight roundings from x to the result, which grow with the reciprocal deviation: up to four
// times here, where some groups have but two elements.
void add_norms(Table& t) {
  const auto norm = [&t](const std::string& name, Table::Function f) {
    t.add(name, largest(32), largest(32), std::move(f));
  };
  for (const char* shape : {"[4, 3]", "[2, 1]", "[2, 3, 2, 2]", "[1, 2, 3, 1]"}) {
    for (double eps : {1e-5, 0.125}) {
      norm(std::string("batch_norm/") + shape + ", eps " + (eps == 0.125 ? "0.125" : "1e-05"),
           [=](In x, In) { return batch_norm(x[0], x[1], x[2], eps); });
      norm(std::string("batch_norm_leaky_relu/") + shape + ", eps " +
               (eps == 0.125 ? "0.125" : "1e-05"),
           [=](In x, In) { return batch_norm_leaky_relu(x[0], x[1], x[2], 0.25, eps); });
    }
  }
  for (const auto& [shape, count] : {std::pair{"[4]", 1},
                                     {"[2, 3]", 1},
                                     {"[2, 3]", 2},
                                     {"[2, 2, 3]", 2},
                                     {"[2, 2, 2, 3]", 3},
                                     {"[2, 2, 2, 3]", 1}}) {
    const int axes = count;
    const std::string name =
        std::string("layer_norm/") + shape + ", " + std::to_string(axes) + " axes";
    norm(name, [=](In x, In) { return layer_norm(x[0], axes, x[1], x[2]); });
    norm(name + ", bare, eps 0.125",
         [=](In x, In) { return layer_norm(x[0], axes, {}, {}, 0.125); });
  }
  for (const auto& [shape, count] : {std::pair{"[2, 4]", 2},
                                     {"[2, 4]", 1},
                                     {"[1, 2, 3]", 2},
                                     {"[2, 4, 2, 2]", 2},
                                     {"[1, 6, 1, 2]", 3},
                                     {"[3, 2, 2, 1]", 1}}) {
    const int groups = count;
    const std::string name =
        std::string("group_norm/") + shape + ", " + std::to_string(groups) + " groups";
    norm(name, [=](In x, In) { return group_norm(x[0], groups, x[1], x[2]); });
    norm(name + ", bare, eps 0.125",
         [=](In x, In) { return group_norm(x[0], groups, {}, {}, 0.125); });
  }
  for (const char* shape : {"[2, 3, 2, 2]", "[1, 1, 3, 4]", "[3, 2, 1, 5]"}) {
    const std::string name = std::string("instance_norm/") + shape;
    norm(name, [](In x, In) { return instance_norm(x[0], x[1], x[2]); });
    norm(name + ", bare, eps 0.125", [](In x, In) { return instance_norm(x[0], {}, {}, 0.125); });
  }
}

// At most twelve roundings one behind the other, in kl_gaussian.
void add_losses(Table& t) {
  const auto loss = [&t](const std::string& name, Table::Function f) {
    t.add(name, largest(12), largest(12), std::move(f));
  };
  const std::vector<std::pair<std::string, Reduction>> reductions = {
      {"mean", Reduction::kMean}, {"sum", Reduction::kSum}, {"none", Reduction::kNone}};
  for (const auto& [word, reduction] : reductions) {
    const Reduction r = reduction;
    for (const char* shape : {"[6]", "[3, 4]"}) {
      const std::string sample = std::string("/") + shape + ", " + word;
      loss("bce_with_logits" + sample, [=](In x, In c) { return bce_with_logits(x[0], c[0], r); });
      for (double target : {0.0, 1.0, 0.75}) {
        loss("bce_with_logits" + sample + ", target " + nn::short_number(target),
             [=](In x, In) { return bce_with_logits(x[0], target, r); });
      }
      loss("mse" + sample, [=](In x, In) { return mse(x[0], x[1], r); });
      loss("l1" + sample, [=](In x, In) { return l1(x[0], x[1], r); });
      for (double beta : {0.5, 1.0, 2.0}) {
        loss("smooth_l1" + sample + ", beta " + nn::short_number(beta),
             [=](In x, In) { return smooth_l1(x[0], x[1], beta, r); });
      }
      for (int target : {1, -1}) {
        loss("hinge" + sample + ", target " + std::to_string(target),
             [=](In x, In) { return hinge(x[0], target, r); });
      }
      loss("kl_gaussian" + sample,
           [=](In x, In) { return kl_gaussian(x[0], x[1], x[2], x[3], r); });
    }
    for (const char* shape : {"[4, 3]", "[1, 5]", "[6, 2]"}) {
      loss(std::string("softmax_cross_entropy/") + shape + ", " + word,
           [=](In x, In c) { return softmax_cross_entropy(x[0], labels_of(c[0]), r); });
    }
  }
  loss("bce_with_logits/far out", [](In x, In c) { return bce_with_logits(x[0], c[0]); });
  loss("l1/equal elements", [](In x, In) { return l1(x[0], x[1]); });
  loss("smooth_l1/at its joints",
       [](In x, In) { return smooth_l1(x[0], x[1], 1, Reduction::kNone); });
  loss("hinge/at its kink", [](In x, In) { return hinge(x[0], 1, Reduction::kNone); });
}

}  // namespace forger::parity
